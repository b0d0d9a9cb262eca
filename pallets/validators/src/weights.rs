// SPDX-License-Identifier: Apache-2.0

//! Weights of the calls.
//!
//! These numbers are **estimates**, counted from the storage that each call touches with a
//! generous allowance for its computation; no benchmark has measured them yet.

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// What each call costs.
pub trait WeightInfo {
	/// Weight of `admit`.
	fn admit() -> Weight;
	/// Weight of `remove`.
	fn remove() -> Weight;
	/// Weight of `resign`.
	fn resign() -> Weight;
	/// Weight of `withdraw_keys`.
	fn withdraw_keys() -> Weight;
	/// Weight of `apply`.
	fn apply() -> Weight;
	/// Weight of `bond_more`.
	fn bond_more() -> Weight;
	/// Weight of `withdraw_bond`.
	fn withdraw_bond() -> Weight;
	/// Weight of `rejoin`.
	fn rejoin() -> Weight;
	/// Weight of `report_aura_equivocation` where there are `validators` of them.
	fn report_aura_equivocation(validators: u32) -> Weight;
	/// Weight of punishing so many offenders.
	fn punish(offenders: u32) -> Weight;
	/// Weight of letting that call through without a signature.
	fn authorize_report_aura_equivocation() -> Weight;
	/// Weight of counting a block for its author.
	fn note_author() -> Weight;
}

/// Estimated weights, with the runtime's own cost of storage.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> SubstrateWeight<T> {
	/// `micros` microseconds of computation on the reference machine, and storage.
	fn of(micros: u64, reads: u64, writes: u64) -> Weight {
		Weight::from_parts(micros.saturating_mul(1_000_000), 0)
			.saturating_add(T::DbWeight::get().reads_writes(reads, writes))
	}
}

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	/// Reads the list, the candidate and its keys; writes the list, the mark of its change and the
	/// candidate. Chills one that was due: reads and writes who is due, its candidate and the
	/// disabled validators, reads the floor, the session and the active validators, writes the
	/// misses.
	fn admit() -> Weight {
		Self::of(50, 9, 7)
	}

	/// Reads the candidate, the list and its floor; writes the list, the mark of its change, the
	/// misses and the candidate.
	fn remove() -> Weight {
		Self::of(25, 3, 4)
	}

	/// Reads the session beside what `remove` does.
	fn resign() -> Weight {
		Self::of(25, 4, 4)
	}

	/// Reads the list, keys, hold and account; writes the keys, the owner of each of at most four
	/// keys, hold and account.
	fn withdraw_keys() -> Weight {
		Self::of(60, 9, 8)
	}

	/// Reads the candidate, its keys, hold and account; writes the candidate, hold and account.
	fn apply() -> Weight {
		Self::of(45, 4, 3)
	}

	/// Reads the candidate, hold and account; writes them.
	fn bond_more() -> Weight {
		Self::of(45, 3, 3)
	}

	/// Reads the candidate, the session, hold and account; writes the candidate, hold and account.
	fn withdraw_bond() -> Weight {
		Self::of(45, 4, 3)
	}

	/// As `admit`.
	fn rejoin() -> Weight {
		Self::of(50, 9, 7)
	}

	/// Checks the proof again, writes the report and its index, and punishes everybody that
	/// offended in the same session, at most all validators.
	fn report_aura_equivocation(validators: u32) -> Weight {
		Self::authorize_report_aura_equivocation()
			.saturating_add(Self::of(50, 2, 2))
			.saturating_add(Self::punish(validators))
	}

	/// Reads the report of each; reads and writes its candidate, slash, hold, account and misses.
	/// Reads the session and the active validators; reads and writes the list, the mark of its
	/// change, its floor, who is to be chilled and the disabled validators.
	fn punish(offenders: u32) -> Weight {
		Self::of(50, 8, 7).saturating_mul(offenders.into()).saturating_add(Self::of(25, 8, 5))
	}

	/// Verifies two signatures; searches the session of the slot by halving, which takes at most
	/// sixteen steps, reads two sets of keys and the report.
	fn authorize_report_aura_equivocation() -> Weight {
		Self::of(300, 24, 0)
	}

	/// Reads and writes the author's count.
	fn note_author() -> Weight {
		Self::of(5, 1, 1)
	}
}

/// For tests, where time is of no concern.
impl WeightInfo for () {
	fn admit() -> Weight {
		Weight::zero()
	}

	fn remove() -> Weight {
		Weight::zero()
	}

	fn resign() -> Weight {
		Weight::zero()
	}

	fn withdraw_keys() -> Weight {
		Weight::zero()
	}

	fn apply() -> Weight {
		Weight::zero()
	}

	fn bond_more() -> Weight {
		Weight::zero()
	}

	fn withdraw_bond() -> Weight {
		Weight::zero()
	}

	fn rejoin() -> Weight {
		Weight::zero()
	}

	fn report_aura_equivocation(_: u32) -> Weight {
		Weight::zero()
	}

	fn punish(_: u32) -> Weight {
		Weight::zero()
	}

	fn authorize_report_aura_equivocation() -> Weight {
		Weight::zero()
	}

	fn note_author() -> Weight {
		Weight::zero()
	}
}
