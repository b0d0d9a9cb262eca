// SPDX-License-Identifier: Apache-2.0

use crate::{mock::*, Error, Event, HoldReason, Jobs, Receipts};
use frame_support::{
	assert_noop,
	dispatch::{DispatchResultWithPostInfo, Pays},
};
use proofpod_primitives::{
	job::{FailureReason, Outcome, StoredState},
	JobId,
};
use sp_runtime::DispatchError;

/// A stranger pokes the job.
fn poke(job: JobId) -> DispatchResultWithPostInfo {
	JobMarket::poke(RuntimeOrigin::signed(account(8)), job)
}

fn free(result: DispatchResultWithPostInfo) -> bool {
	result.unwrap().pays_fee == Pays::No
}

#[test]
fn an_open_job_expires_the_block_after_its_deadline() {
	ext().execute_with(|| {
		let job = open();
		go_to(21);
		assert_noop!(poke(job), Error::<Test>::NothingToDo);
		go_to(22);
		events();
		assert!(free(poke(job)));
		assert_eq!(events(), vec![Event::Expired { job }]);
		assert_eq!(Receipts::<Test>::get(job).unwrap().outcome, Outcome::Expired);
		assert_eq!(Balances::free_balance(client()), ENDOWMENT);
		assert_eq!(jobs_of(sealed_model().id()), 0);
		check();
	});
}

#[test]
fn a_lapsed_lock_is_undone() {
	ext().execute_with(|| {
		let job = locked();
		go_to(6);
		assert_noop!(poke(job), Error::<Test>::NothingToDo);
		go_to(7);
		events();
		assert!(free(poke(job)));
		assert_eq!(events(), vec![Event::Reopened { job, pod: pod() }]);
		assert_eq!(Jobs::<Test>::get(job).unwrap().state, StoredState::Open);
		assert_eq!(held(HoldReason::JobBond, &pod()), 0);
		assert_eq!(pod_record(&pod()).record.unacknowledged, 1);
		check();
		assert_noop!(poke(job), Error::<Test>::NothingToDo);
	});
}

#[test]
fn an_expired_job_gives_its_lapsed_bond_back() {
	ext().execute_with(|| {
		let job = locked();
		go_to(22);
		events();
		assert!(free(poke(job)));
		assert_eq!(events(), vec![Event::Reopened { job, pod: pod() }, Event::Expired { job }]);
		assert_eq!(Balances::free_balance(pod()), ENDOWMENT - POD_BOND);
		assert_eq!(Balances::free_balance(client()), ENDOWMENT);
		let record = pod_record(&pod());
		assert_eq!((record.live_jobs, record.record.unacknowledged), (0, 1));
		check();
	});
}

#[test]
fn a_missed_deadline_costs_the_whole_bond() {
	ext().execute_with(|| {
		let job = proving();
		go_to(36);
		assert_noop!(poke(job), Error::<Test>::NothingToDo);
		go_to(37);
		events();
		let issuance = Balances::total_issuance();
		assert!(free(poke(job)));
		let reason = FailureReason::Missed;
		assert_eq!(
			events(),
			vec![Event::Failed { job, pod: pod(), reason, slashed: 50, compensation: 20 }]
		);
		assert_eq!(Balances::free_balance(client()), ENDOWMENT + 20);
		assert_eq!(total(&pod()), ENDOWMENT - 50);
		assert_eq!(Balances::total_issuance(), issuance - 30);
		assert_eq!(
			Receipts::<Test>::get(job).unwrap().outcome,
			Outcome::Failed { pod: pod(), reason, slashed: 50, compensation: 20 }
		);
		let record = pod_record(&pod());
		assert_eq!((record.live_jobs, record.record.missed), (0, 1));
		check();
	});
}

#[test]
fn a_job_ends_once() {
	ext().execute_with(|| {
		let job = open();
		go_to(22);
		assert!(free(poke(job)));
		assert_noop!(poke(job), Error::<Test>::JobNotFound);
		assert_noop!(poke(JobId(7)), Error::<Test>::JobNotFound);
	});
}

#[test]
fn a_useless_poke_pays_its_fee() {
	ext().execute_with(|| {
		let job = open();
		assert_eq!(poke(job).unwrap_err().post_info.pays_fee, Pays::Yes);
		assert_noop!(JobMarket::poke(RuntimeOrigin::none(), job), DispatchError::BadOrigin);
	});
}

#[test]
fn a_leaving_pods_bond_stays_until_its_jobs_have_ended() {
	ext().execute_with(|| {
		let job = proving();
		let origin = RuntimeOrigin::signed(pod());
		Pods::leave(origin.clone()).unwrap();
		go_to(1 + UNBONDING);
		assert_noop!(Pods::withdraw(origin.clone()), pallet_pods::Error::<Test>::LiveJobs);
		go_to(37);
		assert!(free(poke(job)));
		Pods::withdraw(origin).unwrap();
		assert_eq!(Balances::free_balance(pod()), ENDOWMENT - 50);
		check();
	});
}
