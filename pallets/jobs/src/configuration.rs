// SPDX-License-Identifier: Apache-2.0

//! What the runtime's choices must satisfy among each other.

use crate::{agenda, submission_weight, terms::terms, Config, WeightInfo};
use frame_support::traits::{fungible::Inspect, Get};
use proofpod_primitives::{Balance, MAX_OUTPUT_ELEMENTS};

/// Asserts that the pallet's configuration is consistent.
pub(crate) fn check_config<T: Config>() {
	check_amounts::<T>();
	check_windows::<T>();
	check_weights::<T>();
	assert!(T::MaxJobsPerClient::get() >= 1, "MaxJobsPerClient must be at least one");
	assert!(T::MaxLapses::get() >= 1, "MaxLapses must be at least one");
}

fn check_amounts<T: Config>() {
	let least = <T as Config>::Currency::minimum_balance().max(1);
	let reaches = |amount: Balance| amount >= least;
	assert!(
		reaches(<T as Config>::MinPrice::get()),
		"MinPrice must be positive and at least the existential deposit"
	);
	assert!(
		reaches(T::BondFloor::get()),
		"BondFloor must be positive and at least the existential deposit"
	);
	assert!(
		reaches(T::JobDeposit::get()),
		"JobDeposit must be positive and at least the existential deposit"
	);
	assert!(T::ClientShare::get() <= 500, "ClientShare is in thousandths, at most half of a slash");
	assert!(T::MarketFee::get() < 1000, "MarketFee is in thousandths, below 1000");
	assert!(T::LapseFeeFloor::get() >= 1, "LapseFeeFloor must be positive");
	assert!(
		T::LapseFeeFloor::get() <= T::BondFloor::get(),
		"LapseFeeFloor must not exceed BondFloor"
	);
	assert!(
		T::LapseFeeShare::get() <= T::BondShare::get(),
		"LapseFeeShare must not exceed BondShare"
	);
	let cheapest = terms::<T>(<T as Config>::MinPrice::get());
	let (compensation, _) = cheapest.split(cheapest.discard_slash);
	assert!(
		compensation == 0 || reaches(compensation),
		"ClientShare of the smallest slash must be nothing or at least the existential deposit"
	);
}

fn check_windows<T: Config>() {
	let (shortest, to_prove) = (T::MinWindow::get(), T::MinProveWindow::get());
	assert!(T::RetryDelay::get() >= 1, "RetryDelay must be at least one tick");
	assert!(shortest >= 1, "MinWindow must be at least one tick");
	assert!(to_prove >= shortest, "MinProveWindow must be at least MinWindow");
	let (lock, acknowledge, prove) =
		(T::MaxLockWindow::get(), T::MaxAcknowledgeWindow::get(), T::MaxProveWindow::get());
	assert!(
		lock.min(acknowledge) >= shortest && prove >= to_prove,
		"MinWindow and MinProveWindow must not exceed any longest window"
	);
	let claim = acknowledge.saturating_add(prove);
	assert!(
		T::MaxFailoverWindow::get() >= lock.saturating_add(claim).saturating_add(shortest),
		"MaxFailoverWindow must leave time to lock after the longest windows"
	);
	assert!(
		T::MaxFailoverWindow::get().saturating_add(claim) < u32::MAX / 2,
		"the longest windows together must stay far below the last tick"
	);
	assert!(
		<T as pallet_pods::Config>::UnbondingPeriod::get() > claim,
		"UnbondingPeriod must exceed the longest life of a lock"
	);
}

fn check_weights<T: Config>() {
	let block = T::BlockWeights::get().max_block;
	let heaviest = submission_weight::<T>(MAX_OUTPUT_ELEMENTS);
	assert!(heaviest.all_lte(block), "{heaviest:?} must fit a block of {block:?}");
	let sweep = agenda::share::<T>();
	let least = <T as Config>::WeightInfo::tidy_base()
		.saturating_add(<T as Config>::WeightInfo::tidy_slot())
		.saturating_add(<T as Config>::WeightInfo::tidy_job());
	assert!(least.all_lte(sweep), "MaxSweepShare must leave a sweep {least:?}: it has {sweep:?}");
}
