// SPDX-License-Identifier: Apache-2.0

use crate::{mock::*, Error, Event, HoldReason, Jobs};
use frame_support::{assert_noop, assert_ok};
use proofpod_primitives::{
	job::{JobRequest, Lock, Requirements, StoredState},
	pod::{PrivacyTier, Region, TrackRecord},
	EncryptionKey, JobId,
};
use sp_runtime::{AccountId32, DispatchError, TokenError};

fn requiring(requirements: Requirements<AccountId32>) -> JobId {
	open_with(JobRequest { requirements, ..request() })
}

#[test]
fn lock_holds_the_bond_at_the_price_of_the_block() {
	ext().execute_with(|| {
		let job = open();
		go_to(5);
		events();
		assert_ok!(lock(pod(), job));
		let claim = Lock { pod: pod(), price: 140, key_epoch: 0, acknowledge_by: 10, prove_by: 40 };
		assert_eq!(Jobs::<Test>::get(job).unwrap().state, StoredState::Locked(claim));
		assert_eq!(events(), vec![Event::Locked { job, pod: pod(), price: 140, key_epoch: 0 }]);
		assert_eq!(held(HoldReason::JobBond, &pod()), 50);
		assert_eq!(pod_record(&pod()).live_jobs, 1);
		assert_eq!(slots(job), vec![22], "the job's time to be locked still decides");
		check();
	});
}

#[test]
fn lock_names_the_epoch_of_the_pods_key() {
	ext().execute_with(|| {
		let renewed = proofpod_primitives::pod::PodProfile {
			encryption_key: EncryptionKey([2; 32]),
			..profile(*b"CH")
		};
		Pods::update(RuntimeOrigin::signed(pod()), renewed).unwrap();
		let job = open();
		events();
		assert_ok!(lock(pod(), job));
		assert_eq!(events(), vec![Event::Locked { job, pod: pod(), price: 100, key_epoch: 1 }]);
	});
}

#[test]
fn price_below_the_callers_minimum_is_refused() {
	ext().execute_with(|| {
		let job = open();
		let lock_for = |min_price| JobMarket::lock(RuntimeOrigin::signed(pod()), job, min_price);
		go_to(3);
		assert_noop!(lock_for(121), Error::<Test>::PriceBelowMinimum);
		assert_ok!(lock_for(120));
	});
}

#[test]
fn only_active_pods_lock() {
	ext().execute_with(|| {
		let job = open();
		assert_noop!(lock(account(4), job), pallet_pods::Error::<Test>::NotRegistered);
		Pods::leave(RuntimeOrigin::signed(pod())).unwrap();
		assert_noop!(lock(pod(), job), pallet_pods::Error::<Test>::PodIsLeaving);
	});
}

#[test]
fn requirements_keep_other_pods_out() {
	ext().execute_with(|| {
		let hire =
			requiring(Requirements { pods: vec![pod()].try_into().unwrap(), ..Default::default() });
		assert_noop!(lock(rival(), hire), Error::<Test>::RequirementsNotMet);
		assert_ok!(lock(pod(), hire));

		let regional = requiring(Requirements {
			regions: vec![Region(*b"DE")].try_into().unwrap(),
			..Default::default()
		});
		assert_noop!(lock(pod(), regional), Error::<Test>::RequirementsNotMet);
		assert_ok!(lock(rival(), regional));

		let proven = requiring(Requirements { min_reputation: 750, ..Default::default() });
		assert_noop!(lock(pod(), proven), Error::<Test>::RequirementsNotMet);
		pallet_pods::Pods::<Test>::mutate(pod(), |record| {
			record.as_mut().unwrap().record =
				TrackRecord { settled: 3, missed: 1, ..Default::default() };
		});
		assert_ok!(lock(pod(), proven));
		check();
	});
}

