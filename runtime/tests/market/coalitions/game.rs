// SPDX-License-Identifier: Apache-2.0

//! The board: who plays, how calls and blocks go by, and what is checked after each.

use super::ledger::Ledger;
use crate::{
	chain::{
		begin_block, end_block, fill_block, had_no_room, new_chain, now, skip_ticks, take_events,
		Signer,
	},
	scenario::{acknowledge, model, output, profile, prove, publish, release, sealed_model},
};
use codec::Encode;
use frame_support::{
	dispatch::DispatchClass,
	traits::{fungible::InspectHold, GetCallMetadata},
};
use proofpod_primitives::{
	job::{Phase, StoredState},
	manifest::OutputVisibility,
	JobId, Tick,
};
use proofpod_runtime::{
	units::POD, AccountId, Balance, Balances, Clock, Jobs, Models, Pods, Proofs, Runtime,
	RuntimeCall, SafeMode, System, Validators,
};
use rand::{rngs::StdRng, seq::SliceRandom, Rng, SeedableRng};
use sp_io::TestExternalities;
use sp_runtime::{ApplyExtrinsicResult, DispatchError};
use std::{cell::Cell, collections::BTreeMap, thread};

/// What each account owns before it plays.
const ENDOWMENT: Balance = 20_000_000 * POD;
/// Test accounts 0 to 4 are honest: two clients, two pods, and the first pod's operator.
const HONEST: u16 = 5;
/// Test accounts of the coalition.
const OTHERS: u16 = 10;
/// Most live jobs.
const CROWD: usize = 40;

pub(super) type JobRecord = pallet_jobs::JobOf<Runtime>;

/// The players, and the state of the game beside the chain.
pub(super) struct Table {
	pub(super) rng: StdRng,
	pub(super) clients: Vec<Signer>,
	pub(super) pods: Vec<Signer>,
	/// Works for the first of the honest pods.
	pub(super) operator: Signer,
	pub(super) others: Vec<Signer>,
	pub(super) ledger: Ledger,
	/// Valid results that anybody may have seen, of late.
	pub(super) results: Vec<RuntimeCall>,
	signers: BTreeMap<AccountId, Signer>,
	calls: u32,
	/// Ticks that went by without blocks.
	skipped: u32,
	/// All that the check of keys depends on, when it last passed.
	checked_keys: Cell<[u8; 32]>,
}

/// A game on its chain.
pub(super) struct Game {
	chain: TestExternalities,
	table: Table,
	seed: u64,
}

/// Says where a game was when it failed.
struct Whereabouts {
	seed: u64,
	calls: u32,
}

impl Drop for Whereabouts {
	fn drop(&mut self) {
		if thread::panicking() {
			eprintln!("the game failed: PROOFPOD_SEED={} after call {}", self.seed, self.calls);
		}
	}
}

impl Game {
	pub(super) fn new(seed: u64) -> Self {
		let mut chain = new_chain(HONEST + OTHERS, ENDOWMENT);
		let mut table = chain.execute_with(|| Table::new(seed));
		chain.execute_with(|| table.check());
		Self { chain, table, seed }
	}

	/// Makes so many calls, while blocks go by.
	pub(super) fn play(&mut self, calls: u32) {
		while self.table.calls < calls {
			let _whereabouts = Whereabouts { seed: self.seed, calls: self.table.calls };
			let block_ended = self.chain.execute_with(|| self.table.step());
			if block_ended {
				self.chain.commit_all().unwrap();
			}
		}
	}

	/// Lets everything reach its end.
	pub(super) fn drain(&mut self) {
		let _whereabouts = Whereabouts { seed: self.seed, calls: self.table.calls };
		self.chain.execute_with(|| self.table.drain());
	}

	/// Runs something on the game's chain.
	pub(super) fn execute<R>(&mut self, run: impl FnOnce(&mut Table) -> R) -> R {
		self.chain.execute_with(|| run(&mut self.table))
	}

	/// How often what happened.
	pub(super) fn seen(&self) -> BTreeMap<String, u32> {
		self.table.ledger.seen.clone()
	}

