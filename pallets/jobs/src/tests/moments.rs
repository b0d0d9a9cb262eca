// SPDX-License-Identifier: Apache-2.0

//! Whether anybody carries out what is due, and when, changes nothing: the same calls succeed,
//! every job ends with the same receipt, and everybody owns the same.

use crate::{mock::*, Jobs, Receipts};
use ark_std::rand::{rngs::StdRng, seq::SliceRandom, Rng, SeedableRng};
use frame_support::{
	storage::{with_transaction, TransactionOutcome},
	weights::Weight,
};
use proofpod_primitives::{
	job::{JobRequest, Outcome, Stage, Windows},
	pod::TrackRecord,
	Balance, JobId,
};
use sp_runtime::{AccountId32, DispatchError};
use std::collections::BTreeMap;

const SCRIPTS: u64 = 120;
/// Ticks in which somebody acts; every job is over long before twice as many.
const TICKS: u32 = 150;
const CLIENTS: [u8; 2] = [1, 5];
const PODS: [u8; 4] = [2, 3, 4, 5];

#[derive(Clone, Copy, Debug)]
enum Act {
	Lock,
	Acknowledge,
	Release,
	Discard,
	Cancel,
	Settle,
}

/// Jobs, and who tries what of which of them in which tick.
#[derive(Debug)]
struct Script {
	requests: Vec<(u8, JobRequest<AccountId32>)>,
	acts: Vec<(u32, usize, u8, Act)>,
}

impl Script {
	fn new(rng: &mut StdRng) -> Self {
		let requests = (0..3)
			.map(|_| {
				let (lock, acknowledge, prove) =
					(rng.gen_range(10..30), rng.gen_range(2..8), rng.gen_range(3..25));
				let failover = *[0, lock + acknowledge + prove + 2, 110].choose(rng).unwrap();
				let windows = Windows { lock, acknowledge, prove, failover };
				(*CLIENTS.choose(rng).unwrap(), JobRequest { windows, ..request() })
			})
			.collect();
		let mut acts = Vec::new();
		for tick in 1..TICKS {
			// A pod that is there tends to go on with what it has begun.
			let (job, pod) = (rng.gen_range(0..3), *PODS.choose(rng).unwrap());
			let kinds: &[Act] = match rng.gen_range(0..12) {
				0..=3 => &[Act::Lock],
				4 => &[Act::Lock, Act::Acknowledge],
				5 => &[Act::Lock, Act::Acknowledge, Act::Settle],
				6 => &[Act::Acknowledge],
				7 => &[Act::Release],
				8 => &[Act::Acknowledge, Act::Discard],
				9 if tick > TICKS / 4 => &[Act::Cancel],
				_ => &[],
			};
			acts.extend(kinds.iter().map(|kind| (tick, job, pod, *kind)));
		}
		Self { requests, acts }
	}
}

/// Who carries out what is due.
#[derive(Clone, Copy, Debug)]
enum Diligence {
	/// Nobody, until the end.
	Nobody,
	/// Everybody, in every tick.
	Everybody,
	/// A poke now and then.
	Somebody,
	/// The sweep, now with plenty of weight and now with little.
	Sweep,
}

/// What is left in the end.
#[derive(Debug, PartialEq)]
struct End {
	succeeded: Vec<bool>,
	outcomes: Vec<Outcome<AccountId32>>,
	owned: BTreeMap<AccountId32, Balance>,
	issuance: Balance,
	records: Vec<[u32; 4]>,
}

