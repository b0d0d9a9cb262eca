// SPDX-License-Identifier: Apache-2.0

//! A chain of the first layout gets this runtime while jobs are under way.
//!
//! The old chain is made from a new one: what it did not have is taken out of the storage again.

use crate::{
	chain::{begin_block, end_block, new_chain, next_block, skip_ticks, Signer},
	scenario::{
		acknowledge, cancel, lock, open, poke, publish, register, request, sealed_model,
		valid_result,
	},
};
use frame_support::{
	migrations::{MultiStepMigrator, SteppedMigration},
	traits::{
		fungible::InspectHold,
		tokens::{fungible::MutateHold, Precision},
		GetStorageVersion, StorageVersion,
	},
	weights::WeightMeter,
};
use pallet_jobs::{
	migrations::v1::v0 as jobs_v0, runtime_api::runtime_decl_for_jobs_api::JobsApiV2, HoldReason,
};
use pallet_models::migrations::v1::v0 as models_v0;
use pallet_pods::{migrations::v1::v0 as pods_v0, PodStatus};
use proofpod_primitives::{
	job::{Job, Lock, Outcome, StoredState},
	EncryptionKey, JobId, Tick,
};
use proofpod_runtime::{
	configs::{governance::MaxServiceWeight, market::PodUnbondingPeriod},
	units::POD,
	AccountId, Balances, Block, Clock, Jobs, Migrations, Models, Pods, Runtime, System,
};
use sp_runtime::ExtrinsicInclusionMode;

/// What a job paid in the old chain, and what its pod bonded: its highest price.
const PRICE: u128 = 10 * POD;

fn old_lock(lock: Lock<AccountId>) -> jobs_v0::Lock {
	jobs_v0::Lock {
		pod: lock.pod.into(),
		price: lock.price,
		key_epoch: lock.key_epoch,
		acknowledge_by: lock.acknowledge_by.0,
		prove_by: lock.prove_by.0,
	}
}

fn old_job(job: Job<AccountId>) -> jobs_v0::Job {
	let (windows, requirements) = (job.request.windows, job.request.requirements);
	jobs_v0::Job {
		rules: 1,
		client: job.client,
		request: jobs_v0::JobRequest {
			model: job.request.model,
			input: job.request.input,
			output_key: job.request.output_key,
			price: job.request.price,
			windows: jobs_v0::Windows {
				lock: windows.lock,
				acknowledge: windows.acknowledge,
				prove: windows.prove,
			},
			requirements: jobs_v0::Requirements {
				pods: requirements.pods,
				regions: requirements.regions,
				min_reputation: requirements.min_reputation,
				tier: requirements.tier,
			},
		},
		terms: jobs_v0::BondTerms {
			bond: PRICE,
			missed_slash: PRICE,
			discard_slash: PRICE / 5,
			client_share: 500,
		},
		opened: job.opened.0,
		state: match job.state {
			StoredState::Open => jobs_v0::StoredState::Open,
			StoredState::Locked(lock) => jobs_v0::StoredState::Locked(old_lock(lock)),
			StoredState::Proving(lock) => jobs_v0::StoredState::Proving(old_lock(lock)),
		},
	}
}

/// Gives the chain the first layout, as if its pods had settled three jobs and missed one.
fn make_old() {
	let reason = HoldReason::JobDeposit.into();
	for (id, job) in pallet_jobs::Jobs::<Runtime>::iter().collect::<Vec<_>>() {
		// The old agenda had other slots, and some entries waited to be tried again.
		pallet_jobs::Agenda::<Runtime>::remove(job.due_from(), id);
		pallet_jobs::Agenda::<Runtime>::insert(Tick(5_000), id, ());
		if id.0 % 2 == 0 {
			pallet_jobs::Retries::<Runtime>::insert(id, Tick(5_000));
		}
		Balances::release(
			&reason,
			&job.client,
			job.terms.deposit_after(job.lapses),
			Precision::Exact,
		)
		.unwrap();
		pallet_jobs::ClientJobs::<Runtime>::remove(&job.client);
		jobs_v0::Jobs::<Runtime>::insert(id, old_job(job));
	}
	for (account, pod) in pallet_pods::Pods::<Runtime>::iter().collect::<Vec<_>>() {
		pallet_pods::Pods::<Runtime>::remove(&account);
		let record = pods_v0::PodRecord {
			profile: pods_v0::PodProfile {
				endpoint: pod.profile.endpoint,
				encryption_key: pod.profile.encryption_key,
				region: pod.profile.regions[0],
				models: vec![sealed_model().id()],
			},
			key_epoch: pod.key_epoch,
			bond: pod.bond,
			status: pods_v0::PodStatus::Active,
			live_jobs: pod.live_jobs,
			record: pods_v0::TrackRecord { settled: 3, missed: 1, ..Default::default() },
		};
		pods_v0::Pods::<Runtime>::insert(account, record);
	}
	for (id, model) in pallet_models::Models::<Runtime>::iter().collect::<Vec<_>>() {
		let record = models_v0::ModelRecord {
			owner: model.owner,
			deposit: model.deposit,
			manifest: model.manifest,
			uris: model.uris,
			deprecated: model.deprecated,
			jobs: model.jobs,
		};
		models_v0::Models::<Runtime>::insert(id, record);
	}
	for put in
		[StorageVersion::put::<Pods>, StorageVersion::put::<Jobs>, StorageVersion::put::<Models>]
	{
		put(&StorageVersion::new(0));
	}
	pallet_clock::Ticks::<Runtime>::kill();
	frame_system::LastRuntimeUpgrade::<Runtime>::kill();
}

