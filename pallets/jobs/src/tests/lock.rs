// SPDX-License-Identifier: Apache-2.0

use crate::{mock::*, Error, Event, HoldReason, Jobs};
use frame_support::{assert_noop, assert_ok};
use proofpod_primitives::{
	job::{JobRequest, Lock, PriceRamp, Reason, RequiredTag, Requirements, Stage, StoredState},
	pod::{PodProfile, PrivacyTier, Region, TrackRecord},
	Balance, EncryptionKey, JobId, Tick,
};
use sp_runtime::{AccountId32, DispatchError, TokenError};

fn requiring(requirements: Requirements<AccountId32>) -> JobId {
	open_with(JobRequest { requirements, ..request() })
}

/// The event of a lock in tick `now`, with a bond of 50.
fn locked_event(job: JobId, pod: AccountId32, now: u32, price: Balance) -> Event<Test> {
	Event::Locked {
		job,
		pod,
		from: Stage::Open,
		to: Stage::Locked,
		price,
		bond: 50,
		key_epoch: 0,
		acknowledge_by: Tick(now + 5),
		prove_by: Tick(now + 35),
	}
}

#[test]
fn lock_holds_the_bond_at_the_price_of_the_tick() {
	ext().execute_with(|| {
		let job = open();
		go_to(5);
		events();
		assert_ok!(lock(pod(), job));
		let claim = Lock {
			pod: pod(),
			price: 140,
			key_epoch: 0,
			encryption_key: EncryptionKey([1; 32]),
			acknowledge_by: Tick(10),
			prove_by: Tick(40),
		};
		assert_eq!(Jobs::<Test>::get(job).unwrap().state, StoredState::Locked(claim));
		assert_eq!(events(), vec![locked_event(job, pod(), 5, 140)]);
		assert_eq!(held(HoldReason::JobBond, &pod()), 50);
		let record = pod_record(&pod());
		assert_eq!((record.live_jobs, record.exposure), (1, 50));
		assert_eq!(slots(job), vec![11], "when the lock would lapse");
		check();
	});
}

#[test]
fn lock_pins_the_pods_key_and_its_epoch() {
	ext().execute_with(|| {
		let renew = |byte| {
			let encryption_key = EncryptionKey([byte; 32]);
			let profile = PodProfile { encryption_key, ..profile(*b"CH") };
			Pods::update(RuntimeOrigin::signed(pod()), profile).unwrap();
		};
		renew(2);
		let job = locked();
		renew(3);
		let lock = Jobs::<Test>::get(job).unwrap().state.lock().cloned().unwrap();
		assert_eq!((lock.key_epoch, lock.encryption_key), (1, EncryptionKey([2; 32])));
		let epochs: Vec<_> = events()
			.into_iter()
			.filter_map(|event| match event {
				Event::Locked { key_epoch, .. } => Some(key_epoch),
				_ => None,
			})
			.collect();
		assert_eq!(epochs, vec![1]);
	});
}

#[test]
fn an_operator_locks_for_its_pod() {
	ext().execute_with(|| {
		let job = open();
		assert_noop!(lock(operator(), job), PodsError::NotRegistered);
		Pods::set_operator(RuntimeOrigin::signed(pod()), Some(operator())).unwrap();
		events();
		assert_ok!(lock(operator(), job));
		assert_eq!(events(), vec![locked_event(job, pod(), 1, 100)]);
		assert_eq!(held(HoldReason::JobBond, &pod()), 50);
		assert_eq!(held(HoldReason::JobBond, &operator()), 0);
		check();
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
		assert_noop!(lock(account(4), job), PodsError::NotRegistered);
		Pods::leave(RuntimeOrigin::signed(pod())).unwrap();
		assert_noop!(lock(pod(), job), PodsError::PodIsLeaving);
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

		let proven = requiring(Requirements { min_reputation: 333, ..Default::default() });
		assert_noop!(lock(pod(), proven), Error::<Test>::RequirementsNotMet);
		pallet_pods::Pods::<Test>::mutate(pod(), |record| {
			record.as_mut().unwrap().record =
				TrackRecord { settled: 1, good: 1_000_000, ..Default::default() };
		});
		assert_ok!(lock(pod(), proven));
		check();
	});
}

