// SPDX-License-Identifier: Apache-2.0

//! What a client asks for.

use crate::{
	clock::Ticks,
	pod::{PrivacyTier, Region, Tag},
	Balance, InputCommitment, ModelId, OutputKeyCommitment,
};
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// A reverse Dutch ramp: the price rises from `min` to `max` over `ramp` ticks after opening, and
/// stays there.
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
pub struct PriceRamp {
	/// Price at the opening.
	pub min: Balance,
	/// Highest price, which the client's hold covers.
	pub max: Balance,
	/// Ticks from `min` to `max`; 0 starts at `max`.
	pub ramp: Ticks,
}

impl PriceRamp {
	/// Whether `0 < min <= max`.
	pub fn is_well_formed(&self) -> bool {
		0 < self.min && self.min <= self.max
	}

	/// The price `elapsed` ticks after opening, rounded down.
	pub fn after(&self, elapsed: Ticks) -> Balance {
		rising(self.min, self.max, elapsed, self.ramp)
	}
}

/// What rises evenly from `from` to `to`, which is no less, in `span` ticks, after `elapsed` of them;
/// rounded down.
pub(super) fn rising(from: Balance, to: Balance, elapsed: Ticks, span: Ticks) -> Balance {
	if elapsed >= span {
		return to;
	}
	let (elapsed, span) = (Balance::from(elapsed), Balance::from(span));
	let rise = to.saturating_sub(from);
	// Quotient and remainder apart, so that the product cannot overflow.
	let whole = rise.checked_div(span).unwrap_or(0).saturating_mul(elapsed);
	let part =
		rise.checked_rem(span).unwrap_or(0).saturating_mul(elapsed).checked_div(span).unwrap_or(0);
	from.saturating_add(whole).saturating_add(part).min(to)
}

/// How long each step of a job may take, in ticks.
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
pub struct Windows {
	/// From opening: a pod must lock by then.
	pub lock: Ticks,
	/// From the lock: the pod must acknowledge the input by then.
	pub acknowledge: Ticks,
	/// From the end of the acknowledgement's window: the pod must prove by then.
	pub prove: Ticks,
	/// From opening: another pod may lock by then when one acknowledged the input and did not
	/// prove; 0 lets the job end with the first such pod. Every further pod reads the input, too.
	pub failover: Ticks,
}

/// A tag that a pod must carry.
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
#[serde(bound(
	serialize = "Account: Serialize",
	deserialize = "Account: serde::de::DeserializeOwned"
))]
pub struct RequiredTag<Account> {
	/// The tag.
	#[serde(with = "crate::text")]
	pub tag: Tag,
	/// Who must have attested it; without, the pod's own word is enough.
	pub attested_by: Option<Account>,
}

/// Which pods may lock a job.
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
#[serde(bound(
	serialize = "Account: Serialize",
	deserialize = "Account: serde::de::DeserializeOwned"
))]
pub struct Requirements<Account> {
	/// These pods only; empty allows all, one is a direct hire.
	pub pods: BoundedVec<Account, ConstU32<8>>,
	/// Pods that stand in these regions and in no other; empty allows all.
	pub regions: BoundedVec<Region, ConstU32<8>>,
	/// Least reputation, in thousandths.
	pub min_reputation: u16,
	/// How far the input may travel.
	pub tier: PrivacyTier,
	/// Pods that carry all of these tags only.
	pub tags: BoundedVec<RequiredTag<Account>, ConstU32<4>>,
}

impl<Account> Default for Requirements<Account> {
	fn default() -> Self {
		Self {
			pods: Default::default(),
			regions: Default::default(),
			min_reputation: 0,
			tier: PrivacyTier::Sealed,
			tags: Default::default(),
		}
	}
}

impl<Account: PartialEq> Requirements<Account> {
	/// Whether a pod with this account, these regions and this reputation may lock the job;
	/// `carries` tells whether it has a tag.
	///
	/// A pod that stands in a region besides those allowed is refused: which of its machines reads
	/// the input, nobody can tell.
	pub fn admit(
		&self,
		pod: &Account,
		regions: &[Region],
		reputation: u16,
		carries: impl FnMut(&RequiredTag<Account>) -> bool,
	) -> bool {
		let stands_here =
			!regions.is_empty() && regions.iter().all(|region| self.regions.contains(region));
		(self.pods.is_empty() || self.pods.contains(pod))
			&& (self.regions.is_empty() || stands_here)
			&& reputation >= self.min_reputation
			&& self.tags.iter().all(carries)
	}
}

/// What a client asks for.
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
#[serde(bound(
	serialize = "Account: Serialize",
	deserialize = "Account: serde::de::DeserializeOwned"
))]
pub struct JobRequest<Account> {
	/// The model to run.
	pub model: ModelId,
	/// Salted commitment to the input.
	pub input: InputCommitment,
	/// Commitment to the key that will seal the output; `None` exactly when the model's output is
	/// public.
	pub output_key: Option<OutputKeyCommitment>,
	/// What the client pays.
	pub price: PriceRamp,
	/// How long each step may take.
	pub windows: Windows,
	/// Which pods may do it.
	pub requirements: Requirements<Account>,
}
