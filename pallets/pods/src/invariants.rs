// SPDX-License-Identifier: Apache-2.0

//! What must hold between any two blocks.

use crate::{Attestations, Config, HoldReason, Operators, Pallet, PodStatus, Pods};
use alloc::collections::BTreeMap;
use frame_support::{ensure, traits::fungible::InspectHold};
use proofpod_primitives::{
	pod::{is_tag, TrackRecord},
	Balance,
};
use sp_runtime::{AccountId32, DispatchError};

impl<T: Config> Pallet<T> {
	/// What must hold between any two blocks.
	///
	/// * pods are as many as they are counted;
	/// * each profile and each attested tag is well formed, each track record within its bounds,
	///   and a pod without live jobs has nothing at risk, and one without faults none that was
	///   dear;
	/// * operators and pods name one another, and no operator is a pod;
	/// * what is held from an account is its pod's bond, and nothing without a pod, and the
	///   deposits of its attestations.
	pub fn do_try_state() -> Result<(), DispatchError> {
		let mut bonds = BTreeMap::<AccountId32, Balance>::new();
		let mut operators = 0u32;
		for (pod, record) in Pods::<T>::iter() {
			ensure!(
				record.profile.is_well_formed() || record.status != PodStatus::Active,
				"the profile of a pod that takes jobs must be well formed"
			);
			ensure!(
				record.live_jobs > 0 || record.exposure == 0,
				"a pod without live jobs must have nothing at risk"
			);
			ensure!(
				record.faults > 0 || record.fault_price == 0,
				"a pod without faults must have none that was dear"
			);
			let weights = record.record.good.saturating_add(record.record.bad);
			ensure!(weights <= TrackRecord::MOST, "a track record must be within its bounds");
			if let Some(operator) = record.operator {
				ensure!(
					Operators::<T>::get(&operator).as_ref() == Some(&pod),
					"a pod's operator must be known as such"
				);
				ensure!(!Pods::<T>::contains_key(&operator), "an operator must not be a pod");
				operators = operators.saturating_add(1);
			}
			bonds.insert(pod, record.bond);
		}
		ensure!(
			bonds.len() as u64 == u64::from(Pods::<T>::count()),
			"pods must be as many as they are counted"
		);
		ensure!(
			Operators::<T>::iter_keys().count() as u64 == u64::from(operators),
			"every operator must have a pod"
		);

		let mut deposits = BTreeMap::<AccountId32, Balance>::new();
		for (_, issuer, attestation) in Attestations::<T>::iter() {
			ensure!(
				!attestation.tags.is_empty() && attestation.tags.iter().all(|tag| is_tag(tag)),
				"attested tags must be well formed"
			);
			let sum = deposits.entry(issuer).or_default();
			*sum = sum.checked_add(attestation.deposit).ok_or("the sum of deposits must fit")?;
		}

		for account in frame_system::Account::<T>::iter_keys() {
			let held = |reason: HoldReason| {
				<T as Config>::Currency::balance_on_hold(&reason.into(), &account)
			};
			ensure!(
				held(HoldReason::PodBond) == bonds.remove(&account).unwrap_or_default(),
				"what is held from an account must be its pod's bond"
			);
			ensure!(
				held(HoldReason::AttestationDeposit)
					== deposits.remove(&account).unwrap_or_default(),
				"what is held from an account must be the sum of its attestations' deposits"
			);
		}
		ensure!(bonds.is_empty(), "a pod must be an account");
		ensure!(deposits.is_empty(), "an issuer must be an account");
		Ok(())
	}
}
