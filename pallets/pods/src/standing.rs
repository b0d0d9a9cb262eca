// SPDX-License-Identifier: Apache-2.0

//! Whether a pod is there, whether it may take jobs, and what others say of it.

use crate::{
	Attestation, Attestations, Config, Error, Event, HoldReason, Pallet, PodView, Pods,
	SuspensionReason,
};
use codec::Encode;
use core::cmp::Ordering;
use frame_support::{
	dispatch::Pays,
	ensure,
	pallet_prelude::DispatchResult,
	traits::{fungible::MutateHold, tokens::Precision, Get},
};
use proofpod_primitives::{
	pod::{is_tag, Tags},
	Balance, Tick, Ticks,
};
use sp_runtime::{AccountId32, DispatchError};

impl<T: Config> Pallet<T> {
	/// Ticks between a pod's heartbeats: longer the more pods there are, so that a block never has
	/// to bear more than [`Config::HeartbeatsPerBlock`] on average.
	pub(crate) fn period() -> Ticks {
		let pods = Pods::<T>::count();
		// An integrity test refuses 0.
		let spread = pods.div_ceil(T::HeartbeatsPerBlock::get().max(1));
		T::HeartbeatPeriod::get().max(spread)
	}

	/// A registered pod and what holds of it.
	pub fn view(pod: &AccountId32) -> Option<PodView> {
		let record = Pods::<T>::get(pod)?;
		let (now, period) = (Self::now(), Self::period());
		Some(PodView {
			state: record.state(now, period),
			now,
			reputation: record.record.reputation(),
			headroom: record.headroom(T::MaxExposure::get()),
			heartbeat_due: record.last_seen.after(period),
			record,
		})
	}

	/// Notes a heartbeat, and whether the pod pays for it.
	pub(crate) fn do_heartbeat(pod: &AccountId32) -> Result<Pays, DispatchError> {
		let (now, period) = (Self::now(), Self::period());
		Self::mutate_registered(pod, |record| {
			let silence = now.since(record.last_seen);
			ensure!(silence >= period.div_ceil(2), Error::<T>::TooEarly);
			record.last_seen = now;
			Ok(if silence < period { Pays::Yes } else { Pays::No })
		})
	}

	pub(crate) fn do_suspend(pod: AccountId32, until: Tick) -> DispatchResult {
		let (now, period) = (Self::now(), Self::period());
		ensure!(until > now, Error::<T>::AlreadyPast);
		let (from, to) = Self::mutate_registered(&pod, |record| {
			let from = record.state(now, period);
			record.suspended_until = until;
			Ok((from, record.state(now, period)))
		})?;
		let reason = SuspensionReason::Administrators;
		Self::deposit_event(Event::PodSuspended { pod, from, to, reason });
		Ok(())
	}

	pub(crate) fn do_reinstate(pod: AccountId32) -> DispatchResult {
		let (now, period) = (Self::now(), Self::period());
		let (from, to) = Self::mutate_registered(&pod, |record| {
			ensure!(record.is_suspended(now), Error::<T>::NotSuspended);
			let from = record.state(now, period);
			record.suspended_until = now;
			record.forgive();
			Ok((from, record.state(now, period)))
		})?;
		Self::deposit_event(Event::PodReinstated { pod, from, to });
		Ok(())
	}

	pub(crate) fn do_attest(
		issuer: AccountId32,
		pod: AccountId32,
		tags: Tags,
		expires: Tick,
	) -> DispatchResult {
		ensure!(Pods::<T>::contains_key(&pod), Error::<T>::NotRegistered);
		let is_well_formed = !tags.is_empty() && tags.iter().all(|tag| is_tag(tag));
		ensure!(is_well_formed, Error::<T>::MalformedTags);
		ensure!(expires > Self::now(), Error::<T>::AlreadyPast);

		let before = Attestations::<T>::get(&pod, &issuer).map_or(0, |before| before.deposit);
		let deposit = Self::attestation_deposit(&tags);
		Self::adjust_deposit(&issuer, before, deposit)?;
		let attestation = Attestation { tags: tags.clone(), expires, deposit };
		Attestations::<T>::insert(&pod, &issuer, attestation);

		Self::deposit_event(Event::PodAttested { pod, issuer, tags, expires, deposit });
		Ok(())
	}

	pub(crate) fn do_revoke(issuer: AccountId32, pod: AccountId32) -> DispatchResult {
		let attestation = Attestations::<T>::take(&pod, &issuer).ok_or(Error::<T>::NotAttested)?;
		Self::adjust_deposit(&issuer, attestation.deposit, 0)?;
		Self::deposit_event(Event::AttestationRevoked {
			pod,
			issuer,
			tags: attestation.tags,
			deposit: attestation.deposit,
		});
		Ok(())
	}

	/// The deposit for an attestation of these tags.
	fn attestation_deposit(tags: &Tags) -> Balance {
		let bytes = tags.encoded_size() as Balance;
		T::AttestationDepositBase::get()
			.saturating_add(T::AttestationDepositPerByte::get().saturating_mul(bytes))
	}

	/// Makes what is held for one attestation `new` instead of `old`.
	fn adjust_deposit(issuer: &AccountId32, old: Balance, new: Balance) -> DispatchResult {
		let reason = HoldReason::AttestationDeposit.into();
		match new.cmp(&old) {
			Ordering::Greater => {
				<T as Config>::Currency::hold(&reason, issuer, new.saturating_sub(old))
			},
			// A deposit that something else had touched must not make the attestation immovable.
			Ordering::Less => <T as Config>::Currency::release(
				&reason,
				issuer,
				old.saturating_sub(new),
				Precision::BestEffort,
			)
			.map(|_| ()),
			Ordering::Equal => Ok(()),
		}
	}
}
