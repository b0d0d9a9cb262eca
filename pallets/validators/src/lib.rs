// SPDX-License-Identifier: Apache-2.0

//! # Validators pallet
//!
//! Keeps the list of accounts that may make and finalise blocks, and hands it to
//! [`pallet_session`] as the set of each coming session. Whoever is on it has put up a bond, which
//! it loses when it signs what no honest node signs.
//!
//! ## Terminology
//!
//! * **Candidate**: an account that has bonded, see [`Candidate`].
//! * **Listed validator**: a candidate in [`Validators`]. Only this list is edited by calls.
//! * **Active validator**: an account in `pallet_session`'s own list, whose session keys the
//!   consensus engines use at this moment.
//! * **Session**: a run of blocks with the same active validators.
//! * **Chilled validator**: a candidate that was taken off the list for what it did.
//!
//! ## A candidate's way
//!
//! ```text
//!  apply ──> Applied ──admit──> Listed ──resign──> Unbonding ──withdraw_bond──> (gone)
//!               ^                │  ^                  ^
//!               └─────remove─────┤  │                  │
//!                        offence │  │ rejoin, admit    │
//!                                v  │                  │
//!                              Chilled ─────resign─────┘
//! ```
//!
//! ## When a change takes effect
//!
//! `pallet_session` plans one session ahead. A change of the list that happens in session *N* is
//! planned at the boundary of *N* and *N + 1*, and takes effect in the first block of session
//! *N + 2*: after at least one, and at most two, whole session periods. Until then the old validators
//! remain active, so an operator who resigns or is removed must keep the node running until the
//! start of session *N + 2*. A session whose list has not changed is planned without a new set, so
//! GRANDPA's set identifier, and with it the proofs of finality, change only when the validators or
//! their keys do. While GRANDPA has another change under way, sessions are longer, see
//! [`HeldSessions`].
//!
//! ## Offences
//!
//! * Two blocks in one slot, or two votes in one round: a share of the bond is burned that grows
//!   with the square of the share of validators that did so at the same time, and the validator is
//!   chilled until the administrators admit it again. Anybody may report it for as long as bonds
//!   unbond, see [`history`] and [`equivocation`].
//! * No block in [`Config::OfflineSessions`] sessions in a row: the validator is chilled, and may
//!   rejoin by itself after [`Config::ChillSessions`].
//!
//! ## Bounds
//!
//! The list never shrinks below the floor, which the genesis sets, nor grows above
//! [`Config::MaxValidators`], whoever asks. There is always a place above the floor, for the one by
//! whom another can be replaced. At the floor an offender pays, but stays until another
//! validator is listed, whose place it then makes, see [`ChillDue`]. A validator that took its
//! session keys away while listed would silently shrink the active set below the floor, because
//! `pallet_session` skips accounts without keys. Runtimes therefore filter `pallet_session`'s
//! `purge_keys`, and accounts use [`Pallet::withdraw_keys`], which refuses listed validators.
//!
//! ## Example
//!
//! An operator generates keys with `author_rotateKeysWithOwner`, registers them with
//! `session.set_keys`, bonds with `validators.apply`, and asks the administrators for
//! `validators.admit`. Two session boundaries later the node makes blocks.

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
pub mod candidate;
pub mod equivocation;
pub mod history;
#[cfg(any(feature = "try-runtime", feature = "std"))]
mod invariants;
pub mod migrations;
pub mod offences;
mod offline;
pub mod runtime_api;
mod sessions;
pub mod weights;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use candidate::{Candidate, ChillReason, Status};
pub use pallet::*;
pub use sessions::{HeldSessions, SessionPeriod};
pub use weights::WeightInfo;

// The macro's output expects what it has itself made sure of.
#[frame_support::pallet]
#[allow(clippy::expect_used)]
pub mod pallet {
	use super::{
		candidate::{Candidate, ChillReason, Status},
		equivocation::{most_added, AuraEquivocation, AuraEquivocationProof, MAX_HEADER},
		history::{KeyHolder, SessionRecord, MAX_KEY_TYPES},
		offences::Slash,
		offline::TURNS_TO_JUDGE,
		WeightInfo,
	};
	use alloc::{boxed::Box, collections::BTreeSet, vec::Vec};
	use frame_support::{
		pallet_prelude::*,
		traits::fungible::{InspectHold, MutateHold},
	};
	use frame_system::pallet_prelude::*;
	use proofpod_primitives::Balance;
	use sp_runtime::{
		traits::{OpaqueKeys, Zero},
		AccountId32, SaturatedConversion,
	};
	use sp_staking::{offence::ReportOffence, SessionIndex};

