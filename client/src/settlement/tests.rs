// SPDX-License-Identifier: Apache-2.0

//! Settlements of a real proof, honest and otherwise.

use super::*;
use proofpod_primitives::{
	manifest::{OutputVisibility, SetupProvenance, WeightsVisibility, MANIFEST_VERSION},
	ModelId,
};
use proofpod_zkml::{
	commitment::{commit_input, commit_output_key, Secrets},
	network::{InputSpec, Interface, Node, OutputPacking, QuantisedNetwork},
	prover::Prover,
	setup,
};
use rand::rngs::OsRng;
use std::sync::LazyLock;

const POD: AccountId = subxt::utils::AccountId32([9; 32]);
const GENESIS: GenesisHash = GenesisHash([1; 32]);
const JOB: JobId = JobId(7);
const BLOCK: u32 = 42;

/// A model, and a job of it that was proved.
struct Settled {
	manifest: ModelManifest,
	verifying_key: Vec<u8>,
	input: InputCommitment,
	output_key: OutputKeyCommitment,
	proof: ProofBytes,
	output: Vec<Scalar>,
	/// A second proof of the same statement.
	again: ProofBytes,
}

static SETTLED: LazyLock<Settled> = LazyLock::new(|| {
	let network = QuantisedNetwork {
		name: "tiny".into(),
		input: InputSpec::uniform(2, 4),
		nodes: vec![Node::Linear {
			input: 0,
			rows: 2,
			columns: 2,
			weights: vec![1, -2, 3, 4],
			bias: vec![10, -20],
		}],
		output_exponent: 4,
	};
	let (proving_key, keys) =
		setup::generate_in_memory(&network, OutputVisibility::Sealed, &mut OsRng).unwrap();
	let manifest = ModelManifest {
		version: MANIFEST_VERSION,
		name: b"tiny".to_vec().try_into().unwrap(),
		interface: Interface::of(&network, vec![]).unwrap().digest(),
		verifying_key: verifying_key_id(&keys.verifying),
		proving_key: keys.proving,
		input_len: 2,
		output_len: 2,
		output_elements: OutputPacking::of(&network).unwrap().elements as u32,
		output: OutputVisibility::Sealed,
		weights: WeightsVisibility::Public,
		setup: SetupProvenance::SingleParty,
	};
	let (secrets, values) = (Secrets::random(&mut OsRng), [3, -5]);
	let input = commit_input(&values, &secrets.salt);
	let output_key = commit_output_key(&secrets.output_key);
	let expected = Expected {
		genesis: GENESIS,
		job: JOB,
		manifest: &manifest,
		input,
		output_key: Some(output_key),
	};
	let binding = expected.statement(POD, &[]).binding();
	let prover = Prover::new(network, OutputVisibility::Sealed, proving_key).unwrap();
	let proved = prover.prove(&binding, &values, &secrets).unwrap();
	let again = prover.prove(&binding, &values, &secrets).unwrap().proof;
	assert_ne!(again, proved.proof);
	Settled {
		manifest,
		verifying_key: keys.verifying,
		input,
		output_key,
		proof: proved.proof,
		output: proved.output,
		again,
	}
});

fn expected() -> Expected<'static> {
	Expected {
		genesis: GENESIS,
		job: JOB,
		manifest: &SETTLED.manifest,
		input: SETTLED.input,
		output_key: Some(SETTLED.output_key),
	}
}

fn receipt() -> Receipt {
	Receipt {
		client: subxt::utils::AccountId32([8; 32]),
		model: SETTLED.manifest.id(),
		block: BLOCK,
		outcome: Outcome::Settled {
			pod: POD,
			price: 1,
			statement: expected().statement(POD, &SETTLED.output).digest(),
			output: SETTLED.output.clone().try_into().unwrap(),
		},
	}
}

fn check(
	results: &[(ProofBytes, Vec<Scalar>)],
	receipt: &Receipt,
	expected: &Expected<'_>,
) -> Result<Checked, SettlementError> {
	check_results(BLOCK, results, receipt, expected, &SETTLED.verifying_key)
}

fn honest() -> Vec<(ProofBytes, Vec<Scalar>)> {
	vec![(SETTLED.proof, SETTLED.output.clone())]
}

