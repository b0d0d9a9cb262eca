// SPDX-License-Identifier: Apache-2.0

//! # Governance pallet
//!
//! Carries out with the root origin what a body of several accounts has decided.
//!
//! A collective speaks with an origin of its own, `Members(ayes, seats)`, which no call of the SDK
//! takes for root: a council alone could neither authorise a new runtime nor exchange its own
//! members. [`Pallet::enact`] closes that gap, for whichever share of the votes the runtime names
//! in [`Config::EnactOrigin`]. What is to be enacted stands in the motion for all to read until the
//! votes are there.
//!
//! ## Terminology
//!
//! * **To enact** a call: to dispatch it with the root origin, past the runtime's filter.
//!
//! ## Example
//!
//! A member proposes the motion `governance.enact(system.authorize_upgrade(hash))`; three of four
//! members approve it; anybody closes it. The collective dispatches `enact` with the origin
//! `Members(3, 4)`, and `enact` dispatches `authorize_upgrade` as root.
//!
//! The pallet stores nothing.

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

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
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
	use alloc::boxed::Box;
	use frame_support::{
		dispatch::{GetDispatchInfo, PostDispatchInfo},
		pallet_prelude::*,
		traits::UnfilteredDispatchable,
	};
	use frame_system::{pallet_prelude::*, RawOrigin};
	use sp_runtime::{traits::Hash, DispatchErrorWithPostInfo};

	/// The governance pallet.
	#[pallet::pallet]
	pub struct Pallet<T>(_);

	/// What a runtime decides for this pallet.
	#[pallet::config]
	pub trait Config: frame_system::Config {
		/// The runtime's calls.
		type RuntimeCall: Parameter
			+ UnfilteredDispatchable<RuntimeOrigin = Self::RuntimeOrigin>
			+ GetDispatchInfo;

		/// Who may enact: a body, never a single key.
		type EnactOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// Weights of the calls.
		type WeightInfo: WeightInfo;
	}

	/// What was done.
	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A call was carried out as root.
		Enacted {
			/// Hash of the call.
			call: T::Hash,
		},
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Carries out a call as root.
		///
		/// ## Dispatch origin
		/// [`Config::EnactOrigin`].
		///
		/// ## Details
		/// The call passes no filter. What it reports to have weighed counts for this call too, so
		/// that a runtime upgrade takes the rest of the block for itself.
		///
		/// ## Errors
		/// * Those of the call, which has then changed nothing.
		///
		/// ## Events
		/// * [`Event::Enacted`].
		#[pallet::call_index(0)]
		#[pallet::weight((
			T::WeightInfo::enact(call.encoded_size() as u32)
				.saturating_add(call.get_dispatch_info().call_weight),
			DispatchClass::Operational,
		))]
		pub fn enact(
			origin: OriginFor<T>,
			call: Box<<T as Config>::RuntimeCall>,
		) -> DispatchResultWithPostInfo {
			T::EnactOrigin::ensure_origin(origin)?;
			let hash = T::Hashing::hash_of(&call);
			let own = T::WeightInfo::enact(call.encoded_size() as u32);
			let declared = call.get_dispatch_info().call_weight;
			let weigh = |info: PostDispatchInfo| -> PostDispatchInfo {
				let weight = info.actual_weight.unwrap_or(declared);
				Some(own.saturating_add(weight)).into()
			};
			let done = call.dispatch_bypass_filter(RawOrigin::Root.into()).map_err(|failure| {
				DispatchErrorWithPostInfo { post_info: weigh(failure.post_info), ..failure }
			})?;
			Self::deposit_event(Event::Enacted { call: hash });
			Ok(weigh(done))
		}
	}
}
