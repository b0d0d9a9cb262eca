// SPDX-License-Identifier: Apache-2.0

//! Benchmarks of the calls, with keys and proofs that are [forged](crate::forge).

use super::*;
use crate::forge::ForgedKey;
use alloc::vec::Vec;
use frame_benchmarking::v2::*;
use frame_support::traits::fungible::Mutate;
use frame_system::RawOrigin;

const MOST_INPUTS: u32 = MAX_PUBLIC_INPUTS as u32;

/// The sender, who can pay any deposit.
fn owner<T: Config>() -> Result<AccountId32, BenchmarkError>
where
	T::Currency: Mutate<AccountId32>,
{
	let owner = whitelisted_caller();
	T::Currency::mint_into(&owner, Balance::MAX / 1_000_000)?;
	Ok(owner)
}

/// So many scalars without a zero byte, all different.
fn inputs(count: u32) -> PublicInputs {
	let scalars = (1..=count).map(|number| {
		let mut bytes = [0x55; 32];
		for (to, from) in bytes.iter_mut().zip(number.to_le_bytes()) {
			*to ^= from;
		}
		Scalar(bytes)
	});
	PublicInputs::truncate_from(scalars.collect::<Vec<_>>())
}

#[benchmarks(where T::Currency: Mutate<AccountId32>)]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn register_key(i: Linear<0, MOST_INPUTS>) -> Result<(), BenchmarkError> {
		let owner = owner::<T>()?;
		let key = ForgedKey::new(i, 1);

		#[extrinsic_call]
		_(RawOrigin::Signed(owner), key.verifying_key());

		assert!(Keys::<T>::contains_key(key.id()));
		Ok(())
	}

	#[benchmark]
	fn remove_key() -> Result<(), BenchmarkError> {
		let owner = owner::<T>()?;
		let key = ForgedKey::new(MOST_INPUTS, 1);
		Pallet::<T>::do_register_key(owner.clone(), key.verifying_key())?;

		#[extrinsic_call]
		_(RawOrigin::Signed(owner), key.id());

		assert!(!Keys::<T>::contains_key(key.id()));
		Ok(())
	}

	/// A proof that holds; one that does not costs as much. The macro has `verify` for itself.
	#[benchmark]
	fn verify_proof(i: Linear<0, MOST_INPUTS>) -> Result<(), BenchmarkError> {
		let owner = owner::<T>()?;
		let key = ForgedKey::new(i, 1);
		Pallet::<T>::do_register_key(owner.clone(), key.verifying_key())?;
		let inputs = inputs(i);
		let proof = key.prove(&inputs);
		let before = frame_system::Pallet::<T>::event_count();

		#[extrinsic_call]
		verify(RawOrigin::Signed(owner), key.id(), proof, inputs);

		assert!(frame_system::Pallet::<T>::event_count() > before);
		Ok(())
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::externalities(), crate::mock::Test);
}
