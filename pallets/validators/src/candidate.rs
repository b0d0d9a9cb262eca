// SPDX-License-Identifier: Apache-2.0

//! An account that has bonded to validate, and the way from its bond to the list and back.

use crate::{
	Candidates, ChillDue, Config, Error, Event, HoldReason, ListChanged, Misses, Pallet, Validators,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{
	ensure,
	traits::{
		fungible::MutateHold,
		tokens::{Fortitude, Precision},
		Get,
	},
};
use proofpod_primitives::Balance;
use scale_info::TypeInfo;
use sp_runtime::{AccountId32, DispatchError, DispatchResult};
use sp_staking::SessionIndex;

/// Sessions that an account may still be active in after it has left the list: the one in which it
/// left, and the next, which was planned before.
const SESSIONS_TO_LEAVE: SessionIndex = 2;

/// Why a validator was taken off the list against its will.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub enum ChillReason {
	/// It made no block in several sessions.
	#[codec(index = 0)]
	Offline,
	/// It signed two blocks of one slot, or two votes of one round.
	#[codec(index = 1)]
	Equivocation,
}

/// Where a candidate stands.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub enum Status {
	/// Waits for the administrators, for the first time or again.
	#[codec(index = 0)]
	Applied,
	/// Is on the list.
	#[codec(index = 1)]
	Listed,
	/// Was taken off the list for what it did.
	#[codec(index = 2)]
	Chilled {
		/// What it did.
		reason: ChillReason,
		/// Session in which it was taken off.
		since: SessionIndex,
	},
	/// Has resigned; its bond remains at stake until the offences of its last session cannot be
	/// reported any more.
	#[codec(index = 3)]
	Unbonding {
		/// First session in which it may withdraw its bond.
		withdrawable_from: SessionIndex,
	},
}

/// An account that has bonded to validate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Candidate {
	/// What is held from it, after all slashes.
	pub bond: Balance,
	/// Where it stands.
	pub status: Status,
}

impl Candidate {
	/// Whether it is on the list.
	pub fn is_listed(&self) -> bool {
		matches!(self.status, Status::Listed)
	}

	/// Whether it has resigned.
	pub fn is_unbonding(&self) -> bool {
		matches!(self.status, Status::Unbonding { .. })
	}
}

impl<T: Config> Pallet<T> {
	/// Fewest validators that the list may hold.
	pub fn floor() -> u32 {
		crate::Floor::<T>::get().unwrap_or_else(T::MinValidators::get)
	}

	/// Whether the account is a listed validator.
	pub fn is_listed(account: &AccountId32) -> bool {
		Validators::<T>::get().contains(account)
	}

	/// Whether the account has registered session keys for coming sessions.
	pub fn has_session_keys(account: &AccountId32) -> bool {
		pallet_session::NextKeys::<T>::contains_key(account)
	}

	/// The account's record as a candidate.
	pub(crate) fn candidate_of(account: &AccountId32) -> Result<Candidate, DispatchError> {
		Ok(Candidates::<T>::get(account).ok_or(Error::<T>::NotCandidate)?)
	}

	/// Holds the bond of a new candidate.
	pub(crate) fn do_apply(account: AccountId32, bond: Balance) -> DispatchResult {
		ensure!(!Candidates::<T>::contains_key(&account), Error::<T>::AlreadyCandidate);
		ensure!(Self::has_session_keys(&account), Error::<T>::NoSessionKeys);
		ensure!(bond >= T::MinBond::get(), Error::<T>::BondTooSmall);
		Self::hold(&account, bond)?;
		let to = Status::Applied;
		Candidates::<T>::insert(&account, Candidate { bond, status: to });
		Self::deposit_event(Event::Applied { candidate: account, to, bond });
		Ok(())
	}

	/// Adds to a candidate's bond.
	pub(crate) fn do_bond_more(account: AccountId32, amount: Balance) -> DispatchResult {
		let mut candidate = Self::candidate_of(&account)?;
		ensure!(!candidate.is_unbonding(), Error::<T>::IsUnbonding);
		Self::hold(&account, amount)?;
		let from = candidate.bond;
		candidate.bond = from.saturating_add(amount);
		Candidates::<T>::insert(&account, candidate);
		let to = candidate.bond;
		if from != to {
			Self::deposit_event(Event::BondIncreased { candidate: account, from, to });
		}
		Ok(())
	}

	/// Lists a candidate by the administrators' decision.
	pub(crate) fn do_admit(account: AccountId32) -> DispatchResult {
		let candidate = Self::candidate_of(&account)?;
		ensure!(!candidate.is_listed(), Error::<T>::AlreadyListed);
		ensure!(!candidate.is_unbonding(), Error::<T>::IsUnbonding);
		let (from, to) = Self::list(&account, candidate)?;
		Self::deposit_event(Event::Admitted { validator: account, from, to });
		Ok(())
	}

	/// Takes a validator off the list by the administrators' decision; it remains a candidate.
	pub(crate) fn do_remove(account: AccountId32) -> DispatchResult {
		let candidate = Self::candidate_of(&account)?;
		ensure!(candidate.is_listed(), Error::<T>::NotListed);
		Self::unlist(&account)?;
		let (from, to) = Self::move_to(&account, candidate, Status::Applied);
		Self::deposit_event(Event::Removed { validator: account, from, to });
		Ok(())
	}

