// SPDX-License-Identifier: Apache-2.0

//! The whole path of a job, from a record of numbers to a verified prediction:
//!
//! 1. quantise the record, draw salt and output key, keep them ([`secrets`](crate::secrets));
//! 2. open the job with the commitments and wait for a pod to lock it;
//! 3. seal the input to that pod's key, after checking the key's epoch, and deliver it, again and
//!    again until the pod acknowledges;
//! 4. wait for the end; of a settled job, unseal the output, read the prediction, and check the
//!    proof again ([`settlement`](crate::settlement)).
//!
//! [`JobClient::run`] does all of it; [`JobClient::resume`] goes on with a job that is already
//! open, after a crash or in another process.

mod clock;
mod flow;
mod model;
mod progress;
mod report;
mod watch;

pub use flow::{JobClient, Offer};
pub use model::{ClientModel, ModelError};
pub use progress::Progress;
pub use report::{JobReport, Prediction, Timings};

use crate::{chain::ChainError, secrets::SecretsError, settlement::SettlementError, AccountId};
use proofpod_primitives::{JobId, ModelId};
use proofpod_zkml::{
	commitment::CommitmentError,
	network::{NetworkError, PackingError},
};

/// Why a job was not seen to its end here. Whatever happens to this program, the chain pays for a
/// proof alone, and gives the payment back when the job's deadlines pass without one.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
	/// The record does not go into the model.
	#[error("the record does not fit the model: {0}")]
	Input(NetworkError),
	/// The secrets cannot be kept, so the job is not opened; or not found again.
	#[error(transparent)]
	Secrets(#[from] SecretsError),
	/// The node does not answer, or refuses.
	#[error(transparent)]
	Chain(#[from] ChainError),
	/// The model is not on this chain.
	#[error("model {model} is not registered on this chain: run `proofpod model register` first")]
	ModelNotRegistered {
		/// The model.
		model: ModelId,
	},
	/// The model takes no new jobs.
	#[error("model {model} is deprecated: its owner has closed it to new jobs")]
	ModelDeprecated {
		/// The model.
		model: ModelId,
	},
	/// The account cannot pay.
	#[error("expected at least {needed} to be free on account {account}, plus fees; found {free}")]
	Balance {
		/// Who would pay.
		account: AccountId,
		/// The highest price, and the deposit.
		needed: crate::amount::Amount,
		/// What is free.
		free: crate::amount::Amount,
	},
	/// Opening the job succeeded without saying its number.
	#[error("the block that opened the job does not say its number: find it with `proofpod job list --mine`")]
	NoNumber,
	/// Nobody knows the job.
	#[error("the chain knows no job {job}")]
	NoSuchJob {
		/// The job.
		job: JobId,
	},
	/// The chain reorganised and gave the job's number to another one.
	#[error("job {job} is now another one, because the chain reorganised: find this one with `proofpod job list --mine` and go on with `proofpod job resume`; its keys are kept")]
	Renumbered {
		/// The number that the job had.
		job: JobId,
	},
	/// The job's secrets are not here.
	#[error("the keys of job {job} are not in {folder}: name the folder that held them when the job was opened with --jobs-dir")]
	NoSecrets {
		/// The job.
		job: JobId,
		/// Where they were looked for.
		folder: String,
	},
	/// The job is of another model.
	#[error("expected job {job} to be of model {expected}, found {found}: give that model")]
	WrongModel {
		/// The job.
		job: JobId,
		/// The model given.
		expected: ModelId,
		/// The job's.
		found: ModelId,
	},
	/// The model's files do not work.
	#[error(transparent)]
	Model(#[from] ModelError),
	/// The settlement does not hold up.
	#[error(transparent)]
	Settlement(#[from] SettlementError),
	/// The secrets are damaged or the output is none of this key.
	#[error(transparent)]
	Commitment(#[from] CommitmentError),
	/// The output is none of this model.
	#[error(transparent)]
	Packing(#[from] PackingError),
	/// The verified output is not an encoding.
	#[error("the output on the chain is not canonical: {0}")]
	Output(proofpod_verifier::Error),
}
