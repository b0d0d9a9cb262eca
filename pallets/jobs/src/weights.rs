// SPDX-License-Identifier: Apache-2.0

//! Weights of the calls and of the sweep.
//!
//! **Estimates, not benchmarks.** The constants cover decoding, checks and movements of holds,
//! generously; storage is counted by hand and charged by the runtime's `DbWeight`; the size of
//! storage proofs, which a chain of its own does not need, is left at zero. The verification of a
//! result's proof is charged by the proofs pallet's weights and is no part of these.

use core::marker::PhantomData;
use frame_support::{
	traits::Get,
	weights::{constants::WEIGHT_REF_TIME_PER_MICROS, Weight},
};

/// What the calls and the steps of the sweep cost.
pub trait WeightInfo {
	/// Opening a job.
	fn open() -> Weight;
	/// Locking a job that asks for four attested tags, with a missed claim to undo.
	fn lock() -> Weight;
	/// Acknowledging a job.
	fn acknowledge() -> Weight;
	/// Submitting a result and settling, without the proof's verification.
	fn submit_result() -> Weight;
	/// Cancelling a job, with a missed claim to undo.
	fn cancel() -> Weight;
	/// Giving an acknowledged job up, when it then ends.
	fn discard() -> Weight;
	/// Giving a lock back, when the job then expires.
	fn release() -> Weight;
	/// Ending a job whose pod missed its deadline.
	fn poke() -> Weight;
	/// A sweep that finds no slot due.
	fn tidy_base() -> Weight;
	/// Looking at one slot of the agenda.
	fn tidy_slot() -> Weight;
	/// Carrying out in the sweep what is due of one job, or setting it aside.
	fn tidy_job() -> Weight;
	/// Changing one job to the layout of version 1, or taking sixteen entries of the agenda away.
	fn migrate() -> Weight;
}

/// Estimates; see the head of this file.
pub struct SubstrateWeight<T>(PhantomData<T>);

fn micros(micros: u64) -> Weight {
	Weight::from_parts(WEIGHT_REF_TIME_PER_MICROS.saturating_mul(micros), 0)
}

/// The work alone, without storage.
impl WeightInfo for () {
	fn open() -> Weight {
		micros(120)
	}

	fn lock() -> Weight {
		micros(220)
	}

	fn acknowledge() -> Weight {
		micros(60)
	}

	fn submit_result() -> Weight {
		micros(210)
	}

	fn cancel() -> Weight {
		micros(200)
	}

	fn discard() -> Weight {
		micros(190)
	}

	fn release() -> Weight {
		micros(170)
	}

	fn poke() -> Weight {
		micros(190)
	}

	fn tidy_base() -> Weight {
		micros(5)
	}

	fn tidy_slot() -> Weight {
		micros(5)
	}

	fn tidy_job() -> Weight {
		micros(210)
	}

	fn migrate() -> Weight {
		micros(60)
	}
}

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	fn open() -> Weight {
		// Clock, client's count, model, number, client's account and holds; agenda, job.
		<()>::open().saturating_add(T::DbWeight::get().reads_writes(6, 7))
	}

	fn lock() -> Weight {
		// Job, clock, operator, retry, two pods and the client with their accounts and holds,
		// average price, count of pods, issuance, four attestations; agenda twice.
		<()>::lock().saturating_add(T::DbWeight::get().reads_writes(19, 13))
	}

	fn acknowledge() -> Weight {
		// Job, clock, operator, pod, retry; agenda twice.
		<()>::acknowledge().saturating_add(T::DbWeight::get().reads_writes(5, 5))
	}

	fn submit_result() -> Weight {
		// Job, clock, operator, model twice, genesis, both accounts with their holds, pod, average
		// price, issuance, client's count, retry; agenda, receipt.
		<()>::submit_result().saturating_add(T::DbWeight::get().reads_writes(15, 13))
	}

	fn cancel() -> Weight {
		// Job, clock, both accounts with their holds, pod, average price, issuance, client's count,
		// retry, model; agenda, receipt.
		<()>::cancel().saturating_add(T::DbWeight::get().reads_writes(12, 13))
	}

	fn discard() -> Weight {
		// As cancelling, and the operator.
		<()>::discard().saturating_add(T::DbWeight::get().reads_writes(13, 13))
	}

	fn release() -> Weight {
		// As discarding.
		<()>::release().saturating_add(T::DbWeight::get().reads_writes(13, 13))
	}

	fn poke() -> Weight {
		// As cancelling.
		<()>::poke().saturating_add(T::DbWeight::get().reads_writes(12, 13))
	}

	fn tidy_base() -> Weight {
		// Clock, version, cursor.
		<()>::tidy_base().saturating_add(T::DbWeight::get().reads_writes(3, 1))
	}

	fn tidy_slot() -> Weight {
		// The key after the slot's last.
		<()>::tidy_slot().saturating_add(T::DbWeight::get().reads(1))
	}

	fn tidy_job() -> Weight {
		// As poking; the slot's key, and the retry's entries.
		<()>::tidy_job().saturating_add(T::DbWeight::get().reads_writes(13, 15))
	}

	fn migrate() -> Weight {
		// Entries and what comes after them; or job, pod, client's count, agenda, cursor.
		<()>::migrate().saturating_add(T::DbWeight::get().reads_writes(18, 16))
	}
}
