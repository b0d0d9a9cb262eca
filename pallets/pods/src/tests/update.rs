// SPDX-License-Identifier: Apache-2.0

use super::*;
use crate::{Error, Event, PodStatus};
use frame_support::assert_noop;
use sp_runtime::DispatchError;

#[test]
fn keeps_the_epoch_with_the_key() {
	build_and_execute(|| {
		registered();
		let regions = vec![Region(*b"DE"), Region(*b"FR")].try_into().unwrap();
		let moved = PodProfile { regions, ..profile(1) };
		assert_ok!(Pods::update(signed(CAROL), moved.clone()));
		assert_eq!((record().profile, record().key_epoch), (moved, 0));
		assert_eq!(
			take_events(),
			[Event::ProfileUpdated { pod: CAROL, from_epoch: 0, key_epoch: 0 }]
		);
	});
}

#[test]
fn begins_an_epoch_with_every_new_key() {
	build_and_execute(|| {
		registered();
		for (key, from_epoch, key_epoch) in [(2, 0, 1), (2, 1, 1), (3, 1, 2), (1, 2, 3)] {
			assert_ok!(Pods::update(signed(CAROL), profile(key)));
			assert_eq!((record().profile, record().key_epoch), (profile(key), key_epoch));
			assert_eq!(
				take_events(),
				[Event::ProfileUpdated { pod: CAROL, from_epoch, key_epoch }]
			);
		}
	});
}

#[test]
fn may_be_the_operators() {
	build_and_execute(|| {
		operated();
		assert_ok!(Pods::update(signed(HOT), profile(2)));
		assert_eq!(record().profile, profile(2));
	});
}

#[test]
fn works_for_a_leaving_pod_and_does_not_bring_it_back() {
	build_and_execute(|| {
		leaving();
		assert_ok!(Pods::update(signed(CAROL), profile(2)));
		assert_eq!(record().status, PodStatus::Leaving { withdrawable_from: Tick(11) });
	});
}

#[test]
fn fails_for_a_malformed_profile() {
	build_and_execute(|| {
		registered();
		for profile in malformed() {
			assert_noop!(Pods::update(signed(CAROL), profile), Error::<Test>::MalformedProfile);
		}
	});
}

#[test]
fn fails_for_an_account_that_is_no_pod() {
	build_and_execute(|| {
		registered();
		for stranger in [DAVE, HOT] {
			assert_noop!(Pods::update(signed(stranger), profile(1)), Error::<Test>::NotRegistered);
		}
		assert_noop!(Pods::update(RuntimeOrigin::none(), profile(1)), DispatchError::BadOrigin);
	});
}

#[test]
fn fails_when_epochs_run_out() {
	build_and_execute(|| {
		registered();
		tamper(|record| record.key_epoch = u32::MAX);
		assert_noop!(Pods::update(signed(CAROL), profile(2)), Error::<Test>::TooManyKeyEpochs);
		assert_ok!(Pods::update(signed(CAROL), profile(1)));
	});
}
