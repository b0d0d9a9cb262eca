// SPDX-License-Identifier: Apache-2.0

//! Weights of the calls.
//!
//! **Estimates, not benchmarks.** The calls do little but read and write storage, which is charged by
//! the runtime's `DbWeight`; the constants cover decoding and holds, generously. The size of storage
//! proofs, which a chain of its own does not need, is left at zero.

use core::marker::PhantomData;
use frame_support::{
	traits::Get,
	weights::{constants::WEIGHT_REF_TIME_PER_MICROS, Weight},
};

/// What the calls cost.
pub trait WeightInfo {
	/// Registering a pod.
	fn register() -> Weight;
	/// Replacing a pod's profile.
	fn update() -> Weight;
	/// Leaving.
	fn leave() -> Weight;
	/// Withdrawing the bond.
	fn withdraw() -> Weight;
}

/// Estimates; see the head of this file.
pub struct EstimatedWeight<T>(PhantomData<T>);

fn micros(micros: u64) -> Weight {
	Weight::from_parts(WEIGHT_REF_TIME_PER_MICROS.saturating_mul(micros), 0)
}

/// The work of the calls, without storage.
impl WeightInfo for () {
	fn register() -> Weight {
		micros(80)
	}

	fn update() -> Weight {
		micros(50)
	}

	fn leave() -> Weight {
		micros(40)
	}

	fn withdraw() -> Weight {
		micros(80)
	}
}

impl<T: frame_system::Config> WeightInfo for EstimatedWeight<T> {
	fn register() -> Weight {
		// Pod, account, holds.
		<()>::register().saturating_add(T::DbWeight::get().reads_writes(3, 3))
	}

	fn update() -> Weight {
		<()>::update().saturating_add(T::DbWeight::get().reads_writes(1, 1))
	}

	fn leave() -> Weight {
		<()>::leave().saturating_add(T::DbWeight::get().reads_writes(1, 1))
	}

	fn withdraw() -> Weight {
		// Pod, account, holds.
		<()>::withdraw().saturating_add(T::DbWeight::get().reads_writes(3, 3))
	}
}
