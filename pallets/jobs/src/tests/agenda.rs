// SPDX-License-Identifier: Apache-2.0

//! The sweep in `on_idle`.

use crate::{
	mock::*, weights::EstimatedWeight, Agenda, AgendaCursor, Event, HoldReason, Jobs, Receipts,
	Retries, WeightInfo,
};
use frame_support::{
	traits::{fungible::MutateHold, tokens::Precision},
	weights::Weight,
};
use proofpod_primitives::{
	job::{FailureReason, Outcome},
	JobId,
};
use sp_runtime::TokenError;

type Weights = EstimatedWeight<Test>;

/// Weight that ends this many jobs of one slot, when `slots` have to be looked at.
fn enough_for(slots: u64, jobs: u64) -> Weight {
	Weights::tidy_base()
		.saturating_add(Weights::tidy_slot().saturating_mul(slots))
		.saturating_add(Weights::tidy_job().saturating_mul(jobs))
}

#[test]
fn overdue_jobs_of_every_kind_are_ended() {
	ext().execute_with(|| {
		let (expired, lapsed, missed) = (open(), locked(), proving());
		events();
		sweep(21, Weight::MAX);
		assert_eq!(events(), vec![]);
		sweep(22, Weight::MAX);
		let mut seen = events();
		seen.sort_by_key(|event| format!("{event:?}"));
		assert_eq!(
			seen,
			vec![
				Event::Expired { job: expired },
				Event::Expired { job: lapsed },
				Event::Reopened { job: lapsed, pod: pod() },
			]
		);
		check();
		sweep(36, Weight::MAX);
		assert_eq!(events(), vec![]);
		sweep(37, Weight::MAX);
		let reason = FailureReason::Missed;
		assert_eq!(
			events(),
			vec![Event::Failed { job: missed, pod: pod(), reason, slashed: 50, compensation: 20 }]
		);
		assert_eq!(Jobs::<Test>::iter().count(), 0);
		assert_eq!(AgendaCursor::<Test>::get(), 38);
		check();
	});
}

#[test]
fn nothing_is_done_without_weight() {
	ext().execute_with(|| {
		let job = open();
		assert_eq!(sweep(22, Weight::zero()), Weight::zero());
		assert_eq!(sweep(22, Weights::tidy_base()), Weights::tidy_base());
		assert_eq!(AgendaCursor::<Test>::get(), 0);
		assert!(Jobs::<Test>::contains_key(job));
		check();
	});
}

#[test]
fn a_full_slot_is_worked_off_over_many_blocks() {
	ext().execute_with(|| {
		for _ in 0..100 {
			open();
		}
		sweep(21, Weight::MAX);
		let limit = enough_for(1, 30);
		for (block, left) in [(22, 70), (23, 40), (24, 10)] {
			let used = sweep(block, limit);
			assert!(used.all_lte(limit), "{used:?} of {limit:?}");
			assert_eq!(Jobs::<Test>::iter().count(), left);
			assert_eq!(AgendaCursor::<Test>::get(), 22);
			check();
		}
		sweep(25, limit);
		assert_eq!(Jobs::<Test>::iter().count(), 0);
		sweep(26, limit);
		assert_eq!(AgendaCursor::<Test>::get(), 27);
		assert_eq!(held(HoldReason::JobPayment, &client()), 0);
	});
}

#[test]
fn a_sweep_that_lags_behind_delays_nothing_but_itself() {
	ext().execute_with(|| {
		let job = proving();
		let other = open();
		go_to(60);
		assert_eq!(JobMarket::phase(job), Some(b"missed".to_vec()));
		let late = open();
		check();
		// The cursor advances a slot at a time as weight allows.
		let limit = enough_for(10, 1);
		for block in 60..66 {
			assert!(sweep(block, limit).all_lte(limit));
			check();
		}
		sweep(66, Weight::MAX);
		assert!(!Jobs::<Test>::contains_key(job) && !Jobs::<Test>::contains_key(other));
		assert!(Jobs::<Test>::contains_key(late));
		check();
	});
}

#[test]
fn an_idle_block_costs_one_slot() {
	ext().execute_with(|| {
		sweep(40, Weight::MAX);
		assert_eq!(sweep(41, Weight::MAX), enough_for(1, 0));
		assert_eq!(sweep(41, Weight::MAX), enough_for(0, 0), "the block's slot is behind it");
	});
}

#[test]
fn a_job_that_cannot_be_ended_harms_no_other() {
	ext().execute_with(|| {
		let broken = locked();
		let sound: Vec<JobId> = (0..5).map(|_| open()).collect();
		// Break the invariant that bonds are held.
		Balances::release(&HoldReason::JobBond.into(), &pod(), 50, Precision::Exact).unwrap();
		sweep(21, Weight::MAX);
		events();
		sweep(22, Weight::MAX);
		let error = TokenError::FundsUnavailable.into();
		let seen = events();
		assert!(seen.contains(&Event::Deferred { job: broken, until: 29, error }), "{seen:?}");
		assert_eq!(seen.len(), 6, "and nothing of the failed end remains: {seen:?}");
		for job in sound {
			assert_eq!(Receipts::<Test>::get(job).unwrap().outcome, Outcome::Expired);
		}
		assert_eq!((slots(broken), Retries::<Test>::get(broken)), (vec![29], Some(29)));
		assert_eq!(held(HoldReason::JobPayment, &client()), 200);
		assert_eq!(AgendaCursor::<Test>::get(), 23);

		sweep(29, Weight::MAX);
		assert_eq!(events(), vec![Event::Deferred { job: broken, until: 36, error }]);
		assert_eq!(slots(broken), vec![36]);

		// Mend it, and it ends at the next try.
		Balances::hold(&HoldReason::JobBond.into(), &pod(), 50).unwrap();
		check();
		sweep(35, Weight::MAX);
		assert!(Jobs::<Test>::contains_key(broken));
		sweep(36, Weight::MAX);
		assert_eq!(Receipts::<Test>::get(broken).unwrap().outcome, Outcome::Expired);
		check();
	});
}

#[test]
fn a_deferred_job_can_be_poked() {
	ext().execute_with(|| {
		let job = locked();
		Balances::release(&HoldReason::JobBond.into(), &pod(), 50, Precision::Exact).unwrap();
		sweep(22, Weight::MAX);
		assert_eq!(slots(job), vec![29]);
		Balances::hold(&HoldReason::JobBond.into(), &pod(), 50).unwrap();
		JobMarket::poke(RuntimeOrigin::signed(account(8)), job).unwrap();
		assert_eq!(Agenda::<Test>::iter().count(), 0);
		assert_eq!(Retries::<Test>::iter().count(), 0);
		check();
	});
}

#[test]
fn an_orphan_is_dropped() {
	ext().execute_with(|| {
		Agenda::<Test>::insert(5, JobId(77), ());
		sweep(5, Weight::MAX);
		assert_eq!(Agenda::<Test>::iter().count(), 0);
		check();
	});
}
