// SPDX-License-Identifier: Apache-2.0

//! The agenda: which live job is overdue from which block, and the sweep that ends overdue jobs
//! with the weight that blocks leave over.
//!
//! A job stands in the slot of [`overdue_from`](proofpod_primitives::job::Job::overdue_from), or,
//! when its end failed in a sweep, in the slot of its next try. Slots are prefixes of an unbounded
//! map, taken apart a few entries at a time, so no number of jobs with one deadline can keep
//! another out or stop a block.

use crate::{Agenda, AgendaCursor, Config, Event, JobOf, Jobs, Pallet, Retries, WeightInfo};
use alloc::vec::Vec;
use frame_support::{
	storage::with_storage_layer,
	traits::Get,
	weights::{Weight, WeightMeter},
};
use proofpod_primitives::{BlockNumber, JobId};
use sp_runtime::DispatchResult;

/// Enters a job that is not on the agenda yet.
pub(crate) fn insert<T: Config>(id: JobId, job: &JobOf<T>) {
	Agenda::<T>::insert(job.overdue_from(), id, ());
}

/// Takes a job off the agenda; `job` is its record as stored.
pub(crate) fn remove<T: Config>(id: JobId, job: &JobOf<T>) {
	let slot = Retries::<T>::take(id).unwrap_or_else(|| job.overdue_from());
	Agenda::<T>::remove(slot, id);
}

/// Moves a job from the slot of its stored record to that of its new one.
pub(crate) fn relocate<T: Config>(id: JobId, stored: &JobOf<T>, new: &JobOf<T>) {
	remove::<T>(id, stored);
	insert::<T>(id, new);
}

/// Ends overdue jobs, oldest slot first, while `limit` lasts; gives the weight used.
pub(crate) fn tidy<T: Config>(now: BlockNumber, limit: Weight) -> Weight {
	let mut meter = WeightMeter::with_limit(limit);
	if meter.try_consume(<T as Config>::WeightInfo::tidy_base()).is_err() {
		return Weight::zero();
	}
	let per_job = <T as Config>::WeightInfo::tidy_job();
	let start = AgendaCursor::<T>::get();
	let mut cursor = start;
	while cursor <= now && meter.try_consume(<T as Config>::WeightInfo::tidy_slot()).is_ok() {
		let room = meter.remaining().checked_div_per_component(&per_job).unwrap_or(0);
		let room = usize::try_from(room).unwrap_or(usize::MAX);
		let due: Vec<JobId> = Agenda::<T>::iter_key_prefix(cursor).take(room).collect();
		let emptied = due.len() < room;
		for id in due {
			meter.consume(per_job);
			tidy_job::<T>(cursor, id, now);
		}
		if !emptied {
			break;
		}
		cursor = cursor.saturating_add(1);
	}
	if cursor != start {
		AgendaCursor::<T>::put(cursor);
	}
	meter.consumed()
}

/// Ends one overdue job, all or nothing. A job whose end fails is set aside for a later try: it
/// must neither be lost nor stand in the way of others.
fn tidy_job<T: Config>(slot: BlockNumber, id: JobId, now: BlockNumber) {
	let ended = with_storage_layer(|| -> DispatchResult {
		match Jobs::<T>::get(id) {
			Some(job) => Pallet::<T>::end_overdue(id, &job, now),
			None => {
				Agenda::<T>::remove(slot, id);
				Ok(())
			},
		}
	});
	if let Err(error) = ended {
		let until = now.saturating_add(T::RetryDelay::get());
		Agenda::<T>::remove(slot, id);
		Agenda::<T>::insert(until, id, ());
		Retries::<T>::insert(id, until);
		Pallet::<T>::deposit_event(Event::Deferred { job: id, until, error });
	}
}
