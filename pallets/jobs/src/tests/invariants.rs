// SPDX-License-Identifier: Apache-2.0

//! `try_state` notices each kind of corruption.

use crate::{mock::*, Agenda, AgendaCursor, HoldReason, Jobs, NextJobId, Receipts, Retries};
use frame_support::traits::{fungible::MutateHold, tokens::Precision};
use proofpod_primitives::{
	job::{Outcome, Receipt},
	JobId,
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
	let taken = |reason, who| {
		complaint(move |_, _| {
			Balances::release(&reason, &who, 1, Precision::Exact).unwrap();
		})
	};
	let added = |reason, who| complaint(move |_, _| Balances::hold(&reason, &who, 1).unwrap());
	assert!(taken(payment, client()).starts_with("payments"));
	assert!(added(payment, client()).starts_with("payments"));
	assert!(added(payment, account(8)).starts_with("payments"));
	assert!(taken(bond, pod()).starts_with("bonds"));
	assert!(added(bond, account(8)).starts_with("bonds"));
}

#[test]
fn agenda_must_match_the_jobs() {
	assert!(complaint(|idle, _| Agenda::<Test>::remove(22, idle)).contains("not in its slot"));
	let doubled = complaint(|idle, _| Agenda::<Test>::insert(23, idle, ()));
	assert!(doubled.contains("entry too many"));
	let orphaned = complaint(|_, _| Agenda::<Test>::insert(23, JobId(7), ()));
	assert!(orphaned.contains("entry too many"));
	assert!(complaint(|_, _| AgendaCursor::<Test>::put(23)).contains("cursor"));
	assert!(complaint(|_, _| Retries::<Test>::insert(JobId(7), 9)).contains("another try"));
	assert!(complaint(|idle, _| Retries::<Test>::insert(idle, 9)).contains("not in its slot"));
}

#[test]
fn counters_must_match_the_jobs() {
	let pods = complaint(|_, _| {
		pallet_pods::Pods::<Test>::mutate_extant(pod(), |record| record.live_jobs = 2);
	});
	assert!(pods.contains("live jobs differ"));
	let idle_pod = complaint(|_, _| {
		pallet_pods::Pods::<Test>::mutate_extant(rival(), |record| record.live_jobs = 1);
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
	let greedy = complaint(|_, busy| {
		Jobs::<Test>::mutate_extant(busy, |job| job.terms.missed_slash = 51);
	});
	assert!(greedy.contains("more than its bond"));
	let dear = complaint(|_, busy| {
		Jobs::<Test>::mutate_extant(busy, |job| {
			use proofpod_primitives::job::StoredState;
			if let StoredState::Proving(lock) = &mut job.state {
				lock.price = 201;
			}
		});
	});
	assert!(dear.contains("exceeds the payment"));
}
