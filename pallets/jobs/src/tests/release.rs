// SPDX-License-Identifier: Apache-2.0

use crate::{mock::*, Error, HoldReason, Jobs, Receipts};
use frame_support::{assert_noop, assert_ok};
use proofpod_primitives::{
	job::{JobRequest, Outcome, Reason, Requirements, Stage, StoredState},
	pod::TrackRecord,
	JobId,
};
use sp_runtime::DispatchError;

#[test]
fn releasing_opens_the_job_again_for_the_pods_fee() {
	ext().execute_with(|| {
		let job = locked();
		go_to(3);
		events();
		let issuance = Balances::total_issuance();
		assert_ok!(release(pod(), job));
		assert_eq!(events(), vec![reopened(job, pod(), Reason::Released, [FEE, 0, 0])]);
		let stored = Jobs::<Test>::get(job).unwrap();
		assert_eq!((stored.state, stored.lapses), (StoredState::Open, 0));
		assert_eq!(Balances::free_balance(pod()), ENDOWMENT - POD_BOND - FEE);
		assert_eq!(Balances::total_issuance(), issuance - FEE);
		let record = pod_record(&pod());
		assert_eq!((record.live_jobs, record.record), (0, TrackRecord::default()));
		assert_eq!(held(HoldReason::JobPayment, &client()), 200);
		assert_eq!(held(HoldReason::JobDeposit, &client()), DEPOSIT);
		check();
		assert_ok!(lock(rival(), job));
		check();
	});
}

#[test]
fn a_pod_that_released_may_not_lock_again_unless_it_is_named() {
	ext().execute_with(|| {
		let job = locked();
		assert_ok!(release(pod(), job));
		assert_noop!(lock(pod(), job), Error::<Test>::Barred);

		let pods = vec![pod()].try_into().unwrap();
		let requirements = Requirements { pods, ..Requirements::default() };
		let hire = open_with(JobRequest { requirements, ..request() });
		assert_ok!(lock(pod(), hire));
		assert_ok!(release(pod(), hire));
		assert_ok!(lock(pod(), hire));
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
		let (to, reason) = (Stage::Expired, Reason::Released);
		assert_eq!(
			events(),
			vec![ended(late, to, reason, Some(pod()), [FEE, 0, 0], 200 + DEPOSIT)]
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
		assert_noop!(release(client(), job), PodsError::NotRegistered);
		assert_noop!(JobMarket::release(RuntimeOrigin::none(), job), DispatchError::BadOrigin);
		assert_ok!(acknowledge(pod(), job));
		assert_noop!(release(pod(), job), Error::<Test>::NotLocked);
		assert_noop!(release(pod(), JobId(7)), Error::<Test>::JobNotFound);
	});
}

#[test]
fn its_operator_releases_for_it() {
	ext().execute_with(|| {
		let job = locked();
		Pods::set_operator(RuntimeOrigin::signed(pod()), Some(operator())).unwrap();
		assert_ok!(release(operator(), job));
		assert_eq!(total(&pod()), ENDOWMENT - FEE);
		check();
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
