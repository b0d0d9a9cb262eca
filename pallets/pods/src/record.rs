// SPDX-License-Identifier: Apache-2.0

//! What the chain keeps of a pod, and what holds of it at some moment.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use proofpod_primitives::{
	pod::{PodProfile, PodState, Tags, TrackRecord},
	Balance, Tick, Ticks,
};
use scale_info::TypeInfo;
use sp_runtime::AccountId32;

/// Whether a pod means to take jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", serde(rename_all = "lowercase"))]
pub enum PodStatus {
	/// It does.
	#[codec(index = 0)]
	Active,
	/// It finishes those that it has.
	#[codec(index = 1)]
	Leaving {
		/// First tick in which it may withdraw its bond.
		withdrawable_from: Tick,
	},
}

/// How a job ended for the pod that had locked it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobEnd {
	/// Proved and paid.
	Settled,
	/// Never acknowledged in time.
	Unacknowledged,
	/// Given up after acknowledging.
	Discarded,
	/// Acknowledged, but not proved in time.
	Missed,
	/// Given back before acknowledging: leaves no trace in the track record.
	Released,
}

/// A job that has ended for the pod that had locked it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndedJob {
	/// How.
	pub end: JobEnd,
	/// What the lock had put at risk.
	pub bond: Balance,
	/// What was taken of that: a slash, or the fee of a lapse.
	pub lost: Balance,
	/// What it paid; of one that came to nothing, the most that it would have paid.
	pub price: Balance,
}

impl JobEnd {
	/// Whether the pod itself ended the job, which shows that it is there.
	pub fn is_the_pods_act(&self) -> bool {
		matches!(self, Self::Settled | Self::Discarded | Self::Released)
	}
}

/// Why a pod was suspended.
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
)]
pub enum SuspensionReason {
	/// It acknowledged too many jobs that it did not prove, and has not made up for them.
	#[codec(index = 0)]
	Failures,
	/// The chain's administrators decided so.
	#[codec(index = 1)]
	Administrators,
}

/// How failures are answered that nothing has made up for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Discipline {
	/// So many failures suspend a pod.
	pub threshold: u8,
	/// Length of the first suspension; every further failure doubles it.
	pub base: Ticks,
	/// Length of the longest.
	pub most: Ticks,
}

impl Discipline {
	/// How long a pod is suspended that has failed so often.
	pub fn term(&self, faults: u8) -> Option<Ticks> {
		let doublings = u32::from(faults.checked_sub(self.threshold)?);
		let factor = 1u32.checked_shl(doublings).unwrap_or(Ticks::MAX);
		Some(self.base.saturating_mul(factor).min(self.most))
	}
}

/// A registered pod.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct PodRecord {
	/// What the pod says of itself.
	pub profile: PodProfile,
	/// How many times it has changed its encryption key.
	pub key_epoch: u32,
	/// The account that works for it, beside its own.
	pub operator: Option<AccountId32>,
	/// What is held from it for its registration.
	pub bond: Balance,
	/// Whether it means to take jobs.
	pub status: PodStatus,
	/// Number of jobs that it has locked and that have not ended for it.
	pub live_jobs: u32,
	/// Sum of the bonds of those jobs.
	pub exposure: Balance,
	/// What its jobs have lost of their bonds since its own account last bonded more or named the
	/// operator.
	pub lost: Balance,
	/// When it last did something that a living pod does.
	pub last_seen: Tick,
	/// First tick in which it is not suspended.
	pub suspended_until: Tick,
	/// Jobs that it acknowledged and did not prove, and has not made up for.
	pub faults: u8,
	/// What jobs must yet pay it to make up for them: the highest price of the dearest of them, less
	/// what those paid that settled since, or that of a later one if it is more. So the cheapest job
	/// does not make up for the dearest, and in time any work does.
	pub fault_price: Balance,
	/// How its jobs ended.
	pub record: TrackRecord,
}