	/// Takes a candidate out, by its own wish; its bond begins to unbond.
	pub(crate) fn do_resign(account: AccountId32) -> DispatchResult {
		let candidate = Self::candidate_of(&account)?;
		ensure!(!candidate.is_unbonding(), Error::<T>::IsUnbonding);
		if candidate.is_listed() {
			Self::unlist(&account)?;
		}
		let withdrawable_from = pallet_session::Pallet::<T>::current_index()
			.saturating_add(SESSIONS_TO_LEAVE)
			.saturating_add(T::BondingSessions::get());
		let (from, to) =
			Self::move_to(&account, candidate, Status::Unbonding { withdrawable_from });
		let bond = candidate.bond;
		Self::deposit_event(Event::Resigned { validator: account, from, to, bond });
		Ok(())
	}

	/// Lists a validator again that was chilled for being offline.
	pub(crate) fn do_rejoin(account: AccountId32) -> DispatchResult {
		let candidate = Self::candidate_of(&account)?;
		let Status::Chilled { reason: ChillReason::Offline, since } = candidate.status else {
			return Err(Error::<T>::NotOffline.into());
		};
		// It was chilled at the end of that session.
		let until = since.saturating_add(T::ChillSessions::get());
		ensure!(pallet_session::Pallet::<T>::current_index() > until, Error::<T>::StillChilled);
		let (from, to) = Self::list(&account, candidate)?;
		Self::deposit_event(Event::Rejoined { validator: account, from, to });
		Ok(())
	}

	/// Releases what is left of an unbonded candidate's bond.
	pub(crate) fn do_withdraw_bond(account: AccountId32) -> DispatchResult {
		let candidate = Self::candidate_of(&account)?;
		let Status::Unbonding { withdrawable_from } = candidate.status else {
			return Err(Error::<T>::NotUnbonding.into());
		};
		ensure!(
			pallet_session::Pallet::<T>::current_index() >= withdrawable_from,
			Error::<T>::StillUnbonding
		);
		<T as Config>::Currency::release(
			&HoldReason::ValidatorBond.into(),
			&account,
			candidate.bond,
			Precision::Exact,
		)?;
		Candidates::<T>::remove(&account);
		let Candidate { bond, status: from } = candidate;
		Self::deposit_event(Event::BondWithdrawn { candidate: account, from, bond });
		Ok(())
	}

	/// Takes a validator off the list for what it did, unless the list would fall below its floor:
	/// then it is remembered for when there is room, if it signed twice. Of those that are not on
	/// the list, only the status changes; who has resigned keeps it.
	///
	/// Returns whether the validator will leave, or has left.
	pub(crate) fn chill(account: &AccountId32, candidate: Candidate, reason: ChillReason) -> bool {
		if candidate.is_unbonding() {
			return true;
		}
		if candidate.is_listed() && Self::unlist(account).is_err() {
			if reason == ChillReason::Equivocation {
				ChillDue::<T>::mutate(|due| {
					// There is room for every listed validator.
					if !due.contains(account) {
						let _ = due.try_push(account.clone());
					}
				});
			}
			Self::deposit_event(Event::FloorHeld { validator: account.clone(), reason });
			return false;
		}
		let since = pallet_session::Pallet::<T>::current_index();
		let (from, to) = Self::move_to(account, candidate, Status::Chilled { reason, since });
		if from != to {
			Self::deposit_event(Event::Chilled { validator: account.clone(), from, to, reason });
		}
		true
	}

	/// Burns of the candidate's bond at most `amount`, and returns what was burned.
	pub(crate) fn burn(
		account: &AccountId32,
		candidate: &mut Candidate,
		amount: Balance,
	) -> Balance {
		let burned = <T as Config>::Currency::burn_held(
			&HoldReason::ValidatorBond.into(),
			account,
			amount.min(candidate.bond),
			Precision::BestEffort,
			Fortitude::Force,
		)
		.unwrap_or_default();
		candidate.bond = candidate.bond.saturating_sub(burned);
		Candidates::<T>::insert(account, *candidate);
		burned
	}

	/// Holds an amount of an account's free balance as its bond.
	pub(crate) fn hold(account: &AccountId32, amount: Balance) -> DispatchResult {
		<T as Config>::Currency::hold(&HoldReason::ValidatorBond.into(), account, amount)
	}

	/// Stores a candidate's new status, and gives the old one and the new.
	fn move_to(account: &AccountId32, candidate: Candidate, to: Status) -> (Status, Status) {
		Candidates::<T>::insert(account, Candidate { status: to, ..candidate });
		(candidate.status, to)
	}

	fn list(
		account: &AccountId32,
		candidate: Candidate,
	) -> Result<(Status, Status), DispatchError> {
		ensure!(candidate.bond >= T::MinBond::get(), Error::<T>::BondTooSmall);
		ensure!(Self::has_session_keys(account), Error::<T>::NoSessionKeys);
		Validators::<T>::try_append(account).map_err(|()| Error::<T>::TooManyValidators)?;
		ListChanged::<T>::put(true);
		let moved = Self::move_to(account, candidate, Status::Listed);
		Self::expel_first_due();
		Ok(moved)
	}

	fn unlist(account: &AccountId32) -> DispatchResult {
		Validators::<T>::try_mutate(|validators| {
			let count = u32::try_from(validators.len()).unwrap_or(u32::MAX);
			ensure!(count > Self::floor(), Error::<T>::TooFewValidators);
			validators.retain(|validator| validator != account);
			ListChanged::<T>::put(true);
			Misses::<T>::remove(account);
			Ok(())
		})
	}
}
