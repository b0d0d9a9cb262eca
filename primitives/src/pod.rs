// SPDX-License-Identifier: Apache-2.0

//! What a pod publishes about itself, and what the chain remembers of it.

use crate::{EncryptionKey, ModelId};
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// Where clients deliver their sealed inputs: an `http://` or `https://` URL, at most 256 bytes.
pub type Endpoint = BoundedVec<u8, ConstU32<256>>;
/// Models that a pod serves.
pub type ServedModels = BoundedVec<ModelId, ConstU32<64>>;

/// ISO 3166-1 alpha-2 code of the country where a pod says that it stands.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
pub struct Region(pub [u8; 2]);

impl Region {
	/// Whether the code is two capital letters.
	pub fn is_well_formed(&self) -> bool {
		self.0.iter().all(u8::is_ascii_uppercase)
	}
}

/// How far a job's input may travel; every tier's honest limit is in the threat model.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum PrivacyTier {
	/// The pod is the data owner's own machine: the data never leaves it.
	#[codec(index = 0)]
	Local,
	/// The input is encrypted to the one pod that locked the job.
	#[codec(index = 1)]
	Sealed,
}

/// What a pod publishes about itself. Everything here is the pod's own word.
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
pub struct PodProfile {
	/// Where clients deliver their sealed inputs.
	pub endpoint: Endpoint,
	/// Key to which clients seal their inputs.
	pub encryption_key: EncryptionKey,
	/// Where the pod says that it stands.
	pub region: Region,
	/// Models that it serves.
	pub models: ServedModels,
}

impl PodProfile {
	/// Whether clients can use the profile: a URL, a key that is not all zeroes, a country's code.
	pub fn is_well_formed(&self) -> bool {
		let url = core::str::from_utf8(&self.endpoint).is_ok_and(|url| {
			url.bytes().all(|byte| byte.is_ascii_graphic())
				&& ["http://", "https://"]
					.iter()
					.any(|scheme| url.strip_prefix(scheme).is_some_and(|host| !host.is_empty()))
		});
		url && self.encryption_key.0 != [0; 32] && self.region.is_well_formed()
	}
}

/// How a pod's past jobs ended.
#[derive(
	Clone,
	Copy,
	Debug,
	Default,
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
pub struct TrackRecord {
	/// Proved and paid.
	pub settled: u32,
	/// Locked, but never acknowledged in time.
	pub unacknowledged: u32,
	/// Given up after acknowledging.
	pub discarded: u32,
	/// Acknowledged, but not proved in time.
	pub missed: u32,
}

impl TrackRecord {
	/// Share of acknowledged jobs that were settled, in thousandths; 0 without any history.
	///
	/// Locks that were never acknowledged do not count: the chain cannot tell whether the client
	/// or the pod failed there.
	pub fn reputation(&self) -> u16 {
		let settled = u64::from(self.settled);
		let total = settled
			.saturating_add(u64::from(self.discarded))
			.saturating_add(u64::from(self.missed));
		let share = settled.saturating_mul(1000).checked_div(total).unwrap_or(0);
		u16::try_from(share).unwrap_or(1000)
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn profile(endpoint: &str) -> PodProfile {
		PodProfile {
			endpoint: endpoint.as_bytes().to_vec().try_into().unwrap(),
			encryption_key: EncryptionKey([1; 32]),
			region: Region(*b"CH"),
			models: Default::default(),
		}
	}

	#[test]
	fn endpoints_must_be_urls() {
		assert!(profile("https://pod.example:8443/").is_well_formed());
		assert!(profile("http://127.0.0.1:4000").is_well_formed());
		for endpoint in
			["", "pod.example", "ftp://pod.example", "https://", "http://a b", "http://é"]
		{
			assert!(!profile(endpoint).is_well_formed(), "{endpoint:?}");
		}
	}

	#[test]
	fn keys_and_regions_are_checked() {
		let good = profile("https://pod.example");
		assert!(
			!PodProfile { encryption_key: EncryptionKey([0; 32]), ..good.clone() }.is_well_formed()
		);
		assert!(!PodProfile { region: Region(*b"ch"), ..good }.is_well_formed());
	}

	#[test]
	fn reputation_is_the_share_of_settled_jobs() {
		assert_eq!(TrackRecord::default().reputation(), 0);
		let record = TrackRecord { settled: 3, missed: 1, unacknowledged: 9, discarded: 0 };
		assert_eq!(record.reputation(), 750);
		let extreme = TrackRecord { settled: u32::MAX, ..Default::default() };
		assert_eq!(extreme.reputation(), 1000);
	}
}
