// SPDX-License-Identifier: Apache-2.0

use crate::{
	mock::*, offences::Slash, Authored, Candidates, ChillDue, KeySets, Misses, Sessions, Slashes,
	Status, Validators,
};
use frame_support::{assert_ok, traits::Hooks};

#[test]
fn bounds_of_the_mock_are_sound() {
	<ValidatorList as Hooks<_>>::integrity_test();
}

#[test]
#[should_panic(expected = "could not be reported: set BlockLength's max_header_size")]
fn headers_that_are_too_long_to_report_are_a_misconfiguration() {
	MaxHeaderSize::set(16 << 10);
	<ValidatorList as Hooks<_>>::integrity_test();
}

#[test]
fn broken_states_are_found() {
	let broken = |break_it: fn()| {
		chain_of(&[1, 2, 3], 2).execute_with(|| {
			assert_ok!(ValidatorList::do_try_state());
			break_it();
			ValidatorList::do_try_state().unwrap_err()
		})
	};
	assert_eq!(
		broken(|| crate::Floor::<Test>::put(MAX_VALIDATORS)),
		"the floor leaves no place free".into()
	);
	assert_eq!(
		broken(|| Validators::<Test>::mutate(|list| list.truncate(1))),
		"fewer validators than the floor".into()
	);
	assert_eq!(
		broken(|| Validators::<Test>::mutate(|list| list.force_push(account(1)))),
		"a validator is listed twice".into()
	);
	assert_eq!(
		broken(|| Validators::<Test>::mutate(|list| list.force_push(account(7)))),
		"a listed validator has no session keys".into()
	);
	assert_eq!(
		broken(|| Validators::<Test>::mutate(|list| list.force_push(account(4)))),
		"a listed validator is no listed candidate".into()
	);
	assert_eq!(
		broken(|| Validators::<Test>::mutate(|list| list.truncate(2))),
		"a candidate that is not listed says that it is".into()
	);
	assert_eq!(
		broken(|| ChillDue::<Test>::mutate(|due| due.force_push(account(1)))),
		"a validator is to be chilled, and there is room for it".into()
	);
	let at_floor = |number: u8, times: usize| {
		chain_of(&[1, 2, 3], 3).execute_with(|| {
			for _ in 0..times {
				ChillDue::<Test>::mutate(|due| due.force_push(account(number)));
			}
			ValidatorList::do_try_state().unwrap_err()
		})
	};
	assert_eq!(at_floor(4, 1), "a validator is to be chilled that is not listed".into());
	assert_eq!(at_floor(1, 2), "a validator is to be chilled twice".into());
	assert_eq!(
		broken(|| Candidates::<Test>::mutate(account(1), |candidate| {
			candidate.as_mut().unwrap().bond += 1;
		})),
		"a candidate's bond is not what is held from it".into()
	);
	assert_eq!(
		broken(|| Misses::<Test>::insert(account(4), 1)),
		"misses are counted of an account that is not listed".into()
	);
	assert_eq!(broken(|| Misses::<Test>::insert(account(1), 0)), "a miss count of zero".into());
	assert_eq!(
		broken(|| Authored::<Test>::insert(account(4), 1)),
		"blocks are counted of an account that is not active".into()
	);
	assert_eq!(
		broken(|| {
			let record = Sessions::<Test>::get(0).unwrap();
			Sessions::<Test>::insert(1, record);
		}),
		"a session is remembered that is too old or to come".into()
	);
	assert_eq!(
		broken(|| Sessions::<Test>::remove(0)),
		"the current session is not remembered".into()
	);
	assert_eq!(
		broken(|| KeySets::<Test>::remove(0)),
		"the stored key sets are not those of the remembered sessions".into()
	);
	assert_eq!(
		broken(|| Slashes::<Test>::insert(9, account(1), Slash { bond: 1, taken: 1 })),
		"a slash of a forgotten key set".into()
	);
	assert_eq!(
		broken(|| Slashes::<Test>::insert(0, account(1), Slash { bond: 1, taken: 2 })),
		"a slash took more than there was".into()
	);
}

#[test]
fn slashes_are_forgotten_with_the_keys_of_their_sessions() {
	on_chain_of(&[1, 2, 3, 4], 2, || {
		assert_ok!(report_blocks(1, &aura(3)));
		// Chilled in the first session, it is still active in the second.
		run_to_session(BONDING_SESSIONS + 1);
		assert_eq!(Slashes::<Test>::iter().count(), 1);
		run_to_session(BONDING_SESSIONS + 2);
		assert_eq!(Slashes::<Test>::iter().count(), 0);
		assert!(matches!(status(3), Status::Chilled { .. }));
	});
}
