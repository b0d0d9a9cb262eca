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
//! * **Key epoch**: counts the pod's encryption keys. A client names the epoch that it sealed to,
//!   so a pod that has changed its key still knows which one opens an input.
//! * **Bond**: held from the pod for as long as it is registered.
//! * **Live job**: one that the pod has locked and that has not ended for it.
//! * **Exposure**: the sum of the bonds of a pod's live jobs.
//! * **Loss**: what jobs took of their bonds since the owner's account last acted.
//! * **Track record**: how the pod's jobs ended.
//!
//! ## Concepts
//!
//! **Keys.** A pod is known by its owner's account, which may lie cold: its bond, what it risks on
//! jobs, and what it earns are the owner's. The owner may name an *operator*, a hot key that locks,
//! proves, gives heartbeats and updates the profile in the pod's name. Who steals that key can lose
//! the bonds of the jobs that it locks, up to the cap below in all, but cannot take money. An
//! account operates one pod at most, and is none itself; one that was named against its will gives
//! that up with `set_operator(None)`.
//!
//! **Coming and going.** A pod is [`Active`](PodStatus::Active) or [`Leaving`](PodStatus::Leaving).
//! A leaving pod takes no new jobs and finishes those that it has; it may still update its profile,
//! so that its clients can reach it. After the unbonding period, and only when it has no live job,
//! it may withdraw its bond, which removes it and its track record. Every live job ends in time, by
//! whoever pokes it, so every pod can go. There is no way back from leaving: a pod that changes its
//! mind withdraws and registers again, with an empty record, so that nobody can dodge the period.
//!
//! **The cap.** The bond belongs to the registration. What a pod risks on a single job is held
//! apart, by the jobs pallet; the sum of it over the pod's live jobs, its *exposure*, and of what
//! such jobs have lost may not exceed a multiple of the bond. Losses are forgotten when the owner's
//! own account bonds more or names the operator, be it by nothing and be it the same one: so a
//! stolen operator's key loses no more than the cap before the owner has had a look. Who wants to
//! do more at once bonds more.
//!
//! **Being there.** A pod shows that it is there by working, or by a heartbeat once in a period.
//! What holds of it is a function of its record and the [clock](pallet_clock),
//! [`PodRecord::state`]: nothing is scanned, and a chain with many pods asks each more rarely, so
//! that heartbeats take the same share of every block. Silence bars from nothing; clients choose by
//! it.
//!
//! **Suspension.** Jobs that it acknowledged and did not prove, be it that it gave them up or missed
//! their deadlines, suspend a pod, twice as long for each further one, until it has made up for them:
//! jobs have settled since that come to the highest price of the dearest. Administrators may suspend
//! and reinstate. A suspended pod finishes what it has. Locks that were never acknowledged do not
//! count: a client could cause them.
//!
//! **Reputation** weighs every job by its price against the market's average and forgets by the
//! same weight ([`TrackRecord`](proofpod_primitives::pod::TrackRecord)).
//!
//! **Attestations.** What a pod says of itself is its own word. Any account may attest tags of a
//! pod, against a deposit; clients name the issuers that they trust. An attestation speaks of an
//! account, not of a registration: it ends when it expires or its issuer revokes it, and so costs a
//! pod that leaves nothing.
//!
//! ## Example
//!
//! Carol sends `register(profile, Some(hot))`; her bond is held. Her machine signs with `hot`. The
//! jobs pallet asks [`Pallet::acting`] whom it speaks for and [`Pallet::admit`] whether that pod
//! may lock a job, and calls [`Pallet::job_locked`]; when the job ends, [`Pallet::job_ended`]
//! enters it into her record. She sends `leave()`, waits for the unbonding period, and `withdraw()`
//! releases her bond.

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
#[cfg(any(feature = "try-runtime", feature = "std"))]
mod invariants;
mod market;
pub mod migrations;
mod record;
mod registration;
pub mod runtime_api;
mod standing;
pub mod weights;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use pallet::*;
pub use record::{
	Attestation, Discipline, EndedJob, JobEnd, PodRecord, PodStatus, PodView, SuspensionReason,
};
pub use weights::WeightInfo;

