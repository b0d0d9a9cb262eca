// SPDX-License-Identifier: Apache-2.0

use crate::{migrations::V2, mock::*, Candidates, HoldReason, KeySets, Pallet, Sessions, Status};
use frame_support::{
	assert_ok,
	traits::{fungible::MutateHold, tokens::Precision, OnRuntimeUpgrade, StorageVersion},
};

#[test]
fn listed_validators_bond_what_they_have() {
	on_chain(|| {
		// What a chain of version 1 looks like.
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
		assert_ok!(Balances::transfer_allow_death(
			RuntimeOrigin::signed(account(3)),
			account(9),
			ENDOWMENT - 400
		));

		V2::<Test>::on_runtime_upgrade();
		assert_eq!(StorageVersion::get::<Pallet<Test>>(), 2);
		for (number, expected) in [(1, MIN_BOND), (2, MIN_BOND), (3, 399)] {
			assert_eq!(bond(number), expected);
			assert_eq!(status(number), Status::Listed);
		}
		assert_ok!(ValidatorList::do_try_state());

		V2::<Test>::on_runtime_upgrade();
		assert_eq!(bond(1), MIN_BOND, "it does nothing a second time");
		assert_ok!(report_blocks(*pallet_aura::CurrentSlot::<Test>::get() + 1, &aura(2)));
		assert_eq!(bond(2), 0);
		run_to_session(3);
	});
}
