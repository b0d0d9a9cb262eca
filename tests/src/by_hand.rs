// SPDX-License-Identifier: Apache-2.0

//! A pod without a worker: every call made by hand, for what no worker would do, or when it would not.

use anyhow::{Context as _, Result};
use proofpod_client::{
	amount::POD,
	chain::{calls, At, Chain, ChainError, Inclusion, JobEvent},
	keys::Signer,
	JobRequest, Requirements,
};
use proofpod_primitives::{
	job::{PriceRamp, Windows},
	manifest::{ModelManifest, OutputVisibility},
	pod::{PodProfile, Region},
	statement::JobStatement,
	EncryptionKey, InputCommitment, JobId, OutputKeyCommitment, ProofBytes,
};
use proofpod_zkml::{
	artefacts::ModelDirectory,
	commitment::{commit_input, commit_output_key, Secrets},
	prover::{Proved, Prover},
};
use std::path::Path;

/// A client, a pod that it names, and an input that both know.
pub struct ByHand<'a> {
	chain: &'a Chain,
	client: &'a Signer,
	pod: &'a Signer,
	manifest: ModelManifest,
	prover: Prover,
	input: Vec<i8>,
	secrets: Secrets,
	input_commitment: InputCommitment,
	output_key: Option<OutputKeyCommitment>,
}

impl<'a> ByHand<'a> {
	/// Registers the pod if it is none yet. The model in this folder must be registered.
	pub async fn new(
		chain: &'a Chain,
		model: &Path,
		client: &'a Signer,
		pod: &'a Signer,
	) -> Result<Self> {
		let directory = ModelDirectory::at(model);
		let manifest = directory.manifest()?.manifest;
		let prover = directory.prover()?;
		let input = vec![1i8; manifest.input_len as usize];
		let secrets = Secrets::random(&mut rand::rngs::OsRng);
		let output_key = (manifest.output == OutputVisibility::Sealed)
			.then(|| commit_output_key(&secrets.output_key));
		if chain.at(At::Best).await?.pod(pod.account()).await?.is_none() {
			let profile = PodProfile {
				endpoint: b"http://127.0.0.1:9".to_vec().try_into().unwrap_or_default(),
				encryption_key: EncryptionKey([9; 32]),
				regions: vec![Region(*b"CH")].try_into().unwrap_or_default(),
				models: Default::default(),
				tags: Default::default(),
			};
			let register = calls::pods::register(profile, None);
			chain.submit(&register, pod, Inclusion::Best).await?;
		}
		let input_commitment = commit_input(&input, &secrets.salt);
		Ok(Self {
			chain,
			client,
			pod,
			manifest,
			prover,
			input,
			secrets,
			input_commitment,
			output_key,
		})
	}

	/// Opens a job for the pod, at 1 POD.
	pub async fn open(&self) -> Result<JobId> {
		let request = JobRequest {
			model: self.manifest.id(),
			input: self.input_commitment,
			output_key: self.output_key,
			price: PriceRamp { min: POD, max: POD, ramp: 0 },
			windows: Windows { lock: 100, acknowledge: 100, prove: 200, failover: 0 },
			requirements: Requirements {
				pods: vec![self.pod.account()].try_into().unwrap_or_default(),
				..Default::default()
			},
		};
		let open = calls::jobs::open(request);
		let included = self.chain.submit(&open, self.client, Inclusion::Best).await?;
		let opened = included.job_events()?.into_iter().find_map(|event| match event {
			JobEvent::Opened { job, .. } => Some(job),
			_ => None,
		});
		opened.context("the block does not say which job was opened")
	}

	/// Locks a job.
	pub async fn lock(&self, job: JobId) -> Result<(), ChainError> {
		let call = calls::jobs::lock(job, 0);
		self.chain.submit(&call, self.pod, Inclusion::Best).await.map(|_| ())
	}

	/// Acknowledges a job.
	pub async fn acknowledge(&self, job: JobId) -> Result<(), ChainError> {
		let call = calls::jobs::acknowledge(job);
		self.chain.submit(&call, self.pod, Inclusion::Best).await.map(|_| ())
	}

	/// An honest proof.
	pub fn prove(&self, job: JobId) -> Result<Proved> {
		let statement = JobStatement {
			genesis: self.chain.genesis(),
			job,
			model: self.manifest.id(),
			pod: self.pod.account().0,
			input: self.input_commitment,
			output_key: self.output_key,
			output: &[],
		};
		Ok(self.prover.prove(&statement.binding(), &self.input, &self.secrets)?)
	}

	/// Submits a proof with the output that was proved.
	pub async fn submit(
		&self,
		job: JobId,
		proof: ProofBytes,
		proved: &Proved,
	) -> Result<(), ChainError> {
		let output = proved.output.clone().try_into().unwrap_or_default();
		let call = calls::jobs::submit_result(job, proof, output);
		self.chain.submit(&call, self.pod, Inclusion::Best).await.map(|_| ())
	}
}
