// SPDX-License-Identifier: Apache-2.0

//! The agenda: at which tick something of which live job is due, and the sweep that carries it out
//! with the weight that blocks leave over.
//!
//! A job stands in the slot of [`due_from`](proofpod_primitives::job::Job::due_from), or, when what
//! was due failed in a sweep, in the slot of its next try. Slots are prefixes of an unbounded map,
//! taken apart a few entries at a time, so no number of jobs with one deadline can keep another out
//! or stop a block.

use crate::{Agenda, AgendaCursor, Config, Event, JobOf, Jobs, Pallet, Retries, WeightInfo};
use alloc::vec::Vec;
use frame_support::{
	storage::with_storage_layer,
	traits::{Get, GetStorageVersion},
	weights::{Weight, WeightMeter},
};
use proofpod_primitives::{JobId, Tick};

/// Enters a job that is not on the agenda yet.
pub(crate) fn insert<T: Config>(id: JobId, job: &JobOf<T>) {
	Agenda::<T>::insert(job.due_from(), id, ());
}

/// Takes a job off the agenda; `job` is its record as stored.
pub(crate) fn remove<T: Config>(id: JobId, job: &JobOf<T>) {
	let slot = Retries::<T>::take(id).unwrap_or_else(|| job.due_from());
	Agenda::<T>::remove(slot, id);
}

/// Moves a job from the slot of its stored record to that of its new one.
pub(crate) fn relocate<T: Config>(id: JobId, stored: &JobOf<T>, new: &JobOf<T>) {
	remove::<T>(id, stored);
	insert::<T>(id, new);
}

/// Most weight that the sweep may take of a block.
pub(crate) fn share<T: Config>() -> Weight {
	let (share, block) = (T::MaxSweepShare::get(), T::BlockWeights::get().max_block);
	Weight::from_parts(share.mul_floor(block.ref_time()), share.mul_floor(block.proof_size()))
}

/// Carries out what is due, oldest slot first, while `limit` and the sweep's share of a block last;
/// gives the weight used.
pub(crate) fn tidy<T: Config>(now: Tick, limit: Weight) -> Weight {
	let mut meter = WeightMeter::with_limit(limit.min(share::<T>()));
	if meter.try_consume(<T as Config>::WeightInfo::tidy_base()).is_err() {
		return Weight::zero();
	}
	// Records of an older layout must not be read.
	if Pallet::<T>::on_chain_storage_version() != Pallet::<T>::in_code_storage_version() {
		return meter.consumed();
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
		cursor = cursor.after(1);
	}
	if cursor != start {
		AgendaCursor::<T>::put(cursor);
	}
	meter.consumed()
}

/// Carries out what is due of one job, all or nothing. A job of which that fails is set aside for a
/// later try: it must neither be lost nor stand in the way of others.
pub(crate) fn tidy_job<T: Config>(slot: Tick, id: JobId, now: Tick) {
	let Some(job) = Jobs::<T>::get(id) else {
		Agenda::<T>::remove(slot, id);
		return;
	};
	if let Err(error) = with_storage_layer(|| Pallet::<T>::carry_out(id, &job, now)) {
		let until = now.after(T::RetryDelay::get());
		Agenda::<T>::remove(slot, id);
		Agenda::<T>::insert(until, id, ());
		Retries::<T>::insert(id, until);
		let from = job.state.stage();
		Pallet::<T>::deposit_event(Event::Deferred { job: id, from, until, error });
	}
}
