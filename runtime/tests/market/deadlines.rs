// SPDX-License-Identifier: Apache-2.0

//! Ten thousand live jobs of which something is due in the same tick: no block is above its weight,
//! and all reach their end, whether blocks leave the sweep something or nothing.

use crate::{
	chain::{begin_block, fill_block, had_no_room, new_chain, next_block, now, skip_ticks, Signer},
	scenario::{acknowledge, lock, poke, publish, register, request, sealed_model},
};
use frame_support::dispatch::DispatchClass;
use proofpod_primitives::{
	job::{JobRequest, Outcome, PriceRamp, Stage, Windows},
	JobId, Ticks,
};
use proofpod_runtime::{
	configs::{
		market::{MaxJobsPerClient, MinPrice},
		system::RuntimeBlockWeights,
	},
	units::POD,
	Clock, Jobs, Models, Pods, Runtime, RuntimeCall, RuntimeHoldReason, System,
};
use sp_io::TestExternalities;
use std::collections::BTreeMap;

const JOBS: u32 = 10_000;
/// First tick in which something is due, of every job.
const DUE: u32 = 300;
/// When the jobs that are open to other pods after a failure end at last.
const END: u32 = 900;
/// Pods that have a thousand jobs each.
const PODS: u16 = 8;
/// Clients that have as many as they may.
const CLIENTS: u16 = 79;

/// What a job waits for when its time is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Waiting {
	/// For a pod.
	Open,
	/// For an acknowledgement.
	Locked,
	/// For a result.
	Proving,
	/// For a result, and then for another pod.
	Failover,
}

impl Waiting {
	/// Windows of a job that is opened, locked and acknowledged now.
	fn windows(self) -> Windows {
		let left = DUE - 1 - now();
		let (lock, acknowledge) = (4, 4);
		let prove = left - acknowledge;
		match self {
			Self::Open => Windows { lock: left, acknowledge, prove: 20, failover: 0 },
			Self::Locked => Windows { lock, acknowledge: left, prove: 20, failover: 0 },
			Self::Proving => Windows { lock, acknowledge, prove, failover: 0 },
			Self::Failover => Windows { lock, acknowledge, prove, failover: END - 1 - now() },
		}
	}

	/// What holds from [`DUE`] on.
	fn stage(self) -> Stage {
		match self {
			Self::Open | Self::Locked => Stage::Expired,
			Self::Proving => Stage::Failed,
			Self::Failover => Stage::Open,
		}
	}
}

/// Begins another block when this one is nearly full.
fn make_room() {
	let limit = RuntimeBlockWeights::get().get(DispatchClass::Normal).max_total.unwrap();
	let used = System::block_weight().get(DispatchClass::Normal).ref_time();
	if used > limit.ref_time() / 10 * 9 {
		next_block();
	}
}

/// A transaction that must be in order, in the next block if this one has no room.
fn send(who: &Signer, call: RuntimeCall) {
	let mut result = who.submit(call.clone());
	while had_no_room(&result) {
		next_block();
		result = who.submit(call.clone());
	}
	result.unwrap().unwrap();
}

