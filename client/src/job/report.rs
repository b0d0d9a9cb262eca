// SPDX-License-Identifier: Apache-2.0

//! What is left of a job: for people, and as JSON for programs.

use crate::{amount::Amount, AccountId, Outcome, Receipt};
use proofpod_primitives::{BlockNumber, Digest, JobId, ModelId};
use serde::{Deserialize, Serialize};

/// What the model says of the record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
	/// The class.
	pub class: usize,
	/// Its name, when the model names its classes.
	pub label: Option<String>,
	/// The output as exact integers.
	pub logits: Vec<i64>,
	/// The output as real numbers.
	pub output: Vec<f64>,
}

/// How long the steps took on this machine's clock, in milliseconds. Steps that this run did not
/// see are absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timings {
	/// Quantising, committing, keeping the keys.
	pub prepare_ms: Option<u64>,
	/// From submitting the opening until it was in a block.
	pub open_ms: Option<u64>,
	/// From then until a pod's lock was seen.
	pub lock_ms: Option<u64>,
	/// From then until the pod had taken the input.
	pub deliver_ms: Option<u64>,
	/// From then until its acknowledgement was seen: inference and proof, unless the pod trusts the
	/// model's key.
	pub acknowledge_ms: Option<u64>,
	/// From then until the settlement was seen: verification in the block, and what was not done
	/// before.
	pub prove_ms: Option<u64>,
	/// Unsealing and unpacking the output.
	pub decrypt_ms: Option<u64>,
	/// Checking the proof on this machine.
	pub verify_ms: Option<u64>,
	/// All of it.
	pub total_ms: u64,
}

/// A job that has ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobReport {
	/// The model's name.
	pub model: String,
	/// The model.
	pub model_id: ModelId,
	/// The job.
	pub job_id: JobId,
	/// Who paid.
	pub client: AccountId,
	/// `settled`, `cancelled`, `expired` or `failed`.
	pub outcome: String,
	/// Whether it is settled.
	pub settled: bool,
	/// The pod that settled it, or failed.
	pub pod: Option<AccountId>,
	/// What a settled job cost, in planck.
	pub price: Option<Amount>,
	/// What a failed job's client got out of the pod's bond, in planck.
	pub compensation: Option<Amount>,
	/// Digest of the statement that was proved.
	pub statement: Option<Digest>,
	/// Block of the opening, when this run knows it.
	pub opened_block: Option<BlockNumber>,
	/// Block of the end.
	pub ended_block: BlockNumber,
	/// Blocks from opening to settlement.
	pub settle_blocks: Option<BlockNumber>,
	/// Whether the block of the end was finalised when this was written.
	pub finalised: bool,
	/// What the model says, of a settled job.
	pub prediction: Option<Prediction>,
	/// Whether the proof was checked on this machine and holds.
	pub verified_offline: bool,
	/// Why a settled job's proof could not be checked here, or does not hold.
	pub unverified_because: Option<String>,
	/// Durations.
	pub timings: Timings,
}

impl JobReport {
	/// A report with what the receipt says; the rest is filled in by who knows it.
	pub(super) fn of(job: JobId, model: String, receipt: &Receipt) -> Self {
		let (pod, price, compensation, statement) = match &receipt.outcome {
			Outcome::Settled { pod, price, statement, .. } => {
				(Some(*pod), Some(Amount(*price)), None, Some(*statement))
			},
			Outcome::Failed { pod, compensation, .. } => {
				(Some(*pod), None, Some(Amount(*compensation)), None)
			},
			Outcome::Cancelled | Outcome::Expired => (None, None, None, None),
		};
		Self {
			model,
			model_id: receipt.model,
			job_id: job,
			client: receipt.client,
			outcome: receipt.outcome.name().into(),
			settled: matches!(receipt.outcome, Outcome::Settled { .. }),
			pod,
			price,
			compensation,
			statement,
			opened_block: None,
			ended_block: receipt.block,
			settle_blocks: None,
			finalised: false,
			prediction: None,
			verified_offline: false,
			unverified_because: None,
			timings: Timings::default(),
		}
	}
}
