// SPDX-License-Identifier: Apache-2.0

//! A dishonest pod: proofs that the chain must refuse, submitted to a running chain.

use anyhow::{bail, ensure, Context as _, Result};
use proofpod_client::{
	amount::POD,
	chain::{calls, At, Chain, ChainError, Inclusion, JobEvent},
	keys::Signer,
	JobRequest, Requirements,
};
use proofpod_primitives::{
	job::{PriceRamp, Windows},
	manifest::OutputVisibility,
	pod::{PodProfile, Region},
	statement::JobStatement,
	EncryptionKey, JobId, ProofBytes,
};
use proofpod_zkml::{
	artefacts::ModelDirectory,
	commitment::{commit_input, commit_output_key, Secrets},
	prover::Proved,
};
use std::{collections::BTreeMap, path::Path};

/// What the chain said to each forgery, by name.
pub type Refusals = BTreeMap<&'static str, String>;

struct Attempt<'a> {
	chain: &'a Chain,
	pod: &'a Signer,
	job: JobId,
}

impl Attempt<'_> {
	async fn submit(&self, proof: ProofBytes, proved: &Proved) -> Result<(), ChainError> {
		let output = proved.output.clone().try_into().unwrap_or_default();
		let call = calls::jobs::submit_result(self.job, proof, output);
		self.chain.submit(&call, self.pod, Inclusion::Best).await.map(|_| ())
	}

	/// Submits a forgery; gives the chain's refusal.
	async fn forge(&self, proof: ProofBytes, proved: &Proved) -> Result<String> {
		match self.submit(proof, proved).await {
			Err(error @ (ChainError::Pallet { .. } | ChainError::Dispatch { .. })) => {
				Ok(error.to_string())
			},
			Err(error) => Err(error).context("the forgery did not reach the chain"),
			Ok(()) => bail!("the chain accepted a forgery for job {}", self.job),
		}
	}
}

/// Opens two jobs of `client` for `pod`, makes an honest proof of each, and submits forgeries made
/// of them; then the honest ones, which must still be accepted.
pub async fn attempt(
	chain: &Chain,
	model: &Path,
	client: &Signer,
	pod: &Signer,
) -> Result<Refusals> {
	let directory = ModelDirectory::at(model);
	let manifest = directory.manifest()?.manifest;
	let prover = directory.prover()?;
	let input = vec![1i8; manifest.input_len as usize];
	let secrets = Secrets::random(&mut rand::rngs::OsRng);
	let input_commitment = commit_input(&input, &secrets.salt);
	let output_key = (manifest.output == OutputVisibility::Sealed)
		.then(|| commit_output_key(&secrets.output_key));

	if chain.at(At::Best).await?.pod(pod.account()).await?.is_none() {
		let profile = PodProfile {
			endpoint: b"http://127.0.0.1:9".to_vec().try_into().unwrap_or_default(),
			encryption_key: EncryptionKey([9; 32]),
			region: Region(*b"CH"),
			models: Default::default(),
		};
		chain.submit(&calls::pods::register(profile), pod, Inclusion::Best).await?;
	}

	let request = JobRequest {
		model: manifest.id(),
		input: input_commitment,
		output_key,
		price: PriceRamp { min: POD, max: POD, ramp: 0 },
		windows: Windows { lock: 50, acknowledge: 50, prove: 100, failover: 0 },
		requirements: Requirements {
			pods: vec![pod.account()].try_into().unwrap_or_default(),
			..Default::default()
		},
	};
	let open = || async {
		let included =
			chain.submit(&calls::jobs::open(request.clone()), client, Inclusion::Best).await?;
		included
			.job_events()?
			.into_iter()
			.find_map(|event| match event {
				JobEvent::Opened { job, .. } => Some(job),
				_ => None,
			})
			.context("the block does not say which job was opened")
	};
	let (first, second) = tokio::try_join!(open(), open())?;
	for call in [calls::jobs::lock(first, 0), calls::jobs::lock(second, 0)] {
		chain.submit(&call, pod, Inclusion::Best).await?;
	}
	for call in [calls::jobs::acknowledge(first), calls::jobs::acknowledge(second)] {
		chain.submit(&call, pod, Inclusion::Best).await?;
	}

	let prove = |job: JobId| {
		let binding = JobStatement {
			genesis: chain.genesis(),
			job,
			model: manifest.id(),
			pod: pod.account().0,
			input: input_commitment,
			output_key,
			output: &[],
		}
		.binding();
		prover.prove(&binding, &input, &secrets)
	};
	let (honest_first, honest_second) = (prove(first)?, prove(second)?);
	let to_first = Attempt { chain, pod, job: first };
	let to_second = Attempt { chain, pod, job: second };

	let mut tampered = honest_first.proof;
	tampered.0[100] ^= 1;
	let mut other_output = prove(first)?;
	for scalar in &mut other_output.output {
		scalar.0[0] ^= 1;
	}
	let (tampered, replayed, altered) = tokio::try_join!(
		to_first.forge(tampered, &honest_first),
		to_second.forge(honest_first.proof, &honest_first),
		to_first.forge(honest_first.proof, &other_output),
	)?;
	let refusals = Refusals::from([
		("tampered_proof", tampered),
		("proof_of_another_job", replayed),
		("altered_output", altered),
	]);

	tokio::try_join!(
		to_first.submit(honest_first.proof, &honest_first),
		to_second.submit(honest_second.proof, &honest_second),
	)
	.context("an honest proof was refused")?;
	let again = to_first.submit(honest_first.proof, &honest_first).await;
	ensure!(again.is_err(), "the chain took the same result twice");
	Ok(refusals)
}
