// SPDX-License-Identifier: Apache-2.0

//! What the calls do, free of origins. Each function asks [`Job::phase`] what holds, and either
//! rewrites the job's record ([`Pallet::update`]) or ends the job ([`Pallet::conclude`]).
//!
//! Every function may have written part of its changes when it fails: callers run it in a storage
//! layer, as every dispatchable and the sweep do.

use crate::{
	agenda, escrow, request, Config, Error, Event, JobOf, Jobs, NextJobId, Pallet, Receipts,
};
use frame_support::ensure;
use pallet_pods::JobEnd;
use proofpod_primitives::{
	job::{FailureReason, Job, JobRequest, Lock, Outcome, Phase, Receipt, StoredState, JOB_RULES},
	manifest::OutputVisibility,
	statement::{JobStatement, OutputElements},
	Balance, BlockNumber, GenesisHash, JobId, ProofBytes,
};
use sp_runtime::{
	traits::{SaturatedConversion, Zero},
	AccountId32, DispatchError, DispatchResult,
};

type Models<T> = pallet_models::Pallet<T>;
type Pods<T> = pallet_pods::Pallet<T>;
type Proofs<T> = pallet_proofs::Pallet<T>;

impl<T: Config> Pallet<T> {
	/// The chain's identity in every [`JobStatement`]: the hash of its first block, which the
	/// system pallet keeps when it prunes the others. Meaningful from block 1 on.
	pub fn genesis_hash() -> GenesisHash {
		let hash = frame_system::Pallet::<T>::block_hash(
			frame_system::pallet_prelude::BlockNumberFor::<T>::zero(),
		);
		let mut bytes = [0u8; 32];
		for (to, from) in bytes.iter_mut().zip(hash.as_ref()) {
			*to = *from;
		}
		GenesisHash(bytes)
	}

	pub(crate) fn now() -> BlockNumber {
		frame_system::Pallet::<T>::block_number().saturated_into()
	}

	fn live_job(id: JobId) -> Result<JobOf<T>, Error<T>> {
		Jobs::<T>::get(id).ok_or(Error::<T>::JobNotFound)
	}

	pub(crate) fn do_open(
		client: AccountId32,
		request: JobRequest<AccountId32>,
	) -> Result<JobId, DispatchError> {
		request::check::<T>(&request)?;
		let manifest = Models::<T>::acquire(&request.model)?;
		let sealed = matches!(manifest.output, OutputVisibility::Sealed);
		ensure!(request.output_key.is_some() == sealed, Error::<T>::OutputKeyMismatch);
		let id = NextJobId::<T>::get();
		let next = id.0.checked_add(1).ok_or(Error::<T>::JobIdsExhausted)?;
		NextJobId::<T>::put(JobId(next));

		let (model, max_price) = (request.model, request.price.max);
		escrow::hold_payment::<T>(&client, max_price)?;
		let job = Job {
			rules: JOB_RULES,
			client: client.clone(),
			terms: request::bond_terms::<T>(max_price),
			request,
			opened: Self::now(),
			state: StoredState::Open,
		};
		agenda::insert::<T>(id, &job);
		Jobs::<T>::insert(id, job);
		Self::deposit_event(Event::Opened { job: id, client, model, max_price });
		Ok(id)
	}

	pub(crate) fn do_lock(pod: AccountId32, id: JobId, min_price: Balance) -> DispatchResult {
		let job = Self::live_job(id)?;
		let now = Self::now();
		let Phase::Open { lapsed } = job.phase(now) else {
			return Err(Error::<T>::NotOpen.into());
		};
		let price = job.price_at(now);
		ensure!(price >= min_price, Error::<T>::PriceBelowMinimum);
		let record = Pods::<T>::admit(&pod)?;
		ensure!(
			job.request.requirements.admit(&pod, record.profile.region, record.record.reputation()),
			Error::<T>::RequirementsNotMet
		);

		// The lapsed lock's bond first: the same pod may need it for its new lock.
		if let Some(lapsed) = lapsed {
			Self::take_back(id, &job, lapsed, JobEnd::Unacknowledged)?;
		}
		escrow::hold_bond::<T>(&pod, job.terms.bond)?;
		Pods::<T>::job_locked(&pod);
		let claim = job.lock_at(now, pod.clone(), record.key_epoch);
		Self::update(id, &job, StoredState::Locked(claim));
		Self::deposit_event(Event::Locked { job: id, pod, price, key_epoch: record.key_epoch });
		Ok(())
	}

