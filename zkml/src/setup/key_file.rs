// SPDX-License-Identifier: Apache-2.0

//! The proving key's file, version 2, and its place in memory.
//!
//! | bytes | content |
//! |---|---|
//! | 8 | `ppod-key` |
//! | 8 | version 2 |
//! | 3 × 8 | numbers of public inputs `p` and of witnesses `w`, size `n` of the evaluation domain |
//! | 3 × 96 | `α`, `β`, `δ` in G1 |
//! | 3 × 192 | `β`, `γ`, `δ` in G2 |
//! | 96·(1 + p) | the verifying key's bases |
//! | 96·(1 + p + w), twice | the A query; the B query in G1 |
//! | 96·w | the L query |
//! | 96·(n − 1) | the H query |
//! | 192·(1 + p + w) | the B query in G2 |
//!
//! Numbers are 64-bit. A point is its affine coordinates, an element of the quadratic extension its
//! two coefficients, lowest first, and an element of the base field six 64-bit limbs, least
//! significant first, in Montgomery form with `R = 2^384`; infinity is all zero. Everything is
//! little-endian: the file is computed with as it lies in the memory of a little-endian machine,
//! and nothing is decoded, copied or allocated.
//!
//! # What is checked
//!
//! A file is known by its digest, BLAKE2b-256 of all its bytes. Nothing in it is used before the
//! digest was found right, its length is the one that its counts give, and every coordinate is below
//! the modulus. That points lie on the curve is not checked: the digest says so.
//!
//! A file that is overwritten in place while it is mapped changes under the prover. Every bit
//! pattern is a value of the types that are read from it, and no length, index or address comes from
//! it once it is open, so what follows are wrong proofs; the prover verifies each with a verifying
//! key of its own, in its own memory, before it hands it out. A file that is made *shorter* while
//! it is mapped has no memory behind it any more: the operating system stops the process. Replace
//! files by renaming, as `setup` does.

use super::SetupError;
use crate::{
	circuit::Dimensions,
	curve::{Affine, Coordinate, Fp, Fp2, G1, G2},
};
use ark_bls12_381::{Bls12_381, G1Affine, G2Affine};
use blake2::{digest::consts::U32, Blake2b, Digest as _};
use memmap2::{Mmap, MmapMut};
use proofpod_primitives::Digest;
use proofpod_verifier::Native;
use rayon::prelude::*;
use std::{
	fmt,
	fs::File,
	io::{BufWriter, Write},
	ops::Range,
};

#[cfg(target_endian = "big")]
compile_error!("a proving key's file is mapped as little-endian limbs");

const MAGIC: &[u8; 8] = b"ppod-key";
/// Version of the file.
pub(super) const VERSION: u64 = 2;
const HEADER: usize = 8 + 4 * 8;
/// Bytes that are written to a file at once.
const BUFFER: usize = 1 << 20;
/// Points that are looked at or written at once.
const BATCH: usize = 1 << 12;
/// Most points in a query: what indices of the multi-scalar multiplication hold.
const MAX_POINTS: u64 = 1 << 31;

/// The numbers that give a key's file its layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counts {
	pub(super) public_inputs: u64,
	pub(super) witnesses: u64,
	pub(super) domain: u64,
}

/// Where the points of a key's file are.
#[derive(Clone, Debug)]
struct Layout {
	counts: Counts,
	singles_g1: Range<usize>,
	singles_g2: Range<usize>,
	bases: Range<usize>,
	a: Range<usize>,
	b_g1: Range<usize>,
	l: Range<usize>,
	h: Range<usize>,
	b_g2: Range<usize>,
}

impl Layout {
	/// The layout that a file's header gives it.
	fn of(file: &[u8]) -> Result<Self, SetupError> {
		let (magic, rest) = file.split_first_chunk::<8>().ok_or(SetupError::Kind)?;
		let (numbers, _) = rest.split_first_chunk::<32>().ok_or(SetupError::Kind)?;
		let mut numbers = numbers.chunks_exact(8).map(|bytes| {
			bytes.iter().rev().fold(0u64, |number, byte| (number << 8) | u64::from(*byte))
		});
		let mut number = || numbers.next().ok_or(SetupError::Kind);
		if magic != MAGIC || number()? != VERSION {
			return Err(SetupError::Kind);
		}
		let counts = Counts { public_inputs: number()?, witnesses: number()?, domain: number()? };
		let found = file.len() as u64;
		let layout = Self::new(counts);
		let end = layout.as_ref().map(|layout| layout.b_g2.end as u64);
		match layout {
			Some(layout) if end == Some(found) => Ok(layout),
			_ => Err(SetupError::Length { expected: super::Size(end), found }),
		}
	}

