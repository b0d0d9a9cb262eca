// SPDX-License-Identifier: Apache-2.0

//! A verifying key as the chain stores it: checked, and with its own pairing done.

use crate::{
	point::{self, G1_UNCOMPRESSED_SIZE, G2_UNCOMPRESSED_SIZE, TARGET_SIZE},
	Error, VerifyingKey, MAX_PUBLIC_INPUTS,
};
use alloc::vec::Vec;
use ark_ec::{pairing::Pairing, CurveGroup};
use ark_ff::AdditiveGroup;
use ark_serialize::Compress;
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Most bases: one for the constant one, one for each public input.
type MaxBases = ConstU32<{ MAX_PUBLIC_INPUTS as u32 + 1 }>;

/// A verifying key that has been checked and brought into the form in which proofs are verified.
///
/// Points are uncompressed, in arkworks' encoding, and the same whichever engine prepared them.
/// Decoding (SCALE) checks sizes only: the value comes out of
/// [`prepare`](crate::ProofVerifier::prepare) and is trusted from then on, so keep it where nobody
/// else writes.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct PreparedVerifyingKey {
	/// e(α, β): the only pairing that does not depend on the proof.
	pub(crate) alpha_beta: [u8; TARGET_SIZE],
	/// −γ, so that verification is one product of Miller loops.
	minus_gamma: [u8; G2_UNCOMPRESSED_SIZE],
	/// −δ.
	minus_delta: [u8; G2_UNCOMPRESSED_SIZE],
	/// Bases of the constant one and of the public inputs.
	bases: BoundedVec<[u8; G1_UNCOMPRESSED_SIZE], MaxBases>,
}

impl PreparedVerifyingKey {
	/// Number of public inputs.
	pub fn public_inputs(&self) -> usize {
		self.bases.len().saturating_sub(1)
	}

	/// Prepares a checked key.
	pub(crate) fn new<E: Pairing>(key: &VerifyingKey<E>) -> Result<Self, Error> {
		let alpha_beta = E::final_exponentiation(E::miller_loop(key.alpha_g1, key.beta_g2))
			.ok_or(Error::DegeneratePairing)?;
		let bases = key
			.ic
			.iter()
			.map(|base| point::encode(base, Compress::No))
			.collect::<Result<Vec<_>, _>>()?;
		let found = bases.len();
		Ok(Self {
			alpha_beta: encode_target::<E>(&alpha_beta.0)?,
			minus_gamma: opposite::<E>(key.gamma_g2)?,
			minus_delta: opposite::<E>(key.delta_g2)?,
			bases: bases.try_into().map_err(|_| Error::TooManyBases {
				most: MAX_PUBLIC_INPUTS.saturating_add(1),
				found: u64::try_from(found).unwrap_or(u64::MAX),
			})?,
		})
	}

	/// −γ.
	pub(crate) fn minus_gamma<E: Pairing>(&self) -> Result<E::G2Affine, Error> {
		point::decode_trusted(&self.minus_gamma)
	}

	/// −δ.
	pub(crate) fn minus_delta<E: Pairing>(&self) -> Result<E::G2Affine, Error> {
		point::decode_trusted(&self.minus_delta)
	}

	/// Bases of the constant one and of the public inputs.
	pub(crate) fn bases<E: Pairing>(&self) -> Result<Vec<E::G1Affine>, Error> {
		self.bases.iter().map(|base| point::decode_trusted(base)).collect()
	}
}

/// The bytes of an element of the target field: twelve coordinates, each reduced.
pub(crate) fn encode_target<E: Pairing>(
	element: &E::TargetField,
) -> Result<[u8; TARGET_SIZE], Error> {
	point::encode(element, Compress::No)
}

fn opposite<E: Pairing>(point: E::G2Affine) -> Result<[u8; G2_UNCOMPRESSED_SIZE], Error> {
	let mut group: E::G2 = point.into();
	group.neg_in_place();
	point::encode(&group.into_affine(), Compress::No)
}
