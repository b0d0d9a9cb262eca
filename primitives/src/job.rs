// SPDX-License-Identifier: Apache-2.0

//! A job's record, and the one state machine that chain, clients and worker agree on.
//!
//! ```text
//! Open ── lock ──► Locked ── acknowledge ──► Proving ── submit_result ──► Settled
//!  │ ▲                │                         │
//!  │ └ window passes ─┘                         ├ discard ─────────► Failed (smaller slash)
//!  ├ cancel ► Cancelled                         └ deadline passes ─► Failed (slash)
//!  └ deadline passes ► Expired
//! ```
//!
//! What stands in storage changes only when somebody acts. What *holds* is a pure function of the
//! record and the current block, [`Job::phase`], which every call, view and client uses: a job
//! whose deadline has passed is over, whether or not anybody has tidied it away.

use crate::{
	pod::{PrivacyTier, Region},
	statement::OutputElements,
	Balance, BlockNumber, Digest, InputCommitment, ModelId, OutputKeyCommitment,
};
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// Rules under which new jobs are opened; a job keeps the rules of its opening.
pub const JOB_RULES: u16 = 1;

/// A reverse Dutch ramp: the price rises from `min` to `max` over `ramp` blocks after opening, and
/// stays there.
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
pub struct PriceRamp {
	/// Price in the block of the opening.
	pub min: Balance,
	/// Highest price, which the client's hold covers.
	pub max: Balance,
	/// Blocks from `min` to `max`; 0 starts at `max`.
	pub ramp: BlockNumber,
}

impl PriceRamp {
	/// Whether `0 < min <= max`.
	pub fn is_well_formed(&self) -> bool {
		0 < self.min && self.min <= self.max
	}

	/// The price `elapsed` blocks after opening, rounded down.
	pub fn after(&self, elapsed: BlockNumber) -> Balance {
		if elapsed >= self.ramp {
			return self.max;
		}
		let (elapsed, ramp) = (Balance::from(elapsed), Balance::from(self.ramp));
		let rise = self.max.saturating_sub(self.min);
		// Quotient and remainder apart, so that the product cannot overflow.
		let whole = rise.checked_div(ramp).unwrap_or(0).saturating_mul(elapsed);
		let part = rise
			.checked_rem(ramp)
			.unwrap_or(0)
			.saturating_mul(elapsed)
			.checked_div(ramp)
			.unwrap_or(0);
		self.min.saturating_add(whole).saturating_add(part).min(self.max)
	}
}

/// How long each step of a job may take, in blocks.
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
pub struct Windows {
	/// From opening: a pod must lock by then.
	pub lock: BlockNumber,
	/// From the lock: the pod must acknowledge the input by then.
	pub acknowledge: BlockNumber,
	/// From the end of the acknowledgement's window: the pod must prove by then.
	pub prove: BlockNumber,
}

/// Which pods may lock a job.
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
pub struct Requirements<Account> {
	/// These pods only; empty allows all, one is a direct hire.
	pub pods: BoundedVec<Account, ConstU32<8>>,
	/// Pods in these regions only; empty allows all.
	pub regions: BoundedVec<Region, ConstU32<8>>,
	/// Least reputation, in thousandths.
	pub min_reputation: u16,
	/// How far the input may travel.
	pub tier: PrivacyTier,
}

impl<Account> Default for Requirements<Account> {
	fn default() -> Self {
		Self {
			pods: Default::default(),
			regions: Default::default(),
			min_reputation: 0,
			tier: PrivacyTier::Sealed,
		}
	}
}

impl<Account: PartialEq> Requirements<Account> {
	/// Whether a pod with this account, region and reputation may lock the job.
	pub fn admit(&self, pod: &Account, region: Region, reputation: u16) -> bool {
		(self.pods.is_empty() || self.pods.contains(pod))
			&& (self.regions.is_empty() || self.regions.contains(&region))
			&& reputation >= self.min_reputation
	}
}

