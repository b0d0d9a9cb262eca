// SPDX-License-Identifier: Apache-2.0

//! What the pallet asks of its configuration, and its weights.

use super::*;
use crate::WeightInfo;
use frame_support::traits::Hooks;

fn is_refused(change: impl FnOnce() + std::panic::UnwindSafe) -> bool {
	Pods::integrity_test();
	std::panic::catch_unwind(|| {
		change();
		Pods::integrity_test();
	})
	.is_err()
}

#[test]
fn the_mocks_configuration_is_accepted() {
	Pods::integrity_test();
}

#[test]
fn a_bond_of_nothing_is_refused() {
	assert!(is_refused(|| Bond::set(0)));
}

#[test]
fn a_cap_of_nothing_is_refused() {
	assert!(is_refused(|| MaxExposure::set(0)));
}

#[test]
fn leaving_at_once_is_refused() {
	assert!(is_refused(|| UnbondingPeriod::set(0)));
}

#[test]
fn heartbeats_without_end_and_without_room_are_refused() {
	assert!(is_refused(|| HeartbeatPeriod::set(0)));
	HeartbeatPeriod::set(1);
	assert!(is_refused(|| HeartbeatsPerBlock::set(0)));
}

#[test]
fn suspensions_for_nothing_or_for_no_time_are_refused() {
	assert!(is_refused(|| SuspensionThreshold::set(0)));
	SuspensionThreshold::set(1);
	assert!(is_refused(|| SuspensionBase::set(0)));
	SuspensionBase::set(36);
	MaxSuspension::set(36);
	assert!(is_refused(|| MaxSuspension::set(35)));
}

#[test]
fn an_average_of_nothing_is_refused() {
	assert!(is_refused(|| InitialAveragePrice::set(0)));
}

#[test]
fn storage_for_nothing_is_refused() {
	assert!(is_refused(|| AttestationDepositPerByte::set(0)));
}

#[test]
fn weights_charge_for_storage() {
	use crate::weights::SubstrateWeight;
	let write = <Test as frame_system::Config>::DbWeight::get().reads_writes(1, 1);
	for (with, without) in [
		(SubstrateWeight::<Test>::register(), <()>::register()),
		(SubstrateWeight::<Test>::update(), <()>::update()),
		(SubstrateWeight::<Test>::leave(), <()>::leave()),
		(SubstrateWeight::<Test>::withdraw(), <()>::withdraw()),
		(SubstrateWeight::<Test>::set_operator(), <()>::set_operator()),
		(SubstrateWeight::<Test>::bond_more(), <()>::bond_more()),
		(SubstrateWeight::<Test>::heartbeat(), <()>::heartbeat()),
		(SubstrateWeight::<Test>::attest(), <()>::attest()),
		(SubstrateWeight::<Test>::revoke(), <()>::revoke()),
		(SubstrateWeight::<Test>::suspend(), <()>::suspend()),
		(SubstrateWeight::<Test>::reinstate(), <()>::reinstate()),
	] {
		assert!(with.all_gte(without + write), "{with:?}");
	}
}