	/// Storage layout of this pallet.
	const STORAGE_VERSION: StorageVersion = StorageVersion::new(2);

	/// The validators pallet.
	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	/// What a runtime decides for this pallet.
	#[pallet::config]
	pub trait Config:
		frame_system::Config<AccountId = AccountId32>
		+ pallet_aura::Config
		+ pallet_session::Config<ValidatorId = AccountId32>
	{
		/// Who may admit and remove validators.
		type AdminOrigin: EnsureOrigin<<Self as frame_system::Config>::RuntimeOrigin>;

		/// Currency in which bonds are held.
		type Currency: MutateHold<
			AccountId32,
			Reason = <Self as Config>::RuntimeHoldReason,
			Balance = Balance,
		>;

		/// The runtime's reasons to hold funds.
		type RuntimeHoldReason: From<HoldReason>;

		/// Where offences are counted and those known already are turned away; it must hand them
		/// to this pallet.
		type ReportOffence: ReportOffence<AccountId32, AccountId32, AuraEquivocation>;

		/// Least bond of an account that is to be listed.
		#[pallet::constant]
		type MinBond: Get<Balance>;

		/// Sessions after its last one for which a validator can be made to answer for it, and its
		/// bond remains held.
		#[pallet::constant]
		type BondingSessions: Get<SessionIndex>;

		/// Sessions in a row without a block after which a validator is chilled.
		#[pallet::constant]
		type OfflineSessions: Get<u8>;

		/// Sessions for which a validator that was offline stays chilled.
		#[pallet::constant]
		type ChillSessions: Get<SessionIndex>;

		/// Blocks in a session, where the genesis does not say otherwise.
		#[pallet::constant]
		type DefaultSessionLength: Get<BlockNumberFor<Self>>;

		/// Least floor of the list; at least 1, for without authorities a chain cannot make the
		/// block that would mend it.
		#[pallet::constant]
		type MinValidators: Get<u32>;

		/// Most validators that the list may hold: more than the least, and at most what the
		/// consensus pallets accept, for they would truncate the rest.
		#[pallet::constant]
		type MaxValidators: Get<u32>;

		/// Weights of the calls.
		type WeightInfo: WeightInfo;
	}

