// SPDX-License-Identifier: Apache-2.0

//! Malformed and degenerate verifying keys.

use super::{
	fixtures::{compressed, Fixture, Reference},
	points::{refused_g1, refused_g2},
	prepare, Case,
};
use crate::{Element, Error, MAX_PUBLIC_INPUTS, MAX_VERIFYING_KEY_SIZE};
use ark_bls12_381::G1Affine;
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::One;
use ark_groth16::{PreparedVerifyingKey, Proof};
use ark_serialize::CanonicalSerialize;

/// Where a key's number of bases stands.
const COUNT: core::ops::Range<usize> = 336..344;

fn with_count(key: &[u8], count: u64) -> Vec<u8> {
	let mut key = key.to_vec();
	key[COUNT].copy_from_slice(&count.to_le_bytes());
	key
}

/// Keys that must be refused, each with a proof that was honest under the key it was made from.
pub(super) fn refused() -> Vec<Case> {
	let fixture = Fixture::new(4);
	let key = &fixture.key;
	let mut cases = Vec::new();
	let mut refuse = |name: String, key: Vec<u8>, error: Error| {
		cases.push(Case {
			name,
			key,
			inputs: fixture.inputs.clone(),
			proof: fixture.proof,
			expected: Err(error),
		});
	};

	for found in [0, 1, 48, 343] {
		refuse(
			format!("first {found} bytes"),
			key[..found].to_vec(),
			Error::KeyTooShort { least: 392, found },
		);
	}
	let expected = key.len();
	for found in [344, 391, 392, expected - 48, expected - 1] {
		refuse(
			format!("first {found} bytes"),
			key[..found].to_vec(),
			Error::KeyLength { expected, found },
		);
	}
	for extra in [1, 47, 48, 1000] {
		let mut longer = key.clone();
		longer.resize(expected + extra, 0);
		let found = expected + extra;
		refuse(format!("{extra} trailing bytes"), longer, Error::KeyLength { expected, found });
	}

	refuse("no bases".into(), with_count(key, 0), Error::NoBases);
	for count in [4u64, 6] {
		let required = 344 + 48 * count as usize;
		refuse(
			format!("says {count} bases, has 5"),
			with_count(key, count),
			Error::KeyLength { expected: required, found: expected },
		);
	}
	// The last two overflow, on 64 and on 32 bits, to the true length.
	let most = MAX_PUBLIC_INPUTS + 1;
	for found in [21, 1 << 32, u64::MAX, 5 + (1 << 60), 5 + (1 << 32)] {
		refuse(
			format!("says {found} bases, has 5"),
			with_count(key, found),
			Error::TooManyBases { most, found },
		);
	}
	let large = Fixture::new(MAX_PUBLIC_INPUTS + 1);
	refuse("20 public inputs".into(), large.key, Error::TooManyBases { most, found: 21 });

	let g2 = [
		("beta", Element::Beta, 48),
		("gamma", Element::Gamma, 144),
		("delta", Element::Delta, 240),
	];
	let mut places = vec![("alpha".to_string(), Element::Alpha, 0, refused_g1())];
	places
		.extend(g2.map(|(name, element, start)| (name.to_string(), element, start, refused_g2())));
	places.extend([0, 1, 4].map(|index| {
		(format!("base {index}"), Element::Base(index), COUNT.end + 48 * index, refused_g1())
	}));
	for (name, element, start, refused) in places {
		for (kind, bytes, fault) in refused {
			let mut key = key.clone();
			key[start..start + bytes.len()].copy_from_slice(&bytes);
			refuse(format!("{name}: {kind}"), key, fault.of(element));
		}
	}

	let mut with_key =
		|name: &str, change: &dyn Fn(&mut ark_groth16::VerifyingKey<crate::Native>), error| {
			let mut key = fixture.verifying_key.clone();
			change(&mut key);
			refuse(name.into(), compressed(&key), error);
		};
	with_key(
		"two public inputs with one base",
		&|key| key.gamma_abc_g1[4] = key.gamma_abc_g1[2],
		Error::RepeatedBase { first: 1, second: 3 },
	);
	with_key(
		"two public inputs with opposite bases",
		&|key| key.gamma_abc_g1[2] = -key.gamma_abc_g1[1],
		Error::OppositeBases { first: 0, second: 1 },
	);
	with_key("gamma is delta", &|key| key.gamma_g2 = key.delta_g2, Error::ForgeableKey);
	with_key("gamma is minus delta", &|key| key.gamma_g2 = -key.delta_g2, Error::ForgeableKey);
	cases
}

#[test]
fn every_refused_key_gets_its_error() {
	let cases = refused();
	assert!(cases.len() > 100);
	cases.iter().for_each(Case::check);
}

#[test]
fn every_truncation_is_refused() {
	let fixture = Fixture::new(1);
	assert!(prepare(&fixture.key).is_ok());
	for length in 0..fixture.key.len() {
		assert!(prepare(&fixture.key[..length]).is_err(), "{length} bytes");
	}
}

#[test]
fn the_uncompressed_form_is_refused() {
	let mut bytes = Vec::new();
	Fixture::new(1).verifying_key.serialize_uncompressed(&mut bytes).unwrap();
	assert!(prepare(&bytes).is_err());
}

#[test]
fn the_longest_key_has_the_documented_size() {
	let fixture = Fixture::new(MAX_PUBLIC_INPUTS);
	assert_eq!(fixture.key.len(), MAX_VERIFYING_KEY_SIZE);
	assert_eq!(prepare(&fixture.key).unwrap().public_inputs(), MAX_PUBLIC_INPUTS);
}

/// The constant's base may be that of a public input: each input still moves the sum.
#[test]
fn the_constants_base_may_repeat() {
	let mut key = Fixture::new(4).verifying_key;
	key.gamma_abc_g1[0] = key.gamma_abc_g1[2];
	assert!(prepare(&compressed(&key)).is_ok());
}

/// What the check of γ against δ is for.
#[test]
fn a_key_with_equal_gamma_and_delta_lets_anybody_prove_anything() {
	let mut fixture = Fixture::new(4);
	fixture.verifying_key.gamma_g2 = fixture.verifying_key.delta_g2;
	let key = PreparedVerifyingKey::from(fixture.verifying_key.clone());
	let wrong: Vec<_> =
		fixture.scalars.iter().map(|input| *input + ark_bls12_381::Fr::one()).collect();
	let forged = Proof {
		a: key.vk.alpha_g1,
		b: key.vk.beta_g2,
		c: (-Reference::prepare_inputs(&key, &wrong).unwrap()).into_affine(),
	};
	assert!(fixture.reference_accepts(&forged, &wrong), "the forgery does not work");
	assert_eq!(prepare(&compressed(&fixture.verifying_key)), Err(Error::ForgeableKey));
}

#[test]
fn a_statement_whose_bases_cancel_is_refused_without_a_trap() {
	// Base 0 is the opposite of base 1: with 1 as the public input the sum is the point at infinity.
	let fixture = Fixture::new(1);
	let mut key = fixture.verifying_key.clone();
	key.gamma_abc_g1 = vec![-G1Affine::generator(), G1Affine::generator()];
	let mut one = proofpod_primitives::Scalar([0; 32]);
	one.0[0] = 1;
	assert_eq!(
		super::verify(&prepare(&compressed(&key)).unwrap(), &fixture.proof, &[one]),
		Err(Error::Invalid)
	);
}
