// SPDX-License-Identifier: Apache-2.0

//! `try_state` notices each kind of corruption.

use crate::{
	mock::*, Agenda, AgendaCursor, ClientJobs, HoldReason, JobOf, Jobs, NextJobId, Receipts,
	Retries,
};
use frame_support::traits::{fungible::MutateHold, tokens::Precision};
use proofpod_primitives::{
	job::{Failure, FailureReason, Outcome, Receipt, StoredState},
	JobId, Tick,
};

/// What `try_state` says after `corrupt` was done to a chain with one open and one proving job.
fn complaint(corrupt: impl FnOnce(JobId, JobId)) -> &'static str {
	ext().execute_with(|| {
		let (idle, busy) = (open(), proving());
		check();
		corrupt(idle, busy);
		JobMarket::do_try_state().unwrap_err().into()
	})
}

#[test]
fn missing_and_surplus_holds_are_noticed() {
	let payment = HoldReason::JobPayment.into();
	let bond = HoldReason::JobBond.into();
	let deposit = HoldReason::JobDeposit.into();
	let taken = |reason, who| {
		complaint(move |_, _| {
			Balances::release(&reason, &who, 1, Precision::Exact).unwrap();
		})
	};
	let added = |reason, who| complaint(move |_, _| Balances::hold(&reason, &who, 1).unwrap());
	assert!(taken(payment, client()).starts_with("payments"));
	assert!(added(payment, client()).starts_with("payments"));
	assert!(added(payment, account(8)).starts_with("payments"));
	assert!(taken(deposit, client()).starts_with("deposits"));
	assert!(added(deposit, account(8)).starts_with("deposits"));
	assert!(taken(bond, pod()).starts_with("bonds"));
	assert!(added(bond, account(8)).starts_with("bonds"));
}

#[test]
fn agenda_must_match_the_jobs() {
	assert!(complaint(|idle, _| Agenda::<Test>::remove(Tick(22), idle)).contains("not in its slot"));
	let doubled = complaint(|idle, _| Agenda::<Test>::insert(Tick(23), idle, ()));
	assert!(doubled.contains("entry too many"));
	let orphaned = complaint(|_, _| Agenda::<Test>::insert(Tick(23), JobId(7), ()));
	assert!(orphaned.contains("entry too many"));
	assert!(complaint(|_, _| AgendaCursor::<Test>::put(Tick(23))).contains("cursor"));
	assert!(complaint(|_, _| Retries::<Test>::insert(JobId(7), Tick(9))).contains("another try"));
	assert!(complaint(|idle, _| Retries::<Test>::insert(idle, Tick(9))).contains("not in its slot"));
}

#[test]
fn counters_must_match_the_jobs() {
	let pods = complaint(|_, _| {
		pallet_pods::Pods::<Test>::mutate(pod(), |record| {
			record.as_mut().unwrap().live_jobs = 2;
		});
	});
	assert!(pods.contains("live jobs differ"));
	let exposure = complaint(|_, _| {
		pallet_pods::Pods::<Test>::mutate(pod(), |record| {
			record.as_mut().unwrap().exposure = 49;
		});
	});
	assert!(exposure.contains("exposure differs"));
	let clients = complaint(|_, _| ClientJobs::<Test>::insert(client(), 3));
	assert!(clients.contains("client's live jobs"));
	let nobody = complaint(|_, _| ClientJobs::<Test>::insert(account(8), 0));
	assert!(nobody.contains("client's live jobs"));
	let idle_pod = complaint(|_, _| {
		pallet_pods::Pods::<Test>::mutate(rival(), |record| {
			record.as_mut().unwrap().live_jobs = 1;
		});
	});
	assert!(idle_pod.contains("live jobs differ"));
	assert!(complaint(|_, _| pallet_pods::Pods::<Test>::remove(pod())).contains("no pod"));
	let models = complaint(|_, _| {
		pallet_models::Models::<Test>::mutate_extant(twin_model().id(), |record| record.jobs = 1);
	});
	assert!(models.contains("model's jobs differ"));
	let gone = complaint(|_, _| pallet_models::Models::<Test>::remove(sealed_model().id()));
	assert!(gone.contains("not registered"));
}

#[test]
fn records_must_make_sense() {
	assert!(complaint(|_, _| NextJobId::<Test>::put(JobId(1))).contains("never given"));
	let ended = complaint(|idle, _| {
		let receipt = Receipt {
			client: client(),
			model: sealed_model().id(),
			block: 1,
			outcome: Outcome::Cancelled,
		};
		Receipts::<Test>::insert(idle, receipt);
	});
	assert!(ended.contains("receipt"));
	// What is said after the busy job's record was changed so.
	let changed = |change: fn(&mut JobOf<Test>)| {
		complaint(|_, busy| {
			Jobs::<Test>::mutate_extant(busy, change);
		})
	};
	for greedy in [
		changed(|job| job.terms.missed_slash = 51),
		changed(|job| job.terms.lapse_fee = 51),
		changed(|job| job.terms.market_fee = 1_001),
	] {
		assert!(greedy.contains("more than its bond"));
	}
	assert!(changed(|job| job.terms.deposit = 11).contains("does not cover"));
	assert!(changed(|job| job.lapses = 3).contains("last lapse"));
	let failed = changed(|job| {
		let reason = FailureReason::Missed;
		job.failure = Some(Failure { pod: rival(), reason, slashed: 50, compensation: 20 });
	});
	assert!(failed.contains("after a failure"));
	let dear = changed(|job| {
		if let StoredState::Proving(lock) = &mut job.state {
			lock.price = 201;
		}
	});
	assert!(dear.contains("exceeds the payment"));
}

#[test]
fn lists_of_barred_pods_must_make_sense() {
	let barring = |pods: Vec<sp_runtime::AccountId32>| {
		complaint(|_, busy| {
			Jobs::<Test>::mutate_extant(busy, |job| {
				job.request.requirements.pods = vec![account(4)].try_into().unwrap();
				job.barred = pods.try_into().unwrap();
			});
		})
	};
	assert!(barring(vec![rival(), rival()]).contains("barred twice"));
	assert!(barring(vec![account(4)]).contains("named is barred"));
	assert!(barring(vec![pod()]).contains("from which it is barred"));
}
