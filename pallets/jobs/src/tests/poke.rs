// SPDX-License-Identifier: Apache-2.0

use crate::{mock::*, Error, HoldReason, Jobs, Receipts};
use frame_support::{
	assert_noop,
	dispatch::{DispatchResultWithPostInfo, Pays},
};
use proofpod_primitives::{
	job::{FailureReason, Outcome, Reason, Stage, StoredState},
	JobId,
};
use sp_runtime::DispatchError;

fn free(result: DispatchResultWithPostInfo) -> bool {
	result.unwrap().pays_fee == Pays::No
}

#[test]
fn an_open_job_expires_the_tick_after_its_deadline() {
	ext().execute_with(|| {
		let job = open();
		go_to(21);
		assert_noop!(poke(job), Error::<Test>::NothingToDo);
		go_to(22);
		events();
		assert!(free(poke(job)));
		let (to, reason) = (Stage::Expired, Reason::NotTaken);
		assert_eq!(events(), vec![ended(job, to, reason, None, [0; 3], 200 + DEPOSIT)]);
		assert_eq!(Receipts::<Test>::get(job).unwrap().outcome, Outcome::Expired);
		assert_eq!(Balances::free_balance(client()), ENDOWMENT);
		assert_eq!(jobs_of(sealed_model().id()), 0);
		check();
	});
}

#[test]
fn a_lapsed_lock_is_undone_and_costs_both_sides_the_same() {
	ext().execute_with(|| {
		let job = locked();
		go_to(6);
		assert_noop!(poke(job), Error::<Test>::NothingToDo);
		go_to(7);
		events();
		let issuance = Balances::total_issuance();
		assert!(free(poke(job)));
		assert_eq!(events(), vec![reopened(job, pod(), Reason::Lapsed, [FEE, FEE, 0])]);
		let stored = Jobs::<Test>::get(job).unwrap();
		assert_eq!((&stored.state, stored.lapses), (&StoredState::Open, 1));
		assert_eq!(stored.barred.to_vec(), vec![pod()]);
		assert_eq!(held(HoldReason::JobBond, &pod()), 0);
		assert_eq!(total(&pod()), ENDOWMENT - FEE);
		assert_eq!(held(HoldReason::JobDeposit, &client()), DEPOSIT - FEE);
		assert_eq!(total(&client()), ENDOWMENT - FEE);
		assert_eq!(Balances::total_issuance(), issuance - 2 * FEE);
		let record = pod_record(&pod());
		assert_eq!((record.record.unacknowledged, record.exposure), (1, 0));
		assert_eq!(slots(job), vec![22]);
		check();
		assert_noop!(poke(job), Error::<Test>::NothingToDo);
	});
}

#[test]
fn the_last_lapse_ends_the_job() {
	ext().execute_with(|| {
		let job = open();
		let pods = [pod(), rival(), account(4)];
		register(account(4), profile(*b"FR"));
		for (now, pod) in [(1, &pods[0]), (7, &pods[1]), (13, &pods[2])] {
			go_to(now);
			lock(pod.clone(), job).unwrap();
			check();
		}
		go_to(19);
		events();
		assert!(free(poke(job)));
		let (to, reason) = (Stage::Expired, Reason::Lapsed);
		let refunded = 200 + DEPOSIT - 3 * FEE;
		assert_eq!(
			events(),
			vec![ended(job, to, reason, Some(account(4)), [FEE, FEE, 0], refunded)]
		);
		assert_eq!(Receipts::<Test>::get(job).unwrap().outcome, Outcome::Expired);
		assert_eq!(total(&client()), ENDOWMENT - 3 * FEE);
		for pod in pods {
			assert_eq!(total(&pod), ENDOWMENT - FEE);
		}
		check();
	});
}

#[test]
fn an_expired_job_gives_its_lapsed_bond_back_but_for_the_fee() {
	ext().execute_with(|| {
		let job = locked();
		go_to(22);
		events();
		assert!(free(poke(job)));
		let (to, reason) = (Stage::Expired, Reason::Lapsed);
		let refunded = 200 + DEPOSIT - FEE;
		assert_eq!(events(), vec![ended(job, to, reason, Some(pod()), [FEE, FEE, 0], refunded)]);
		assert_eq!(Balances::free_balance(pod()), ENDOWMENT - POD_BOND - FEE);
		assert_eq!(Balances::free_balance(client()), ENDOWMENT - FEE);
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
			vec![ended(
				job,
				Stage::Failed,
				Reason::Missed,
				Some(pod()),
				[50, 0, 20],
				200 + DEPOSIT
			)]
		);
		assert_eq!(Balances::free_balance(client()), ENDOWMENT + 20);
		assert_eq!(total(&pod()), ENDOWMENT - 50);
		assert_eq!(Balances::total_issuance(), issuance - 30);
		assert_eq!(
			Receipts::<Test>::get(job).unwrap().outcome,
			Outcome::Failed { pod: pod(), reason, slashed: 50, compensation: 20 }
		);
		let record = pod_record(&pod());
		assert_eq!((record.live_jobs, record.exposure, record.record.missed), (0, 0, 1));
		check();
	});
}

#[test]
fn a_missed_claim_is_undone_where_the_client_asked_for_a_failover() {
	ext().execute_with(|| {
		let job = proving_with_failover();
		go_to(36);
		assert_noop!(poke(job), Error::<Test>::NothingToDo);
		go_to(37);
		events();
		assert!(free(poke(job)));
		assert_eq!(events(), vec![reopened(job, pod(), Reason::Missed, [50, 0, 20])]);
		assert_eq!(Jobs::<Test>::get(job).unwrap().state, StoredState::Open);
		assert_eq!(slots(job), vec![82]);
		check();
		assert_noop!(poke(job), Error::<Test>::NothingToDo);
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
		assert_noop!(Pods::withdraw(origin.clone()), PodsError::LiveJobs);
		assert!(free(poke(job)));
		Pods::withdraw(origin).unwrap();
		assert_eq!(Balances::free_balance(pod()), ENDOWMENT - 50);
		check();
	});
}
