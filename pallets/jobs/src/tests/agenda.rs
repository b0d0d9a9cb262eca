// SPDX-License-Identifier: Apache-2.0

//! The sweep in `on_idle`.

use crate::{
	mock::*, weights::SubstrateWeight, Agenda, AgendaCursor, Event, HoldReason, JobOf, Jobs,
	Receipts, Retries, WeightInfo,
};
use frame_support::{
	traits::{fungible::MutateHold, tokens::Precision, Get, StorageVersion},
	weights::Weight,
};
use frame_system::limits::BlockWeights;
use proofpod_primitives::{
	job::{Outcome, Reason, Stage, StoredState},
	JobId, Tick,
};
use sp_runtime::{Perbill, TokenError};

type Weights = SubstrateWeight<Test>;

/// Weight that carries out what is due of this many jobs, when `slots` have to be looked at.
fn enough_for(slots: u64, jobs: u64) -> Weight {
	Weights::tidy_base()
		.saturating_add(Weights::tidy_slot().saturating_mul(slots))
		.saturating_add(Weights::tidy_job().saturating_mul(jobs))
}

#[test]
fn whatever_is_due_is_carried_out() {
	ext().execute_with(|| {
		let (expired, lapsed, missed) = (open(), locked(), proving());
		let retaken = proving_with_failover();
		events();
		sweep(6, Weight::MAX);
		assert_eq!(events(), vec![]);
		sweep(7, Weight::MAX);
		assert_eq!(events(), vec![reopened(lapsed, pod(), Reason::Lapsed, [FEE, FEE, 0])]);
		assert_eq!(slots(lapsed), vec![22]);
		check();
		sweep(21, Weight::MAX);
		assert_eq!(events(), vec![]);
		sweep(22, Weight::MAX);
		let over =
			|job, refunded| ended(job, Stage::Expired, Reason::NotTaken, None, [0; 3], refunded);
		let mut seen = events();
		seen.sort_by_key(|event| format!("{event:?}"));
		assert_eq!(seen, vec![over(expired, 200 + DEPOSIT), over(lapsed, 200 + DEPOSIT - FEE)]);
		check();
		sweep(36, Weight::MAX);
		assert_eq!(events(), vec![]);
		sweep(37, Weight::MAX);
		let mut seen = events();
		seen.sort_by_key(|event| format!("{event:?}"));
		let (to, loss) = (Stage::Failed, [50, 0, 20]);
		assert_eq!(
			seen,
			vec![
				ended(missed, to, Reason::Missed, Some(pod()), loss, 200 + DEPOSIT),
				reopened(retaken, pod(), Reason::Missed, loss),
			]
		);
		assert_eq!((slots(retaken), AgendaCursor::<Test>::get()), (vec![82], Tick(38)));
		check();
		sweep(82, Weight::MAX);
		assert_eq!(
			events(),
			vec![ended(retaken, to, Reason::NotTaken, None, [0; 3], 200 + DEPOSIT)]
		);
		assert_eq!(Jobs::<Test>::iter().count(), 0);
		assert_eq!(AgendaCursor::<Test>::get(), Tick(83));
		check();
	});
}

#[test]
fn nothing_is_done_without_weight() {
	ext().execute_with(|| {
		let job = open();
		assert_eq!(sweep(22, Weight::zero()), Weight::zero());
		assert_eq!(sweep(22, Weights::tidy_base()), Weights::tidy_base());
		assert_eq!(AgendaCursor::<Test>::get(), Tick(0));
		assert!(Jobs::<Test>::contains_key(job));
		check();
	});
}

#[test]
fn a_crowded_slot_is_worked_off_over_many_blocks() {
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
			assert_eq!(AgendaCursor::<Test>::get(), Tick(22));
			check();
		}
		sweep(25, limit);
		assert_eq!(Jobs::<Test>::iter().count(), 0);
		sweep(26, limit);
		assert_eq!(AgendaCursor::<Test>::get(), Tick(27));
		assert_eq!(held(HoldReason::JobPayment, &client()), 0);
	});
}