	/// Why this pallet holds funds.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// Bond of a candidate.
		#[codec(index = 0)]
		ValidatorBond,
	}

	/// The listed validators, in the order of their admission.
	#[pallet::storage]
	pub type Validators<T: Config> =
		StorageValue<_, BoundedVec<T::AccountId, T::MaxValidators>, ValueQuery>;

	/// Whether the list has changed since a session was last planned.
	#[pallet::storage]
	pub type ListChanged<T: Config> = StorageValue<_, bool, ValueQuery>;

	/// Accounts that have bonded.
	#[pallet::storage]
	pub type Candidates<T: Config> = StorageMap<_, Blake2_128Concat, AccountId32, Candidate>;

	/// Fewest validators that the list may hold, where it is not [`Config::MinValidators`].
	#[pallet::storage]
	pub type Floor<T: Config> = StorageValue<_, u32>;

	/// Blocks in a session, where they are not [`Config::DefaultSessionLength`].
	#[pallet::storage]
	pub type SessionLength<T: Config> = StorageValue<_, BlockNumberFor<T>>;

	/// Blocks that each active validator has made in this session; none where there is no entry.
	#[pallet::storage]
	pub type Authored<T: Config> = StorageMap<_, Twox64Concat, AccountId32, u32, ValueQuery>;

	/// Sessions in a row in which a listed validator has made no block; none where there is no
	/// entry.
	#[pallet::storage]
	pub type Misses<T: Config> = StorageMap<_, Twox64Concat, AccountId32, u8, ValueQuery>;

	/// Validators that signed twice and that the floor keeps on the list, first come first: one of
	/// them is chilled whenever another validator is listed.
	#[pallet::storage]
	pub type ChillDue<T: Config> =
		StorageValue<_, BoundedVec<AccountId32, T::MaxValidators>, ValueQuery>;

	/// The current session and those before it in which an offence can still be reported.
	#[pallet::storage]
	pub type Sessions<T: Config> = StorageMap<_, Twox64Concat, SessionIndex, SessionRecord>;

	/// Active validators and their keys, from a session on until the next entry.
	#[pallet::storage]
	pub type KeySets<T: Config> =
		StorageMap<_, Twox64Concat, SessionIndex, BoundedVec<KeyHolder, T::MaxValidators>>;

	/// What was taken for the offences in the sessions of a key set, by the session that begins it.
	#[pallet::storage]
	pub type Slashes<T: Config> =
		StorageDoubleMap<_, Twox64Concat, SessionIndex, Blake2_128Concat, AccountId32, Slash>;

	/// The validators of the first two sessions.
	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// The listed validators at genesis: at least the floor and at most
		/// [`Config::MaxValidators`], none twice, each with session keys in `pallet_session`'s
		/// genesis and with a balance of which [`Config::MinBond`] can be held. Only a genesis
		/// without any session keys, which no chain can start from, may leave it empty, as the
		/// default does.
		pub validators: Vec<T::AccountId>,
		/// Fewest validators that the list may ever hold; [`Config::MinValidators`] when it is not
		/// given, and not less. Less than [`Config::MaxValidators`]: a list that is full at its
		/// floor could never change, for nobody leaves there before another has come.
		pub floor: Option<u32>,
		/// Blocks in a session; [`Config::DefaultSessionLength`] when it is not given. At least two
		/// for each of the validators, for nobody is judged to be offline by a shorter one.
		pub session_length: Option<BlockNumberFor<T>>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		fn build(&self) {
			if let Some(length) = self.session_length {
				SessionLength::<T>::put(length);
			}
			let (min, max) = (T::MinValidators::get(), T::MaxValidators::get());
			if let Some(floor) = self.floor {
				let most = max.saturating_sub(1);
				assert!(
					(min..=most).contains(&floor),
					"`validators.floor` must be between {min} and {most}, found {floor}",
				);
				Floor::<T>::put(floor);
			}
			if self.validators.is_empty() {
				// Refused when `pallet_session` asks for the list, unless it is the default.
				return;
			}
			let count = u32::try_from(self.validators.len()).unwrap_or(u32::MAX);
			let floor = Pallet::<T>::floor();
			assert!(
				(floor..=max).contains(&count),
				"genesis must list between {floor} and {max} validators, found {count}: \
				 set `validators.validators`",
			);
			let (length, least) =
				(Pallet::<T>::session_length(), count.saturating_mul(TURNS_TO_JUDGE));
			assert!(
				length >= least.into(),
				"`validators.sessionLength` must be at least {least}, {TURNS_TO_JUDGE} blocks for \
				 each of the {count} validators, found {length:?}",
			);
			let distinct = self.validators.iter().collect::<BTreeSet<_>>();
			assert!(
				distinct.len() == self.validators.len(),
				"genesis must list each validator once: remove the repetition from \
				 `validators.validators`",
			);
			let bond = T::MinBond::get();
			for validator in &self.validators {
				assert!(
					Pallet::<T>::hold(validator, bond).is_ok(),
					"genesis validator {validator:?} cannot bond {bond}: raise its balance in \
					 `balances.balances`",
				);
				Candidates::<T>::insert(validator, Candidate { bond, status: Status::Listed });
			}
			Validators::<T>::put(BoundedVec::truncate_from(self.validators.clone()));
		}
	}

	/// What happened to the list, and to those on it.
	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// The administrators listed a validator.
		Admitted {
			/// Who.
			validator: T::AccountId,
			/// Where it stood.
			from: Status,
			/// Where it stands now.
			to: Status,
		},
		/// The administrators took a validator off the list.
		Removed {
			/// Who.
			validator: T::AccountId,
			/// Where it stood.
			from: Status,
			/// Where it stands now.
			to: Status,
		},
		/// A candidate withdrew, and is not on the list any more if it was; its bond unbonds.
		Resigned {
			/// Who.
			validator: T::AccountId,
			/// Where it stood.
			from: Status,
			/// Where it stands now: from when on it may withdraw its bond.
			to: Status,
			/// What unbonds.
			bond: Balance,
		},
		/// An account that is not listed took its session keys, and the deposit for them, back.
		KeysWithdrawn {
			/// Whose keys.
			account: T::AccountId,
			/// What was released.
			deposit: Balance,
		},
		/// An account bonded to become a validator.
		Applied {
			/// Who.
			candidate: T::AccountId,
			/// Where it stands now.
			to: Status,
			/// What was held.
			bond: Balance,
		},
		/// A candidate added to its bond.
		BondIncreased {
			/// Who.
			candidate: T::AccountId,
			/// Its bond until now.
			from: Balance,
			/// Its bond from now on.
			to: Balance,
		},
		/// What was left of a bond was released, and its owner is no candidate any more.
		BondWithdrawn {
			/// Who.
			candidate: T::AccountId,
			/// Where it stood.
			from: Status,
			/// What was released.
			bond: Balance,
		},
		/// A validator that was offline listed itself again.
		Rejoined {
			/// Who.
			validator: T::AccountId,
			/// Where it stood.
			from: Status,
			/// Where it stands now.
			to: Status,
		},
		/// A listed validator made no block in the session that ended.
		Absent {
			/// Who.
			validator: T::AccountId,
			/// How many sessions in a row that makes.
			misses: u8,
		},
		/// A validator was taken off the list for what it did; or, if it had left the list before,
		/// may not come back as it could have.
		Chilled {
			/// Who.
			validator: T::AccountId,
			/// Where it stood.
			from: Status,
			/// Where it stands now.
			to: Status,
			/// What it did.
			reason: ChillReason,
		},
		/// A validator was to be chilled, but stays because the list is at its floor: until another
		/// one is listed when it signed twice, and until it is there again when it was offline.
		FloorHeld {
			/// Who.
			validator: T::AccountId,
			/// What it did.
			reason: ChillReason,
		},
		/// A part of a bond was burned.
		Slashed {
			/// Whose bond.
			validator: T::AccountId,
			/// The first of the sessions with the keys under which it offended.
			session: SessionIndex,
			/// What it did.
			reason: ChillReason,
			/// Its bond until now.
			from: Balance,
			/// What is left of it.
			to: Balance,
			/// What was burned.
			burned: Balance,
		},
	}

	/// Why a call was refused.
	#[pallet::error]
	pub enum Error<T> {
		/// The account is listed already.
		AlreadyListed,
		/// The account is not listed.
		NotListed,
		/// The account has no session keys: it must call `session.set_keys` first.
		NoSessionKeys,
		/// The list holds [`Config::MaxValidators`] accounts: remove one first.
		TooManyValidators,
		/// The list is at its floor: admit another first.
		TooFewValidators,
		/// A listed validator cannot withdraw its session keys: it must resign first.
		StillListed,
		/// The account is a candidate already: to change its bond, call `bond_more`.
		AlreadyCandidate,
		/// The account has not bonded: it must call `apply` first.
		NotCandidate,
		/// The bond is below [`Config::MinBond`], perhaps since it was slashed: call `bond_more`.
		BondTooSmall,
		/// The account has resigned: it can apply again when it has withdrawn its bond.
		IsUnbonding,
		/// The account has not resigned: call `resign` first.
		NotUnbonding,
		/// The bond is still at stake: wait for the session that `Resigned` has named.
		StillUnbonding,
		/// The account was not chilled for being offline: only the administrators can list it.
		NotOffline,
		/// The account was chilled too short a time ago: wait for [`Config::ChillSessions`].
		StillChilled,
		/// These are not two different headers of the stated slot, both sealed with the stated key.
		InvalidEquivocationProof,
		/// The key was no active validator's when the slot was, or too long ago to be remembered.
		UnknownAuthor,
		/// This offence has been reported.
		DuplicateReport,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		/// Accounts for the author's block being counted, which `pallet_authorship` does not.
		fn on_initialize(_: BlockNumberFor<T>) -> Weight {
			<T as Config>::WeightInfo::note_author()
		}

		fn integrity_test() {
			let (min, max) = (T::MinValidators::get(), T::MaxValidators::get());
			assert!(min >= 1, "MinValidators must be at least 1, found {min}");
			assert!(min < max, "MinValidators ({min}) must be below MaxValidators ({max})");
			assert!(T::MinBond::get() > 0, "a validator must have something at stake");
			assert!(T::BondingSessions::get() > 0, "an offence must be reported after its session");
			assert!(
				T::OfflineSessions::get() > 0,
				"a validator must be offline before it is chilled"
			);
			assert!(!T::DefaultSessionLength::get().is_zero(), "a session must have blocks");
			assert!(
				T::Keys::key_ids().len() <= MAX_KEY_TYPES as usize,
				"only {MAX_KEY_TYPES} kinds of session keys can be remembered"
			);
			let (begun, added) = (T::BlockLength::get().max_header_size(), most_added(max));
			assert!(
				begun.saturating_add(added) <= MAX_HEADER,
				"an author whose header has {begun} bytes, and {added} more in the end, could not \
				 be reported: set BlockLength's max_header_size"
			);
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Lists a candidate.
		///
		/// ## Dispatch origin
		/// [`Config::AdminOrigin`].
		///
		/// ## Details
		/// The account becomes active at the second session boundary from now, see the module's
		/// documentation.
		///
		/// ## Errors
		/// * [`Error::NotCandidate`], [`Error::AlreadyListed`], [`Error::IsUnbonding`],
		///   [`Error::BondTooSmall`], [`Error::NoSessionKeys`], [`Error::TooManyValidators`].
		///
		/// ## Events
		/// * [`Event::Admitted`], and [`Event::Chilled`] of a validator whose place it takes.
		#[pallet::call_index(0)]
		#[pallet::weight(<T as Config>::WeightInfo::admit())]
		pub fn admit(origin: OriginFor<T>, account: T::AccountId) -> DispatchResult {
			T::AdminOrigin::ensure_origin(origin)?;
			Self::do_admit(account)
		}

		/// Takes a validator off the list; it remains a candidate.
		///
		/// ## Dispatch origin
		/// [`Config::AdminOrigin`].
		///
		/// ## Details
		/// The account stays active until the second session boundary from now, see the module's
		/// documentation.
		///
		/// ## Errors
		/// * [`Error::NotCandidate`], [`Error::NotListed`], [`Error::TooFewValidators`].
		///
		/// ## Events
		/// * [`Event::Removed`].
		#[pallet::call_index(1)]
		#[pallet::weight(<T as Config>::WeightInfo::remove())]
		pub fn remove(origin: OriginFor<T>, account: T::AccountId) -> DispatchResult {
			T::AdminOrigin::ensure_origin(origin)?;
			Self::do_remove(account)
		}

		/// Takes the caller off the list if it is on it, and begins to unbond its bond.
		///
		/// ## Dispatch origin
		/// Signed by a candidate.
		///
		/// ## Details
		/// A listed caller stays active until the second session boundary from now, and must keep
		/// its node running until then.
		///
		/// ## Errors
		/// * [`Error::NotCandidate`], [`Error::IsUnbonding`], [`Error::TooFewValidators`].
		///
		/// ## Events
		/// * [`Event::Resigned`].
		#[pallet::call_index(2)]
		#[pallet::weight(<T as Config>::WeightInfo::resign())]
		pub fn resign(origin: OriginFor<T>) -> DispatchResult {
			Self::do_resign(ensure_signed(origin)?)
		}

		/// Takes the caller's session keys, and the deposit for them, back.
		///
		/// ## Dispatch origin
		/// Signed by an account that has session keys and is not listed.
		///
		/// ## Details
		/// Sessions that are planned already keep their own copy of the keys: the caller's node
		/// must keep running until they are over.
		///
		/// ## Errors
		/// * [`Error::StillListed`], [`Error::NoSessionKeys`].
		///
		/// ## Events
		/// * [`Event::KeysWithdrawn`].
		#[pallet::call_index(3)]
		#[pallet::weight(<T as Config>::WeightInfo::withdraw_keys())]
		pub fn withdraw_keys(origin: OriginFor<T>) -> DispatchResult {
			let account = ensure_signed(origin)?;
			ensure!(!Self::is_listed(&account), Error::<T>::StillListed);
			ensure!(Self::has_session_keys(&account), Error::<T>::NoSessionKeys);
			let deposit = <T as pallet_session::Config>::Currency::balance_on_hold(
				&pallet_session::HoldReason::Keys.into(),
				&account,
			)
			.saturated_into();
			pallet_session::Pallet::<T>::purge_keys(
				frame_system::RawOrigin::Signed(account.clone()).into(),
			)?;
			Self::deposit_event(Event::KeysWithdrawn { account, deposit });
			Ok(())
		}

		/// Bonds the caller, so that the administrators may list it.
		///
		/// ## Dispatch origin
		/// Signed by an account that has session keys.
		///
		/// ## Errors
		/// * [`Error::AlreadyCandidate`], [`Error::NoSessionKeys`], [`Error::BondTooSmall`], and
		///   the currency's when there is too little to hold.
		///
		/// ## Events
		/// * [`Event::Applied`].
		#[pallet::call_index(4)]
		#[pallet::weight(<T as Config>::WeightInfo::apply())]
		pub fn apply(origin: OriginFor<T>, bond: Balance) -> DispatchResult {
			Self::do_apply(ensure_signed(origin)?, bond)
		}

		/// Adds to the caller's bond.
		///
		/// ## Dispatch origin
		/// Signed by a candidate that has not resigned.
		///
		/// ## Errors
		/// * [`Error::NotCandidate`], [`Error::IsUnbonding`], and the currency's when there is too
		///   little to hold.
		///
		/// ## Events
		/// * [`Event::BondIncreased`], unless there is nothing to add.
		#[pallet::call_index(5)]
		#[pallet::weight(<T as Config>::WeightInfo::bond_more())]
		pub fn bond_more(origin: OriginFor<T>, amount: Balance) -> DispatchResult {
			Self::do_bond_more(ensure_signed(origin)?, amount)
		}

		/// Releases what is left of the caller's bond.
		///
		/// ## Dispatch origin
		/// Signed by a candidate that has resigned, [`Config::BondingSessions`] sessions after the
		/// last in which it may have been active.
		///
		/// ## Errors
		/// * [`Error::NotCandidate`], [`Error::NotUnbonding`], [`Error::StillUnbonding`].
		///
		/// ## Events
		/// * [`Event::BondWithdrawn`].
		#[pallet::call_index(6)]
		#[pallet::weight(<T as Config>::WeightInfo::withdraw_bond())]
		pub fn withdraw_bond(origin: OriginFor<T>) -> DispatchResult {
			Self::do_withdraw_bond(ensure_signed(origin)?)
		}

		/// Lists the caller again, which was chilled for being offline.
		///
		/// ## Dispatch origin
		/// Signed by that validator, [`Config::ChillSessions`] sessions after it was chilled.
		///
		/// ## Errors
		/// * [`Error::NotCandidate`], [`Error::NotOffline`], [`Error::StillChilled`],
		///   [`Error::BondTooSmall`], [`Error::NoSessionKeys`], [`Error::TooManyValidators`].
		///
		/// ## Events
		/// * [`Event::Rejoined`], and [`Event::Chilled`] of a validator whose place it takes.
		#[pallet::call_index(7)]
		#[pallet::weight(<T as Config>::WeightInfo::rejoin())]
		pub fn rejoin(origin: OriginFor<T>) -> DispatchResult {
			Self::do_rejoin(ensure_signed(origin)?)
		}

		/// Reports that an author made two blocks in one slot. Free of charge when the report holds
		/// and is new.
		///
		/// ## Dispatch origin
		/// Signed by anybody; or unsigned by a node that writes blocks, see
		/// [`runtime_api`](crate::runtime_api).
		///
		/// ## Errors
		/// * [`Error::InvalidEquivocationProof`], [`Error::UnknownAuthor`],
		///   [`Error::DuplicateReport`].
		///
		/// ## Events
		/// * [`Event::Slashed`], [`Event::Chilled`], [`Event::FloorHeld`]: none where nothing changes.
		#[pallet::call_index(8)]
		#[pallet::weight(
			<T as Config>::WeightInfo::report_aura_equivocation(T::MaxValidators::get())
		)]
		#[pallet::authorize(|source, proof| Self::authorize_report(source, proof))]
		#[pallet::weight_of_authorize(
			<T as Config>::WeightInfo::authorize_report_aura_equivocation()
		)]
		pub fn report_aura_equivocation(
			origin: OriginFor<T>,
			proof: Box<AuraEquivocationProof<T>>,
		) -> DispatchResultWithPostInfo {
			if ensure_authorized(origin.clone()).is_err() {
				ensure_signed(origin)?;
			}
			Self::do_report(&proof)?;
			Ok(Pays::No.into())
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// The account's bond and where it stands; `None` when it is no candidate.
		pub fn candidate(account: AccountId32) -> Option<Candidate> {
			Candidates::<T>::get(account)
		}

		/// Fewest validators that the list may hold.
		pub fn least_validators() -> u32 {
			Self::floor()
		}

		/// Validators that signed twice, and are chilled as soon as others are listed in their
		/// place.
		pub fn chill_due() -> Vec<AccountId32> {
			ChillDue::<T>::get().into_inner()
		}
	}
}
