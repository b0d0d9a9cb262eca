// SPDX-License-Identifier: Apache-2.0

//! Coming, changing and going.

use crate::{Config, Error, Event, HoldReason, Operators, Pallet, PodRecord, PodStatus, Pods};
use frame_support::{
	ensure,
	pallet_prelude::DispatchResult,
	traits::{fungible::MutateHold, tokens::Precision, Get},
};
use proofpod_primitives::{
	pod::{PodProfile, TrackRecord},
	Balance,
};
use sp_runtime::{AccountId32, DispatchError};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_register(
		pod: AccountId32,
		profile: PodProfile,
		operator: Option<AccountId32>,
	) -> DispatchResult {
		ensure!(profile.is_well_formed(), Error::<T>::MalformedProfile);
		if let Some(record) = Pods::<T>::get(&pod) {
			return Err(match record.status {
				PodStatus::Active => Error::<T>::AlreadyRegistered,
				PodStatus::Leaving { .. } => Error::<T>::PodIsLeaving,
			}
			.into());
		}
		ensure!(!Operators::<T>::contains_key(&pod), Error::<T>::IsOperator);
		ensure!(operator.as_ref() != Some(&pod), Error::<T>::OperatorTaken);
		if let Some(operator) = &operator {
			Self::appoint(operator, &pod)?;
		}

		let bond = T::Bond::get();
		<T as Config>::Currency::hold(&HoldReason::PodBond.into(), &pod, bond)?;
		let now = Self::now();
		let record = PodRecord {
			profile,
			key_epoch: 0,
			operator: operator.clone(),
			bond,
			status: PodStatus::Active,
			live_jobs: 0,
			exposure: 0,
			lost: 0,
			last_seen: now,
			suspended_until: now,
			faults: 0,
			fault_price: 0,
			record: TrackRecord::default(),
		};
		let to = record.state(now, Self::period());
		Pods::<T>::insert(&pod, record);

		Self::deposit_event(Event::PodRegistered { pod, operator, bond, to });
		Ok(())
	}

	pub(crate) fn do_update(pod: AccountId32, profile: PodProfile) -> DispatchResult {
		ensure!(profile.is_well_formed(), Error::<T>::MalformedProfile);
		let (from, to) = Self::mutate_registered(&pod, |record| {
			let from = record.key_epoch;
			if record.profile.encryption_key != profile.encryption_key {
				record.key_epoch = from.checked_add(1).ok_or(Error::<T>::TooManyKeyEpochs)?;
			}
			record.profile = profile;
			Ok((from, record.key_epoch))
		})?;
		Self::deposit_event(Event::ProfileUpdated { pod, from_epoch: from, key_epoch: to });
		Ok(())
	}

	pub(crate) fn do_leave(pod: AccountId32) -> DispatchResult {
		let (now, period) = (Self::now(), Self::period());
		let (from, to) = Self::mutate_registered(&pod, |record| {
			ensure!(record.status == PodStatus::Active, Error::<T>::PodIsLeaving);
			let from = record.state(now, period);
			let withdrawable_from = now.after(T::UnbondingPeriod::get());
			record.status = PodStatus::Leaving { withdrawable_from };
			Ok((from, record.state(now, period)))
		})?;
		Self::deposit_event(Event::PodLeaving { pod, from, to });
		Ok(())
	}

	pub(crate) fn do_withdraw(pod: AccountId32) -> DispatchResult {
		let record = Pods::<T>::get(&pod).ok_or(Error::<T>::NotRegistered)?;
		let PodStatus::Leaving { withdrawable_from } = record.status else {
			return Err(Error::<T>::NotLeaving.into());
		};
		ensure!(Self::now() >= withdrawable_from, Error::<T>::StillUnbonding);
		ensure!(record.live_jobs == 0, Error::<T>::LiveJobs);
		let from = record.state(Self::now(), Self::period());

		Pods::<T>::remove(&pod);
		if let Some(operator) = &record.operator {
			Operators::<T>::remove(operator);
		}
		let bond = <T as Config>::Currency::release(
			&HoldReason::PodBond.into(),
			&pod,
			record.bond,
			// A bond that something else had touched must not keep the pod from leaving.
			Precision::BestEffort,
		)?;

		Self::deposit_event(Event::PodWithdrawn { pod, from, bond });
		Ok(())
	}

	pub(crate) fn do_set_operator(
		signer: AccountId32,
		operator: Option<AccountId32>,
	) -> DispatchResult {
		// An operator may give itself up, and no more.
		let pod = if operator.is_none() { Self::acting(&signer)? } else { signer.clone() };
		let is_owner = signer == pod;
		let (from, forgotten) = Self::mutate_registered(&pod, |record| {
			let from = core::mem::replace(&mut record.operator, operator.clone());
			if let Some(from) = &from {
				Operators::<T>::remove(from);
			}
			if let Some(operator) = &operator {
				Self::appoint(operator, &pod)?;
			}
			Ok((from, if is_owner { record.vouched_for() } else { 0 }))
		})?;
		Self::deposit_event(Event::OperatorChanged { pod, from, to: operator, forgotten });
		Ok(())
	}

	pub(crate) fn do_bond_more(pod: AccountId32, amount: Balance) -> DispatchResult {
		let (from, to, forgotten) = Self::mutate_registered(&pod, |record| {
			ensure!(record.status == PodStatus::Active, Error::<T>::PodIsLeaving);
			<T as Config>::Currency::hold(&HoldReason::PodBond.into(), &pod, amount)?;
			let from = record.bond;
			record.bond = from.saturating_add(amount);
			Ok((from, record.bond, record.vouched_for()))
		})?;
		Self::deposit_event(Event::BondRaised { pod, from, to, forgotten });
		Ok(())
	}

	/// Lets an account work for a pod. It must be free: an account speaks for one pod only.
	fn appoint(operator: &AccountId32, pod: &AccountId32) -> DispatchResult {
		let is_taken = Pods::<T>::contains_key(operator) || Operators::<T>::contains_key(operator);
		ensure!(!is_taken, Error::<T>::OperatorTaken);
		Operators::<T>::insert(operator, pod);
		Ok(())
	}

	/// Changes the record of a registered pod.
	pub(crate) fn mutate_registered<R>(
		pod: &AccountId32,
		change: impl FnOnce(&mut PodRecord) -> Result<R, DispatchError>,
	) -> Result<R, DispatchError> {
		Pods::<T>::try_mutate(pod, |record| {
			change(record.as_mut().ok_or(Error::<T>::NotRegistered)?)
		})
	}
}