/// Passes blocks until the migrations are over, and gives their number.
fn migrate() -> u32 {
	let start = System::block_number();
	assert!(is_said_to_migrate(), "the new code is there, the new storage is not");
	let mut mode = begin_block();
	let tick = Clock::now();
	assert_eq!(tick, Tick(start), "the clock starts at the height");
	while Migrations::ongoing() {
		let inherents = ExtrinsicInclusionMode::OnlyInherents;
		assert_eq!(mode, inherents, "no transaction may see a half-changed storage");
		assert!(is_said_to_migrate(), "what is live may look as if it were not");
		let finished = end_block();
		assert!(!finished.counted, "time stands still");
		mode = begin_block();
	}
	for version in [
		Pods::on_chain_storage_version(),
		Jobs::on_chain_storage_version(),
		Models::on_chain_storage_version(),
	] {
		assert_eq!(version, 1);
	}
	assert!(!is_said_to_migrate());
	check();
	System::block_number() - start
}

/// What the runtime answers to nodes.
fn is_said_to_migrate() -> bool {
	<Runtime as JobsApiV2<Block, AccountId>>::migrating()
}

fn check() {
	Pods::do_try_state().unwrap();
	Jobs::do_try_state().unwrap();
	Models::do_try_state().unwrap();
}

#[test]
fn jobs_under_way_keep_their_rules() {
	new_chain(10, 10_000 * POD).execute_with(|| {
		let [client, pod, other] = [1, 2, 3].map(Signer::new);
		begin_block();
		publish(&Signer::new(0), &[sealed_model()]);
		register(&[pod.clone(), other.clone()]);
		let jobs: [JobId; 5] = std::array::from_fn(|_| open(&client, request()));
		let [cancelled, locked, proving, lapsing, missing] = jobs;
		for job in [locked, proving] {
			pod.send(lock(job)).unwrap();
		}
		for job in [lapsing, missing] {
			other.send(lock(job)).unwrap();
		}
		pod.send(acknowledge(proving)).unwrap();
		other.send(acknowledge(missing)).unwrap();
		end_block();
		make_old();
		let (client_before, pod_before) = (client.total(), pod.total());
		assert!(migrate() >= 2, "the block of the upgrade, and at least one for the changes");

		let record = Pods::pod(pod.account.clone()).unwrap();
		assert_eq!((record.live_jobs, record.exposure), (2, 2 * PRICE));
		assert_eq!((record.record.settled, record.record.missed), (3, 1));
		assert_eq!(record.record.reputation(), 375, "three of four jobs, and two units for doubt");
		assert_eq!(Pods::heartbeat_period(), 200);
		assert_eq!(Models::model(sealed_model().id()).unwrap().version, 1);
		assert_eq!(Jobs::live_of(client.account.clone()), 5);

		let spent = |call: proofpod_runtime::RuntimeCall, signer: &Signer| {
			let before = signer.total();
			signer.send(call).unwrap();
			signer.total().abs_diff(before)
		};
		let fee = spent(acknowledge(locked), &pod);
		for job in [locked, proving] {
			let call = valid_result(job, &pod.account);
			pod.send(call).unwrap();
		}
		assert_eq!(
			pod.total(),
			pod_before + 2 * PRICE - fee,
			"no market fee: the old rules had none"
		);
		let cancelling = spent(cancel(cancelled), &client);
		skip_ticks(11);
		client.send(poke(lapsing)).unwrap();
		assert_eq!(other.held(), 100 * POD + PRICE, "a lapse released the bond and cost nothing");
		skip_ticks(100);
		for job in [lapsing, missing] {
			client.send(poke(job)).unwrap();
		}
		let Outcome::Failed { slashed, compensation, .. } = Jobs::receipt(missing).unwrap().outcome
		else {
			panic!("expected a failure");
		};
		assert_eq!((slashed, compensation), (PRICE, PRICE / 2));
		assert_eq!(Jobs::receipt(lapsing).unwrap().outcome, Outcome::Expired);
		assert_eq!(client.total(), client_before - 2 * PRICE - cancelling + PRICE / 2);
		assert_eq!(client.held(), 0);
		assert_eq!(Balances::total_balance_on_hold(&pod.account), 100 * POD);
		check();
	});
}

