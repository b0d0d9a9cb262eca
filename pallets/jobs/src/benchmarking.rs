// SPDX-License-Identifier: Apache-2.0

//! Benchmarks of the calls, of the sweep and of the migration.
//!
//! Jobs have the longest requirements, their models the most addresses and their pods the longest
//! profiles; operators sign. A claim that is undone on the way is a lapsed one, of another pod: for
//! it client and pod pay, and measured side by side a missed one took less. What is due has failed in a
//! sweep once, so that there is a retry to clear.
//!
//! A benchmark sees the values that are read, not the keys that an iterator passes: where one does,
//! the block reads one value more.

use super::*;
use crate::migrations::v1::{v0, V1};
use alloc::{vec, vec::Vec};
use frame_benchmarking::v2::*;
use frame_support::{
	migrations::SteppedMigration,
	traits::{fungible::Mutate, Get, StorageVersion},
	weights::WeightMeter,
};
use frame_system::RawOrigin;
use pallet_pods::{EndedJob, JobEnd};
use pallet_proofs::forge::ForgedKey;
use proofpod_primitives::{
	job::{JobRequest, PriceRamp, RequiredTag, Requirements, StoredState, Windows},
	manifest::{
		ArtefactUri, ArtefactUris, ModelManifest, ModelName, OutputVisibility, SetupProvenance,
		WeightsVisibility, MANIFEST_VERSION,
	},
	pod::{
		Endpoint, PodProfile, PrivacyTier, Region, Regions, ServedModel, ServedModels, Tag, Tags,
	},
	statement::OutputElements,
	Balance, Digest, EncryptionKey, InputCommitment, JobId, ModelId, OutputKeyCommitment, Scalar,
	Tick, Ticks, VerifyingKeyId, MAX_OUTPUT_ELEMENTS,
};
use sp_runtime::{AccountId32, BoundedVec};

/// A signer, and the pod for which it works.
struct Worker {
	pod: AccountId32,
	operator: AccountId32,
}

