// SPDX-License-Identifier: Apache-2.0

//! # Models
//!
//! A registry of the neural networks that jobs may run.
//!
//! ## Terminology
//!
//! * **Manifest**: everything that identifies a model, by digest: the quantised network, both
//!   Groth16 keys, the sizes of input and output, who may read output and weights, and where the
//!   keys come from.
//! * **Model id**: BLAKE2b-256 of the SCALE-encoded manifest. The same manifest is the same model.
//! * **Artefacts**: the files that the digests in the manifest name. They lie elsewhere; the
//!   registry knows where, as a list of URIs.
//! * **Version**: a better network for the same purpose is another model, which its owner may
//!   register as the next version of the one that it replaces.
//! * **Deprecated**: takes no new jobs; those that exist run to their end.
//!
//! ## Concepts
//!
//! A manifest never changes, because it is the model's identity; where its artefacts lie may. The
//! verifying key must stand in the registry of [`pallet_proofs`], with as many public inputs as the
//! manifest says, and cannot be removed while a model refers to it. The owner pays a deposit by the
//! byte, held on the owner's own account.
//!
//! A model counts its live jobs and cannot be removed while there are any, so that every job that
//! was opened can be settled.
//!
//! A model that replaces another must be the same owner's, so nobody can put a network of their own
//! after somebody else's. To replace is not to deprecate: clients learn of the next version, and
//! the old one takes jobs until its owner closes it. Every model has one successor at most; when
//! that is removed, there may be another.
//!
//! ## Example
//!
//! Alice has registered a verifying key. She sends `register(manifest, uris)` and tells Bob the
//! model's id; Bob checks the artefacts against the manifest's digests and opens a job, for which
//! the jobs pallet calls [`Pallet::acquire`]. When Alice has a better network she sends
//! `register(manifest, uris, Some(old))`, which makes it version 2, and `deprecate(old)`; after
//! Bob's job has ended, `remove(old)` gives her deposit back.

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

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
pub mod migrations;
mod record;
mod uri;
pub mod weights;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use pallet::*;
pub use record::ModelRecord;
pub use uri::is_artefact_uri;
pub use weights::WeightInfo;

use codec::Encode;
use core::cmp::Ordering;
use frame_support::{
	ensure,
	pallet_prelude::DispatchResult,
	traits::{fungible::MutateHold, tokens::Precision, Get, StorageVersion},
};
use pallet_proofs::Pallet as Proofs;
use proofpod_primitives::{
	manifest::{ArtefactUris, ModelManifest},
	Balance, ModelId, VerifyingKeyId,
};
use sp_runtime::{AccountId32, DispatchError};

/// Layout of the storage.
const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

