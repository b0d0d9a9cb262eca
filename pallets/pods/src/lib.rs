// SPDX-License-Identifier: Apache-2.0

//! # Pods
//!
//! A registry of the machines that run models and prove it.
//!
//! ## Terminology
//!
//! * **Pod**: a machine, known by its account, that does inference and proves it.
//! * **Profile**: what a pod says of itself: where clients deliver their inputs, the key to which
//!   they seal them, where it stands, which models it serves.
//! * **Key epoch**: counts the pod's encryption keys. A client names the epoch that it sealed to, so
//!   a pod that has changed its key still knows which one opens an input.
//! * **Bond**: held from the pod for as long as it is registered.
//! * **Live job**: one that the pod has locked and that has not ended for it.
//! * **Track record**: how the pod's jobs ended.
//!
//! ## Concepts
//!
//! A pod is [`Active`](PodStatus::Active) or [`Leaving`](PodStatus::Leaving). A leaving pod takes no
//! new jobs and finishes those that it has; it may still update its profile, so that its clients can
//! reach it. After the unbonding period, and only when it has no live job, it may withdraw its bond,
//! which removes it and its track record. There is no way back from leaving: a pod that changes its
//! mind withdraws and registers again, with an empty record, so that nobody can dodge the period.
//!
//! The bond belongs to the registration. What a pod risks on a single job is held apart, by the jobs
//! pallet.
//!
//! ## Example
//!
//! Carol sends `register(profile)`; her bond is held. The jobs pallet asks [`Pallet::admit`] before
//! she locks a job and calls [`Pallet::job_locked`]; when the job ends, [`Pallet::job_ended`] enters
//! it into her record. She sends `leave()`, waits for the unbonding period, and `withdraw()` releases
//! her bond.

#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(
	not(test),
	deny(
		clippy::unwrap_used,
		clippy::expect_used,
		clippy::indexing_slicing,
		clippy::arithmetic_side_effects,
		clippy::panic
	)
)]

extern crate alloc;

mod record;
pub mod weights;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use pallet::*;
pub use record::{JobEnd, PodRecord, PodStatus};
pub use weights::WeightInfo;

use frame_support::{
	ensure,
	pallet_prelude::DispatchResult,
	traits::{fungible::MutateHold, tokens::Precision, Get},
};
use proofpod_primitives::{
	pod::{PodProfile, TrackRecord},
	Balance, BlockNumber,
};
use sp_runtime::{traits::SaturatedConversion, AccountId32, DispatchError};

