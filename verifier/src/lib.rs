// SPDX-License-Identifier: Apache-2.0

//! Groth16 over BLS12-381: the verifier that chain, worker, command line and browser share.
//!
//! A proof is checked in two steps. [`ProofVerifier::prepare`] turns the bytes of a verifying key,
//! once, into a [`PreparedVerifyingKey`]: every point checked, the key's own pairing computed.
//! [`ProofVerifier::verify`] then checks any number of proofs against it, each for one
//! multi-scalar multiplication, one Miller loop over three pairs and one final exponentiation.
//!
//! [`Groth16`] implements both for any [`Pairing`](ark_ec::pairing::Pairing) type of BLS12-381:
//! clients take [`Native`], plain arkworks; a runtime takes
//! `sp_crypto_ec_utils::bls12_381::Bls12_381`, whose arithmetic runs in the node's host calls.
//! Both accept the same bytes, refuse the rest with the same [`Error`], and write the same prepared
//! key.
//!
//! # Encodings
//!
//! | what | bytes | form |
//! |---|---|---|
//! | point of G1 | 48 | x, big-endian; top three bits: compressed (always 1), infinity (always 0), y is the larger root |
//! | point of G2 | 96 | x = c0 + c1·u as c1 ‖ c0, with the same three bits |
//! | scalar | 32 | little-endian, below the group's order |
//! | proof | 192 | A (G1) ‖ B (G2) ‖ C (G1) |
//! | verifying key | 344 + 48·k | α (G1) ‖ β ‖ γ ‖ δ (G2) ‖ k as little-endian u64 ‖ k bases (G1), where k − 1 public inputs follow the constant one |
//!
//! These are the encodings of Zcash's protocol specification (§5.4.9.2) for points, and of
//! `ark-groth16`'s compressed form for proof and key. Everything has exactly one encoding; all
//! others are refused, as are points at infinity and points outside the prime-order subgroup, so
//! that an identifier derived from the bytes identifies the thing. Proof bytes are *not* such an
//! identifier: anybody can make another proof of the same statement out of a Groth16 proof.
//!
//! # Totality
//!
//! Nothing here panics on any input. The host calls behind the SDK's curve types do not tolerate
//! everything (they trap on a Miller loop that yields zero), so no point reaches them before its
//! bytes were found to be on the curve, and none reaches a pairing before it was found to be in
//! the subgroup.

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

mod error;
mod key;
mod point;
mod prepared;
mod proof;
mod scalar;
#[cfg(test)]
mod tests;
mod verify;

pub use error::{Element, Error};
pub use key::{verifying_key_id, VerifyingKey};
pub use prepared::PreparedVerifyingKey;
pub use proof::Proof;
pub use scalar::{decode_scalar, encode_scalar};
pub use verify::{Groth16, ProofVerifier};

/// BLS12-381 in plain arkworks: the engine outside a runtime.
pub type Native = ark_bls12_381::Bls12_381;

/// Most public inputs of a circuit: binding, two commitments and the packed output.
pub const MAX_PUBLIC_INPUTS: usize = 3 + proofpod_primitives::MAX_OUTPUT_ELEMENTS as usize;

/// Bytes of the longest verifying key.
pub const MAX_VERIFYING_KEY_SIZE: usize = 48 + 3 * 96 + 8 + 48 * (MAX_PUBLIC_INPUTS + 1);
