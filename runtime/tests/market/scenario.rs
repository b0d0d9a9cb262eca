// SPDX-License-Identifier: Apache-2.0

//! Models, pods, requests and proofs. Proofs are forged with the trapdoor of their key, which takes
//! microseconds; to the chain they are as good as any.

use crate::chain::{Signer, GENESIS};
use pallet_proofs::forge::ForgedKey;
use proofpod_primitives::{
	job::{JobRequest, PriceRamp, Requirements, Windows},
	manifest::{
		ModelManifest, OutputVisibility, SetupProvenance, WeightsVisibility, MANIFEST_VERSION,
	},
	pod::{PodProfile, Region},
	statement::{JobStatement, OutputElements},
	Digest, EncryptionKey, GenesisHash, InputCommitment, JobId, OutputKeyCommitment, ProofBytes,
	Scalar,
};
use proofpod_runtime::{units::POD, AccountId, Jobs, Models, Runtime, RuntimeCall};

/// Public inputs of every key here.
pub(crate) const INPUTS: u32 = 4;

/// The key of all models but those that an attacker registers.
pub(crate) fn key() -> ForgedKey {
	ForgedKey::new(INPUTS, 1)
}

/// Another, of which an attacker knows the trapdoor, too.
pub(crate) fn second_key() -> ForgedKey {
	ForgedKey::new(INPUTS, 2)
}

/// A model with a sealed output of one element, or with a public one of two, under [`key`].
pub(crate) fn model(number: u8, output: OutputVisibility) -> ModelManifest {
	ModelManifest {
		version: MANIFEST_VERSION,
		name: b"squares".to_vec().try_into().unwrap(),
		interface: Digest([number; 32]),
		verifying_key: key().id(),
		proving_key: Digest([number; 32]),
		input_len: 4,
		output_len: 2,
		output_elements: match output {
			OutputVisibility::Sealed => 1,
			OutputVisibility::Public => 2,
		},
		output,
		weights: WeightsVisibility::Public,
		setup: SetupProvenance::SingleParty,
	}
}

/// The model that most jobs run.
pub(crate) fn sealed_model() -> ModelManifest {
	model(1, OutputVisibility::Sealed)
}

/// Registers [`key`] and some models under it.
pub(crate) fn publish(publisher: &Signer, models: &[ModelManifest]) {
	let verifying_key = key().verifying_key();
	publisher.send(pallet_proofs::Call::register_key { verifying_key }).unwrap();
	for manifest in models {
		let (manifest, uris) = (manifest.clone(), Default::default());
		let call = pallet_models::Call::register { manifest, uris, replaces: None };
		publisher.send(call).unwrap();
	}
}

/// Profile of a pod in Switzerland whose encryption key is made of this byte.
pub(crate) fn profile(key: u8) -> PodProfile {
	PodProfile {
		endpoint: b"https://pod.example".to_vec().try_into().unwrap(),
		encryption_key: EncryptionKey([key; 32]),
		regions: vec![Region(*b"CH")].try_into().unwrap(),
		models: Default::default(),
		tags: Default::default(),
	}
}

/// Registers pods without operators.
pub(crate) fn register(pods: &[Signer]) {
	for pod in pods {
		let call = pallet_pods::Call::register { profile: profile(9), operator: None };
		pod.send(call).unwrap();
	}
}

/// A request for the sealed model at 10 POD; windows of 30, 10 and 40 ticks.
pub(crate) fn request() -> JobRequest<AccountId> {
	JobRequest {
		model: sealed_model().id(),
		input: InputCommitment([4; 32]),
		output_key: Some(OutputKeyCommitment([5; 32])),
		price: PriceRamp { min: 10 * POD, max: 10 * POD, ramp: 0 },
		windows: Windows { lock: 30, acknowledge: 10, prove: 40, failover: 0 },
		requirements: Requirements::default(),
	}
}

/// The same, with 600 ticks in which other pods may take it over.
pub(crate) fn request_with_failover() -> JobRequest<AccountId> {
	JobRequest { windows: Windows { failover: 600, ..request().windows }, ..request() }
}

/// Opens a job, and gives its number.
pub(crate) fn open(client: &Signer, request: JobRequest<AccountId>) -> JobId {
	let job = pallet_jobs::NextJobId::<Runtime>::get();
	client.send(pallet_jobs::Call::open { request }).unwrap();
	job
}

pub(crate) fn lock(job: JobId) -> RuntimeCall {
	pallet_jobs::Call::lock { job, min_price: 0 }.into()
}

pub(crate) fn acknowledge(job: JobId) -> RuntimeCall {
	pallet_jobs::Call::acknowledge { job }.into()
}

pub(crate) fn discard(job: JobId) -> RuntimeCall {
	pallet_jobs::Call::discard { job }.into()
}

pub(crate) fn release(job: JobId) -> RuntimeCall {
	pallet_jobs::Call::release { job }.into()
}

pub(crate) fn cancel(job: JobId) -> RuntimeCall {
	pallet_jobs::Call::cancel { job }.into()
}

pub(crate) fn poke(job: JobId) -> RuntimeCall {
	pallet_jobs::Call::poke { job }.into()
}

/// The output that is submitted for a job of a model with so many elements.
pub(crate) fn output(elements: usize) -> OutputElements {
	vec![Scalar([6; 32]); elements].try_into().unwrap()
}

/// The public inputs of a live job's result, were this pod to prove it.
pub(crate) fn public_inputs(job: JobId, pod: &AccountId, output: &OutputElements) -> Vec<Scalar> {
	inputs_of(&Jobs::job(job).expect("the job is live").request, job, pod, output)
}

/// The same, had the job been asked for like this.
pub(crate) fn inputs_of(
	request: &JobRequest<AccountId>,
	job: JobId,
	pod: &AccountId,
	output: &OutputElements,
) -> Vec<Scalar> {
	JobStatement {
		genesis: GenesisHash(GENESIS.0),
		job,
		model: request.model,
		pod: pod.clone().into(),
		input: request.input,
		output_key: request.output_key,
		output,
	}
	.public_inputs()
}

/// A valid proof of a live job's result by this pod.
pub(crate) fn prove(job: JobId, pod: &AccountId, output: &OutputElements) -> ProofBytes {
	let model = Jobs::job(job).expect("the job is live").request.model;
	let used = Models::manifest(&model).expect("the model is pinned").verifying_key;
	let key = [key(), second_key()].into_iter().find(|key| key.id() == used);
	key.expect("there is no third key").prove(&public_inputs(job, pod, output))
}

/// A result with this proof for a job of the sealed model.
pub(crate) fn result(job: JobId, proof: ProofBytes) -> RuntimeCall {
	pallet_jobs::Call::submit_result { job, proof, output: output(1) }.into()
}

/// The valid result of this pod for a live job of the sealed model.
pub(crate) fn valid_result(job: JobId, pod: &AccountId) -> RuntimeCall {
	result(job, prove(job, pod, &output(1)))
}

/// A well-formed proof of nothing.
pub(crate) fn garbage() -> ProofBytes {
	key().prove(&[Scalar([1; 32]); INPUTS as usize])
}
