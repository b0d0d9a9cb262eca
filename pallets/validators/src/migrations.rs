// SPDX-License-Identifier: Apache-2.0

//! Changes of this pallet's storage.

use crate::{Candidate, Candidates, Config, Pallet, Status, Validators};
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

/// From a list without bonds to one with: version 1 to version 2.
pub type V2<T> =
	VersionedMigration<1, 2, Bonds<T>, Pallet<T>, <T as frame_system::Config>::DbWeight>;

/// Makes every listed validator a candidate, with what it can bond of the least bond. Who has less
/// stays listed, and must make it good before it can be listed again.
pub struct Bonds<T>(PhantomData<T>);

impl<T: Config> UncheckedOnRuntimeUpgrade for Bonds<T> {
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
		// The keys of the next session, which are those of this one unless a change is under way.
		Pallet::<T>::record_session(pallet_session::Pallet::<T>::current_index());
		// For each validator its account, holds and candidate; the list, keys and session.
		T::DbWeight::get().reads_writes(
			count.saturating_mul(3).saturating_add(6),
			count.saturating_mul(3).saturating_add(2),
		)
	}
}
