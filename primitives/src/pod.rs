// SPDX-License-Identifier: Apache-2.0

//! What a pod publishes about itself, and what the chain remembers of it.

use crate::{clock::Tick, Balance, EncryptionKey, ModelId};
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// Where clients deliver their sealed inputs: an `http://` or `https://` URL, at most 256 bytes.
pub type Endpoint = BoundedVec<u8, ConstU32<256>>;
/// Models that a pod serves.
pub type ServedModels = BoundedVec<ServedModel, ConstU32<64>>;
/// Regions where a pod stands.
pub type Regions = BoundedVec<Region, ConstU32<4>>;
/// A word that says something of a pod, such as `gpu:h100` or `iso-27001`: at most 32 lower-case
/// letters, digits, `-`, `.` and `:`.
pub type Tag = BoundedVec<u8, ConstU32<32>>;
/// Tags of a pod.
pub type Tags = BoundedVec<Tag, ConstU32<16>>;

/// Whether a tag is one: neither empty nor with other characters than a tag may have.
pub fn is_tag(tag: &[u8]) -> bool {
	let is_allowed =
		|byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.:".contains(byte);
	!tag.is_empty() && tag.iter().all(is_allowed)
}

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
pub struct Region(#[serde(with = "crate::text")] pub [u8; 2]);

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

/// A model that a pod serves.
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
pub struct ServedModel {
	/// The model.
	pub model: ModelId,
	/// Price below which the pod says that it takes no job: a hint, not an offer.
	pub min_price: Balance,
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
	#[serde(with = "crate::text")]
	pub endpoint: Endpoint,
	/// Key to which clients seal their inputs.
	pub encryption_key: EncryptionKey,
	/// Where the pod says that it stands: every country in which a machine of it may read inputs.
	pub regions: Regions,
	/// Models that it serves.
	pub models: ServedModels,
	/// What the pod says of itself.
	#[serde(with = "crate::text::list")]
	pub tags: Tags,
}

/// The points of small order of Curve25519, by their u-coordinates: a key among them shares the
/// same secret with everybody (RFC 7748, §6.1). Decoding ignores the highest bit.
const SMALL_ORDER: [[u8; 32]; 7] = [
	[0; 32],
	first_byte(0x01, 0x00, 0x00),
	[
		0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4,
		0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49,
		0xb8, 0x00,
	],
	[
		0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef,
		0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f,
		0x11, 0x57,
	],
	first_byte(0xec, 0xff, 0x7f),
	first_byte(0xed, 0xff, 0x7f),
	first_byte(0xee, 0xff, 0x7f),
];

/// 32 bytes of which all but the first and the last are alike.
const fn first_byte(first: u8, middle: u8, last: u8) -> [u8; 32] {
	let mut bytes = [middle; 32];
	bytes[0] = first;
	bytes[31] = last;
	bytes
}

/// Whether a key is of use: not one of the points of small order.
fn is_usable(key: &EncryptionKey) -> bool {
	let mut bytes = key.0;
	if let Some(last) = bytes.last_mut() {
		*last &= 0x7f;
	}
	!SMALL_ORDER.contains(&bytes)
}

impl PodProfile {
	/// Whether clients can use the profile: a URL, a key that keeps secrets, one to four countries'
	/// codes, tags that are tags.
	pub fn is_well_formed(&self) -> bool {
		let url = core::str::from_utf8(&self.endpoint).is_ok_and(|url| {
			url.bytes().all(|byte| byte.is_ascii_graphic())
				&& ["http://", "https://"]
					.iter()
					.any(|scheme| url.strip_prefix(scheme).is_some_and(|host| !host.is_empty()))
		});
		url && is_usable(&self.encryption_key)
			&& !self.regions.is_empty()
			&& self.regions.iter().all(Region::is_well_formed)
			&& self.tags.iter().all(|tag| is_tag(tag))
	}
}

/// Of how many millionths a weight of 1 consists.
const UNIT: u32 = 1_000_000;

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
	/// Sum of the weights of settled jobs, in millionths; every later job takes a fiftieth of it,
	/// times its own weight.
	pub good: u32,
	/// Likewise of jobs that were acknowledged and not proved.
	pub bad: u32,
}

impl TrackRecord {
	/// Most that the sums of weights come to together: fifty jobs of the greatest weight.
	pub const MOST: u32 = 50 * UNIT;

