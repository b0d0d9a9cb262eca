// SPDX-License-Identifier: Apache-2.0

//! Weights of the calls.
//!
//! **Estimates, not benchmarks.** The calls do little but read and write storage, which is charged
//! by the runtime's `DbWeight`; the constants cover decoding and holds, generously. The size of
//! storage proofs, which a chain of its own does not need, is left at zero.

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
	/// Changing who works for a pod.
	fn set_operator() -> Weight;
	/// Bonding more.
	fn bond_more() -> Weight;
	/// A heartbeat.
	fn heartbeat() -> Weight;
	/// Attesting tags.
	fn attest() -> Weight;
	/// Taking an attestation back.
	fn revoke() -> Weight;
	/// Suspending a pod.
	fn suspend() -> Weight;
	/// Ending a suspension.
	fn reinstate() -> Weight;
	/// Changing one pod to the layout of version 1.
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

	fn set_operator() -> Weight {
		micros(40)
	}

	fn bond_more() -> Weight {
		micros(80)
	}

	fn heartbeat() -> Weight {
		micros(40)
	}

	fn attest() -> Weight {
		micros(80)
	}

	fn revoke() -> Weight {
		micros(80)
	}

	fn suspend() -> Weight {
		micros(40)
	}

	fn reinstate() -> Weight {
		micros(40)
	}

	fn migrate() -> Weight {
		micros(60)
	}
}

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	fn register() -> Weight {
		// Pod and number of pods, both roles of it and its operator, clock, account, holds.
		<()>::register().saturating_add(T::DbWeight::get().reads_writes(8, 5))
	}

	fn update() -> Weight {
		// Pod or operator, pod.
		<()>::update().saturating_add(T::DbWeight::get().reads_writes(3, 1))
	}

	fn leave() -> Weight {
		// Pod, number of pods, clock.
		<()>::leave().saturating_add(T::DbWeight::get().reads_writes(3, 1))
	}

	fn withdraw() -> Weight {
		// Pod, number of pods, operator, clock, account, holds.
		<()>::withdraw().saturating_add(T::DbWeight::get().reads_writes(5, 5))
	}

	fn set_operator() -> Weight {
		// Pod, both operators and whether they are pods.
		<()>::set_operator().saturating_add(T::DbWeight::get().reads_writes(4, 3))
	}

	fn bond_more() -> Weight {
		// Pod, account, holds.
		<()>::bond_more().saturating_add(T::DbWeight::get().reads_writes(3, 3))
	}

	fn heartbeat() -> Weight {
		// Operator, pod, number of pods, clock.
		<()>::heartbeat().saturating_add(T::DbWeight::get().reads_writes(5, 1))
	}

	fn attest() -> Weight {
		// Pod, attestation, clock, account, holds.
		<()>::attest().saturating_add(T::DbWeight::get().reads_writes(5, 3))
	}

	fn revoke() -> Weight {
		// Attestation, account, holds.
		<()>::revoke().saturating_add(T::DbWeight::get().reads_writes(3, 3))
	}

	fn suspend() -> Weight {
		// Pod, number of pods, clock.
		<()>::suspend().saturating_add(T::DbWeight::get().reads_writes(3, 1))
	}

	fn reinstate() -> Weight {
		// Pod, number of pods, clock.
		<()>::reinstate().saturating_add(T::DbWeight::get().reads_writes(3, 1))
	}

	fn migrate() -> Weight {
		// Old and new record, count.
		<()>::migrate().saturating_add(T::DbWeight::get().reads_writes(3, 3))
	}
}
