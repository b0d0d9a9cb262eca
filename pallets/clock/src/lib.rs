// SPDX-License-Identifier: Apache-2.0

//! # Clock
//!
//! Counts the blocks in which a pod could have submitted a result. Every price, window and deadline
//! of the market is counted in these ticks, so nobody can make another miss a deadline by filling
//! blocks: time stands still meanwhile.
//!
//! ## The rule
//!
//! After its last transaction a block is a tick unless
//!
//! * it was [`Full`](HeldReason::Full): [`Room`] more would not have fitted, by weight of ordinary
//!   transactions, by weight of all of them, or by length;
//! * it was [`Halted`](HeldReason::Halted): the runtime's filter lets [`Config::Probe`] through no
//!   more, as in safe mode;
//! * it was [`Migrating`](HeldReason::Migrating): no transactions were let in while storage changed
//!   its layout.
//!
//! The decision falls between the last transaction and `on_idle`, so what the runtime does with the
//! rest of a block never makes it look full. It depends on nothing but the block, so every node
//! decides alike. [`Pallet::now`] is the same for all calls in a block, and tells what a call that
//! is sent now will find.
//!
//! ## What it guarantees, and what not
//!
//! No window ends because of blocks to which `Room` could not have been added. That an author
//! leaves transactions out of a block that has room is not seen: windows must span the turns of
//! several authors. And whoever fills blocks delays what others wait for, refunds too, for as long
//! as it pays their fees.

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

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
pub mod migrations;
pub mod weights;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use pallet::*;
pub use weights::WeightInfo;

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{
	dispatch::DispatchClass,
	migrations::MultiStepMigrator,
	traits::{Contains, Get, PostTransactions},
	weights::Weight,
};
#[cfg(any(feature = "try-runtime", feature = "std"))]
use frame_support::{
	ensure,
	sp_runtime::{SaturatedConversion, TryRuntimeError},
};
use proofpod_primitives::Tick;
use scale_info::TypeInfo;

/// What must still fit into a block for it to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
	/// Transactions.
	pub transactions: u32,
	/// Weight of each, without what any transaction weighs.
	pub weight: Weight,
	/// Bytes of each.
	pub length: u32,
}

/// Why a block did not count.
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
pub enum HeldReason {
	/// It had no room left.
	#[codec(index = 0)]
	Full,
	/// The chain lets no results through.
	#[codec(index = 1)]
	Halted,
	/// Storage is changing its layout.
	#[codec(index = 2)]
	Migrating,
}

// The macros expand to `expect`s; what is written here has none.
#[allow(clippy::expect_used)]
#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use frame_support::pallet_prelude::*;
	use frame_system::pallet_prelude::*;

	/// The pallet.
	#[pallet::pallet]
	pub struct Pallet<T>(_);

	/// What the runtime decides.
	#[pallet::config]
	pub trait Config: frame_system::Config {
		/// What must still fit into a block for it to count.
		type Room: Get<Room>;

		/// Time passes only while the runtime's filter lets this call through.
		type Probe: Get<<Self as frame_system::Config>::RuntimeCall>;

		/// Weight of the clock.
		type WeightInfo: WeightInfo;
	}

	/// Blocks that counted.
	#[pallet::storage]
	pub type Ticks<T> = StorageValue<_, Tick, ValueQuery>;

	/// Why the block that is being made takes no results, as it was at its beginning.
	#[pallet::storage]
	pub(crate) type Shut<T> = StorageValue<_, HeldReason, OptionQuery>;

	/// What happened.
	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// This block does not count: no window comes nearer to its end.
		Held {
			/// Why.
			reason: HeldReason,
		},
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		/// Charges for the decision, which falls after the last transaction. What keeps results out
		/// is looked at here, too: it may end with the block's last transaction.
		fn on_initialize(_: BlockNumberFor<T>) -> Weight {
			if let Some(reason) = Self::shut() {
				Shut::<T>::put(reason);
			}
			T::WeightInfo::tick()
		}

		fn integrity_test() {
			let limits = T::BlockWeights::get();
			let normal = limits.get(DispatchClass::Normal).max_total.unwrap_or(limits.max_block);
			let half = normal.checked_div(2).unwrap_or(Weight::zero());
			let room = Pallet::<T>::room_weight();
			assert!(room.all_lte(half), "Room must leave half of a block: {room:?} of {normal:?}");
			let length = *T::BlockLength::get().max.get(DispatchClass::Normal);
			let room = Pallet::<T>::room_length();
			assert!(
				room <= length.div_ceil(2),
				"Room must leave half of a block: {room} of {length} bytes"
			);
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// The ticks until now.
		pub fn ticks() -> Tick {
			Self::now()
		}
	}
}

impl<T: Config> Pallet<T> {
	/// Now: the number of blocks before this one that counted.
	pub fn now() -> Tick {
		Ticks::<T>::get()
	}

	fn room_weight() -> Weight {
		let room = T::Room::get();
		let base = T::BlockWeights::get().get(DispatchClass::Normal).base_extrinsic;
		room.weight
			.saturating_add(base)
			// Each byte counts as a byte of the proof of storage, too.
			.saturating_add(Weight::from_parts(0, room.length.into()))
			.saturating_mul(room.transactions.into())
	}

	fn room_length() -> u32 {
		let room = T::Room::get();
		room.length.saturating_mul(room.transactions)
	}

	/// Whether the room is there no more.
	fn is_full() -> bool {
		let limits = T::BlockWeights::get();
		let used = frame_system::Pallet::<T>::block_weight();
		let room = Self::room_weight();
		let normal = limits.get(DispatchClass::Normal).max_total.unwrap_or(limits.max_block);
		let exceeds = |used: Weight, limit: Weight| used.saturating_add(room).any_gt(limit);
		let length = frame_system::Pallet::<T>::block_size().saturating_add(Self::room_length());
		exceeds(*used.get(DispatchClass::Normal), normal)
			|| exceeds(used.total(), limits.max_block)
			|| length > *T::BlockLength::get().max.get(DispatchClass::Normal)
	}

	/// What keeps results out now.
	fn shut() -> Option<HeldReason> {
		if T::MultiBlockMigrator::ongoing() {
			Some(HeldReason::Migrating)
		} else if !T::BaseCallFilter::contains(&T::Probe::get()) {
			Some(HeldReason::Halted)
		} else {
			None
		}
	}

	fn held() -> Option<HeldReason> {
		let full = || Self::is_full().then_some(HeldReason::Full);
		Shut::<T>::take().or_else(Self::shut).or_else(full)
	}

	/// Checks that, between blocks,
	/// * time has not run ahead of the chain, but for the block in which
	///   [the clock was introduced](migrations::Start), which counted its own height as well;
	/// * no reason to hold is left over from a block.
	///
	/// # Errors
	/// Which of these does not hold.
	#[cfg(any(feature = "try-runtime", feature = "std"))]
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		let height: u32 = frame_system::Pallet::<T>::block_number().saturated_into();
		ensure!(Self::now() <= Tick(height).after(1), "more ticks than blocks");
		ensure!(!Shut::<T>::exists(), "a reason to hold is left over from a block");
		Ok(())
	}
}

/// The runtime calls it between a block's last transaction and `on_idle`.
impl<T: Config> PostTransactions for Pallet<T> {
	fn post_transactions() {
		match Self::held() {
			Some(reason) => Self::deposit_event(Event::Held { reason }),
			None => Ticks::<T>::mutate(|now| *now = now.after(1)),
		}
	}
}
