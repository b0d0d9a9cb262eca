// SPDX-License-Identifier: Apache-2.0

//! One encoding for everything, the same in both engines and in `ark-groth16`.

use super::{
	fixtures::{compressed, proof_bytes, Fixture},
	points::{refused_g1, refused_g2},
	prepare, Hooked,
};
use crate::{
	verifying_key_id, Error, Groth16, Native, PreparedVerifyingKey, Proof, ProofVerifier,
	VerifyingKey, MAX_PUBLIC_INPUTS,
};
use ark_bls12_381::Fr;
use ark_ec::{pairing::Pairing, AffineRepr};
use ark_ff::UniformRand;
use ark_serialize::{CanonicalSerialize, Compress};
use codec::{Decode, Encode, MaxEncodedLen};
use proofpod_primitives::{blake2_256, ProofBytes, Scalar};
use rand::{rngs::StdRng, SeedableRng};

fn bytes(value: &impl CanonicalSerialize, compress: Compress) -> Vec<u8> {
	let mut bytes = Vec::new();
	value.serialize_with_mode(&mut bytes, compress).unwrap();
	bytes
}

/// Encodings of generators' multiples, infinities and a pairing by one engine.
fn encodings<E: Pairing<ScalarField = Fr>>() -> Vec<Vec<u8>> {
	let mut rng = StdRng::seed_from_u64(11);
	let mut all = Vec::new();
	for _ in 0..16 {
		let (left, right) = (Fr::rand(&mut rng), Fr::rand(&mut rng));
		let g1: E::G1Affine = (E::G1Affine::generator() * left).into();
		let g2: E::G2Affine = (E::G2Affine::generator() * right).into();
		for compress in [Compress::Yes, Compress::No] {
			all.extend([bytes(&g1, compress), bytes(&g2, compress)]);
		}
		all.push(bytes(&E::pairing(g1, g2).0, Compress::No));
		all.push(bytes(&left, Compress::Yes));
	}
	for compress in [Compress::Yes, Compress::No] {
		all.push(bytes(&E::G1Affine::zero(), compress));
		all.push(bytes(&E::G2Affine::zero(), compress));
	}
	all
}

#[test]
fn engines_write_the_same_bytes() {
	let native = encodings::<Native>();
	assert_eq!(native, encodings::<Hooked>());
	let sizes: Vec<_> = native.iter().take(6).map(Vec::len).collect();
	assert_eq!(sizes, [48, 96, 96, 192, 576, 32]);
	assert_eq!(native[96][0], 0xc0, "the compressed infinity has no other bits");
}

#[test]
fn engines_refuse_the_same_points() {
	let honest = Fixture::new(1).proof;
	let places = [(0, refused_g1()), (48, refused_g2()), (144, refused_g1())];
	for (start, refused) in places {
		for (kind, bytes, _) in refused {
			let mut proof = honest;
			proof.0[start..start + bytes.len()].copy_from_slice(&bytes);
			let native = Proof::<Native>::decode(&proof).map(|_| ());
			let hooked = Proof::<Hooked>::decode(&proof).map(|_| ());
			assert!(native.is_err(), "{kind}");
			assert_eq!(native, hooked, "{kind}");
		}
	}
}

fn round_trips<E: Pairing>(fixture: &Fixture) {
	let proof = Proof::<E>::decode(&fixture.proof).unwrap();
	assert_eq!(proof.encode(), fixture.proof);
	let key = VerifyingKey::<E>::decode(&fixture.key).unwrap();
	assert_eq!(key.encode(), fixture.key);
	assert_eq!(key.public_inputs(), fixture.inputs.len());
}

#[test]
fn proofs_and_keys_encode_back_to_the_bytes_of_the_reference() {
	for public_inputs in [0, 1, 4, MAX_PUBLIC_INPUTS] {
		let fixture = Fixture::new(public_inputs);
		assert_eq!(fixture.key, compressed(&fixture.verifying_key));
		assert_eq!(fixture.proof, proof_bytes(&fixture.reference_proof));
		round_trips::<Native>(&fixture);
		round_trips::<Hooked>(&fixture);
	}
}

#[test]
fn decoded_points_are_those_of_the_reference() {
	let fixture = Fixture::new(1);
	let proof = Proof::<Native>::decode(&fixture.proof).unwrap();
	let reference = &fixture.reference_proof;
	assert_eq!((proof.a, proof.b, proof.c), (reference.a, reference.b, reference.c));
	let key = VerifyingKey::<Native>::decode(&fixture.key).unwrap();
	let reference = &fixture.verifying_key;
	assert_eq!(key.alpha_g1, reference.alpha_g1);
	assert_eq!(key.beta_g2, reference.beta_g2);
	assert_eq!(key.gamma_g2, reference.gamma_g2);
	assert_eq!(key.delta_g2, reference.delta_g2);
	assert_eq!(key.ic, reference.gamma_abc_g1);
}

#[test]
fn a_keys_identifier_is_the_hash_of_its_bytes() {
	let fixture = Fixture::new(1);
	assert_eq!(verifying_key_id(&fixture.key).0, blake2_256(&fixture.key));
}

#[test]
fn prepared_keys_survive_storage_within_their_bound() {
	for public_inputs in [0, 4, MAX_PUBLIC_INPUTS] {
		let prepared = prepare(&Fixture::new(public_inputs).key).unwrap();
		let stored = prepared.encode();
		assert!(stored.len() <= PreparedVerifyingKey::max_encoded_len());
		assert_eq!(PreparedVerifyingKey::decode(&mut stored.as_slice()).unwrap(), prepared);
	}
	// e(α, β), −γ, −δ, one byte of length, bases.
	assert_eq!(
		PreparedVerifyingKey::max_encoded_len(),
		576 + 2 * 192 + 1 + 96 * (MAX_PUBLIC_INPUTS + 1)
	);
}

#[test]
fn a_prepared_key_that_nobody_prepared_is_an_error() {
	let fixture = Fixture::new(1);
	let honest = prepare(&fixture.key).unwrap().encode();
	let verify = |stored: &[u8], inputs: &[Scalar]| {
		let key = PreparedVerifyingKey::decode(&mut &stored[..]).unwrap();
		Groth16::<Native>::verify(&key, &fixture.proof, inputs)
	};
	assert_eq!(verify(&honest, &fixture.inputs), Ok(()));

	let without_bases = [&honest[..960], &[0]].concat();
	assert_eq!(verify(&without_bases, &[]), Err(Error::CorruptPreparedKey));
	// The first byte of −γ, −δ, a base.
	for start in [576, 768, 961] {
		let mut corrupt = honest.clone();
		corrupt[start] = 0xff;
		assert_eq!(verify(&corrupt, &fixture.inputs), Err(Error::CorruptPreparedKey), "{start}");
	}
	let mut other_pairing = honest.clone();
	other_pairing[0] ^= 1;
	assert_eq!(verify(&other_pairing, &fixture.inputs), Err(Error::Invalid));
}

#[test]
fn errors_say_what_was_expected_and_found() {
	let prepared = prepare(&Fixture::new(4).key).unwrap();
	let error = Groth16::<Native>::verify(&prepared, &ProofBytes([0; 192]), &[]).unwrap_err();
	assert_eq!(error.to_string(), "the verifying key takes 4 public inputs, found 0");
	let error = Proof::<Native>::decode(&ProofBytes([0; 192])).unwrap_err();
	assert_eq!(
		error.to_string(),
		"the proof's A is not a compressed point: send the compressed encoding"
	);
}
