// SPDX-License-Identifier: Apache-2.0

//! How jobs end, and the words for what happens to them.

use crate::{statement::OutputElements, Balance, BlockNumber, Digest, ModelId};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// Why a job failed after a pod had acknowledged it.
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
pub enum FailureReason {
	/// The pod gave up early.
	#[codec(index = 0)]
	Discarded,
	/// The deadline for the proof passed.
	#[codec(index = 1)]
	Missed,
}

/// How a job ended.
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
#[serde(rename_all = "lowercase")]
pub enum Outcome<Account> {
	/// The proof was verified and the pod paid.
	#[codec(index = 0)]
	Settled {
		/// Who proved it.
		pod: Account,
		/// What the client paid; the market's fee came off it before it reached the pod.
		price: Balance,
		/// [Digest](crate::statement::JobStatement::digest) of what was proved.
		statement: Digest,
		/// The output, sealed unless the model's output is public.
		output: OutputElements,
	},
	/// The client withdrew it before any pod had it.
	#[codec(index = 1)]
	Cancelled,
	/// Nobody took it, or nobody acknowledged it, in time.
	#[codec(index = 2)]
	Expired,
	/// A pod acknowledged it and did not prove it.
	#[codec(index = 3)]
	Failed {
		/// Who had it.
		pod: Account,
		/// Why.
		reason: FailureReason,
		/// What the pod lost.
		slashed: Balance,
		/// Part of it that went to the client.
		compensation: Balance,
	},
}

impl<Account> Outcome<Account> {
	/// One word for it.
	pub fn stage(&self) -> Stage {
		match self {
			Self::Settled { .. } => Stage::Settled,
			Self::Cancelled => Stage::Cancelled,
			Self::Expired => Stage::Expired,
			Self::Failed { .. } => Stage::Failed,
		}
	}

	/// One word for people and for JSON.
	pub fn name(&self) -> &'static str {
		self.stage().name()
	}
}

/// What the chain keeps of a job that has ended.
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
pub struct Receipt<Account> {
	/// Who paid.
	pub client: Account,
	/// The model.
	pub model: ModelId,
	/// Block of the end.
	pub block: BlockNumber,
	/// How it ended.
	pub outcome: Outcome<Account>,
}

/// One word for where a job is: its [phase](super::Phase) while it is live, its [outcome](Outcome)
/// afterwards.
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
pub enum Stage {
	/// A pod may lock it.
	#[codec(index = 0)]
	Open,
	/// A pod has claimed it and may acknowledge the input.
	#[codec(index = 1)]
	Locked,
	/// A pod has the input and may submit the result.
	#[codec(index = 2)]
	Proving,
	/// No pod took it, or none acknowledged it, in time.
	#[codec(index = 3)]
	Expired,
	/// Proved and paid.
	#[codec(index = 4)]
	Settled,
	/// Withdrawn by its client.
	#[codec(index = 5)]
	Cancelled,
	/// A pod acknowledged it and did not prove it.
	#[codec(index = 6)]
	Failed,
}

impl Stage {
	/// One word for people and for JSON.
	pub fn name(&self) -> &'static str {
		match self {
			Self::Open => "open",
			Self::Locked => "locked",
			Self::Proving => "proving",
			Self::Expired => "expired",
			Self::Settled => "settled",
			Self::Cancelled => "cancelled",
			Self::Failed => "failed",
		}
	}
}

/// Why a job opened again, or ended without a result.
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
pub enum Reason {
	/// The client withdrew it.
	#[codec(index = 0)]
	Withdrawn,
	/// No pod locked it in time.
	#[codec(index = 1)]
	NotTaken,
	/// A pod locked it and did not acknowledge it in time: the client's fault or the pod's.
	#[codec(index = 2)]
	Lapsed,
	/// A pod gave its lock back before it acknowledged.
	#[codec(index = 3)]
	Released,
	/// A pod gave it up after it had acknowledged.
	#[codec(index = 4)]
	Discarded,
	/// A pod acknowledged it and missed the deadline for the proof.
	#[codec(index = 5)]
	Missed,
}

impl From<FailureReason> for Reason {
	fn from(reason: FailureReason) -> Self {
		match reason {
			FailureReason::Discarded => Self::Discarded,
			FailureReason::Missed => Self::Missed,
		}
	}
}