/// What a client asks for.
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
pub struct JobRequest<Account> {
	/// The model to run.
	pub model: ModelId,
	/// Salted commitment to the input.
	pub input: InputCommitment,
	/// Commitment to the key that will seal the output; `None` exactly when the model's output is
	/// public.
	pub output_key: Option<OutputKeyCommitment>,
	/// What the client pays.
	pub price: PriceRamp,
	/// How long each step may take.
	pub windows: Windows,
	/// Which pods may do it.
	pub requirements: Requirements<Account>,
}

/// The bond that a pod puts at risk, and what becomes of it: fixed when the job opens.
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
pub struct BondTerms {
	/// Held from the pod while it has the job.
	pub bond: Balance,
	/// Taken when an acknowledged job is not proved in time; at most `bond`.
	pub missed_slash: Balance,
	/// Taken when the pod gives an acknowledged job up early; at most `missed_slash`.
	pub discard_slash: Balance,
	/// Share of a slash that compensates the client, in thousandths; the rest is burned.
	pub client_share: u16,
}

impl BondTerms {
	/// Splits a slash into the client's compensation and what is burned.
	pub fn split(&self, slash: Balance) -> (Balance, Balance) {
		let share = Balance::from(self.client_share.min(1000));
		let whole = slash.checked_div(1000).unwrap_or(0).saturating_mul(share);
		let part = slash
			.checked_rem(1000)
			.unwrap_or(0)
			.saturating_mul(share)
			.checked_div(1000)
			.unwrap_or(0);
		let client = whole.saturating_add(part).min(slash);
		(client, slash.saturating_sub(client))
	}
}

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
	/// Epoch of the pod's encryption key at the lock: the client seals to that key.
	pub key_epoch: u32,
	/// Last block in which the pod may acknowledge.
	pub acknowledge_by: BlockNumber,
	/// Last block in which the pod may submit the result.
	pub prove_by: BlockNumber,
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
	/// What the pod puts at risk.
	pub terms: BondTerms,
	/// Block of the opening.
	pub opened: BlockNumber,
	/// State in storage.
	pub state: StoredState<Account>,
}

/// What holds for a job at some block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase<'a, Account> {
	/// A pod may lock it. `lapsed` is a lock whose pod never acknowledged: it no longer counts,
	/// but its bond is still to be released.
	Open {
		/// The lock that lapsed, if one did.
		lapsed: Option<&'a Lock<Account>>,
	},
	/// Claimed; the pod may acknowledge.
	Locked(&'a Lock<Account>),
	/// Acknowledged; the pod may submit the result.
	Proving(&'a Lock<Account>),
	/// No pod locked, or none acknowledged, in time: the client is refunded.
	Expired {
		/// The lock that lapsed, if one did.
		lapsed: Option<&'a Lock<Account>>,
	},
	/// The pod acknowledged and did not prove in time: it is slashed, the client is refunded.
	Missed(&'a Lock<Account>),
}

impl<Account> Phase<'_, Account> {
	/// Whether the job is over and waits only for its balances to be moved.
	pub fn is_overdue(&self) -> bool {
		matches!(self, Self::Expired { .. } | Self::Missed(_))
	}

	/// One word for people and for JSON.
	pub fn name(&self) -> &'static str {
		match self {
			Self::Open { .. } => "open",
			Self::Locked(_) => "locked",
			Self::Proving(_) => "proving",
			Self::Expired { .. } => "expired",
			Self::Missed(_) => "missed",
		}
	}
}

impl<Account> Job<Account> {
	/// Last block in which a pod may lock the job.
	pub fn lock_by(&self) -> BlockNumber {
		self.opened.saturating_add(self.request.windows.lock)
	}

	/// The price for a pod that locks in block `now`.
	pub fn price_at(&self, now: BlockNumber) -> Balance {
		self.request.price.after(now.saturating_sub(self.opened))
	}