// The macros expand to `expect`s; what is written here has none.
#[allow(clippy::expect_used)]
#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use frame_support::pallet_prelude::*;
	use frame_system::pallet_prelude::*;

	/// The pallet.
	#[pallet::pallet]
	pub struct Pallet<T>(_);

	/// What the runtime decides.
	#[pallet::config]
	pub trait Config: frame_system::Config<AccountId = AccountId32> {
		/// Currency in which bonds are held.
		type Currency: MutateHold<
			AccountId32,
			Reason = <Self as Config>::RuntimeHoldReason,
			Balance = Balance,
		>;

		/// The runtime's reasons to hold funds.
		type RuntimeHoldReason: From<HoldReason>;

		/// What a pod bonds when it registers.
		#[pallet::constant]
		type Bond: Get<Balance>;

		/// Blocks between a pod's leaving and the first block in which it may withdraw.
		#[pallet::constant]
		type UnbondingPeriod: Get<BlockNumber>;

		/// Weights of the calls.
		type WeightInfo: WeightInfo;
	}

	/// Why this pallet holds funds.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// Bond of a registered pod.
		#[codec(index = 0)]
		PodBond,
	}

	/// Registered pods.
	#[pallet::storage]
	pub type Pods<T: Config> = StorageMap<_, Blake2_128Concat, AccountId32, PodRecord>;

	/// What happened.
	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A pod was registered.
		PodRegistered {
			/// The pod.
			pod: AccountId32,
			/// What was held.
			bond: Balance,
		},
		/// A pod changed its profile.
		ProfileUpdated {
			/// The pod.
			pod: AccountId32,
			/// Epoch of its encryption key from now on.
			key_epoch: u32,
		},
		/// A pod takes no new jobs.
		PodLeaving {
			/// The pod.
			pod: AccountId32,
			/// First block in which it may withdraw its bond.
			withdrawable_from: BlockNumber,
		},
		/// A pod was removed and its bond released.
		PodWithdrawn {
			/// The pod.
			pod: AccountId32,
			/// What was released.
			bond: Balance,
		},
	}

	/// Why a call was refused.
	#[pallet::error]
	pub enum Error<T> {
		/// This account is registered as a pod already: update its profile instead.
		AlreadyRegistered,
		/// No pod is registered under this account.
		NotRegistered,
		/// The pod is leaving: it takes no new jobs, cannot leave twice, and can register again only
		/// after it has withdrawn.
		PodIsLeaving,
		/// The pod has not left: leave first.
		NotLeaving,
		/// The unbonding period is not over.
		StillUnbonding,
		/// The pod has live jobs: they must end first.
		LiveJobs,
		/// The profile is of no use to clients: its endpoint must be an `http://` or `https://` URL,
		/// its encryption key not all zeroes, its region two capital letters.
		MalformedProfile,
		/// The pod has changed its encryption key as often as can be counted.
		TooManyKeyEpochs,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn integrity_test() {
			assert!(T::Bond::get() > 0, "a pod must have something at stake");
			assert!(
				T::UnbondingPeriod::get() > 0,
				"a pod must not leave and withdraw in one block"
			);
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Registers the sender as a pod and holds its bond.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::register())]
		pub fn register(origin: OriginFor<T>, profile: PodProfile) -> DispatchResult {
			let pod = ensure_signed(origin)?;
			Self::do_register(pod, profile)
		}

		/// Replaces the pod's profile. A new encryption key begins a new key epoch.
		///
		/// A leaving pod may do so too: its clients must be able to reach it.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::update())]
		pub fn update(origin: OriginFor<T>, profile: PodProfile) -> DispatchResult {
			let pod = ensure_signed(origin)?;
			Self::do_update(pod, profile)
		}

		/// Stops taking jobs, for good. The bond may be withdrawn after the unbonding period.
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::leave())]
		pub fn leave(origin: OriginFor<T>) -> DispatchResult {
			let pod = ensure_signed(origin)?;
			Self::do_leave(pod)
		}

		/// Releases the bond and removes the pod, once the unbonding period is over and it has no
		/// live job.
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::withdraw())]
		pub fn withdraw(origin: OriginFor<T>) -> DispatchResult {
			let pod = ensure_signed(origin)?;
			Self::do_withdraw(pod)
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// A registered pod.
		pub fn pod(pod: AccountId32) -> Option<PodRecord> {
			Pods::<T>::get(pod)
		}

		/// Share of a registered pod's acknowledged jobs that were settled, in thousandths.
		pub fn reputation(pod: AccountId32) -> Option<u16> {
			Pods::<T>::get(pod).map(|record| record.record.reputation())
		}
	}
}

impl<T: Config> Pallet<T> {
	/// The record of a pod that may take a new job.
	///
	/// Fails with [`Error::NotRegistered`] or [`Error::PodIsLeaving`].
	pub fn admit(who: &AccountId32) -> Result<PodRecord, DispatchError> {
		let record = Pods::<T>::get(who).ok_or(Error::<T>::NotRegistered)?;
		ensure!(record.status.takes_jobs(), Error::<T>::PodIsLeaving);
		Ok(record)
	}

	/// Counts a job that a pod has locked; [`admit`](Self::admit) comes first.
	pub fn job_locked(who: &AccountId32) {
		Pods::<T>::mutate_extant(who, |record| {
			record.live_jobs = record.live_jobs.saturating_add(1);
		});
	}

	/// Counts the end of a job that a pod had locked, and enters it into the pod's track record.
	pub fn job_ended(who: &AccountId32, end: JobEnd) {
		Pods::<T>::mutate_extant(who, |record| record.job_ended(end));
	}

	fn now() -> BlockNumber {
		frame_system::Pallet::<T>::block_number().saturated_into()
	}

