// SPDX-License-Identifier: Apache-2.0

use super::*;
use crate::{Error, Event, PodStatus};
use frame_support::assert_noop;
use proofpod_primitives::pod::TrackRecord;
use sp_runtime::{DispatchError, TokenError};

#[test]
fn stores_the_profile_and_holds_the_bond() {
	build_and_execute(|| {
		go_to(4);
		assert_ok!(Pods::register(signed(CAROL), profile(1), Some(HOT)));
		assert_eq!(held(&CAROL), 1_000);
		assert_eq!(
			Pods::pod(CAROL),
			Some(PodRecord {
				profile: profile(1),
				key_epoch: 0,
				operator: Some(HOT),
				bond: 1_000,
				status: PodStatus::Active,
				live_jobs: 0,
				exposure: 0,
				lost: 0,
				last_seen: Tick(4),
				suspended_until: Tick(4),
				faults: 0,
				fault_price: 0,
				record: TrackRecord::default(),
			})
		);
		assert_eq!(state(), PodState::Live);
		assert_eq!(
			take_events(),
			[Event::PodRegistered {
				pod: CAROL,
				operator: Some(HOT),
				bond: 1_000,
				to: PodState::Live
			}]
		);
	});
}

#[test]
fn fails_for_a_registered_pod() {
	build_and_execute(|| {
		registered();
		assert_noop!(
			Pods::register(signed(CAROL), profile(2), None),
			Error::<Test>::AlreadyRegistered
		);
	});
}

#[test]
fn fails_for_a_leaving_pod_until_it_has_withdrawn() {
	build_and_execute(|| {
		leaving();
		let register = || Pods::register(signed(CAROL), profile(1), None);
		assert_noop!(register(), Error::<Test>::PodIsLeaving);
		go_to(11);
		assert_noop!(register(), Error::<Test>::PodIsLeaving);
		assert_ok!(Pods::withdraw(signed(CAROL)));
		assert_ok!(register());
	});
}

#[test]
fn fails_for_a_malformed_profile() {
	build_and_execute(|| {
		for profile in malformed() {
			assert_noop!(
				Pods::register(signed(CAROL), profile, None),
				Error::<Test>::MalformedProfile
			);
		}
	});
}

#[test]
fn fails_for_an_operator_until_it_gives_that_up() {
	build_and_execute(|| {
		operated();
		let register = || Pods::register(signed(HOT), profile(2), None);
		assert_noop!(register(), Error::<Test>::IsOperator);
		assert_ok!(Pods::set_operator(signed(HOT), None));
		assert_ok!(register());
	});
}

#[test]
fn fails_with_an_operator_that_speaks_for_a_pod() {
	build_and_execute(|| {
		operated();
		for taken in [CAROL, HOT, DAVE] {
			assert_noop!(
				Pods::register(signed(DAVE), profile(2), Some(taken)),
				Error::<Test>::OperatorTaken
			);
		}
	});
}

#[test]
fn fails_without_funds_for_the_bond() {
	build_and_execute(|| {
		assert_noop!(Pods::register(signed(POOR), profile(1), None), TokenError::FundsUnavailable);
	});
}

#[test]
fn fails_without_a_signature() {
	build_and_execute(|| {
		assert_noop!(
			Pods::register(RuntimeOrigin::root(), profile(1), None),
			DispatchError::BadOrigin
		);
	});
}
