// SPDX-License-Identifier: Apache-2.0

//! What the chain keeps of a verifying key, and what it tells of it.

use codec::{Decode, Encode, MaxEncodedLen};
use proofpod_primitives::Balance;
use proofpod_verifier::PreparedVerifyingKey;
use scale_info::TypeInfo;
use sp_runtime::AccountId32;

/// A registered verifying key.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct KeyRecord {
	/// Who paid the deposit and may remove the key.
	pub owner: AccountId32,
	/// What is held from the owner for this key.
	pub deposit: Balance,
	/// How many things, such as models, refer to the key.
	pub references: u32,
	/// The key, ready to verify with.
	pub prepared: PreparedVerifyingKey,
}

impl KeyRecord {
	/// Number of public inputs of the key's circuit.
	pub fn public_inputs(&self) -> u32 {
		u32::try_from(self.prepared.public_inputs()).unwrap_or(u32::MAX)
	}
}

/// A registered verifying key without its points.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct KeyInfo {
	/// Who paid the deposit and may remove the key.
	pub owner: AccountId32,
	/// What is held from the owner for this key.
	pub deposit: Balance,
	/// How many things, such as models, refer to the key.
	pub references: u32,
	/// Number of public inputs of the key's circuit.
	pub public_inputs: u32,
}

impl From<KeyRecord> for KeyInfo {
	fn from(record: KeyRecord) -> Self {
		Self {
			public_inputs: record.public_inputs(),
			owner: record.owner,
			deposit: record.deposit,
			references: record.references,
		}
	}
}