	fn new(counts: Counts) -> Option<Self> {
		let Counts { public_inputs, witnesses, domain } = counts;
		let bases = public_inputs.checked_add(1)?;
		let columns = bases.checked_add(witnesses)?;
		let h = domain.checked_sub(1)?;
		if columns > MAX_POINTS || h > MAX_POINTS {
			return None;
		}
		let mut end = HEADER;
		let mut section = |points: u64, size: usize| {
			let start = end;
			end = usize::try_from(points).ok()?.checked_mul(size)?.checked_add(start)?;
			Some(start..end)
		};
		let (g1, g2) = (size_of::<G1>(), size_of::<G2>());
		Some(Self {
			counts,
			singles_g1: section(3, g1)?,
			singles_g2: section(3, g2)?,
			bases: section(bases, g1)?,
			a: section(columns, g1)?,
			b_g1: section(columns, g1)?,
			l: section(witnesses, g1)?,
			h: section(h, g1)?,
			b_g2: section(columns, g2)?,
		})
	}

	/// The verifying key's bases and all queries in G1, which lie one after the other.
	fn queries_g1(&self) -> Range<usize> {
		self.bases.start..self.h.end
	}
}

/// A proving key: its file, mapped into memory, or a copy of one.
///
/// A mapped file that others overwrite changes under the prover. Nothing follows but wrong proofs,
/// which the prover, who verifies each of them, does not hand out; a file that others cut short,
/// though, makes the operating system stop the process. Replace files by renaming.
pub struct ProvingKey {
	map: Mmap,
	layout: Layout,
	digest: Digest,
}

impl fmt::Debug for ProvingKey {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.debug_struct("ProvingKey")
			.field("digest", &self.digest)
			.field("counts", &self.layout.counts)
			.finish_non_exhaustive()
	}
}

impl ProvingKey {
	/// Maps the file of the proving key that has this digest.
	///
	/// # Errors
	/// When the file is another one, or not a proving key of this version.
	pub fn open(file: &File, expected: &Digest) -> Result<Self, SetupError> {
		Self::checked(map(file)?, Some(expected))
	}

	/// A proving key from its file's bytes, which are copied.
	///
	/// # Errors
	/// When they are not those of a proving key of this version.
	pub fn from_bytes(bytes: &[u8]) -> Result<Self, SetupError> {
		// A map of no length cannot be had, and is no key's.
		if bytes.is_empty() {
			return Err(SetupError::Kind);
		}
		let mut map = MmapMut::map_anon(bytes.len())?;
		map.copy_from_slice(bytes);
		Self::checked(map.make_read_only()?, None)
	}

	fn checked(map: Mmap, expected: Option<&Digest>) -> Result<Self, SetupError> {
		let layout = Layout::of(&map);
		// One pass: what one thread hashes, the others look through.
		let (found, canonical) = rayon::join(
			|| Digest(Blake2b::<U32>::digest(&map).into()),
			|| match &layout {
				Ok(layout) => check_points(&map, layout),
				Err(_) => Ok(()),
			},
		);
		if let Some(expected) = expected.filter(|expected| **expected != found) {
			return Err(SetupError::Digest { expected: *expected, found });
		}
		let layout = layout?;
		canonical?;
		Ok(Self { map, layout, digest: found })
	}

	/// Digest of the file: BLAKE2b-256 of all its bytes.
	pub fn digest(&self) -> Digest {
		self.digest
	}

	/// The file's bytes.
	pub fn as_bytes(&self) -> &[u8] {
		&self.map
	}

	/// The canonical bytes of the verifying key that belongs to it.
	///
	/// # Errors
	/// When the chain's verifier would refuse the key.
	pub fn verifying_key(&self) -> Result<Vec<u8>, SetupError> {
		let [alpha_g1, ..] = self.singles_g1();
		let [beta_g2, gamma_g2, delta_g2] = self.singles_g2();
		let bases = points(&self.map, &self.layout.bases);
		verifying_key_bytes(&proofpod_verifier::VerifyingKey {
			alpha_g1: (&alpha_g1).into(),
			beta_g2: (&beta_g2).into(),
			gamma_g2: (&gamma_g2).into(),
			delta_g2: (&delta_g2).into(),
			ic: bases.iter().map(|point: &G1| point.into()).collect(),
		})
	}