	/// Weight of a job with this price, in millionths, where jobs cost `average`: below a half for
	/// cheaper jobs, above for dearer ones, and below 1 always. So many cheap jobs, which a pod can
	/// buy from itself, weigh little.
	pub fn weight(price: Balance, average: Balance) -> u32 {
		let unit = Balance::from(UNIT);
		// Halved until the product fits: weights are ratios.
		let excess = Balance::BITS.saturating_sub(price.max(average).leading_zeros());
		let shift = excess.saturating_sub(96);
		let (price, average) = (price >> shift, average >> shift);
		let sum = price.saturating_add(average);
		let weight = price.saturating_mul(unit).checked_div(sum).unwrap_or(0);
		u32::try_from(weight).unwrap_or(UNIT).min(UNIT)
	}

	/// Notes a job that the pod acknowledged and proved, or did not prove. The past fades in
	/// proportion to the job's weight, so that what cheap jobs erase costs as much as what they
	/// give.
	pub fn note(&mut self, proved: bool, weight: u32) {
		let weight = weight.min(UNIT);
		let kept = |sum: u32| {
			let lost = u64::from(sum).saturating_mul(weight.into()).div_ceil(Self::MOST.into());
			sum.saturating_sub(u32::try_from(lost).unwrap_or(sum))
		};
		self.good = kept(self.good);
		self.bad = kept(self.bad);
		let sum = if proved { &mut self.good } else { &mut self.bad };
		*sum = sum.saturating_add(weight);
	}

	/// The share of good weight in thousandths, where two unit weights beside it count as neither:
	/// 0 without any history, 333 after one dear job, at most 961 (after Jøsang and Ismail, *The
	/// Beta Reputation System*, 2002).
	///
	/// Locks that were never acknowledged do not count: the chain cannot tell whether the client
	/// or the pod failed there.
	pub fn reputation(&self) -> u16 {
		let (good, bad) = (u64::from(self.good), u64::from(self.bad));
		let all = good.saturating_add(bad).saturating_add(u64::from(UNIT).saturating_mul(2));
		let share = good.saturating_mul(1000).checked_div(all).unwrap_or(0);
		u16::try_from(share).unwrap_or(1000)
	}
}

/// What holds of a registered pod.
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
pub enum PodState {
	/// It takes jobs.
	#[codec(index = 0)]
	Live,
	/// It has not been heard of for two heartbeats. It may take jobs, if it is there.
	#[codec(index = 1)]
	Silent,
	/// It may take no jobs, and finishes those that it has.
	#[codec(index = 2)]
	Suspended {
		/// First tick in which it may take jobs again.
		until: Tick,
	},
	/// It takes no jobs any more, and finishes those that it has.
	#[codec(index = 3)]
	Leaving {
		/// First tick in which it may withdraw its bond.
		withdrawable_from: Tick,
	},
}

