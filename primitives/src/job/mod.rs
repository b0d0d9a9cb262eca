// SPDX-License-Identifier: Apache-2.0

//! A job's record, and the one state machine that chain, clients and worker agree on.
//!
//! ```text
//!            ┌──────────── lapses, or is released ───────────┐
//!            ▼                                               │
//! opened ► Open ────── lock ──────► Locked ── acknowledge ──► Proving ── submit_result ──► Settled
//!  cancel │  │ window passes          │                        │
//!         ▼  ▼                        └ lapses too often       ├ discard, or deadline passes:
//! Cancelled  Expired ◄────────────────┘                        │   slash; Open again (failover),
//!                                                              └   else Failed
//! ```
//!
//! What stands in storage changes only when somebody acts. What *holds* is a pure function of the
//! record and the [clock](crate::clock), [`Job::phase`], which every call, view and client uses: a
//! job whose deadline has passed is over, whether or not anybody has tidied it away. Nor does it
//! matter when somebody does: carrying out what is due never changes how the job ends, or what
//! anybody gets. Every rule is a number in the record, fixed when the job opens.

mod outcome;
mod request;
mod terms;
#[cfg(test)]
mod tests;

pub use outcome::{FailureReason, Outcome, Reason, Receipt, Stage};
pub use request::{JobRequest, PriceRamp, RequiredTag, Requirements, Windows};
pub use terms::JobTerms;

use crate::{clock::Tick, Balance, EncryptionKey, JobId};
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// Rules under which new jobs are opened; a job keeps the rules of its opening.
pub const JOB_RULES: u16 = 3;

/// First rules under which it costs the more to give a job up, the longer that took.
const RULES_WITH_RISING_DISCARD: u16 = 3;

/// A pod's claim on a job.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
pub struct Lock<Account> {
	/// The pod.
	pub pod: Account,
	/// Price at which it locked.
	pub price: Balance,
	/// Epoch of the pod's encryption key at the lock.
	pub key_epoch: u32,
	/// The key itself, to which the client seals the input whatever the pod publishes later.
	pub encryption_key: EncryptionKey,
	/// Last tick in which the pod may acknowledge.
	pub acknowledge_by: Tick,
	/// Last tick in which the pod may submit the result.
	pub prove_by: Tick,
}

/// How a pod failed a job that it had acknowledged.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
pub struct Failure<Account> {
	/// The pod.
	pub pod: Account,
	/// Why.
	pub reason: FailureReason,
	/// What the pod lost.
	pub slashed: Balance,
	/// Part of it that went to the client.
	pub compensation: Balance,
}

/// What the record says; [`Job::phase`] says what holds.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum StoredState<Account> {
	/// No pod has it.
	#[codec(index = 0)]
	Open,
	/// A pod has claimed it and waits for the input.
	#[codec(index = 1)]
	Locked(Lock<Account>),
	/// The pod has the input and answers for the result with its bond.
	#[codec(index = 2)]
	Proving(Lock<Account>),
}

impl<Account> StoredState<Account> {
	/// The pod's claim, whether or not it still counts.
	pub fn lock(&self) -> Option<&Lock<Account>> {
		match self {
			Self::Open => None,
			Self::Locked(lock) | Self::Proving(lock) => Some(lock),
		}
	}

	/// One word for it, whether or not it still holds.
	pub fn stage(&self) -> Stage {
		match self {
			Self::Open => Stage::Open,
			Self::Locked(_) => Stage::Locked,
			Self::Proving(_) => Stage::Proving,
		}
	}
}

/// A live job's record.
#[derive(
	Clone,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
#[serde(bound(
	serialize = "Account: Serialize",
	deserialize = "Account: serde::de::DeserializeOwned"
))]
pub struct Job<Account> {
	/// [`JOB_RULES`] at its opening.
	pub rules: u16,
	/// Who pays, and who may read the result.
	pub client: Account,
	/// What was asked for.
	pub request: JobRequest<Account>,
	/// The rules that it was opened under.
	pub terms: JobTerms,
	/// When it was opened.
	pub opened: Tick,
	/// Locks that nobody acknowledged in time.
	pub lapses: u8,
	/// The last pod that acknowledged it and did not prove it, if there was one.
	pub failure: Option<Failure<Account>>,
	/// Pods that may not lock it again.
	pub barred: BoundedVec<Account, ConstU32<8>>,
	/// State in storage.
	pub state: StoredState<Account>,
}