/// An account that can pay any price.
fn funded<T: Config>(name: &'static str, number: u32) -> Result<AccountId32, BenchmarkError>
where
	<T as Config>::Currency: Mutate<AccountId32>,
{
	let account = account(name, number, 0);
	<T as Config>::Currency::mint_into(&account, Balance::MAX / 1_000_000)?;
	Ok(account)
}

/// Publishes a model with the longest sealed output.
fn model<T: Config>() -> Result<ModelId, BenchmarkError>
where
	<T as Config>::Currency: Mutate<AccountId32>,
{
	let origin = RawOrigin::Signed(funded::<T>("publisher", 0)?);
	let mut manifest = ModelManifest {
		version: MANIFEST_VERSION,
		name: ModelName::truncate_from(vec![b'n'; 64]),
		interface: Digest([1; 32]),
		verifying_key: VerifyingKeyId([0; 32]),
		proving_key: Digest([3; 32]),
		input_len: u32::MAX,
		output_len: u32::MAX,
		output_elements: MAX_OUTPUT_ELEMENTS,
		output: OutputVisibility::Sealed,
		weights: WeightsVisibility::Withheld,
		setup: SetupProvenance::Ceremony { transcript: Digest([4; 32]) },
	};
	let key = ForgedKey::new(manifest.public_inputs(), 1);
	pallet_proofs::Pallet::<T>::register_key(origin.clone().into(), key.verifying_key())?;
	manifest.verifying_key = key.id();
	let id = manifest.id();
	let uri = ArtefactUri::truncate_from([b"https://".to_vec(), vec![b'a'; 248]].concat());
	let uris = ArtefactUris::truncate_from(vec![uri; 8]);
	pallet_models::Pallet::<T>::register(origin.into(), manifest, uris, None)?;
	Ok(id)
}

/// So many tags of the greatest length.
fn tags(count: u8) -> Vec<Tag> {
	(b'a'..).take(count.into()).map(|letter| Tag::truncate_from(vec![letter; 32])).collect()
}

/// Registers a pod with the longest profile, which has failed once: another failure suspends it.
fn worker<T: Config>(number: u32) -> Result<Worker, BenchmarkError>
where
	<T as Config>::Currency: Mutate<AccountId32>,
{
	let (pod, operator) = (funded::<T>("pod", number)?, funded::<T>("operator", number)?);
	let mut endpoint = b"https://".to_vec();
	endpoint.resize(256, b'a');
	let models = (0..64u8)
		.map(|number| ServedModel { model: ModelId([number; 32]), min_price: Balance::MAX });
	let profile = PodProfile {
		endpoint: Endpoint::truncate_from(endpoint),
		encryption_key: EncryptionKey([1; 32]),
		regions: Regions::truncate_from(vec![Region(*b"CH"); 4]),
		models: ServedModels::truncate_from(models.collect()),
		tags: Tags::truncate_from(tags(16)),
	};
	let origin = RawOrigin::Signed(pod.clone()).into();
	pallet_pods::Pallet::<T>::register(origin, profile, Some(operator.clone()))?;
	pallet_pods::Pallet::<T>::job_locked(&pod, 1);
	let failure = EndedJob { end: JobEnd::Missed, bond: 1, lost: 1, price: Balance::MAX };
	pallet_pods::Pallet::<T>::job_ended(&pod, failure);
	Ok(Worker { pod, operator })
}

/// The longest requirements, which name this pod last and ask for tags that four issuers must
/// attest.
fn requirements(pod: &AccountId32) -> Requirements<AccountId32> {
	let mut pods: Vec<_> = (0..7).map(|number| account("named pod", number, 0)).collect();
	pods.push(pod.clone());
	let mut regions: Vec<_> = (b'A'..).take(7).map(|letter| Region([letter; 2])).collect();
	regions.push(Region(*b"CH"));
	let tags = tags(16)
		.into_iter()
		.rev()
		.zip(0..4)
		.map(|(tag, number)| RequiredTag { tag, attested_by: Some(account("issuer", number, 0)) });
	Requirements {
		pods: BoundedVec::truncate_from(pods),
		regions: BoundedVec::truncate_from(regions),
		min_reputation: 0,
		tier: PrivacyTier::Sealed,
		tags: BoundedVec::truncate_from(tags.collect()),
	}
}

/// Has the four issuers attest all tags of a pod.
fn attest<T: Config>(pod: &AccountId32) -> Result<(), BenchmarkError>
where
	<T as Config>::Currency: Mutate<AccountId32>,
{
	for number in 0..4 {
		let origin = RawOrigin::Signed(funded::<T>("issuer", number)?).into();
		let tags = Tags::truncate_from(tags(16));
		pallet_pods::Pallet::<T>::attest(origin, pod.clone(), tags, Tick(Ticks::MAX))?;
	}
	Ok(())
}

/// A request without requirements, with the shortest windows.
fn request<T: Config>(model: ModelId) -> JobRequest<AccountId32> {
	let price = <T as Config>::MinPrice::get();
	JobRequest {
		model,
		input: InputCommitment([5; 32]),
		output_key: Some(OutputKeyCommitment([6; 32])),
		price: PriceRamp { min: price, max: price.saturating_mul(2), ramp: 1 },
		windows: Windows {
			lock: T::MinWindow::get(),
			acknowledge: T::MinWindow::get(),
			prove: T::MinProveWindow::get(),
			failover: 0,
		},
		requirements: Requirements::default(),
	}
}

/// The client, with a job of its own besides the one that it has opened here.
fn opened<T: Config>() -> Result<(AccountId32, JobId), BenchmarkError>
where
	<T as Config>::Currency: Mutate<AccountId32>,
{
	let (client, model) = (funded::<T>("client", 0)?, model::<T>()?);
	Pallet::<T>::do_open(client.clone(), request::<T>(model))?;
	let job = Pallet::<T>::do_open(client.clone(), request::<T>(model))?;
	Ok((client, job))
}

/// A job that this pod has locked.
fn locked<T: Config>() -> Result<(AccountId32, Worker, JobId), BenchmarkError>
where
	<T as Config>::Currency: Mutate<AccountId32>,
{
	let ((client, job), worker) = (opened::<T>()?, worker::<T>(0)?);
	Pallet::<T>::do_lock(worker.operator.clone(), job, 0)?;
	enlarge::<T>(job, &account("somebody", 0, 0));
	Ok((client, worker, job))
}

/// The same, and the pod has acknowledged it.
fn proving<T: Config>() -> Result<(AccountId32, Worker, JobId), BenchmarkError>
where
	<T as Config>::Currency: Mutate<AccountId32>,
{
	let (client, worker, job) = locked::<T>()?;
	Pallet::<T>::do_acknowledge(worker.operator.clone(), job)?;
	Ok((client, worker, job))
}

/// A job whose pod has not acknowledged it in time; a sweep has failed to carry that out. It `ends`
/// by that, or is open again.
fn lapsed<T: Config>(ends: bool) -> Result<(AccountId32, JobId), BenchmarkError>
where
	<T as Config>::Currency: Mutate<AccountId32>,
{
	let (client, _, id) = locked::<T>()?;
	let due = due::<T>(id);
	if !ends {
		Jobs::<T>::mutate_extant(id, |job| {
			job.request.windows.lock = job.request.windows.lock.saturating_mul(4);
		});
	}
	go_to::<T>(due);
	Agenda::<T>::remove(due, id);
	Agenda::<T>::insert(due.after(1), id, ());
	Retries::<T>::insert(id, due.after(1));
	Ok((client, id))
}

/// Gives a job the longest requirements and a full list of barred pods. It could not have got both
/// by calls, for pods that are named are not barred.
fn enlarge<T: Config>(id: JobId, pod: &AccountId32) {
	let barred = (0..8).map(|number| account("barred pod", number, 0)).collect();
	Jobs::<T>::mutate_extant(id, |job| {
		job.request.requirements = requirements(pod);
		job.barred = BoundedVec::truncate_from(barred);
	});
}

/// When something of a job is due.
fn due<T: Config>(id: JobId) -> Tick {
	Jobs::<T>::get(id).map(|job| job.due_from()).unwrap_or_default()
}

fn go_to<T: Config>(tick: Tick) {
	pallet_clock::Ticks::<T>::put(tick);
}

/// The longest output.
fn output() -> OutputElements {
	OutputElements::truncate_from(vec![Scalar([7; 32]); MAX_OUTPUT_ELEMENTS as usize])
}

#[benchmarks(where <T as Config>::Currency: Mutate<AccountId32>)]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn open() -> Result<(), BenchmarkError> {
		let (client, _) = opened::<T>()?;
		let model = Jobs::<T>::iter_values().next().map(|job| job.request.model);
		let model = model.ok_or(BenchmarkError::Stop("no job"))?;
		let requirements = requirements(&account("pod", 0, 0));
		let request = JobRequest { requirements, ..request::<T>(model) };

		#[extrinsic_call]
		_(RawOrigin::Signed(client.clone()), request);

		assert_eq!(ClientJobs::<T>::get(client), 3);
		Ok(())
	}

	/// A lapsed claim of another pod is undone first.
	#[benchmark]
	fn lock() -> Result<(), BenchmarkError> {
		let (_, job) = lapsed::<T>(false)?;
		let worker = worker::<T>(1)?;
		attest::<T>(&worker.pod)?;
		enlarge::<T>(job, &worker.pod);

		#[extrinsic_call]
		_(RawOrigin::Signed(worker.operator), job, 0);

		let stored = Jobs::<T>::get(job);
		let claim = stored.as_ref().and_then(|job| job.state.lock());
		assert_eq!(claim.map(|claim| &claim.pod), Some(&worker.pod));
		Ok(())
	}

	#[benchmark]
	fn acknowledge() -> Result<(), BenchmarkError> {
		let (_, worker, job) = locked::<T>()?;

		#[extrinsic_call]
		_(RawOrigin::Signed(worker.operator), job);

		let stored = Jobs::<T>::get(job);
		assert!(stored.is_some_and(|job| matches!(job.state, StoredState::Proving(_))));
		Ok(())
	}

	/// All but the verification of the proof, which the proofs pallet's weights charge.
	#[benchmark]
	fn submit_result() -> Result<(), BenchmarkError> {
		let (_, worker, job) = proving::<T>()?;
		let output = output();

		#[block]
		{
			let claim = Pallet::<T>::examine(&worker.operator, job, output)?;
			Pallet::<T>::settle(job, claim)?;
		}

		assert!(Receipts::<T>::contains_key(job));
		Ok(())
	}

	/// A lapsed claim is undone first.
	#[benchmark]
	fn cancel() -> Result<(), BenchmarkError> {
		let (client, job) = lapsed::<T>(false)?;

		#[extrinsic_call]
		_(RawOrigin::Signed(client), job);

		assert!(Receipts::<T>::contains_key(job));
		Ok(())
	}

	/// The job ends.
	#[benchmark]
	fn discard() -> Result<(), BenchmarkError> {
		let (_, worker, job) = proving::<T>()?;

		#[extrinsic_call]
		_(RawOrigin::Signed(worker.operator), job);

		assert!(Receipts::<T>::contains_key(job));
		Ok(())
	}

	/// The job expires, for its time to be locked is over.
	#[benchmark]
	fn release() -> Result<(), BenchmarkError> {
		let ((_, job), worker) = (opened::<T>()?, worker::<T>(0)?);
		let expiry = due::<T>(job);
		go_to::<T>(Tick(expiry.0.saturating_sub(1)));
		Pallet::<T>::do_lock(worker.operator.clone(), job, 0)?;
		enlarge::<T>(job, &account("somebody", 0, 0));
		go_to::<T>(expiry);

		#[extrinsic_call]
		_(RawOrigin::Signed(worker.operator), job);

		assert!(Receipts::<T>::contains_key(job));
		Ok(())
	}

	/// A lapsed job ends.
	#[benchmark]
	fn poke() -> Result<(), BenchmarkError> {
		let (client, job) = lapsed::<T>(true)?;

		#[extrinsic_call]
		_(RawOrigin::Signed(client), job);

		assert!(Receipts::<T>::contains_key(job));
		Ok(())
	}

	/// One slot is due, and there is nothing in it.
	#[benchmark]
	fn tidy_base() {
		let now = Tick(7);
		AgendaCursor::<T>::put(now);

		#[block]
		{
			agenda::tidy::<T>(now, Weight::MAX);
		}

		assert_eq!(AgendaCursor::<T>::get(), now.after(1));
	}

	/// Nothing is in it.
	#[benchmark]
	fn tidy_slot() {
		let slot = Tick(7);
		let mut due = Vec::new();

		#[block]
		{
			due.extend(Agenda::<T>::iter_key_prefix(slot));
			Agenda::<T>::contains_key(slot, JobId(0));
		}

		assert!(due.is_empty());
	}

	/// A lapsed job ends.
	#[benchmark]
	fn tidy_job() -> Result<(), BenchmarkError> {
		let (_, job) = lapsed::<T>(true)?;
		let now = due::<T>(job).after(1);
		let mut due = Vec::new();

		#[block]
		{
			due.extend(Agenda::<T>::iter_key_prefix(now).take(1));
			Agenda::<T>::contains_key(now, job);
			agenda::tidy_job::<T>(now, job, now);
		}

		assert_eq!(due, [job]);
		assert!(Receipts::<T>::contains_key(job));
		Ok(())
	}

	/// The agenda's entries are taken away, and one job changes: steps that are charged alike.
	#[benchmark]
	fn migrate() -> Result<(), BenchmarkError> {
		let (client, worker) = (account("client", 0, 0), worker::<T>(0)?);
		let Requirements { pods, regions, min_reputation, tier, .. } = requirements(&worker.pod);
		let claim = v0::Lock {
			pod: worker.pod.into(),
			price: Balance::MAX,
			key_epoch: u32::MAX,
			acknowledge_by: 1_000,
			prove_by: 2_000,
		};
		let old = v0::Job {
			rules: 1,
			client,
			request: v0::JobRequest {
				model: ModelId([1; 32]),
				input: InputCommitment([5; 32]),
				output_key: Some(OutputKeyCommitment([6; 32])),
				price: PriceRamp { min: 1, max: Balance::MAX, ramp: 1 },
				windows: v0::Windows { lock: 1, acknowledge: 1, prove: 1 },
				requirements: v0::Requirements { pods, regions, min_reputation, tier },
			},
			terms: v0::BondTerms { bond: 1, missed_slash: 1, discard_slash: 1, client_share: 1 },
			opened: 1,
			state: v0::StoredState::Proving(claim),
		};
		let job = JobId(8);
		v0::Jobs::<T>::insert(job, old);
		AgendaCursor::<T>::put(Tick(Ticks::MAX));
		for number in 0..8 {
			Agenda::<T>::insert(Tick(1), JobId(number), ());
			Retries::<T>::insert(JobId(number), Tick(1));
		}
		StorageVersion::new(0).put::<Pallet<T>>();
		let weight = <T as Config>::WeightInfo::migrate();
		let mut meter = WeightMeter::with_limit(weight.saturating_mul(3));

		#[block]
		{
			V1::<T>::step(None, &mut meter).map_err(|_| BenchmarkError::Stop("step"))?;
		}

		assert!(Jobs::<T>::get(job).is_some_and(|job| job.terms.max_lapses == u8::MAX));
		Ok(())
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::ext(), crate::mock::Test);
}