	/// The claim of a pod that locks in block `now`.
	pub fn lock_at(&self, now: BlockNumber, pod: Account, key_epoch: u32) -> Lock<Account> {
		let acknowledge_by = now.saturating_add(self.request.windows.acknowledge);
		Lock {
			pod,
			price: self.price_at(now),
			key_epoch,
			acknowledge_by,
			prove_by: acknowledge_by.saturating_add(self.request.windows.prove),
		}
	}

	/// What holds in block `now`. A deadline's own block still counts as in time.
	pub fn phase(&self, now: BlockNumber) -> Phase<'_, Account> {
		let unlocked = |lapsed| {
			if now <= self.lock_by() {
				Phase::Open { lapsed }
			} else {
				Phase::Expired { lapsed }
			}
		};
		match &self.state {
			StoredState::Open => unlocked(None),
			StoredState::Locked(lock) if now <= lock.acknowledge_by => Phase::Locked(lock),
			StoredState::Locked(lock) => unlocked(Some(lock)),
			StoredState::Proving(lock) if now <= lock.prove_by => Phase::Proving(lock),
			StoredState::Proving(lock) => Phase::Missed(lock),
		}
	}

	/// First block in which the job is over if nobody acts; until then its place on the agenda.
	pub fn overdue_from(&self) -> BlockNumber {
		match &self.state {
			StoredState::Open => self.lock_by(),
			StoredState::Locked(lock) => self.lock_by().max(lock.acknowledge_by),
			StoredState::Proving(lock) => lock.prove_by,
		}
		.saturating_add(1)
	}
}

/// Why a job failed after a pod had acknowledged it.
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
pub enum FailureReason {
	/// The pod gave up early.
	#[codec(index = 0)]
	Discarded,
	/// The deadline for the proof passed.
	#[codec(index = 1)]
	Missed,
}

/// How a job ended.
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
#[serde(rename_all = "lowercase")]
pub enum Outcome<Account> {
	/// The proof was verified and the pod paid.
	#[codec(index = 0)]
	Settled {
		/// Who proved it.
		pod: Account,
		/// What it was paid.
		price: Balance,
		/// [Digest](crate::statement::JobStatement::digest) of what was proved.
		statement: Digest,
		/// The output, sealed unless the model's output is public.
		output: OutputElements,
	},
	/// The client withdrew it before any pod had it.
	#[codec(index = 1)]
	Cancelled,
	/// Nobody took it, or nobody acknowledged it, in time.
	#[codec(index = 2)]
	Expired,
	/// A pod acknowledged it and did not prove it.
	#[codec(index = 3)]
	Failed {
		/// Who had it.
		pod: Account,
		/// Why.
		reason: FailureReason,
		/// What the pod lost.
		slashed: Balance,
		/// Part of it that went to the client.
		compensation: Balance,
	},
}

impl<Account> Outcome<Account> {
	/// One word for people and for JSON.
	pub fn name(&self) -> &'static str {
		match self {
			Self::Settled { .. } => "settled",
			Self::Cancelled => "cancelled",
			Self::Expired => "expired",
			Self::Failed { .. } => "failed",
		}
	}
}

/// What the chain keeps of a job that has ended.
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
pub struct Receipt<Account> {
	/// Who paid.
	pub client: Account,
	/// The model.
	pub model: ModelId,
	/// Block of the end.
	pub block: BlockNumber,
	/// How it ended.
	pub outcome: Outcome<Account>,
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	fn job(state: StoredState<u8>) -> Job<u8> {
		Job {
			rules: JOB_RULES,
			client: 1,
			request: JobRequest {
				model: ModelId([0; 32]),
				input: InputCommitment([0; 32]),
				output_key: None,
				price: PriceRamp { min: 10, max: 110, ramp: 10 },
				windows: Windows { lock: 20, acknowledge: 5, prove: 30 },
				requirements: Requirements::default(),
			},
			terms: BondTerms { bond: 50, missed_slash: 50, discard_slash: 10, client_share: 500 },
			opened: 100,
			state,
		}
	}

	fn lock(at: BlockNumber) -> Lock<u8> {
		job(StoredState::Open).lock_at(at, 2, 0)
	}

