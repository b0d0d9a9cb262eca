// SPDX-License-Identifier: Apache-2.0

//! What must hold between blocks.

use crate::{
	Authored, Candidates, ChillDue, Config, HoldReason, KeySets, Misses, Pallet, Sessions, Slashes,
	Validators,
};
use alloc::collections::BTreeSet;
use frame_support::{
	ensure,
	traits::{fungible::InspectHold, Get},
};
use sp_runtime::TryRuntimeError;

impl<T: Config> Pallet<T> {
	/// Checks that
	/// * the floor leaves a place free;
	/// * the list is within its bounds, holds nobody twice, and everybody on it has session keys;
	/// * those that are to be chilled are on the list, none of them twice, and the list is at its
	///   floor;
	/// * the candidates that say so are on the list, and nobody else;
	/// * what is held from each candidate is its bond;
	/// * misses are counted of listed validators only, and blocks of active ones;
	/// * exactly the sessions whose offences can be reported are remembered, with their keys;
	/// * nobody has lost more than it had.
	///
	/// # Errors
	/// Which of these does not hold.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		Self::try_list()?;
		Self::try_candidates()?;
		Self::try_attendance()?;
		Self::try_history()
	}

	fn try_list() -> Result<(), TryRuntimeError> {
		let validators = Validators::<T>::get();
		let count = u32::try_from(validators.len()).unwrap_or(u32::MAX);
		ensure!(Self::floor() < T::MaxValidators::get(), "the floor leaves no place free");
		ensure!(count >= Self::floor(), "fewer validators than the floor");
		let distinct = validators.iter().collect::<BTreeSet<_>>();
		ensure!(distinct.len() == validators.len(), "a validator is listed twice");
		ensure!(
			validators.iter().all(Self::has_session_keys),
			"a listed validator has no session keys"
		);
		ensure!(
			validators.iter().all(|validator| {
				Candidates::<T>::get(validator).is_some_and(|candidate| candidate.is_listed())
			}),
			"a listed validator is no listed candidate"
		);
		let due = ChillDue::<T>::get();
		ensure!(
			due.is_empty() || count == Self::floor(),
			"a validator is to be chilled, and there is room for it"
		);
		ensure!(
			due.iter().all(|validator| validators.contains(validator)),
			"a validator is to be chilled that is not listed"
		);
		ensure!(
			due.iter().collect::<BTreeSet<_>>().len() == due.len(),
			"a validator is to be chilled twice"
		);
		Ok(())
	}

	fn try_candidates() -> Result<(), TryRuntimeError> {
		let listed = Candidates::<T>::iter().filter(|(_, candidate)| candidate.is_listed()).count();
		ensure!(
			listed == Validators::<T>::get().len(),
			"a candidate that is not listed says that it is"
		);
		for (account, candidate) in Candidates::<T>::iter() {
			let held = <T as Config>::Currency::balance_on_hold(
				&HoldReason::ValidatorBond.into(),
				&account,
			);
			ensure!(held == candidate.bond, "a candidate's bond is not what is held from it");
		}
		Ok(())
	}

	fn try_attendance() -> Result<(), TryRuntimeError> {
		ensure!(
			Misses::<T>::iter_keys().all(|validator| Self::is_listed(&validator)),
			"misses are counted of an account that is not listed"
		);
		ensure!(Misses::<T>::iter_values().all(|misses| misses > 0), "a miss count of zero");
		let active = pallet_session::Validators::<T>::get();
		ensure!(
			Authored::<T>::iter_keys().all(|author| active.contains(&author)),
			"blocks are counted of an account that is not active"
		);
		Ok(())
	}

	fn try_history() -> Result<(), TryRuntimeError> {
		let current = pallet_session::Pallet::<T>::current_index();
		let oldest = current.saturating_sub(T::BondingSessions::get());
		ensure!(
			Sessions::<T>::iter_keys().all(|session| (oldest..=current).contains(&session)),
			"a session is remembered that is too old or to come"
		);
		ensure!(Sessions::<T>::contains_key(current), "the current session is not remembered");
		let used =
			Sessions::<T>::iter_values().map(|record| record.key_set).collect::<BTreeSet<_>>();
		let stored = KeySets::<T>::iter_keys().collect::<BTreeSet<_>>();
		ensure!(used == stored, "the stored key sets are not those of the remembered sessions");
		for (key_set, _, slash) in Slashes::<T>::iter() {
			ensure!(stored.contains(&key_set), "a slash of a forgotten key set");
			ensure!(slash.taken <= slash.bond, "a slash took more than there was");
		}
		Ok(())
	}
}
