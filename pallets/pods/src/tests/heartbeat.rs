// SPDX-License-Identifier: Apache-2.0

use super::*;
use crate::Error;
use frame_support::{assert_noop, dispatch::Pays};
use sp_runtime::DispatchError;

fn beat(who: AccountId32) -> Pays {
	Pods::heartbeat(signed(who)).unwrap().pays_fee
}

#[test]
fn is_free_once_a_period_has_passed() {
	build_and_execute(|| {
		operated();
		go_to(10);
		assert_eq!(Pods::pod_view(CAROL).unwrap().heartbeat_due, Tick(10));
		assert_eq!(beat(HOT), Pays::No);
		assert_eq!(record().last_seen, Tick(10));
		go_to(19);
		assert_eq!(beat(CAROL), Pays::No);
		assert!(take_events().is_empty(), "heartbeats leave nothing behind");
	});
}

#[test]
fn is_paid_for_in_the_second_half_of_a_period_and_refused_in_the_first() {
	build_and_execute(|| {
		registered();
		for tick in [1, 5] {
			go_to(tick);
			assert_noop!(Pods::heartbeat(signed(CAROL)), Error::<Test>::TooEarly);
		}
		go_to(6);
		assert_eq!(beat(CAROL), Pays::Yes);
		assert_noop!(Pods::heartbeat(signed(CAROL)), Error::<Test>::TooEarly);
	});
}

#[test]
fn silence_begins_after_two_periods_and_ends_with_a_heartbeat() {
	build_and_execute(|| {
		registered();
		go_to(19);
		assert_eq!(state(), PodState::Live);
		go_to(20);
		assert_eq!(state(), PodState::Silent);
		assert_ok!(Pods::admit(&CAROL, 1));
		assert_eq!(beat(CAROL), Pays::No);
		assert_eq!(state(), PodState::Live);
	});
}

#[test]
fn work_counts_as_a_heartbeat() {
	build_and_execute(|| {
		registered();
		let signs: [(bool, &dyn Fn()); 7] = [
			(true, &|| Pods::job_locked(&CAROL, 0)),
			(true, &|| Pods::seen(&CAROL)),
			(true, &|| ended(&CAROL, 0, JobEnd::Settled, 1)),
			(true, &|| ended(&CAROL, 0, JobEnd::Discarded, 1)),
			(true, &|| ended(&CAROL, 0, JobEnd::Released, 1)),
			(false, &|| ended(&CAROL, 0, JobEnd::Unacknowledged, 1)),
			(false, &|| ended(&CAROL, 0, JobEnd::Missed, 1)),
		];
		for (tick, (is_one, sign)) in (2..).zip(signs) {
			go_to(tick);
			sign();
			assert_eq!(record().last_seen == Tick(tick), is_one, "sign {tick}");
		}
	});
}

/// However many pods there are, no more heartbeats fall due in a tick than the configuration says.
#[test]
fn becomes_rarer_the_more_pods_there_are() {
	build_and_execute(|| {
		registered();
		for pods in 2..=60u32 {
			crate::Pods::<Test>::insert(AccountId32::new([100 + pods as u8; 32]), record());
			let period = Pods::heartbeat_period();
			assert_eq!(period, 9.max(pods.div_ceil(2)));
			assert!(pods <= 2 * period);
		}
		let (pods, _) = (crate::Pods::<Test>::count(), HeartbeatsPerBlock::set(0));
		assert_eq!(Pods::heartbeat_period(), pods, "a broken configuration does not panic");
		for pods in 2..=60u32 {
			crate::Pods::<Test>::remove(AccountId32::new([100 + pods as u8; 32]));
		}
	});
}

#[test]
fn works_for_suspended_and_leaving_pods() {
	build_and_execute(|| {
		registered();
		assert_ok!(Pods::suspend(RuntimeOrigin::root(), CAROL, Tick(100)));
		go_to(10);
		beat(CAROL);
		assert_ok!(Pods::leave(signed(CAROL)));
		go_to(20);
		beat(CAROL);
		assert_eq!(state(), leaving_from(20));
	});
}

#[test]
fn fails_for_an_account_that_is_no_pod() {
	build_and_execute(|| {
		assert_noop!(Pods::heartbeat(signed(DAVE)), Error::<Test>::NotRegistered);
		assert_noop!(Pods::heartbeat(RuntimeOrigin::root()), DispatchError::BadOrigin);
	});
}
