// SPDX-License-Identifier: Apache-2.0

//! What the chain keeps of a pod.

use codec::{Decode, Encode, MaxEncodedLen};
use proofpod_primitives::{
	pod::{PodProfile, TrackRecord},
	Balance, BlockNumber,
};
use scale_info::TypeInfo;

/// Whether a pod takes jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub enum PodStatus {
	/// It does.
	#[codec(index = 0)]
	Active,
	/// It finishes those that it has.
	#[codec(index = 1)]
	Leaving {
		/// First block in which it may withdraw its bond.
		withdrawable_from: BlockNumber,
	},
}

impl PodStatus {
	/// Whether the pod takes new jobs.
	pub fn takes_jobs(&self) -> bool {
		matches!(self, Self::Active)
	}
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

/// A registered pod.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct PodRecord {
	/// What the pod says of itself.
	pub profile: PodProfile,
	/// How many times it has changed its encryption key.
	pub key_epoch: u32,
	/// What is held from it for its registration.
	pub bond: Balance,
	/// Whether it takes jobs.
	pub status: PodStatus,
	/// Number of jobs that it has locked and that have not ended for it.
	pub live_jobs: u32,
	/// How its jobs ended.
	pub record: TrackRecord,
}

impl PodRecord {
	/// Counts the end of one of the pod's jobs.
	pub fn job_ended(&mut self, end: JobEnd) {
		self.live_jobs = self.live_jobs.saturating_sub(1);
		let record = &mut self.record;
		let counter = match end {
			JobEnd::Settled => &mut record.settled,
			JobEnd::Unacknowledged => &mut record.unacknowledged,
			JobEnd::Discarded => &mut record.discarded,
			JobEnd::Missed => &mut record.missed,
			JobEnd::Released => return,
		};
		*counter = counter.saturating_add(1);
	}
}