#[test]
fn a_sweep_that_lags_behind_delays_nothing_but_itself() {
	ext().execute_with(|| {
		let job = proving();
		let other = open();
		go_to(60);
		assert_eq!(JobMarket::phase(job), Some(b"failed".to_vec()));
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
fn a_sweep_takes_no_more_than_its_share_of_a_block() {
	ext().execute_with(|| {
		for _ in 0..100 {
			open();
		}
		sweep(21, Weight::MAX);
		let weights: BlockWeights = <Test as frame_system::Config>::BlockWeights::get();
		let all = weights.max_block.ref_time();
		MaxSweepShare::set(Perbill::from_rational(enough_for(1, 30).ref_time(), all));
		let used = sweep(22, Weight::MAX);
		let limit = MaxSweepShare::get() * weights.max_block;
		assert!(used.all_lte(limit), "{used:?} of {limit:?}");
		assert!((69..=71).contains(&Jobs::<Test>::iter().count()));
		check();
	});
}

#[test]
fn no_records_of_an_older_layout_are_read() {
	ext().execute_with(|| {
		let job = open();
		StorageVersion::new(0).put::<JobMarket>();
		assert_eq!(sweep(22, Weight::MAX), enough_for(0, 0));
		assert!(Jobs::<Test>::contains_key(job));
		StorageVersion::new(1).put::<JobMarket>();
		sweep(22, Weight::MAX);
		assert!(!Jobs::<Test>::contains_key(job));
		check();
	});
}

#[test]
fn a_slot_does_not_run_away_from_a_clock_that_stands_still() {
	ext().execute_with(|| {
		let job = locked();
		for _ in 0..3 {
			sweep(7, Weight::MAX);
			check();
		}
		assert_eq!((slots(job), AgendaCursor::<Test>::get()), (vec![22], Tick(8)));
		// What is opened in the tick that has been swept has a slot to come.
		let other = open();
		assert_eq!(slots(other), vec![28]);
		check();
	});
}

/// A job whose lock is kept from being undone by a bond that is not held; what is due of it is
/// tried in tick 7 and then in tick 14.
fn broken() -> JobId {
	let job = locked();
	Balances::release(&HoldReason::JobBond.into(), &pod(), 50, Precision::Exact).unwrap();
	job
}

fn mend() {
	Balances::hold(&HoldReason::JobBond.into(), &pod(), 50).unwrap();
}

#[test]
fn a_job_of_which_nothing_can_be_carried_out_harms_no_other() {
	ext().execute_with(|| {
		let broken = broken();
		let sound: Vec<JobId> = (0..5).map(|_| open()).collect();
		sound.iter().for_each(|job| lock(rival(), *job).unwrap());
		sweep(6, Weight::MAX);
		events();
		sweep(7, Weight::MAX);
		let error = TokenError::FundsUnavailable.into();
		let deferred =
			|until| Event::Deferred { job: broken, from: Stage::Locked, until: Tick(until), error };
		let seen = events();
		assert!(seen.contains(&deferred(14)), "{seen:?}");
		assert_eq!(seen.len(), 6, "and nothing of what failed remains: {seen:?}");
		for job in sound {
			assert_eq!(Jobs::<Test>::get(job).unwrap().state, StoredState::Open);
		}
		assert_eq!((slots(broken), Retries::<Test>::get(broken)), (vec![14], Some(Tick(14))));
		assert_eq!(held(HoldReason::JobDeposit, &client()), 6 * DEPOSIT - 5 * FEE);
		assert_eq!(AgendaCursor::<Test>::get(), Tick(8));

		sweep(14, Weight::MAX);
		assert_eq!(events(), vec![deferred(21)]);
		assert_eq!(slots(broken), vec![21]);

		// Mend it, and it is done at the next try.
		mend();
		check();
		sweep(20, Weight::MAX);
		assert!(Jobs::<Test>::get(broken).unwrap().state.lock().is_some());
		sweep(21, Weight::MAX);
		assert_eq!(Jobs::<Test>::get(broken).unwrap().state, StoredState::Open);
		assert_eq!((slots(broken), Retries::<Test>::get(broken)), (vec![22], None));
		sweep(22, Weight::MAX);
		assert_eq!(Receipts::<Test>::get(broken).unwrap().outcome, Outcome::Expired);
		check();
	});
}

#[test]
fn a_deferred_job_can_be_poked_or_locked() {
	ext().execute_with(|| {
		let jobs = [broken(), broken()];
		sweep(7, Weight::MAX);
		assert_eq!(jobs.map(slots), [vec![14], vec![14]]);
		mend();
		mend();
		check();
		poke(jobs[0]).unwrap();
		lock(rival(), jobs[1]).unwrap();
		let due = jobs.map(|job| Jobs::<Test>::get(job).as_ref().map(JobOf::<Test>::due_from));
		assert_eq!(due, [Some(Tick(22)), Some(Tick(13))]);
		assert_eq!(jobs.map(slots), [vec![22], vec![13]]);
		assert_eq!(Retries::<Test>::iter().count(), 0);
		check();
	});
}

#[test]
fn an_orphan_is_dropped() {
	ext().execute_with(|| {
		Agenda::<Test>::insert(Tick(5), JobId(77), ());
		sweep(5, Weight::MAX);
		assert_eq!(Agenda::<Test>::iter().count(), 0);
		check();
	});
}
