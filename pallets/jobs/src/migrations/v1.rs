// SPDX-License-Identifier: Apache-2.0

//! From version 0, without deposits, lapse fees and failover, to version 1.
//!
//! Jobs that are live keep the rules that they were opened under: all of those are numbers in a
//! job's terms, and here they become what they were, mostly zero.

use crate::{Agenda, AgendaCursor, ClientJobs, Config, JobOf, Jobs, Pallet, Retries, WeightInfo};
use alloc::vec::Vec;
use codec::{Decode, Encode, MaxEncodedLen};
use core::marker::PhantomData;
use frame_support::{
	migrations::{MigrationId, SteppedMigration, SteppedMigrationError},
	traits::{GetStorageVersion, StorageVersion},
	weights::WeightMeter,
};
use pallet_pods::Pods;
use proofpod_primitives::{
	job::{Job, JobRequest, JobTerms, Lock, Requirements, StoredState, Windows},
	EncryptionKey, JobId, Tick,
};
use sp_runtime::AccountId32;

/// The old layout.
pub mod v0 {
	// `storage_alias` writes a struct without documentation.
	#![allow(missing_docs)]

	use super::{Config, JobId, Pallet};
	use codec::{Decode, Encode};
	use frame_support::{storage_alias, Twox64Concat};
	use proofpod_primitives::{
		job::PriceRamp,
		pod::{PrivacyTier, Region},
		Balance, BlockNumber, InputCommitment, ModelId, OutputKeyCommitment,
	};
	use sp_runtime::{traits::ConstU32, AccountId32, BoundedVec};

	/// How long each step could take, in blocks.
	#[derive(Clone, Copy, Debug, Encode, Decode)]
	pub struct Windows {
		/// For the lock.
		pub lock: BlockNumber,
		/// For the acknowledgement.
		pub acknowledge: BlockNumber,
		/// For the proof.
		pub prove: BlockNumber,
	}

	/// Which pods could lock a job.
	#[derive(Clone, Debug, Encode, Decode)]
	pub struct Requirements {
		/// These only.
		pub pods: BoundedVec<AccountId32, ConstU32<8>>,
		/// Those in these regions only.
		pub regions: BoundedVec<Region, ConstU32<8>>,
		/// Least reputation.
		pub min_reputation: u16,
		/// How far the input could travel.
		pub tier: PrivacyTier,
	}

	/// What a client asked for.
	#[derive(Clone, Debug, Encode, Decode)]
	pub struct JobRequest {
		/// The model.
		pub model: ModelId,
		/// Commitment to the input.
		pub input: InputCommitment,
		/// Commitment to the output's key.
		pub output_key: Option<OutputKeyCommitment>,
		/// What the client paid.
		pub price: PriceRamp,
		/// How long each step could take.
		pub windows: Windows,
		/// Which pods could do it.
		pub requirements: Requirements,
	}

	/// What the pod put at risk.
	#[derive(Clone, Copy, Debug, Encode, Decode)]
	pub struct BondTerms {
		/// Held from it.
		pub bond: Balance,
		/// Taken when it missed its deadline.
		pub missed_slash: Balance,
		/// Taken when it gave up.
		pub discard_slash: Balance,
		/// The client's share of a slash, in thousandths.
		pub client_share: u16,
	}

	/// A pod's claim.
	#[derive(Clone, Copy, Debug, Encode, Decode)]
	pub struct Lock {
		/// The pod.
		pub pod: [u8; 32],
		/// Its price.
		pub price: Balance,
		/// Epoch of its encryption key.
		pub key_epoch: u32,
		/// Last block for the acknowledgement.
		pub acknowledge_by: BlockNumber,
		/// Last block for the result.
		pub prove_by: BlockNumber,
	}

	/// What the record said.
	#[derive(Clone, Copy, Debug, Encode, Decode)]
	pub enum StoredState {
		/// No pod had it.
		#[codec(index = 0)]
		Open,
		/// A pod had claimed it.
		#[codec(index = 1)]
		Locked(Lock),
		/// The pod had the input.
		#[codec(index = 2)]
		Proving(Lock),
	}

	/// A live job's record.
	#[derive(Clone, Debug, Encode, Decode)]
	pub struct Job {
		/// Always 1.
		pub rules: u16,
		/// Who paid.
		pub client: AccountId32,
		/// What was asked for.
		pub request: JobRequest,
		/// What the pod put at risk.
		pub terms: BondTerms,
		/// Block of the opening.
		pub opened: BlockNumber,
		/// State in storage.
		pub state: StoredState,
	}

	/// Live jobs.
	#[storage_alias]
	pub type Jobs<T: Config> = StorageMap<Pallet<T>, Twox64Concat, JobId, Job>;
}

/// How far the migration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen)]
pub enum Progress {
	/// Slots of the agenda, and what waits to be tried again, are being taken away.
	Agenda {
		/// The entries taken away last, if any were: a search from the beginning would pass all
		/// that are gone.
		last: (Option<(Tick, JobId)>, Option<JobId>),
	},
	/// Jobs change their layout and enter the agenda anew, in the order of storage.
	Jobs {
		/// The one changed last, if any was.
		last: Option<JobId>,
	},
}

/// Entries of each kind that one step's weight takes away.
const ENTRIES: usize = 8;

/// The migration. It comes after that of the pods pallet.
pub struct V1<T>(PhantomData<T>);

