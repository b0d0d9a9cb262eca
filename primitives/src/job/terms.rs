// SPDX-License-Identifier: Apache-2.0

//! The rules that a job was opened under: every one of them a number, so that a later version of
//! the chain changes nothing of a job that is under way.

use crate::Balance;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// What pod and client put at risk for a job, and what becomes of it: fixed when the job opens.
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
pub struct JobTerms {
	/// Held from the pod while it has the job.
	pub bond: Balance,
	/// Taken when an acknowledged job is not proved in time; at most `bond`.
	pub missed_slash: Balance,
	/// The least that is taken when the pod gives an acknowledged job up; at most `missed_slash`, to
	/// which it rises ([`discard_slash_at`](super::Job::discard_slash_at)).
	pub discard_slash: Balance,
	/// Share of a slash that compensates the client, in thousandths; the rest is burned.
	pub client_share: u16,
	/// Burned from the pod's bond and from the client's deposit for a lock that nobody
	/// acknowledged in time; at most `bond`.
	pub lapse_fee: Balance,
	/// So many such locks end the job.
	pub max_lapses: u8,
	/// Held from the client beside the payment: for the storage that the job takes, and the lapse
	/// fees that it may come to owe.
	pub deposit: Balance,
	/// Share of the price that is burned at settlement, in thousandths.
	pub market_fee: u16,
}

impl JobTerms {
	/// Splits a slash into the client's compensation and what is burned.
	pub fn split(&self, slash: Balance) -> (Balance, Balance) {
		share(slash, self.client_share)
	}

	/// Splits a price into the fee that is burned and what the pod is paid.
	pub fn fee(&self, price: Balance) -> (Balance, Balance) {
		share(price, self.market_fee)
	}

	/// What of the deposit is left after some lapses.
	pub fn deposit_after(&self, lapses: u8) -> Balance {
		self.deposit.saturating_sub(self.lapse_fee.saturating_mul(lapses.into()))
	}
}

/// A share of an amount in thousandths, rounded down, and the rest.
fn share(amount: Balance, thousandths: u16) -> (Balance, Balance) {
	let thousandths = Balance::from(thousandths.min(1000));
	// Quotient and remainder apart, so that the product cannot overflow.
	let whole = amount.checked_div(1000).unwrap_or(0).saturating_mul(thousandths);
	let part = amount
		.checked_rem(1000)
		.unwrap_or(0)
		.saturating_mul(thousandths)
		.checked_div(1000)
		.unwrap_or(0);
	let share = whole.saturating_add(part).min(amount);
	(share, amount.saturating_sub(share))
}
