// SPDX-License-Identifier: Apache-2.0

use crate::{mock::*, Error, Event, HoldReason, Jobs, Receipts};
use frame_support::{assert_noop, assert_ok};
use proofpod_primitives::{
	job::{Outcome, StoredState},
	pod::TrackRecord,
	JobId,
};
use sp_runtime::{AccountId32, DispatchError, DispatchResult};

fn release(who: AccountId32, job: JobId) -> DispatchResult {
	JobMarket::release(RuntimeOrigin::signed(who), job)
}

#[test]
fn releasing_opens_the_job_again_without_a_trace() {
	ext().execute_with(|| {
		let job = locked();
		go_to(3);
		events();
		assert_ok!(release(pod(), job));
		assert_eq!(events(), vec![Event::Reopened { job, pod: pod() }]);
		assert_eq!(Jobs::<Test>::get(job).unwrap().state, StoredState::Open);
		assert_eq!(Balances::free_balance(pod()), ENDOWMENT - POD_BOND);
		let record = pod_record(&pod());
		assert_eq!((record.live_jobs, record.record), (0, TrackRecord::default()));
		assert_eq!(held(HoldReason::JobPayment, &client()), 200);
		check();
		assert_ok!(lock(rival(), job));
		check();
	});
}

#[test]
fn releasing_after_the_time_to_lock_expires_the_job() {
	ext().execute_with(|| {
		let (early, late) = (open(), open());
		go_to(21);
		lock(pod(), early).unwrap();
		lock(pod(), late).unwrap();
		assert_ok!(release(pod(), early));
		assert_eq!(slots(early), vec![22]);
		go_to(22);
		events();
		assert_ok!(release(pod(), late));
		assert_eq!(
			events(),
			vec![Event::Reopened { job: late, pod: pod() }, Event::Expired { job: late }]
		);
		assert_eq!(Receipts::<Test>::get(late).unwrap().outcome, Outcome::Expired);
		assert_eq!(held(HoldReason::JobPayment, &client()), 200, "the other job's");
		assert_eq!(pod_record(&pod()).record, TrackRecord::default());
		check();
	});
}

#[test]
fn only_the_pod_releases_and_only_before_acknowledging() {
	ext().execute_with(|| {
		let job = open();
		assert_noop!(release(pod(), job), Error::<Test>::NotLocked);
		lock(pod(), job).unwrap();
		assert_noop!(release(rival(), job), Error::<Test>::NotPod);
		assert_noop!(release(client(), job), Error::<Test>::NotPod);
		assert_noop!(JobMarket::release(RuntimeOrigin::none(), job), DispatchError::BadOrigin);
		assert_ok!(acknowledge(pod(), job));
		assert_noop!(release(pod(), job), Error::<Test>::NotLocked);
		assert_noop!(release(pod(), JobId(7)), Error::<Test>::JobNotFound);
	});
}

#[test]
fn a_lapsed_lock_is_not_released_without_a_trace() {
	ext().execute_with(|| {
		let (early, late) = (locked(), locked());
		go_to(6);
		assert_ok!(release(pod(), early));
		go_to(7);
		assert_noop!(release(pod(), late), Error::<Test>::NotLocked);
		check();
	});
}
