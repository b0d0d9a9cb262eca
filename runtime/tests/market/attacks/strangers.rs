// SPDX-License-Identifier: Apache-2.0

//! What those can try who are neither client nor pod of a job: to fill blocks, to stuff the agenda,
//! to do what others must.

use super::{attack, pod_amount, proving, PRICE};
use crate::{
	chain::{fees_of, had_no_room, next_block, now, pass_ticks, skip_ticks, take_events, Signer},
	scenario::{
		acknowledge, cancel, discard, lock, model, open, output, poke, public_inputs, release,
		request, valid_result,
	},
};
use frame_support::{
	dispatch::{DispatchClass, GetDispatchInfo},
	weights::Weight,
};
use pallet_jobs::Error as JobsError;
use pallet_pods::Error as PodsError;
use pallet_proofs::forge::ForgedKey;
use proofpod_primitives::{
	job::{JobRequest, PriceRamp, Stage, Windows},
	manifest::{ModelManifest, OutputVisibility},
	JobId, ProofBytes, MAX_OUTPUT_ELEMENTS,
};
use proofpod_runtime::{
	configs::{
		governance::CouncilInstance,
		market::{BondFloor, JobDeposit, MaxExposure, MaxJobsPerClient, MinPrice},
		system::{RuntimeBlockLength, RuntimeBlockWeights},
	},
	units::{MILLI_POD, POD},
	Balance, Jobs, Runtime, RuntimeCall, System, TransactionPayment,
};

/// Sends these until the block takes no more; gives what that cost.
fn fill_with(who: &Signer, calls: &[RuntimeCall]) -> Balance {
	let mut cost = 0;
	take_events();
	for call in calls {
		while !had_no_room(&who.submit(call.clone())) {
			cost += fees_of(&who.account, &take_events());
		}
	}
	cost
}

fn remark(bytes: u32) -> RuntimeCall {
	frame_system::Call::remark { remark: vec![0; bytes as usize] }.into()
}

/// A batch that is charged for so many pokes, each of which fails at once.
fn heavy(pokes: usize) -> RuntimeCall {
	let calls = vec![poke(JobId(u64::MAX)); pokes];
	pallet_utility::Call::force_batch { calls }.into()
}

/// Fills blocks around a job's last tick; gives what each block cost.
fn fill_blocks_at_the_deadline(what: &str, calls: &[RuntimeCall], blocks: u32) -> Balance {
	let mut each = 0;
	attack(|parties| {
		let (pod, flooder) = (parties.pod.clone(), parties.stranger.clone());
		let job = proving(parties);
		skip_ticks(50);
		let last = now();
		let mut spent = 0;
		for _ in 0..blocks {
			spent += fill_with(&flooder, calls);
			// The pod tries in vain.
			let tried = pod.submit(valid_result(job, &pod.account));
			assert!(had_no_room(&tried), "{tried:?} with {} bytes", System::block_size());
			let finished = next_block();
			assert!(!finished.counted, "a block without room does not count");
			assert_eq!((now(), Jobs::view(job).unwrap().stage), (last, Stage::Proving));
		}
		each = spent / Balance::from(blocks);
		println!("{what}: {blocks} blocks cost {} mPOD each", each / MILLI_POD);

		parties.does(&pod, valid_result(job, &pod.account));
		parties.have_lost(&[(&pod, -pod_amount(PRICE - PRICE / 100))]);
	});
	each
}

/// What it takes to fill a block by weight, with few transactions.
fn by_weight() -> [RuntimeCall; 4] {
	[heavy(200), heavy(20), heavy(1), remark(1)]
}

/// And by length.
fn by_length() -> [RuntimeCall; 4] {
	let most = *RuntimeBlockLength::get().max.get(DispatchClass::Normal);
	[remark(most / 4 - 1_000), remark(most / 50), remark(1_000), remark(1)]
}

#[test]
fn filling_blocks_by_weight_until_a_deadline_costs_their_fees_and_gains_nothing() {
	let each = fill_blocks_at_the_deadline("by weight", &by_weight(), 12);
	assert!(each > POD, "{each}");
}

#[test]
fn filling_blocks_by_length_until_a_deadline_costs_their_fees_and_gains_nothing() {
	let each = fill_blocks_at_the_deadline("by length", &by_length(), 6);
	assert!(each > 3 * POD, "{each}");
}

/// A call that fails and is charged for almost so many thousandths of a block. It is operational, as
/// all that the council does, and anybody may send it.
fn heavy_close(thousandths: u64) -> RuntimeCall {
	let weight = RuntimeBlockWeights::get().max_block;
	pallet_collective::Call::<Runtime, CouncilInstance>::close {
		proposal_hash: Default::default(),
		index: 0,
		proposal_weight_bound: Weight::from_parts(weight.ref_time() / 1_000 * thousandths, 0),
		length_bound: 0,
	}
	.into()
}

