// SPDX-License-Identifier: Apache-2.0

//! The market's clock.
//!
//! Prices, windows and deadlines are counted in ticks, not in blocks. A block is a tick when it had
//! room left for results; time stands still while somebody fills the chain's blocks. So no deadline
//! passes that a pod could not have met. The chain's clock pallet has the exact rule.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::fmt;
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// A number of ticks: about as many blocks, more while blocks are full.
pub type Ticks = u32;

/// A moment: how many ticks there were before it.
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
pub struct Tick(pub u32);

impl Tick {
	/// The moment so many ticks later; the last one there is when that is beyond it.
	pub fn after(self, ticks: Ticks) -> Self {
		Self(self.0.saturating_add(ticks))
	}

	/// Ticks since an earlier moment; 0 when that one is not earlier.
	pub fn since(self, earlier: Self) -> Ticks {
		self.0.saturating_sub(earlier.0)
	}
}

impl fmt::Display for Tick {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		self.0.fmt(f)
	}
}
