// SPDX-License-Identifier: Apache-2.0

//! `integrity_test` refuses inconsistent configurations.

use crate::{configuration::check_config, mock::*};
use sp_runtime::{Perbill, Permill};

fn refused(change: impl FnOnce() + std::panic::UnwindSafe) -> String {
	let panic = std::panic::catch_unwind(|| {
		change();
		check_config::<Test>();
	})
	.expect_err("the configuration must be refused");
	panic
		.downcast_ref::<&str>()
		.map(ToString::to_string)
		.or_else(|| panic.downcast_ref::<String>().cloned())
		.unwrap()
}

#[test]
fn the_mocks_configuration_is_accepted() {
	check_config::<Test>();
}

#[test]
fn prices_deposits_and_bonds_must_reach_the_existential_deposit() {
	MinPrice::set(ED);
	JobDeposit::set(ED);
	check_config::<Test>();
	assert!(refused(|| MinPrice::set(ED - 1)).starts_with("MinPrice"));
	MinPrice::set(ED);
	assert!(refused(|| JobDeposit::set(ED - 1)).starts_with("JobDeposit"));
	JobDeposit::set(ED);
	ClientShare::set(0);
	BondFloor::set(ED);
	check_config::<Test>();
	assert!(refused(|| BondFloor::set(ED - 1)).starts_with("BondFloor"));
}

#[test]
fn compensations_must_reach_the_existential_deposit() {
	// A quarter of 49 is 13, and of 47 it is 12; two fifths of them are 5 and 4.
	BondFloor::set(49);
	check_config::<Test>();
	assert!(refused(|| BondFloor::set(47)).contains("smallest slash"));
	ClientShare::set(0);
	check_config::<Test>();
}

#[test]
fn windows_must_be_ordered() {
	assert!(refused(|| MinWindow::set(0)).contains("MinWindow"));
	MinWindow::set(2);
	assert!(refused(|| MinProveWindow::set(1)).contains("MinProveWindow"));
	MinProveWindow::set(2);
	check_config::<Test>();
	MinProveWindow::set(40);
	check_config::<Test>();
	assert!(refused(|| MinProveWindow::set(41)).contains("longest window"));
	MinProveWindow::set(20);
	assert!(refused(|| MinWindow::set(21)).contains("MinProveWindow"));
	MinProveWindow::set(21);
	assert!(refused(|| MinWindow::set(21)).contains("longest window"));
}

#[test]
fn a_failover_must_fit_after_the_longest_windows() {
	MaxFailoverWindow::set(112);
	check_config::<Test>();
	assert!(refused(|| MaxFailoverWindow::set(111)).contains("MaxFailoverWindow"));
	assert!(refused(|| MaxFailoverWindow::set(u32::MAX / 2)).contains("last tick"));
	MaxFailoverWindow::set(150);
	assert!(refused(|| MaxProveWindow::set(u32::MAX)).contains("MaxFailoverWindow"));
}

#[test]
fn a_pod_must_not_leave_before_its_locks_have_ended() {
	UnbondingPeriod::set(61);
	check_config::<Test>();
	assert!(refused(|| UnbondingPeriod::set(60)).contains("UnbondingPeriod"));
}

#[test]
fn shares_fees_and_delays_must_make_sense() {
	assert!(refused(|| ClientShare::set(501)).contains("ClientShare"));
	ClientShare::set(500);
	check_config::<Test>();
	assert!(refused(|| MarketFee::set(1000)).contains("MarketFee"));
	MarketFee::set(999);
	check_config::<Test>();
	assert!(refused(|| RetryDelay::set(0)).contains("RetryDelay"));
	RetryDelay::set(1);
	assert!(refused(|| LapseFeeFloor::set(0)).contains("LapseFeeFloor"));
	assert!(refused(|| LapseFeeFloor::set(51)).contains("LapseFeeFloor"));
	LapseFeeFloor::set(50);
	check_config::<Test>();
	assert!(refused(|| LapseFeeShare::set(Permill::from_percent(21))).contains("LapseFeeShare"));
	LapseFeeShare::set(Permill::from_percent(20));
	check_config::<Test>();
}

#[test]
fn limits_must_let_something_through() {
	assert!(refused(|| MaxJobsPerClient::set(0)).contains("MaxJobsPerClient"));
	MaxJobsPerClient::set(1);
	assert!(refused(|| MaxLapses::set(0)).contains("MaxLapses"));
	MaxLapses::set(1);
	check_config::<Test>();
	assert!(refused(|| MaxSweepShare::set(Perbill::from_parts(1))).contains("MaxSweepShare"));
}
