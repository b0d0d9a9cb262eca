// SPDX-License-Identifier: Apache-2.0

use crate::{mock::*, Error, HoldReason, Jobs, Receipts};
use frame_support::{assert_noop, assert_ok};
use proofpod_primitives::{
	job::{Outcome, Reason, Receipt, Stage},
	JobId,
};
use sp_runtime::DispatchError;

#[test]
fn cancelling_refunds_payment_and_deposit() {
	ext().execute_with(|| {
		let job = open();
		go_to(4);
		events();
		assert_ok!(cancel(client(), job));
		let (to, reason) = (Stage::Cancelled, Reason::Withdrawn);
		assert_eq!(events(), vec![ended(job, to, reason, None, [0; 3], 200 + DEPOSIT)]);
		assert_eq!(Balances::free_balance(client()), ENDOWMENT);
		let model = sealed_model().id();
		assert_eq!(
			Receipts::<Test>::get(job),
			Some(Receipt { client: client(), model, block: block(4), outcome: Outcome::Cancelled })
		);
		assert!(!Jobs::<Test>::contains_key(job));
		assert_eq!((slots(job), jobs_of(model)), (vec![], 0));
		assert_eq!(JobMarket::live_of(client()), 0);
		check();
	});
}

#[test]
fn cancelling_undoes_a_lapsed_lock() {
	ext().execute_with(|| {
		let job = locked();
		go_to(7);
		events();
		assert_ok!(cancel(client(), job));
		assert_eq!(
			events(),
			vec![
				reopened(job, pod(), Reason::Lapsed, [FEE, FEE, 0]),
				ended(job, Stage::Cancelled, Reason::Withdrawn, None, [0; 3], 200 + DEPOSIT - FEE),
			]
		);
		assert_eq!(held(HoldReason::JobBond, &pod()), 0);
		assert_eq!(total(&pod()), ENDOWMENT - FEE);
		assert_eq!(Balances::free_balance(client()), ENDOWMENT - FEE);
		assert_eq!(pod_record(&pod()).record.unacknowledged, 1);
		check();
	});
}

#[test]
fn cancelling_undoes_a_missed_claim() {
	ext().execute_with(|| {
		let job = proving_with_failover();
		go_to(37);
		events();
		assert_ok!(cancel(client(), job));
		assert_eq!(
			events(),
			vec![
				reopened(job, pod(), Reason::Missed, [50, 0, 20]),
				ended(job, Stage::Cancelled, Reason::Withdrawn, None, [0; 3], 200 + DEPOSIT),
			]
		);
		assert_eq!(Receipts::<Test>::get(job).unwrap().outcome, Outcome::Cancelled);
		assert_eq!(total(&pod()), ENDOWMENT - 50);
		assert_eq!(Balances::free_balance(client()), ENDOWMENT + 20);
		assert_eq!(pod_record(&pod()).record.missed, 1);
		check();
	});
}

#[test]
fn only_the_client_cancels() {
	ext().execute_with(|| {
		let job = open();
		assert_noop!(cancel(pod(), job), Error::<Test>::NotClient);
		assert_noop!(cancel(client(), JobId(7)), Error::<Test>::JobNotFound);
		assert_noop!(JobMarket::cancel(RuntimeOrigin::none(), job), DispatchError::BadOrigin);
	});
}

#[test]
fn a_job_that_a_pod_has_is_not_cancelled() {
	ext().execute_with(|| {
		let job = locked();
		assert_noop!(cancel(client(), job), Error::<Test>::NotOpen);
		assert_ok!(acknowledge(pod(), job));
		assert_noop!(cancel(client(), job), Error::<Test>::NotOpen);
		go_to(37);
		assert_noop!(cancel(client(), job), Error::<Test>::NotOpen);
	});
}

#[test]
fn an_ended_job_is_not_cancelled_again() {
	ext().execute_with(|| {
		let (first, second) = (open(), open());
		assert_ok!(cancel(client(), first));
		assert_noop!(cancel(client(), first), Error::<Test>::JobNotFound);
		go_to(21);
		assert_ok!(cancel(client(), second));
		let third = open();
		go_to(42);
		assert_noop!(cancel(client(), third), Error::<Test>::NotOpen);
	});
}

#[test]
fn a_frozen_clients_payment_still_comes_back() {
	use frame_support::traits::{LockableCurrency, WithdrawReasons};
	ext().execute_with(|| {
		let job = open();
		Balances::set_lock(*b"everyth.", &client(), u128::MAX, WithdrawReasons::all());
		assert_ok!(cancel(client(), job));
		assert_eq!(Balances::free_balance(client()), ENDOWMENT);
		check();
	});
}