	/// The key as `ark-groth16` has it, in memory of its own.
	pub fn to_ark(&self) -> ark_groth16::ProvingKey<Bls12_381> {
		let [alpha_g1, beta_g1, delta_g1] = self.singles_g1().each_ref().map(G1Affine::from);
		let [beta_g2, gamma_g2, delta_g2] = self.singles_g2().each_ref().map(G2Affine::from);
		let g1 = |points: &[G1]| points.par_iter().map(G1Affine::from).collect::<Vec<_>>();
		ark_groth16::ProvingKey {
			vk: ark_groth16::VerifyingKey {
				alpha_g1,
				beta_g2,
				gamma_g2,
				delta_g2,
				gamma_abc_g1: g1(points(&self.map, &self.layout.bases)),
			},
			beta_g1,
			delta_g1,
			a_query: g1(self.a()),
			b_g1_query: g1(self.b_g1()),
			b_g2_query: self.b_g2().par_iter().map(G2Affine::from).collect(),
			h_query: g1(self.h()),
			l_query: g1(self.l()),
		}
	}

	/// Numbers of public inputs and witnesses, and the size of the evaluation domain.
	pub(crate) fn sizes(&self) -> (usize, usize, usize) {
		let Layout { bases, l, h, .. } = &self.layout;
		let points = |section: &Range<usize>| section.len() / size_of::<G1>();
		(points(bases) - 1, points(l), points(h) + 1)
	}

	/// `α`, `β`, `δ` in G1.
	pub(crate) fn singles_g1(&self) -> [G1; 3] {
		singles(points(&self.map, &self.layout.singles_g1))
	}

	/// `β`, `γ`, `δ` in G2.
	pub(crate) fn singles_g2(&self) -> [G2; 3] {
		singles(points(&self.map, &self.layout.singles_g2))
	}

	/// The A query: a point for each column.
	pub(crate) fn a(&self) -> &[G1] {
		points(&self.map, &self.layout.a)
	}

	/// The B query in G1: a point for each column.
	pub(crate) fn b_g1(&self) -> &[G1] {
		points(&self.map, &self.layout.b_g1)
	}

	/// The B query in G2: a point for each column.
	pub(crate) fn b_g2(&self) -> &[G2] {
		points(&self.map, &self.layout.b_g2)
	}

	/// The L query: a point for each witness.
	pub(crate) fn l(&self) -> &[G1] {
		points(&self.map, &self.layout.l)
	}

	/// The H query: a point for each coefficient of the quotient.
	pub(crate) fn h(&self) -> &[G1] {
		points(&self.map, &self.layout.h)
	}
}

/// Three points; infinity for those that are not there.
fn singles<F: Coordinate>(points: &[Affine<F>]) -> [Affine<F>; 3] {
	[0, 1, 2].map(|index| points.get(index).copied().unwrap_or(Affine::INFINITY))
}

#[allow(unsafe_code)]
fn map(file: &File) -> Result<Mmap, SetupError> {
	// SAFETY: the file may be changed by others while it is mapped, which no check can prevent. What
	// is read from the map are integers, for which every bit pattern is valid; nothing that memory
	// safety rests on is derived from them; and no code here relies on two reads being equal. See
	// the module's documentation.
	Ok(unsafe { Mmap::map(file) }?)
}

/// The points in a range of a key's file.
#[allow(unsafe_code)]
fn points<'a, F: Coordinate>(file: &'a [u8], range: &Range<usize>) -> &'a [Affine<F>] {
	let bytes = file.get(range.clone()).unwrap_or_default();
	// SAFETY: `Affine<F>` is two coordinates without padding, and coordinates are arrays of 64-bit
	// integers: every bit pattern is a value. `align_to` sees to size and alignment.
	let (before, points, after) = unsafe { bytes.align_to::<Affine<F>>() };
	// Maps begin at a page, sections at multiples of eight bytes: nothing is left over.
	debug_assert!(before.is_empty() && after.is_empty());
	points
}

fn check_points(file: &[u8], layout: &Layout) -> Result<(), SetupError> {
	check_section::<Fp>(file, layout.singles_g1.clone())?;
	check_section::<Fp2>(file, layout.singles_g2.clone())?;
	check_section::<Fp>(file, layout.queries_g1())?;
	check_section::<Fp2>(file, layout.b_g2.clone())
}

fn check_section<F: Coordinate>(file: &[u8], section: Range<usize>) -> Result<(), SetupError> {
	let wrong = points::<F>(file, &section)
		.par_iter()
		.with_min_len(BATCH)
		.position_first(|point| !point.is_canonical());
	match wrong {
		Some(index) => {
			Err(SetupError::Point { offset: section.start + index * size_of::<Affine<F>>() })
		},
		None => Ok(()),
	}
}