fn tampered() -> ProofBytes {
	// Points A and C exchanged: well-formed, but no proof.
	let mut bytes = SETTLED.proof.0;
	let (a, c) = (bytes[..48].to_vec(), bytes[144..].to_vec());
	bytes[..48].copy_from_slice(&c);
	bytes[144..].copy_from_slice(&a);
	ProofBytes(bytes)
}

#[test]
fn an_honest_settlement_holds() {
	let checked = check(&honest(), &receipt(), &expected()).unwrap();
	assert_eq!(checked.proof, SETTLED.proof);
	assert_eq!(checked.statement, expected().statement(POD, &SETTLED.output).digest());
	assert_eq!(checked.public_inputs[1].0, SETTLED.input.0);
}

#[test]
fn another_proof_of_the_same_statement_holds_too() {
	let results = vec![(SETTLED.again, SETTLED.output.clone())];
	assert!(check(&results, &receipt(), &expected()).is_ok());
}

#[test]
fn failed_attempts_in_the_same_block_do_not_matter() {
	let other = vec![Scalar([0; 32])];
	let results =
		[vec![(SETTLED.proof, other), (tampered(), SETTLED.output.clone())], honest()].concat();
	assert_eq!(check(&results, &receipt(), &expected()).unwrap().proof, SETTLED.proof);
}

#[test]
fn a_proof_that_does_not_hold_is_told() {
	let results = vec![(tampered(), SETTLED.output.clone())];
	assert_eq!(
		check(&results, &receipt(), &expected()),
		Err(SettlementError::Proof { block: BLOCK, reason: proofpod_verifier::Error::Invalid })
	);
}

#[test]
fn a_block_without_the_proof_is_told() {
	let missing = Err(SettlementError::NoProof { job: JOB, block: BLOCK });
	assert_eq!(check(&[], &receipt(), &expected()), missing);
	let other = vec![(SETTLED.proof, vec![Scalar([0; 32])])];
	assert_eq!(check(&other, &receipt(), &expected()), missing);
}

#[test]
fn a_receipt_for_anything_else_than_this_job_is_refused() {
	let other_pod = {
		let mut receipt = receipt();
		let Outcome::Settled { pod, .. } = &mut receipt.outcome else { unreachable!() };
		pod.0[0] ^= 1;
		receipt
	};
	assert!(matches!(
		check(&honest(), &other_pod, &expected()),
		Err(SettlementError::Statement { .. })
	));
	for other in [
		Expected { genesis: GenesisHash([2; 32]), ..expected() },
		Expected { job: JobId(8), ..expected() },
		Expected { input: InputCommitment([2; 32]), ..expected() },
		Expected { output_key: Some(OutputKeyCommitment([2; 32])), ..expected() },
		Expected { output_key: None, ..expected() },
	] {
		assert!(matches!(
			check(&honest(), &receipt(), &other),
			Err(SettlementError::Statement { .. })
		));
	}
}

#[test]
fn a_receipt_that_agrees_with_a_false_statement_does_not_help() {
	// The chain says that another pod settled, consistently; the proof names the first.
	let other = subxt::utils::AccountId32([7; 32]);
	let lie = Receipt {
		outcome: Outcome::Settled {
			pod: other,
			price: 1,
			statement: expected().statement(other, &SETTLED.output).digest(),
			output: SETTLED.output.clone().try_into().unwrap(),
		},
		..receipt()
	};
	assert_eq!(
		check(&honest(), &lie, &expected()),
		Err(SettlementError::Proof { block: BLOCK, reason: proofpod_verifier::Error::Invalid })
	);
}

#[test]
fn other_models_keys_and_ends_are_refused() {
	let model = Receipt { model: ModelId([3; 32]), ..receipt() };
	assert!(matches!(check(&honest(), &model, &expected()), Err(SettlementError::Model { .. })));
	let expired = Receipt { outcome: Outcome::Expired, ..receipt() };
	assert_eq!(check(&honest(), &expired, &expected()), Err(SettlementError::NotSettled));
	let mut key = SETTLED.verifying_key.clone();
	key.pop();
	assert!(matches!(
		check_results(BLOCK, &honest(), &receipt(), &expected(), &key),
		Err(SettlementError::VerifyingKey { .. })
	));
}
