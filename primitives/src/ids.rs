// SPDX-License-Identifier: Apache-2.0

//! Identifiers, digests and other fixed-size byte strings, each a type of its own.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::{fmt, str::FromStr};
use scale_info::TypeInfo;
use serde::{de::Error as _, Deserialize, Deserializer, Serialize, Serializer};

/// Why a text is not the hexadecimal form of a fixed-size byte string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseHexError {
	/// The text has the wrong number of digits.
	Length {
		/// Hexadecimal digits that the type needs, without the `0x`.
		expected: usize,
		/// Digits found.
		found: usize,
	},
	/// A character is not a hexadecimal digit.
	Digit,
}

impl fmt::Display for ParseHexError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Self::Length { expected, found } => {
				write!(f, "expected {expected} hexadecimal digits after 0x, found {found}")
			},
			Self::Digit => {
				write!(f, "expected hexadecimal digits (0-9, a-f), found another character")
			},
		}
	}
}

impl core::error::Error for ParseHexError {}

fn parse_hex<const N: usize>(text: &str) -> Result<[u8; N], ParseHexError> {
	let digits = text.strip_prefix("0x").unwrap_or(text);
	if digits.len() != N * 2 {
		return Err(ParseHexError::Length { expected: N * 2, found: digits.len() });
	}
	let mut bytes = [0u8; N];
	hex::decode_to_slice(digits, &mut bytes).map_err(|_| ParseHexError::Digit)?;
	Ok(bytes)
}

macro_rules! byte_string {
	($(#[$doc:meta])* $name:ident, $size:literal) => {
		$(#[$doc])*
		#[derive(
			Clone,
			Copy,
			PartialEq,
			Eq,
			PartialOrd,
			Ord,
			Hash,
			Encode,
			Decode,
			DecodeWithMemTracking,
			MaxEncodedLen,
			TypeInfo,
		)]
		pub struct $name(pub [u8; $size]);

		impl $name {
			/// Number of bytes.
			pub const SIZE: usize = $size;
		}

		impl AsRef<[u8]> for $name {
			fn as_ref(&self) -> &[u8] {
				&self.0
			}
		}

		impl From<[u8; $size]> for $name {
			fn from(bytes: [u8; $size]) -> Self {
				Self(bytes)
			}
		}

		impl fmt::Display for $name {
			fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
				f.write_str("0x")?;
				self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
			}
		}

		impl fmt::Debug for $name {
			fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
				write!(f, "{}({self})", stringify!($name))
			}
		}

		impl FromStr for $name {
			type Err = ParseHexError;

			fn from_str(text: &str) -> Result<Self, Self::Err> {
				parse_hex(text).map(Self)
			}
		}

		impl Serialize for $name {
			fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
				serializer.collect_str(self)
			}
		}

		impl<'de> Deserialize<'de> for $name {
			fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
				let text = <alloc::borrow::Cow<'de, str>>::deserialize(deserializer)?;
				text.parse().map_err(D::Error::custom)
			}
		}
	};
}

byte_string!(
	/// BLAKE2b-256 digest of some bytes.
	Digest,
	32
);
byte_string!(
	/// Identifies a model: BLAKE2b-256 of its SCALE-encoded [manifest](crate::manifest::ModelManifest).
	ModelId,
	32
);
byte_string!(
	/// Identifies a verifying key: BLAKE2b-256 of its canonical bytes.
	VerifyingKeyId,
	32
);
byte_string!(
	/// Hash of the chain's first block: the chain's identity.
	GenesisHash,
	32
);
byte_string!(
	/// Salted Poseidon commitment to a job's input: a scalar, little-endian, canonical.
	InputCommitment,
	32
);
byte_string!(
	/// Poseidon commitment to the key that seals a job's output: a scalar, little-endian, canonical.
	OutputKeyCommitment,
	32
);
byte_string!(
	/// An element of BLS12-381's scalar field: little-endian, canonical (below the group order).
	Scalar,
	32
);
byte_string!(
	/// A pod's X25519 public key, to which clients seal their inputs (RFC 7748).
	EncryptionKey,
	32
);
byte_string!(
	/// A Groth16 proof over BLS12-381: compressed points A (48), B (96), C (48).
	ProofBytes,
	192
);

/// Number of a job, counted from zero since genesis.
#[derive(
	Clone,
	Copy,
	Debug,
	Default,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Hash,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
#[serde(transparent)]
pub struct JobId(pub u64);

impl fmt::Display for JobId {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		self.0.fmt(f)
	}
}

impl FromStr for JobId {
	type Err = core::num::ParseIntError;

	fn from_str(text: &str) -> Result<Self, Self::Err> {
		text.parse().map(Self)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use alloc::{format, string::ToString};

	#[test]
	fn hexadecimal_form_round_trips() {
		let digest = Digest(core::array::from_fn(|i| i as u8));
		assert_eq!(digest.to_string().parse(), Ok(digest));
		assert_eq!(digest.to_string()[2..].parse(), Ok(digest), "the 0x is optional");
		let json = serde_json::to_string(&digest).unwrap();
		assert_eq!(json, format!("\"{digest}\""));
		assert_eq!(serde_json::from_str::<Digest>(&json).unwrap(), digest);
	}

	#[test]
	fn malformed_hexadecimal_names_what_was_expected() {
		assert_eq!(
			"0x00".parse::<ModelId>(),
			Err(ParseHexError::Length { expected: 64, found: 2 })
		);
		assert_eq!("zz".repeat(32).parse::<ModelId>(), Err(ParseHexError::Digit));
		assert_eq!("é".repeat(32).parse::<ModelId>(), Err(ParseHexError::Digit));
	}
}
