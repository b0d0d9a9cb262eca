// SPDX-License-Identifier: Apache-2.0

//! Random sequences of calls by honest and dishonest accounts: every call succeeds exactly when the
//! state machine says so, every invariant holds after each, and no balance moves but by the events.

use crate::{mock::*, Event, JobOf, Jobs};
use ark_std::rand::{rngs::StdRng, seq::SliceRandom, Rng, SeedableRng};
use frame_support::weights::Weight;
use proofpod_primitives::{
	job::{FailureReason, JobRequest, Phase, PriceRamp, Windows},
	statement::OutputElements,
	JobId, Scalar,
};
use sp_runtime::AccountId32;
use std::collections::BTreeMap;

const STEPS: u32 = 3_000;
/// Clients are 1 and 5; pods are 2, 3 and 5.
const ACCOUNTS: [u8; 4] = [1, 2, 3, 5];

/// What has happened, and what every account must own.
#[derive(Default)]
struct Ledger {
	moved: BTreeMap<AccountId32, i128>,
	burned: u128,
	settled: u32,
	cancelled: u32,
	expired: u32,
	discarded: u32,
	missed: u32,
	reopened: u32,
	refused: u32,
}

impl Ledger {
	fn add(&mut self, who: AccountId32, amount: i128) {
		*self.moved.entry(who).or_default() += amount;
	}

	/// Enters new events; `clients` knows who opened which job.
	fn enter(&mut self, clients: &BTreeMap<JobId, AccountId32>) {
		for event in events() {
			match event {
				Event::Settled { pod, client, price, .. } => {
					self.settled += 1;
					self.add(client, -(price as i128));
					self.add(pod, price as i128);
				},
				Event::Failed { job, pod, reason, slashed, compensation } => {
					match reason {
						FailureReason::Discarded => self.discarded += 1,
						FailureReason::Missed => self.missed += 1,
					}
					self.burned += slashed - compensation;
					self.add(pod, -(slashed as i128));
					self.add(clients[&job].clone(), compensation as i128);
				},
				Event::Cancelled { .. } => self.cancelled += 1,
				Event::Expired { .. } => self.expired += 1,
				Event::Reopened { .. } => self.reopened += 1,
				Event::Opened { .. } | Event::Locked { .. } | Event::Acknowledged { .. } => {},
				Event::Deferred { .. } => panic!("no end may fail: {event:?}"),
			}
		}
	}

	fn check(&self, issuance: u128) {
		check();
		assert_eq!(Balances::total_issuance(), issuance - self.burned);
		for number in ACCOUNTS {
			let who = account(number);
			let moved = self.moved.get(&who).copied().unwrap_or_default();
			assert_eq!(total(&who) as i128, ENDOWMENT as i128 + moved, "account {number}");
		}
	}
}

struct Player {
	rng: StdRng,
	clients: BTreeMap<JobId, AccountId32>,
	ledger: Ledger,
}

impl Player {
	fn someone(&mut self) -> AccountId32 {
		account(*ACCOUNTS.choose(&mut self.rng).unwrap())
	}

	/// Mostly `expected`, sometimes anybody.
	fn mostly(&mut self, expected: Option<AccountId32>) -> AccountId32 {
		match expected {
			Some(who) if self.rng.gen_bool(0.8) => who,
			_ => self.someone(),
		}
	}

	fn request(&mut self) -> JobRequest<AccountId32> {
		let rng = &mut self.rng;
		let public = rng.gen_bool(0.2);
		let min = rng.gen_range(100..1_000);
		JobRequest {
			model: if public { public_model() } else { sealed_model() }.id(),
			output_key: request().output_key.filter(|_| !public),
			price: PriceRamp {
				min,
				max: min + rng.gen_range(0..2_000),
				ramp: rng.gen_range(0..30),
			},
			windows: Windows {
				lock: rng.gen_range(2..30),
				acknowledge: rng.gen_range(2..10),
				prove: rng.gen_range(2..30),
			},
			..request()
		}
	}

	fn some_job(&mut self) -> Option<(JobId, JobOf<Test>)> {
		let mut jobs: Vec<_> = Jobs::<Test>::iter().collect();
		jobs.sort_by_key(|(id, _)| *id);
		jobs.choose(&mut self.rng).cloned()
	}

	fn open(&mut self) {
		let client = account(if self.rng.gen_bool(0.7) { 1 } else { 5 });
		let (id, request) = (crate::NextJobId::<Test>::get(), self.request());
		JobMarket::open(RuntimeOrigin::signed(client.clone()), request).unwrap();
		self.clients.insert(id, client);
	}

