// SPDX-License-Identifier: Apache-2.0

//! What a job must look like to be opened, and the bond that its terms ask of a pod.

use crate::{submission_weight, Config, Error};
use ark_bls12_381::Fr;
use frame_support::{
	ensure,
	traits::{fungible::Inspect, Get},
};
use proofpod_primitives::{
	job::{BondTerms, JobRequest, Requirements, Windows},
	pod::PrivacyTier,
	Balance, Scalar, MAX_OUTPUT_ELEMENTS,
};
use sp_runtime::AccountId32;

/// Checks everything about a request that does not depend on the model.
pub(crate) fn check<T: Config>(request: &JobRequest<AccountId32>) -> Result<(), Error<T>> {
	ensure!(request.price.is_well_formed(), Error::<T>::MalformedPrice);
	ensure!(request.price.min >= <T as Config>::MinPrice::get(), Error::<T>::PriceTooLow);
	check_windows::<T>(&request.windows)?;
	let Requirements { tier, pods, .. } = &request.requirements;
	ensure!(*tier != PrivacyTier::Local || !pods.is_empty(), Error::<T>::LocalNeedsPods);
	ensure!(is_canonical(request.input.0), Error::<T>::MalformedCommitment);
	ensure!(
		request.output_key.is_none_or(|commitment| is_canonical(commitment.0)),
		Error::<T>::MalformedCommitment
	);
	Ok(())
}

fn check_windows<T: Config>(windows: &Windows) -> Result<(), Error<T>> {
	let Windows { lock, acknowledge, prove } = *windows;
	let shortest = lock.min(acknowledge).min(prove);
	ensure!(shortest >= T::MinWindow::get(), Error::<T>::WindowTooShort);
	ensure!(lock <= T::MaxLockWindow::get(), Error::<T>::LockWindowTooLong);
	ensure!(acknowledge <= T::MaxAcknowledgeWindow::get(), Error::<T>::AcknowledgeWindowTooLong);
	ensure!(prove <= T::MaxProveWindow::get(), Error::<T>::ProveWindowTooLong);
	Ok(())
}

/// Whether the bytes are a scalar below the group order; any other encoding would name a
/// commitment that no proof can match, and leave the pod with an unprovable job.
fn is_canonical(bytes: [u8; 32]) -> bool {
	proofpod_verifier::decode_scalar::<Fr>(&Scalar(bytes)).is_ok()
}

/// Terms for a job with this highest price, under the chain's present configuration.
pub(crate) fn bond_terms<T: Config>(max_price: Balance) -> BondTerms {
	let bond = T::BondShare::get().mul_ceil(max_price).max(T::BondFloor::get());
	BondTerms {
		bond,
		missed_slash: bond,
		discard_slash: T::DiscardShare::get().mul_ceil(bond),
		client_share: T::ClientShare::get(),
	}
}

/// Asserts that the pallet's configuration is consistent.
pub(crate) fn check_config<T: Config>() {
	let existential = <T as Config>::Currency::minimum_balance();
	assert!(
		<T as Config>::MinPrice::get() >= existential.max(1),
		"MinPrice must be positive and at least the existential deposit"
	);
	assert!(
		T::BondFloor::get() >= existential.max(1),
		"BondFloor must be positive and at least the existential deposit"
	);
	let heaviest = submission_weight::<T>(MAX_OUTPUT_ELEMENTS);
	let block = T::BlockWeights::get().max_block;
	assert!(heaviest.all_lte(block), "{heaviest:?} must fit a block of {block:?}");
	assert!(T::ClientShare::get() <= 1000, "ClientShare is in thousandths, at most 1000");
	assert!(T::RetryDelay::get() >= 1, "RetryDelay must be at least one block");
	assert!(T::MinWindow::get() >= 1, "MinWindow must be at least one block");
	for longest in
		[T::MaxLockWindow::get(), T::MaxAcknowledgeWindow::get(), T::MaxProveWindow::get()]
	{
		assert!(longest >= T::MinWindow::get(), "MinWindow must not exceed any longest window");
	}
	assert!(
		T::MaxLockWindow::get()
			.checked_add(T::MaxAcknowledgeWindow::get())
			.and_then(|sum| sum.checked_add(T::MaxProveWindow::get()))
			.is_some_and(|sum| sum < u32::MAX / 2),
		"the longest windows together must stay far below the last block number"
	);
}
