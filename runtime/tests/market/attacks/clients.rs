// SPDX-License-Identifier: Apache-2.0

//! What malicious clients try.

use super::{attack, opened, pod_amount, LAPSE, PRICE};
use crate::{
	chain::{pass_ticks, skip_ticks, Signer},
	scenario::{
		acknowledge, cancel, discard, key, lock, open, poke, release, request,
		request_with_failover, sealed_model, valid_result,
	},
};
use frame_support::traits::fungible::InspectHold;
use pallet_jobs::{Error as JobsError, HoldReason};
use pallet_models::Error as ModelsError;
use pallet_proofs::Error as ProofsError;
use proofpod_primitives::{
	job::{JobRequest, Outcome, PriceRamp, Windows},
	InputCommitment,
};
use proofpod_runtime::{
	configs::market::{JobDeposit, MaxJobsPerClient, MaxLapses},
	units::POD,
	Balance, Balances, Jobs, Runtime,
};
use sp_runtime::{DispatchError, TokenError};

#[test]
fn never_delivering_costs_the_client_what_it_costs_the_pod_each_time() {
	attack(|parties| {
		let (client, pods) = (parties.client.clone(), parties.rogues.clone());
		let windows = Windows { lock: 1_000, ..request().windows };
		let job = opened(parties, JobRequest { windows, ..request() });
		for pod in &pods[..4] {
			parties.does(pod, lock(job));
			pass_ticks(11);
			parties.have_lost(&[(pod, pod_amount(LAPSE))]);
		}
		assert_eq!(Jobs::receipt(job).unwrap().outcome, Outcome::Expired);
		parties.have_lost(&[(&client, pod_amount(4 * LAPSE))]);
	});
}

#[test]
fn the_deposit_stays_until_the_job_ends_and_loses_a_fee_for_every_lapse_alone() {
	attack(|parties| {
		let (client, pod) = (parties.client.clone(), parties.pod.clone());
		let [lapses, releases, discards, misses] =
			std::array::from_fn(|number| parties.rogues[number].clone());
		let held = || Balances::balance_on_hold(&HoldReason::JobDeposit.into(), &client.account);
		let whole = JobDeposit::get() + Balance::from(MaxLapses::get()) * LAPSE;
		let job = open(&client, request_with_failover());
		assert_eq!(held(), whole, "for the storage, and for all lapses that there can be");
		parties.does(&lapses, lock(job));
		assert_eq!(held(), whole);
		pass_ticks(11);
		assert_eq!(held(), whole - LAPSE);
		parties.does(&releases, lock(job));
		parties.does(&releases, release(job));
		assert_eq!(held(), whole - LAPSE);
		for failing in [&discards, &misses] {
			parties.does(failing, lock(job));
			parties.does(failing, acknowledge(job));
			assert_eq!(held(), whole - LAPSE);
			if failing.account == discards.account {
				parties.does(failing, discard(job));
			} else {
				pass_ticks(51);
			}
			assert_eq!(held(), whole - LAPSE);
		}
		parties.does(&pod, lock(job));
		parties.does(&pod, acknowledge(job));
		parties.does(&pod, valid_result(job, &pod.account));
		assert_eq!((held(), client.held()), (0, 0));

		for (price, ends) in [(PRICE, true), (2 * PRICE, false)] {
			let price = PriceRamp { min: price, max: price, ramp: 0 };
			let job = open(&client, JobRequest { price, ..request() });
			assert!(held() >= whole);
			if ends {
				parties.does(&client, cancel(job));
			} else {
				pass_ticks(31);
			}
			assert_eq!((held(), client.held()), (0, 0), "cancelled or expired");
		}
	});
}

#[test]
fn a_pod_to_which_nobody_delivers_may_wait_or_go_at_the_same_price() {
	attack(|parties| {
		let client = parties.client.clone();
		let (waits, goes) = (parties.pod.clone(), parties.rogues[0].clone());
		for pod in [&waits, &goes] {
			let job = open(&client, request());
			parties.does(pod, lock(job));
			if pod.account == goes.account {
				parties.does(pod, release(job));
			}
			pass_ticks(11);
			parties.have_lost(&[(pod, pod_amount(LAPSE))]);
		}
	});
}

#[test]
fn spam_ends_at_a_limit_and_everything_is_held_meanwhile() {
	attack(|parties| {
		let client = parties.client.clone();
		let deposit = JobDeposit::get() + 4 * LAPSE;
		let call = || pallet_jobs::Call::open { request: request() };
		for _ in 0..MaxJobsPerClient::get() {
			parties.does(&client, call());
		}
		parties.is_refused(&client, call(), JobsError::<Runtime>::TooManyJobs);
		let jobs = Balance::from(MaxJobsPerClient::get());
		assert_eq!(client.held(), jobs * (PRICE + deposit));
		let fees = parties.costs.fees(&client);
		println!(
			"{jobs} jobs hold {} POD and cost {} mPOD",
			client.held() / POD,
			fees * 1_000 / POD
		);
		assert!(fees > jobs * POD / 2_000);
		// What is overdue is in nobody's way: two blocks have room to tidy all of it.
		skip_ticks(31);
		pass_ticks(2);
		assert_eq!(Jobs::live_of(client.account.clone()), 0);
		assert_eq!(client.held(), 0);
		parties.have_lost(&[(&client, 0)]);
	});
}