	fn pass_blocks(&mut self) {
		let blocks = self.rng.gen_range(1..6);
		let limit = match self.rng.gen_range(0..3) {
			0 => Weight::zero(),
			1 => Weight::from_parts(1_000_000_000, u64::MAX),
			_ => Weight::MAX,
		};
		let used = sweep(System::block_number() + blocks, limit);
		assert!(used.all_lte(limit));
	}

	/// Does something to a live job; whether it may succeed is asked of the state machine alone.
	fn act(&mut self, id: JobId, job: &JobOf<Test>) {
		let phase = job.phase(System::block_number());
		let holder = match &phase {
			Phase::Locked(lock) | Phase::Proving(lock) => Some(lock.pod.clone()),
			_ => None,
		};
		let signed = RuntimeOrigin::signed;
		let (allowed, done) = match self.rng.gen_range(0..16) {
			0..=3 => {
				let who = account(*[2, 3, 5].choose(&mut self.rng).unwrap());
				(matches!(phase, Phase::Open { .. }), JobMarket::lock(signed(who), id, 0).is_ok())
			},
			4..=6 => {
				let who = self.mostly(holder);
				(
					matches!(&phase, Phase::Locked(lock) if lock.pod == who),
					JobMarket::acknowledge(signed(who), id).is_ok(),
				)
			},
			7..=9 => {
				let who = self.mostly(holder);
				let elements = if job.request.output_key.is_some() { 2 } else { 1 };
				let output: OutputElements = vec![Scalar([7; 32]); elements].try_into().unwrap();
				let valid = self.rng.gen_bool(0.8);
				let prover = if valid { who.clone() } else { account(77) };
				let proof = proof(id, &prover, &output);
				(
					valid && matches!(&phase, Phase::Proving(lock) if lock.pod == who),
					JobMarket::submit_result(signed(who), id, proof, output).is_ok(),
				)
			},
			10 => {
				let who = self.mostly(Some(job.client.clone()));
				(
					matches!(phase, Phase::Open { .. }) && who == job.client,
					JobMarket::cancel(signed(who), id).is_ok(),
				)
			},
			11..=13 => {
				let who = self.mostly(holder);
				(
					matches!(&phase, Phase::Proving(lock) if lock.pod == who),
					JobMarket::discard(signed(who), id).is_ok(),
				)
			},
			14 => {
				let who = self.mostly(holder);
				(
					matches!(&phase, Phase::Locked(lock) if lock.pod == who),
					JobMarket::release(signed(who), id).is_ok(),
				)
			},
			_ => {
				let who = self.someone();
				(
					phase.is_overdue() || matches!(phase, Phase::Open { lapsed: Some(_) }),
					JobMarket::poke(signed(who), id).is_ok(),
				)
			},
		};
		assert_eq!(done, allowed, "{job:?} in {:?}", System::block_number());
		self.ledger.refused += u32::from(!done);
	}
}

fn play(seed: u64) {
	ext().execute_with(|| {
		Pods::register(RuntimeOrigin::signed(account(5)), profile(*b"FR")).unwrap();
		let issuance = Balances::total_issuance();
		let mut player = Player {
			rng: StdRng::seed_from_u64(seed),
			clients: BTreeMap::new(),
			ledger: Ledger::default(),
		};
		for _ in 0..STEPS {
			match player.rng.gen_range(0..10) {
				0 => player.open(),
				1 => player.pass_blocks(),
				_ => match player.some_job() {
					Some((id, job)) => player.act(id, &job),
					None => player.open(),
				},
			}
			player.ledger.enter(&player.clients);
			player.ledger.check(issuance);
		}

		// Whatever was left, time ends it, and nothing stays held.
		sweep(System::block_number() + 100, Weight::MAX);
		player.ledger.enter(&player.clients);
		player.ledger.check(issuance);
		assert_eq!(Jobs::<Test>::iter().count(), 0);
		for number in ACCOUNTS {
			let deposit = if number == 1 { 0 } else { POD_BOND };
			let who = account(number);
			assert_eq!(Balances::free_balance(&who) + deposit, total(&who));
		}

		// The game would prove nothing if it never got anywhere.
		let ledger = &player.ledger;
		for (what, count) in [
			("settled", ledger.settled),
			("cancelled", ledger.cancelled),
			("expired", ledger.expired),
			("discarded", ledger.discarded),
			("missed", ledger.missed),
			("reopened", ledger.reopened),
			("refused", ledger.refused),
		] {
			assert!(count >= 5, "only {count} {what}");
		}
	});
}

#[test]
fn no_sequence_of_calls_creates_or_strands_a_balance_first_game() {
	play(1);
}

#[test]
fn no_sequence_of_calls_creates_or_strands_a_balance_second_game() {
	play(2);
}

#[test]
fn no_sequence_of_calls_creates_or_strands_a_balance_third_game() {
	play(3);
}
