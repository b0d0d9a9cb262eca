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
	/// Locking a job, with a lapsed lock to undo.
	fn lock() -> Weight;
	/// Acknowledging a job.
	fn acknowledge() -> Weight;
	/// Submitting a result and settling, without the proof's verification.
	fn submit_result() -> Weight;
	/// Cancelling a job, with a lapsed lock to undo.
	fn cancel() -> Weight;
	/// Giving an acknowledged job up.
	fn discard() -> Weight;
	/// Giving a lock back, when the job then expires.
	fn release() -> Weight;
	/// Moving an overdue job to its end.
	fn poke() -> Weight;
	/// A sweep that finds no slot due.
	fn tidy_base() -> Weight;
	/// Looking at one slot of the agenda.
	fn tidy_slot() -> Weight;
	/// Ending one overdue job in the sweep, or setting it aside.
	fn tidy_job() -> Weight;
}

/// Estimates; see the head of this file.
pub struct EstimatedWeight<T>(PhantomData<T>);

fn micros(micros: u64) -> Weight {
	Weight::from_parts(WEIGHT_REF_TIME_PER_MICROS.saturating_mul(micros), 0)
}

/// The work alone, without storage.
impl WeightInfo for () {
	fn open() -> Weight {
		micros(100)
	}

	fn lock() -> Weight {
		micros(150)
	}

	fn acknowledge() -> Weight {
		micros(50)
	}

	fn submit_result() -> Weight {
		micros(180)
	}

	fn cancel() -> Weight {
		micros(140)
	}

	fn discard() -> Weight {
		micros(160)
	}

	fn release() -> Weight {
		micros(140)
	}

	fn poke() -> Weight {
		micros(160)
	}

	fn tidy_base() -> Weight {
		micros(5)
	}

	fn tidy_slot() -> Weight {
		micros(5)
	}

	fn tidy_job() -> Weight {
		micros(180)
	}
}

impl<T: frame_system::Config> WeightInfo for EstimatedWeight<T> {
	fn open() -> Weight {
		// Model, number, client's account and holds; agenda, job.
		<()>::open().saturating_add(T::DbWeight::get().reads_writes(4, 6))
	}

	fn lock() -> Weight {
		// Job, retry, two pods with their accounts and holds; agenda twice.
		<()>::lock().saturating_add(T::DbWeight::get().reads_writes(8, 10))
	}

	fn acknowledge() -> Weight {
		// Job, retry; agenda twice.
		<()>::acknowledge().saturating_add(T::DbWeight::get().reads_writes(2, 4))
	}

	fn submit_result() -> Weight {
		// Job, model twice, genesis, both accounts with their holds, pod, retry; agenda, receipt.
		<()>::submit_result().saturating_add(T::DbWeight::get().reads_writes(10, 10))
	}

	fn cancel() -> Weight {
		// Job, both accounts with their holds, pod, retry, model; agenda, receipt.
		<()>::cancel().saturating_add(T::DbWeight::get().reads_writes(8, 10))
	}

	fn discard() -> Weight {
		// As cancelling, and the total issuance.
		<()>::discard().saturating_add(T::DbWeight::get().reads_writes(9, 11))
	}

	fn release() -> Weight {
		// As cancelling.
		<()>::release().saturating_add(T::DbWeight::get().reads_writes(8, 10))
	}

	fn poke() -> Weight {
		// As discarding.
		<()>::poke().saturating_add(T::DbWeight::get().reads_writes(9, 11))
	}

	fn tidy_base() -> Weight {
		// Cursor.
		<()>::tidy_base().saturating_add(T::DbWeight::get().reads_writes(1, 1))
	}

	fn tidy_slot() -> Weight {
		// The key after the slot's last.
		<()>::tidy_slot().saturating_add(T::DbWeight::get().reads(1))
	}

	fn tidy_job() -> Weight {
		// As poking; the slot's key, and the retry's entries.
		<()>::tidy_job().saturating_add(T::DbWeight::get().reads_writes(10, 13))
	}
}