#[test]
fn tags_keep_other_pods_out() {
	ext().execute_with(|| {
		let issuer = account(6);
		let tagged = |attested_by: Option<AccountId32>| {
			let tag = b"gpu".to_vec().try_into().unwrap();
			let tags = vec![RequiredTag { tag, attested_by }].try_into().unwrap();
			requiring(Requirements { tags, ..Default::default() })
		};
		let (declared, attested) = (tagged(None), tagged(Some(issuer.clone())));
		for job in [declared, attested] {
			assert_noop!(lock(pod(), job), Error::<Test>::RequirementsNotMet);
		}
		let gpu: proofpod_primitives::pod::Tags =
			vec![b"gpu".to_vec().try_into().unwrap()].try_into().unwrap();
		let profile = PodProfile { tags: gpu.clone(), ..profile(*b"CH") };
		Pods::update(RuntimeOrigin::signed(pod()), profile).unwrap();
		assert_ok!(lock(pod(), declared));
		assert_noop!(lock(pod(), attested), Error::<Test>::RequirementsNotMet);
		Pods::attest(RuntimeOrigin::signed(issuer), pod(), gpu, Tick(9)).unwrap();
		assert_ok!(lock(pod(), attested));
		check();
	});
}

#[test]
fn bonded_stake_limits_what_a_pod_takes_at_once() {
	ext().execute_with(|| {
		MaxExposure::set(1);
		let dear = || {
			let price = PriceRamp { min: 100, max: 3_000, ramp: 10 };
			open_with(JobRequest { price, ..request() })
		};
		let (first, second) = (dear(), dear());
		assert_ok!(lock(pod(), first));
		assert_noop!(lock(pod(), second), PodsError::Overcommitted);
		assert_ok!(lock(pod(), open()));
		assert_ok!(lock(rival(), second));
		check();
	});
}

#[test]
fn a_suspended_pod_locks_nothing() {
	ext().execute_with(|| {
		SuspensionThreshold::set(1);
		let missed = proving();
		go_to(37);
		let job = open();
		// The miss suspends the pod when it is carried out.
		poke(missed).unwrap();
		assert_noop!(lock(pod(), job), PodsError::PodIsSuspended);
		go_to(57);
		assert_ok!(lock(pod(), job));
		check();
	});
}

#[test]
fn client_may_be_its_own_pod() {
	ext().execute_with(|| {
		register(client(), profile(*b"CH"));
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
fn last_tick_to_lock_is_the_deadlines_own() {
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
				reopened(job, pod(), Reason::Lapsed, [FEE, FEE, 0]),
				locked_event(job, rival(), 7, 160),
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
fn a_pod_whose_lock_lapsed_may_not_lock_again() {
	ext().execute_with(|| {
		let (poked, untouched) = (locked(), locked());
		go_to(7);
		poke(poked).unwrap();
		assert_noop!(lock(pod(), poked), Error::<Test>::Barred);
		assert_noop!(lock(pod(), untouched), Error::<Test>::Barred);
		check();
	});
}

#[test]
fn a_named_pod_may_lock_again_until_the_last_lapse() {
	ext().execute_with(|| {
		let pods = vec![pod()].try_into().unwrap();
		let job = requiring(Requirements { pods, ..Default::default() });
		for now in [1, 7, 13] {
			go_to(now);
			assert_ok!(lock(pod(), job));
			check();
		}
		go_to(19);
		assert_noop!(lock(pod(), job), Error::<Test>::NotOpen);
		assert_eq!(total(&pod()), ENDOWMENT - 2 * FEE, "the third is due");
	});
}

#[test]
fn the_list_of_barred_pods_forgets_the_first_of_nine() {
	ext().execute_with(|| {
		let pods: Vec<_> = (20..29).map(account).collect();
		let job = open();
		for pod in &pods {
			Balances::force_set_balance(RuntimeOrigin::root(), pod.clone(), ENDOWMENT).unwrap();
			register(pod.clone(), profile(*b"FR"));
			assert_ok!(lock(pod.clone(), job));
			assert_ok!(release(pod.clone(), job));
			check();
		}
		assert_eq!(Jobs::<Test>::get(job).unwrap().barred.to_vec(), pods[1..]);
		assert_noop!(lock(pods[1].clone(), job), Error::<Test>::Barred);
		assert_ok!(lock(pods[0].clone(), job));
		check();
	});
}

#[test]
fn lapsed_locks_own_bond_serves_for_the_next() {
	ext().execute_with(|| {
		let pods = vec![pod()].try_into().unwrap();
		let job = requiring(Requirements { pods, ..Default::default() });
		assert_ok!(lock(pod(), job));
		let spare = Balances::free_balance(pod()) - ED - FEE;
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
