// SPDX-License-Identifier: Apache-2.0

//! Random sequences of calls by honest and dishonest accounts: every call succeeds exactly when the
//! rules say so, every invariant holds after each, and no balance moves but by the events.

use crate::{mock::*, ClientJobs, Event, JobOf, Jobs};
use ark_std::rand::{rngs::StdRng, seq::SliceRandom, Rng, SeedableRng};
use frame_support::{
	storage::{with_storage_layer, with_transaction, TransactionOutcome},
	weights::Weight,
};
use proofpod_primitives::{
	job::{JobRequest, Phase, PriceRamp, Reason, Requirements, Stage, StoredState, Windows},
	statement::OutputElements,
	Balance, JobId, Scalar,
};
use sp_runtime::{AccountId32, DispatchError};
use std::collections::BTreeMap;

const STEPS: u32 = 5_000;
/// Every 100 steps the invariants of keys are checked, too: it takes long.
const STEPS_BETWEEN_KEYS: u32 = 100;
const CLIENTS: [u8; 3] = [1, 5, 6];
const PODS: [u8; 4] = [2, 3, 4, 5];
/// Everybody with a part in the game; 7 operates pod 2.
const ACCOUNTS: [u8; 7] = [1, 2, 3, 4, 5, 6, 7];

/// What has happened, and what every account must own.
#[derive(Default)]
struct Ledger {
	moved: BTreeMap<AccountId32, i128>,
	burned: Balance,
	/// Of every live job: its client, what is held from that, and where the job is.
	live: BTreeMap<JobId, (AccountId32, Balance, Stage)>,
	seen: BTreeMap<&'static str, u32>,
}

impl Ledger {
	fn add(&mut self, who: AccountId32, amount: i128) {
		*self.moved.entry(who).or_default() += amount;
	}

	fn count(&mut self, what: &'static str) {
		*self.seen.entry(what).or_default() += 1;
	}

	/// A job goes from one stage to another.
	fn go(&mut self, job: JobId, from: Stage, to: Stage) {
		let (_, _, stage) = self.live.get_mut(&job).unwrap();
		assert_eq!(*stage, from, "{job:?} is not where the event says");
		*stage = to;
	}

	/// A claim came to nothing.
	fn lose(
		&mut self,
		job: JobId,
		pod: Option<AccountId32>,
		[from_pod, from_client, compensation, burned]: [Balance; 4],
	) {
		assert_eq!(from_pod + from_client, compensation + burned);
		self.burned += burned;
		let (client, held, _) = self.live.get_mut(&job).unwrap();
		*held -= from_client;
		let client = client.clone();
		self.add(client, compensation as i128 - from_client as i128);
		match pod {
			Some(pod) => self.add(pod, -(from_pod as i128)),
			None => assert_eq!(from_pod, 0),
		}
	}

	/// A job ends, and so much is released to its client.
	fn close(&mut self, job: JobId, refunded: Balance) {
		let (_, held, _) = self.live.remove(&job).unwrap();
		assert_eq!(held, refunded, "what is refunded is not what was held");
	}

	/// Enters new events.
	fn enter(&mut self) {
		for event in events() {
			match event {
				Event::Opened { job, client, to, max_price, deposit, .. } => {
					assert!(self.live.insert(job, (client, max_price + deposit, to)).is_none());
				},
				Event::Locked { job, from, to, .. } | Event::Acknowledged { job, from, to, .. } => {
					self.go(job, from, to);
				},
				Event::Settled { job, pod, client, from, to, price, fee, refunded, .. } => {
					self.count("settled");
					self.go(job, from, to);
					self.add(client, -(price as i128));
					self.add(pod, (price - fee) as i128);
					self.burned += fee;
					self.live.get_mut(&job).unwrap().1 -= price;
					self.close(job, refunded);
				},
				Event::Reopened {
					job,
					pod,
					from,
					to,
					reason,
					from_pod,
					from_client,
					compensation,
					burned,
				} => {
					self.count(match reason {
						Reason::Lapsed => "lapsed",
						Reason::Released => "released",
						Reason::Discarded => "discarded and reopened",
						Reason::Missed => "missed and reopened",
						Reason::Withdrawn | Reason::NotTaken => panic!("{reason:?}"),
					});
					assert_eq!(to, Stage::Open);
					self.go(job, from, to);
					self.lose(job, Some(pod), [from_pod, from_client, compensation, burned]);
				},
				Event::Ended {
					job,
					from,
					to,
					reason,
					pod,
					from_pod,
					from_client,
					compensation,
					burned,
					refunded,
					..
				} => {
					self.count(match (to, reason) {
						(Stage::Cancelled, _) => "cancelled",
						(Stage::Expired, Reason::NotTaken) => "not taken",
						(Stage::Expired, _) => "expired with a lock",
						(_, Reason::Discarded) => "discarded",
						(_, Reason::Missed) => "missed",
						_ => "not taken over",
					});
					self.go(job, from, to);
					self.lose(job, pod, [from_pod, from_client, compensation, burned]);
					self.close(job, refunded);
				},
				Event::Deferred { .. } => panic!("nothing may fail: {event:?}"),
			}
		}
	}

