// SPDX-License-Identifier: Apache-2.0

//! Multi-scalar multiplication `Σ sᵢ·Pᵢ`, for scalars most of which are small.
//!
//! Pippenger's bucket method (Bernstein, Doumen, Lange, Oosterwijk: *Faster batch forgery
//! identification*, §4) with signed digits.
//!
//! * A scalar counts as the smaller of `s` and `r − s`, with a sign: one, minus one and other small
//!   numbers have few digits, and digits that are zero cost nothing. That is nearly every scalar of
//!   an assignment. No class of scalars needs a path of its own: bits all fall into one bucket.
//! * Points are sorted by bucket, and all buckets of a window are [summed](super::sums) at once.
//! * Buckets are weighed by rows and columns: bucket `64·i + j` counts once for row `i` and once
//!   for column `j`, which are summed in the same way; only these sums are weighed one by one.

use super::{
	sums::{sums, Entry},
	windows::{bit_length, Windows},
	Affine, Arithmetic, Group,
};
use ark_bls12_381::Fr;
use ark_ff::{BigInteger, PrimeField};
use rayon::prelude::*;
use zeroize::Zeroize;

/// A scalar, and the point that it belongs to.
struct Term {
	/// `|s|`, less than half the group's order.
	magnitude: [u64; 4],
	index: u32,
	negative: bool,
}

/// Scalars ready to be multiplied with. As secret as they are: wiped when dropped.
pub(crate) struct Scalars {
	terms: Vec<Term>,
}

impl Drop for Scalars {
	fn drop(&mut self) {
		self.terms.iter_mut().for_each(|term| {
			term.magnitude.zeroize();
			term.index.zeroize();
			term.negative.zeroize();
		});
	}
}

impl Scalars {
	/// Takes the scalars of points 0, 1, ….
	pub(crate) fn new(scalars: &[Fr]) -> Self {
		Self::permuted(scalars, |index| index)
	}

	/// Takes scalars of which the one at `position` belongs to point `index(position)`.
	pub(crate) fn permuted(scalars: &[Fr], index: impl Fn(usize) -> usize + Sync) -> Self {
		let mut largest_half = Fr::MODULUS;
		largest_half.div2();
		// As many terms as scalars, zeroes too: collected where they stay, without copies.
		let terms = scalars.par_iter().enumerate().map(|(position, scalar)| {
			let mut magnitude = scalar.into_bigint();
			let negative = magnitude > largest_half;
			if negative {
				let scalar = std::mem::replace(&mut magnitude, Fr::MODULUS);
				magnitude.sub_with_borrow(&scalar);
			}
			Term { magnitude: magnitude.0, index: index(position) as u32, negative }
		});
		Self { terms: terms.collect() }
	}
}

/// `Σ sᵢ·Pᵢ₋first`, over the scalars that have a point.
pub(crate) fn multiply<B: Arithmetic<G::Coordinate>, G: Group>(
	points: &[Affine<G::Coordinate>],
	scalars: &Scalars,
	first: usize,
) -> G {
	let present = |term: &&Term| {
		let index = (term.index as usize).checked_sub(first);
		let point = index.and_then(|index| points.get(index));
		term.magnitude != [0; 4] && point.is_some_and(|point| !point.is_infinity())
	};
	let present: Vec<&Term> = scalars.terms.par_iter().filter(present).collect();
	let mut lengths = [0usize; 257];
	for term in &present {
		lengths[bit_length(&term.magnitude)] += 1;
	}
	let windows = Windows::cheapest(&lengths);
	let sums: Vec<G> = (0..windows.count)
		.into_par_iter()
		.map(|window| window_sum::<B, G>(points, &present, first as u32, &windows, window))
		.collect();
	let mut result = G::ZERO;
	for sum in sums.iter().rev() {
		for _ in 0..windows.width {
			result.double_in_place();
		}
		result += sum;
	}
	result
}

