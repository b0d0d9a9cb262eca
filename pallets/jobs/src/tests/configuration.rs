// SPDX-License-Identifier: Apache-2.0

//! `integrity_test` refuses inconsistent configurations.

use crate::{mock::*, request::check_config};

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
fn prices_and_bonds_must_reach_the_existential_deposit() {
	MinPrice::set(ED);
	check_config::<Test>();
	assert!(refused(|| MinPrice::set(ED - 1)).contains("MinPrice"));
	MinPrice::set(ED);
	BondFloor::set(ED);
	check_config::<Test>();
	assert!(refused(|| BondFloor::set(ED - 1)).contains("BondFloor"));
}

#[test]
fn windows_must_be_ordered() {
	assert!(refused(|| MinWindow::set(0)).contains("MinWindow"));
	assert!(refused(|| MinWindow::set(21)).contains("MinWindow"));
	MinWindow::set(20);
	check_config::<Test>();
	assert!(refused(|| MaxProveWindow::set(19)).contains("MinWindow"));
	assert!(refused(|| MaxProveWindow::set(u32::MAX)).contains("last block"));
	assert!(refused(|| MaxProveWindow::set(u32::MAX / 2)).contains("last block"));
}

#[test]
fn shares_and_delays_must_make_sense() {
	assert!(refused(|| ClientShare::set(1001)).contains("ClientShare"));
	ClientShare::set(1000);
	check_config::<Test>();
	assert!(refused(|| RetryDelay::set(0)).contains("RetryDelay"));
}