use frame_support::{
	pallet_prelude::DispatchResult,
	traits::{fungible::MutateHold, EnsureOrigin, Get, StorageVersion},
};
use proofpod_primitives::{
	pod::{PodProfile, PodState, Tags},
	Balance, Tick, Ticks,
};
use sp_runtime::AccountId32;

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
	pub trait Config: frame_system::Config<AccountId = AccountId32> + pallet_clock::Config {
		/// Currency in which bonds and deposits are held.
		type Currency: MutateHold<
			AccountId32,
			Reason = <Self as Config>::RuntimeHoldReason,
			Balance = Balance,
		>;

		/// The runtime's reasons to hold funds.
		type RuntimeHoldReason: From<HoldReason>;

		/// Who may suspend and reinstate pods.
		type AdminOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// What a pod bonds when it registers.
		#[pallet::constant]
		type Bond: Get<Balance>;

		/// Most that a pod may have at risk in live jobs, and have lost by earlier ones since its
		/// own account acted, as a multiple of its bond.
		#[pallet::constant]
		type MaxExposure: Get<u32>;

		/// Ticks between a pod's leaving and the first in which it may withdraw: longer than any
		/// job that it may have.
		#[pallet::constant]
		type UnbondingPeriod: Get<Ticks>;

		/// Ticks between a pod's heartbeats, while there are few pods.
		#[pallet::constant]
		type HeartbeatPeriod: Get<Ticks>;

		/// Heartbeats that a block has to bear on average, however many pods there are.
		#[pallet::constant]
		type HeartbeatsPerBlock: Get<u32>;

		/// Jobs, acknowledged and not proved and not made up for, that suspend a pod.
		#[pallet::constant]
		type SuspensionThreshold: Get<u8>;

		/// Length of the first suspension; every further failure doubles it.
		#[pallet::constant]
		type SuspensionBase: Get<Ticks>;

		/// Length of the longest suspension for failures.
		#[pallet::constant]
		type MaxSuspension: Get<Ticks>;

		/// What a job is taken to cost on average before any has been paid.
		#[pallet::constant]
		type InitialAveragePrice: Get<Balance>;

		/// Part of an attestation's deposit that does not depend on its size.
		#[pallet::constant]
		type AttestationDepositBase: Get<Balance>;

		/// Deposit for each byte of an attestation's tags, SCALE-encoded.
		#[pallet::constant]
		type AttestationDepositPerByte: Get<Balance>;

		/// Weights of the calls.
		type WeightInfo: WeightInfo;
	}

	/// Why this pallet holds funds.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// Bond of a registered pod.
		#[codec(index = 0)]
		PodBond,
		/// Deposit for an attestation.
		#[codec(index = 1)]
		AttestationDeposit,
	}

	/// Registered pods.
	#[pallet::storage]
	pub type Pods<T: Config> = CountedStorageMap<_, Blake2_128Concat, AccountId32, PodRecord>;

	/// The pod of each operator.
	#[pallet::storage]
	pub type Operators<T: Config> = StorageMap<_, Blake2_128Concat, AccountId32, AccountId32>;

	/// What issuers say of pods: first the pod, then the issuer.
	#[pallet::storage]
	pub type Attestations<T: Config> = StorageDoubleMap<
		_,
		Blake2_128Concat,
		AccountId32,
		Blake2_128Concat,
		AccountId32,
		Attestation,
	>;

	/// What jobs cost on average of late; dear ones count for more.
	#[pallet::storage]
	pub type AveragePrice<T: Config> =
		StorageValue<_, Balance, ValueQuery, <T as Config>::InitialAveragePrice>;

	/// What happened.
	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A pod was registered.
		PodRegistered {
			/// The pod.
			pod: AccountId32,
			/// The account that works for it, beside its own.
			operator: Option<AccountId32>,
			/// What was held.
			bond: Balance,
			/// What holds from now on.
			to: PodState,
		},
		/// A pod changed its profile.
		ProfileUpdated {
			/// The pod.
			pod: AccountId32,
			/// Epoch of its encryption key until now.
			from_epoch: u32,
			/// Epoch of its encryption key from now on.
			key_epoch: u32,
		},
		/// A pod takes no new jobs.
		PodLeaving {
			/// The pod.
			pod: AccountId32,
			/// What held.
			from: PodState,
			/// What holds: from when on it may withdraw its bond.
			to: PodState,
		},
		/// A pod was removed and its bond released.
		PodWithdrawn {
			/// The pod.
			pod: AccountId32,
			/// What held.
			from: PodState,
			/// What was released.
			bond: Balance,
		},
		/// Another account works for a pod.
		OperatorChanged {
			/// The pod.
			pod: AccountId32,
			/// Its operator until now.
			from: Option<AccountId32>,
			/// Its operator from now on.
			to: Option<AccountId32>,
			/// What its jobs had lost, and what counts no more.
			forgotten: Balance,
		},
		/// A pod bonded more.
		BondRaised {
			/// The pod.
			pod: AccountId32,
			/// Its bond until now.
			from: Balance,
			/// Its bond from now on.
			to: Balance,
			/// What its jobs had lost, and what counts no more.
			forgotten: Balance,
		},
		/// Somebody attested tags of a pod.
		PodAttested {
			/// The pod.
			pod: AccountId32,
			/// Who says so.
			issuer: AccountId32,
			/// All that this issuer says of the pod from now on.
			tags: Tags,
			/// First tick in which it no longer counts.
			expires: Tick,
			/// What is held from the issuer for it from now on.
			deposit: Balance,
		},
		/// An issuer took back what it had said of a pod.
		AttestationRevoked {
			/// The pod.
			pod: AccountId32,
			/// Who had said it.
			issuer: AccountId32,
			/// What it had said.
			tags: Tags,
			/// What was released.
			deposit: Balance,
		},
		/// A pod may take no new jobs for some time.
		PodSuspended {
			/// The pod.
			pod: AccountId32,
			/// What held.
			from: PodState,
			/// What holds; a leaving pod is suspended and leaving.
			to: PodState,
			/// Why.
			reason: SuspensionReason,
		},
		/// Administrators ended a pod's suspension.
		PodReinstated {
			/// The pod.
			pod: AccountId32,
			/// What held.
			from: PodState,
			/// What holds.
			to: PodState,
		},
	}

	/// Why a call was refused.
	#[pallet::error]
	pub enum Error<T> {
		/// This account is registered as a pod already: update its profile instead.
		AlreadyRegistered,
		/// No pod is registered under this account, and it operates none that it could do this for.
		NotRegistered,
		/// The pod is leaving: it takes no new jobs, cannot leave twice, cannot bond more, and can
		/// register again only after it has withdrawn.
		PodIsLeaving,
		/// The pod has not left: leave first.
		NotLeaving,
		/// The unbonding period is not over.
		StillUnbonding,
		/// The pod has live jobs: they must end first.
		LiveJobs,
		/// The profile is of no use to clients: its endpoint must be an `http://` or `https://`
		/// URL, its encryption key one that keeps secrets, its regions one to four codes of two
		/// capital letters, its tags of lower-case letters, digits, `-`, `.` and `:`.
		MalformedProfile,
		/// The pod has changed its encryption key as often as can be counted.
		TooManyKeyEpochs,
		/// The account operates a pod, so it cannot be one: give that up first, with
		/// `set_operator(None)`.
		IsOperator,
		/// The account is a pod or operates one, so it cannot operate this one.
		OperatorTaken,
		/// The pod is suspended: it takes no new jobs.
		PodIsSuspended,
		/// The bonds of the pod's live jobs, and what earlier ones have lost, would exceed what its
		/// own bond allows. End some, or bond more. What was lost is forgotten when the owner's own
		/// account, after a look at what became of those jobs, sends `bond_more` (0 will do) or
		/// `set_operator` (the same one will do).
		Overcommitted,
		/// The pod was heard of less than half a period ago.
		TooEarly,
		/// The tick is not in the future.
		AlreadyPast,
		/// The pod is not suspended.
		NotSuspended,
		/// There must be tags, of lower-case letters, digits, `-`, `.` and `:` each.
		MalformedTags,
		/// The sender has attested nothing of this account.
		NotAttested,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn integrity_test() {
			assert!(T::Bond::get() > 0, "a pod must have something at stake");
			assert!(T::MaxExposure::get() > 0, "a pod must be able to take a job");
			assert!(
				T::UnbondingPeriod::get() > 0,
				"a pod must not leave and withdraw in one block"
			);
			assert!(
				T::HeartbeatPeriod::get() > 0 && T::HeartbeatsPerBlock::get() > 0,
				"a pod must be able to show that it is there"
			);
			assert!(
				T::SuspensionThreshold::get() > 0,
				"a pod that misses no deadline must not be suspended"
			);
			assert!(
				(1..=T::MaxSuspension::get()).contains(&T::SuspensionBase::get()),
				"the first suspension must last, and not longer than the longest"
			);
			assert!(T::InitialAveragePrice::get() > 0, "every job would have the greatest weight");
			assert!(
				T::AttestationDepositPerByte::get() > 0,
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
		/// Registers the sender as a pod, holds its bond, and lets an operator work for it.
		#[pallet::call_index(0)]
		#[pallet::weight(<T as Config>::WeightInfo::register())]
		pub fn register(
			origin: OriginFor<T>,
			profile: PodProfile,
			operator: Option<AccountId32>,
		) -> DispatchResult {
			let pod = ensure_signed(origin)?;
			Self::do_register(pod, profile, operator)
		}

		/// Replaces the pod's profile. A new encryption key begins a new key epoch. The pod or its
		/// operator.
		///
		/// A leaving pod may do so too: its clients must be able to reach it.
		#[pallet::call_index(1)]
		#[pallet::weight(<T as Config>::WeightInfo::update())]
		pub fn update(origin: OriginFor<T>, profile: PodProfile) -> DispatchResult {
			let signer = ensure_signed(origin)?;
			Self::do_update(Self::acting(&signer)?, profile)
		}

		/// Stops taking jobs, for good. The bond may be withdrawn after the unbonding period.
		#[pallet::call_index(2)]
		#[pallet::weight(<T as Config>::WeightInfo::leave())]
		pub fn leave(origin: OriginFor<T>) -> DispatchResult {
			let pod = ensure_signed(origin)?;
			Self::do_leave(pod)
		}

		/// Releases the bond and removes the pod, once the unbonding period is over and it has no
		/// live job.
		#[pallet::call_index(3)]
		#[pallet::weight(<T as Config>::WeightInfo::withdraw())]
		pub fn withdraw(origin: OriginFor<T>) -> DispatchResult {
			let pod = ensure_signed(origin)?;
			Self::do_withdraw(pod)
		}

		/// Lets another account, or none, work for the pod. The pod itself; its operator may send
		/// `None`, to give itself up. Sent by the pod itself, be it for the same operator, it
		/// forgets what the pod's jobs have lost.
		#[pallet::call_index(4)]
		#[pallet::weight(<T as Config>::WeightInfo::set_operator())]
		pub fn set_operator(origin: OriginFor<T>, operator: Option<AccountId32>) -> DispatchResult {
			let signer = ensure_signed(origin)?;
			Self::do_set_operator(signer, operator)
		}

		/// Adds to the pod's bond, so that it may have more at risk in live jobs, and forgets what
		/// its jobs have lost; 0 does only that.
		#[pallet::call_index(5)]
		#[pallet::weight(<T as Config>::WeightInfo::bond_more())]
		pub fn bond_more(
			origin: OriginFor<T>,
			#[pallet::compact] amount: Balance,
		) -> DispatchResult {
			let pod = ensure_signed(origin)?;
			Self::do_bond_more(pod, amount)
		}

		/// Shows that the pod is there. The pod or its operator.
		///
		/// Free once a period has passed without a sign of the pod, refused within half of one.
		#[pallet::call_index(6)]
		#[pallet::weight(<T as Config>::WeightInfo::heartbeat())]
		pub fn heartbeat(origin: OriginFor<T>) -> DispatchResultWithPostInfo {
			let signer = ensure_signed(origin)?;
			let pays = Self::do_heartbeat(&Self::acting(&signer)?)?;
			Ok(pays.into())
		}

		/// Says that a pod deserves these tags until `expires`, against a deposit. Replaces all
		/// that the sender has said of it before.
		#[pallet::call_index(7)]
		#[pallet::weight(<T as Config>::WeightInfo::attest())]
		pub fn attest(
			origin: OriginFor<T>,
			pod: AccountId32,
			tags: Tags,
			expires: Tick,
		) -> DispatchResult {
			let issuer = ensure_signed(origin)?;
			Self::do_attest(issuer, pod, tags, expires)
		}

		/// Takes back all that the sender has said of a pod, and releases the deposit.
		#[pallet::call_index(8)]
		#[pallet::weight(<T as Config>::WeightInfo::revoke())]
		pub fn revoke(origin: OriginFor<T>, pod: AccountId32) -> DispatchResult {
			let issuer = ensure_signed(origin)?;
			Self::do_revoke(issuer, pod)
		}

		/// Keeps a pod from taking jobs until some tick. Administrators only.
		#[pallet::call_index(9)]
		#[pallet::weight(<T as Config>::WeightInfo::suspend())]
		pub fn suspend(origin: OriginFor<T>, pod: AccountId32, until: Tick) -> DispatchResult {
			T::AdminOrigin::ensure_origin(origin)?;
			Self::do_suspend(pod, until)
		}

		/// Ends a pod's suspension, and forgets the failures that led to it. Administrators only.
		#[pallet::call_index(10)]
		#[pallet::weight(<T as Config>::WeightInfo::reinstate())]
		pub fn reinstate(origin: OriginFor<T>, pod: AccountId32) -> DispatchResult {
			T::AdminOrigin::ensure_origin(origin)?;
			Self::do_reinstate(pod)
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// A registered pod.
		pub fn pod(pod: AccountId32) -> Option<PodRecord> {
			Pods::<T>::get(pod)
		}

		/// A registered pod and what holds of it.
		pub fn pod_view(pod: AccountId32) -> Option<PodView> {
			Self::view(&pod)
		}

		/// A registered pod's reputation in thousandths: the share of its work that was settled.
		pub fn reputation(pod: AccountId32) -> Option<u16> {
			Pods::<T>::get(pod).map(|record| record.record.reputation())
		}

		/// What an issuer says of a pod, expired or not.
		pub fn attestation(pod: AccountId32, issuer: AccountId32) -> Option<Attestation> {
			Attestations::<T>::get(pod, issuer)
		}

		/// Ticks between a pod's heartbeats.
		pub fn heartbeat_period() -> Ticks {
			Self::period()
		}
	}
}

impl<T: Config> Pallet<T> {
	fn now() -> Tick {
		pallet_clock::Pallet::<T>::now()
	}
}
