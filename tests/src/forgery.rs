// SPDX-License-Identifier: Apache-2.0

//! A dishonest pod: proofs that the chain must refuse, submitted to a running chain.

use crate::by_hand::ByHand;
use anyhow::{bail, ensure, Context as _, Result};
use proofpod_client::{
	chain::{Chain, ChainError},
	keys::Signer,
};
use proofpod_primitives::{JobId, ProofBytes};
use proofpod_zkml::prover::Proved;
use std::{collections::BTreeMap, path::Path};

/// What the chain said to each forgery, by name.
pub type Refusals = BTreeMap<&'static str, String>;

/// Submits a forgery; gives the chain's refusal.
async fn forge(pod: &ByHand<'_>, job: JobId, proof: ProofBytes, proved: &Proved) -> Result<String> {
	match pod.submit(job, proof, proved).await {
		Err(error @ (ChainError::Pallet { .. } | ChainError::Dispatch { .. })) => {
			Ok(error.to_string())
		},
		Err(error) => Err(error).context("the forgery did not reach the chain"),
		Ok(()) => bail!("the chain accepted a forgery for job {job}"),
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
	let pod = ByHand::new(chain, model, client, pod).await?;
	let (first, second) = tokio::try_join!(pod.open(), pod.open())?;
	for job in [first, second] {
		pod.lock(job).await?;
	}
	for job in [first, second] {
		pod.acknowledge(job).await?;
	}
	let (honest_first, honest_second) = (pod.prove(first)?, pod.prove(second)?);

	let mut tampered = honest_first.proof;
	tampered.0[100] ^= 1;
	let mut other_output = pod.prove(first)?;
	for scalar in &mut other_output.output {
		scalar.0[0] ^= 1;
	}
	let (tampered, replayed, altered) = tokio::try_join!(
		forge(&pod, first, tampered, &honest_first),
		forge(&pod, second, honest_first.proof, &honest_first),
		forge(&pod, first, honest_first.proof, &other_output),
	)?;
	let refusals = Refusals::from([
		("tampered_proof", tampered),
		("proof_of_another_job", replayed),
		("altered_output", altered),
	]);

	tokio::try_join!(
		pod.submit(first, honest_first.proof, &honest_first),
		pod.submit(second, honest_second.proof, &honest_second),
	)
	.context("an honest proof was refused")?;
	let again = pod.submit(first, honest_first.proof, &honest_first).await;
	ensure!(again.is_err(), "the chain took the same result twice");
	Ok(refusals)
}