impl<T: Config> SteppedMigration for V1<T> {
	type Cursor = Progress;
	type Identifier = MigrationId<11>;

	fn id() -> Self::Identifier {
		MigrationId { pallet_id: *b"pallet-jobs", version_from: 0, version_to: 1 }
	}

	fn step(
		cursor: Option<Self::Cursor>,
		meter: &mut WeightMeter,
	) -> Result<Option<Self::Cursor>, SteppedMigrationError> {
		let weight = <T as Config>::WeightInfo::migrate();
		if !meter.can_consume(weight) {
			return Err(SteppedMigrationError::InsufficientWeight { required: weight });
		}
		if Pallet::<T>::on_chain_storage_version() != 0 {
			return Ok(None);
		}
		let mut progress = cursor.unwrap_or(Progress::Agenda { last: (None, None) });
		while meter.try_consume(weight).is_ok() {
			let Some(next) = Self::advance(progress) else {
				StorageVersion::new(1).put::<Pallet<T>>();
				return Ok(None);
			};
			progress = next;
		}
		Ok(Some(progress))
	}
}

impl<T: Config> V1<T> {
	/// One step of [`WeightInfo::migrate`]; `None` after the last job.
	fn advance(progress: Progress) -> Option<Progress> {
		let last = match progress {
			Progress::Agenda { last: (entry, retry) } => {
				let entries: Vec<_> = match entry {
					None => Agenda::<T>::iter_keys(),
					Some((slot, id)) => {
						Agenda::<T>::iter_keys_from(Agenda::<T>::hashed_key_for(slot, id))
					},
				}
				.take(ENTRIES)
				.collect();
				let retries: Vec<_> = match retry {
					None => Retries::<T>::iter_keys(),
					Some(id) => Retries::<T>::iter_keys_from(Retries::<T>::hashed_key_for(id)),
				}
				.take(ENTRIES)
				.collect();
				let cleared = entries.len().max(retries.len()) < ENTRIES;
				let last = (entries.last().copied().or(entry), retries.last().copied().or(retry));
				entries.into_iter().for_each(|(slot, id)| Agenda::<T>::remove(slot, id));
				retries.into_iter().for_each(Retries::<T>::remove);
				return Some(if cleared {
					Progress::Jobs { last: None }
				} else {
					Progress::Agenda { last }
				});
			},
			Progress::Jobs { last } => last,
		};
		let mut rest = match last {
			None => v0::Jobs::<T>::iter(),
			Some(last) => v0::Jobs::<T>::iter_from(v0::Jobs::<T>::hashed_key_for(last)),
		};
		let (id, old) = rest.next()?;
		let job = job::<T>(old);
		if let StoredState::Locked(lock) | StoredState::Proving(lock) = &job.state {
			Pods::<T>::mutate(&lock.pod, |pod| {
				if let Some(pod) = pod {
					pod.exposure = pod.exposure.saturating_add(job.terms.bond);
				}
			});
		}
		ClientJobs::<T>::mutate(&job.client, |count| *count = count.saturating_add(1));
		let slot = job.due_from();
		Agenda::<T>::insert(slot, id, ());
		AgendaCursor::<T>::mutate(|first| *first = (*first).min(slot));
		Jobs::<T>::insert(id, job);
		Some(Progress::Jobs { last: Some(id) })
	}
}

/// The job in the new layout. Heights become ticks of the same number: the clock starts at the
/// height at which it is introduced.
fn job<T: Config>(old: v0::Job) -> JobOf<T> {
	let v0::JobRequest { model, input, output_key, price, windows, requirements } = old.request;
	let v0::BondTerms { bond, missed_slash, discard_slash, client_share } = old.terms;
	Job {
		rules: old.rules,
		client: old.client,
		request: JobRequest {
			model,
			input,
			output_key,
			price,
			windows: Windows {
				lock: windows.lock,
				acknowledge: windows.acknowledge,
				prove: windows.prove,
				failover: 0,
			},
			requirements: Requirements {
				pods: requirements.pods,
				regions: requirements.regions,
				min_reputation: requirements.min_reputation,
				tier: requirements.tier,
				tags: Default::default(),
			},
		},
		terms: JobTerms {
			bond,
			missed_slash,
			discard_slash,
			client_share,
			lapse_fee: 0,
			max_lapses: u8::MAX,
			deposit: 0,
			market_fee: 0,
		},
		opened: Tick(old.opened),
		lapses: 0,
		failure: None,
		barred: Default::default(),
		state: match old.state {
			v0::StoredState::Open => StoredState::Open,
			v0::StoredState::Locked(old) => StoredState::Locked(lock::<T>(old)),
			v0::StoredState::Proving(old) => StoredState::Proving(lock::<T>(old)),
		},
	}
}

/// The lock in the new layout, with the key that its pod publishes now: the client looked that up,
/// too.
fn lock<T: Config>(old: v0::Lock) -> Lock<AccountId32> {
	let v0::Lock { pod, price, key_epoch, acknowledge_by, prove_by } = old;
	let pod = AccountId32::new(pod);
	let published = Pods::<T>::get(&pod).map(|record| record.profile.encryption_key);
	Lock {
		pod,
		price,
		key_epoch,
		encryption_key: published.unwrap_or(EncryptionKey([0; 32])),
		acknowledge_by: Tick(acknowledge_by),
		prove_by: Tick(prove_by),
	}
}
