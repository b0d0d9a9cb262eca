// SPDX-License-Identifier: Apache-2.0

//! What must hold of the whole state between any two extrinsics.

use crate::{
	Agenda, AgendaCursor, Config, HoldReason, JobOf, Jobs, NextJobId, Pallet, Receipts, Retries,
};
use alloc::collections::BTreeMap;
use frame_support::{ensure, traits::fungible::InspectHold};
use proofpod_primitives::{
	job::{Lock, StoredState},
	Balance, ModelId,
};
use sp_runtime::{AccountId32, TryRuntimeError};

/// The lock in a job's record, whether or not it still counts.
fn stored_lock<T: Config>(job: &JobOf<T>) -> Option<&Lock<AccountId32>> {
	match &job.state {
		StoredState::Open => None,
		StoredState::Locked(lock) | StoredState::Proving(lock) => Some(lock),
	}
}

/// Whether every account's hold for `reason` is what its jobs say, zero where it has none.
fn holds_equal<T: Config>(reason: HoldReason, owed: &BTreeMap<AccountId32, Balance>) -> bool {
	let reason = reason.into();
	let held = |who: &AccountId32| <T as Config>::Currency::balance_on_hold(&reason, who);
	owed.iter().all(|(who, amount)| held(who) == *amount)
		&& frame_system::Account::<T>::iter_keys()
			.all(|who| held(&who) == owed.get(&who).copied().unwrap_or_default())
}

fn add<K: Ord>(sums: &mut BTreeMap<K, Balance>, key: K, amount: Balance) {
	let sum = sums.entry(key).or_default();
	*sum = sum.saturating_add(amount);
}

impl<T: Config> Pallet<T> {
	/// Checks that holds equal what live jobs owe, that every live job stands in exactly one slot
	/// of the agenda, and that the counters of pods and models agree with the jobs.
	pub(crate) fn do_try_state() -> Result<(), TryRuntimeError> {
		let mut payments = BTreeMap::new();
		let mut bonds = BTreeMap::new();
		let mut locks = BTreeMap::<AccountId32, Balance>::new();
		let mut jobs_of = BTreeMap::<ModelId, Balance>::new();
		let mut live = 0usize;
		let cursor = AgendaCursor::<T>::get();

		for (id, job) in Jobs::<T>::iter() {
			live = live.saturating_add(1);
			ensure!(id < NextJobId::<T>::get(), "a job has a number that was never given");
			ensure!(!Receipts::<T>::contains_key(id), "a live job has a receipt");
			let terms = &job.terms;
			ensure!(
				terms.discard_slash <= terms.missed_slash
					&& terms.missed_slash <= terms.bond
					&& terms.client_share <= 1000,
				"a job's terms take more than its bond"
			);
			let slot = Retries::<T>::get(id).unwrap_or_else(|| job.overdue_from());
			ensure!(Agenda::<T>::contains_key(slot, id), "a live job is not in its slot");
			ensure!(slot >= cursor, "a live job stands before the agenda's cursor");
			add(&mut payments, job.client.clone(), job.request.price.max);
			add(&mut jobs_of, job.request.model, 1);
			if let Some(lock) = stored_lock::<T>(&job) {
				ensure!(lock.price <= job.request.price.max, "a lock's price exceeds the payment");
				add(&mut bonds, lock.pod.clone(), terms.bond);
				add(&mut locks, lock.pod.clone(), 1);
			}
		}

		ensure!(Agenda::<T>::iter_keys().count() == live, "the agenda has an entry too many");
		ensure!(
			Retries::<T>::iter_keys().all(Jobs::<T>::contains_key),
			"a job that has ended waits for another try"
		);
		ensure!(
			holds_equal::<T>(HoldReason::JobPayment, &payments),
			"payments on hold differ from what live jobs say"
		);
		ensure!(
			holds_equal::<T>(HoldReason::JobBond, &bonds),
			"bonds on hold differ from what stored locks say"
		);
		for (pod, record) in pallet_pods::Pods::<T>::iter() {
			let expected = locks.remove(&pod).unwrap_or_default();
			ensure!(
				Balance::from(record.live_jobs) == expected,
				"a pod's live jobs differ from its stored locks"
			);
		}
		ensure!(locks.is_empty(), "a lock belongs to an account that is no pod");
		for (model, record) in pallet_models::Models::<T>::iter() {
			let expected = jobs_of.remove(&model).unwrap_or_default();
			ensure!(
				Balance::from(record.jobs) == expected,
				"a model's jobs differ from the live jobs that name it"
			);
		}
		ensure!(jobs_of.is_empty(), "a job names a model that is not registered");
		Ok(())
	}
}