fn play(script: &Script, diligence: Diligence, seed: u64) -> End {
	let mut rng = StdRng::seed_from_u64(seed);
	let jobs: Vec<JobId> = script
		.requests
		.iter()
		.map(|(client, request)| {
			let id = crate::NextJobId::<Test>::get();
			let origin = RuntimeOrigin::signed(account(*client));
			JobMarket::open(origin, request.clone()).unwrap();
			id
		})
		.collect();
	let mut acts = script.acts.iter().peekable();
	let mut succeeded = Vec::new();
	for tick in 1..2 * TICKS {
		go_to(tick);
		while let Some((_, job, pod, act)) = acts.next_if(|(due, ..)| *due == tick) {
			let (id, pod) = (jobs[*job], account(*pod));
			let done = match act {
				Act::Lock => lock(pod, id).is_ok(),
				Act::Acknowledge => acknowledge(pod, id).is_ok(),
				Act::Release => release(pod, id).is_ok(),
				Act::Discard => discard(pod, id).is_ok(),
				Act::Cancel => cancel(account(script.requests[*job].0), id).is_ok(),
				Act::Settle => Jobs::<Test>::contains_key(id) && settle(pod, id).is_ok(),
			};
			succeeded.push(done);
		}
		match diligence {
			Diligence::Nobody => {},
			Diligence::Everybody => jobs.iter().for_each(|job| {
				let _ = poke(*job);
			}),
			Diligence::Somebody => {
				if rng.gen_bool(0.1) {
					let _ = poke(*jobs.choose(&mut rng).unwrap());
				}
			},
			Diligence::Sweep => {
				let limit = [Weight::zero(), Weight::from_parts(3_000_000_000, 0), Weight::MAX];
				sweep(tick, *limit.choose(&mut rng).unwrap());
			},
		}
		if tick % 10 == 0 {
			check();
		}
	}
	for job in &jobs {
		while Jobs::<Test>::contains_key(job) {
			poke(*job).unwrap();
		}
	}
	check();
	let everybody = || (1..=9).map(account);
	End {
		succeeded,
		outcomes: jobs.iter().map(|job| Receipts::<Test>::get(job).unwrap().outcome).collect(),
		owned: everybody().map(|who| (who.clone(), total(&who))).collect(),
		issuance: Balances::total_issuance(),
		records: PODS
			.iter()
			.map(|pod| {
				let TrackRecord { settled, unacknowledged, discarded, missed, .. } =
					pod_record(&account(*pod)).record;
				[settled, unacknowledged, discarded, missed]
			})
			.collect(),
	}
}

#[test]
fn it_does_not_matter_when_what_is_due_is_carried_out() {
	ext().execute_with(|| {
		// What a pod may take elsewhere does depend on when its locks are taken back.
		MaxExposure::set(1_000);
		SuspensionThreshold::set(u8::MAX);
		register(account(4), profile(*b"FR"));
		register(account(5), profile(*b"FR"));
		let mut rng = StdRng::seed_from_u64(4);
		let mut seen = BTreeMap::<&str, u32>::new();
		for seed in 0..SCRIPTS {
			let script = Script::new(&mut rng);
			let end = |diligence| {
				with_transaction(|| -> TransactionOutcome<Result<_, DispatchError>> {
					TransactionOutcome::Rollback(Ok(play(&script, diligence, seed)))
				})
				.unwrap()
			};
			let lazy = end(Diligence::Nobody);
			for diligence in [Diligence::Everybody, Diligence::Somebody, Diligence::Sweep] {
				assert_eq!(lazy, end(diligence), "{seed}: {diligence:?} in {script:?}");
			}
			for (outcome, (_, request)) in lazy.outcomes.iter().zip(&script.requests) {
				let failed_over = outcome.stage() == Stage::Failed && request.windows.failover > 0;
				let name = if failed_over { "failed after failover" } else { outcome.name() };
				*seen.entry(name).or_default() += 1;
			}
			for (name, index) in [("lapses", 1), ("discards", 2), ("misses", 3)] {
				let sum: u32 = lazy.records.iter().map(|record| record[index]).sum();
				*seen.entry(name).or_default() += sum;
			}
		}
		// The game would prove nothing if it never got anywhere.
		for what in [
			"settled",
			"cancelled",
			"expired",
			"failed",
			"failed after failover",
			"lapses",
			"discards",
			"misses",
		] {
			let count = seen.get(what).copied().unwrap_or_default();
			assert!(count >= 10, "only {count} {what} of {seen:?}");
		}
	});
}
