// SPDX-License-Identifier: Apache-2.0

use super::*;
use proofpod_primitives::{
	manifest::{ModelManifest, SetupProvenance, WeightsVisibility, MANIFEST_VERSION},
	Digest, VerifyingKeyId,
};
use proofpod_zkml::network::{InputSpec, Interface, Node, QuantisedNetwork};

fn network() -> QuantisedNetwork {
	QuantisedNetwork {
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
	}
}

fn model(output: OutputVisibility) -> ClientModel {
	let classes = ["benign", "malignant"].map(String::from).to_vec();
	ClientModel {
		manifest: ModelManifest {
			version: MANIFEST_VERSION,
			name: b"tiny".to_vec().try_into().unwrap(),
			interface: Digest([0; 32]),
			verifying_key: VerifyingKeyId([0; 32]),
			proving_key: Digest([0; 32]),
			input_len: 2,
			output_len: 2,
			output_elements: 1,
			output,
			weights: WeightsVisibility::Public,
			setup: SetupProvenance::SingleParty,
		},
		interface: Interface::of(&network(), classes).unwrap(),
		verifying_key: None,
	}
}

/// What a pod would put on the chain for this input.
fn output(model: &ClientModel, secrets: &JobSecrets) -> Vec<Scalar> {
	let trace = network().infer(secrets.input.as_ref().unwrap()).unwrap();
	let packed = model.interface.output.pack(trace.output()).unwrap();
	match model.manifest.output {
		OutputVisibility::Sealed => {
			let keys = Secrets::from_bytes(&secrets.salt, &secrets.output_key).unwrap();
			commitment::seal(&packed, &keys.output_key)
		},
		OutputVisibility::Public => packed.iter().map(proofpod_verifier::encode_scalar).collect(),
	}
}

#[test]
fn the_client_reads_what_the_pod_sealed() {
	for visibility in [OutputVisibility::Sealed, OutputVisibility::Public] {
		let model = model(visibility);
		let secrets = draw_secrets(&model, Zeroizing::new(vec![3, -5]));
		let prediction = read_output(&model, &secrets, &output(&model, &secrets)).unwrap();
		// 10 + 3 + 10 = 23; −20 + 9 − 20 = −31.
		assert_eq!(prediction.logits, vec![23, -31]);
		assert_eq!((prediction.class, prediction.label.as_deref()), (0, Some("benign")));
		assert_eq!(prediction.output, vec![23.0 / 16.0, -31.0 / 16.0]);
	}
}

#[test]
fn another_key_does_not_read_it() {
	let model = model(OutputVisibility::Sealed);
	let secrets = draw_secrets(&model, Zeroizing::new(vec![3, -5]));
	let sealed = output(&model, &secrets);
	let other = draw_secrets(&model, Zeroizing::new(vec![3, -5]));
	assert!(matches!(read_output(&model, &other, &sealed), Err(JobError::Packing(_))));
}

#[test]
fn outputs_that_no_proof_has_are_refused() {
	let secrets = |model: &ClientModel| draw_secrets(model, Zeroizing::new(vec![3, -5]));
	for visibility in [OutputVisibility::Sealed, OutputVisibility::Public] {
		let model = model(visibility);
		let secrets = secrets(&model);
		assert!(read_output(&model, &secrets, &[Scalar([255; 32])]).is_err());
		assert!(matches!(read_output(&model, &secrets, &[]), Err(JobError::Packing(_))));
	}
}

#[test]
fn every_job_has_secrets_of_its_own() {
	let model = model(OutputVisibility::Sealed);
	let draw = || draw_secrets(&model, Zeroizing::new(vec![3, -5]));
	let (one, other) = (draw(), draw());
	assert_ne!(one.input_commitment, other.input_commitment);
	assert_ne!(one.output_key_commitment, other.output_key_commitment);
	let public = model_without_key();
	assert_eq!(public.output_key_commitment, None);
}

fn model_without_key() -> JobSecrets {
	draw_secrets(&model(OutputVisibility::Public), Zeroizing::new(vec![3, -5]))
}
