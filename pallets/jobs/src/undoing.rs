// SPDX-License-Identifier: Apache-2.0

//! What becomes of a claim that came to nothing, and of its job.
//!
//! Whether a job is open again or over is never decided here: it is what
//! [`Job::phase`](proofpod_primitives::job::Job::phase) says of the record without the claim. So it
//! makes no difference who carries out what is due, or when.

use crate::{
	escrow::{self, Loss},
	Config, Error, Event, JobOf, Pallet,
};
use pallet_pods::{EndedJob, JobEnd};
use proofpod_primitives::{
	job::{Failure, FailureReason, Job, Lock, Outcome, Phase, Reason, Stage, StoredState, Undone},
	JobId, Tick,
};
use sp_runtime::{AccountId32, DispatchError, DispatchResult};

/// How a claim came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Undoing {
	/// Nobody acknowledged it in time.
	Lapsed,
	/// The pod gave it back before it acknowledged.
	Released,
	/// The pod acknowledged and did not prove.
	Failed(FailureReason),
}

impl Undoing {
	fn reason(self) -> Reason {
		match self {
			Self::Lapsed => Reason::Lapsed,
			Self::Released => Reason::Released,
			Self::Failed(reason) => reason.into(),
		}
	}

	/// What the pod's track record says of it.
	fn job_end(self) -> JobEnd {
		match self {
			Self::Lapsed => JobEnd::Unacknowledged,
			Self::Released => JobEnd::Released,
			Self::Failed(FailureReason::Discarded) => JobEnd::Discarded,
			Self::Failed(FailureReason::Missed) => JobEnd::Missed,
		}
	}
}

impl<Account> From<Undone<'_, Account>> for Undoing {
	fn from(undone: Undone<'_, Account>) -> Self {
		match undone {
			Undone::Lapsed(_) => Self::Lapsed,
			Undone::Missed(_) => Self::Failed(FailureReason::Missed),
		}
	}
}

impl<T: Config> Pallet<T> {
	/// Does what is due at `now`, or fails with [`Error::NothingToDo`].
	pub(crate) fn carry_out(id: JobId, job: &JobOf<T>, now: Tick) -> DispatchResult {
		match job.phase(now) {
			Phase::Open { undone: Some(undone) } => {
				Self::undo(id, job, undone.lock(), undone.into(), now)
			},
			Phase::Expired { lapsed: Some(lock), .. } => {
				Self::undo(id, job, lock, Undoing::Lapsed, now)
			},
			Phase::Missed(lock) => {
				Self::undo(id, job, lock, Undoing::Failed(FailureReason::Missed), now)
			},
			Phase::Expired { lapsed: None, .. } => {
				Self::end_without_result(id, job, job, job.expired(), Reason::NotTaken, None)
			},
			Phase::Open { undone: None } | Phase::Locked(_) | Phase::Proving(_) => {
				Err(Error::<T>::NothingToDo.into())
			},
		}
	}

	/// Undoes a claim; the job is open again, or ends.
	pub(crate) fn undo(
		id: JobId,
		stored: &JobOf<T>,
		lock: &Lock<AccountId32>,
		how: Undoing,
		now: Tick,
	) -> DispatchResult {
		let (job, loss) = Self::take_back(stored, lock, how, now)?;
		let reopens = match how {
			Undoing::Lapsed | Undoing::Released => !job.phase(now).is_due(),
			// The time to lock it may not be over: what counts is whether there is a failover.
			Undoing::Failed(_) => stored.reopens_at(now),
		};
		if reopens {
			Self::deposit_reopened(id, stored, lock, how, loss);
			Self::update(id, stored, job);
			Ok(())
		} else {
			let undone = Some((lock.pod.clone(), loss));
			Self::end_without_result(id, stored, &job, job.expired(), how.reason(), undone)
		}
	}

	/// The record of an open job without a claim that no longer counts, whose consequences are
	/// carried out; the caller stores the record, or ends the job.
	pub(crate) fn reopened(
		id: JobId,
		stored: &JobOf<T>,
		undone: Undone<'_, AccountId32>,
	) -> Result<JobOf<T>, DispatchError> {
		let (lock, how) = (undone.lock(), undone.into());
		let (job, loss) = Self::take_back(stored, lock, how, Self::now())?;
		Self::deposit_reopened(id, stored, lock, how, loss);
		Ok(job)
	}

