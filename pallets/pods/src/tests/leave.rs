// SPDX-License-Identifier: Apache-2.0

use super::*;
use crate::{Error, Event, PodStatus};
use frame_support::assert_noop;
use sp_runtime::DispatchError;

#[test]
fn starts_the_unbonding_period() {
	build_and_execute(|| {
		registered();
		go_to(5);
		assert_ok!(Pods::leave(signed(CAROL)));
		assert_eq!(record().status, PodStatus::Leaving { withdrawable_from: Tick(15) });
		assert_eq!(state(), leaving_from(15));
		assert_eq!(held(&CAROL), 1_000, "the bond stays until it is withdrawn");
		assert_eq!(
			take_events(),
			[Event::PodLeaving { pod: CAROL, from: PodState::Live, to: leaving_from(15) }]
		);
	});
}

#[test]
fn closes_the_pod_to_new_jobs() {
	build_and_execute(|| {
		leaving();
		assert_noop!(Pods::admit(&CAROL, 0), Error::<Test>::PodIsLeaving);
	});
}

#[test]
fn is_permitted_with_live_jobs_and_to_suspended_pods() {
	build_and_execute(|| {
		registered();
		Pods::job_locked(&CAROL, 10);
		assert_ok!(Pods::suspend(RuntimeOrigin::root(), CAROL, Tick(100)));
		System::reset_events();
		assert_ok!(Pods::leave(signed(CAROL)));
		assert_eq!((record().live_jobs, record().exposure), (1, 10));
		assert_eq!(
			take_events(),
			[Event::PodLeaving { pod: CAROL, from: suspended(100), to: leaving_from(11) }]
		);
	});
}

#[test]
fn fails_twice_so_that_the_period_cannot_be_moved() {
	build_and_execute(|| {
		leaving();
		go_to(5);
		assert_noop!(Pods::leave(signed(CAROL)), Error::<Test>::PodIsLeaving);
	});
}

#[test]
fn fails_for_anyone_but_the_pod() {
	build_and_execute(|| {
		operated();
		for other in [DAVE, HOT] {
			assert_noop!(Pods::leave(signed(other)), Error::<Test>::NotRegistered);
		}
		assert_noop!(Pods::leave(RuntimeOrigin::none()), DispatchError::BadOrigin);
	});
}
