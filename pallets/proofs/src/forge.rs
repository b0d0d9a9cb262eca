// SPDX-License-Identifier: Apache-2.0

//! Keys whose trapdoor is known, and proofs that were made with it.
//!
//! Who knows the scalars behind a verifying key can prove anything under it, by arithmetic alone
//! and in less than a millisecond. Tests and benchmarks need valid proofs of any statement, also
//! where no circuit can be set up: in a runtime. Such a key proves nothing to anybody: that is why
//! a manifest states the provenance of its setup.

// Fields and groups know no overflow.
#![allow(clippy::arithmetic_side_effects)]

use crate::VerifyingKeyBytes;
use alloc::vec::Vec;
use ark_bls12_381::{Bls12_381, Fr, G1Affine, G2Affine};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::Field;
use ark_serialize::CanonicalSerialize;
use proofpod_primitives::{ProofBytes, Scalar, VerifyingKeyId};
use proofpod_verifier::{decode_scalar, verifying_key_id, VerifyingKey};

/// A verifying key with everything that its setup should have forgotten.
#[derive(Clone, Debug)]
pub struct ForgedKey {
	alpha: Fr,
	beta: Fr,
	gamma: Fr,
	delta: Fr,
	/// Bases as multiples of the generator: first for the constant one, then for each input.
	bases: Vec<Fr>,
}

impl ForgedKey {
	/// A key with so many public inputs; every seed gives other ones.
	pub fn new(public_inputs: u32, seed: u64) -> Self {
		// Powers of one number are as different as the chain demands.
		let root = Fr::from(seed) + Fr::from(2);
		let mut powers = core::iter::successors(Some(root), |power| Some(*power * root));
		let mut next = || powers.next().unwrap_or(root);
		Self {
			alpha: next(),
			beta: next(),
			gamma: next(),
			delta: next(),
			bases: (0..=public_inputs).map(|_| next()).collect(),
		}
	}

	/// The key's canonical bytes.
	///
	/// A key with more public inputs than the chain verifies gives none.
	pub fn verifying_key(&self) -> VerifyingKeyBytes {
		let key = VerifyingKey::<Bls12_381> {
			alpha_g1: g1(self.alpha),
			beta_g2: g2(self.beta),
			gamma_g2: g2(self.gamma),
			delta_g2: g2(self.delta),
			ic: self.bases.iter().map(|base| g1(*base)).collect(),
		};
		key.encode().try_into().unwrap_or_default()
	}

	/// The key's id.
	pub fn id(&self) -> VerifyingKeyId {
		verifying_key_id(&self.verifying_key())
	}

	/// A proof that holds for these public inputs, and for no others.
	///
	/// With A = a·G and B = b·H, the equation e(A, B) = e(α, β)·e(Σ xᵢ·icᵢ, γ)·e(C, δ) of Groth16
	/// (ePrint 2016/260, §3.2) is one between scalars, and C follows. Inputs that are no scalars
	/// count as 0.
	pub fn prove(&self, inputs: &[Scalar]) -> ProofBytes {
		let (a, b) = (Fr::from(3), Fr::from(5));
		let inputs = inputs.iter().map(|input| decode_scalar(input).unwrap_or_default());
		let statement: Fr = core::iter::once(Fr::ONE)
			.chain(inputs)
			.zip(&self.bases)
			.map(|(input, base)| input * base)
			.sum();
		let c = (a * b - self.alpha * self.beta - statement * self.gamma)
			* self.delta.inverse().unwrap_or_default();
		let mut bytes = [0; ProofBytes::SIZE];
		// The three points fill the bytes exactly.
		let _ = (g1(a), g2(b), g1(c)).serialize_compressed(bytes.as_mut_slice());
		ProofBytes(bytes)
	}
}

fn g1(scalar: Fr) -> G1Affine {
	(G1Affine::generator() * scalar).into_affine()
}

fn g2(scalar: Fr) -> G2Affine {
	(G2Affine::generator() * scalar).into_affine()
}