#[test]
fn client_may_be_its_own_pod() {
	ext().execute_with(|| {
		Pods::register(RuntimeOrigin::signed(client()), profile(*b"CH")).unwrap();
		let job = requiring(Requirements {
			pods: vec![client()].try_into().unwrap(),
			tier: PrivacyTier::Local,
			..Default::default()
		});
		assert_ok!(lock(client(), job));
		assert_eq!(held(HoldReason::JobPayment, &client()), 200);
		assert_eq!(held(HoldReason::JobBond, &client()), 50);
		check();
	});
}

#[test]
fn job_is_locked_once() {
	ext().execute_with(|| {
		let job = locked();
		assert_noop!(lock(rival(), job), Error::<Test>::NotOpen);
		assert_noop!(lock(pod(), job), Error::<Test>::NotOpen);
		assert_ok!(acknowledge(pod(), job));
		assert_noop!(lock(rival(), job), Error::<Test>::NotOpen);
	});
}

#[test]
fn last_block_to_lock_is_the_deadlines_own() {
	ext().execute_with(|| {
		let (early, late) = (open(), open());
		go_to(21);
		assert_ok!(lock(pod(), early));
		assert_eq!(slots(early), vec![27], "its acknowledgement still has its whole window");
		go_to(22);
		assert_noop!(lock(pod(), late), Error::<Test>::NotOpen);
		check();
	});
}

#[test]
fn lapsed_lock_gives_way_to_another_pod() {
	ext().execute_with(|| {
		let job = locked();
		go_to(6);
		assert_noop!(lock(rival(), job), Error::<Test>::NotOpen);
		go_to(7);
		events();
		assert_ok!(lock(rival(), job));
		assert_eq!(
			events(),
			vec![
				Event::Reopened { job, pod: pod() },
				Event::Locked { job, pod: rival(), price: 160, key_epoch: 0 },
			]
		);
		assert_eq!(held(HoldReason::JobBond, &pod()), 0);
		assert_eq!(held(HoldReason::JobBond, &rival()), 50);
		let record = pod_record(&pod());
		assert_eq!((record.live_jobs, record.record.unacknowledged), (0, 1));
		check();
	});
}

#[test]
fn lapsed_locks_own_bond_serves_for_the_next() {
	ext().execute_with(|| {
		let job = locked();
		let spare = Balances::free_balance(pod()) - ED;
		Balances::transfer_allow_death(RuntimeOrigin::signed(pod()), client(), spare).unwrap();
		go_to(7);
		assert_ok!(lock(pod(), job));
		assert_eq!(held(HoldReason::JobBond, &pod()), 50);
		let record = pod_record(&pod());
		assert_eq!((record.live_jobs, record.record.unacknowledged), (1, 1));
		check();
	});
}

#[test]
fn failed_lock_leaves_a_lapsed_one_untouched() {
	ext().execute_with(|| {
		let job = locked();
		let spare = Balances::free_balance(rival()) - ED;
		Balances::transfer_allow_death(RuntimeOrigin::signed(rival()), client(), spare).unwrap();
		go_to(7);
		assert_noop!(lock(rival(), job), TokenError::FundsUnavailable);
		check();
	});
}

#[test]
fn pod_must_afford_the_bond() {
	ext().execute_with(|| {
		let job = open();
		let spare = Balances::free_balance(pod()) - ED - 49;
		Balances::transfer_allow_death(RuntimeOrigin::signed(pod()), client(), spare).unwrap();
		assert_noop!(lock(pod(), job), TokenError::FundsUnavailable);
		Balances::transfer_allow_death(RuntimeOrigin::signed(client()), pod(), 1).unwrap();
		assert_ok!(lock(pod(), job));
	});
}

#[test]
fn unknown_jobs_and_origins_are_refused() {
	ext().execute_with(|| {
		assert_noop!(lock(pod(), JobId(7)), Error::<Test>::JobNotFound);
		let job = open();
		assert_noop!(JobMarket::lock(RuntimeOrigin::none(), job, 0), DispatchError::BadOrigin);
	});
}