	fn check(&self, issuance: Balance) {
		check();
		Pods::do_try_state().unwrap();
		Models::do_try_state().unwrap();
		check_balances();
		assert_eq!(Balances::total_issuance(), issuance - self.burned);
		assert_eq!(self.live.len(), Jobs::<Test>::iter().count());
		for number in ACCOUNTS {
			let who = account(number);
			let moved = self.moved.get(&who).copied().unwrap_or_default();
			assert_eq!(total(&who) as i128, ENDOWMENT as i128 + moved, "account {number}");
		}
	}
}

/// All that there is belongs to somebody, and what is reserved is held for a reason.
fn check_balances() {
	let mut sum = 0;
	for (who, info) in frame_system::Account::<Test>::iter() {
		sum += info.data.free + info.data.reserved;
		let held: Balance =
			pallet_balances::Holds::<Test>::get(&who).iter().map(|hold| hold.amount).sum();
		assert_eq!(info.data.reserved, held, "{who:?}");
	}
	assert_eq!(sum, Balances::total_issuance());
}

/// What `ask` gives once what is due of a job has been carried out, of which nothing remains.
fn once_tidied<R>(id: JobId, ask: impl FnOnce(Option<JobOf<Test>>) -> R) -> R {
	with_transaction(|| -> TransactionOutcome<Result<R, DispatchError>> {
		let _ = poke(id);
		TransactionOutcome::Rollback(Ok(ask(Jobs::<Test>::get(id))))
	})
	.unwrap()
}

struct Player {
	rng: StdRng,
	tick: u32,
	ledger: Ledger,
}

impl Player {
	fn choose(&mut self, numbers: &[u8]) -> AccountId32 {
		account(*numbers.choose(&mut self.rng).unwrap())
	}

	/// Mostly `expected`, sometimes anybody.
	fn mostly(&mut self, expected: Option<AccountId32>) -> AccountId32 {
		match expected {
			Some(who) if self.rng.gen_bool(0.85) => who,
			_ => self.choose(&ACCOUNTS),
		}
	}

	fn request(&mut self) -> JobRequest<AccountId32> {
		let named = self.rng.gen_bool(0.2).then(|| self.choose(&PODS));
		let rng = &mut self.rng;
		let public = rng.gen_bool(0.2);
		let min = rng.gen_range(100..1_000);
		let (lock, acknowledge, prove) =
			(rng.gen_range(2..30), rng.gen_range(2..10), rng.gen_range(3..30));
		let least = lock + acknowledge + prove + 2;
		let failover = if rng.gen_bool(0.5) { rng.gen_range(least..150) } else { 0 };
		JobRequest {
			model: if public { public_model() } else { sealed_model() }.id(),
			output_key: request().output_key.filter(|_| !public),
			price: PriceRamp {
				min,
				max: min + rng.gen_range(0..2_000),
				ramp: rng.gen_range(0..30),
			},
			windows: Windows { lock, acknowledge, prove, failover },
			requirements: Requirements {
				pods: named.into_iter().collect::<Vec<_>>().try_into().unwrap(),
				min_reputation: if rng.gen_bool(0.1) { 200 } else { 0 },
				..Requirements::default()
			},
			..request()
		}
	}

	fn some_job(&mut self) -> Option<(JobId, JobOf<Test>)> {
		let mut jobs: Vec<_> = Jobs::<Test>::iter().collect();
		jobs.sort_by_key(|(id, _)| *id);
		jobs.choose(&mut self.rng).cloned()
	}