	/// Takes a claim back from its pod: moves what it owes, gives its bond back but for that, and
	/// gives the record without the claim. What a pod owes that gives up depends on `now`; nothing
	/// that time itself undoes does.
	fn take_back(
		stored: &JobOf<T>,
		lock: &Lock<AccountId32>,
		how: Undoing,
		now: Tick,
	) -> Result<(JobOf<T>, Loss), DispatchError> {
		let mut job = Job { state: StoredState::Open, ..stored.clone() };
		let loss = match how {
			Undoing::Lapsed => {
				job.lapses = job.lapses.saturating_add(1);
				escrow::lapse::<T>(stored, lock)?
			},
			Undoing::Released => escrow::forfeit::<T>(stored, lock)?,
			Undoing::Failed(reason) => {
				let owed = match reason {
					FailureReason::Discarded => stored.discard_slash_at(lock, now),
					FailureReason::Missed => stored.terms.missed_slash,
				};
				let loss = escrow::slash::<T>(stored, lock, owed)?;
				let Loss { from_pod: slashed, compensation, .. } = loss;
				job.failure =
					Some(Failure { pod: lock.pod.clone(), reason, slashed, compensation });
				loss
			},
		};
		bar::<T>(&mut job, &lock.pod);
		let ended = EndedJob {
			end: how.job_end(),
			bond: stored.terms.bond,
			lost: loss.from_pod,
			// Not that of the lock, which a pod that is its own client could keep as low as it
			// likes.
			price: stored.request.price.max,
		};
		pallet_pods::Pallet::<T>::job_ended(&lock.pod, ended);
		Ok((job, loss))
	}

	/// Ends a job that nobody proved, and refunds its client. `stored` is its record in storage,
	/// `job` the one without a claim; `undone` the pod whose claim ended it, with what that cost.
	pub(crate) fn end_without_result(
		id: JobId,
		stored: &JobOf<T>,
		job: &JobOf<T>,
		outcome: Outcome<AccountId32>,
		reason: Reason,
		undone: Option<(AccountId32, Loss)>,
	) -> DispatchResult {
		let refunded = escrow::refund::<T>(job)?;
		let from = if undone.is_some() { stored.state.stage() } else { Stage::Open };
		let (pod, loss) = undone.unzip();
		let loss = loss.unwrap_or_default();
		Self::deposit_event(Event::Ended {
			job: id,
			client: job.client.clone(),
			from,
			to: outcome.stage(),
			reason,
			pod,
			from_pod: loss.from_pod,
			from_client: loss.from_client,
			compensation: loss.compensation,
			burned: loss.burned(),
			refunded,
		});
		Self::conclude(id, stored, outcome);
		Ok(())
	}

	fn deposit_reopened(
		id: JobId,
		stored: &JobOf<T>,
		lock: &Lock<AccountId32>,
		how: Undoing,
		loss: Loss,
	) {
		Self::deposit_event(Event::Reopened {
			job: id,
			pod: lock.pod.clone(),
			from: stored.state.stage(),
			to: Stage::Open,
			reason: how.reason(),
			from_pod: loss.from_pod,
			from_client: loss.from_client,
			compensation: loss.compensation,
			burned: loss.burned(),
		});
	}
}

/// First rules under which a pod that did not bring a job to its end may not lock it again.
const RULES_WITH_BARS: u16 = 2;

/// Keeps a pod from locking the job again, unless the client named it, or opened the job under
/// rules that knew no bars. Where the list is full the first one is forgotten.
fn bar<T: Config>(job: &mut JobOf<T>, pod: &AccountId32) {
	if job.rules < RULES_WITH_BARS || job.request.requirements.pods.contains(pod) {
		return;
	}
	let last = job.barred.len();
	// Nothing is refused: the place is the list's end, and the list has room for more than none.
	let _ = job.barred.force_insert_keep_right(last, pod.clone());
}
