// SPDX-License-Identifier: Apache-2.0

//! Verdicts are those of `ark-groth16`.

use super::{
	fixtures::{proof_bytes, Fixture, Reference},
	prepare, verify,
};
use crate::{encode_scalar, Error, MAX_PUBLIC_INPUTS};
use ark_bls12_381::Fr;
use ark_ff::UniformRand;
use proptest::prelude::*;
use rand::{rngs::StdRng, SeedableRng};

#[test]
fn honest_proofs_of_every_size_are_accepted() {
	for public_inputs in [0, 1, 4, MAX_PUBLIC_INPUTS] {
		let fixture = Fixture::new(public_inputs);
		assert!(fixture.reference_accepts(&fixture.reference_proof, &fixture.scalars));
		let key = prepare(&fixture.key).unwrap();
		assert_eq!(key.public_inputs(), public_inputs);
		assert_eq!(verify(&key, &fixture.proof, &fixture.inputs), Ok(()), "{public_inputs} inputs");
	}
}

#[test]
fn re_randomised_proofs_are_accepted_and_differ_in_bytes() {
	let fixture = Fixture::new(4);
	let key = prepare(&fixture.key).unwrap();
	let mut rng = StdRng::seed_from_u64(7);
	let mut proof = fixture.reference_proof.clone();
	for _ in 0..3 {
		let other = Reference::rerandomize_proof(&fixture.verifying_key, &proof, &mut rng);
		assert_ne!(proof_bytes(&other), proof_bytes(&proof));
		assert_eq!(verify(&key, &proof_bytes(&other), &fixture.inputs), Ok(()));
		proof = other;
	}
}

#[test]
fn negating_a_and_b_makes_another_valid_proof() {
	let fixture = Fixture::new(4);
	let mut proof = fixture.reference_proof.clone();
	proof.a = -proof.a;
	assert_eq!(
		verify(&prepare(&fixture.key).unwrap(), &proof_bytes(&proof), &fixture.inputs),
		Err(Error::Invalid)
	);
	proof.b = -proof.b;
	assert_eq!(
		verify(&prepare(&fixture.key).unwrap(), &proof_bytes(&proof), &fixture.inputs),
		Ok(())
	);
}

#[test]
fn a_wrong_value_of_any_public_input_is_refused() {
	let fixture = Fixture::new(MAX_PUBLIC_INPUTS);
	let key = prepare(&fixture.key).unwrap();
	for index in 0..MAX_PUBLIC_INPUTS {
		let mut scalars = fixture.scalars.clone();
		scalars[index] += Fr::from(1u64);
		assert!(!fixture.reference_accepts(&fixture.reference_proof, &scalars));
		let inputs: Vec<_> = scalars.iter().map(encode_scalar).collect();
		assert_eq!(verify(&key, &fixture.proof, &inputs), Err(Error::Invalid), "input {index}");
	}
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(24))]

	#[test]
	fn verdicts_on_arbitrary_statements_are_those_of_the_reference(
		public_inputs in 1usize..6,
		seed in 2u64..1_000_000,
		tampered: bool,
	) {
		let fixture = Fixture::seeded(public_inputs, seed);
		let key = prepare(&fixture.key).unwrap();
		let mut scalars = fixture.scalars.clone();
		if tampered {
			scalars[seed as usize % public_inputs] = Fr::rand(&mut StdRng::seed_from_u64(seed));
		}
		let expected = fixture.reference_accepts(&fixture.reference_proof, &scalars);
		prop_assert_eq!(expected, !tampered);
		let inputs: Vec<_> = scalars.iter().map(encode_scalar).collect();
		prop_assert_eq!(verify(&key, &fixture.proof, &inputs).is_ok(), expected);
	}
}