#[test]
fn operational_calls_of_strangers_take_no_room_from_results() {
	attack(|parties| {
		let (pod, flooder) = (parties.pod.clone(), parties.stranger.clone());
		let job = proving(parties);
		let prices = || TransactionPayment::next_fee_multiplier();
		let (before, tick) = (prices(), now());
		let calls = [500, 190, 40, 10, 1, 0].map(heavy_close);
		let spent = fill_with(&flooder, &calls);
		let used = *System::block_weight().get(DispatchClass::Operational);
		let limits = RuntimeBlockWeights::get();
		assert!(used.ref_time() > limits.max_block.ref_time() / 5, "{used:?}");
		println!("they cost {} mPOD a block", spent / MILLI_POD);
		assert!((200..500).contains(&(spent / MILLI_POD)));
		// Neither the fee of others' transactions nor their time is touched.
		let counted = next_block().counted;
		assert!(counted && now() == tick + 1 && prices() <= before);
		fill_with(&flooder, &calls);
		parties.does(&pod, valid_result(job, &pod.account));
	});
}

/// What a block full of these costs, and by which factor that rises with every such block.
fn price_of_a_block(calls: &[RuntimeCall]) -> (f64, f64) {
	let mut price = (0.0, 0.0);
	attack(|parties| {
		let flooder = parties.stranger.clone();
		let before = TransactionPayment::next_fee_multiplier();
		let cost = fill_with(&flooder, calls);
		next_block();
		let after = TransactionPayment::next_fee_multiplier();
		let factor = after.into_inner() as f64 / before.into_inner() as f64;
		price = (cost as f64 / POD as f64, factor);
	});
	price
}

#[test]
fn a_day_of_full_blocks_costs_eighty_thousand_by_weight_and_more_by_length() {
	let (first, factor) = price_of_a_block(&by_weight());
	let sum = |blocks: i32| first * (factor.powi(blocks) - 1.0) / (factor - 1.0);
	let (hour, day) = (sum(1_200), sum(28_800));
	println!("by weight, an hour of full blocks costs {hour:.0} POD, a day {day:.0}");
	assert!((1_300.0..1_500.0).contains(&hour) && (75_000.0..85_000.0).contains(&day));

	// The price of bytes is fixed: it is dearer for a day, and does not rise.
	let (first, factor) = price_of_a_block(&by_length());
	let (hour, day) = (1_200.0 * first, 28_800.0 * first);
	println!("by length, an hour of full blocks costs {hour:.0} POD, a day {day:.0}");
	assert_eq!(factor, 1.0);
	assert!((4_500.0..5_000.0).contains(&hour) && (110_000.0..120_000.0).contains(&day));
}

/// What a block of settlements took that their parties arranged with each other.
#[derive(Debug)]
struct OwnSettlements {
	/// How many came into the block.
	settled: u32,
	/// Whether time passed.
	counted: bool,
	/// All that the parties lost: the fees of opening, locking and acknowledging, and the market's.
	cost: Balance,
	/// What was held for it: payments, deposits and bonds.
	held: Balance,
}