impl PodRecord {
	/// What holds of the pod, where pods give a heartbeat once in `period`.
	pub fn state(&self, now: Tick, period: Ticks) -> PodState {
		if let PodStatus::Leaving { withdrawable_from } = self.status {
			PodState::Leaving { withdrawable_from }
		} else if self.is_suspended(now) {
			PodState::Suspended { until: self.suspended_until }
		} else if now.since(self.last_seen) > period.saturating_mul(2) {
			PodState::Silent
		} else {
			PodState::Live
		}
	}

	/// Whether a suspension lasts, be the pod leaving or not.
	pub fn is_suspended(&self, now: Tick) -> bool {
		now < self.suspended_until
	}

	/// Sum of the bonds of jobs that the pod may lock besides those that it has.
	///
	/// What it has lost counts as if it were still at risk, until its own account acts: so an
	/// operator's key can lose no more in all than may be at risk at once.
	pub fn headroom(&self, max_exposure: u32) -> Balance {
		self.bond
			.saturating_mul(max_exposure.into())
			.saturating_sub(self.exposure)
			.saturating_sub(self.lost)
	}

	/// Notes that the pod's own account stands by what was done in its name: what its jobs have lost
	/// counts no more. Gives what that was.
	pub fn vouched_for(&mut self) -> Balance {
		core::mem::take(&mut self.lost)
	}

	/// Forgets failures.
	pub fn forgive(&mut self) {
		self.faults = 0;
		self.fault_price = 0;
	}

	/// Lets a settled job make up for failures, as far as it was paid.
	fn make_up(&mut self, price: Balance) {
		self.fault_price = self.fault_price.saturating_sub(price);
		if self.fault_price == 0 {
			self.forgive();
		}
	}

	/// Counts a job that the pod has locked.
	pub fn job_locked(&mut self, now: Tick, bond: Balance) {
		self.live_jobs = self.live_jobs.saturating_add(1);
		self.exposure = self.exposure.saturating_add(bond);
		self.last_seen = now;
	}

	/// Counts the end of one of the pod's jobs, which has this weight in its track record.
	pub fn job_ended(&mut self, now: Tick, job: &EndedJob, weight: u32, discipline: Discipline) {
		self.live_jobs = self.live_jobs.saturating_sub(1);
		self.exposure = self.exposure.saturating_sub(job.bond);
		self.lost = self.lost.saturating_add(job.lost);
		if job.end.is_the_pods_act() {
			self.last_seen = now;
		}
		let count = |counter: &mut u32| *counter = counter.saturating_add(1);
		match job.end {
			JobEnd::Settled => {
				count(&mut self.record.settled);
				self.record.note(true, weight);
				self.make_up(job.price);
			},
			JobEnd::Unacknowledged => count(&mut self.record.unacknowledged),
			JobEnd::Discarded => {
				count(&mut self.record.discarded);
				self.record.note(false, weight);
				self.fault(now, job.price, discipline);
			},
			JobEnd::Missed => {
				count(&mut self.record.missed);
				self.record.note(false, weight);
				self.fault(now, job.price, discipline);
			},
			JobEnd::Released => {},
		}
	}

	/// Notes a job that was acknowledged and not proved.
	///
	/// What a suspended pod does not prove it had locked before: one outage counts once it is
	/// punished, not for every job that it hit.
	fn fault(&mut self, now: Tick, price: Balance, discipline: Discipline) {
		if !self.is_suspended(now) {
			self.faults = self.faults.saturating_add(1);
			if let Some(term) = discipline.term(self.faults) {
				self.suspended_until = self.suspended_until.max(now.after(term));
			}
		}
		if self.faults > 0 {
			self.fault_price = self.fault_price.max(price);
		}
	}
}

/// A registered pod and what holds of it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct PodView {
	/// What holds.
	pub state: PodState,
	/// When that was.
	pub now: Tick,
	/// Reputation in thousandths.
	pub reputation: u16,
	/// Sum of the bonds of jobs that it may lock besides those that it has.
	pub headroom: Balance,
	/// When its next heartbeat is due.
	pub heartbeat_due: Tick,
	/// Its record.
	pub record: PodRecord,
}

/// What somebody says of a pod.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Attestation {
	/// Tags that the pod deserves.
	pub tags: Tags,
	/// First tick in which the word no longer counts.
	pub expires: Tick,
	/// What is held from the issuer for it.
	pub deposit: Balance,
}
