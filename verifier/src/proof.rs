// SPDX-License-Identifier: Apache-2.0

//! A proof: three points.

use crate::{
	point::{self, G1_SIZE, G2_SIZE},
	Element, Error,
};
use ark_ec::pairing::Pairing;
use ark_serialize::Compress;
use core::ops::Range;
use proofpod_primitives::ProofBytes;

const A: Range<usize> = 0..G1_SIZE;
const B: Range<usize> = A.end..A.end + G2_SIZE;
const C: Range<usize> = B.end..B.end + G1_SIZE;

/// A Groth16 proof (ePrint 2016/260, §3.2), of which every point is finite and in the subgroup.
///
/// Anybody can make another valid proof of the same statement out of a proof: neither the points
/// nor the bytes may serve as an identifier or a nullifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof<E: Pairing> {
	/// A.
	pub a: E::G1Affine,
	/// B.
	pub b: E::G2Affine,
	/// C.
	pub c: E::G1Affine,
}

impl<E: Pairing> Proof<E> {
	/// Decodes and checks the three points.
	///
	/// # Errors
	/// [`Error::NotCompressed`], [`Error::Infinity`], [`Error::NotCanonical`],
	/// [`Error::NotOnCurve`] or [`Error::NotInSubgroup`], with the first point it holds for.
	pub fn decode(bytes: &ProofBytes) -> Result<Self, Error> {
		let part = |range: Range<usize>| bytes.0.get(range).unwrap_or_default();
		Ok(Self {
			a: point::decode(part(A), Element::A)?,
			b: point::decode(part(B), Element::B)?,
			c: point::decode(part(C), Element::C)?,
		})
	}

	/// The bytes that [`decode`](Self::decode) reads.
	///
	/// A point of a curve whose encoding has another size than BLS12-381's becomes zeroes, which no
	/// decoder accepts.
	pub fn encode(&self) -> ProofBytes {
		let a = point::encode::<G1_SIZE, _>(&self.a, Compress::Yes).unwrap_or([0; G1_SIZE]);
		let b = point::encode::<G2_SIZE, _>(&self.b, Compress::Yes).unwrap_or([0; G2_SIZE]);
		let c = point::encode::<G1_SIZE, _>(&self.c, Compress::Yes).unwrap_or([0; G1_SIZE]);
		let mut bytes = [0u8; ProofBytes::SIZE];
		for (to, from) in bytes.iter_mut().zip(a.iter().chain(&b).chain(&c)) {
			*to = *from;
		}
		ProofBytes(bytes)
	}
}
