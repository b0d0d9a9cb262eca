// SPDX-License-Identifier: Apache-2.0

//! The introduction of the clock.

use crate::{Config, Ticks};
use core::marker::PhantomData;
use frame_support::{
	sp_runtime::SaturatedConversion,
	traits::{Get, OnRuntimeUpgrade},
	weights::Weight,
};
use proofpod_primitives::Tick;

/// Starts the clock of a chain that had none at the height of the block: so what was counted in
/// heights goes on in ticks of the same number.
pub struct Start<T>(PhantomData<T>);

impl<T: Config> OnRuntimeUpgrade for Start<T> {
	fn on_runtime_upgrade() -> Weight {
		if Ticks::<T>::exists() {
			return T::DbWeight::get().reads(1);
		}
		let height = frame_system::Pallet::<T>::block_number();
		Ticks::<T>::put(Tick(height.saturated_into()));
		T::DbWeight::get().reads_writes(2, 1)
	}
}