/// A claim that no longer counts, and whose consequences are still to be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undone<'a, Account> {
	/// The pod never acknowledged: pod and client each owe the lapse fee.
	Lapsed(&'a Lock<Account>),
	/// The pod acknowledged and missed its deadline: it owes the slash.
	Missed(&'a Lock<Account>),
}

impl<'a, Account> Undone<'a, Account> {
	/// The claim.
	pub fn lock(&self) -> &'a Lock<Account> {
		match self {
			Self::Lapsed(lock) | Self::Missed(lock) => lock,
		}
	}
}

/// What holds for a job at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase<'a, Account> {
	/// A pod may lock it.
	Open {
		/// What is to be carried out first.
		undone: Option<Undone<'a, Account>>,
	},
	/// Claimed; the pod may acknowledge.
	Locked(&'a Lock<Account>),
	/// Acknowledged; the pod may submit the result.
	Proving(&'a Lock<Account>),
	/// No pod locked, or none acknowledged, in time: the client is refunded.
	Expired {
		/// The lock that lapsed, if one did and its fees are still to be burned.
		lapsed: Option<&'a Lock<Account>>,
		/// Whether a pod had failed it before, so that it ends as failed.
		failed: bool,
	},
	/// The pod acknowledged and did not prove in time, and nobody may take the job over: the pod is
	/// slashed, the client is refunded.
	Missed(&'a Lock<Account>),
}

impl<Account> Phase<'_, Account> {
	/// Whether anything is to be carried out.
	pub fn is_due(&self) -> bool {
		match self {
			Self::Open { undone } => undone.is_some(),
			Self::Locked(_) | Self::Proving(_) => false,
			Self::Expired { .. } | Self::Missed(_) => true,
		}
	}

	/// One word for it; for a job that is over, that of its outcome.
	pub fn stage(&self) -> Stage {
		match self {
			Self::Open { .. } => Stage::Open,
			Self::Locked(_) => Stage::Locked,
			Self::Proving(_) => Stage::Proving,
			Self::Expired { failed: false, .. } => Stage::Expired,
			Self::Expired { failed: true, .. } | Self::Missed(_) => Stage::Failed,
		}
	}

	/// One word for people and for JSON.
	pub fn name(&self) -> &'static str {
		self.stage().name()
	}
}

impl<Account> Job<Account> {
	/// Last tick in which a pod may lock the job as it stands.
	pub fn open_until(&self) -> Tick {
		let Windows { lock, failover, .. } = self.request.windows;
		self.opened.after(if self.failure.is_some() { failover } else { lock })
	}

	/// Last tick in which the job opens again after a pod failed it; `None` when it never does.
	pub fn failover_until(&self) -> Option<Tick> {
		let failover = self.request.windows.failover;
		(failover > 0).then(|| self.opened.after(failover))
	}

	/// The price for a pod that locks now.
	pub fn price_at(&self, now: Tick) -> Balance {
		self.request.price.after(now.since(self.opened))
	}

	/// The claim of a pod that locks now, with the key that it publishes.
	pub fn lock_at(
		&self,
		now: Tick,
		pod: Account,
		key_epoch: u32,
		encryption_key: EncryptionKey,
	) -> Lock<Account> {
		let acknowledge_by = now.after(self.request.windows.acknowledge);
		Lock {
			pod,
			price: self.price_at(now),
			key_epoch,
			encryption_key,
			acknowledge_by,
			prove_by: acknowledge_by.after(self.request.windows.prove),
		}
	}

	/// What the pod loses that gives up an acknowledged job now: `discard_slash` until the time to
	/// acknowledge is over, and then evenly more, up to `missed_slash` in the deadline's own tick. So
	/// it never pays to keep the others waiting. Under rules before 3, always `discard_slash`.
	pub fn discard_slash_at(&self, lock: &Lock<Account>, now: Tick) -> Balance {
		let JobTerms { discard_slash, missed_slash, .. } = self.terms;
		if self.rules < RULES_WITH_RISING_DISCARD {
			return discard_slash;
		}
		let (kept, window) =
			(now.since(lock.acknowledge_by), lock.prove_by.since(lock.acknowledge_by));
		request::rising(discard_slash, missed_slash, kept, window)
	}