	pub(crate) fn do_acknowledge(pod: AccountId32, id: JobId) -> DispatchResult {
		let job = Self::live_job(id)?;
		let Phase::Locked(lock) = job.phase(Self::now()) else {
			return Err(Error::<T>::NotLocked.into());
		};
		ensure!(lock.pod == pod, Error::<T>::NotPod);
		Self::update(id, &job, StoredState::Proving(lock.clone()));
		Self::deposit_event(Event::Acknowledged { job: id, pod });
		Ok(())
	}

	/// Checks go from cheap to expensive, so that a hopeless submission costs the block little.
	pub(crate) fn do_submit_result(
		pod: AccountId32,
		id: JobId,
		proof: ProofBytes,
		output: OutputElements,
	) -> DispatchResult {
		let job = Self::live_job(id)?;
		let Phase::Proving(lock) = job.phase(Self::now()) else {
			return Err(Error::<T>::NotProving.into());
		};
		ensure!(lock.pod == pod, Error::<T>::NotPod);
		let manifest =
			Models::<T>::manifest(&job.request.model).ok_or(Error::<T>::ModelNotFound)?;
		ensure!(
			u32::try_from(output.len()) == Ok(manifest.output_elements),
			Error::<T>::OutputLengthMismatch
		);
		let statement = JobStatement {
			genesis: Self::genesis_hash(),
			job: id,
			model: job.request.model,
			pod: pod.clone().into(),
			input: job.request.input,
			output_key: job.request.output_key,
			output: &output,
		};
		Proofs::<T>::check(&manifest.verifying_key, &proof, &statement.public_inputs())?;
		let statement = statement.digest();

		escrow::settle::<T>(&job.client, lock, job.request.price.max, job.terms.bond)?;
		Pods::<T>::job_ended(&pod, JobEnd::Settled);
		let (client, price) = (job.client.clone(), lock.price);
		let outcome = Outcome::Settled { pod: pod.clone(), price, statement, output };
		Self::conclude(id, &job, outcome);
		Self::deposit_event(Event::Settled { job: id, pod, client, price, statement });
		Ok(())
	}

	pub(crate) fn do_cancel(client: AccountId32, id: JobId) -> DispatchResult {
		let job = Self::live_job(id)?;
		ensure!(job.client == client, Error::<T>::NotClient);
		let Phase::Open { lapsed } = job.phase(Self::now()) else {
			return Err(Error::<T>::NotOpen.into());
		};
		Self::end_unlocked(id, &job, lapsed, Outcome::Cancelled)?;
		Self::deposit_event(Event::Cancelled { job: id });
		Ok(())
	}

	pub(crate) fn do_discard(pod: AccountId32, id: JobId) -> DispatchResult {
		let job = Self::live_job(id)?;
		let Phase::Proving(lock) = job.phase(Self::now()) else {
			return Err(Error::<T>::NotProving.into());
		};
		ensure!(lock.pod == pod, Error::<T>::NotPod);
		Self::end_failed(id, &job, lock, FailureReason::Discarded)
	}

	pub(crate) fn do_release(pod: AccountId32, id: JobId) -> DispatchResult {
		let job = Self::live_job(id)?;
		let now = Self::now();
		let Phase::Locked(lock) = job.phase(now) else {
			return Err(Error::<T>::NotLocked.into());
		};
		ensure!(lock.pod == pod, Error::<T>::NotPod);
		if now <= job.lock_by() {
			Self::reopen(id, &job, lock, JobEnd::Released)
		} else {
			// Nobody could lock it any more, and its open slot on the agenda is past.
			Self::take_back(id, &job, lock, JobEnd::Released)?;
			Self::end_unlocked(id, &job, None, Outcome::Expired)?;
			Self::deposit_event(Event::Expired { job: id });
			Ok(())
		}
	}

