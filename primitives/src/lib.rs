// SPDX-License-Identifier: Apache-2.0

//! Types that the Proofpod chain and everything that talks to it share.
//!
//! * [`ids`]: identifiers, digests, commitments: 32-byte newtypes that cannot be mixed up;
//! * [`manifest`]: what a registered model is;
//! * [`statement`]: the public inputs that a job's proof is checked against, and the binding;
//! * [`clock`]: the ticks in which prices, windows and deadlines are counted;
//! * [`job`]: a job's record, and its effective state as a pure function of record and clock;
//! * [`pod`]: what a pod publishes about itself.
//!
//! Nothing here depends on Substrate or on arkworks, so the same definitions serve the runtime,
//! the worker, the command line and a browser.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod clock;
pub mod ids;
pub mod job;
pub mod manifest;
pub mod pod;
pub mod statement;
mod text;

pub use clock::{Tick, Ticks};
pub use ids::{
	Digest, EncryptionKey, GenesisHash, InputCommitment, JobId, ModelId, OutputKeyCommitment,
	ProofBytes, Scalar, VerifyingKeyId,
};

/// Amounts of the native token, in its smallest unit (10⁻¹² POD).
pub type Balance = u128;

/// Height of a block.
pub type BlockNumber = u32;

/// 32 bytes of an account: an sr25519, ed25519 or hashed ECDSA public key.
pub type AccountBytes = [u8; 32];

/// Most field elements that a job's output may occupy: each is one public input, and each costs
/// the chain one scalar multiplication.
pub const MAX_OUTPUT_ELEMENTS: u32 = 16;

/// BLAKE2b with a 32-byte output, the chain's hash (RFC 7693).
pub fn blake2_256(data: &[u8]) -> [u8; 32] {
	use blake2::{digest::consts::U32, Blake2b, Digest as _};
	Blake2b::<U32>::digest(data).into()
}
