// SPDX-License-Identifier: Apache-2.0

use crate::{mock::*, Authored, ChillReason, Event, Misses, Status};
use frame_support::assert_ok;

fn misses(number: u8) -> u8 {
	Misses::<Test>::get(account(number))
}

#[test]
fn blocks_are_counted_for_their_authors() {
	on_chain(|| {
		while System::block_number() < SESSION - 1 {
			make_block(&[]);
		}
		let blocks = (1..=3).map(|number| Authored::<Test>::get(account(number)));
		assert_eq!(blocks.sum::<u32>(), SESSION - 1);
		make_block(&[]);
		assert_eq!(Authored::<Test>::iter().count(), 0, "each session is counted anew");
	});
}

#[test]
fn a_validator_that_misses_two_sessions_is_chilled() {
	on_chain_of(&[1, 2, 3, 4], 2, || {
		run_to_session_without(&[4], 1);
		assert!(has_event(Event::Absent { validator: account(4), misses: 1 }));
		assert_eq!(misses(4), 1);
		assert_eq!(listed(), [1, 2, 3, 4]);
		run_to_session_without(&[4], 2);
		let reason = ChillReason::Offline;
		let (from, to) = (Status::Listed, Status::Chilled { reason, since: 1 });
		assert!(has_event(Event::Chilled { validator: account(4), from, to, reason }));
		assert_eq!(status(4), to);
		assert_eq!(bond(4), MIN_BOND, "to be offline costs nothing");
		assert_eq!(misses(4), 0);
		assert_eq!(listed(), [1, 2, 3]);
		assert_eq!(active(), [1, 2, 3, 4]);
		run_to_session_without(&[4], 3);
		assert_eq!(active(), [1, 2, 3]);
	});
}

#[test]
fn one_block_makes_up_for_a_missed_session() {
	on_chain_of(&[1, 2, 3, 4], 2, || {
		run_to_session_without(&[4], 1);
		run_to_session(2);
		assert_eq!(misses(4), 0);
		run_to_session_without(&[4], 3);
		assert_eq!(misses(4), 1);
		assert_eq!(status(4), Status::Listed);
	});
}

#[test]
fn who_has_left_the_list_is_not_judged() {
	on_chain_of(&[1, 2, 3, 4], 2, || {
		assert_ok!(ValidatorList::resign(RuntimeOrigin::signed(account(4))));
		run_to_session_without(&[4], 2);
		assert_eq!(misses(4), 0);
		assert!(matches!(status(4), Status::Unbonding { .. }));
	});
}

#[test]
fn nobody_is_chilled_when_a_third_or_more_is_missing() {
	on_chain_of(&[1, 2, 3, 4], 1, || {
		run_to_session_without(&[3, 4], 4);
		assert_eq!(listed(), [1, 2, 3, 4]);
		assert_eq!((misses(3), misses(4)), (4, 4), "but counted");
		run_to_session_without(&[4], 5);
		assert_eq!(listed(), [1, 2, 3], "one of them is back");
	});
}

#[test]
fn one_of_three_is_a_third() {
	on_chain_of(&[1, 2, 3], 1, || {
		run_to_session_without(&[3], 4);
		assert_eq!((listed(), misses(3)), (vec![1, 2, 3], 4));
	});
}

#[test]
fn the_floor_bounds_what_is_lost_over_several_sessions() {
	on_chain_of(&[1, 2, 3, 4], 3, || {
		crate::SessionLength::<Test>::put(10);
		apply(5);
		assert_ok!(ValidatorList::admit(RuntimeOrigin::root(), account(5)));
		run_to_session(2);
		for (absent, until) in [(5, 4), (4, 8)] {
			run_to_session_without(&[absent], until);
		}
		assert_eq!(listed(), [1, 2, 3]);
		run_to_session_without(&[3], 12);
		assert_eq!(listed(), [1, 2, 3]);
	});
}

#[test]
fn the_floor_is_held() {
	on_chain_of(&[1, 2, 3, 4], 4, || {
		run_to_session_without(&[4], 2);
		assert!(has_event(Event::FloorHeld {
			validator: account(4),
			reason: ChillReason::Offline
		}));
		assert_eq!(status(4), Status::Listed);
		assert_eq!(misses(4), 2, "chilled as soon as the floor lets it");
		apply(5);
		assert_ok!(ValidatorList::admit(RuntimeOrigin::root(), account(5)));
		run_to_session_without(&[4], 3);
		assert_eq!(listed(), [1, 2, 3, 5]);
	});
}

#[test]
fn a_session_too_short_for_everybody_judges_nobody() {
	on_chain_of(&[1, 2, 3, 4], 2, || {
		crate::SessionLength::<Test>::put(7);
		run_to_session_without(&[4], 4);
		assert_eq!(misses(4), 0);
		assert_eq!(listed(), [1, 2, 3, 4]);
	});
}
