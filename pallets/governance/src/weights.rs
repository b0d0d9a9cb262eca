// SPDX-License-Identifier: Apache-2.0

//! Weights of the calls.
//!
//! These numbers are **estimates**, counted from the storage that each call touches with a
//! generous allowance for its computation; no benchmark has measured them yet.

use core::marker::PhantomData;
use frame_support::{
	traits::Get,
	weights::{constants::WEIGHT_REF_TIME_PER_MICROS, Weight},
};

/// What each call costs.
pub trait WeightInfo {
	/// Weight of `enact` of a call of `b` bytes, without that call.
	fn enact(b: u32) -> Weight;
}

/// Estimated weights, with the runtime's own cost of storage.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	/// Hashes the call, and reads what the origin's check may read.
	fn enact(b: u32) -> Weight {
		<()>::enact(b).saturating_add(T::DbWeight::get().reads(1))
	}
}

/// The work alone, without storage.
impl WeightInfo for () {
	fn enact(b: u32) -> Weight {
		// Encoding and hashing a byte takes a few nanoseconds.
		Weight::from_parts(WEIGHT_REF_TIME_PER_MICROS.saturating_mul(25), 0)
			.saturating_add(Weight::from_parts(4_000, 0).saturating_mul(b.into()))
	}
}