/// The canonical bytes of a verifying key.
pub(super) fn verifying_key_bytes(
	key: &proofpod_verifier::VerifyingKey<Native>,
) -> Result<Vec<u8>, SetupError> {
	let bytes = key.encode();
	proofpod_verifier::VerifyingKey::<Native>::decode(&bytes).map_err(SetupError::VerifyingKey)?;
	Ok(bytes)
}

/// Writes a proving key that `ark-groth16` made, such as a ceremony's, and returns the file's
/// digest.
///
/// # Errors
/// When the writer fails, or when the queries are not as long as each other needs.
pub fn write_proving_key(
	key: &ark_groth16::ProvingKey<Bls12_381>,
	writer: impl Write,
) -> Result<Digest, SetupError> {
	let public_inputs = (key.vk.gamma_abc_g1.len() as u64).saturating_sub(1);
	let counts = Counts {
		public_inputs,
		witnesses: key.l_query.len() as u64,
		domain: key.h_query.len() as u64 + 1,
	};
	let g1 = |points: &[G1Affine]| points.iter().map(G1::from).collect::<Vec<_>>();
	let g2 = |points: &[G2Affine]| points.iter().map(G2::from).collect::<Vec<_>>();
	let mut file = KeyWriter::new(writer, counts)?;
	file.points(&g1(&[key.vk.alpha_g1, key.beta_g1, key.delta_g1]))?;
	file.points(&g2(&[key.vk.beta_g2, key.vk.gamma_g2, key.vk.delta_g2]))?;
	for query in [&key.vk.gamma_abc_g1, &key.a_query, &key.b_g1_query, &key.l_query, &key.h_query] {
		for batch in query.chunks(BATCH) {
			file.points(&g1(batch))?;
		}
	}
	for batch in key.b_g2_query.chunks(BATCH) {
		file.points(&g2(batch))?;
	}
	file.finish()
}

/// Limbs, in the file's order.
pub(super) trait Limbs: Copy {
	/// Appends their bytes.
	fn append(&self, bytes: &mut Vec<u8>);
}

impl Limbs for Fp {
	fn append(&self, bytes: &mut Vec<u8>) {
		for limb in self.0 {
			bytes.extend_from_slice(&limb.to_le_bytes());
		}
	}
}

impl Limbs for Fp2 {
	fn append(&self, bytes: &mut Vec<u8>) {
		self.0.iter().for_each(|coefficient| coefficient.append(bytes));
	}
}

/// Writes a proving key's file from its beginning to its end.
pub(super) struct KeyWriter<W: Write> {
	writer: BufWriter<W>,
	hasher: Blake2b<U32>,
	written: u64,
	expected: Option<u64>,
}

impl<W: Write> KeyWriter<W> {
	/// Writes the header.
	pub(super) fn new(writer: W, counts: Counts) -> Result<Self, SetupError> {
		let expected = Layout::new(counts).map(|layout| layout.b_g2.end as u64);
		let writer = BufWriter::with_capacity(BUFFER, writer);
		let mut file = Self { writer, hasher: Blake2b::new(), written: 0, expected };
		file.bytes(MAGIC)?;
		for number in [VERSION, counts.public_inputs, counts.witnesses, counts.domain] {
			file.bytes(&number.to_le_bytes())?;
		}
		Ok(file)
	}

	/// Writes the next points.
	pub(super) fn points<F: Limbs>(&mut self, points: &[Affine<F>]) -> Result<(), SetupError> {
		let mut bytes = Vec::with_capacity(size_of_val(points));
		for point in points {
			point.x.append(&mut bytes);
			point.y.append(&mut bytes);
		}
		self.bytes(&bytes)
	}

	/// The digest of what was written.
	pub(super) fn finish(mut self) -> Result<Digest, SetupError> {
		if self.expected != Some(self.written) {
			let expected = super::Size(self.expected);
			return Err(SetupError::Length { expected, found: self.written });
		}
		self.writer.flush()?;
		Ok(Digest(self.hasher.finalize().into()))
	}

	fn bytes(&mut self, bytes: &[u8]) -> Result<(), SetupError> {
		self.writer.write_all(bytes)?;
		self.hasher.update(bytes);
		self.written += bytes.len() as u64;
		Ok(())
	}
}

impl Counts {
	/// Those of a circuit whose evaluation domain has this size.
	pub(super) fn of(dimensions: &Dimensions, domain: usize) -> Self {
		Self {
			public_inputs: dimensions.public_inputs as u64,
			witnesses: dimensions.witnesses as u64,
			domain: domain as u64,
		}
	}
}
