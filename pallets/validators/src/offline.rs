// SPDX-License-Identifier: Apache-2.0

//! Who is offline, by what everybody sees: the authors of the blocks.

use crate::{candidate::ChillReason, Authored, Candidates, Config, Event, Misses, Pallet};
use alloc::vec::Vec;
use frame_support::traits::Get;
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::AccountId32;

/// Blocks that a session must have for each of its validators before one that made none is taken
/// to be offline: a shorter session may have ended before its turn.
pub(crate) const TURNS_TO_JUDGE: u32 = 2;

/// Nobody is chilled when one in so many active validators is missing, or more, for that can hold
/// up finality: then the network is at fault rather than they, or somebody keeps them off it. Each
/// session is judged by itself; what bounds the losses of several is the floor.
const SPARED_SHARE: u32 = 3;

impl<T: Config> pallet_authorship::EventHandler<AccountId32, BlockNumberFor<T>> for Pallet<T> {
	fn note_author(author: AccountId32) {
		Authored::<T>::mutate(author, |blocks| *blocks = blocks.saturating_add(1));
	}
}

impl<T: Config> Pallet<T> {
	/// Counts the session that ends as a miss of every listed validator that made no block in it,
	/// and chills those that have missed too many in a row.
	pub(crate) fn judge_attendance() {
		let attendance = pallet_session::Validators::<T>::get()
			.into_iter()
			.map(|validator| {
				let blocks = Authored::<T>::take(&validator);
				(validator, blocks)
			})
			.collect::<Vec<_>>();
		let count = u32::try_from(attendance.len()).unwrap_or(u32::MAX);
		let total = attendance.iter().fold(0u32, |sum, (_, blocks)| sum.saturating_add(*blocks));
		if total < count.saturating_mul(TURNS_TO_JUDGE) {
			return;
		}
		let missing = attendance.iter().filter(|(_, blocks)| *blocks == 0).count();
		let most = count.saturating_sub(1) / SPARED_SHARE;
		let may_chill = u32::try_from(missing).is_ok_and(|missing| missing <= most);
		for (validator, blocks) in attendance {
			let listed = Candidates::<T>::get(&validator).filter(|candidate| candidate.is_listed());
			let Some(candidate) = listed else { continue };
			if blocks > 0 {
				Misses::<T>::remove(&validator);
				continue;
			}
			let misses = Misses::<T>::get(&validator).saturating_add(1);
			Misses::<T>::insert(&validator, misses);
			Self::deposit_event(Event::Absent { validator: validator.clone(), misses });
			if misses >= T::OfflineSessions::get() && may_chill {
				Self::chill(&validator, candidate, ChillReason::Offline);
			}
		}
	}
}
