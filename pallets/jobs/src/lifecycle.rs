// SPDX-License-Identifier: Apache-2.0

//! What the calls do, free of origins. Each function asks [`Job::phase`] what holds, and either
//! rewrites the job's record ([`Pallet::update`]) or ends the job ([`Pallet::conclude`]).
//!
//! Every function may have written part of its changes when it fails: callers run it in a storage
//! layer, as every dispatchable and the sweep do.

use crate::{
	agenda, escrow, request, terms::terms, undoing::Undoing, ClientJobs, Config, Error, Event,
	JobOf, Jobs, NextJobId, Pallet, Receipts,
};
use frame_support::{ensure, traits::Get};
use proofpod_primitives::{
	job::{
		FailureReason, Job, JobRequest, Outcome, Phase, Reason, Receipt, Stage, StoredState,
		JOB_RULES,
	},
	manifest::OutputVisibility,
	Balance, JobId, Tick,
};
use sp_runtime::{traits::SaturatedConversion, AccountId32, DispatchError, DispatchResult};

type Models<T> = pallet_models::Pallet<T>;
type Pods<T> = pallet_pods::Pallet<T>;

impl<T: Config> Pallet<T> {
	pub(crate) fn now() -> Tick {
		pallet_clock::Pallet::<T>::now()
	}

	pub(crate) fn live_job(id: JobId) -> Result<JobOf<T>, Error<T>> {
		Jobs::<T>::get(id).ok_or(Error::<T>::JobNotFound)
	}

	pub(crate) fn do_open(
		client: AccountId32,
		request: JobRequest<AccountId32>,
	) -> Result<JobId, DispatchError> {
		request::check::<T>(&request)?;
		ClientJobs::<T>::try_mutate(&client, |jobs| {
			ensure!(*jobs < T::MaxJobsPerClient::get(), Error::<T>::TooManyJobs);
			*jobs = jobs.saturating_add(1);
			Ok::<_, Error<T>>(())
		})?;
		let manifest = Models::<T>::acquire(&request.model)?;
		let sealed = matches!(manifest.output, OutputVisibility::Sealed);
		ensure!(request.output_key.is_some() == sealed, Error::<T>::OutputKeyMismatch);
		let id = NextJobId::<T>::get();
		let next = id.0.checked_add(1).ok_or(Error::<T>::JobIdsExhausted)?;
		NextJobId::<T>::put(JobId(next));

		let job = Job {
			rules: JOB_RULES,
			client,
			terms: terms::<T>(request.price.max),
			request,
			opened: Self::now(),
			lapses: 0,
			failure: None,
			barred: Default::default(),
			state: StoredState::Open,
		};
		escrow::hold_payment::<T>(&job)?;
		agenda::insert::<T>(id, &job);
		Self::deposit_event(Event::Opened {
			job: id,
			client: job.client.clone(),
			model: job.request.model,
			to: Stage::Open,
			max_price: job.request.price.max,
			deposit: job.terms.deposit,
		});
		Jobs::<T>::insert(id, job);
		Ok(id)
	}

	pub(crate) fn do_lock(signer: AccountId32, id: JobId, min_price: Balance) -> DispatchResult {
		let stored = Self::live_job(id)?;
		let now = Self::now();
		let Phase::Open { undone } = stored.phase(now) else {
			return Err(Error::<T>::NotOpen.into());
		};
		let price = stored.price_at(now);
		ensure!(price >= min_price, Error::<T>::PriceBelowMinimum);
		let pod = Pods::<T>::acting(&signer)?;

		// What is due comes first: the same pod may now be barred, or need that bond for this lock.
		let job = match undone {
			Some(undone) => Self::reopened(id, &stored, undone)?,
			None => stored.clone(),
		};
		ensure!(!job.barred.contains(&pod), Error::<T>::Barred);
		let bond = job.terms.bond;
		let record = Pods::<T>::admit(&pod, bond)?;
		ensure!(
			job.request.requirements.admit(
				&pod,
				&record.profile.regions,
				record.record.reputation(),
				|tag| Pods::<T>::carries(&pod, &record, tag),
			),
			Error::<T>::RequirementsNotMet
		);
		escrow::hold_bond::<T>(&pod, bond)?;
		Pods::<T>::job_locked(&pod, bond);
		let claim = job.lock_at(now, pod, record.key_epoch, record.profile.encryption_key);
		Self::deposit_event(Event::Locked {
			job: id,
			pod: claim.pod.clone(),
			from: Stage::Open,
			to: Stage::Locked,
			price,
			bond,
			key_epoch: claim.key_epoch,
			acknowledge_by: claim.acknowledge_by,
			prove_by: claim.prove_by,
		});
		Self::update(id, &stored, Job { state: StoredState::Locked(claim), ..job });
		Ok(())
	}

