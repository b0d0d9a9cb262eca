// SPDX-License-Identifier: Apache-2.0

//! Weights of the calls.
//!
//! These numbers are **estimates**, counted from the storage that each call touches with a
//! generous allowance for its computation; no benchmark has measured them yet.

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// What each call costs.
pub trait WeightInfo {
	/// Weight of `admit`.
	fn admit() -> Weight;
	/// Weight of `remove`.
	fn remove() -> Weight;
	/// Weight of `resign`.
	fn resign() -> Weight;
	/// Weight of `withdraw_keys`.
	fn withdraw_keys() -> Weight;
}

/// Estimated weights, with the runtime's own cost of storage.
pub struct EstimatedWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> EstimatedWeight<T> {
	/// `micros` microseconds of computation on the reference machine, and storage.
	fn of(micros: u64, reads: u64, writes: u64) -> Weight {
		Weight::from_parts(micros.saturating_mul(1_000_000), 0)
			.saturating_add(T::DbWeight::get().reads_writes(reads, writes))
	}
}

impl<T: frame_system::Config> WeightInfo for EstimatedWeight<T> {
	/// Reads the list and the account's keys; writes the list and the mark of its change.
	fn admit() -> Weight {
		Self::of(25, 2, 2)
	}

	/// Reads the list; writes the list and the mark of its change.
	fn remove() -> Weight {
		Self::of(25, 1, 2)
	}

	/// The same as `remove`.
	fn resign() -> Weight {
		Self::of(25, 1, 2)
	}

	/// Reads the list, keys, hold and account; writes the keys, the owner of each of at most four
	/// keys, hold and account.
	fn withdraw_keys() -> Weight {
		Self::of(60, 9, 8)
	}
}

/// For tests, where time is of no concern.
impl WeightInfo for () {
	fn admit() -> Weight {
		Weight::zero()
	}

	fn remove() -> Weight {
		Weight::zero()
	}

	fn resign() -> Weight {
		Weight::zero()
	}

	fn withdraw_keys() -> Weight {
		Weight::zero()
	}
}
