// SPDX-License-Identifier: Apache-2.0

//! Tests against `ark-groth16`, and against everything that a hostile proof or key may contain.
//!
//! Whatever is verified here is verified by both engines, plain arkworks and the SDK's hooked curve
//! types, which must agree on the prepared key and on the verdict.

mod encodings;
mod fixtures;
mod fuzz;
mod keys;
mod known_answers;
mod points;
mod proofs;
mod vectors;

use crate::{Error, Groth16, Native, PreparedVerifyingKey, ProofVerifier};
use proofpod_primitives::{ProofBytes, Scalar};

/// The engine of a runtime; in a native test the host calls are plain function calls.
type Hooked = sp_crypto_ec_utils::bls12_381::Bls12_381;

/// Prepares with both engines, which must agree.
fn prepare(key: &[u8]) -> Result<PreparedVerifyingKey, Error> {
	let native = Groth16::<Native>::prepare(key);
	assert_eq!(native, Groth16::<Hooked>::prepare(key), "the engines prepare differently");
	native
}

/// Verifies with both engines, which must agree.
fn verify(key: &PreparedVerifyingKey, proof: &ProofBytes, inputs: &[Scalar]) -> Result<(), Error> {
	let native = Groth16::<Native>::verify(key, proof, inputs);
	let hooked = Groth16::<Hooked>::verify(key, proof, inputs);
	assert_eq!(native, hooked, "the engines judge differently");
	native
}

/// A key, public inputs and a proof, with the verdict that they must get.
#[derive(Clone, Debug)]
struct Case {
	name: String,
	key: Vec<u8>,
	inputs: Vec<Scalar>,
	proof: ProofBytes,
	expected: Result<(), Error>,
}

impl Case {
	fn verdict(&self) -> Result<(), Error> {
		verify(&prepare(&self.key)?, &self.proof, &self.inputs)
	}

	fn check(&self) {
		assert_eq!(self.verdict(), self.expected, "{}", self.name);
	}
}
