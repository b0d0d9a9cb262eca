// SPDX-License-Identifier: Apache-2.0

use crate::{mock::*, KeySets, ListChanged, Sessions};
use frame_support::assert_ok;
use sp_core::{crypto::key_types::AURA, Pair};

#[test]
fn new_keys_reach_consensus_although_the_list_is_unchanged() {
	on_chain(|| {
		set_keys_of(1, 77);
		run_to_session(2);
		assert_eq!(active(), [1, 2, 3]);
		assert_eq!(changes(), 1);
	});
}

#[test]
fn a_change_is_handed_over_once() {
	on_chain(|| {
		assert_ok!(ValidatorList::remove(RuntimeOrigin::root(), account(2)));
		assert!(ListChanged::<Test>::get());
		run_to_session(1);
		assert!(!ListChanged::<Test>::get());
	});
}

#[test]
fn keys_are_remembered_where_they_changed() {
	on_chain(|| {
		set_keys_of(1, 77);
		run_to_session(4);
		let mut sets = KeySets::<Test>::iter_keys().collect::<Vec<_>>();
		sets.sort_unstable();
		assert_eq!(sets, [0, 2]);
		let owner = |session, seed| {
			ValidatorList::key_owner_in(session, AURA, aura(seed).public().as_ref())
		};
		assert_eq!(owner(1, 1), Some((account(1), 3)));
		assert_eq!(owner(1, 77), None);
		assert_eq!(owner(2, 1), None);
		assert_eq!(owner(3, 77), Some((account(1), 3)));
		assert_eq!(owner(3, 2), Some((account(2), 3)));
		assert_eq!(owner(5, 2), None, "a session to come");
	});
}

#[test]
fn sessions_are_forgotten_with_their_keys() {
	on_chain(|| {
		set_keys_of(1, 77);
		run_to_session(1 + BONDING_SESSIONS);
		assert_eq!(KeySets::<Test>::iter_keys().count(), 2, "session 1 had the keys of session 0");
		run_to_session(2 + BONDING_SESSIONS);
		assert_eq!(KeySets::<Test>::iter_keys().collect::<Vec<_>>(), [2]);
		assert_eq!(Sessions::<Test>::iter_keys().count() as u32, BONDING_SESSIONS + 1);
	});
}

#[test]
fn a_slot_belongs_to_the_session_whose_authorities_have_its_turn() {
	on_chain(|| {
		let mut sessions = Vec::new();
		for _ in 0..(3 * SESSION) {
			sessions.push((*pallet_aura::CurrentSlot::<Test>::get(), Session::current_index()));
			make_block(&[]);
		}
		for pair in sessions.windows(2) {
			let [(_, before), (slot, _)] = pair else { unreachable!() };
			assert_eq!(ValidatorList::session_of((*slot).into()), Some(*before));
		}
	});
}