	fn refused(&mut self, done: bool) {
		if !done {
			self.ledger.count("refused");
		}
	}

	fn open(&mut self) {
		let (client, request) = (self.choose(&CLIENTS), self.request());
		let allowed = ClientJobs::<Test>::get(&client) < MaxJobsPerClient::get();
		let done = JobMarket::open(RuntimeOrigin::signed(client), request).is_ok();
		assert_eq!(done, allowed);
		self.refused(done);
	}

	/// Blocks pass, full ones among them, and the sweep has much, little or nothing.
	fn pass_time(&mut self) {
		self.tick += self.rng.gen_range(0..8);
		let limit = match self.rng.gen_range(0..3) {
			0 => Weight::zero(),
			1 => Weight::from_parts(3_000_000_000, u64::MAX),
			_ => Weight::MAX,
		};
		let used = sweep(self.tick, limit);
		assert!(used.all_lte(limit));
	}

	/// A pod comes or goes; what another lost is forgotten, and so are its failures.
	fn come_or_go(&mut self) {
		let forgiven = self.choose(&PODS);
		let _ = Pods::bond_more(RuntimeOrigin::signed(forgiven.clone()), 0);
		let _ = Pods::reinstate(RuntimeOrigin::root(), forgiven);
		let pod = RuntimeOrigin::signed(account(4));
		let _ = match self.rng.gen_range(0..8) {
			0 => Pods::leave(pod),
			1 => Pods::withdraw(pod),
			_ => Pods::register(pod, profile(*b"FR"), None),
		};
	}

	/// Does several things of which the last fails, so that nothing remains.
	fn fail_in_a_batch(&mut self) {
		let before = sp_io::storage::root(sp_runtime::StateVersion::V1);
		let (tick, seen) = (self.tick, self.ledger.seen.clone());
		let failed = with_storage_layer::<(), DispatchError, _>(|| {
			for _ in 0..3 {
				self.step();
			}
			Err(DispatchError::Other("the last of the batch"))
		});
		assert!(failed.is_err());
		assert_eq!(sp_io::storage::root(sp_runtime::StateVersion::V1), before);
		(self.tick, self.ledger.seen) = (tick, seen);
		self.ledger.count("undone in a batch");
	}

	/// Locks a job; whether that may succeed is asked of what holds once what is due is done.
	fn lock(&mut self, id: JobId) -> (bool, bool) {
		let signer = if self.rng.gen_bool(0.9) { self.choose(&PODS) } else { account(7) };
		let min_price = if self.rng.gen_bool(0.8) { 0 } else { 1_000 };
		let allowed = once_tidied(id, |job| {
			let Some(job) = job else { return false };
			let Ok(pod) = Pods::acting(&signer) else { return false };
			let Ok(record) = Pods::admit(&pod, job.terms.bond) else { return false };
			let admitted = job.request.requirements.admit(
				&pod,
				&record.profile.regions,
				record.record.reputation(),
				|_| panic!("no tags are asked for"),
			);
			job.state == StoredState::Open
				&& job.price_at(JobMarket::now()) >= min_price
				&& !job.barred.contains(&pod)
				&& admitted
		});
		(allowed, JobMarket::lock(RuntimeOrigin::signed(signer), id, min_price).is_ok())
	}

	fn submit(&mut self, id: JobId, job: &JobOf<Test>, signer: AccountId32) -> (bool, bool) {
		let elements = if job.request.output_key.is_some() { 2 } else { 1 };
		let output: OutputElements = vec![Scalar([7; 32]); elements].try_into().unwrap();
		let valid = self.rng.gen_bool(0.8);
		let pod = Pods::acting(&signer).ok().filter(|_| valid);
		let proof = proof(id, &pod.clone().unwrap_or(account(77)), &output);
		let proving = matches!(
			job.phase(JobMarket::now()),
			Phase::Proving(lock) if Some(&lock.pod) == pod.as_ref()
		);
		let origin = RuntimeOrigin::signed(signer);
		(proving, JobMarket::submit_result(origin, id, proof, output).is_ok())
	}