/// `Σ dᵢ·Pᵢ` for the digits of one window.
fn window_sum<B: Arithmetic<G::Coordinate>, G: Group>(
	points: &[Affine<G::Coordinate>],
	terms: &[&Term],
	first: u32,
	windows: &Windows,
	window: usize,
) -> G {
	// With room for all: growing would leave copies behind.
	let mut entries: Vec<(u32, Entry)> = Vec::with_capacity(terms.len());
	let mut ends = vec![0usize; windows.buckets()];
	for term in terms {
		let digit = windows.digit(&term.magnitude, window);
		if digit != 0 {
			let bucket = digit.unsigned_abs() as usize - 1;
			let negative = term.negative != (digit < 0);
			ends[bucket] += 1;
			entries.push((bucket as u32, Entry::new(term.index - first, negative)));
		}
	}
	let mut total = 0;
	for end in &mut ends {
		total += *end;
		*end = total;
	}
	let mut starts = ends.clone();
	let mut sorted = vec![Entry::default(); entries.len()];
	for (bucket, entry) in entries.iter().rev() {
		let place = &mut starts[*bucket as usize];
		*place -= 1;
		sorted[*place] = *entry;
	}
	let sums = sums::<B, _>(points, &sorted, &ends);
	entries.iter_mut().for_each(|(bucket, entry)| {
		bucket.zeroize();
		entry.zeroize();
	});
	sorted.iter_mut().for_each(Entry::zeroize);
	weighted_sum::<B, G>(&sums, windows.width - 1)
}

/// `Σ (i + 1)·bucketsᵢ` for `2^bits` buckets.
fn weighted_sum<B: Arithmetic<G::Coordinate>, G: Group>(
	buckets: &[Affine<G::Coordinate>],
	bits: usize,
) -> G {
	let (columns, rows) = (1usize << bits.div_ceil(2), 1usize << (bits / 2));
	let by_column =
		(0..columns).flat_map(|column| (0..rows).map(move |row| row * columns + column));
	let entries: Vec<Entry> = (0..buckets.len())
		.chain(by_column)
		.map(|bucket| Entry::new(bucket as u32, false))
		.collect();
	let ends: Vec<usize> = (1..=rows)
		.map(|row| row * columns)
		.chain((1..=columns).map(|column| buckets.len() + column * rows))
		.collect();
	let sums = sums::<B, _>(buckets, &entries, &ends);
	let (row_sums, column_sums) = sums.split_at(rows);
	// Bucket `row·columns + column` weighs `row·columns + (column + 1)`.
	let mut result: G = running_sum(row_sums.get(1..).unwrap_or_default());
	for _ in 0..bits.div_ceil(2) {
		result.double_in_place();
	}
	result += running_sum::<G>(column_sums);
	result
}

