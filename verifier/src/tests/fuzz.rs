// SPDX-License-Identifier: Apache-2.0

//! Arbitrary bytes never panic and never verify.

use super::{fixtures::Fixture, prepare, verify, Hooked};
use crate::{Native, PreparedVerifyingKey, Proof, MAX_VERIFYING_KEY_SIZE};
use proofpod_primitives::{ProofBytes, Scalar};
use proptest::{collection::vec, prelude::*};
use std::sync::LazyLock;

static HONEST: LazyLock<(Fixture, PreparedVerifyingKey)> = LazyLock::new(|| {
	let fixture = Fixture::new(4);
	let key = prepare(&fixture.key).unwrap();
	(fixture, key)
});

/// 192 bytes.
fn proof_bytes() -> impl Strategy<Value = ProofBytes> {
	vec(any::<u8>(), ProofBytes::SIZE).prop_map(|bytes| ProofBytes(bytes.try_into().unwrap()))
}

/// 192 bytes whose points look like compressed ones with coordinates in range.
fn plausible_proof_bytes() -> impl Strategy<Value = ProofBytes> {
	(proof_bytes(), any::<[bool; 3]>()).prop_map(|(mut proof, signs)| {
		for (start, sign) in [0, 48, 144].into_iter().zip(signs) {
			proof.0[start] = 0x80 | (u8::from(sign) << 5) | (proof.0[start] & 0x0f);
		}
		proof.0[96] &= 0x0f;
		proof
	})
}

proptest! {
	#[test]
	fn arbitrary_proofs_are_refused(proof in proof_bytes()) {
		prop_assert!(verify(&HONEST.1, &proof, &HONEST.0.inputs).is_err());
	}

	#[test]
	fn plausible_proofs_are_refused(proof in plausible_proof_bytes()) {
		prop_assert!(verify(&HONEST.1, &proof, &HONEST.0.inputs).is_err());
		let native = Proof::<Native>::decode(&proof).map(|_| ());
		prop_assert_eq!(native, Proof::<Hooked>::decode(&proof).map(|_| ()));
	}

	#[test]
	fn overwritten_proofs_are_refused(
		start in 0usize..ProofBytes::SIZE,
		bytes in vec(any::<u8>(), 1..64),
	) {
		let mut proof = HONEST.0.proof;
		for (to, from) in proof.0[start..].iter_mut().zip(bytes) {
			*to = from;
		}
		prop_assume!(proof != HONEST.0.proof);
		prop_assert!(verify(&HONEST.1, &proof, &HONEST.0.inputs).is_err());
	}

	#[test]
	fn arbitrary_inputs_are_refused(inputs in vec(any::<[u8; 32]>(), 0..24)) {
		let inputs: Vec<_> = inputs.into_iter().map(Scalar).collect();
		prop_assert!(verify(&HONEST.1, &HONEST.0.proof, &inputs).is_err());
	}

	#[test]
	fn arbitrary_keys_are_refused(key in vec(any::<u8>(), 0..MAX_VERIFYING_KEY_SIZE + 64)) {
		prop_assert!(prepare(&key).is_err());
	}

	#[test]
	fn overwritten_keys_do_not_verify(
		start in 0usize..584,
		bytes in vec(any::<u8>(), 1..64),
	) {
		let mut key = HONEST.0.key.clone();
		for (to, from) in key[start..].iter_mut().zip(bytes) {
			*to = from;
		}
		prop_assume!(key != HONEST.0.key);
		if let Ok(prepared) = prepare(&key) {
			prop_assert!(verify(&prepared, &HONEST.0.proof, &HONEST.0.inputs).is_err());
		}
	}
}
