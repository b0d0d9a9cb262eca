// SPDX-License-Identifier: Apache-2.0

//! The list of validators as `pallet_session` sees it, and the length of its sessions.

use crate::{Config, ListChanged, Pallet, SessionLength, Validators};
use alloc::vec::Vec;
use core::marker::PhantomData;
use frame_support::traits::Get;
use frame_system::pallet_prelude::BlockNumberFor;
use pallet_session::{SessionManager, ShouldEndSession};
use sp_runtime::AccountId32;
use sp_staking::SessionIndex;

/// Blocks in a session: what the chain's genesis says, for `pallet_session`'s `PeriodicSessions`.
pub struct SessionPeriod<T>(PhantomData<T>);

impl<T: Config> Get<BlockNumberFor<T>> for SessionPeriod<T> {
	fn get() -> BlockNumberFor<T> {
		Pallet::<T>::session_length()
	}
}

/// Ends sessions when `Ends` does, but none while `Held`: for as long as GRANDPA would refuse a
/// change of its voters, because another one is under way.
///
/// `pallet_grandpa` drops such a change in silence. Its voters would then be others than the
/// session's validators until the next change, and nobody could report what they sign.
pub struct HeldSessions<Ends, Held>(PhantomData<(Ends, Held)>);

impl<Block, Ends: ShouldEndSession<Block>, Held: Get<bool>> ShouldEndSession<Block>
	for HeldSessions<Ends, Held>
{
	fn should_end_session(now: Block) -> bool {
		Ends::should_end_session(now) && !Held::get()
	}
}

impl<T: Config> Pallet<T> {
	/// Blocks in a session.
	pub fn session_length() -> BlockNumberFor<T> {
		SessionLength::<T>::get().unwrap_or_else(T::DefaultSessionLength::get)
	}
}

impl<T: Config> SessionManager<AccountId32> for Pallet<T> {
	/// The list, when it has changed since the last session was planned. Otherwise `None`, by
	/// which the validators stay, and consensus sees a change only where keys were exchanged.
	fn new_session(_: SessionIndex) -> Option<Vec<AccountId32>> {
		ListChanged::<T>::take().then(|| Validators::<T>::get().into_inner())
	}

	/// The first two sessions have the validators of the genesis configuration.
	///
	/// # Panics
	/// When that configuration has session keys but no validators, or a validator without session
	/// keys, which `pallet_session` would pass over in silence.
	fn new_session_genesis(_: SessionIndex) -> Option<Vec<AccountId32>> {
		let validators = Validators::<T>::get().into_inner();
		assert!(
			!validators.is_empty() || pallet_session::NextKeys::<T>::iter_keys().next().is_none(),
			"genesis has session keys but lists no validator: set `validators.validators`",
		);
		let without_keys = validators.iter().find(|validator| !Self::has_session_keys(validator));
		assert!(
			without_keys.is_none(),
			"genesis validator {without_keys:?} has no session keys: add them to `session.keys`",
		);
		Some(validators)
	}

	/// Sees who was there, before the session after the next is planned.
	fn end_session(_: SessionIndex) {
		Self::judge_attendance();
	}

	/// Remembers who validates from now on. `pallet_session` calls this while its queued keys are
	/// still those of the session that begins.
	fn start_session(session: SessionIndex) {
		Self::record_session(session, pallet_session::QueuedKeys::<T>::get());
	}
}