#[test]
fn a_job_cannot_be_cancelled_while_a_pod_has_it() {
	attack(|parties| {
		let (client, pod) = (parties.client.clone(), parties.pod.clone());
		let job = open(&client, request());
		parties.does(&pod, lock(job));
		parties.is_refused(&client, cancel(job), JobsError::<Runtime>::NotOpen);
		parties.does(&pod, acknowledge(job));
		parties.is_refused(&client, cancel(job), JobsError::<Runtime>::NotOpen);
		parties.does(&pod, valid_result(job, &pod.account));
		parties.is_refused(&client, cancel(job), JobsError::<Runtime>::JobNotFound);
		parties.have_lost(&[(&pod, -pod_amount(PRICE - PRICE / 100))]);
	});
}

#[test]
fn the_model_and_the_key_of_a_job_cannot_be_removed() {
	attack(|parties| {
		let (client, pod) = (parties.client.clone(), parties.pod.clone());
		let publisher = Signer::new(15);
		let model = sealed_model().id();
		let remove = || pallet_models::Call::remove { model };
		let remove_key = || pallet_proofs::Call::remove_key { id: key().id() };
		let job = open(&client, request());
		parties.does(&pod, lock(job));
		parties.does(&pod, acknowledge(job));
		for _ in 0..2 {
			parties.is_refused(&publisher, remove(), ModelsError::<Runtime>::ModelInUse);
			parties.is_refused(&publisher, remove_key(), ProofsError::<Runtime>::KeyInUse);
			// To deprecate it bars new jobs only.
			let _ = parties.send(&publisher, pallet_models::Call::deprecate { model });
		}
		let call = pallet_jobs::Call::open { request: request() };
		parties.is_refused(&client, call, ModelsError::<Runtime>::ModelDeprecated);
		parties.does(&pod, valid_result(job, &pod.account));
		parties.have_lost(&[(&pod, -pod_amount(PRICE - PRICE / 100))]);
		parties.does(&publisher, remove());
	});
}

#[test]
fn a_job_is_not_opened_with_money_that_is_not_there() {
	attack(|parties| {
		let client = parties.client.clone();
		let price = client.total();
		let price = PriceRamp { min: price, max: price, ramp: 0 };
		let call = pallet_jobs::Call::open { request: JobRequest { price, ..request() } };
		let unavailable = DispatchError::Token(TokenError::FundsUnavailable);
		parties.is_refused(&client, call, unavailable);
		assert_eq!((client.held(), Jobs::live_of(client.account.clone())), (0, 0));
	});
}

#[test]
fn a_payment_cannot_be_moved_away_from_the_pod_that_earns_it() {
	attack(|parties| {
		let (client, pod) = (parties.client.clone(), parties.pod.clone());
		let job = open(&client, request());
		parties.does(&pod, lock(job));
		parties.does(&pod, acknowledge(job));
		let dest = parties.stranger.account.clone().into();
		let call = pallet_balances::Call::transfer_all { dest, keep_alive: false };
		parties.does(&client, call);
		parties.does(&pod, valid_result(job, &pod.account));
		parties.have_lost(&[(&pod, -pod_amount(PRICE - PRICE / 100))]);
	});
}

#[test]
fn an_unprovable_commitment_is_refused() {
	attack(|parties| {
		let client = parties.client.clone();
		let request = JobRequest { input: InputCommitment([0xff; 32]), ..request() };
		let call = pallet_jobs::Call::open { request };
		parties.is_refused(&client, call, JobsError::<Runtime>::MalformedCommitment);
	});
}

#[test]
fn a_client_that_delays_poking_delays_nothing() {
	attack(|parties| {
		let (client, pod) = (parties.client.clone(), parties.pod.clone());
		let (rogue, stranger) = (parties.rogues[0].clone(), parties.stranger.clone());
		let job = open(&client, request());
		parties.does(&rogue, lock(job));
		skip_ticks(11);
		// Nobody has tidied; the job is open all the same, and its next pod carries out what is
		// due.
		parties.does(&pod, lock(job));
		parties.have_lost(&[(&rogue, pod_amount(LAPSE))]);
		skip_ticks(11);
		parties.does(&stranger, poke(job));
		parties.have_lost(&[(&pod, pod_amount(LAPSE)), (&stranger, 0)]);
		assert_eq!(parties.costs.fees(&stranger), 0);
		let nothing = JobsError::<Runtime>::NothingToDo;
		parties.is_refused(&stranger, poke(job), nothing);
	});
}
