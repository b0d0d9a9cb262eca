// SPDX-License-Identifier: Apache-2.0

//! Benchmark of the clock.

use super::*;
use frame_benchmarking::v2::*;
use frame_support::traits::Hooks;
use frame_system::pallet_prelude::BlockNumberFor;

#[benchmarks]
mod benchmarks {
	use super::*;

	/// A block that counts: all reasons to hold are looked for, and the ticks are written.
	#[benchmark]
	fn tick() {
		let before = Pallet::<T>::now();

		#[block]
		{
			Pallet::<T>::on_initialize(BlockNumberFor::<T>::default());
			Pallet::<T>::post_transactions();
		}

		assert_eq!(Pallet::<T>::now(), before.after(1));
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::externalities(), crate::mock::Test);
}