/// A chain with ten thousand jobs that wait, in turn, for these; it is the tick before all are due.
fn crowded(waiting_in_turn: &[Waiting]) -> TestExternalities {
	let mut chain = new_chain(CLIENTS + PODS + 1, 20_000 * POD);
	let pods: Vec<_> = (CLIENTS..CLIENTS + PODS).map(Signer::new).collect();
	chain.execute_with(|| {
		begin_block();
		publish(&Signer::new(CLIENTS + PODS), &[sealed_model()]);
		register(&pods);
	});
	assert!(u32::from(CLIENTS) * MaxJobsPerClient::get() >= JOBS);
	for client in 0..CLIENTS {
		chain.execute_with(|| {
			let first = u32::from(client) * MaxJobsPerClient::get();
			let client = Signer::new(client);
			for job in first..JOBS.min(first + MaxJobsPerClient::get()) {
				let waiting = waiting_in_turn[job as usize % waiting_in_turn.len()];
				make_room();
				let (price, windows) = (MinPrice::get(), waiting.windows());
				let price = PriceRamp { min: price, max: price, ramp: 0 };
				let request = JobRequest { price, windows, ..request() };
				send(&client, pallet_jobs::Call::open { request }.into());
				let pod = &pods[job as usize / waiting_in_turn.len() % pods.len()];
				let job = JobId(job.into());
				if waiting != Waiting::Open {
					send(pod, lock(job));
				}
				if matches!(waiting, Waiting::Proving | Waiting::Failover) {
					send(pod, acknowledge(job));
				}
			}
		});
		chain.commit_all().unwrap();
	}
	chain.execute_with(|| {
		next_block();
		assert_eq!(Jobs::do_try_state(), Ok(()));
		skip_ticks(DUE - 1 - now());
		assert_eq!(live(), JOBS as usize);
		let due = pallet_jobs::Jobs::<Runtime>::iter().all(|(_, job)| job.due_from().0 == DUE);
		assert!(due, "all deadlines are in one tick");
	});
	chain
}

fn live() -> usize {
	pallet_jobs::Jobs::<Runtime>::iter_keys().count()
}

/// What a block goes through before it ends.
type Traffic = fn();

/// Passes blocks until nothing is due; gives how many it took. No block is above its weight, which
/// is asserted of every block.
fn sweep(chain: &mut TestExternalities, traffic: Traffic) -> u32 {
	let limit = RuntimeBlockWeights::get().max_block.ref_time();
	let (mut blocks, mut fullest) = (0, 0);
	let mut due = true;
	while due {
		due = chain.execute_with(|| {
			traffic();
			let finished = next_block();
			fullest = fullest.max(finished.weight.ref_time());
			pallet_jobs::Jobs::<Runtime>::iter().any(|(_, job)| job.phase(Clock::now()).is_due())
		});
		chain.commit_all().unwrap();
		blocks += 1;
		assert!(blocks < 1_000, "the sweep makes no progress");
	}
	let percent = fullest * 100 / limit;
	println!("swept in {blocks} blocks, the fullest at {percent} % of its weight");
	blocks
}

/// Somebody pokes all of them, free of charge, in blocks that leave the sweep nothing.
fn poke_all(chain: &mut TestExternalities) {
	let mut blocks = 0;
	let stranger = Signer::new(CLIENTS + PODS);
	let mut due: Vec<JobId> = chain.execute_with(|| {
		let now = Clock::now();
		let is_due =
			|(id, job): (JobId, pallet_jobs::JobOf<Runtime>)| job.phase(now).is_due().then_some(id);
		pallet_jobs::Jobs::<Runtime>::iter().filter_map(is_due).collect()
	});
	while !due.is_empty() {
		chain.execute_with(|| {
			let owned = stranger.total();
			while let Some(job) = due.last() {
				let result = stranger.submit(poke(*job));
				if had_no_room(&result) {
					break;
				}
				result.unwrap().unwrap();
				due.pop();
			}
			assert_eq!(stranger.total(), owned, "it was free of charge");
			let poked = live();
			fill_block(DispatchClass::Mandatory);
			next_block();
			assert_eq!(live(), poked, "the sweep had nothing to work with");
		});
		chain.commit_all().unwrap();
		blocks += 1;
	}
	println!("poked in {blocks} blocks that left the sweep nothing");
}

/// How all jobs ended.
fn outcomes() -> BTreeMap<&'static str, u32> {
	let mut outcomes = BTreeMap::new();
	for id in 0..u64::from(JOBS) {
		let outcome = Jobs::receipt(JobId(id)).unwrap().outcome;
		if let Outcome::Failed { slashed, compensation, .. } = outcome {
			assert_eq!((slashed, compensation), (POD, POD / 2));
		}
		*outcomes.entry(outcome.name()).or_default() += 1;
	}
	outcomes
}

