// SPDX-License-Identifier: Apache-2.0

//! What the chain says about jobs.

use super::{runtime, ChainError};
use crate::AccountId;
use proofpod_primitives::{job::FailureReason, Balance, BlockNumber, Digest, JobId, ModelId};
use serde::Serialize;
use subxt::{error::EventsError, events::Event, SubstrateConfig};

/// One event of the market of jobs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "event")]
pub enum JobEvent {
	/// A client asks for a job.
	Opened {
		/// The job.
		job: JobId,
		/// Who pays.
		client: AccountId,
		/// The model.
		model: ModelId,
		/// Most that it pays.
		max_price: Balance,
	},
	/// A pod claimed a job.
	Locked {
		/// The job.
		job: JobId,
		/// The pod.
		pod: AccountId,
		/// Its price.
		price: Balance,
		/// Epoch of the pod's encryption key.
		key_epoch: u32,
	},
	/// A pod has the input.
	Acknowledged {
		/// The job.
		job: JobId,
		/// The pod.
		pod: AccountId,
	},
	/// A proof was verified and its pod paid.
	Settled {
		/// The job.
		job: JobId,
		/// The pod.
		pod: AccountId,
		/// The client.
		client: AccountId,
		/// What the pod got.
		price: Balance,
		/// What was proved.
		statement: Digest,
	},
	/// A client withdrew a job.
	Cancelled {
		/// The job.
		job: JobId,
	},
	/// Nobody proved a job in time, without any pod's fault.
	Expired {
		/// The job.
		job: JobId,
	},
	/// A pod lost its claim; another can lock the job.
	Reopened {
		/// The job.
		job: JobId,
		/// The pod.
		pod: AccountId,
	},
	/// A pod acknowledged a job and did not prove it.
	Failed {
		/// The job.
		job: JobId,
		/// The pod.
		pod: AccountId,
		/// Why.
		reason: FailureReason,
		/// What the pod lost.
		slashed: Balance,
		/// Part of it that the client got.
		compensation: Balance,
	},
	/// An overdue job could not be ended yet; nothing of it has moved.
	Deferred {
		/// The job.
		job: JobId,
		/// Block of the next try.
		until: BlockNumber,
	},
}

impl JobEvent {
	/// The job that the event is about.
	pub fn job(&self) -> JobId {
		match self {
			Self::Opened { job, .. }
			| Self::Locked { job, .. }
			| Self::Acknowledged { job, .. }
			| Self::Settled { job, .. }
			| Self::Cancelled { job }
			| Self::Expired { job }
			| Self::Reopened { job, .. }
			| Self::Failed { job, .. }
			| Self::Deferred { job, .. } => *job,
		}
	}

	/// The job event in an event of the runtime, if it is one.
	pub(super) fn of(event: &Event<'_, SubstrateConfig>) -> Result<Option<Self>, ChainError> {
		if event.pallet_name() != "Jobs" {
			return Ok(None);
		}
		let event = event.decode_as::<runtime::Event>().map_err(ChainError::node)?;
		let runtime::Event::Jobs(event) = event else { return Ok(None) };
		use runtime::jobs::Event as E;
		// No wildcard: a new event of the pallet must be answered here.
		Ok(Some(match event {
			E::Opened { job, client, model, max_price } => {
				Self::Opened { job: job.0, client, model: model.0, max_price }
			},
			E::Locked { job, pod, price, key_epoch } => {
				Self::Locked { job: job.0, pod, price, key_epoch }
			},
			E::Acknowledged { job, pod } => Self::Acknowledged { job: job.0, pod },
			E::Settled { job, pod, client, price, statement } => {
				Self::Settled { job: job.0, pod, client, price, statement: statement.0 }
			},
			E::Cancelled { job } => Self::Cancelled { job: job.0 },
			E::Expired { job } => Self::Expired { job: job.0 },
			E::Reopened { job, pod } => Self::Reopened { job: job.0, pod },
			E::Failed { job, pod, reason, slashed, compensation } => {
				Self::Failed { job: job.0, pod, reason: reason.0, slashed, compensation }
			},
			E::Deferred { job, until, .. } => Self::Deferred { job: job.0, until },
		}))
	}

	/// The job events among the runtime's, in order.
	pub(super) fn among<'a>(
		events: impl Iterator<Item = Result<Event<'a, SubstrateConfig>, EventsError>>,
	) -> Result<Vec<Self>, ChainError> {
		let mut found = Vec::new();
		for event in events {
			found.extend(Self::of(&event.map_err(ChainError::node)?)?);
		}
		Ok(found)
	}
}