/// Jobs at the least price, of a model with so many elements, are brought as far as to owe their
/// result; then at most so many of the results come into one block.
fn settle_own_jobs(elements: u32, jobs: u32) -> OwnSettlements {
	let mut outcome = None;
	attack(|parties| {
		// Its author knows the trapdoor of the key: a proof takes it a millisecond.
		let forged = ForgedKey::new(3 + elements, 7);
		let manifest = ModelManifest {
			verifying_key: forged.id(),
			output_elements: elements,
			..model(7, OutputVisibility::Sealed)
		};
		let publisher = Signer::new(14);
		let verifying_key = forged.verifying_key();
		publisher.send(pallet_proofs::Call::register_key { verifying_key }).unwrap();
		let (model, uris) = (manifest.id(), Default::default());
		let call = pallet_models::Call::register { manifest, uris, replaces: None };
		publisher.send(call).unwrap();

		let mut clients = parties.rogues.clone();
		let pod = clients.remove(0);
		clients.extend([parties.client.clone(), parties.stranger.clone()]);
		let price = PriceRamp { min: MinPrice::get(), max: MinPrice::get(), ramp: 0 };
		let windows = Windows { lock: 1_000, acknowledge: 1_000, prove: 20_000, failover: 0 };
		let asked = JobRequest { model, price, windows, ..request() };
		let owned =
			|of: fn(&Signer) -> Balance| -> Balance { clients.iter().chain([&pod]).map(of).sum() };
		let (total, held) = (owned(Signer::total), owned(Signer::held));
		let mut calls = Vec::new();
		for number in 0..jobs {
			let client = &clients[number as usize % clients.len()];
			let job = pallet_jobs::NextJobId::<Runtime>::get();
			parties.does(client, pallet_jobs::Call::open { request: asked.clone() });
			parties.does(&pod, lock(job));
			parties.does(&pod, acknowledge(job));
			let output = output(elements as usize);
			let proof = forged.prove(&public_inputs(job, &pod.account, &output));
			calls.push(pallet_jobs::Call::submit_result { job, proof, output });
			// A few in a block, so that fees do not rise.
			if number % 8 == 0 {
				next_block();
			}
		}
		let held = owned(Signer::held) - held;
		next_block();
		let fees = parties.costs.fees(&pod);
		let mut settled = 0;
		take_events();
		for call in calls {
			let result = pod.submit(call);
			if had_no_room(&result) {
				break;
			}
			assert_eq!(result, Ok(Ok(())));
			settled += 1;
		}
		assert_eq!(fees_of(&pod.account, &take_events()), 0, "settlements are free");
		assert_eq!(parties.costs.fees(&pod), fees);
		let counted = next_block().counted;
		let cost = total - owned(Signer::total);
		outcome = Some(OwnSettlements { settled, counted, cost, held });
	});
	outcome.unwrap()
}

/// What a transaction with a result of so many elements weighs in a block, in picoseconds.
fn weight_of_result(elements: u32) -> u64 {
	let (output, proof) = (output(elements as usize), ProofBytes([0; 192]));
	let call = pallet_jobs::Call::submit_result { job: JobId(0), proof, output };
	let limits = RuntimeBlockWeights::get();
	let transaction = Signer::alice().sign(call.into());
	let weight = transaction.get_dispatch_info().total_weight();
	weight.ref_time() + limits.get(DispatchClass::Normal).base_extrinsic.ref_time()
}

#[test]
fn a_block_of_ones_own_settlements_costs_what_the_jobs_did_and_holds_a_bond_for_each() {
	for elements in [1, MAX_OUTPUT_ELEMENTS] {
		let (mut each, mut room) = (0, 0);
		attack(|_| {
			each = weight_of_result(elements);
			room = 8 * weight_of_result(MAX_OUTPUT_ELEMENTS);
		});
		let limit = RuntimeBlockWeights::get().get(DispatchClass::Normal).max_total.unwrap();
		let most = (limit.ref_time() / each) as u32 + 1;
		let full = settle_own_jobs(elements, most);
		assert!(full.settled < most, "the block was to be full: {full:?}");
		// So few that room is left for eight of the largest do not freeze it, a few more do.
		let others = full.settled - room.div_ceil(each) as u32;
		let counted = settle_own_jobs(elements, others);
		assert!(counted.counted, "{counted:?}");
		let block = settle_own_jobs(elements, full.settled + 1 - (room / each) as u32);
		assert!(!block.counted && block.settled <= others + 2, "{block:?} and {others}");
		let jobs = Balance::from(block.settled);
		println!(
			"{} settlements with {elements} elements freeze a block: {} mPOD, of which {} are the market's, \
			 while {} POD are held",
			block.settled,
			block.cost / MILLI_POD,
			jobs * MinPrice::get() / 100 / MILLI_POD,
			block.held / POD,
		);
		let bonds = jobs * BondFloor::get();
		let deposits = jobs * (JobDeposit::get() + MinPrice::get());
		assert!(block.held > bonds + deposits, "payments, deposits and bonds: {block:?}");
		// Less than what it costs to fill the block otherwise, and it does not rise.
		assert!(block.cost < POD, "{block:?}");
		let hour = 1_200 * jobs;
		if elements == MAX_OUTPUT_ELEMENTS {
			assert!((600..900).contains(&(1_200 * block.cost / POD)));
			assert!((240_000..350_000).contains(&(1_200 * block.held / POD)));
			assert!((170_000..250_000).contains(&hour));
		}
		println!(
			"an hour of them: {} POD; {} POD held, by {} clients, and {} POD bonded by pods",
			1_200 * block.cost / POD,
			1_200 * block.held / POD,
			hour.div_ceil(MaxJobsPerClient::get().into()),
			hour * BondFloor::get() / Balance::from(MaxExposure::get()) / POD,
		);
	}
}