	/// What of the client's deposit is held.
	pub fn deposit_held(&self) -> Balance {
		self.terms.deposit_after(self.lapses)
	}

	/// What holds. A deadline's own tick still counts as in time.
	pub fn phase(&self, now: Tick) -> Phase<'_, Account> {
		let is_open = |lapses: u8| lapses < self.terms.max_lapses && now <= self.open_until();
		let expired = |lapsed| Phase::Expired { lapsed, failed: self.failure.is_some() };
		match &self.state {
			StoredState::Open if is_open(self.lapses) => Phase::Open { undone: None },
			StoredState::Open => expired(None),
			StoredState::Locked(lock) if now <= lock.acknowledge_by => Phase::Locked(lock),
			StoredState::Locked(lock) if is_open(self.lapses.saturating_add(1)) => {
				Phase::Open { undone: Some(Undone::Lapsed(lock)) }
			},
			StoredState::Locked(lock) => expired(Some(lock)),
			StoredState::Proving(lock) if now <= lock.prove_by => Phase::Proving(lock),
			StoredState::Proving(lock) if self.reopens_at(now) => {
				Phase::Open { undone: Some(Undone::Missed(lock)) }
			},
			StoredState::Proving(lock) => Phase::Missed(lock),
		}
	}

	/// Whether the job opens again when the pod that acknowledged it fails it now.
	pub fn reopens_at(&self, now: Tick) -> bool {
		self.lapses < self.terms.max_lapses
			&& self.failover_until().is_some_and(|until| now <= until)
	}

	/// First tick in which something is to be carried out if nobody acts; until then the job's
	/// place on the agenda.
	pub fn due_from(&self) -> Tick {
		match &self.state {
			StoredState::Open => self.open_until(),
			StoredState::Locked(lock) => lock.acknowledge_by,
			StoredState::Proving(lock) => lock.prove_by,
		}
		.after(1)
	}
}

impl<Account: Clone> Job<Account> {
	/// How the job ends when it expires: with a failure, if a pod failed it and no other took it.
	pub fn expired(&self) -> Outcome<Account> {
		match self.failure.clone() {
			Some(Failure { pod, reason, slashed, compensation }) => {
				Outcome::Failed { pod, reason, slashed, compensation }
			},
			None => Outcome::Expired,
		}
	}

	/// The record with what holds now beside it, as if all that is due had been carried out.
	pub fn view(self, id: JobId, now: Tick) -> JobView<Account> {
		let phase = self.phase(now);
		let lapsed = matches!(
			phase,
			Phase::Open { undone: Some(Undone::Lapsed(_)) }
				| Phase::Expired { lapsed: Some(_), .. }
		);
		let missed = matches!(phase, Phase::Open { undone: Some(Undone::Missed(_)) });
		let open_until = match self.failover_until() {
			Some(until) if missed => until,
			_ => self.open_until(),
		};
		let due_from = if matches!(phase, Phase::Open { undone: Some(_) }) {
			open_until.after(1)
		} else {
			self.due_from()
		};
		let lapses = self.lapses.saturating_add(u8::from(lapsed));
		JobView {
			id,
			stage: phase.stage(),
			now,
			price: self.price_at(now),
			open_until,
			failover_until: self.failover_until(),
			due_from,
			deposit_held: self.terms.deposit_after(lapses),
			job: self,
		}
	}
}

/// A live job and what holds of it.
#[derive(
	Clone,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
#[serde(bound(
	serialize = "Account: Serialize",
	deserialize = "Account: serde::de::DeserializeOwned"
))]
pub struct JobView<Account> {
	/// Its number.
	pub id: JobId,
	/// What holds, in one word.
	pub stage: Stage,
	/// When that was.
	pub now: Tick,
	/// The price for a pod that locked it now.
	pub price: Balance,
	/// Last tick in which a pod may lock it.
	pub open_until: Tick,
	/// Last tick in which it opens again after a pod failed it; `None` when it never does.
	pub failover_until: Option<Tick>,
	/// First tick in which something is to be carried out if nobody acts.
	pub due_from: Tick,
	/// What of the client's deposit is held, or is still to come back to it.
	pub deposit_held: Balance,
	/// Its record.
	pub job: Job<Account>,
}