	/// What everybody owns, by account.
	pub(super) fn balances(&mut self) -> BTreeMap<AccountId, Balance> {
		let who = |who: Signer| (who.account.clone(), who.total());
		self.chain.execute_with(|| self.table.everybody().into_iter().map(who).collect())
	}
}

impl Table {
	fn new(seed: u64) -> Self {
		begin_block();
		let honest: Vec<Signer> = (0..HONEST).map(Signer::new).collect();
		let others: Vec<Signer> = (HONEST..HONEST + OTHERS).map(Signer::new).collect();
		let [first, second, pod, rival, operator] = &honest[..] else { unreachable!() };
		publish(first, &[sealed_model(), model(2, OutputVisibility::Public)]);
		for (who, operator) in [(pod, Some(operator.account.clone())), (rival, None)] {
			who.send(pallet_pods::Call::register { profile: profile(9), operator }).unwrap();
			who.send(pallet_pods::Call::bond_more { amount: 900 * POD }).unwrap();
		}
		// Somebody in the coalition is poor.
		let poor = others.last().unwrap();
		let value = poor.total() - 150 * POD;
		let dest = Signer::alice().account.into();
		poor.send(pallet_balances::Call::transfer_keep_alive { dest, value }).unwrap();
		take_events();

		let signers = honest.iter().chain(&others).map(|who| (who.account.clone(), who.clone()));
		Self {
			rng: StdRng::seed_from_u64(seed),
			clients: vec![first.clone(), second.clone()],
			pods: vec![pod.clone(), rival.clone()],
			operator: operator.clone(),
			ledger: Ledger::new(honest.iter().map(|who| who.account.clone()).collect()),
			results: Vec::new(),
			signers: signers.collect(),
			others,
			calls: 0,
			skipped: 0,
			checked_keys: Cell::default(),
		}
	}

	/// One thing happens; gives whether a block ended.
	fn step(&mut self) -> bool {
		if self.rng.gen_bool(0.4) {
			self.duties(false);
		}
		match self.rng.gen_range(0..1_000) {
			0..=199 => self.honest_move(),
			200..=759 => self.others_move(),
			760..=784 => self.administer(),
			785..=794 => self.crowd_out(),
			795..=849 => self.others_move(),
			850..=984 => {
				self.block();
				return true;
			},
			985..=995 => self.quiet_time(),
			_ => self.holidays(),
		}
		false
	}

	/// All live jobs.
	pub(super) fn jobs(&self) -> Vec<(JobId, JobRecord)> {
		let mut jobs: Vec<_> = pallet_jobs::Jobs::<Runtime>::iter().collect();
		jobs.sort_by_key(|(id, _)| *id);
		jobs
	}

	/// A live job of those that `wanted` picks; now and then any, where it picks none.
	pub(super) fn some_job(
		&mut self,
		wanted: impl Fn(&JobRecord) -> bool,
	) -> Option<(JobId, JobRecord)> {
		let jobs = self.jobs();
		let picked: Vec<_> = jobs.iter().filter(|(_, job)| wanted(job)).collect();
		match picked.choose(&mut self.rng) {
			Some(job) => Some((*job).clone()),
			None if self.rng.gen_bool(0.3) => jobs.choose(&mut self.rng).cloned(),
			None => None,
		}
	}

	/// Whether there are as many jobs as the game can bear.
	pub(super) fn is_crowded(&self) -> bool {
		self.ledger.live() >= CROWD
	}

	pub(super) fn is_honest_pod(&self, who: &AccountId) -> bool {
		self.pods.iter().any(|pod| pod.account == *who)
	}

	pub(super) fn is_honest_client(&self, who: &AccountId) -> bool {
		self.clients.iter().any(|client| client.account == *who)
	}

	/// Makes a call, and checks everything after it.
	pub(super) fn call(&mut self, who: &Signer, call: RuntimeCall) -> ApplyExtrinsicResult {
		let name = call.get_call_metadata();
		let result = who.submit(call);
		self.calls += 1;
		match &result {
			Ok(Ok(())) => {
				self.ledger.count(format!("{}.{}", name.pallet_name, name.function_name));
			},
			Ok(Err(error)) => self.ledger.count(format!("refused: {}", reason(error))),
			Err(_) if had_no_room(&result) => self.ledger.count("no room"),
			Err(error) => self.ledger.count(format!("turned away: {error:?}")),
		}
		self.check();
		result
	}