	pub(crate) fn do_poke(id: JobId) -> DispatchResult {
		let job = Self::live_job(id)?;
		let now = Self::now();
		match job.phase(now) {
			Phase::Open { lapsed: Some(lock) } => {
				Self::reopen(id, &job, lock, JobEnd::Unacknowledged)
			},
			_ => Self::end_overdue(id, &job, now),
		}
	}

	/// Ends a job that is overdue in block `now`.
	pub(crate) fn end_overdue(id: JobId, job: &JobOf<T>, now: BlockNumber) -> DispatchResult {
		match job.phase(now) {
			Phase::Expired { lapsed } => {
				Self::end_unlocked(id, job, lapsed, Outcome::Expired)?;
				Self::deposit_event(Event::Expired { job: id });
				Ok(())
			},
			Phase::Missed(lock) => Self::end_failed(id, job, lock, FailureReason::Missed),
			Phase::Open { .. } | Phase::Locked(_) | Phase::Proving(_) => {
				Err(Error::<T>::NothingToDo.into())
			},
		}
	}

	/// Ends a job that no pod answers for, and refunds its client.
	fn end_unlocked(
		id: JobId,
		job: &JobOf<T>,
		lapsed: Option<&Lock<AccountId32>>,
		outcome: Outcome<AccountId32>,
	) -> DispatchResult {
		if let Some(lapsed) = lapsed {
			Self::take_back(id, job, lapsed, JobEnd::Unacknowledged)?;
		}
		escrow::refund::<T>(&job.client, job.request.price.max)?;
		Self::conclude(id, job, outcome);
		Ok(())
	}

	/// Ends a job whose pod acknowledged and did not prove: slashes it and refunds the client.
	fn end_failed(
		id: JobId,
		job: &JobOf<T>,
		lock: &Lock<AccountId32>,
		reason: FailureReason,
	) -> DispatchResult {
		let (slashed, end) = match reason {
			FailureReason::Discarded => (job.terms.discard_slash, JobEnd::Discarded),
			FailureReason::Missed => (job.terms.missed_slash, JobEnd::Missed),
		};
		let pod = lock.pod.clone();
		let max_price = job.request.price.max;
		let compensation = escrow::slash::<T>(&job.client, &pod, max_price, &job.terms, slashed)?;
		Pods::<T>::job_ended(&pod, end);
		let outcome = Outcome::Failed { pod: pod.clone(), reason, slashed, compensation };
		Self::conclude(id, job, outcome);
		Self::deposit_event(Event::Failed { job: id, pod, reason, slashed, compensation });
		Ok(())
	}

	/// Undoes a lock that has no fault, and opens the job again.
	fn reopen(id: JobId, job: &JobOf<T>, lock: &Lock<AccountId32>, end: JobEnd) -> DispatchResult {
		Self::take_back(id, job, lock, end)?;
		Self::update(id, job, StoredState::Open);
		Ok(())
	}

	/// Releases the bond of a lock that has no fault; the caller disposes of the job.
	fn take_back(
		id: JobId,
		job: &JobOf<T>,
		lock: &Lock<AccountId32>,
		end: JobEnd,
	) -> DispatchResult {
		escrow::release_bond::<T>(&lock.pod, job.terms.bond)?;
		Pods::<T>::job_ended(&lock.pod, end);
		Self::deposit_event(Event::Reopened { job: id, pod: lock.pod.clone() });
		Ok(())
	}

	/// Stores a live job's new state, and moves it on the agenda.
	fn update(id: JobId, stored: &JobOf<T>, state: StoredState<AccountId32>) {
		let job = Job { state, ..stored.clone() };
		agenda::relocate::<T>(id, stored, &job);
		Jobs::<T>::insert(id, job);
	}

	/// Replaces a job, whose balances have been moved, with its receipt. The only way in which a
	/// job leaves [`Jobs`], so that its model is released exactly once.
	fn conclude(id: JobId, stored: &JobOf<T>, outcome: Outcome<AccountId32>) {
		agenda::remove::<T>(id, stored);
		Jobs::<T>::remove(id);
		Models::<T>::release(&stored.request.model);
		let receipt = Receipt {
			client: stored.client.clone(),
			model: stored.request.model,
			block: Self::now(),
			outcome,
		};
		Receipts::<T>::insert(id, receipt);
	}
}
