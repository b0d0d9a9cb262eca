// SPDX-License-Identifier: Apache-2.0

//! From version 0, in which models had no versions, to version 1.

use crate::{Config, ModelRecord, Models, Pallet, WeightInfo};
use core::marker::PhantomData;
use frame_support::{
	migrations::{MigrationId, SteppedMigration, SteppedMigrationError},
	traits::{GetStorageVersion, StorageVersion},
	weights::WeightMeter,
};
use proofpod_primitives::ModelId;

/// The old layout.
pub mod v0 {
	// `storage_alias` writes a struct without documentation.
	#![allow(missing_docs)]

	use super::{Config, ModelId, Pallet};
	use codec::{Decode, Encode};
	use frame_support::{storage_alias, Blake2_128Concat};
	use proofpod_primitives::{
		manifest::{ArtefactUris, ModelManifest},
		Balance,
	};
	use sp_runtime::AccountId32;

	/// A registered model.
	#[derive(Clone, Debug, Encode, Decode)]
	pub struct ModelRecord {
		/// Who paid the deposit.
		pub owner: AccountId32,
		/// What was held for it.
		pub deposit: Balance,
		/// What the model is.
		pub manifest: ModelManifest,
		/// Where its artefacts lay.
		pub uris: ArtefactUris,
		/// Whether it was closed to new jobs.
		pub deprecated: bool,
		/// Number of its live jobs.
		pub jobs: u32,
	}

	/// Registered models.
	#[storage_alias]
	pub type Models<T: Config> = StorageMap<Pallet<T>, Blake2_128Concat, ModelId, ModelRecord>;
}

/// The migration.
pub struct V1<T>(PhantomData<T>);

impl<T: Config> SteppedMigration for V1<T> {
	/// The model changed last.
	type Cursor = ModelId;
	type Identifier = MigrationId<13>;

	fn id() -> Self::Identifier {
		MigrationId { pallet_id: *b"pallet-models", version_from: 0, version_to: 1 }
	}

	fn step(
		mut cursor: Option<Self::Cursor>,
		meter: &mut WeightMeter,
	) -> Result<Option<Self::Cursor>, SteppedMigrationError> {
		let weight = <T as Config>::WeightInfo::migrate();
		if !meter.can_consume(weight) {
			return Err(SteppedMigrationError::InsufficientWeight { required: weight });
		}
		if Pallet::<T>::on_chain_storage_version() != 0 {
			return Ok(None);
		}
		while meter.try_consume(weight).is_ok() {
			let mut rest = match &cursor {
				None => v0::Models::<T>::iter(),
				Some(last) => v0::Models::<T>::iter_from(v0::Models::<T>::hashed_key_for(last)),
			};
			let Some((model, old)) = rest.next() else {
				StorageVersion::new(1).put::<Pallet<T>>();
				return Ok(None);
			};
			let v0::ModelRecord { owner, deposit, manifest, uris, deprecated, jobs } = old;
			let (replaces, replaced_by) = (None, None);
			let record = ModelRecord {
				owner,
				deposit,
				version: 1,
				replaces,
				replaced_by,
				manifest,
				uris,
				deprecated,
				jobs,
			};
			Models::<T>::insert(model, record);
			cursor = Some(model);
		}
		Ok(cursor)
	}
}
