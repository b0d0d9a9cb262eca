// SPDX-License-Identifier: Apache-2.0

//! # Validators pallet
//!
//! Keeps the list of accounts that may make and finalise blocks, and hands it to
//! [`pallet_session`] as the set of each coming session.
//!
//! ## Terminology
//!
//! * **Listed validator**: an account in [`Validators`]. Only this list is edited by calls.
//! * **Active validator**: an account in `pallet_session`'s own list, whose session keys the
//!   consensus engines use at this moment.
//! * **Session**: a run of blocks with the same active validators.
//!
//! ## When a change takes effect
//!
//! `pallet_session` plans one session ahead. A change of the list that happens in session *N* is
//! planned at the boundary of *N* and *N + 1*, and takes effect in the first block of session
//! *N + 2*: after at least one, and at most two, whole session periods. Until then the old
//! validators remain active, so an operator who resigns or is removed must keep the node running
//! until the start of session *N + 2*. A session whose list has not changed is planned without a
//! new set, so GRANDPA's set identifier, and with it the proofs of finality, change only when the
//! validators or their keys do.
//!
//! ## Bounds
//!
//! The list never shrinks below [`Config::MinValidators`] nor grows above
//! [`Config::MaxValidators`], whoever asks. A validator that took its session keys away while
//! listed would silently shrink the active set below the floor, because `pallet_session` skips
//! accounts without keys. Runtimes therefore filter `pallet_session`'s `purge_keys`, and accounts
//! use [`Pallet::withdraw_keys`], which refuses listed validators.
//!
//! ## Example
//!
//! An operator generates keys with `author_rotateKeysWithOwner`, registers them with
//! `session.set_keys`, and asks the administrators for `validators.admit`. Two session boundaries
//! later the node makes blocks.

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

mod sessions;
pub mod weights;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use pallet::*;
pub use weights::WeightInfo;

// The macro's output expects what it has itself made sure of.
#[frame_support::pallet]
#[allow(clippy::expect_used)]
pub mod pallet {
	use super::WeightInfo;
	use alloc::{collections::BTreeSet, vec::Vec};
	use frame_support::pallet_prelude::*;
	use frame_system::pallet_prelude::*;
	use sp_runtime::AccountId32;

	/// Storage layout of this pallet.
	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	/// The validators pallet.
	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	/// What a runtime decides for this pallet.
	#[pallet::config]
	pub trait Config:
		frame_system::Config<AccountId = AccountId32>
		+ pallet_session::Config<ValidatorId = AccountId32>
	{
		/// Who may admit and remove validators.
		type AdminOrigin: EnsureOrigin<<Self as frame_system::Config>::RuntimeOrigin>;

		/// Fewest validators that the list may hold; at least 1, for without authorities a chain
		/// cannot make the block that would mend it.
		#[pallet::constant]
		type MinValidators: Get<u32>;

		/// Most validators that the list may hold; at most what the consensus pallets accept, for
		/// they would truncate the rest.
		#[pallet::constant]
		type MaxValidators: Get<u32>;

		/// Weights of the calls.
		type WeightInfo: WeightInfo;
	}

	/// The listed validators, in the order of their admission.
	#[pallet::storage]
	pub type Validators<T: Config> =
		StorageValue<_, BoundedVec<T::AccountId, T::MaxValidators>, ValueQuery>;

	/// Whether the list has changed since a session was last planned.
	#[pallet::storage]
	pub type ListChanged<T: Config> = StorageValue<_, bool, ValueQuery>;

