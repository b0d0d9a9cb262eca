// SPDX-License-Identifier: Apache-2.0

//! From version 0, in which a pod stood in one region, had no operator, and its record counted
//! jobs, to version 1.

use crate::{Config, Pallet, PodRecord, PodStatus, Pods, WeightInfo};
use core::marker::PhantomData;
use frame_support::{
	migrations::{MigrationId, SteppedMigration, SteppedMigrationError},
	traits::{Get, GetStorageVersion, StorageVersion},
	weights::WeightMeter,
};
use proofpod_primitives::{
	pod::{PodProfile, ServedModel, TrackRecord},
	Tick,
};
use sp_runtime::AccountId32;

/// The old layout.
pub mod v0 {
	// `storage_alias` writes a struct without documentation.
	#![allow(missing_docs)]

	use super::{AccountId32, Config, Pallet};
	use codec::{Decode, Encode};
	use frame_support::{storage_alias, Blake2_128Concat};
	use proofpod_primitives::{
		pod::{Endpoint, Region},
		Balance, BlockNumber, EncryptionKey, ModelId,
	};

	/// What a pod said of itself.
	#[derive(Clone, Debug, Encode, Decode)]
	pub struct PodProfile {
		/// Where clients deliver.
		pub endpoint: Endpoint,
		/// Key to which they seal.
		pub encryption_key: EncryptionKey,
		/// Where it stands.
		pub region: Region,
		/// Models that it serves, at most 64.
		pub models: alloc::vec::Vec<ModelId>,
	}

	/// How its jobs ended.
	#[derive(Clone, Copy, Debug, Default, Encode, Decode)]
	pub struct TrackRecord {
		/// Proved and paid.
		pub settled: u32,
		/// Never acknowledged in time.
		pub unacknowledged: u32,
		/// Given up.
		pub discarded: u32,
		/// Not proved in time.
		pub missed: u32,
	}

	/// Whether it took jobs.
	#[derive(Clone, Copy, Debug, Encode, Decode)]
	pub enum PodStatus {
		/// It did.
		#[codec(index = 0)]
		Active,
		/// It finished those that it had.
		#[codec(index = 1)]
		Leaving {
			/// First block in which it could withdraw its bond.
			withdrawable_from: BlockNumber,
		},
	}

	/// A registered pod.
	#[derive(Clone, Debug, Encode, Decode)]
	pub struct PodRecord {
		/// What it said of itself.
		pub profile: PodProfile,
		/// Times that it had changed its encryption key.
		pub key_epoch: u32,
		/// What was held from it.
		pub bond: Balance,
		/// Whether it took jobs.
		pub status: PodStatus,
		/// Number of its live jobs.
		pub live_jobs: u32,
		/// How its jobs had ended.
		pub record: TrackRecord,
	}

	/// Registered pods.
	#[storage_alias]
	pub type Pods<T: Config> = StorageMap<Pallet<T>, Blake2_128Concat, AccountId32, PodRecord>;
}

/// What a job of the old record counts for, in millionths: what one at the market's average price
/// does.
const WEIGHT: u32 = 500_000;
/// What a record that never forgot such jobs would come to at most.
const MOST: u32 = 50 * WEIGHT;

/// The migration. Bonds of live jobs are added to what each pod has at risk by the jobs pallet's,
/// which comes after it.
pub struct V1<T>(PhantomData<T>);

impl<T: Config> SteppedMigration for V1<T> {
	/// The pod changed last.
	type Cursor = AccountId32;
	type Identifier = MigrationId<11>;

	fn id() -> Self::Identifier {
		MigrationId { pallet_id: *b"pallet-pods", version_from: 0, version_to: 1 }
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
				None => v0::Pods::<T>::iter(),
				Some(last) => v0::Pods::<T>::iter_from(v0::Pods::<T>::hashed_key_for(last)),
			};
			let Some((pod, old)) = rest.next() else {
				StorageVersion::new(1).put::<Pallet<T>>();
				return Ok(None);
			};
			// Taken away first, so that the new map counts it.
			v0::Pods::<T>::remove(&pod);
			Pods::<T>::insert(&pod, record::<T>(old, Pallet::<T>::now()));
			cursor = Some(pod);
		}
		Ok(cursor)
	}
}

fn record<T: Config>(old: v0::PodRecord, now: Tick) -> PodRecord {
	let models = old.profile.models.into_iter().map(|model| ServedModel { model, min_price: 0 });
	let mut regions = proofpod_primitives::pod::Regions::default();
	// One fits.
	let _ = regions.try_push(old.profile.region);
	let mut record = PodRecord {
		profile: PodProfile {
			endpoint: old.profile.endpoint,
			encryption_key: old.profile.encryption_key,
			regions,
			models: models.collect::<alloc::vec::Vec<_>>().try_into().unwrap_or_default(),
			tags: Default::default(),
		},
		key_epoch: old.key_epoch,
		operator: None,
		bond: old.bond,
		// The clock starts at the number of the block in which it is introduced, so ticks take the
		// place of heights.
		status: match old.status {
			v0::PodStatus::Active => PodStatus::Active,
			v0::PodStatus::Leaving { withdrawable_from } => {
				PodStatus::Leaving { withdrawable_from: Tick(withdrawable_from) }
			},
		},
		live_jobs: old.live_jobs,
		exposure: 0,
		lost: 0,
		last_seen: now,
		suspended_until: Tick(0),
		faults: 0,
		fault_price: 0,
		record: track_record(old.record),
	};
	// Encryption keys of small order were taken then: what is sealed to one, everybody can open.
	if !record.profile.is_well_formed() && record.status == PodStatus::Active {
		let withdrawable_from = now.after(T::UnbondingPeriod::get());
		record.status = PodStatus::Leaving { withdrawable_from };
	}
	record
}

/// Counts stay; their share goes on as that of as many jobs at the average price.
fn track_record(old: v0::TrackRecord) -> TrackRecord {
	let failed = u64::from(old.discarded).saturating_add(old.missed.into());
	let all = u64::from(old.settled).saturating_add(failed);
	let sum = all.saturating_mul(WEIGHT.into()).min(MOST.into());
	let part = |count: u64| {
		let part = u128::from(sum).saturating_mul(count.into()).checked_div(all.into());
		part.and_then(|part| u32::try_from(part).ok()).unwrap_or(0)
	};
	TrackRecord {
		settled: old.settled,
		unacknowledged: old.unacknowledged,
		discarded: old.discarded,
		missed: old.missed,
		good: part(old.settled.into()),
		bad: part(failed),
	}
}