impl PodState {
	/// Whether the pod may take new jobs.
	pub fn takes_jobs(&self) -> bool {
		matches!(self, Self::Live | Self::Silent)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	fn profile(endpoint: &str) -> PodProfile {
		PodProfile {
			endpoint: endpoint.as_bytes().to_vec().try_into().unwrap(),
			encryption_key: EncryptionKey([1; 32]),
			regions: vec![Region(*b"CH")].try_into().unwrap(),
			models: Default::default(),
			tags: Default::default(),
		}
	}

	#[test]
	fn json_shows_text_as_text() {
		let mut profile = profile("https://pod.example");
		profile.tags = vec![b"gpu:h100".to_vec().try_into().unwrap()].try_into().unwrap();
		let json = serde_json::to_value(&profile).unwrap();
		assert_eq!(json["endpoint"], "https://pod.example");
		assert_eq!(json["regions"], serde_json::json!(["CH"]));
		assert_eq!(json["tags"], serde_json::json!(["gpu:h100"]));
		assert_eq!(serde_json::from_value::<PodProfile>(json.clone()).unwrap(), profile);
		for (field, wrong) in [
			("endpoint", serde_json::json!("x".repeat(257))),
			("regions", serde_json::json!(["CHE"])),
			("tags", serde_json::json!(["x".repeat(33)])),
			("tags", serde_json::json!(vec!["x"; 17])),
		] {
			let mut json = json.clone();
			json[field] = wrong;
			assert!(serde_json::from_value::<PodProfile>(json).is_err(), "{field}");
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
	fn regions_and_tags_are_checked() {
		let good = profile("https://pod.example");
		let regions = |codes: &[&[u8; 2]]| PodProfile {
			regions: codes
				.iter()
				.map(|code| Region(**code))
				.collect::<Vec<_>>()
				.try_into()
				.unwrap(),
			..good.clone()
		};
		assert!(regions(&[b"CH", b"DE"]).is_well_formed());
		assert!(!regions(&[b"CH", b"de"]).is_well_formed());
		assert!(!regions(&[]).is_well_formed(), "every pod stands somewhere");
		let tag = |tag: &str| PodProfile {
			tags: vec![tag.as_bytes().to_vec().try_into().unwrap()].try_into().unwrap(),
			..good.clone()
		};
		assert!(tag("gpu:h100").is_well_formed());
		for malformed in ["", "GPU", "two words", "é"] {
			assert!(!tag(malformed).is_well_formed(), "{malformed:?}");
		}
	}

	#[test]
	fn keys_of_small_order_are_refused() {
		let usable = |bytes: [u8; 32]| {
			let key = EncryptionKey(bytes);
			PodProfile { encryption_key: key, ..profile("https://pod.example") }.is_well_formed()
		};
		for mut point in SMALL_ORDER {
			assert!(!usable(point));
			point[31] |= 0x80;
			assert!(!usable(point), "the highest bit changes nothing");
		}
		assert!(usable(first_byte(9, 0, 0)), "the base point");
	}

	#[test]
	fn weights_grow_with_the_price() {
		assert_eq!(TrackRecord::weight(0, 0), 0);
		assert_eq!(TrackRecord::weight(0, 10), 0);
		assert_eq!(TrackRecord::weight(10, 10), UNIT / 2);
		assert_eq!(TrackRecord::weight(30, 10), UNIT / 4 * 3);
		assert_eq!(TrackRecord::weight(10, 0), UNIT);
		assert_eq!(TrackRecord::weight(Balance::MAX, Balance::MAX), UNIT / 2);
		assert_eq!(TrackRecord::weight(1, Balance::MAX), 0);
	}

	#[test]
	fn reputation_weighs_jobs_and_forgets() {
		let mut record = TrackRecord::default();
		assert_eq!(record.reputation(), 0);
		record.note(true, UNIT);
		assert_eq!(record.reputation(), 333);
		(0..1000).for_each(|_| record.note(true, UNIT));
		assert_eq!(record.reputation(), 961);
		record.note(false, UNIT);
		assert!((940..943).contains(&record.reputation()), "{}", record.reputation());
		(0..200).for_each(|_| record.note(false, UNIT));
		assert!(record.reputation() < 30, "{}", record.reputation());
	}

	/// Pays `money` for jobs of this price, where they cost 10,000 on average, all of which go
	/// well.
	fn spend(record: &mut TrackRecord, money: Balance, price: Balance) {
		let weight = TrackRecord::weight(price, 10_000);
		(0..money / price).for_each(|_| record.note(true, weight));
	}

	#[test]
	fn what_a_record_gains_and_forgets_follows_what_was_paid() {
		let spent = |price| {
			let mut record = TrackRecord::default();
			spend(&mut record, 100_000, price);
			record
		};
		let usual = spent(10_000);
		for price in [1, 10, 100, 1_000] {
			let cheap = spent(price);
			// Cheap jobs give at most twice as much for the same money, however cheap.
			assert!(cheap.good > usual.good && cheap.good < 2 * usual.good, "{cheap:?} {usual:?}");
		}
		assert!(spent(100_000).good < usual.good, "dear ones give less");

		// Nor do they erase more of a failure.
		let mut failed = TrackRecord::default();
		failed.note(false, UNIT / 2);
		for price in [1, 10, 100, 1_000, 10_000] {
			let mut record = failed;
			spend(&mut record, 100_000, price);
			assert!(record.bad >= UNIT / 5 * 2, "{price}: {record:?}");
		}
		let mut record = failed;
		record.note(true, 0);
		assert_eq!(record, failed, "what weighs nothing changes nothing");
	}

	proptest! {
		#[test]
		fn reputation_stays_within_bounds(
			jobs in prop::collection::vec((any::<bool>(), any::<u32>()), 0..300),
		) {
			let mut record = TrackRecord::default();
			for (proved, weight) in jobs {
				let before = record.reputation();
				record.note(proved, weight);
				prop_assert!(record.reputation() <= 961);
				prop_assert!(u64::from(record.good) + u64::from(record.bad) <= u64::from(TrackRecord::MOST));
				let after = record.reputation();
				prop_assert!(after == before || (after > before) == proved);
			}
		}

		#[test]
		fn weights_are_shares(price: Balance, average: Balance) {
			prop_assert!(TrackRecord::weight(price, average) <= UNIT);
		}
	}
}
