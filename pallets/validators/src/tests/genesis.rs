// SPDX-License-Identifier: Apache-2.0

use crate::{mock::*, Status};
use sp_runtime::BuildStorage;

#[test]
fn lists_the_validators_of_the_first_two_sessions() {
	on_chain(|| {
		assert_eq!(listed(), [1, 2, 3]);
		assert_eq!(active(), [1, 2, 3]);
		run_to_session(1);
		assert_eq!(active(), [1, 2, 3]);
		run_to_session(2);
		assert_eq!(active(), [1, 2, 3]);
		assert_eq!(changes(), 0, "nothing changed, so consensus is told of no change");
	});
}

#[test]
fn holds_the_bond_of_each_validator() {
	on_chain(|| {
		for number in 1..=3 {
			assert_eq!(bond(number), MIN_BOND);
			assert_eq!(status(number), Status::Listed);
			assert_eq!(Balances::free_balance(account(number)), ENDOWMENT - MIN_BOND);
		}
		assert!(ValidatorList::candidate(account(4)).is_none());
	});
}

#[test]
fn sets_the_floor_and_the_length_of_sessions() {
	let mut genesis = genesis_of(&[1, 2, 3], None);
	let mut chain = sp_io::TestExternalities::new(genesis.build_storage().unwrap());
	chain.execute_with(|| {
		assert_eq!(ValidatorList::floor(), 1);
		assert_eq!(ValidatorList::session_length(), SESSION);
	});

	genesis.validator_list.floor = Some(3);
	genesis.validator_list.session_length = Some(6);
	let mut chain = sp_io::TestExternalities::new(genesis.build_storage().unwrap());
	chain.execute_with(|| {
		assert_eq!(ValidatorList::least_validators(), 3);
		run_to_session(1);
		assert_eq!(System::block_number(), 6);
		run_to_session(2);
		assert_eq!(System::block_number(), 12);
	});
}

#[test]
#[should_panic(expected = "session keys but lists no validator")]
fn refuses_an_empty_list() {
	let _ = genesis_of(&[], None).build_storage();
}

#[test]
#[should_panic(expected = "between 1 and 5 validators, found 6")]
fn refuses_more_than_the_cap() {
	let _ = genesis_of(&[1, 2, 3, 4, 5, 6], None).build_storage();
}

#[test]
#[should_panic(expected = "between 2 and 5 validators, found 1")]
fn refuses_fewer_than_the_floor() {
	let _ = genesis_of(&[1], Some(2)).build_storage();
}

#[test]
#[should_panic(expected = "`validators.floor` must be between 1 and 4, found 0")]
fn refuses_a_floor_out_of_bounds() {
	let _ = genesis_of(&[1], Some(0)).build_storage();
}

#[test]
#[should_panic(expected = "`validators.floor` must be between 1 and 4, found 5")]
fn refuses_a_floor_that_leaves_no_place_free() {
	let _ = genesis_of(&[1, 2, 3, 4], Some(MAX_VALIDATORS)).build_storage();
}

#[test]
#[should_panic(expected = "must be at least 2, 2 blocks for each of the 1 validators, found 0")]
fn refuses_sessions_without_blocks() {
	let mut genesis = genesis_of(&[1], None);
	genesis.validator_list.session_length = Some(0);
	let _ = genesis.build_storage();
}

#[test]
#[should_panic(expected = "must be at least 6, 2 blocks for each of the 3 validators, found 5")]
fn refuses_sessions_too_short_to_judge_everybody() {
	let mut genesis = genesis_of(&[1, 2, 3], None);
	genesis.validator_list.session_length = Some(5);
	let _ = genesis.build_storage();
}

#[test]
#[should_panic(expected = "has no session keys")]
fn refuses_a_validator_without_session_keys() {
	let _ = genesis_of(&[1, 2, 5], None).build_storage();
}

#[test]
#[should_panic(expected = "each validator once")]
fn refuses_a_repetition() {
	let _ = genesis_of(&[1, 2, 1], None).build_storage();
}

#[test]
#[should_panic(expected = "cannot bond 1000: raise its balance")]
fn refuses_a_validator_that_cannot_bond() {
	let mut genesis = genesis_of(&[1, 2, 3], None);
	genesis.balances.balances.retain(|(owner, _)| *owner != account(3));
	let _ = genesis.build_storage();
}
