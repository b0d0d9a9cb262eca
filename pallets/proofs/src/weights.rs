// SPDX-License-Identifier: Apache-2.0

//! Weights of the calls.
//!
//! **Estimates, not benchmarks.** They start from the verifier measured inside the runtime, with
//! the SDK's host calls (decoding and verifying a proof with five inputs took 5.3 to 6.1 ms on a
//! small two-core machine), rounded up. Storage is charged by the runtime's `DbWeight`; the size of
//! storage proofs, which a chain of its own does not need, is left at zero.

use core::marker::PhantomData;
use frame_support::{
	traits::Get,
	weights::{constants::WEIGHT_REF_TIME_PER_MICROS, Weight},
};

/// What the calls cost.
pub trait WeightInfo {
	/// Registering a key with `i` public inputs.
	fn register_key(i: u32) -> Weight;
	/// Removing a key.
	fn remove_key() -> Weight;
	/// Verifying a proof with `i` public inputs.
	fn verify_proof(i: u32) -> Weight;
}

/// Estimates; see the head of this file.
pub struct SubstrateWeight<T>(PhantomData<T>);

fn micros(micros: u64) -> Weight {
	Weight::from_parts(WEIGHT_REF_TIME_PER_MICROS.saturating_mul(micros), 0)
}

/// The work of the calls, without storage.
impl WeightInfo for () {
	fn register_key(i: u32) -> Weight {
		// Decoding and checking a point of G1 takes about 0.7 ms.
		micros(20_000).saturating_add(micros(720).saturating_mul(i.into()))
	}

	fn remove_key() -> Weight {
		micros(50)
	}

	fn verify_proof(i: u32) -> Weight {
		micros(6_000).saturating_add(micros(250).saturating_mul(i.into()))
	}
}

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	fn register_key(i: u32) -> Weight {
		// Key, canonical bytes, account, holds.
		<()>::register_key(i).saturating_add(T::DbWeight::get().reads_writes(4, 4))
	}

	fn remove_key() -> Weight {
		<()>::remove_key().saturating_add(T::DbWeight::get().reads_writes(4, 4))
	}

	fn verify_proof(i: u32) -> Weight {
		<()>::verify_proof(i).saturating_add(T::DbWeight::get().reads(1))
	}
}
