// SPDX-License-Identifier: Apache-2.0

//! Suspensions by administrators, and their end.

use super::*;
use crate::{Error, Event, SuspensionReason};
use frame_support::assert_noop;
use sp_runtime::DispatchError;

fn suspend(until: u32) -> sp_runtime::DispatchResult {
	Pods::suspend(RuntimeOrigin::root(), CAROL, Tick(until))
}

#[test]
fn keeps_a_pod_from_new_jobs_and_ends_by_itself() {
	build_and_execute(|| {
		registered();
		assert_ok!(suspend(8));
		assert_eq!(
			take_events(),
			[Event::PodSuspended {
				pod: CAROL,
				from: PodState::Live,
				to: suspended(8),
				reason: SuspensionReason::Administrators,
			}]
		);
		go_to(7);
		assert_eq!(state(), suspended(8));
		assert_noop!(Pods::admit(&CAROL, 0), Error::<Test>::PodIsSuspended);
		go_to(8);
		assert_eq!(state(), PodState::Live);
		assert_ok!(Pods::admit(&CAROL, 0));
	});
}

#[test]
fn leaves_a_pod_the_jobs_that_it_has() {
	build_and_execute(|| {
		registered();
		Pods::job_locked(&CAROL, 5);
		assert_ok!(suspend(100));
		ended(&CAROL, 5, JobEnd::Settled, 100);
		assert_eq!(record().record.settled, 1);
		assert_eq!(state(), suspended(100), "work does not end a suspension");
	});
}

#[test]
fn may_be_made_longer_or_shorter() {
	build_and_execute(|| {
		registered();
		for until in [10, 20, 5] {
			assert_ok!(suspend(until));
			assert_eq!(state(), suspended(until));
		}
	});
}

#[test]
fn fails_for_a_tick_that_has_begun() {
	build_and_execute(|| {
		registered();
		go_to(5);
		for until in [0, 4, 5] {
			assert_noop!(suspend(until), Error::<Test>::AlreadyPast);
		}
		assert_ok!(suspend(6));
	});
}

#[test]
fn fails_for_an_account_that_is_no_pod() {
	build_and_execute(|| {
		assert_noop!(suspend(10), Error::<Test>::NotRegistered);
		assert_noop!(Pods::reinstate(RuntimeOrigin::root(), CAROL), Error::<Test>::NotRegistered);
	});
}

#[test]
fn fails_for_anyone_but_administrators() {
	build_and_execute(|| {
		registered();
		for who in [CAROL, DAVE] {
			assert_noop!(
				Pods::suspend(signed(who.clone()), CAROL, Tick(9)),
				DispatchError::BadOrigin
			);
			assert_noop!(Pods::reinstate(signed(who), CAROL), DispatchError::BadOrigin);
		}
	});
}

#[test]
fn reinstating_ends_it_and_forgets_the_misses() {
	build_and_execute(|| {
		registered();
		for _ in 0..2 {
			ended(&CAROL, 0, JobEnd::Missed, 1);
		}
		assert_eq!(state(), suspended(11));
		System::reset_events();
		go_to(2);
		assert_ok!(Pods::reinstate(RuntimeOrigin::root(), CAROL));
		assert_eq!(
			take_events(),
			[Event::PodReinstated { pod: CAROL, from: suspended(11), to: PodState::Live }]
		);
		assert_eq!((record().faults, record().record.missed), (0, 2));
		assert_ok!(Pods::admit(&CAROL, 0));
	});
}

#[test]
fn reinstating_fails_for_a_pod_that_is_not_suspended() {
	build_and_execute(|| {
		registered();
		let reinstate = || Pods::reinstate(RuntimeOrigin::root(), CAROL);
		assert_noop!(reinstate(), Error::<Test>::NotSuspended);
		assert_ok!(suspend(5));
		go_to(5);
		assert_noop!(reinstate(), Error::<Test>::NotSuspended);
	});
}

#[test]
fn a_leaving_pod_stays_leaving() {
	build_and_execute(|| {
		leaving();
		assert_ok!(suspend(1_000));
		assert_eq!(state(), leaving_from(11));
		assert_ok!(Pods::reinstate(RuntimeOrigin::root(), CAROL));
		assert_eq!(state(), leaving_from(11));
	});
}
