// SPDX-License-Identifier: Apache-2.0

//! Malformed and wrong proofs and public inputs.

use super::{
	fixtures::{proof_bytes, Fixture},
	points::{refused_g1, refused_g2, torsion},
	prepare, verify, Case,
};
use crate::{Element, Error};
use ark_bls12_381::{g1, Fr};
use ark_ff::{BigInteger, PrimeField};
use proofpod_primitives::{ProofBytes, Scalar};

/// `input + order`, which is the same scalar in a second encoding.
fn plus_order(input: &Scalar) -> Scalar {
	let mut sum = <Fr as PrimeField>::MODULUS;
	let value = crate::decode_scalar::<Fr>(input).unwrap().into_bigint();
	assert!(!sum.add_with_carry(&value));
	Scalar(sum.to_bytes_le().try_into().unwrap())
}

/// Proofs and public inputs that must be refused, each under an honest key.
pub(super) fn refused() -> Vec<Case> {
	let fixture = Fixture::new(4);
	let other = Fixture::seeded(4, 2);
	let honest = Case {
		name: String::new(),
		key: fixture.key.clone(),
		inputs: fixture.inputs.clone(),
		proof: fixture.proof,
		expected: Ok(()),
	};
	let mut cases = Vec::new();
	let mut with_inputs = |name: String, inputs: Vec<Scalar>, error: Error| {
		cases.push(Case { name, inputs, expected: Err(error), ..honest.clone() });
	};

	let mut swapped = fixture.inputs.clone();
	swapped.swap(1, 2);
	with_inputs("two public inputs exchanged".into(), swapped, Error::Invalid);
	with_inputs("another statement".into(), other.inputs.clone(), Error::Invalid);
	with_inputs("zeroes as public inputs".into(), vec![Scalar([0; 32]); 4], Error::Invalid);
	for index in 0..4 {
		let mut inputs = fixture.inputs.clone();
		inputs[index] = plus_order(&inputs[index]);
		with_inputs(
			format!("public input {index} plus the order"),
			inputs,
			Error::InputNotCanonical { index },
		);
	}
	for found in [0, 3, 5, 19, 20] {
		let mut inputs = fixture.inputs.clone();
		inputs.resize(found, Scalar([0; 32]));
		with_inputs(
			format!("{found} public inputs"),
			inputs,
			Error::InputCount { expected: 4, found },
		);
	}

	let mut with_proof = |name: String, proof: ProofBytes, error: Error| {
		cases.push(Case { name, proof, expected: Err(error), ..honest.clone() });
	};
	with_proof("proof of another key".into(), other.proof, Error::Invalid);
	let mut exchanged = fixture.reference_proof.clone();
	core::mem::swap(&mut exchanged.a, &mut exchanged.c);
	with_proof("A and C exchanged".into(), proof_bytes(&exchanged), Error::Invalid);
	for (name, start) in [("A", 0), ("B", 48), ("C", 144)] {
		let mut proof = fixture.proof;
		proof.0[start] ^= 0x20;
		with_proof(format!("{name} negated"), proof, Error::Invalid);
	}
	let places = [
		("A", Element::A, 0, refused_g1()),
		("B", Element::B, 48, refused_g2()),
		("C", Element::C, 144, refused_g1()),
	];
	for (name, element, start, refused) in places {
		for (kind, bytes, fault) in refused {
			let mut proof = fixture.proof;
			proof.0[start..start + bytes.len()].copy_from_slice(&bytes);
			with_proof(format!("{name}: {kind}"), proof, fault.of(element));
		}
	}
	cases.push(Case {
		name: "another circuit's key".into(),
		key: other.key,
		expected: Err(Error::Invalid),
		..honest
	});
	cases
}

#[test]
fn every_refused_proof_gets_its_error() {
	let cases = refused();
	assert!(cases.len() > 60);
	cases.iter().for_each(Case::check);
}

#[test]
fn a_flip_of_any_bit_is_refused() {
	let fixture = Fixture::new(4);
	let key = prepare(&fixture.key).unwrap();
	assert_eq!(verify(&key, &fixture.proof, &fixture.inputs), Ok(()));
	for byte in 0..ProofBytes::SIZE {
		for mask in (0..8).map(|bit| 1u8 << bit).chain([0xff]) {
			let mut proof = fixture.proof;
			proof.0[byte] ^= mask;
			assert!(
				verify(&key, &proof, &fixture.inputs).is_err(),
				"byte {byte}, mask {mask:#04x}"
			);
		}
	}
}

#[test]
fn every_byte_may_be_replaced_by_any_other_but_not_accepted() {
	let fixture = Fixture::new(1);
	let key = prepare(&fixture.key).unwrap();
	for byte in [0, 47, 48, 95, 96, 143, 144, 191] {
		for value in (0..=u8::MAX).filter(|value| *value != fixture.proof.0[byte]) {
			let mut proof = fixture.proof;
			proof.0[byte] = value;
			assert!(verify(&key, &proof, &fixture.inputs).is_err(), "byte {byte} = {value:#04x}");
		}
	}
}

/// What the subgroup check is for: the pairing alone does not see torsion.
#[test]
fn torsion_that_the_equation_does_not_see_is_refused() {
	let fixture = Fixture::new(4);
	let mut proof = fixture.reference_proof.clone();
	proof.c = (proof.c + torsion::<g1::Config>(3)).into();
	assert!(fixture.reference_accepts(&proof, &fixture.scalars), "the equation alone would refuse");
	assert_eq!(
		verify(&prepare(&fixture.key).unwrap(), &proof_bytes(&proof), &fixture.inputs),
		Err(Error::NotInSubgroup { element: Element::C })
	);
}
