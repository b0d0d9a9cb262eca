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
	/// Weight of `enact`, without the call that is enacted.
	fn enact() -> Weight;
}

/// Estimated weights, with the runtime's own cost of storage.
pub struct EstimatedWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for EstimatedWeight<T> {
	/// Hashes the call, and reads what the origin's check may read.
	fn enact() -> Weight {
		<()>::enact().saturating_add(T::DbWeight::get().reads(1))
	}
}

/// The work alone, without storage.
impl WeightInfo for () {
	fn enact() -> Weight {
		Weight::from_parts(WEIGHT_REF_TIME_PER_MICROS.saturating_mul(25), 0)
	}
}
