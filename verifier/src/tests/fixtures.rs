// SPDX-License-Identifier: Apache-2.0

//! Keys and proofs that `ark-groth16` makes, the same in every run.

use crate::{encode_scalar, Native};
use ark_bls12_381::Fr;
use ark_ff::UniformRand;
use ark_groth16::{PreparedVerifyingKey, Proof, VerifyingKey};
use ark_relations::{
	gr1cs::{ConstraintSynthesizer, ConstraintSystemRef, SynthesisError},
	lc,
};
use ark_serialize::CanonicalSerialize;
use ark_snark::SNARK;
use proofpod_primitives::{ProofBytes, Scalar};
use rand::{rngs::StdRng, SeedableRng};

/// The reference implementation.
pub(super) type Reference = ark_groth16::Groth16<Native>;

/// Public input `i` is the product of witnesses `i` and `i + 1`, all of them multiplied once more.
#[derive(Clone)]
struct Products {
	witnesses: Vec<Fr>,
}

impl Products {
	fn inputs(&self) -> Vec<Fr> {
		self.witnesses.windows(2).map(|pair| pair[0] * pair[1]).collect()
	}
}

impl ConstraintSynthesizer<Fr> for Products {
	fn generate_constraints(self, cs: ConstraintSystemRef<Fr>) -> Result<(), SynthesisError> {
		let mut variables = Vec::new();
		for value in &self.witnesses {
			variables.push(cs.new_witness_variable(|| Ok(*value))?);
		}
		for (i, product) in self.inputs().into_iter().enumerate() {
			let (left, right) = (variables[i], variables[i + 1]);
			let input = cs.new_input_variable(|| Ok(product))?;
			cs.enforce_r1cs_constraint(|| lc!() + left, || lc!() + right, || lc!() + input)?;
		}
		let (first, square) = (variables[0], self.witnesses[0] * self.witnesses[0]);
		let square = cs.new_witness_variable(|| Ok(square))?;
		cs.enforce_r1cs_constraint(|| lc!() + first, || lc!() + first, || lc!() + square)
	}
}

/// A circuit's key with one statement and its proof.
pub(super) struct Fixture {
	pub(super) verifying_key: VerifyingKey<Native>,
	pub(super) scalars: Vec<Fr>,
	pub(super) reference_proof: Proof<Native>,
	pub(super) key: Vec<u8>,
	pub(super) inputs: Vec<Scalar>,
	pub(super) proof: ProofBytes,
}

impl Fixture {
	/// A circuit with so many public inputs.
	pub(super) fn new(public_inputs: usize) -> Self {
		Self::seeded(public_inputs, 1)
	}

	/// Another key and statement for every seed.
	pub(super) fn seeded(public_inputs: usize, seed: u64) -> Self {
		let mut rng = StdRng::seed_from_u64(seed);
		let witnesses = (0..=public_inputs).map(|_| Fr::rand(&mut rng)).collect();
		let circuit = Products { witnesses };
		let (proving_key, verifying_key) =
			Reference::circuit_specific_setup(circuit.clone(), &mut rng).unwrap();
		let scalars = circuit.inputs();
		let reference_proof = Reference::prove(&proving_key, circuit, &mut rng).unwrap();
		Self {
			key: compressed(&verifying_key),
			inputs: scalars.iter().map(encode_scalar).collect(),
			proof: proof_bytes(&reference_proof),
			verifying_key,
			scalars,
			reference_proof,
		}
	}

	/// The reference implementation's verdict.
	pub(super) fn reference_accepts(&self, proof: &Proof<Native>, inputs: &[Fr]) -> bool {
		let key = PreparedVerifyingKey::from(self.verifying_key.clone());
		Reference::verify_with_processed_vk(&key, inputs, proof).unwrap()
	}
}

/// The reference implementation's compressed bytes.
pub(super) fn compressed(value: &impl CanonicalSerialize) -> Vec<u8> {
	let mut bytes = Vec::new();
	value.serialize_compressed(&mut bytes).unwrap();
	bytes
}

/// A proof of the reference implementation, as bytes.
pub(super) fn proof_bytes(proof: &Proof<Native>) -> ProofBytes {
	ProofBytes(compressed(proof).try_into().unwrap())
}
