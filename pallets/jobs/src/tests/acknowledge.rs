// SPDX-License-Identifier: Apache-2.0

use crate::{mock::*, Error, Event, HoldReason, Jobs};
use frame_support::{assert_noop, assert_ok};
use proofpod_primitives::{
	job::{Stage, StoredState},
	JobId, Tick,
};
use sp_runtime::DispatchError;

#[test]
fn acknowledging_starts_the_proof() {
	ext().execute_with(|| {
		let job = locked();
		let StoredState::Locked(claim) = Jobs::<Test>::get(job).unwrap().state else { panic!() };
		events();
		assert_ok!(acknowledge(pod(), job));
		assert_eq!(Jobs::<Test>::get(job).unwrap().state, StoredState::Proving(claim));
		let (from, to) = (Stage::Locked, Stage::Proving);
		assert_eq!(
			events(),
			vec![Event::Acknowledged { job, pod: pod(), from, to, prove_by: Tick(36) }]
		);
		assert_eq!(held(HoldReason::JobBond, &pod()), 50);
		assert_eq!(slots(job), vec![37]);
		check();
	});
}

#[test]
fn last_tick_to_acknowledge_is_the_deadlines_own() {
	ext().execute_with(|| {
		let (early, late) = (locked(), locked());
		go_to(6);
		assert_ok!(acknowledge(pod(), early));
		go_to(7);
		assert_noop!(acknowledge(pod(), late), Error::<Test>::NotLocked);
		check();
	});
}

#[test]
fn blocks_without_a_tick_bring_no_deadline_nearer() {
	ext().execute_with(|| {
		let job = locked();
		go_to(6);
		System::set_block_number(100_000);
		assert_ok!(acknowledge(pod(), job));
		check();
	});
}

#[test]
fn only_the_pod_that_locked_acknowledges() {
	ext().execute_with(|| {
		let job = locked();
		assert_noop!(acknowledge(rival(), job), Error::<Test>::NotPod);
		assert_noop!(acknowledge(client(), job), PodsError::NotRegistered);
	});
}

#[test]
fn its_operator_acknowledges_for_it() {
	ext().execute_with(|| {
		let job = locked();
		assert_noop!(acknowledge(operator(), job), PodsError::NotRegistered);
		Pods::set_operator(RuntimeOrigin::signed(pod()), Some(operator())).unwrap();
		assert_ok!(acknowledge(operator(), job));
		check();
	});
}

#[test]
fn only_a_locked_job_is_acknowledged_and_only_once() {
	ext().execute_with(|| {
		let job = open();
		assert_noop!(acknowledge(pod(), job), Error::<Test>::NotLocked);
		lock(pod(), job).unwrap();
		assert_ok!(acknowledge(pod(), job));
		assert_noop!(acknowledge(pod(), job), Error::<Test>::NotLocked);
		assert_noop!(acknowledge(pod(), JobId(7)), Error::<Test>::JobNotFound);
		assert_noop!(JobMarket::acknowledge(RuntimeOrigin::none(), job), DispatchError::BadOrigin);
	});
}