	/// Enters what has happened, and checks it.
	pub(super) fn check(&mut self) {
		self.ledger.enter(take_events());
		if let Err(error) = self.verify() {
			panic!("{error}");
		}
	}

	/// Whether every invariant holds, and the books are right.
	pub(super) fn verify(&self) -> Result<(), String> {
		let says = |pallet, error| format!("{pallet}: {error:?}");
		Jobs::do_try_state().map_err(|error| says("jobs", error))?;
		Pods::do_try_state().map_err(|error| says("pods", error))?;
		Models::do_try_state().map_err(|error| says("models", error))?;
		self.verify_keys().map_err(|error| says("proofs", error))?;
		Validators::do_try_state().map_err(|error| says("validators", error))?;
		let Tick(now) = Clock::now();
		if now > System::block_number() + self.skipped {
			return Err(format!("clock: tick {now} in block {}", System::block_number()));
		}
		self.ledger.check()
	}

	/// Prepares every key again, which takes milliseconds, if anything has changed that this
	/// depends on: keys, their bytes, and what is held for them.
	fn verify_keys(&self) -> Result<(), DispatchError> {
		let reason = pallet_proofs::HoldReason::KeyDeposit.into();
		let held = |who| Balances::balance_on_hold(&reason, &who);
		let state = (
			pallet_proofs::Keys::<Runtime>::iter().collect::<Vec<_>>(),
			pallet_proofs::KeyBytes::<Runtime>::iter().collect::<Vec<_>>(),
			frame_system::Account::<Runtime>::iter_keys().map(held).collect::<Vec<_>>(),
		);
		let state = sp_io::hashing::blake2_256(&state.encode());
		if state != self.checked_keys.get() {
			Proofs::do_try_state()?;
			self.checked_keys.set(state);
		}
		Ok(())
	}

	/// Honest pods do what they owe: in its last tick what must be done, else some of it. Gives
	/// whether something that must be done now found no room.
	pub(super) fn duties(&mut self, urgent_only: bool) -> bool {
		let mut refused = false;
		if SafeMode::is_entered() {
			return refused;
		}
		for (id, job) in self.jobs() {
			let (lock, deadline) = match job.phase(Clock::now()) {
				Phase::Locked(lock) => (lock, lock.acknowledge_by),
				Phase::Proving(lock) => (lock, lock.prove_by),
				_ => continue,
			};
			if !self.is_honest_pod(&lock.pod) {
				continue;
			}
			let is_urgent = deadline == Clock::now();
			if !is_urgent && (urgent_only || self.rng.gen_bool(0.9)) {
				continue;
			}
			let pod = lock.pod.clone();
			let call = match job.state {
				StoredState::Locked(_) if self.ledger.silent.contains(&(id, pod.clone())) => {
					// The client has not delivered: some pods say so, others wait.
					if self.rng.gen_bool(0.5) {
						continue;
					}
					release(id)
				},
				StoredState::Locked(_) => acknowledge(id),
				_ => self.valid_result(id, &job, &pod),
			};
			refused |= !self.do_duty(&pod, call);
			if is_urgent {
				self.ledger.count("a duty in its last tick");
			}
		}
		refused
	}

	/// An honest pod, or its operator, makes a call that must be in order; gives whether there was
	/// room for it.
	pub(super) fn do_duty(&mut self, pod: &AccountId, call: RuntimeCall) -> bool {
		let operated = *pod == self.pods[0].account && self.rng.gen_bool(0.5);
		let signer = if operated { self.operator.clone() } else { self.signers[pod].clone() };
		let result = self.call(&signer, call);
		if had_no_room(&result) {
			self.ledger.count("a duty waited for room");
			return false;
		}
		assert_eq!(result, Ok(Ok(())), "an honest pod did its duty");
		true
	}