#[test]
fn many_entries_take_many_blocks_and_none_takes_more_than_it_may() {
	new_chain(40, 10_000 * POD).execute_with(|| {
		begin_block();
		publish(&Signer::new(0), &[sealed_model()]);
		let pods: Vec<Signer> = (1..=10).map(Signer::new).collect();
		register(&pods);
		let mut opened = 0u32;
		for client in (11..=30).map(Signer::new) {
			for number in 0..100 {
				let job = open(&client, request());
				if number % 20 == 0 {
					let pod = &pods[number / 10];
					pod.send(lock(job)).unwrap();
				}
				opened += 1;
			}
			next_block();
		}
		end_block();
		make_old();
		let blocks = migrate();
		println!("{opened} jobs changed their layout in {blocks} blocks");
		assert!(blocks > 2, "{blocks}");
		assert_eq!(pallet_jobs::Jobs::<Runtime>::iter().count() as u32, opened);
		let counted: u32 = pallet_jobs::ClientJobs::<Runtime>::iter_values().sum();
		assert_eq!(counted, opened);
	});
}

#[test]
fn the_old_agenda_is_cleared_in_several_steps_however_large_it_is() {
	const ENTRIES: u64 = 30_000;
	let mut chain = new_chain(0, 0);
	chain.execute_with(|| {
		for id in (0..ENTRIES).map(JobId) {
			pallet_jobs::Agenda::<Runtime>::insert(Tick(id.0 as u32 % 7), id, ());
			if id.0 % 2 == 0 {
				pallet_jobs::Retries::<Runtime>::insert(id, Tick(5_000));
			}
		}
		StorageVersion::new(0).put::<Jobs>();
	});
	let (mut cursor, mut steps) = (None, 0);
	loop {
		// As between blocks: what was taken away is gone from the backend, and not only overlaid.
		chain.commit_all().unwrap();
		let next = chain.execute_with(|| {
			let mut meter = WeightMeter::with_limit(MaxServiceWeight::get());
			pallet_jobs::migrations::v1::V1::<Runtime>::step(cursor.take(), &mut meter).unwrap()
		});
		steps += 1;
		let Some(next) = next else { break };
		cursor = Some(next);
	}
	println!("an agenda of {ENTRIES} entries was cleared in {steps} steps");
	assert!(steps >= 3, "{steps}");
	chain.execute_with(|| {
		assert_eq!(pallet_jobs::Agenda::<Runtime>::iter_keys().count(), 0);
		assert_eq!(pallet_jobs::Retries::<Runtime>::iter_keys().count(), 0);
		assert_eq!(Jobs::on_chain_storage_version(), 1);
	});
}

#[test]
fn pods_whose_keys_keep_no_secrets_leave() {
	new_chain(10, 10_000 * POD).execute_with(|| {
		let [good, bad, gone, client] = [1, 2, 3, 4].map(Signer::new);
		begin_block();
		publish(&Signer::new(0), &[sealed_model()]);
		register(&[good.clone(), bad.clone(), gone.clone()]);
		let job = open(&client, request());
		end_block();
		make_old();
		let spoil = |pod: &Signer, status| {
			let mut record = pods_v0::Pods::<Runtime>::get(&pod.account).unwrap();
			record.profile.encryption_key = EncryptionKey([0; 32]);
			record.status = status;
			pods_v0::Pods::<Runtime>::insert(&pod.account, record);
		};
		spoil(&bad, pods_v0::PodStatus::Active);
		spoil(&gone, pods_v0::PodStatus::Leaving { withdrawable_from: 5 });
		let tick = Tick(System::block_number());
		migrate();

		let status = |pod: &Signer| {
			let record = Pods::pod(pod.account.clone()).unwrap();
			assert_eq!((record.lost, record.faults, record.fault_price), (0, 0, 0));
			record.status
		};
		assert_eq!(status(&good), PodStatus::Active);
		let withdrawable_from = tick.after(PodUnbondingPeriod::get());
		assert_eq!(status(&bad), PodStatus::Leaving { withdrawable_from });
		let already = PodStatus::Leaving { withdrawable_from: Tick(5) };
		assert_eq!(status(&gone), already, "who had left waits no longer");

		let leaving = pallet_pods::Error::<Runtime>::PodIsLeaving;
		assert_eq!(bad.send(lock(job)), Err(leaving.into()));
		good.send(lock(job)).unwrap();
		skip_ticks(PodUnbondingPeriod::get());
		for pod in [&bad, &gone] {
			pod.send(pallet_pods::Call::withdraw {}).unwrap();
			assert_eq!(pod.held(), 0);
		}
		check();
	});
}

#[test]
fn a_new_chain_has_nothing_to_migrate() {
	new_chain(2, POD).execute_with(|| {
		assert!(!is_said_to_migrate());
		frame_system::LastRuntimeUpgrade::<Runtime>::kill();
		begin_block();
		assert!(!next_block().counted, "one block is for asking");
		assert!(!Migrations::ongoing());
		assert!(next_block().counted);
		assert_eq!(Clock::now(), Tick(1), "the clock was not set to the height");
	});
}
