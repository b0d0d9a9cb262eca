// SPDX-License-Identifier: Apache-2.0

//! A verifying key: the points that a circuit's setup publishes for its verifiers.

use crate::{
	point::{self, G1_SIZE, G2_SIZE},
	Element, Error, MAX_PUBLIC_INPUTS,
};
use alloc::vec::Vec;
use ark_ec::{pairing::Pairing, AffineRepr};
use ark_serialize::CanonicalSerialize;
use proofpod_primitives::{blake2_256, VerifyingKeyId};

/// Bytes of the number of bases.
const COUNT_SIZE: usize = 8;
/// Bytes before the bases.
const HEADER_SIZE: usize = G1_SIZE + 3 * G2_SIZE + COUNT_SIZE;
/// Bytes of the shortest key, which has no public inputs.
const LEAST_SIZE: usize = HEADER_SIZE + G1_SIZE;
/// Most bases: one for the constant one, one for each public input.
const MAX_BASES: usize = MAX_PUBLIC_INPUTS + 1;

/// A Groth16 verifying key (ePrint 2016/260, §3.2), of which every point is finite and in the
/// subgroup, and which binds each of its public inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyingKey<E: Pairing> {
	/// α·G.
	pub alpha_g1: E::G1Affine,
	/// β·H.
	pub beta_g2: E::G2Affine,
	/// γ·H.
	pub gamma_g2: E::G2Affine,
	/// δ·H.
	pub delta_g2: E::G2Affine,
	/// ((β·uᵢ(τ) + α·vᵢ(τ) + wᵢ(τ)) / γ)·G, first for the constant one, then for each public input.
	pub ic: Vec<E::G1Affine>,
}

impl<E: Pairing> VerifyingKey<E> {
	/// Decodes and checks a key.
	///
	/// # Errors
	/// * [`Error::KeyTooShort`], [`Error::NoBases`], [`Error::TooManyBases`],
	///   [`Error::KeyLength`]: the shape, before any point is read;
	/// * [`Error::NotCompressed`], [`Error::Infinity`], [`Error::NotCanonical`],
	///   [`Error::NotOnCurve`], [`Error::NotInSubgroup`]: the first point it holds for;
	/// * [`Error::RepeatedBase`], [`Error::OppositeBases`]: public inputs that the key does not tell
	///   apart;
	/// * [`Error::ForgeableKey`]: γ = ±δ, as in a setup that was never finished. Then
	///   (α, β, ∓Σ xᵢ·icᵢ) is a proof of anything.
	///
	/// A key that passes can still be a trap laid by whoever made it: only its setup's provenance
	/// says otherwise.
	pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
		let too_short = || Error::KeyTooShort { least: LEAST_SIZE, found: bytes.len() };
		let (alpha, rest) = bytes.split_first_chunk::<G1_SIZE>().ok_or_else(too_short)?;
		let (beta, rest) = rest.split_first_chunk::<G2_SIZE>().ok_or_else(too_short)?;
		let (gamma, rest) = rest.split_first_chunk::<G2_SIZE>().ok_or_else(too_short)?;
		let (delta, rest) = rest.split_first_chunk::<G2_SIZE>().ok_or_else(too_short)?;
		let (count, bases) = rest.split_first_chunk::<COUNT_SIZE>().ok_or_else(too_short)?;
		check_length(u64::from_le_bytes(*count), bases.len())?;

		let key = Self {
			alpha_g1: point::decode(alpha, Element::Alpha)?,
			beta_g2: point::decode(beta, Element::Beta)?,
			gamma_g2: point::decode(gamma, Element::Gamma)?,
			delta_g2: point::decode(delta, Element::Delta)?,
			ic: bases
				.chunks_exact(G1_SIZE)
				.enumerate()
				.map(|(index, base)| point::decode(base, Element::Base(index)))
				.collect::<Result<_, _>>()?,
		};
		key.check_inputs_are_told_apart()?;
		// Finite points with the same x are equal or opposite.
		if key.gamma_g2.x() == key.delta_g2.x() {
			return Err(Error::ForgeableKey);
		}
		Ok(key)
	}

	/// The bytes that [`decode`](Self::decode) reads; the same as those of `ark-groth16`'s
	/// compressed verifying key.
	pub fn encode(&self) -> Vec<u8> {
		let mut bytes =
			Vec::with_capacity(HEADER_SIZE.saturating_add(self.ic.len().saturating_mul(G1_SIZE)));
		// Writing to a vector does not fail.
		let _ = self.alpha_g1.serialize_compressed(&mut bytes);
		let _ = self.beta_g2.serialize_compressed(&mut bytes);
		let _ = self.gamma_g2.serialize_compressed(&mut bytes);
		let _ = self.delta_g2.serialize_compressed(&mut bytes);
		let _ = self.ic.serialize_compressed(&mut bytes);
		bytes
	}

	/// Number of public inputs.
	pub fn public_inputs(&self) -> usize {
		self.ic.len().saturating_sub(1)
	}

	/// Two public inputs with equal or opposite bases are bound only in their sum or difference: a
	/// proof for one pair of values would hold for others.
	fn check_inputs_are_told_apart(&self) -> Result<(), Error> {
		let inputs = self.ic.get(1..).unwrap_or_default();
		for (second, base) in inputs.iter().enumerate() {
			for (first, earlier) in inputs.iter().enumerate().take(second) {
				if base == earlier {
					return Err(Error::RepeatedBase { first, second });
				}
				if base.x() == earlier.x() {
					return Err(Error::OppositeBases { first, second });
				}
			}
		}
		Ok(())
	}
}

/// Whether so many bases are permitted and fill the bytes that follow the header exactly.
fn check_length(count: u64, found: usize) -> Result<(), Error> {
	if count == 0 {
		return Err(Error::NoBases);
	}
	let expected = match usize::try_from(count) {
		Ok(count) if count <= MAX_BASES => count.saturating_mul(G1_SIZE),
		_ => return Err(Error::TooManyBases { most: MAX_BASES, found: count }),
	};
	if found != expected {
		return Err(Error::KeyLength {
			expected: HEADER_SIZE.saturating_add(expected),
			found: HEADER_SIZE.saturating_add(found),
		});
	}
	Ok(())
}

/// A key's identifier: BLAKE2b-256 of its bytes, which for a key that decodes are its only ones.
pub fn verifying_key_id(bytes: &[u8]) -> VerifyingKeyId {
	VerifyingKeyId(blake2_256(bytes))
}
