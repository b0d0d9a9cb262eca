// SPDX-License-Identifier: Apache-2.0

//! A circuit that is satisfied by any public inputs and constrains each of them: it asks for the
//! square of each. What a proof of it attests is nothing, but it attests it for exactly these
//! inputs, which is what the market relies on.

use ark_bls12_381::{Bls12_381, Fr};
use ark_groth16::{Groth16, Proof, ProvingKey};
use ark_relations::{
	gr1cs::{ConstraintSynthesizer, ConstraintSystemRef, SynthesisError},
	lc,
};
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize};
use ark_std::rand::{rngs::StdRng, SeedableRng};
use proofpod_primitives::{ProofBytes, Scalar};
use std::{collections::BTreeMap, sync::Mutex};

struct Squares(Vec<Option<Fr>>);

impl ConstraintSynthesizer<Fr> for Squares {
	fn generate_constraints(self, system: ConstraintSystemRef<Fr>) -> Result<(), SynthesisError> {
		for value in self.0 {
			let known = || value.ok_or(SynthesisError::AssignmentMissing);
			let input = system.new_input_variable(known)?;
			let square = system.new_witness_variable(|| known().map(|x| x * x))?;
			system.enforce_r1cs_constraint(
				|| lc!() + input,
				|| lc!() + input,
				|| lc!() + square,
			)?;
		}
		Ok(())
	}
}

/// Keys of the circuit with some number of public inputs.
pub(crate) struct Keys {
	proving: ProvingKey<Bls12_381>,
	/// Canonical bytes of the verifying key.
	pub(crate) verifying: Vec<u8>,
}

/// The keys for this many public inputs, always the same.
pub(crate) fn keys(inputs: usize) -> &'static Keys {
	static KEYS: Mutex<BTreeMap<usize, &'static Keys>> = Mutex::new(BTreeMap::new());
	KEYS.lock().unwrap().entry(inputs).or_insert_with(|| {
		let mut rng = StdRng::seed_from_u64(inputs as u64);
		let proving = Groth16::<Bls12_381>::generate_random_parameters_with_reduction(
			Squares(vec![None; inputs]),
			&mut rng,
		)
		.unwrap();
		let mut verifying = Vec::new();
		proving.vk.serialize_compressed(&mut verifying).unwrap();
		Box::leak(Box::new(Keys { proving, verifying }))
	})
}

fn encode(proof: &Proof<Bls12_381>) -> ProofBytes {
	let mut bytes = [0u8; 192];
	proof.serialize_compressed(bytes.as_mut_slice()).unwrap();
	ProofBytes(bytes)
}

/// A proof for these public inputs.
pub(crate) fn prove(inputs: &[Scalar]) -> ProofBytes {
	let values = inputs
		.iter()
		.map(|scalar| Some(proofpod_verifier::decode_scalar(scalar).unwrap()))
		.collect();
	let mut rng = StdRng::seed_from_u64(0);
	let proof = Groth16::<Bls12_381>::create_random_proof_with_reduction(
		Squares(values),
		&keys(inputs.len()).proving,
		&mut rng,
	)
	.unwrap();
	encode(&proof)
}

/// Another proof of the same statement, made without knowing the witness.
pub(crate) fn rerandomise(inputs: usize, proof: &ProofBytes) -> ProofBytes {
	let proof = Proof::deserialize_compressed(proof.0.as_slice()).unwrap();
	let mut rng = StdRng::seed_from_u64(1);
	let vk = &keys(inputs).proving.vk;
	encode(&Groth16::<Bls12_381>::rerandomize_proof(vk, &proof, &mut rng))
}
