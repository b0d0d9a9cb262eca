// SPDX-License-Identifier: Apache-2.0

//! Vector files against which other implementations can test: `vectors/accepted.json` and
//! `vectors/refused.json`. Hexadecimal throughout; `error` is the debug form of the expected error.

use super::{
	fixtures::{proof_bytes, Fixture, Reference},
	keys, proofs, Case,
};
use crate::{verifying_key_id, MAX_PUBLIC_INPUTS};
use proofpod_primitives::{ProofBytes, Scalar, VerifyingKeyId};
use rand::{rngs::StdRng, SeedableRng};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Vector {
	name: String,
	verifying_key: String,
	verifying_key_id: VerifyingKeyId,
	public_inputs: Vec<Scalar>,
	proof: ProofBytes,
	#[serde(default, skip_serializing_if = "Option::is_none")]
	error: Option<String>,
}

impl From<&Case> for Vector {
	fn from(case: &Case) -> Self {
		Self {
			name: case.name.clone(),
			verifying_key: format!("0x{}", hex::encode(&case.key)),
			verifying_key_id: verifying_key_id(&case.key),
			public_inputs: case.inputs.clone(),
			proof: case.proof,
			error: case.expected.err().map(|error| format!("{error:?}")),
		}
	}
}

impl Vector {
	fn check(&self) {
		let key = hex::decode(self.verifying_key.strip_prefix("0x").unwrap()).unwrap();
		assert_eq!(verifying_key_id(&key), self.verifying_key_id, "{}", self.name);
		let verdict = super::prepare(&key)
			.and_then(|key| super::verify(&key, &self.proof, &self.public_inputs));
		let error = verdict.err().map(|error| format!("{error:?}"));
		assert_eq!(error, self.error, "{}", self.name);
	}
}

#[test]
fn accepted_vectors_are_accepted() {
	let vectors: Vec<Vector> =
		serde_json::from_str(include_str!("../../vectors/accepted.json")).unwrap();
	assert!(vectors.len() >= 5 && vectors.iter().all(|vector| vector.error.is_none()));
	vectors.iter().for_each(Vector::check);
}

#[test]
fn refused_vectors_are_refused_for_their_reason() {
	let vectors: Vec<Vector> =
		serde_json::from_str(include_str!("../../vectors/refused.json")).unwrap();
	assert!(vectors.len() >= 100 && vectors.iter().all(|vector| vector.error.is_some()));
	vectors.iter().for_each(Vector::check);
}

fn accepted() -> Vec<Case> {
	let mut cases: Vec<Case> = [0, 1, 4, MAX_PUBLIC_INPUTS]
		.into_iter()
		.map(|public_inputs| {
			let fixture = Fixture::new(public_inputs);
			Case {
				name: format!("{public_inputs} public inputs"),
				key: fixture.key,
				inputs: fixture.inputs,
				proof: fixture.proof,
				expected: Ok(()),
			}
		})
		.collect();
	let fixture = Fixture::new(4);
	let proof = Reference::rerandomize_proof(
		&fixture.verifying_key,
		&fixture.reference_proof,
		&mut StdRng::seed_from_u64(3),
	);
	cases.push(Case {
		name: "4 public inputs, proof re-randomised".into(),
		key: fixture.key,
		inputs: fixture.inputs,
		proof: proof_bytes(&proof),
		expected: Ok(()),
	});
	cases
}

/// `cargo test -p proofpod-verifier -- --ignored write_vectors`.
#[test]
#[ignore = "writes the vector files, run by hand when an encoding or an error changes"]
fn write_vectors() {
	// The proofs' cases have every kind of torsion already: keep the file small.
	let mut refused = keys::refused();
	refused.retain(|case| !case.name.contains("torsion"));
	let refused = [proofs::refused(), refused].concat();
	for (file, cases) in [("accepted", accepted()), ("refused", refused)] {
		cases.iter().for_each(Case::check);
		let vectors: Vec<Vector> = cases.iter().map(Vector::from).collect();
		let text = serde_json::to_string_pretty(&vectors).unwrap();
		std::fs::write(format!("{}/vectors/{file}.json", env!("CARGO_MANIFEST_DIR")), text + "\n")
			.unwrap();
	}
}
