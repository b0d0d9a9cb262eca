// SPDX-License-Identifier: Apache-2.0

//! Random games on the composed chain: honest clients and pods against a coalition of everybody
//! else, by signed transactions with their fees, in blocks with their limits. After every call
//! every invariant of every pallet holds, and so does the [ledger](ledger).
//!
//! `PROOFPOD_STEPS` is the number of calls, `PROOFPOD_SEED` chooses the game; a failure names both.
//! `make test-long` plays 100,000.

mod drain;
mod game;
mod ledger;
mod moves;

use crate::{
	chain::{take_events, Signer},
	scenario::{key, INPUTS},
};
use frame_support::{
	storage::{with_transaction, TransactionOutcome},
	traits::{
		fungible::{Mutate, MutateHold},
		tokens::{Fortitude, Precision, Preservation},
		GetCallName,
	},
};
use game::Game;
use pallet_jobs::{HoldReason, JobOf};
use pallet_proofs::{forge::ForgedKey, KeyRecord};
use proofpod_primitives::JobId;
use proofpod_runtime::{
	units::POD, AccountId, Balances, Proofs, Runtime, RuntimeHoldReason, RuntimeOrigin,
};
use sp_runtime::DispatchError;
use std::{env, time::Instant};

/// Calls in a game when nothing else is asked for.
const STEPS: u32 = 5_000;

fn number<N: std::str::FromStr>(variable: &str, default: N) -> N {
	match env::var(variable) {
		Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable}={text} is no number")),
		Err(_) => default,
	}
}

/// What every game of [`STEPS`] or more must have seen, beside every call of the market's pallets.
const HAPPENED: [&str; 24] = [
	"settled",
	"reopened: Lapsed",
	"reopened: Released",
	"reopened: Discarded",
	"reopened: Missed",
	"ended: Cancelled, Withdrawn",
	"ended: Expired, NotTaken",
	"ended: Expired, Lapsed",
	"ended: Expired, Released",
	"ended: Failed, Discarded",
	"ended: Failed, Missed",
	"ended: Failed, NotTaken",
	"held: Full",
	"held: Halted",
	"suspended: Failures",
	"suspended: Administrators",
	"no room",
	"a duty waited for room",
	"a duty in its last tick",
	"honest clients paid the coalition",
	"the coalition paid honest pods",
	"a client did not deliver",
	"ticks without a sweep",
	"blocks",
];

/// What must have been refused, by the names of the errors.
const REFUSED: [&str; 18] = [
	"Barred",
	"CallFiltered",
	"InvalidProof",
	"JobNotFound",
	"KeyInUse",
	"ModelInUse",
	"NotClient",
	"NotLocked",
	"NotOpen",
	"NotPod",
	"NotProving",
	"NothingToDo",
	"Overcommitted",
	"PodIsSuspended",
	"PriceBelowMinimum",
	"RequirementsNotMet",
	"BadOrigin",
	"FundsUnavailable",
];

#[test]
fn no_coalition_gains_and_nobody_honest_loses() {
	let (seed, steps) = (number("PROOFPOD_SEED", 1), number("PROOFPOD_STEPS", STEPS));
	println!("PROOFPOD_SEED={seed} PROOFPOD_STEPS={steps}");
	let started = Instant::now();
	let mut game = Game::new(seed);
	game.play(steps);
	let played = started.elapsed();
	game.drain();

	let seen = game.seen();
	println!("{seen:#?}");
	println!("{steps} calls in {played:.1?}, drained after {:.1?}", started.elapsed());
	if steps < STEPS {
		return;
	}
	// The game would prove nothing if it never got anywhere.
	let has_seen = |what: &str| seen.get(what).copied().unwrap_or_default() > 0;
	for (pallet, calls) in [
		("Proofs", pallet_proofs::Call::<Runtime>::get_call_names()),
		("Models", pallet_models::Call::<Runtime>::get_call_names()),
		("Pods", pallet_pods::Call::<Runtime>::get_call_names()),
		("Jobs", pallet_jobs::Call::<Runtime>::get_call_names()),
		("Utility", &["batch", "batch_all", "force_batch"]),
	] {
		let never = |call: &&&str| !has_seen(&format!("{pallet}.{call}"));
		let never: Vec<_> = calls.iter().filter(never).collect();
		assert!(never.is_empty(), "never succeeded: {pallet}.{never:?}");
	}
	let refused = REFUSED.map(|error| format!("refused: {error}"));
	let never = HAPPENED.into_iter().chain(refused.iter().map(String::as_str));
	let never: Vec<_> = never.filter(|what| !has_seen(what)).collect();
	assert!(never.is_empty(), "never: {never:?}");
}

/// Something that must not happen.
type Sabotage = fn();

