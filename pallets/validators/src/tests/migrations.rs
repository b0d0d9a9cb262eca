// SPDX-License-Identifier: Apache-2.0

use crate::{
	migrations::V2, mock::*, Candidates, Floor, HoldReason, KeySets, Pallet, Sessions, Status,
};
use frame_support::{
	assert_ok,
	traits::{fungible::MutateHold, tokens::Precision, OnRuntimeUpgrade, StorageVersion},
};
use sp_core::{crypto::key_types::AURA, Pair};

/// Makes the chain look as one of version 1 does.
fn go_back() {
	for number in 1..=3 {
		assert_ok!(Balances::release(
			&HoldReason::ValidatorBond.into(),
			&account(number),
			MIN_BOND,
			Precision::Exact
		));
	}
	let _ = Candidates::<Test>::clear(u32::MAX, None);
	let _ = Sessions::<Test>::clear(u32::MAX, None);
	let _ = KeySets::<Test>::clear(u32::MAX, None);
	StorageVersion::new(1).put::<Pallet<Test>>();
}

#[test]
fn listed_validators_bond_what_they_have() {
	on_chain(|| {
		go_back();
		assert_ok!(Balances::transfer_allow_death(
			RuntimeOrigin::signed(account(3)),
			account(9),
			ENDOWMENT - 400
		));

		V2::<Test, Active>::on_runtime_upgrade();
		assert_eq!(StorageVersion::get::<Pallet<Test>>(), 2);
		for (number, expected) in [(1, MIN_BOND), (2, MIN_BOND), (3, 399)] {
			assert_eq!(bond(number), expected);
			assert_eq!(status(number), Status::Listed);
		}
		assert_ok!(ValidatorList::do_try_state());

		V2::<Test, Active>::on_runtime_upgrade();
		assert_eq!(bond(1), MIN_BOND, "it does nothing a second time");
		assert_ok!(report_blocks(*pallet_aura::CurrentSlot::<Test>::get() + 1, &aura(2)));
		assert_eq!(bond(2), 0);
		run_to_session(3);
	});
}

#[test]
fn the_keys_are_those_that_consensus_uses_although_others_are_queued() {
	on_chain(|| {
		set_keys_of(3, 77);
		run_to_session(1);
		go_back();
		V2::<Test, Active>::on_runtime_upgrade();
		let owner = |seed| ValidatorList::key_owner_in(1, AURA, aura(seed).public().as_ref());
		assert_eq!((owner(3), owner(77)), (Some((account(3), 3)), None));
		run_to_session(3);
		assert_eq!(KeySets::<Test>::iter_keys().count(), 2);
		assert_ok!(report_blocks(*pallet_aura::CurrentSlot::<Test>::get() + 1, &aura(77)));
	});
}

#[test]
fn a_floor_leaves_a_place_free() {
	for (floor, expected) in [(MAX_VALIDATORS, MAX_VALIDATORS - 1), (2, 2)] {
		chain_of(&[1, 2, 3], 2).execute_with(|| {
			go_back();
			Floor::<Test>::put(floor);
			V2::<Test, Active>::on_runtime_upgrade();
			assert_eq!(Floor::<Test>::get(), Some(expected));
		});
	}
	on_chain(|| {
		go_back();
		Floor::<Test>::kill();
		V2::<Test, Active>::on_runtime_upgrade();
		assert_eq!(Floor::<Test>::get(), None);
	});
}
