// SPDX-License-Identifier: Apache-2.0

use crate::{mock::*, Error, HoldReason, Receipts};
use frame_support::{assert_noop, assert_ok};
use proofpod_primitives::{
	job::{FailureReason, JobRequest, Outcome, PriceRamp, Reason, Receipt, Stage},
	JobId,
};
use sp_runtime::DispatchError;

#[test]
fn discarding_at_once_costs_the_least_slash() {
	ext().execute_with(|| {
		let job = proving();
		go_to(6);
		events();
		let issuance = Balances::total_issuance();
		assert_ok!(discard(pod(), job));

		// A quarter of 50, rounded up, is 13; two fifths of that, rounded down, are the client's.
		let reason = FailureReason::Discarded;
		let refunded = 200 + DEPOSIT;
		assert_eq!(
			events(),
			vec![ended(job, Stage::Failed, reason.into(), Some(pod()), [13, 0, 5], refunded)]
		);
		assert_eq!(Balances::free_balance(client()), ENDOWMENT + 5);
		assert_eq!(total(&pod()), ENDOWMENT - 13);
		assert_eq!(Balances::total_issuance(), issuance - 8);
		assert_eq!(held(HoldReason::JobBond, &pod()), 0);
		let record = pod_record(&pod());
		assert_eq!((record.live_jobs, record.exposure, record.record.discarded), (0, 0, 1));
		assert_eq!(
			Receipts::<Test>::get(job),
			Some(Receipt {
				client: client(),
				model: sealed_model().id(),
				block: block(6),
				outcome: Outcome::Failed { pod: pod(), reason, slashed: 13, compensation: 5 },
			})
		);
		assert_eq!((slots(job), jobs_of(sealed_model().id())), (vec![], 0));
		check();
	});
}

#[test]
fn discarding_in_the_tick_of_the_opening_ends_the_job_too() {
	ext().execute_with(|| {
		let job = proving();
		assert_ok!(discard(pod(), job));
		assert_eq!(Receipts::<Test>::get(job).unwrap().outcome.stage(), Stage::Failed);
		check();
	});
}

#[test]
fn discarding_opens_the_job_for_others_where_the_client_asked_for_it() {
	ext().execute_with(|| {
		let job = proving_with_failover();
		go_to(6);
		events();
		assert_ok!(discard(pod(), job));
		assert_eq!(events(), vec![reopened(job, pod(), Reason::Discarded, [13, 0, 5])]);
		assert_eq!(total(&client()), ENDOWMENT + 5);
		assert_eq!(held(HoldReason::JobPayment, &client()), 200);
		assert_eq!(held(HoldReason::JobDeposit, &client()), DEPOSIT);
		assert_eq!(slots(job), vec![82], "the time to lock is that of the failover");
		check();
		assert_noop!(lock(pod(), job), Error::<Test>::Barred);
		assert_ok!(lock(rival(), job));
		check();
	});
}

#[test]
fn other_jobs_holds_are_untouched() {
	ext().execute_with(|| {
		let other = proving();
		let job = open_with(JobRequest {
			price: PriceRamp { min: 100, max: 1_001, ramp: 0 },
			..request()
		});
		lock(pod(), job).unwrap();
		acknowledge(pod(), job).unwrap();
		assert_eq!(held(HoldReason::JobBond, &pod()), 50 + 201);
		assert_ok!(discard(pod(), job));
		assert_eq!(held(HoldReason::JobBond, &pod()), 50);
		assert_eq!(held(HoldReason::JobPayment, &client()), 200);
		assert_eq!(held(HoldReason::JobDeposit, &client()), DEPOSIT);
		assert_ok!(discard(pod(), other));
		check();
	});
}

#[test]
fn nothing_goes_to_the_client_without_a_share() {
	ext().execute_with(|| {
		ClientShare::set(0);
		let job = proving();
		assert_ok!(discard(pod(), job));
		assert_eq!(total(&client()), ENDOWMENT);
		assert_eq!(total(&pod()), ENDOWMENT - 13);
		check();
	});
}