#[test]
fn an_author_fills_its_own_blocks_for_nothing_and_gains_nothing() {
	attack(|parties| {
		let author = Signer::alice();
		let job = proving(parties);
		let (before, tick) = (author.total(), now());
		assert!(fill_with(&author, &by_weight()) > POD);
		assert_eq!(author.total(), before, "it pays itself");
		next_block();
		assert_eq!((now(), Jobs::view(job).unwrap().stage), (tick, Stage::Proving));
	});
}

#[test]
fn a_block_that_counts_had_room_for_eight_results() {
	attack(|parties| {
		let (pod, flooder) = (parties.pod.clone(), parties.stranger.clone());
		let job = proving(parties);
		next_block();
		// Ever more of it is taken, until it does not count: by two calls, since none may take all.
		let flood = |pokes| {
			for pokes in [600, pokes] {
				flooder.send(heavy(pokes)).unwrap();
			}
		};
		let limits = RuntimeBlockWeights::get();
		let limit = limits.get(DispatchClass::Normal).max_total.unwrap();
		let mut taken = 0;
		let (mut fullest, mut counted) = (0.0, true);
		while counted {
			taken += 40;
			flood(taken);
			let used = System::block_weight().get(DispatchClass::Normal).ref_time();
			counted = next_block().counted;
			if counted {
				fullest = used as f64 / limit.ref_time() as f64;
			}
		}
		println!("blocks count that are up to {:.0} % full", 100.0 * fullest);
		assert!(fullest > 0.6, "{fullest}: at the load that fees aim for every block counts");
		// In the first that does not, there is still room for one.
		flood(taken);
		parties.does(&pod, valid_result(job, &pod.account));
	});
}

#[test]
fn stuffing_the_agenda_costs_its_deposits_and_delays_nobody() {
	attack(|parties| {
		let (client, stranger) = (parties.client.clone(), parties.stranger.clone());
		let flooders = parties.rogues.clone();
		// Hundreds of jobs end in the tick in which an honest one does.
		let mut before = Vec::new();
		for flooder in &flooders {
			before.push(flooder.held());
			for _ in 0..100 {
				parties.does(flooder, pallet_jobs::Call::open { request: request() });
			}
		}
		let job = pallet_jobs::NextJobId::<Runtime>::get();
		parties.does(&client, pallet_jobs::Call::open { request: request() });
		skip_ticks(31);
		// Before anything is swept it is over, and its client may have it said.
		assert_eq!(Jobs::view(job).unwrap().stage, Stage::Expired);
		parties.does(&stranger, poke(job));
		assert_eq!((parties.costs.fees(&stranger), client.held()), (0, 0));
		let mut blocks = 0;
		while pallet_jobs::Jobs::<Runtime>::iter_keys().next().is_some() {
			assert!(next_block().counted, "the sweep does not make a block look full");
			blocks += 1;
		}
		println!("500 jobs in one slot were swept in {blocks} blocks");
		for (flooder, before) in flooders.iter().zip(before) {
			assert_eq!(flooder.held(), before);
			assert!(parties.costs.fees(flooder) > 50 * MILLI_POD);
			parties.have_lost(&[(flooder, 0)]);
		}
	});
}

#[test]
fn poking_for_nothing_costs_the_fee() {
	attack(|parties| {
		let (stranger, client) = (parties.stranger.clone(), parties.client.clone());
		let job = open(&client, request());
		for _ in 0..10 {
			let nothing = JobsError::<Runtime>::NothingToDo;
			parties.is_refused(&stranger, poke(job), nothing);
		}
		assert_eq!(parties.costs.fees(&stranger), 10 * stranger.fee(poke(job)));
		parties.is_refused(&stranger, poke(JobId(99)), JobsError::<Runtime>::JobNotFound);
	});
}

#[test]
fn a_stranger_can_do_nothing_to_a_job() {
	attack(|parties| {
		let (stranger, rogue) = (parties.stranger.clone(), parties.rogues[0].clone());
		let (client, pod) = (parties.client.clone(), parties.pod.clone());
		let job = open(&client, request());
		let not_client = JobsError::<Runtime>::NotClient;
		parties.is_refused(&stranger, cancel(job), not_client);
		parties.is_refused(&stranger, lock(job), PodsError::<Runtime>::NotRegistered);
		parties.does(&pod, lock(job));
		for call in [acknowledge(job), release(job)] {
			parties.is_refused(&rogue, call, JobsError::<Runtime>::NotPod);
		}
		parties.does(&pod, acknowledge(job));
		for call in [discard(job), valid_result(job, &rogue.account)] {
			parties.is_refused(&rogue, call, JobsError::<Runtime>::NotPod);
		}
		pass_ticks(1);
		parties.does(&pod, valid_result(job, &pod.account));
		parties.have_lost(&[(&stranger, 0), (&rogue, 0)]);
	});
}
