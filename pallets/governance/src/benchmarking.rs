// SPDX-License-Identifier: Apache-2.0

//! Benchmark of the call.

use super::*;
use alloc::{boxed::Box, vec};
use frame_benchmarking::v2::*;
use frame_support::traits::EnsureOrigin;

/// Bytes of the longest call that is measured: a runtime's, uncompressed, takes fewer.
const LONGEST_CALL: u32 = 4 * 1024 * 1024;

#[benchmarks(where <T as Config>::RuntimeCall: From<frame_system::Call<T>>)]
mod benchmarks {
	use super::*;

	/// A call of `b` bytes that does nothing itself.
	#[benchmark]
	fn enact(b: Linear<0, LONGEST_CALL>) -> Result<(), BenchmarkError> {
		let origin = <T as Config>::EnactOrigin::try_successful_origin()
			.map_err(|()| BenchmarkError::Weightless)?;
		let remark = vec![0; b as usize];
		let call = Box::new(frame_system::Call::remark { remark }.into());

		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, call);

		assert!(frame_system::Pallet::<T>::event_count() > 0);
		Ok(())
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::externalities(), crate::mock::Test);
}
