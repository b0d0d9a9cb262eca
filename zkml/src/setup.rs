// SPDX-License-Identifier: Apache-2.0

//! Groth16 keys: generation, and the proving key's file.
//!
//! Whoever knows the randomness of a key generation can forge proofs for that circuit. Keys made
//! here come from one machine that draws it, uses it and forgets it: for development, or where
//! that machine is trusted. A proving key also bears on privacy: proofs made with a key that was
//! not generated honestly may not hide the witness.
//!
//! * [`generate`] makes the keys of a model and writes the proving key as a stream: the circuit's
//!   matrices are never kept, each constraint is added to the columns' polynomials as it is stated;
//! * [`ProvingKey`] is the file, mapped into memory.

mod generate;
mod key_file;
#[cfg(test)]
mod tests;

pub use generate::{generate, generate_in_memory, Keys};
pub use key_file::{write_proving_key, ProvingKey};

use crate::{circuit::CircuitError, progress::Cancelled};
use blake2::{digest::consts::U32, Blake2b, Digest as _};
use proofpod_primitives::Digest;
use std::io::{self, Read};

/// Why keys cannot be made, written or read.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
	/// The network has no circuit.
	#[error(transparent)]
	Circuit(#[from] CircuitError),
	/// The circuit is too large for the field's roots of unity.
	#[error("expected a circuit of at most 2^32 constraints and public inputs, found {found}")]
	TooLarge {
		/// Constraints and public inputs of the circuit.
		found: usize,
	},
	/// The chain's verifier would refuse the verifying key.
	#[error("the verifying key is refused: {0}")]
	VerifyingKey(proofpod_verifier::Error),
	/// A file cannot be read or written.
	#[error("cannot read or write the proving key: {0}")]
	Io(#[from] io::Error),
	/// The file is another one.
	#[error("expected a proving key with digest {expected}, found {found}: fetch the file again")]
	Digest {
		/// Digest asked for.
		expected: Digest,
		/// Digest of the file's bytes.
		found: Digest,
	},
	/// The file does not start like a proving key's.
	#[error("expected a Proofpod proving key of version {version}, found another kind or version of file: run the setup again", version = key_file::VERSION)]
	Kind,
	/// The file's length is not the one that its counts give.
	#[error("expected a proving key of {expected} bytes, by the counts in it, found {found}")]
	Length {
		/// Bytes that the counts give; without, more than a file can have.
		expected: Size,
		/// Bytes of the file.
		found: u64,
	},
	/// A coordinate is not below the field's modulus.
	#[error("the proving key has a coordinate that is not below the field's modulus, in the point at byte {offset}")]
	Point {
		/// Where the point begins.
		offset: usize,
	},
	/// Whoever started the generation stopped it.
	#[error(transparent)]
	Cancelled(#[from] Cancelled),
}

/// A number of bytes, if it is one that can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub Option<u64>);

impl std::fmt::Display for Size {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		match self.0 {
			Some(bytes) => bytes.fmt(f),
			None => f.write_str("more than 2^64"),
		}
	}
}

/// Digest of a file's bytes, from its current position to its end.
///
/// # Errors
/// When the reader fails.
pub fn digest(mut reader: impl Read) -> Result<Digest, SetupError> {
	let mut hasher = Blake2b::<U32>::new();
	io::copy(&mut reader, &mut hasher)?;
	Ok(Digest(hasher.finalize().into()))
}
