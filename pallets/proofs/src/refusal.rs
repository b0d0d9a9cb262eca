// SPDX-License-Identifier: Apache-2.0

//! Why a key or a proof is refused: the verifier's reason, and the pallet's error for it.
//!
//! A dispatch error is one byte; the reason in words goes to those who ask through the runtime API.

use crate::Error;
use core::fmt;
use proofpod_primitives::VerifyingKeyId;
use proofpod_verifier::{Element, Error as Reason};

/// Why a key or a proof is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
	/// No verifying key with this id is registered.
	KeyUnknown(VerifyingKeyId),
	/// The verifier would not prepare the key.
	Key(Reason),
	/// The verifier would not accept the proof.
	Proof(Reason),
}

impl fmt::Display for Refusal {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Self::KeyUnknown(id) => {
				write!(f, "no verifying key {id} is registered: register it first")
			},
			Self::Key(reason) | Self::Proof(reason) => reason.fmt(f),
		}
	}
}

impl<T> From<Refusal> for Error<T> {
	fn from(refusal: Refusal) -> Self {
		match refusal {
			Refusal::KeyUnknown(_) => Self::KeyUnknown,
			Refusal::Key(reason) => Self::of_key(reason),
			Refusal::Proof(reason) => Self::of_proof(reason),
		}
	}
}

impl<T> Error<T> {
	fn of_key(reason: Reason) -> Self {
		match reason {
			// A base at infinity is a public input that the circuit does not use.
			Reason::Infinity { element: Element::Base(_) }
			| Reason::RepeatedBase { .. }
			| Reason::OppositeBases { .. }
			| Reason::ForgeableKey
			| Reason::DegeneratePairing => Self::DegenerateKey,
			Reason::TooManyBases { .. } => Self::KeyTooLarge,
			Reason::WrongCurve => Self::VerifierFault,
			_ => Self::MalformedKey,
		}
	}

	fn of_proof(reason: Reason) -> Self {
		match reason {
			Reason::InputCount { .. } => Self::WrongInputCount,
			Reason::InputNotCanonical { .. } | Reason::ScalarNotCanonical => Self::MalformedInput,
			Reason::NotCompressed { .. }
			| Reason::Infinity { .. }
			| Reason::NotCanonical { .. }
			| Reason::NotOnCurve { .. }
			| Reason::NotInSubgroup { .. } => Self::MalformedProof,
			Reason::Invalid | Reason::DegeneratePairing => Self::InvalidProof,
			_ => Self::VerifierFault,
		}
	}
}
