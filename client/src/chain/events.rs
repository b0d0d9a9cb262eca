// SPDX-License-Identifier: Apache-2.0

//! What the chain says about jobs.

use super::{runtime, ChainError};
use crate::AccountId;
use proofpod_primitives::{
	job::{Reason, Stage},
	Balance, Digest, JobId, ModelId, Tick,
};
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
		/// What is held beside it.
		deposit: Balance,
	},
	/// A pod claimed a job.
	Locked {
		/// The job.
		job: JobId,
		/// The pod.
		pod: AccountId,
		/// Its price.
		price: Balance,
		/// What is held from it.
		bond: Balance,
		/// Epoch of the pod's encryption key.
		key_epoch: u32,
	},
	/// A pod has the input.
	Acknowledged {
		/// The job.
		job: JobId,
		/// The pod.
		pod: AccountId,
		/// Last tick for the result.
		prove_by: Tick,
	},
	/// A proof was verified and its pod paid.
	Settled {
		/// The job.
		job: JobId,
		/// The pod.
		pod: AccountId,
		/// The client.
		client: AccountId,
		/// What the client paid.
		price: Balance,
		/// Part of it that was burned; the pod has the rest.
		fee: Balance,
		/// What was proved.
		statement: Digest,
	},
	/// A pod lost its claim; another can lock the job.
	Reopened {
		/// The job.
		job: JobId,
		/// The pod.
		pod: AccountId,
		/// Why.
		reason: Reason,
		/// What the pod lost.
		from_pod: Balance,
		/// What the client lost of its deposit.
		from_client: Balance,
		/// What the client got.
		compensation: Balance,
	},
	/// A job is over without a result; its client has its payment back.
	Ended {
		/// The job.
		job: JobId,
		/// The client.
		client: AccountId,
		/// Where it is now.
		to: Stage,
		/// What ended it.
		reason: Reason,
		/// Whose claim ended it, if one did.
		pod: Option<AccountId>,
		/// What that pod lost.
		from_pod: Balance,
		/// What the client lost of its deposit.
		from_client: Balance,
		/// What the client got out of the pod's bond.
		compensation: Balance,
		/// What the client has back.
		refunded: Balance,
	},
	/// What was due of a job could not be carried out yet; nothing of it has moved.
	Deferred {
		/// The job.
		job: JobId,
		/// Tick of the next try.
		until: Tick,
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
			| Self::Reopened { job, .. }
			| Self::Ended { job, .. }
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
			E::Opened { job, client, model, max_price, deposit, .. } => {
				Self::Opened { job: job.0, client, model: model.0, max_price, deposit }
			},
			E::Locked { job, pod, price, bond, key_epoch, .. } => {
				Self::Locked { job: job.0, pod, price, bond, key_epoch }
			},
			E::Acknowledged { job, pod, prove_by, .. } => {
				Self::Acknowledged { job: job.0, pod, prove_by: prove_by.0 }
			},
			E::Settled { job, pod, client, price, fee, statement, .. } => {
				Self::Settled { job: job.0, pod, client, price, fee, statement: statement.0 }
			},
			E::Reopened { job, pod, reason, from_pod, from_client, compensation, .. } => {
				let (job, reason) = (job.0, reason.0);
				Self::Reopened { job, pod, reason, from_pod, from_client, compensation }
			},
			E::Ended {
				job,
				client,
				to,
				reason,
				pod,
				from_pod,
				from_client,
				compensation,
				refunded,
				..
			} => Self::Ended {
				job: job.0,
				client,
				to: to.0,
				reason: reason.0,
				pod,
				from_pod,
				from_client,
				compensation,
				refunded,
			},
			E::Deferred { job, until, .. } => Self::Deferred { job: job.0, until: until.0 },
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