/// Whatever happened, nothing is left.
fn check_the_end(chain: &mut TestExternalities) {
	chain.execute_with(|| {
		assert_eq!((live(), pallet_jobs::Agenda::<Runtime>::iter_keys().count()), (0, 0));
		let of_a_job = pallet_balances::Holds::<Runtime>::iter().find(|(_, holds)| {
			holds.iter().any(|hold| matches!(hold.id, RuntimeHoldReason::Jobs(_)))
		});
		assert_eq!(of_a_job, None, "something is still held for a job");
		assert_eq!(Jobs::do_try_state(), Ok(()));
		assert_eq!(Pods::do_try_state(), Ok(()));
		assert_eq!(Models::do_try_state(), Ok(()));
	});
}

/// At the deadline all jobs are what they must be, before anything has been carried out.
fn check_what_holds(chain: &mut TestExternalities, waiting: &[Waiting]) {
	chain.execute_with(|| {
		skip_ticks(1);
		for job in (0..u64::from(JOBS)).step_by(7) {
			let expected = waiting[job as usize % waiting.len()].stage();
			assert_eq!(Jobs::view(JobId(job)).unwrap().stage, expected, "job {job}");
		}
	});
}

const MIXED: [Waiting; 4] = [Waiting::Open, Waiting::Locked, Waiting::Proving, Waiting::Failover];

#[test]
fn ten_thousand_open_jobs_expire_in_one_tick_by_the_sweep() {
	let mut chain = crowded(&[Waiting::Open]);
	let blocks = sweep(&mut chain, || ());
	// The sweep keeps to its share, which is what decides how long it takes.
	assert!((10..100).contains(&blocks), "{blocks}");
	chain.execute_with(|| assert_eq!(outcomes(), [("expired", JOBS)].into()));
	check_the_end(&mut chain);
}

#[test]
fn ten_thousand_open_jobs_expire_in_one_tick_by_pokes_where_the_sweep_is_starved() {
	let mut chain = crowded(&[Waiting::Open]);
	check_what_holds(&mut chain, &[Waiting::Open]);
	poke_all(&mut chain);
	chain.execute_with(|| assert_eq!(outcomes(), [("expired", JOBS)].into()));
	check_the_end(&mut chain);
}

/// Half of the jobs that wait for a result open again, and end later.
fn end_mixed(chain: &mut TestExternalities, carry_out: impl Fn(&mut TestExternalities)) {
	let quarter = JOBS / 4;
	carry_out(chain);
	chain.execute_with(|| {
		assert_eq!(live(), quarter as usize, "what was failed is open again");
		let reopened = pallet_jobs::Jobs::<Runtime>::iter().all(|(_, job)| {
			job.failure.is_some() && job.due_from().0 == END && job.state.lock().is_none()
		});
		assert!(reopened);
		let ticks: Ticks = END - now();
		skip_ticks(ticks);
	});
	carry_out(chain);
	let expected = [("expired", 2 * quarter), ("failed", 2 * quarter)];
	chain.execute_with(|| assert_eq!(outcomes(), expected.into()));
	check_the_end(chain);
}

#[test]
fn ten_thousand_open_locked_and_acknowledged_jobs_end_by_the_sweep_of_busy_blocks() {
	let mut chain = crowded(&MIXED);
	check_what_holds(&mut chain, &MIXED);
	end_mixed(&mut chain, |chain| {
		// Others take most of what ordinary transactions may, and all that operational ones may.
		sweep(chain, || {
			let limits = RuntimeBlockWeights::get();
			let normal = limits.get(DispatchClass::Normal).max_total.unwrap();
			System::register_extra_weight_unchecked(normal / 5 * 4, DispatchClass::Normal);
			let rest = limits.max_block / 6;
			System::register_extra_weight_unchecked(rest, DispatchClass::Operational);
		});
	});
}

#[test]
fn ten_thousand_open_locked_and_acknowledged_jobs_end_by_pokes_where_the_sweep_is_starved() {
	let mut chain = crowded(&MIXED);
	check_what_holds(&mut chain, &MIXED);
	end_mixed(&mut chain, poke_all);
}
