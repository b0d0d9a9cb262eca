// SPDX-License-Identifier: Apache-2.0

//! Weight of the clock.
//!
//! **An estimate, not a benchmark.** The storage is charged by the runtime's `DbWeight`; the
//! constant covers the comparison with the block's limits and the filter of one call, generously.

use core::marker::PhantomData;
use frame_support::{
	traits::Get,
	weights::{constants::WEIGHT_REF_TIME_PER_MICROS, Weight},
};

/// What the clock costs.
pub trait WeightInfo {
	/// Deciding about a block.
	fn tick() -> Weight;
}

/// Estimates; see the head of this file.
pub struct SubstrateWeight<T>(PhantomData<T>);

/// The work alone, without storage.
impl WeightInfo for () {
	fn tick() -> Weight {
		Weight::from_parts(WEIGHT_REF_TIME_PER_MICROS.saturating_mul(10), 0)
	}
}

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	fn tick() -> Weight {
		// The block's weight and length, which are in memory; migrations, and whether one ran; the
		// ticks.
		<()>::tick().saturating_add(T::DbWeight::get().reads_writes(5, 2))
	}
}