// The macros expand to `expect`s; what is written here has none.
#[allow(clippy::expect_used)]
#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use frame_support::pallet_prelude::*;
	use frame_system::pallet_prelude::*;

	/// The pallet.
	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	/// What the runtime decides.
	#[pallet::config]
	pub trait Config:
		frame_system::Config<AccountId = AccountId32> + pallet_proofs::Config
	{
		/// Currency in which deposits are held.
		type Currency: MutateHold<
			AccountId32,
			Reason = <Self as Config>::RuntimeHoldReason,
			Balance = Balance,
		>;

		/// The runtime's reasons to hold funds.
		type RuntimeHoldReason: From<HoldReason>;

		/// Part of a model's deposit that does not depend on its size.
		#[pallet::constant]
		type DepositBase: Get<Balance>;

		/// Deposit for each byte of a model's manifest and URIs, SCALE-encoded.
		#[pallet::constant]
		type DepositPerByte: Get<Balance>;

		/// Weights of the calls.
		type WeightInfo: WeightInfo;
	}

	/// Why this pallet holds funds.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// Deposit for a registered model.
		#[codec(index = 0)]
		ModelDeposit,
	}

	/// Registered models.
	#[pallet::storage]
	pub type Models<T: Config> = StorageMap<_, Blake2_128Concat, ModelId, ModelRecord>;

	/// What happened.
	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A model was registered.
		ModelRegistered {
			/// The model.
			model: ModelId,
			/// Who pays its deposit and may change its entry.
			owner: AccountId32,
			/// The verifying key of its circuit.
			verifying_key: VerifyingKeyId,
			/// Its version.
			version: u32,
			/// The model that it replaces.
			replaces: Option<ModelId>,
			/// What was held.
			deposit: Balance,
		},
		/// A model's artefacts lie elsewhere now.
		UrisUpdated {
			/// The model.
			model: ModelId,
			/// What was held for it until now.
			from: Balance,
			/// What is held for it from now on.
			to: Balance,
		},
		/// A model takes no new jobs.
		ModelDeprecated {
			/// The model.
			model: ModelId,
		},
		/// A model was removed and its deposit released.
		ModelRemoved {
			/// The model.
			model: ModelId,
			/// What was released.
			deposit: Balance,
		},
	}

	/// Why a call was refused.
	#[pallet::error]
	pub enum Error<T> {
		/// A model with this manifest is registered already.
		ModelExists,
		/// No model with this id is registered.
		ModelUnknown,
		/// The model takes no new jobs.
		ModelDeprecated,
		/// Live jobs still need the model.
		ModelInUse,
		/// Only the account that registered the model may do this.
		NotOwner,
		/// The manifest cannot belong to a model: its version, name or numbers are out of range.
		MalformedManifest,
		/// An artefact's address is not an `https://`, `s3://` or `file://` URI.
		MalformedUri,
		/// The manifest's verifying key is not registered: register it first.
		KeyUnknown,
		/// The verifying key's number of public inputs is not what the manifest gives.
		WrongInputCount,
		/// The model that it should replace has been replaced already: replace its successor.
		AlreadyReplaced,
		/// The model has as many live jobs as can be counted.
		TooManyJobs,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn integrity_test() {
			assert!(
				<T as Config>::DepositPerByte::get() > 0,
				"storage that costs nothing would be filled by anyone"
			);
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Registers a model against a deposit, as the next version of another one if it replaces
		/// one of the sender's. Its verifying key must be registered.
		#[pallet::call_index(0)]
		#[pallet::weight(<T as Config>::WeightInfo::register())]
		pub fn register(
			origin: OriginFor<T>,
			manifest: ModelManifest,
			uris: ArtefactUris,
			replaces: Option<ModelId>,
		) -> DispatchResult {
			let owner = ensure_signed(origin)?;
			Self::do_register(owner, manifest, uris, replaces)
		}

		/// Replaces the list of places where a model's artefacts lie. Its owner only.
		///
		/// The deposit follows the new list's size, at today's price.
		#[pallet::call_index(1)]
		#[pallet::weight(<T as Config>::WeightInfo::update_uris())]
		pub fn update_uris(
			origin: OriginFor<T>,
			model: ModelId,
			uris: ArtefactUris,
		) -> DispatchResult {
			let owner = ensure_signed(origin)?;
			Self::do_update_uris(&owner, model, uris)
		}

		/// Closes a model to new jobs, for good. Its owner only.
		#[pallet::call_index(2)]
		#[pallet::weight(<T as Config>::WeightInfo::deprecate())]
		pub fn deprecate(origin: OriginFor<T>, model: ModelId) -> DispatchResult {
			let owner = ensure_signed(origin)?;
			Self::mutate_owned(&owner, &model, |record| {
				ensure!(!record.deprecated, Error::<T>::ModelDeprecated);
				record.deprecated = true;
				Ok(())
			})?;
			Self::deposit_event(Event::ModelDeprecated { model });
			Ok(())
		}

		/// Removes a model that has no live jobs, and releases its deposit and its verifying key.
		/// Its owner only.
		#[pallet::call_index(3)]
		#[pallet::weight(<T as Config>::WeightInfo::remove())]
		pub fn remove(origin: OriginFor<T>, model: ModelId) -> DispatchResult {
			let owner = ensure_signed(origin)?;
			Self::do_remove(&owner, model)
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// A registered model.
		pub fn model(model: ModelId) -> Option<ModelRecord> {
			Models::<T>::get(model)
		}

		/// The deposit for a model with this manifest and these URIs.
		pub fn model_deposit(manifest: ModelManifest, uris: ArtefactUris) -> Balance {
			Self::deposit_for(&manifest, &uris)
		}
	}
}

impl<T: Config> Pallet<T> {
	/// Counts a new job of a model and gives its manifest.
	///
	/// Fails with [`Error::ModelUnknown`], [`Error::ModelDeprecated`] or [`Error::TooManyJobs`].
	pub fn acquire(id: &ModelId) -> Result<ModelManifest, DispatchError> {
		Models::<T>::try_mutate(id, |record| {
			let record = record.as_mut().ok_or(Error::<T>::ModelUnknown)?;
			ensure!(!record.deprecated, Error::<T>::ModelDeprecated);
			record.jobs = record.jobs.checked_add(1).ok_or(Error::<T>::TooManyJobs)?;
			Ok(record.manifest.clone())
		})
	}

	/// Counts the end of a job of a model. Does nothing where there is none.
	pub fn release(id: &ModelId) {
		Models::<T>::mutate_extant(id, |record| {
			record.jobs = record.jobs.saturating_sub(1);
		});
	}

	/// The manifest of a registered model, deprecated or not.
	pub fn manifest(id: &ModelId) -> Option<ModelManifest> {
		Models::<T>::get(id).map(|record| record.manifest)
	}

	/// The deposit for a model with this manifest and these URIs.
	pub fn deposit_for(manifest: &ModelManifest, uris: &ArtefactUris) -> Balance {
		let bytes = manifest.encoded_size().saturating_add(uris.encoded_size());
		<T as Config>::DepositBase::get()
			.saturating_add(<T as Config>::DepositPerByte::get().saturating_mul(bytes as Balance))
	}

	fn do_register(
		owner: AccountId32,
		manifest: ModelManifest,
		uris: ArtefactUris,
		replaces: Option<ModelId>,
	) -> DispatchResult {
		ensure!(manifest.is_well_formed(), Error::<T>::MalformedManifest);
		ensure!(uris.iter().all(|uri| is_artefact_uri(uri)), Error::<T>::MalformedUri);
		let model = manifest.id();
		ensure!(!Models::<T>::contains_key(model), Error::<T>::ModelExists);
		let verifying_key = manifest.verifying_key;
		let inputs = Proofs::<T>::public_inputs(&verifying_key).ok_or(Error::<T>::KeyUnknown)?;
		ensure!(inputs == manifest.public_inputs(), Error::<T>::WrongInputCount);

		let version = replaces.map_or(Ok(1), |old| Self::replace(&owner, &old, model))?;
		Proofs::<T>::reference(&verifying_key)?;
		let deposit = Self::deposit_for(&manifest, &uris);
		Self::adjust_hold(&owner, 0, deposit)?;
		let record = ModelRecord {
			owner: owner.clone(),
			deposit,
			version,
			replaces,
			replaced_by: None,
			manifest,
			uris,
			deprecated: false,
			jobs: 0,
		};
		Models::<T>::insert(model, record);

		Self::deposit_event(Event::ModelRegistered {
			model,
			owner,
			verifying_key,
			version,
			replaces,
			deposit,
		});
		Ok(())
	}

	/// Makes `new` the successor of one of the owner's models, and gives its version.
	fn replace(owner: &AccountId32, old: &ModelId, new: ModelId) -> Result<u32, DispatchError> {
		Self::mutate_owned(owner, old, |record| {
			ensure!(record.replaced_by.is_none(), Error::<T>::AlreadyReplaced);
			record.replaced_by = Some(new);
			Ok(record.version.saturating_add(1))
		})
	}

	fn do_update_uris(owner: &AccountId32, model: ModelId, uris: ArtefactUris) -> DispatchResult {
		ensure!(uris.iter().all(|uri| is_artefact_uri(uri)), Error::<T>::MalformedUri);
		let (from, to) = Self::mutate_owned(owner, &model, |record| {
			let (from, to) = (record.deposit, Self::deposit_for(&record.manifest, &uris));
			Self::adjust_hold(owner, from, to)?;
			record.deposit = to;
			record.uris = uris;
			Ok((from, to))
		})?;
		Self::deposit_event(Event::UrisUpdated { model, from, to });
		Ok(())
	}

	fn do_remove(owner: &AccountId32, model: ModelId) -> DispatchResult {
		let record = Models::<T>::get(model).ok_or(Error::<T>::ModelUnknown)?;
		ensure!(record.owner == *owner, Error::<T>::NotOwner);
		ensure!(record.jobs == 0, Error::<T>::ModelInUse);

		Models::<T>::remove(model);
		if let Some(old) = &record.replaces {
			Models::<T>::mutate_extant(old, |old| {
				// One that was removed and registered again may have another successor.
				if old.replaced_by == Some(model) {
					old.replaced_by = None;
				}
			});
		}
		Proofs::<T>::dereference(&record.manifest.verifying_key);
		Self::adjust_hold(owner, record.deposit, 0)?;

		Self::deposit_event(Event::ModelRemoved { model, deposit: record.deposit });
		Ok(())
	}

	/// Changes a model's record on its owner's behalf.
	fn mutate_owned<R>(
		owner: &AccountId32,
		model: &ModelId,
		change: impl FnOnce(&mut ModelRecord) -> Result<R, DispatchError>,
	) -> Result<R, DispatchError> {
		Models::<T>::try_mutate(model, |record| {
			let record = record.as_mut().ok_or(Error::<T>::ModelUnknown)?;
			ensure!(record.owner == *owner, Error::<T>::NotOwner);
			change(record)
		})
	}

	/// Makes what is held for one model `new` instead of `old`.
	fn adjust_hold(owner: &AccountId32, old: Balance, new: Balance) -> DispatchResult {
		let reason = HoldReason::ModelDeposit.into();
		match new.cmp(&old) {
			Ordering::Greater => {
				<T as Config>::Currency::hold(&reason, owner, new.saturating_sub(old))
			},
			// A deposit that something else had touched must not make the model immovable.
			Ordering::Less => <T as Config>::Currency::release(
				&reason,
				owner,
				old.saturating_sub(new),
				Precision::BestEffort,
			)
			.map(|_| ()),
			Ordering::Equal => Ok(()),
		}
	}
}

#[cfg(any(feature = "try-runtime", feature = "std"))]
impl<T: Config> Pallet<T> {
	/// What must hold between any two blocks.
	///
	/// * each model's id is its manifest's, and its manifest and URIs are well formed;
	/// * each verifying key is registered, fits the manifest, and has at least as many references
	///   as there are models of it;
	/// * each successor is registered, names its predecessor, and is the same owner's;
	/// * what is held from an account is the sum of the deposits of its models.
	pub fn do_try_state() -> Result<(), DispatchError> {
		use alloc::collections::BTreeMap;
		use frame_support::traits::fungible::InspectHold;

		let mut deposits = BTreeMap::<AccountId32, Balance>::new();
		let mut references = BTreeMap::<VerifyingKeyId, u32>::new();
		for (id, record) in Models::<T>::iter() {
			ensure!(record.manifest.id() == id, "a model's id must be its manifest's");
			ensure!(record.manifest.is_well_formed(), "a manifest must be well formed");
			ensure!(
				record.uris.iter().all(|uri| is_artefact_uri(uri)),
				"an artefact's address must be well formed"
			);
			if let Some(next) = record.replaced_by.map(Models::<T>::get) {
				ensure!(
					next.is_some_and(|next| {
						next.replaces == Some(id) && next.owner == record.owner
					}),
					"a successor must be registered, name its predecessor, and be its owner's"
				);
			}
			let key = record.manifest.verifying_key;
			ensure!(
				Proofs::<T>::public_inputs(&key) == Some(record.manifest.public_inputs()),
				"a model's verifying key must be registered and fit the manifest"
			);
			let count = references.entry(key).or_default();
			*count = count.checked_add(1).ok_or("the number of models must fit")?;
			let sum = deposits.entry(record.owner).or_default();
			*sum = sum.checked_add(record.deposit).ok_or("the sum of deposits must fit")?;
		}
		for (key, count) in references {
			ensure!(
				Proofs::<T>::key_info(key).is_some_and(|info| count <= info.references),
				"a verifying key must have a reference for each of its models"
			);
		}
		for account in frame_system::Account::<T>::iter_keys() {
			ensure!(
				<T as Config>::Currency::balance_on_hold(
					&HoldReason::ModelDeposit.into(),
					&account
				) == deposits.remove(&account).unwrap_or_default(),
				"what is held from an account must be the sum of its models' deposits"
			);
		}
		ensure!(deposits.is_empty(), "the owner of a model must be an account");
		Ok(())
	}
}