	/// Does something to a live job; whether it may succeed is asked of the rules alone.
	fn act(&mut self, id: JobId, job: &JobOf<Test>) {
		let phase = job.phase(JobMarket::now());
		let holder = match &phase {
			Phase::Locked(lock) | Phase::Proving(lock) => {
				let operated = lock.pod == account(2) && self.rng.gen_bool(0.5);
				Some(if operated { account(7) } else { lock.pod.clone() })
			},
			_ => None,
		};
		let acts_for = |signer: &AccountId32, lock: &proofpod_primitives::job::Lock<_>| {
			Pods::acting(signer).is_ok_and(|pod| pod == lock.pod)
		};
		// Half of the time what takes the job further, else anything.
		let further: &[u32] = match &phase {
			Phase::Open { .. } => &[0],
			Phase::Locked(_) => &[5, 5, 5, 15],
			Phase::Proving(_) => &[9, 9, 13],
			Phase::Expired { .. } | Phase::Missed(_) => &[17],
		};
		let act = match self.rng.gen_bool(0.5) {
			true => *further.choose(&mut self.rng).unwrap(),
			false => self.rng.gen_range(0..18),
		};
		let (allowed, done) = match act {
			0..=4 => self.lock(id),
			5..=8 => {
				let who = self.mostly(holder);
				let allowed = matches!(&phase, Phase::Locked(lock) if acts_for(&who, lock));
				(allowed, acknowledge(who, id).is_ok())
			},
			9..=11 => {
				let who = self.mostly(holder);
				self.submit(id, job, who)
			},
			12 => {
				let who = self.mostly(Some(job.client.clone()));
				let allowed = matches!(phase, Phase::Open { .. }) && who == job.client;
				// A job that nobody has is kept more often than not.
				if allowed && self.rng.gen_bool(0.5) {
					return;
				}
				(allowed, cancel(who, id).is_ok())
			},
			13..=14 => {
				let who = self.mostly(holder);
				let allowed = matches!(&phase, Phase::Proving(lock) if acts_for(&who, lock));
				(allowed, discard(who, id).is_ok())
			},
			15 => {
				let who = self.mostly(holder);
				let allowed = matches!(&phase, Phase::Locked(lock) if acts_for(&who, lock));
				(allowed, release(who, id).is_ok())
			},
			_ => (phase.is_due(), poke(id).is_ok()),
		};
		assert_eq!(done, allowed, "{job:?} in {:?}", JobMarket::now());
		self.refused(done);
	}

	fn step(&mut self) {
		match self.rng.gen_range(0..20) {
			0..=1 => self.open(),
			2..=4 => self.pass_time(),
			5 => self.come_or_go(),
			_ => match self.some_job() {
				Some((id, job)) => self.act(id, &job),
				None => self.open(),
			},
		}
	}
}

fn play(seed: u64) {
	ext().execute_with(|| {
		MaxJobsPerClient::set(6);
		MaxExposure::set(3);
		for number in [4, 5] {
			register(account(number), profile(*b"FR"));
		}
		Pods::set_operator(RuntimeOrigin::signed(account(2)), Some(account(7))).unwrap();
		let issuance = Balances::total_issuance();
		let mut player =
			Player { rng: StdRng::seed_from_u64(seed), tick: 1, ledger: Ledger::default() };
		for step in 0..STEPS {
			if player.rng.gen_bool(0.02) {
				player.fail_in_a_batch();
			} else {
				player.step();
			}
			player.ledger.enter();
			player.ledger.check(issuance);
			if step % STEPS_BETWEEN_KEYS == 0 {
				Proofs::do_try_state().unwrap();
			}
		}

		// Whatever was left, time ends it, and nothing stays held.
		for _ in 0..3 {
			player.tick += 200;
			sweep(player.tick, Weight::MAX);
			player.ledger.enter();
			player.ledger.check(issuance);
		}
		assert_eq!(Jobs::<Test>::iter().count(), 0);
		for number in ACCOUNTS {
			let who = account(number);
			let bond = pallet_pods::Pods::<Test>::get(&who).map_or(0, |record| record.bond);
			assert_eq!(Balances::free_balance(&who) + bond, total(&who));
		}

		// The game would prove nothing if it never got anywhere.
		for what in [
			"settled",
			"cancelled",
			"not taken",
			"expired with a lock",
			"lapsed",
			"released",
			"discarded",
			"discarded and reopened",
			"missed",
			"missed and reopened",
			"not taken over",
			"refused",
			"undone in a batch",
		] {
			let count = player.ledger.seen.get(what).copied().unwrap_or_default();
			assert!(count >= 5, "only {count} {what} of {:?}", player.ledger.seen);
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
