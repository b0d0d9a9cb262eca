// SPDX-License-Identifier: Apache-2.0

//! Jobs that one pod fails and another takes over.

use crate::{mock::*, Error, HoldReason, Jobs, Receipts};
use frame_support::{assert_noop, assert_ok};
use proofpod_primitives::{
	job::{Failure, FailureReason, JobRequest, Outcome, Reason, Requirements, Stage},
	JobId,
};

/// Jobs that the pod gave up and the rival has locked in tick 60 and acknowledged.
fn taken_over<const N: usize>() -> [JobId; N] {
	let jobs = [(); N].map(|()| {
		let job = proving_with_failover();
		discard(pod(), job).unwrap();
		job
	});
	go_to(60);
	jobs.iter().for_each(|job| take(rival(), *job));
	events();
	jobs
}

#[test]
fn another_pod_takes_a_missed_job_over_and_is_paid() {
	ext().execute_with(|| {
		let job = proving_with_failover();
		go_to(37);
		events();
		// Nobody has poked it: locking carries out what is due.
		assert_ok!(lock(rival(), job));
		assert_eq!(events()[0], reopened(job, pod(), Reason::Missed, [50, 0, 20]));
		let missed = FailureReason::Missed;
		let failure = Failure { pod: pod(), reason: missed, slashed: 50, compensation: 20 };
		assert_eq!(Jobs::<Test>::get(job).unwrap().failure, Some(failure));
		check();
		assert_ok!(acknowledge(rival(), job));
		assert_ok!(settle(rival(), job));
		assert_eq!(total(&pod()), ENDOWMENT - 50);
		assert_eq!(total(&rival()), ENDOWMENT + 196, "200 but for the fee of 4");
		assert_eq!(Balances::free_balance(client()), ENDOWMENT + 20 - 200);
		assert_eq!(Receipts::<Test>::get(job).unwrap().outcome.stage(), Stage::Settled);
		check();
	});
}

#[test]
fn the_first_pods_proof_comes_too_late() {
	ext().execute_with(|| {
		let job = proving_with_failover();
		go_to(37);
		assert!(settle(pod(), job).is_err());
		assert_ok!(lock(rival(), job));
		assert_ok!(acknowledge(rival(), job));
		assert!(settle(pod(), job).is_err());
		check();
	});
}

#[test]
fn a_pod_does_not_take_its_own_failure_over_unless_it_is_named() {
	ext().execute_with(|| {
		let job = proving_with_failover();
		go_to(37);
		assert_noop!(lock(pod(), job), Error::<Test>::Barred);
		poke(job).unwrap();
		assert_noop!(lock(pod(), job), Error::<Test>::Barred);

		let pods = vec![pod()].try_into().unwrap();
		let requirements = Requirements { pods, ..Requirements::default() };
		let hire = open_with(JobRequest { requirements, ..request_with_failover() });
		take(pod(), hire);
		go_to(73);
		assert_ok!(lock(pod(), hire));
		assert_eq!(held(HoldReason::JobBond, &pod()), 50);
		check();
	});
}

#[test]
fn a_job_that_nobody_takes_over_ends_as_the_failure_that_it_was() {
	ext().execute_with(|| {
		let job = proving_with_failover();
		go_to(37);
		poke(job).unwrap();
		go_to(81);
		assert_noop!(poke(job), Error::<Test>::NothingToDo);
		go_to(82);
		events();
		poke(job).unwrap();
		let (to, reason) = (Stage::Failed, Reason::NotTaken);
		assert_eq!(events(), vec![ended(job, to, reason, None, [0; 3], 200 + DEPOSIT)]);
		let reason = FailureReason::Missed;
		assert_eq!(
			Receipts::<Test>::get(job).unwrap().outcome,
			Outcome::Failed { pod: pod(), reason, slashed: 50, compensation: 20 }
		);
		assert_eq!(Balances::free_balance(client()), ENDOWMENT + 20);
		check();
	});
}

#[test]
fn a_lapse_during_the_failover_costs_its_fee_and_the_failure_stays() {
	ext().execute_with(|| {
		let job = proving_with_failover();
		discard(pod(), job).unwrap();
		go_to(78);
		lock(rival(), job).unwrap();
		go_to(84);
		events();
		poke(job).unwrap();
		let (to, reason) = (Stage::Failed, Reason::Lapsed);
		let refunded = 200 + DEPOSIT - FEE;
		assert_eq!(events(), vec![ended(job, to, reason, Some(rival()), [FEE, FEE, 0], refunded)]);
		let reason = FailureReason::Discarded;
		assert_eq!(
			Receipts::<Test>::get(job).unwrap().outcome,
			Outcome::Failed { pod: pod(), reason, slashed: 13, compensation: 5 }
		);
		check();
	});
}

#[test]
fn after_the_failovers_time_a_second_failure_ends_the_job() {
	ext().execute_with(|| {
		let [early, late, missed] = taken_over();
		go_to(81);
		assert_ok!(discard(rival(), early));
		assert_eq!(events(), vec![reopened(early, rival(), Reason::Discarded, [32, 0, 12])]);
		go_to(82);
		assert_ok!(discard(rival(), late));
		let (to, refunded) = (Stage::Failed, 200 + DEPOSIT);
		assert_eq!(
			events(),
			vec![ended(late, to, Reason::Discarded, Some(rival()), [33, 0, 13], refunded)]
		);
		let reason = FailureReason::Discarded;
		assert_eq!(
			Receipts::<Test>::get(late).unwrap().outcome,
			Outcome::Failed { pod: rival(), reason, slashed: 33, compensation: 13 }
		);
		go_to(96);
		poke(missed).unwrap();
		assert_eq!(
			events(),
			vec![ended(missed, to, Reason::Missed, Some(rival()), [50, 0, 20], refunded)]
		);
		check();
	});
}

#[test]
fn every_failure_compensates_the_client_anew() {
	ext().execute_with(|| {
		let [job] = taken_over();
		assert_ok!(discard(rival(), job));
		register(account(4), profile(*b"FR"));
		take(account(4), job);
		assert_ok!(settle(account(4), job));
		assert_eq!(Balances::free_balance(client()), ENDOWMENT + 5 + 5 - 200);
		assert_eq!(total(&rival()), ENDOWMENT - 13);
		check();
	});
}