	/// The valid result of a job for the pod that has it.
	pub(super) fn valid_result(
		&mut self,
		id: JobId,
		job: &JobRecord,
		pod: &AccountId,
	) -> RuntimeCall {
		let elements = if job.request.output_key.is_some() { 1 } else { 2 };
		let output = output(elements);
		let proof = prove(id, pod, &output);
		self.ledger.proved.insert((id, pod.clone()));
		let call = RuntimeCall::from(pallet_jobs::Call::submit_result { job: id, proof, output });
		if self.results.len() == 16 {
			self.results.remove(0);
		}
		self.results.push(call.clone());
		call
	}

	/// Ends a block in which honest pods could do what was due, unless there was no room.
	pub(super) fn block(&mut self) {
		let halted = SafeMode::is_entered();
		let refused = self.duties(true);
		let finished = end_block();
		assert!(!(finished.counted && refused), "time went by although a duty found no room");
		assert!(!(finished.counted && halted), "time went by in safe mode");
		self.ledger.count("blocks");
		self.check();
		begin_block();
		self.check();
	}

	/// Others' transactions fill the block, and what they leave for the sweep is little or nothing.
	fn crowd_out(&mut self) {
		match self.rng.gen_range(0..20) {
			0 => {
				let who = self.others.choose(&mut self.rng).unwrap().clone();
				let remark = vec![0; 3_920_000];
				let _ = self.call(&who, frame_system::Call::remark { remark }.into());
			},
			1..=11 => fill_block(DispatchClass::Normal),
			_ => fill_block(DispatchClass::Mandatory),
		}
	}

	/// Ticks go by in which nobody does anything, nor tidies: as many as leave honest pods in time.
	fn quiet_time(&mut self) {
		let most = match self.rng.gen_range(0..4) {
			0 => 60,
			_ => 8,
		};
		let ticks = self.rng.gen_range(1..=most);
		self.skip(ticks);
	}

	/// Hours or days go by; honest pods have finished what they had.
	fn holidays(&mut self) {
		if SafeMode::is_entered() || !self.finish_duties() {
			return;
		}
		let ticks = if self.rng.gen_bool(0.6) { 90_000 } else { 3_000 };
		let ticks = self.rng.gen_range(1..ticks);
		self.skip(ticks);
	}

	/// Honest pods finish all that they have; gives whether there was room for it.
	pub(super) fn finish_duties(&mut self) -> bool {
		for _ in 0..2 {
			for (id, job) in self.jobs() {
				let pod = match job.phase(Clock::now()) {
					Phase::Locked(lock) | Phase::Proving(lock) => lock.pod.clone(),
					_ => continue,
				};
				if !self.is_honest_pod(&pod) {
					continue;
				}
				let call = match job.state {
					StoredState::Locked(_) if self.ledger.silent.contains(&(id, pod.clone())) => {
						release(id)
					},
					StoredState::Locked(_) => acknowledge(id),
					_ => self.valid_result(id, &job, &pod),
				};
				if !self.do_duty(&pod, call) {
					return false;
				}
			}
		}
		true
	}

	/// Lets so many ticks go by without blocks, or as many as leave honest pods in time.
	pub(super) fn skip(&mut self, ticks: u32) {
		if SafeMode::is_entered() {
			return;
		}
		let deadline = |job: &JobRecord| match job.phase(Clock::now()) {
			Phase::Locked(lock) if self.is_honest_pod(&lock.pod) => Some(lock.acknowledge_by.0),
			Phase::Proving(lock) if self.is_honest_pod(&lock.pod) => Some(lock.prove_by.0),
			_ => None,
		};
		let first = self.jobs().iter().filter_map(|(_, job)| deadline(job)).min();
		let most = first.map_or(u32::MAX, |deadline| deadline - now());
		let ticks = ticks.min(most);
		skip_ticks(ticks);
		self.skipped += ticks;
		self.ledger.count("ticks without a sweep");
		self.check();
	}

	/// All accounts that play.
	pub(super) fn everybody(&self) -> Vec<Signer> {
		self.signers.values().cloned().collect()
	}
}

/// One word for why a call was refused.
fn reason(error: &DispatchError) -> String {
	match error {
		DispatchError::Module(error) => error.message.unwrap_or("?").into(),
		DispatchError::Token(error) => format!("{error:?}"),
		error => format!("{error:?}"),
	}
}
