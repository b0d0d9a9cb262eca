// SPDX-License-Identifier: Apache-2.0

//! A model's manifest: everything that identifies it, by digest.

use crate::{blake2_256, Digest, ModelId, VerifyingKeyId, MAX_OUTPUT_ELEMENTS};
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// A model's name: UTF-8, at most 64 bytes.
pub type ModelName = BoundedVec<u8, ConstU32<64>>;
/// Where a model's artefacts lie: `https://`, `s3://` or `file://`, at most 256 bytes.
pub type ArtefactUri = BoundedVec<u8, ConstU32<256>>;
/// Places that hold the same artefacts.
pub type ArtefactUris = BoundedVec<ArtefactUri, ConstU32<8>>;

/// Version of the manifest's format and of the statement that its circuit proves.
pub const MANIFEST_VERSION: u16 = 1;

/// Who can read a job's output on the chain.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum OutputVisibility {
	/// Encrypted under the client's output key.
	#[codec(index = 0)]
	Sealed,
	/// In the clear.
	#[codec(index = 1)]
	Public,
}

/// Who can read a model's weights.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum WeightsVisibility {
	/// The quantised network is published: anyone can rebuild the circuit and check the key.
	#[codec(index = 0)]
	Public,
	/// The weights are constants of a circuit that is not published.
	#[codec(index = 1)]
	Withheld,
}

/// Who could know the trapdoor of a model's Groth16 keys, and so forge proofs for it.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum SetupProvenance {
	/// One machine drew the trapdoor and promised to forget it: for development only.
	#[codec(index = 0)]
	SingleParty,
	/// Several parties contributed; forging needs all of them. Carries the transcript's digest.
	#[codec(index = 1)]
	Ceremony {
		/// BLAKE2b-256 of the ceremony's transcript.
		transcript: Digest,
	},
}

/// What a model is. Two models with the same manifest are the same model.
#[derive(
	Clone,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
pub struct ModelManifest {
	/// [`MANIFEST_VERSION`] at the time of registration.
	pub version: u16,
	/// Name for people; not unique.
	pub name: ModelName,
	/// Digest of the interface's file: how a record goes in and what the output means. It holds the
	/// digest of the quantised network's file.
	pub interface: Digest,
	/// Digest of the canonical verifying key, under which the chain's registry holds it.
	pub verifying_key: VerifyingKeyId,
	/// Digest of the proving key's file.
	pub proving_key: Digest,
	/// Number of values of the input.
	pub input_len: u32,
	/// Number of values of the output.
	pub output_len: u32,
	/// Field elements that the packed output occupies, from 1 to [`MAX_OUTPUT_ELEMENTS`].
	pub output_elements: u32,
	/// Who can read the output.
	pub output: OutputVisibility,
	/// Who can read the weights.
	pub weights: WeightsVisibility,
	/// Where the Groth16 keys come from.
	pub setup: SetupProvenance,
}

impl ModelManifest {
	/// The model's identity: `blake2_256(SCALE(manifest))`.
	pub fn id(&self) -> ModelId {
		ModelId(blake2_256(&self.encode()))
	}

	/// Public inputs of the model's circuit: binding, input commitment, the output key's
	/// commitment when the output is sealed, and the packed output.
	pub fn public_inputs(&self) -> u32 {
		let commitments = match self.output {
			OutputVisibility::Sealed => 2u32,
			OutputVisibility::Public => 1,
		};
		commitments.saturating_add(1).saturating_add(self.output_elements)
	}

	/// Whether the numbers in the manifest can belong to a model at all.
	pub fn is_well_formed(&self) -> bool {
		self.version == MANIFEST_VERSION
			&& !self.name.is_empty()
			&& core::str::from_utf8(&self.name).is_ok()
			&& self.input_len > 0
			&& self.output_len > 0
			&& (1..=MAX_OUTPUT_ELEMENTS).contains(&self.output_elements)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use alloc::vec;

	fn manifest() -> ModelManifest {
		ModelManifest {
			version: MANIFEST_VERSION,
			name: b"digits".to_vec().try_into().unwrap(),
			interface: Digest([1; 32]),
			verifying_key: VerifyingKeyId([2; 32]),
			proving_key: Digest([3; 32]),
			input_len: 64,
			output_len: 10,
			output_elements: 1,
			output: OutputVisibility::Sealed,
			weights: WeightsVisibility::Public,
			setup: SetupProvenance::SingleParty,
		}
	}

	#[test]
	fn every_field_is_part_of_the_identity() {
		let base = manifest();
		let variants = vec![
			ModelManifest { version: 2, ..base.clone() },
			ModelManifest { name: b"other".to_vec().try_into().unwrap(), ..base.clone() },
			ModelManifest { interface: Digest([9; 32]), ..base.clone() },
			ModelManifest { verifying_key: VerifyingKeyId([9; 32]), ..base.clone() },
			ModelManifest { proving_key: Digest([9; 32]), ..base.clone() },
			ModelManifest { input_len: 65, ..base.clone() },
			ModelManifest { output_len: 11, ..base.clone() },
			ModelManifest { output_elements: 2, ..base.clone() },
			ModelManifest { output: OutputVisibility::Public, ..base.clone() },
			ModelManifest { weights: WeightsVisibility::Withheld, ..base.clone() },
			ModelManifest {
				setup: SetupProvenance::Ceremony { transcript: Digest([9; 32]) },
				..base.clone()
			},
		];
		for variant in variants {
			assert_ne!(variant.id(), base.id(), "{variant:?}");
		}
	}

	#[test]
	fn sealing_costs_one_public_input() {
		assert_eq!(manifest().public_inputs(), 4);
		let public = ModelManifest { output: OutputVisibility::Public, ..manifest() };
		assert_eq!(public.public_inputs(), 3);
	}

	#[test]
	fn impossible_numbers_are_recognised() {
		assert!(manifest().is_well_formed());
		for broken in [
			ModelManifest { version: 0, ..manifest() },
			ModelManifest { name: Default::default(), ..manifest() },
			ModelManifest { name: vec![0xff].try_into().unwrap(), ..manifest() },
			ModelManifest { input_len: 0, ..manifest() },
			ModelManifest { output_len: 0, ..manifest() },
			ModelManifest { output_elements: 0, ..manifest() },
			ModelManifest { output_elements: MAX_OUTPUT_ELEMENTS + 1, ..manifest() },
		] {
			assert!(!broken.is_well_formed(), "{broken:?}");
		}
	}
}
