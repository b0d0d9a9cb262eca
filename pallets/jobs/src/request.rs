// SPDX-License-Identifier: Apache-2.0

//! What a job must look like to be opened.

use crate::{Config, Error};
use ark_bls12_381::Fr;
use frame_support::{ensure, traits::Get};
use proofpod_primitives::{
	job::{JobRequest, Requirements, Windows},
	pod::{is_tag, PrivacyTier, Region},
	Scalar,
};
use sp_runtime::AccountId32;

/// Checks everything about a request that does not depend on the model.
pub(crate) fn check<T: Config>(request: &JobRequest<AccountId32>) -> Result<(), Error<T>> {
	ensure!(request.price.is_well_formed(), Error::<T>::MalformedPrice);
	ensure!(request.price.min >= <T as Config>::MinPrice::get(), Error::<T>::PriceTooLow);
	check_windows::<T>(&request.windows)?;
	let Requirements { tier, pods, regions, tags, .. } = &request.requirements;
	ensure!(*tier != PrivacyTier::Local || !pods.is_empty(), Error::<T>::LocalNeedsPods);
	ensure!(regions.iter().all(Region::is_well_formed), Error::<T>::MalformedRegion);
	ensure!(tags.iter().all(|required| is_tag(&required.tag)), Error::<T>::MalformedTag);
	ensure!(is_canonical(request.input.0), Error::<T>::MalformedCommitment);
	ensure!(
		request.output_key.is_none_or(|commitment| is_canonical(commitment.0)),
		Error::<T>::MalformedCommitment
	);
	Ok(())
}

fn check_windows<T: Config>(windows: &Windows) -> Result<(), Error<T>> {
	let Windows { lock, acknowledge, prove, failover } = *windows;
	ensure!(lock.min(acknowledge) >= T::MinWindow::get(), Error::<T>::WindowTooShort);
	ensure!(prove >= T::MinProveWindow::get(), Error::<T>::ProveWindowTooShort);
	ensure!(lock <= T::MaxLockWindow::get(), Error::<T>::LockWindowTooLong);
	ensure!(acknowledge <= T::MaxAcknowledgeWindow::get(), Error::<T>::AcknowledgeWindowTooLong);
	ensure!(prove <= T::MaxProveWindow::get(), Error::<T>::ProveWindowTooLong);
	// The first pod may fail in the last tick that it has; the next must still find time to lock.
	let shortest =
		lock.saturating_add(acknowledge).saturating_add(prove).saturating_add(T::MinWindow::get());
	ensure!(failover == 0 || failover >= shortest, Error::<T>::FailoverTooShort);
	ensure!(failover <= T::MaxFailoverWindow::get(), Error::<T>::FailoverTooLong);
	Ok(())
}

/// Whether the bytes are a scalar below the group order; any other encoding would name a
/// commitment that no proof can match, and leave the pod with an unprovable job.
fn is_canonical(bytes: [u8; 32]) -> bool {
	proofpod_verifier::decode_scalar::<Fr>(&Scalar(bytes)).is_ok()
}
