// SPDX-License-Identifier: Apache-2.0

//! Weights of the calls.
//!
//! **Estimates, not benchmarks.** The calls do little but read and write storage, which is charged
//! by the runtime's `DbWeight`; the constants cover decoding, hashing and holds, generously. The
//! size of storage proofs, which a chain of its own does not need, is left at zero.

use core::marker::PhantomData;
use frame_support::{
	traits::Get,
	weights::{constants::WEIGHT_REF_TIME_PER_MICROS, Weight},
};

/// What the calls cost.
pub trait WeightInfo {
	/// Registering a model.
	fn register() -> Weight;
	/// Replacing a model's URIs.
	fn update_uris() -> Weight;
	/// Closing a model to new jobs.
	fn deprecate() -> Weight;
	/// Removing a model.
	fn remove() -> Weight;
	/// Changing one model to the layout of version 1.
	fn migrate() -> Weight;
}

/// Estimates; see the head of this file.
pub struct SubstrateWeight<T>(PhantomData<T>);

fn micros(micros: u64) -> Weight {
	Weight::from_parts(WEIGHT_REF_TIME_PER_MICROS.saturating_mul(micros), 0)
}

/// The work of the calls, without storage.
impl WeightInfo for () {
	fn register() -> Weight {
		micros(100)
	}

	fn update_uris() -> Weight {
		micros(80)
	}

	fn deprecate() -> Weight {
		micros(40)
	}

	fn remove() -> Weight {
		micros(80)
	}

	fn migrate() -> Weight {
		micros(60)
	}
}

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	fn register() -> Weight {
		// Model and the one that it replaces, verifying key, account, holds.
		<()>::register().saturating_add(T::DbWeight::get().reads_writes(5, 5))
	}

	fn update_uris() -> Weight {
		// Model, account, holds.
		<()>::update_uris().saturating_add(T::DbWeight::get().reads_writes(3, 3))
	}

	fn deprecate() -> Weight {
		<()>::deprecate().saturating_add(T::DbWeight::get().reads_writes(1, 1))
	}

	fn remove() -> Weight {
		// Model and the one that it replaces, verifying key, account, holds.
		<()>::remove().saturating_add(T::DbWeight::get().reads_writes(5, 5))
	}

	fn migrate() -> Weight {
		<()>::migrate().saturating_add(T::DbWeight::get().reads_writes(2, 1))
	}
}
