// SPDX-License-Identifier: Apache-2.0

//! What the jobs pallet asks of pods, and tells of them.

use crate::{
	Attestations, AveragePrice, Config, Discipline, EndedJob, Error, Event, JobEnd, Operators,
	Pallet, PodRecord, PodStatus, Pods, SuspensionReason,
};
use frame_support::{ensure, traits::Get};
use proofpod_primitives::{job::RequiredTag, pod::TrackRecord, Balance};
use sp_runtime::{AccountId32, DispatchError};

impl<T: Config> Pallet<T> {
	/// The pod that an account speaks for: itself, or the one that it operates.
	///
	/// Fails with [`Error::NotRegistered`].
	pub fn acting(signer: &AccountId32) -> Result<AccountId32, DispatchError> {
		if Pods::<T>::contains_key(signer) {
			return Ok(signer.clone());
		}
		Ok(Operators::<T>::get(signer).ok_or(Error::<T>::NotRegistered)?)
	}

	/// The record of a pod that may lock a job with this bond.
	///
	/// Fails with [`Error::NotRegistered`], [`Error::PodIsLeaving`], [`Error::PodIsSuspended`] or
	/// [`Error::Overcommitted`].
	pub fn admit(pod: &AccountId32, bond: Balance) -> Result<PodRecord, DispatchError> {
		let record = Pods::<T>::get(pod).ok_or(Error::<T>::NotRegistered)?;
		ensure!(record.status == PodStatus::Active, Error::<T>::PodIsLeaving);
		ensure!(!record.is_suspended(Self::now()), Error::<T>::PodIsSuspended);
		ensure!(bond <= record.headroom(T::MaxExposure::get()), Error::<T>::Overcommitted);
		Ok(record)
	}

	/// Whether a pod carries a tag: by its own word where that is enough, else by the attestation
	/// of the issuer that is named.
	pub fn carries(pod: &AccountId32, record: &PodRecord, tag: &RequiredTag<AccountId32>) -> bool {
		match &tag.attested_by {
			None => record.profile.tags.contains(&tag.tag),
			Some(issuer) => Attestations::<T>::get(pod, issuer).is_some_and(|attestation| {
				Self::now() < attestation.expires && attestation.tags.contains(&tag.tag)
			}),
		}
	}

	/// Notes that a pod has shown that it is there.
	pub fn seen(pod: &AccountId32) {
		Self::mutate_known(pod, |record| record.last_seen = Self::now());
	}

	/// Counts a job that a pod has locked with this bond; [`admit`](Self::admit) comes first.
	pub fn job_locked(pod: &AccountId32, bond: Balance) {
		Self::mutate_known(pod, |record| record.job_locked(Self::now(), bond));
	}

	/// Counts the end of a job that a pod had locked, and enters it into the pod's track record.
	/// Jobs that it did not prove suspend the pod unless others make up for them.
	pub fn job_ended(pod: &AccountId32, job: EndedJob) {
		let (now, average) = (Self::now(), AveragePrice::<T>::get());
		let weight = TrackRecord::weight(job.price, average);
		let period = Self::period();
		let discipline = Discipline {
			threshold: T::SuspensionThreshold::get(),
			base: T::SuspensionBase::get(),
			most: T::MaxSuspension::get(),
		};
		let change = Self::mutate_known(pod, |record| {
			let (from, before) = (record.state(now, period), record.suspended_until);
			record.job_ended(now, &job, weight, discipline);
			(record.suspended_until != before).then(|| (from, record.state(now, period)))
		});
		if let Some((from, to)) = change.flatten() {
			let reason = SuspensionReason::Failures;
			Self::deposit_event(Event::PodSuspended { pod: pod.clone(), from, to, reason });
		}
		if job.end == JobEnd::Settled {
			AveragePrice::<T>::put(next_average(average, job.price));
		}
	}

	/// Changes the record of a pod, if it is one.
	fn mutate_known<R>(pod: &AccountId32, change: impl FnOnce(&mut PodRecord) -> R) -> Option<R> {
		Pods::<T>::mutate(pod, |record| record.as_mut().map(change))
	}
}

/// Weights, in millionths, of the jobs that the average remembers: 1,024 of the greatest.
const WINDOW: Balance = 1_024_000_000;
/// A job counts as if it had cost this multiple of the average at most.
const MOST_OF_AVERAGE: Balance = 4;

/// The average after one more job has been paid.
///
/// It moves by a part of the difference, in proportion to the job's own weight. So it takes about
/// as much money to lower it with many cheap jobs as to raise it with few dear ones, and however
/// dear one is, it moves the average by less than a four-hundredth.
pub(crate) fn next_average(average: Balance, price: Balance) -> Balance {
	let price = price.min(average.saturating_mul(MOST_OF_AVERAGE));
	let weight = Balance::from(TrackRecord::weight(price, average));
	let step =
		price.abs_diff(average).saturating_mul(weight).checked_div(WINDOW).unwrap_or_default();
	if price > average {
		average.saturating_add(step)
	} else {
		average.saturating_sub(step)
	}
}
