// SPDX-License-Identifier: Apache-2.0

//! Checking a settled job again: the proof is taken from the body of the block that settled the
//! job and verified here, against a statement computed here. What the chain says of the job is
//! compared, not believed.

use crate::{
	chain::{ChainError, View},
	AccountId, Outcome, Receipt,
};
use proofpod_primitives::{
	manifest::ModelManifest, statement::JobStatement, Digest, GenesisHash, InputCommitment, JobId,
	OutputKeyCommitment, ProofBytes, Scalar, VerifyingKeyId,
};
use proofpod_verifier::{verifying_key_id, Groth16, Native, ProofVerifier};

/// Why a settled job does not hold up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettlementError {
	/// The node does not answer or lacks the block.
	#[error(transparent)]
	Chain(#[from] ChainError),
	/// The receipt is of a job that ended otherwise.
	#[error("expected the receipt of a settled job, found one that ended otherwise")]
	NotSettled,
	/// The receipt names another model.
	#[error("expected a receipt for model {expected}, found one for {found}")]
	Model {
		/// The model that the client asked for.
		expected: proofpod_primitives::ModelId,
		/// The receipt's.
		found: proofpod_primitives::ModelId,
	},
	/// The verifying key is not the manifest's.
	#[error("expected the verifying key {expected}, found bytes of {found}")]
	VerifyingKey {
		/// The manifest's.
		expected: VerifyingKeyId,
		/// What the bytes are.
		found: VerifyingKeyId,
	},
	/// The verifying key's bytes are no key.
	#[error("the verifying key is not valid: {0}")]
	Key(proofpod_verifier::Error),
	/// The receipt was written for another statement.
	#[error("expected the receipt of the statement {expected}, which this machine computed, found {found}: it is for another input, output key, pod or chain")]
	Statement {
		/// Digest computed here.
		expected: Digest,
		/// Digest on the chain.
		found: Digest,
	},
	/// The block has no proof for the job.
	#[error("expected a submitted result of job {job} in block {block}, found none")]
	NoProof {
		/// The job.
		job: JobId,
		/// The block.
		block: u32,
	},
	/// The proof does not hold.
	#[error("the proof in block {block} does not hold for this job: {reason}")]
	Proof {
		/// The block.
		block: u32,
		/// What the verifier says.
		reason: proofpod_verifier::Error,
	},
}

/// What the client knows of its job without asking the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected<'a> {
	/// The chain.
	pub genesis: GenesisHash,
	/// The job.
	pub job: JobId,
	/// The model.
	pub manifest: &'a ModelManifest,
	/// Commitment to the input.
	pub input: InputCommitment,
	/// Commitment to the output key; `None` when the output is public.
	pub output_key: Option<OutputKeyCommitment>,
}

impl<'a> Expected<'a> {
	/// What the proof must prove, if this pod gave this output.
	pub fn statement(&self, pod: AccountId, output: &'a [Scalar]) -> JobStatement<'a> {
		JobStatement {
			genesis: self.genesis,
			job: self.job,
			model: self.manifest.id(),
			pod: pod.0,
			input: self.input,
			output_key: self.output_key,
			output,
		}
	}
}

/// A settled job that was checked again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
	/// The proof.
	pub proof: ProofBytes,
	/// Its public inputs.
	pub public_inputs: Vec<Scalar>,
	/// Digest of the statement.
	pub statement: Digest,
}

/// Checks a receipt and the proof behind it. `block` must be a view of the receipt's block;
/// `verifying_key` the canonical bytes of the model's key, from anywhere.
///
/// # Errors
/// The first thing that does not fit.
pub async fn check(
	block: &View,
	receipt: &Receipt,
	expected: &Expected<'_>,
	verifying_key: &[u8],
) -> Result<Checked, SettlementError> {
	let results = block.submitted_results(expected.job).await?;
	check_results(block.block().number, &results, receipt, expected, verifying_key)
}

fn check_results(
	block: u32,
	results: &[(ProofBytes, Vec<Scalar>)],
	receipt: &Receipt,
	expected: &Expected<'_>,
	verifying_key: &[u8],
) -> Result<Checked, SettlementError> {
	let Outcome::Settled { pod, statement: found, output, .. } = &receipt.outcome else {
		return Err(SettlementError::NotSettled);
	};
	let model = expected.manifest.id();
	if receipt.model != model {
		return Err(SettlementError::Model { expected: model, found: receipt.model });
	}
	let key = verifying_key_id(verifying_key);
	if key != expected.manifest.verifying_key {
		return Err(SettlementError::VerifyingKey {
			expected: expected.manifest.verifying_key,
			found: key,
		});
	}
	let prepared = Groth16::<Native>::prepare(verifying_key).map_err(SettlementError::Key)?;
	let statement = expected.statement(*pod, output);
	let digest = statement.digest();
	if digest != *found {
		return Err(SettlementError::Statement { expected: digest, found: *found });
	}
	let public_inputs = statement.public_inputs();
	let mut last = SettlementError::NoProof { job: expected.job, block };
	// A block can also hold attempts that failed: the one that settled the job verifies.
	for (proof, _) in results.iter().filter(|(_, given)| given[..] == output[..]) {
		match Groth16::<Native>::verify(&prepared, proof, &public_inputs) {
			Ok(()) => return Ok(Checked { proof: *proof, public_inputs, statement: digest }),
			Err(reason) => last = SettlementError::Proof { block, reason },
		}
	}
	Err(last)
}

#[cfg(test)]
mod tests;
