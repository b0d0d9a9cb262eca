// SPDX-License-Identifier: Apache-2.0

//! Changes of this pallet's storage.

use crate::{Candidate, Candidates, Config, Floor, Pallet, Status, Validators};
use alloc::vec::Vec;
use core::marker::PhantomData;
use frame_support::{
	migrations::VersionedMigration,
	traits::{
		fungible::Inspect,
		tokens::{Fortitude, Preservation},
		Get, UncheckedOnRuntimeUpgrade,
	},
	weights::Weight,
};
use sp_runtime::AccountId32;

/// From a list without bonds to one with: version 1 to version 2. `Active` gives the active
/// validators with the keys that consensus uses at this moment. They are not `pallet_session`'s
/// queued keys, which are those of the next session, and others when a change is under way.
pub type V2<T, Active> =
	VersionedMigration<1, 2, Bonds<T, Active>, Pallet<T>, <T as frame_system::Config>::DbWeight>;

/// Makes every listed validator a candidate, with what it can bond of the least bond, and remembers
/// whose keys are whose. Who has less stays listed, and must make it good before it can be listed
/// again.
///
/// A floor that leaves no place free, which a genesis may set no more, gives way by one.
pub struct Bonds<T, Active>(PhantomData<(T, Active)>);

impl<T: Config, Active: Get<Vec<(AccountId32, T::Keys)>>> UncheckedOnRuntimeUpgrade
	for Bonds<T, Active>
{
	fn on_runtime_upgrade() -> Weight {
		let validators = Validators::<T>::get();
		let count = u64::try_from(validators.len()).unwrap_or(u64::MAX);
		for validator in validators {
			let free = <T as Config>::Currency::reducible_balance(
				&validator,
				Preservation::Protect,
				Fortitude::Force,
			);
			let bond = free.min(T::MinBond::get());
			let bond = Pallet::<T>::hold(&validator, bond).map_or(0, |()| bond);
			Candidates::<T>::insert(validator, Candidate { bond, status: Status::Listed });
		}
		Floor::<T>::mutate_extant(|floor| {
			*floor = (*floor).min(T::MaxValidators::get().saturating_sub(1));
		});
		Pallet::<T>::record_session(pallet_session::Pallet::<T>::current_index(), Active::get());
		// For each validator its account, holds and candidate; the list, the active validators with
		// the keys of each kind, the session and its first slot; the floor.
		T::DbWeight::get().reads_writes(
			count.saturating_mul(3).saturating_add(11),
			count.saturating_mul(3).saturating_add(3),
		)
	}
}