	/// The validators of the first two sessions.
	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// The listed validators at genesis: at least [`Config::MinValidators`] and at most
		/// [`Config::MaxValidators`], none twice, each with session keys in `pallet_session`'s
		/// genesis. Only a genesis without any session keys, which no chain can start from, may
		/// leave it empty, as the default does.
		pub validators: Vec<T::AccountId>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		fn build(&self) {
			if self.validators.is_empty() {
				// Refused when `pallet_session` asks for the list, unless it is the default.
				return;
			}
			let count = u32::try_from(self.validators.len()).unwrap_or(u32::MAX);
			let (min, max) = (T::MinValidators::get(), T::MaxValidators::get());
			assert!(
				(min..=max).contains(&count),
				"genesis must list between {min} and {max} validators, found {count}: \
				 set `validators.validators`",
			);
			let distinct = self.validators.iter().collect::<BTreeSet<_>>();
			assert!(
				distinct.len() == self.validators.len(),
				"genesis must list each validator once: remove the repetition from \
				 `validators.validators`",
			);
			Validators::<T>::put(BoundedVec::truncate_from(self.validators.clone()));
		}
	}

	/// What happened to the list.
	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// The administrators listed a validator.
		Admitted {
			/// Who.
			validator: T::AccountId,
		},
		/// The administrators took a validator off the list.
		Removed {
			/// Who.
			validator: T::AccountId,
		},
		/// A validator took itself off the list.
		Resigned {
			/// Who.
			validator: T::AccountId,
		},
		/// An account that is not listed took its session keys, and the deposit for them, back.
		KeysWithdrawn {
			/// Whose keys.
			account: T::AccountId,
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
		/// The list holds only [`Config::MinValidators`] accounts: admit another first.
		TooFewValidators,
		/// A listed validator cannot withdraw its session keys: it must resign first.
		StillListed,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn integrity_test() {
			let (min, max) = (T::MinValidators::get(), T::MaxValidators::get());
			assert!(min >= 1, "MinValidators must be at least 1, found {min}");
			assert!(min <= max, "MinValidators ({min}) must not exceed MaxValidators ({max})");
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Lists a validator.
		///
		/// ## Dispatch origin
		/// [`Config::AdminOrigin`].
		///
		/// ## Details
		/// The account becomes active at the second session boundary from now, see the module's
		/// documentation.
		///
		/// ## Errors
		/// * [`Error::AlreadyListed`], [`Error::NoSessionKeys`], [`Error::TooManyValidators`].
		///
		/// ## Events
		/// * [`Event::Admitted`].
		#[pallet::call_index(0)]
		#[pallet::weight(<T as Config>::WeightInfo::admit())]
		pub fn admit(origin: OriginFor<T>, account: T::AccountId) -> DispatchResult {
			T::AdminOrigin::ensure_origin(origin)?;
			Self::list(account.clone())?;
			Self::deposit_event(Event::Admitted { validator: account });
			Ok(())
		}

		/// Takes a validator off the list.
		///
		/// ## Dispatch origin
		/// [`Config::AdminOrigin`].
		///
		/// ## Details
		/// The account stays active until the second session boundary from now, see the module's
		/// documentation.
		///
		/// ## Errors
		/// * [`Error::NotListed`], [`Error::TooFewValidators`].
		///
		/// ## Events
		/// * [`Event::Removed`].
		#[pallet::call_index(1)]
		#[pallet::weight(<T as Config>::WeightInfo::remove())]
		pub fn remove(origin: OriginFor<T>, account: T::AccountId) -> DispatchResult {
			T::AdminOrigin::ensure_origin(origin)?;
			Self::unlist(&account)?;
			Self::deposit_event(Event::Removed { validator: account });
			Ok(())
		}

		/// Takes the caller off the list.
		///
		/// ## Dispatch origin
		/// Signed by a listed validator.
		///
		/// ## Details
		/// The caller stays active until the second session boundary from now, and must keep its
		/// node running until then.
		///
		/// ## Errors
		/// * [`Error::NotListed`], [`Error::TooFewValidators`].
		///
		/// ## Events
		/// * [`Event::Resigned`].
		#[pallet::call_index(2)]
		#[pallet::weight(<T as Config>::WeightInfo::resign())]
		pub fn resign(origin: OriginFor<T>) -> DispatchResult {
			let validator = ensure_signed(origin)?;
			Self::unlist(&validator)?;
			Self::deposit_event(Event::Resigned { validator });
			Ok(())
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
			pallet_session::Pallet::<T>::purge_keys(
				frame_system::RawOrigin::Signed(account.clone()).into(),
			)?;
			Self::deposit_event(Event::KeysWithdrawn { account });
			Ok(())
		}
	}

	impl<T: Config> Pallet<T> {
		/// Whether the account is a listed validator.
		pub fn is_listed(account: &T::AccountId) -> bool {
			Validators::<T>::get().contains(account)
		}

		/// Whether the account has registered session keys for coming sessions.
		pub fn has_session_keys(account: &T::AccountId) -> bool {
			pallet_session::NextKeys::<T>::contains_key(account)
		}

		fn list(account: T::AccountId) -> DispatchResult {
			Validators::<T>::try_mutate(|validators| {
				ensure!(!validators.contains(&account), Error::<T>::AlreadyListed);
				ensure!(Self::has_session_keys(&account), Error::<T>::NoSessionKeys);
				validators.try_push(account).map_err(|_| Error::<T>::TooManyValidators)?;
				ListChanged::<T>::put(true);
				Ok(())
			})
		}

		fn unlist(account: &T::AccountId) -> DispatchResult {
			Validators::<T>::try_mutate(|validators| {
				ensure!(validators.contains(account), Error::<T>::NotListed);
				let count = u32::try_from(validators.len()).unwrap_or(u32::MAX);
				ensure!(count > T::MinValidators::get(), Error::<T>::TooFewValidators);
				validators.retain(|validator| validator != account);
				ListChanged::<T>::put(true);
				Ok(())
			})
		}

		/// Checks what must hold between blocks: the list is within its bounds, holds nobody
		/// twice, and everybody on it has session keys.
		///
		/// # Errors
		/// Which of these does not hold.
		#[cfg(any(feature = "try-runtime", test))]
		pub fn do_try_state() -> Result<(), sp_runtime::TryRuntimeError> {
			let validators = Validators::<T>::get();
			let count = u32::try_from(validators.len()).unwrap_or(u32::MAX);
			ensure!(count >= T::MinValidators::get(), "fewer validators than MinValidators");
			ensure!(count <= T::MaxValidators::get(), "more validators than MaxValidators");
			let distinct = validators.iter().collect::<BTreeSet<_>>();
			ensure!(distinct.len() == validators.len(), "a validator is listed twice");
			ensure!(
				validators.iter().all(Self::has_session_keys),
				"a listed validator has no session keys"
			);
			Ok(())
		}
	}
}
