// SPDX-License-Identifier: Apache-2.0

//! Why a proof, a key or a scalar was refused.

use core::fmt;

/// A point's place in a proof or in a verifying key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
	/// The proof's A, in G1.
	A,
	/// The proof's B, in G2.
	B,
	/// The proof's C, in G1.
	C,
	/// The key's α, in G1.
	Alpha,
	/// The key's β, in G2.
	Beta,
	/// The key's γ, in G2.
	Gamma,
	/// The key's δ, in G2.
	Delta,
	/// One of the key's bases, in G1: 0 belongs to the constant one, `i` to public input `i - 1`.
	Base(usize),
}

impl fmt::Display for Element {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Self::A => f.write_str("the proof's A"),
			Self::B => f.write_str("the proof's B"),
			Self::C => f.write_str("the proof's C"),
			Self::Alpha => f.write_str("the verifying key's alpha"),
			Self::Beta => f.write_str("the verifying key's beta"),
			Self::Gamma => f.write_str("the verifying key's gamma"),
			Self::Delta => f.write_str("the verifying key's delta"),
			Self::Base(index) => write!(f, "the verifying key's base {index}"),
		}
	}
}

/// Why a proof, a key or a scalar was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
	/// A scalar is not below the group's order.
	#[error("the scalar is not below the order of BLS12-381's groups: reduce it")]
	ScalarNotCanonical,
	/// A public input is not below the group's order.
	#[error(
		"public input {index} is not below the order of BLS12-381's groups: encode it reduced, little-endian"
	)]
	InputNotCanonical {
		/// The public input, counted from 0.
		index: usize,
	},
	/// The number of public inputs is not the key's.
	#[error("the verifying key takes {expected} public inputs, found {found}")]
	InputCount {
		/// Public inputs that the key takes.
		expected: usize,
		/// Public inputs given.
		found: usize,
	},
	/// A point's compression bit is not set.
	#[error("{element} is not a compressed point: send the compressed encoding")]
	NotCompressed {
		/// The point's place.
		element: Element,
	},
	/// A point is the point at infinity.
	#[error("{element} is the point at infinity, which no honest prover or key has")]
	Infinity {
		/// The point's place.
		element: Element,
	},
	/// A point is encoded in a way that is not its only permitted one.
	#[error("{element} is not canonically encoded: a coordinate is not below the field's modulus")]
	NotCanonical {
		/// The point's place.
		element: Element,
	},
	/// No point of the curve has this x coordinate.
	#[error("{element} is not on the curve")]
	NotOnCurve {
		/// The point's place.
		element: Element,
	},
	/// A point of the curve lies outside the subgroup of prime order.
	#[error("{element} is not in the subgroup of prime order")]
	NotInSubgroup {
		/// The point's place.
		element: Element,
	},
	/// The key ends before its bases.
	#[error("a verifying key has at least {least} bytes, found {found}: it is truncated")]
	KeyTooShort {
		/// Bytes of the shortest key.
		least: usize,
		/// Bytes given.
		found: usize,
	},
	/// The key has no base for the constant one.
	#[error("the verifying key has no bases, expected one more than public inputs")]
	NoBases,
	/// The key has more bases than a key may have.
	#[error("the verifying key says that it has {found} bases, expected at most {most}")]
	TooManyBases {
		/// Most bases: one more than public inputs.
		most: usize,
		/// The number in the key.
		found: u64,
	},
	/// The key's length is not what its number of bases requires.
	#[error(
		"a verifying key with this number of bases has {expected} bytes, found {found}: it is truncated or has trailing bytes"
	)]
	KeyLength {
		/// Bytes that the number of bases requires.
		expected: usize,
		/// Bytes given.
		found: usize,
	},
	/// Two public inputs have the same base: only their sum would be bound.
	#[error(
		"public inputs {first} and {second} have the same base, so that only their sum would be proved: constrain each of them"
	)]
	RepeatedBase {
		/// A public input, counted from 0.
		first: usize,
		/// A later one.
		second: usize,
	},
	/// Two public inputs have opposite bases: only their difference would be bound.
	#[error(
		"public inputs {first} and {second} have opposite bases, so that only their difference would be proved: constrain each of them"
	)]
	OppositeBases {
		/// A public input, counted from 0.
		first: usize,
		/// A later one.
		second: usize,
	},
	/// γ is δ or its opposite: anybody could make a proof of anything.
	#[error(
		"the verifying key's gamma and delta are equal or opposite, so that anybody could forge proofs: finish the key's setup"
	)]
	ForgeableKey,
	/// A prepared key was not written by this crate.
	#[error("the prepared verifying key is corrupt: prepare it again from the verifying key")]
	CorruptPreparedKey,
	/// The curve type's encodings are not BLS12-381's.
	#[error("the engine's encodings have not BLS12-381's sizes: use an engine for BLS12-381")]
	WrongCurve,
	/// A product of Miller loops has no inverse. Cannot happen with points of the subgroup.
	#[error("the pairing is degenerate")]
	DegeneratePairing,
	/// Everything is well-formed, but the proof does not prove the statement.
	#[error("the proof does not hold for these public inputs under this verifying key")]
	Invalid,
}
