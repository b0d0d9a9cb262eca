// SPDX-License-Identifier: Apache-2.0

//! What a client does for its job, block by block: it delivers the input to whoever holds the lock.

use super::{clock::Clock, JobClient, JobError, Progress};
use crate::{
	amount::Amount,
	chain::{calls, Inclusion, View},
	delivery::{self, DeliveryError},
	sealing::{self, DeliveryContext},
	secrets::JobSecrets,
	Job, Lock,
};
use proofpod_primitives::{job::Phase, BlockNumber, JobId};

/// Blocks without an acknowledgement after which a delivered input is delivered again; twice as
/// many the next time, and so on. Most pods acknowledge once they have the proof.
const REDELIVER_AFTER: u32 = 5;

/// How far the client has seen the job come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
	Open,
	/// Locked under this lock; the input is not yet with the pod.
	Locked(Lock),
	/// The pod has the input, or refuses it for good.
	Waiting {
		lock: Lock,
		/// Block from which the input is delivered once more, in case the pod lost it; none after
		/// a refusal.
		again_from: Option<BlockNumber>,
	},
	Proving,
	Overdue,
	Ended,
}

/// A job under way, and what its client has done for it.
pub(super) struct Watch<'a> {
	client: &'a JobClient,
	pub(super) job: JobId,
	secrets: &'a JobSecrets,
	pub(super) stage: Stage,
	/// The lock of which the pod does not know yet, once that was said.
	behind: Option<Lock>,
	/// Blocks to wait for the next acknowledgement before the input is delivered again.
	patience: u32,
	/// Blocks in which nobody knew the job.
	pub(super) unknown: u32,
}

impl<'a> Watch<'a> {
	/// A look at a job from the outside.
	pub(super) fn new(client: &'a JobClient, job: JobId, secrets: &'a JobSecrets) -> Self {
		let patience = REDELIVER_AFTER;
		Self { client, job, secrets, stage: Stage::Open, behind: None, patience, unknown: 0 }
	}

	/// Does what the job needs now.
	pub(super) async fn advance(
		&mut self,
		view: &View,
		job: &Job,
		clock: &mut Clock,
		progress: &mut (dyn FnMut(Progress) + Send),
	) -> Result<(), JobError> {
		if job.request.input != self.secrets.input_commitment {
			return Err(JobError::Renumbered { job: self.job });
		}
		self.unknown = 0;
		let block = view.block().number;
		match job.phase(view.tick().await?) {
			Phase::Open { .. } => {
				if self.stage != Stage::Open {
					progress(Progress::Reopened { block });
					self.stage = Stage::Open;
				}
			},
			Phase::Locked(lock) => {
				let seen = match self.stage {
					Stage::Locked(seen) | Stage::Waiting { lock: seen, .. } => Some(seen),
					_ => None,
				};
				if seen != Some(*lock) {
					clock.lap(|timings| &mut timings.lock_ms);
					let price = Amount(lock.price);
					progress(Progress::Locked { pod: lock.pod, price, block });
					self.stage = Stage::Locked(*lock);
					self.patience = REDELIVER_AFTER;
				}
				let due = match self.stage {
					Stage::Locked(_) => true,
					Stage::Waiting { again_from: Some(from), .. } => block >= from,
					_ => false,
				};
				if due {
					self.deliver(view, *lock, clock, progress).await?;
				}
			},
			Phase::Proving(_) => {
				if self.stage != Stage::Proving {
					clock.lap(|timings| &mut timings.acknowledge_ms);
					progress(Progress::Acknowledged { block });
					self.stage = Stage::Proving;
				}
			},
			Phase::Expired { .. } | Phase::Missed(_) => {
				if self.stage != Stage::Overdue {
					progress(Progress::Overdue { block });
					self.stage = Stage::Overdue;
					let call = calls::jobs::poke(self.job);
					let chain = &self.client.chain;
					// Anybody may have done it first; the receipt is what counts.
					if let Err(error) =
						chain.submit(&call, &self.client.signer, Inclusion::Best).await
					{
						tracing::debug!(%error, "poking the overdue job");
					}
				}
			},
		}
		Ok(())
	}

	/// Seals the input to the pod that holds the lock and posts it.
	async fn deliver(
		&mut self,
		view: &View,
		lock: Lock,
		clock: &mut Clock,
		progress: &mut (dyn FnMut(Progress) + Send),
	) -> Result<(), JobError> {
		let pod = lock.pod;
		let mut not_delivered = |reason: String, last: bool| {
			progress(Progress::NotDelivered { pod, reason, last });
		};
		let Some(record) = view.pod(pod).await? else {
			not_delivered("it is not registered any more".into(), false);
			return Ok(());
		};
		let Some(delivery) = self.secrets.delivery() else {
			not_delivered("the input is no longer kept on this machine".into(), true);
			self.stage = Stage::Waiting { lock, again_from: None };
			return Ok(());
		};
		let context = DeliveryContext {
			genesis: self.client.chain.genesis(),
			job: self.job,
			pod: pod.0,
			key_epoch: lock.key_epoch,
			input: self.secrets.input_commitment,
		};
		let sealed = match sealing::seal(&lock.encryption_key, &context, &delivery) {
			Ok(sealed) => sealed,
			Err(error) => {
				not_delivered(error.to_string(), true);
				self.stage = Stage::Waiting { lock, again_from: None };
				return Ok(());
			},
		};
		let posted =
			delivery::deliver(&record.endpoint(), self.job, &sealed, self.client.retries).await;
		match posted {
			Ok(()) => {
				if matches!(self.stage, Stage::Locked(_)) {
					clock.lap(|timings| &mut timings.deliver_ms);
				}
				progress(Progress::Delivered { pod });
				let again_from = Some(view.block().number.saturating_add(self.patience));
				self.patience = self.patience.saturating_mul(2);
				self.stage = Stage::Waiting { lock, again_from };
			},
			Err(DeliveryError::NotYet { .. }) => {
				if self.behind != Some(lock) {
					progress(Progress::PodBehind { pod });
					self.behind = Some(lock);
				}
			},
			Err(error @ (DeliveryError::Unavailable { .. } | DeliveryError::Client { .. })) => {
				not_delivered(error.to_string(), false);
			},
			Err(error) => {
				not_delivered(error.to_string(), true);
				self.stage = Stage::Waiting { lock, again_from: None };
			},
		}
		Ok(())
	}
}