/// `Σ (i + 1)·pointsᵢ`.
fn running_sum<G: Group>(points: &[Affine<G::Coordinate>]) -> G {
	let (mut sum, mut result) = (G::ZERO, G::ZERO);
	for point in points.iter().rev() {
		sum += &G::Affine::from(point);
		result += sum;
	}
	result
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::curve::{Arkworks, Fastest, G1};
	use ark_bls12_381::{G1Affine, G1Projective, G2Projective};
	use ark_ec::{AffineRepr, CurveGroup, VariableBaseMSM};
	use ark_ff::{AdditiveGroup, Field, UniformRand};
	use rand::{rngs::StdRng, Rng, RngCore, SeedableRng};

	/// Scalars of all kinds that circuits have, and some that they have not.
	fn scalars(length: usize, rng: &mut StdRng) -> Vec<Fr> {
		let half = (-Fr::ONE) / Fr::from(2u64);
		(0..length)
			.map(|_| match rng.next_u32() % 14 {
				0..=2 => Fr::ZERO,
				3..=5 => Fr::ONE,
				6 => -Fr::ONE,
				7 => Fr::from(rng.next_u32() as u8),
				8 => -Fr::from(rng.next_u32()),
				9 => Fr::from(rng.next_u64()),
				10 => Fr::from(2u64).pow([rng.gen_range(0..255)]),
				11 => half + Fr::from(rng.next_u32() % 3),
				_ => Fr::rand(rng),
			})
			.collect()
	}

	/// Random points among which are infinite, equal and opposite ones.
	fn points<P: AffineRepr>(length: usize, rng: &mut StdRng) -> Vec<P> {
		let mut points: Vec<P> = Vec::with_capacity(length);
		for place in 0..length {
			let other = points.get(rng.gen_range(0..length)).copied();
			let point = match (place % 5, other) {
				(1, _) => P::zero(),
				(2, Some(other)) => other,
				(3, Some(other)) => (-other.into_group()).into_affine(),
				_ => P::Group::rand(rng).into_affine(),
			};
			points.push(point);
		}
		points
	}

	fn check<G>(lengths: &[usize])
	where
		G: Group + VariableBaseMSM<MulBase = G::Affine>,
		Affine<G::Coordinate>: for<'a> From<&'a G::Affine>,
		Fastest: Arithmetic<G::Coordinate>,
		Arkworks: Arithmetic<G::Coordinate>,
	{
		let mut rng = StdRng::seed_from_u64(9);
		for length in lengths {
			let theirs = points::<G::Affine>(*length, &mut rng);
			let ours: Vec<_> = theirs.iter().map(Affine::from).collect();
			let scalars = scalars(*length, &mut rng);
			let expected = G::msm(&theirs, &scalars).unwrap();
			let prepared = Scalars::new(&scalars);
			assert_eq!(multiply::<Fastest, G>(&ours, &prepared, 0), expected, "{length}");
			assert_eq!(multiply::<Arkworks, G>(&ours, &prepared, 0), expected, "{length}");
			// Without the first points, and with scalars that have no point.
			let first = length / 3;
			let kept = first..length - length / 4;
			let expected = G::msm(&theirs[kept.clone()], &scalars[kept.clone()]);
			let sum = multiply::<Fastest, G>(&ours[kept], &prepared, first);
			assert_eq!(sum, expected.unwrap(), "{length}");
		}
	}

	#[test]
	fn sums_in_g1_are_those_of_arkworks() {
		check::<G1Projective>(&[0, 1, 2, 3, 31, 100, 1000, 20_000]);
	}

	#[test]
	fn sums_in_g2_are_those_of_arkworks() {
		check::<G2Projective>(&[0, 1, 2, 5, 64, 3000]);
	}

	#[test]
	fn permuted_scalars_meet_their_points() {
		let mut rng = StdRng::seed_from_u64(2);
		let theirs = points::<G1Affine>(300, &mut rng);
		let ours: Vec<_> = theirs.iter().map(G1::from).collect();
		let mut scalars = scalars(300, &mut rng);
		let expected = G1Projective::msm(&theirs, &scalars).unwrap();
		scalars.reverse();
		let scalars = Scalars::permuted(&scalars, |position| 299 - position);
		assert_eq!(multiply::<Fastest, G1Projective>(&ours, &scalars, 0), expected);
	}

	/// One scalar, so that every doubling and every bucket can be seen.
	#[test]
	fn every_digit_counts() {
		let generator = G1Affine::generator();
		let mut rng = StdRng::seed_from_u64(3);
		for exponent in 0..255u64 {
			let power = Fr::from(2u64).pow([exponent]);
			for scalar in [power, power - Fr::ONE, power + Fr::ONE, power * Fr::rand(&mut rng)] {
				let sum: G1Projective = multiply::<Fastest, _>(
					&[G1::from(&generator)],
					&Scalars::new(std::slice::from_ref(&scalar)),
					0,
				);
				assert_eq!(sum, generator * scalar, "2^{exponent}");
			}
		}
	}
}