/// A live job with a pod.
fn locked_job() -> (JobId, JobOf<Runtime>) {
	let mut jobs: Vec<_> = pallet_jobs::Jobs::<Runtime>::iter()
		.filter(|(_, job)| job.state.lock().is_some())
		.collect();
	jobs.sort_by_key(|(id, _)| *id);
	jobs.swap_remove(0)
}

fn hold_reason(reason: HoldReason) -> RuntimeHoldReason {
	RuntimeHoldReason::Jobs(reason)
}

#[test]
fn what_is_broken_on_purpose_is_noticed() {
	let sabotages: [(&str, Sabotage); 14] = [
		("a payment burns", || {
			let (_, job) = locked_job();
			let payment = hold_reason(HoldReason::JobPayment);
			let (exact, force) = (Precision::Exact, Fortitude::Force);
			Balances::burn_held(&payment, &job.client, 1, exact, force).unwrap();
		}),
		("a bond is given back early", || {
			let (_, job) = locked_job();
			let (bond, pod) = (hold_reason(HoldReason::JobBond), &job.state.lock().unwrap().pod);
			Balances::release(&bond, pod, 1, Precision::Exact).unwrap();
		}),
		("a deposit is not what the record says", || {
			let (id, mut job) = locked_job();
			job.terms.deposit += 1;
			pallet_jobs::Jobs::<Runtime>::insert(id, job);
		}),
		("a job is lost", || pallet_jobs::Jobs::<Runtime>::remove(locked_job().0)),
		("a job is not on the agenda", || {
			let (id, job) = locked_job();
			pallet_jobs::Agenda::<Runtime>::remove(job.due_from(), id);
		}),
		("a client's jobs are miscounted", || {
			pallet_jobs::ClientJobs::<Runtime>::mutate(locked_job().1.client, |jobs| *jobs += 1);
		}),
		("a model's jobs are miscounted", || {
			pallet_models::Models::<Runtime>::mutate(locked_job().1.request.model, |model| {
				model.as_mut().unwrap().jobs += 1;
			});
		}),
		("a pod's exposure is miscounted", || {
			let pod = locked_job().1.state.lock().unwrap().pod.clone();
			pallet_pods::Pods::<Runtime>::mutate(pod, |record| {
				record.as_mut().unwrap().exposure += 1;
			});
		}),
		("an operator has no pod", || {
			let stranger = AccountId::new([0; 32]);
			pallet_pods::Operators::<Runtime>::insert(&stranger, &stranger);
		}),
		("a key's deposit is miscounted", || {
			pallet_proofs::Keys::<Runtime>::translate_values(|mut key: KeyRecord| {
				key.deposit += 1;
				Some(key)
			});
		}),
		("a prepared key is another", || {
			let other = ForgedKey::new(INPUTS, 99);
			let origin = RuntimeOrigin::signed(Signer::alice().account);
			Proofs::register_key(origin, other.verifying_key()).unwrap();
			let foreign = pallet_proofs::Keys::<Runtime>::get(other.id()).unwrap().prepared;
			pallet_proofs::Keys::<Runtime>::mutate(key().id(), |key| {
				key.as_mut().unwrap().prepared = foreign;
			});
		}),
		("money is made", || {
			Balances::mint_into(&locked_job().1.client, 1).unwrap();
		}),
		("money is lost", || {
			let client = locked_job().1.client;
			let (keep, exact, force) = (Preservation::Preserve, Precision::Exact, Fortitude::Force);
			Balances::burn_from(&client, 1, keep, exact, force).unwrap();
		}),
		("somebody is robbed", || {
			let (_, job) = locked_job();
			let thief = Signer::alice().account;
			Balances::transfer(&job.client, &thief, POD, Preservation::Preserve).unwrap();
		}),
	];
	let mut game = Game::new(7);
	game.play(300);
	game.execute(|game| {
		assert_eq!(game.verify(), Ok(()));
		for (what, sabotage) in sabotages {
			let noticed = with_transaction(|| -> TransactionOutcome<Result<_, DispatchError>> {
				sabotage();
				TransactionOutcome::Rollback(Ok(game.verify()))
			});
			let noticed = noticed.unwrap().expect_err(what);
			println!("{what}: {noticed}");
		}
		take_events();
		assert_eq!(game.verify(), Ok(()));

		// The bound on what the coalition owns is exact.
		game.ledger.flows.burned += 1;
		assert!(game.verify().unwrap_err().contains("the coalition owns"));
	});
}

#[test]
fn games_are_reproducible() {
	let outcome = |seed| {
		let mut game = Game::new(seed);
		game.play(150);
		(game.seen(), game.balances())
	};
	let first = outcome(3);
	assert_eq!(outcome(3), first);
	assert_ne!(outcome(4), first);
}
