// SPDX-License-Identifier: Apache-2.0

//! What a proved offence costs: a share of the bond, which is burned, and the place on the list.
//!
//! Nobody is paid for a report: a reward would pay an offender for reporting itself.

use crate::{
	candidate::{Candidate, ChillReason},
	Candidates, ChillDue, Config, Event, Pallet, Sessions, Slashes,
};
use codec::{Decode, Encode, MaxEncodedLen};
use frame_support::weights::Weight;
use proofpod_primitives::Balance;
use scale_info::TypeInfo;
use sp_runtime::{AccountId32, Perbill};
use sp_staking::{
	offence::{OffenceDetails, OffenceSeverity, OnOffenceHandler},
	SessionIndex,
};

/// What a validator has lost for its offences in sessions with the same keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Slash {
	/// Its bond when the first of them was reported.
	pub bond: Balance,
	/// What was burned of it since.
	pub taken: Balance,
}

impl<T: Config> OnOffenceHandler<AccountId32, AccountId32, Weight> for Pallet<T> {
	/// Punishes all that are known to have offended at the same time: the more they are, the
	/// larger the fraction, also for those that were reported before.
	fn on_offence(
		offenders: &[OffenceDetails<AccountId32, AccountId32>],
		fractions: &[Perbill],
		session: SessionIndex,
	) -> Weight {
		for (details, fraction) in offenders.iter().zip(fractions) {
			Self::punish(&details.offender, *fraction, session);
		}
		// Counted in the weights of the calls that report.
		Weight::zero()
	}
}

impl<T: Config> Pallet<T> {
	/// In sessions with the same keys an offender loses the largest fraction that any of its
	/// offences there calls for, not their sum: a misconfigured node offends in every slot until it
	/// is stopped, and who reports votes can name any of these sessions.
	fn punish(offender: &AccountId32, fraction: Perbill, session: SessionIndex) {
		let session = Sessions::<T>::get(session).map_or(session, |record| record.key_set);
		// Bonds are withdrawn only when what they answer for cannot be reported any more.
		let Some(mut candidate) = Candidates::<T>::get(offender) else { return };
		let known = Slashes::<T>::get(session, offender);
		let mut slash = known.unwrap_or(Slash { bond: candidate.bond, taken: 0 });
		let due = fraction.mul_ceil(slash.bond).saturating_sub(slash.taken);
		let from = candidate.bond;
		let burned = Self::burn(offender, &mut candidate, due);
		slash.taken = slash.taken.saturating_add(burned);
		Slashes::<T>::insert(session, offender, slash);
		if burned > 0 {
			Self::deposit_event(Event::Slashed {
				validator: offender.clone(),
				session,
				reason: ChillReason::Equivocation,
				from,
				to: candidate.bond,
				burned,
			});
		}
		if known.is_none() {
			Self::expel(offender, candidate, OffenceSeverity(fraction));
		}
	}

	/// Chills a validator that signed twice, and keeps it from making blocks until it has left.
	/// Whom the floor keeps on the list is not disabled either: `pallet_session` would keep it
	/// disabled until the set changes, which may be never.
	fn expel(offender: &AccountId32, candidate: Candidate, severity: OffenceSeverity) {
		if Self::chill(offender, candidate, ChillReason::Equivocation) {
			pallet_session::Pallet::<T>::report_offence(offender.clone(), severity);
		}
	}

	/// Expels the first of those that only the floor has kept on the list: another was listed just
	/// now.
	pub(crate) fn expel_first_due() {
		let mut due = ChillDue::<T>::get();
		if due.is_empty() {
			return;
		}
		let offender = due.remove(0);
		ChillDue::<T>::put(due);
		let Some(candidate) = Candidates::<T>::get(&offender) else { return };
		Self::expel(&offender, candidate, OffenceSeverity::default());
	}
}
