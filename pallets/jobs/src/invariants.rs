// SPDX-License-Identifier: Apache-2.0

//! What must hold of the whole state between any two extrinsics.

use crate::{
	Agenda, AgendaCursor, ClientJobs, Config, HoldReason, JobOf, Jobs, NextJobId, Pallet, Receipts,
	Retries,
};
use alloc::collections::{BTreeMap, BTreeSet};
use frame_support::{ensure, traits::fungible::InspectHold};
use proofpod_primitives::{Balance, JobId, ModelId, Tick};
use sp_runtime::{AccountId32, TryRuntimeError};

/// What live jobs say that others owe and count.
#[derive(Default)]
struct Obligations {
	payments: BTreeMap<AccountId32, Balance>,
	deposits: BTreeMap<AccountId32, Balance>,
	bonds: BTreeMap<AccountId32, Balance>,
	locks: BTreeMap<AccountId32, u32>,
	jobs_of_clients: BTreeMap<AccountId32, u32>,
	jobs_of_models: BTreeMap<ModelId, u32>,
}

fn add<K: Ord>(sums: &mut BTreeMap<K, Balance>, key: K, amount: Balance) {
	let sum = sums.entry(key).or_default();
	*sum = sum.saturating_add(amount);
}

fn count<K: Ord>(counts: &mut BTreeMap<K, u32>, key: K) {
	let number = counts.entry(key).or_default();
	*number = number.saturating_add(1);
}

impl Obligations {
	fn enter<T: Config>(&mut self, job: &JobOf<T>) {
		add(&mut self.payments, job.client.clone(), job.request.price.max);
		add(&mut self.deposits, job.client.clone(), job.deposit_held());
		count(&mut self.jobs_of_clients, job.client.clone());
		count(&mut self.jobs_of_models, job.request.model);
		if let Some(lock) = job.state.lock() {
			add(&mut self.bonds, lock.pod.clone(), job.terms.bond);
			count(&mut self.locks, lock.pod.clone());
		}
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

/// Checks one live job by itself.
fn check_job<T: Config>(id: JobId, job: &JobOf<T>, cursor: Tick) -> Result<(), TryRuntimeError> {
	ensure!(id < NextJobId::<T>::get(), "a job has a number that was never given");
	ensure!(!Receipts::<T>::contains_key(id), "a live job has a receipt");
	let terms = &job.terms;
	ensure!(
		terms.discard_slash <= terms.missed_slash
			&& terms.missed_slash <= terms.bond
			&& terms.lapse_fee <= terms.bond
			&& terms.client_share <= 1000
			&& terms.market_fee <= 1000,
		"a job's terms take more than its bond, or than its price"
	);
	ensure!(
		terms.lapse_fee.saturating_mul(terms.max_lapses.into()) <= terms.deposit,
		"a job's deposit does not cover the fees of its lapses"
	);
	ensure!(job.lapses < terms.max_lapses, "a job is live after its last lapse");
	ensure!(
		job.failure.is_none() || job.failover_until().is_some(),
		"a job is live after a failure that ended it"
	);
	let barred: BTreeSet<_> = job.barred.iter().collect();
	ensure!(barred.len() == job.barred.len(), "a pod is barred twice");
	let named = &job.request.requirements.pods;
	ensure!(!named.iter().any(|pod| barred.contains(pod)), "a pod that was named is barred");
	if let Some(lock) = job.state.lock() {
		ensure!(lock.price <= job.request.price.max, "a lock's price exceeds the payment");
		ensure!(!barred.contains(&lock.pod), "a pod has a job from which it is barred");
	}
	let slot = Retries::<T>::get(id).unwrap_or_else(|| job.due_from());
	ensure!(Agenda::<T>::contains_key(slot, id), "a live job is not in its slot");
	ensure!(slot >= cursor, "a live job stands before the agenda's cursor");
	Ok(())
}

impl<T: Config> Pallet<T> {
	/// Checks that holds equal what live jobs owe, that every live job stands in exactly one slot
	/// of the agenda, and that the counters of clients, pods and models agree with the jobs.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		let mut owed = Obligations::default();
		let mut live = 0usize;
		let cursor = AgendaCursor::<T>::get();
		for (id, job) in Jobs::<T>::iter() {
			live = live.saturating_add(1);
			check_job::<T>(id, &job, cursor)?;
			owed.enter::<T>(&job);
		}

		ensure!(Agenda::<T>::iter_keys().count() == live, "the agenda has an entry too many");
		ensure!(
			Retries::<T>::iter_keys().all(Jobs::<T>::contains_key),
			"a job that has ended waits for another try"
		);
		ensure!(
			holds_equal::<T>(HoldReason::JobPayment, &owed.payments),
			"payments on hold differ from what live jobs say"
		);
		ensure!(
			holds_equal::<T>(HoldReason::JobDeposit, &owed.deposits),
			"deposits on hold differ from what live jobs say"
		);
		ensure!(
			holds_equal::<T>(HoldReason::JobBond, &owed.bonds),
			"bonds on hold differ from what stored locks say"
		);
		ensure!(
			ClientJobs::<T>::iter().collect::<BTreeMap<_, _>>() == owed.jobs_of_clients,
			"a client's live jobs differ from those that name it"
		);
		for (pod, record) in pallet_pods::Pods::<T>::iter() {
			ensure!(
				record.live_jobs == owed.locks.remove(&pod).unwrap_or_default(),
				"a pod's live jobs differ from its stored locks"
			);
			ensure!(
				record.exposure == owed.bonds.remove(&pod).unwrap_or_default(),
				"a pod's exposure differs from the bonds of its stored locks"
			);
		}
		ensure!(owed.locks.is_empty(), "a lock belongs to an account that is no pod");
		for (model, record) in pallet_models::Models::<T>::iter() {
			ensure!(
				record.jobs == owed.jobs_of_models.remove(&model).unwrap_or_default(),
				"a model's jobs differ from the live jobs that name it"
			);
		}
		ensure!(owed.jobs_of_models.is_empty(), "a job names a model that is not registered");
		Ok(())
	}
}