#[test]
fn a_pod_that_is_its_own_client_loses_what_is_burned() {
	ext().execute_with(|| {
		register(client(), profile(*b"CH"));
		let job = open();
		lock(client(), job).unwrap();
		acknowledge(client(), job).unwrap();
		assert_ok!(discard(client(), job));
		assert_eq!(total(&client()), ENDOWMENT - 8);
		check();
	});
}

#[test]
fn a_frozen_pod_is_slashed_all_the_same() {
	use frame_support::traits::{LockableCurrency, WithdrawReasons};
	ext().execute_with(|| {
		let job = proving();
		Balances::set_lock(*b"everyth.", &pod(), u128::MAX, WithdrawReasons::all());
		assert_ok!(discard(pod(), job));
		assert_eq!(total(&pod()), ENDOWMENT - 13);
		check();
	});
}

#[test]
fn a_client_without_free_balance_is_compensated_while_its_payment_stays_held() {
	ext().execute_with(|| {
		let job = proving_with_failover();
		empty(&client());
		assert_ok!(discard(pod(), job));
		assert_eq!(Balances::free_balance(client()), 5);
		check();
	});
}

#[test]
fn a_rest_of_a_bond_that_cannot_be_released_is_dust() {
	ext().execute_with(|| {
		BondFloor::set(16);
		BondShare::set(sp_runtime::Permill::zero());
		DiscardShare::set(sp_runtime::Permill::from_percent(80));
		let job = proving();
		empty(&pod());
		let issuance = Balances::total_issuance();
		assert_ok!(discard(pod(), job));
		// 13 of 16 are slashed, of which 5 are the client's; 3 do not reach the existential
		// deposit.
		assert_eq!(total(&pod()), POD_BOND);
		assert_eq!(Balances::total_issuance(), issuance - 8 - 3);
		check();
	});
}

#[test]
fn only_the_pod_discards_and_only_while_proving() {
	ext().execute_with(|| {
		let job = locked();
		assert_noop!(discard(pod(), job), Error::<Test>::NotProving);
		assert_ok!(acknowledge(pod(), job));
		assert_noop!(discard(rival(), job), Error::<Test>::NotPod);
		assert_noop!(discard(client(), job), PodsError::NotRegistered);
		assert_noop!(discard(pod(), JobId(7)), Error::<Test>::JobNotFound);
		assert_noop!(JobMarket::discard(RuntimeOrigin::none(), job), DispatchError::BadOrigin);
	});
}

#[test]
fn its_operator_discards_for_it() {
	ext().execute_with(|| {
		let job = proving();
		Pods::set_operator(RuntimeOrigin::signed(pod()), Some(operator())).unwrap();
		assert_ok!(discard(operator(), job));
		assert_eq!(total(&pod()), ENDOWMENT - 13);
		assert_eq!(total(&operator()), ENDOWMENT);
		check();
	});
}

#[test]
fn the_longer_a_pod_waits_the_more_it_costs() {
	ext().execute_with(|| {
		let jobs = [proving(), proving(), proving(), proving()];
		let mut taken = Vec::new();
		for (job, tick) in jobs.into_iter().zip([7, 21, 35, 36]) {
			go_to(tick);
			let before = total(&pod());
			assert_ok!(discard(pod(), job));
			taken.push(before - total(&pod()));
			check();
		}
		// Of 50, from 13 in tick 6 to all in tick 36.
		assert_eq!(taken, [14, 31, 48, 50]);
	});
}

#[test]
fn after_the_deadline_it_is_too_late_to_discard() {
	ext().execute_with(|| {
		let (early, late) = (proving(), proving());
		go_to(36);
		assert_ok!(discard(pod(), early));
		go_to(37);
		assert_noop!(discard(pod(), late), Error::<Test>::NotProving);
		check();
	});
}