	#[test]
	fn open_job_expires_after_its_lock_deadline() {
		let job = job(StoredState::Open);
		assert_eq!(job.phase(120), Phase::Open { lapsed: None });
		assert_eq!(job.phase(121), Phase::Expired { lapsed: None });
		assert_eq!(job.overdue_from(), 121);
	}

	#[test]
	fn unacknowledged_lock_lapses_back_to_open() {
		let claim = lock(110);
		let job = job(StoredState::Locked(claim));
		assert_eq!(job.phase(115), Phase::Locked(&claim));
		assert_eq!(job.phase(116), Phase::Open { lapsed: Some(&claim) });
		assert_eq!(job.phase(121), Phase::Expired { lapsed: Some(&claim) });
	}

	#[test]
	fn lock_near_the_deadline_still_has_its_whole_window() {
		let claim = lock(120);
		let job = job(StoredState::Locked(claim));
		assert_eq!(job.phase(125), Phase::Locked(&claim));
		assert_eq!(job.phase(126), Phase::Expired { lapsed: Some(&claim) });
		assert_eq!(job.overdue_from(), 126);
	}

	#[test]
	fn acknowledged_job_is_missed_after_its_prove_deadline() {
		let claim = lock(110);
		let job = job(StoredState::Proving(claim));
		assert_eq!(claim.prove_by, 145);
		assert_eq!(job.phase(145), Phase::Proving(&claim));
		assert_eq!(job.phase(146), Phase::Missed(&claim));
	}

	#[test]
	fn price_rises_from_min_to_max() {
		let job = job(StoredState::Open);
		assert_eq!(job.price_at(100), 10);
		assert_eq!(job.price_at(105), 60);
		assert_eq!(job.price_at(110), 110);
		assert_eq!(job.price_at(BlockNumber::MAX), 110);
	}

	#[test]
	fn requirements_admit_by_account_region_and_reputation() {
		let any = Requirements::<u8>::default();
		assert!(any.admit(&1, Region(*b"CH"), 0));
		let hire = Requirements { pods: vec![7].try_into().unwrap(), ..any.clone() };
		assert!(hire.admit(&7, Region(*b"CH"), 0) && !hire.admit(&8, Region(*b"CH"), 0));
		let swiss =
			Requirements { regions: vec![Region(*b"CH")].try_into().unwrap(), ..any.clone() };
		assert!(swiss.admit(&7, Region(*b"CH"), 0) && !swiss.admit(&7, Region(*b"DE"), 0));
		let proven = Requirements { min_reputation: 900, ..any };
		assert!(proven.admit(&7, Region(*b"CH"), 900) && !proven.admit(&7, Region(*b"CH"), 899));
	}

	proptest! {
		#[test]
		fn price_is_monotone_and_within_bounds(
			min: u128,
			max: u128,
			ramp: u32,
			a: u32,
			b: u32,
		) {
			let ramp = PriceRamp { min: min.min(max), max: min.max(max), ramp };
			let (early, late) = (ramp.after(a.min(b)), ramp.after(a.max(b)));
			prop_assert!(ramp.min <= early && early <= late && late <= ramp.max);
		}

		#[test]
		fn split_loses_nothing(slash: u128, client_share: u16) {
			let terms = BondTerms { bond: slash, missed_slash: slash, discard_slash: 0, client_share };
			let (client, burned) = terms.split(slash);
			prop_assert_eq!(client.checked_add(burned), Some(slash));
		}

		#[test]
		fn phase_turns_overdue_exactly_when_the_agenda_says(
			stored in 0u8..3,
			locked_at in 100u32..=120,
			now in 100u32..300,
		) {
			let claim = lock(locked_at);
			let job = job(match stored {
				0 => StoredState::Open,
				1 => StoredState::Locked(claim),
				_ => StoredState::Proving(claim),
			});
			prop_assert_eq!(job.phase(now).is_overdue(), now >= job.overdue_from());
		}
	}
}