	pub(crate) fn do_acknowledge(signer: AccountId32, id: JobId) -> DispatchResult {
		let job = Self::live_job(id)?;
		let Phase::Locked(lock) = job.phase(Self::now()) else {
			return Err(Error::<T>::NotLocked.into());
		};
		let pod = Pods::<T>::acting(&signer)?;
		ensure!(lock.pod == pod, Error::<T>::NotPod);
		Pods::<T>::seen(&pod);
		let prove_by = lock.prove_by;
		let state = StoredState::Proving(lock.clone());
		Self::update(id, &job, Job { state, ..job.clone() });
		Self::deposit_event(Event::Acknowledged {
			job: id,
			pod,
			from: Stage::Locked,
			to: Stage::Proving,
			prove_by,
		});
		Ok(())
	}

	pub(crate) fn do_cancel(client: AccountId32, id: JobId) -> DispatchResult {
		let stored = Self::live_job(id)?;
		ensure!(stored.client == client, Error::<T>::NotClient);
		let Phase::Open { undone } = stored.phase(Self::now()) else {
			return Err(Error::<T>::NotOpen.into());
		};
		let job = match undone {
			Some(undone) => Self::reopened(id, &stored, undone)?,
			None => stored.clone(),
		};
		Self::end_without_result(id, &stored, &job, Outcome::Cancelled, Reason::Withdrawn, None)
	}

	pub(crate) fn do_discard(signer: AccountId32, id: JobId) -> DispatchResult {
		let job = Self::live_job(id)?;
		let now = Self::now();
		let Phase::Proving(lock) = job.phase(now) else {
			return Err(Error::<T>::NotProving.into());
		};
		ensure!(lock.pod == Pods::<T>::acting(&signer)?, Error::<T>::NotPod);
		Self::undo(id, &job, lock, Undoing::Failed(FailureReason::Discarded), now)
	}

	pub(crate) fn do_release(signer: AccountId32, id: JobId) -> DispatchResult {
		let job = Self::live_job(id)?;
		let now = Self::now();
		let Phase::Locked(lock) = job.phase(now) else {
			return Err(Error::<T>::NotLocked.into());
		};
		ensure!(lock.pod == Pods::<T>::acting(&signer)?, Error::<T>::NotPod);
		Self::undo(id, &job, lock, Undoing::Released, now)
	}

	pub(crate) fn do_poke(id: JobId) -> DispatchResult {
		Self::carry_out(id, &Self::live_job(id)?, Self::now())
	}

	/// Stores a live job's new record, and moves it on the agenda.
	pub(crate) fn update(id: JobId, stored: &JobOf<T>, job: JobOf<T>) {
		agenda::relocate::<T>(id, stored, &job);
		Jobs::<T>::insert(id, job);
	}

	/// Replaces a job, whose balances have been moved, with its receipt. The only way in which a
	/// job leaves [`Jobs`], so that its model is released exactly once.
	pub(crate) fn conclude(id: JobId, stored: &JobOf<T>, outcome: Outcome<AccountId32>) {
		agenda::remove::<T>(id, stored);
		Jobs::<T>::remove(id);
		ClientJobs::<T>::mutate_exists(&stored.client, |jobs| {
			*jobs = jobs.and_then(|jobs| jobs.checked_sub(1)).filter(|left| *left > 0);
		});
		Models::<T>::release(&stored.request.model);
		let receipt = Receipt {
			client: stored.client.clone(),
			model: stored.request.model,
			block: frame_system::Pallet::<T>::block_number().saturated_into(),
			outcome,
		};
		Receipts::<T>::insert(id, receipt);
	}
}