	fn do_register(pod: AccountId32, profile: PodProfile) -> DispatchResult {
		ensure!(profile.is_well_formed(), Error::<T>::MalformedProfile);
		if let Some(record) = Pods::<T>::get(&pod) {
			return Err(match record.status {
				PodStatus::Active => Error::<T>::AlreadyRegistered,
				PodStatus::Leaving { .. } => Error::<T>::PodIsLeaving,
			}
			.into());
		}

		let bond = T::Bond::get();
		T::Currency::hold(&HoldReason::PodBond.into(), &pod, bond)?;
		let record = PodRecord {
			profile,
			key_epoch: 0,
			bond,
			status: PodStatus::Active,
			live_jobs: 0,
			record: TrackRecord::default(),
		};
		Pods::<T>::insert(&pod, record);

		Self::deposit_event(Event::PodRegistered { pod, bond });
		Ok(())
	}

	fn do_update(pod: AccountId32, profile: PodProfile) -> DispatchResult {
		ensure!(profile.is_well_formed(), Error::<T>::MalformedProfile);
		let key_epoch = Self::mutate_registered(&pod, |record| {
			if record.profile.encryption_key != profile.encryption_key {
				record.key_epoch =
					record.key_epoch.checked_add(1).ok_or(Error::<T>::TooManyKeyEpochs)?;
			}
			record.profile = profile;
			Ok(record.key_epoch)
		})?;
		Self::deposit_event(Event::ProfileUpdated { pod, key_epoch });
		Ok(())
	}

	fn do_leave(pod: AccountId32) -> DispatchResult {
		let withdrawable_from = Self::now().saturating_add(T::UnbondingPeriod::get());
		Self::mutate_registered(&pod, |record| {
			ensure!(record.status.takes_jobs(), Error::<T>::PodIsLeaving);
			record.status = PodStatus::Leaving { withdrawable_from };
			Ok(())
		})?;
		Self::deposit_event(Event::PodLeaving { pod, withdrawable_from });
		Ok(())
	}

	fn do_withdraw(pod: AccountId32) -> DispatchResult {
		let record = Pods::<T>::get(&pod).ok_or(Error::<T>::NotRegistered)?;
		let PodStatus::Leaving { withdrawable_from } = record.status else {
			return Err(Error::<T>::NotLeaving.into());
		};
		ensure!(Self::now() >= withdrawable_from, Error::<T>::StillUnbonding);
		ensure!(record.live_jobs == 0, Error::<T>::LiveJobs);

		Pods::<T>::remove(&pod);
		let bond = T::Currency::release(
			&HoldReason::PodBond.into(),
			&pod,
			record.bond,
			// A bond that something else had touched must not keep the pod from leaving.
			Precision::BestEffort,
		)?;

		Self::deposit_event(Event::PodWithdrawn { pod, bond });
		Ok(())
	}

	/// Changes the record of a registered pod.
	fn mutate_registered<R>(
		pod: &AccountId32,
		change: impl FnOnce(&mut PodRecord) -> Result<R, DispatchError>,
	) -> Result<R, DispatchError> {
		Pods::<T>::try_mutate(pod, |record| {
			change(record.as_mut().ok_or(Error::<T>::NotRegistered)?)
		})
	}
}

#[cfg(any(feature = "try-runtime", test))]
impl<T: Config> Pallet<T> {
	/// What must hold between any two blocks.
	///
	/// * each profile is well formed;
	/// * what is held from an account is its pod's bond, and nothing without a pod.
	pub(crate) fn do_try_state() -> Result<(), DispatchError> {
		use alloc::collections::BTreeMap;
		use frame_support::traits::fungible::InspectHold;

		let mut bonds = BTreeMap::<AccountId32, Balance>::new();
		for (pod, record) in Pods::<T>::iter() {
			ensure!(record.profile.is_well_formed(), "a profile must be well formed");
			bonds.insert(pod, record.bond);
		}
		for account in frame_system::Account::<T>::iter_keys() {
			ensure!(
				T::Currency::balance_on_hold(&HoldReason::PodBond.into(), &account)
					== bonds.remove(&account).unwrap_or_default(),
				"what is held from an account must be its pod's bond"
			);
		}
		ensure!(bonds.is_empty(), "a pod must be an account");
		Ok(())
	}
}
