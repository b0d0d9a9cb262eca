// SPDX-License-Identifier: Apache-2.0

//! Amounts of POD, as people write them.

use proofpod_primitives::Balance;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, str::FromStr};

/// Decimal digits of the token: one POD is 10¹² planck.
pub const DECIMALS: u32 = 12;
/// One POD in planck, the smallest unit.
pub const POD: Balance = 1_000_000_000_000;

/// An amount of the native token, in planck. In JSON it is a string of planck, because numbers of
/// this size do not survive JavaScript.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(pub Balance);

/// Why a text is not an amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseAmountError {
	/// Something else than digits and one point.
	#[error("expected an amount such as 1.5 (POD), \"1.5 POD\" or 1500planck, found {found:?}")]
	Shape {
		/// The text.
		found: String,
	},
	/// More digits after the point than the token has.
	#[error("expected at most {DECIMALS} digits after the point, found {found} in {text:?}")]
	Precision {
		/// Digits found.
		found: usize,
		/// The text.
		text: String,
	},
	/// More than the chain can hold.
	#[error("expected at most {} POD, found {found:?}", Balance::MAX / POD)]
	TooLarge {
		/// The text.
		found: String,
	},
}

impl FromStr for Amount {
	type Err = ParseAmountError;

	fn from_str(text: &str) -> Result<Self, Self::Err> {
		let trimmed = text.trim();
		let shape = || ParseAmountError::Shape { found: text.into() };
		let too_large = || ParseAmountError::TooLarge { found: text.into() };
		let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
		if let Some(number) = trimmed.strip_suffix("planck") {
			let number = number.trim_end();
			if number.is_empty() || !digits(number) {
				return Err(shape());
			}
			return number.parse().map(Self).map_err(|_| too_large());
		}
		let number = trimmed.strip_suffix("POD").unwrap_or(trimmed).trim_end();
		let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
		if (whole.is_empty() && fraction.is_empty()) || !digits(whole) || !digits(fraction) {
			return Err(shape());
		}
		if number.ends_with('.') {
			return Err(shape());
		}
		if fraction.len() > DECIMALS as usize {
			return Err(ParseAmountError::Precision { found: fraction.len(), text: text.into() });
		}
		let whole: Balance =
			if whole.is_empty() { 0 } else { whole.parse().map_err(|_| too_large())? };
		// Right-padded to twelve digits, the fraction is a number of planck.
		let fraction: Balance = format!("{fraction:0<12}").parse().map_err(|_| shape())?;
		whole
			.checked_mul(POD)
			.and_then(|planck| planck.checked_add(fraction))
			.map(Self)
			.ok_or_else(too_large)
	}
}

impl fmt::Display for Amount {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		let (whole, fraction) = (self.0 / POD, self.0 % POD);
		let fraction = format!("{fraction:012}");
		match fraction.trim_end_matches('0') {
			"" => write!(f, "{whole} POD"),
			fraction => write!(f, "{whole}.{fraction} POD"),
		}
	}
}

impl Serialize for Amount {
	fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
		serializer.collect_str(&self.0)
	}
}

impl<'de> Deserialize<'de> for Amount {
	fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
		let text = String::deserialize(deserializer)?;
		text.parse().map(Self).map_err(serde::de::Error::custom)
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn amounts_are_read_in_pod_and_in_planck() {
		for (text, planck) in [
			("1.5", 1_500_000_000_000),
			("1.5 POD", 1_500_000_000_000),
			("1.5POD", 1_500_000_000_000),
			(" 2 ", 2 * POD),
			("0.000000000001", 1),
			(".5", POD / 2),
			("0", 0),
			("1500planck", 1500),
			("1500 planck", 1500),
			("340282366920938463463374607431768211455planck", Balance::MAX),
		] {
			assert_eq!(text.parse(), Ok(Amount(planck)), "{text}");
		}
	}

	#[test]
	fn other_texts_are_refused() {
		for text in [
			"",
			"POD",
			"-1",
			"+1",
			"1,5",
			"1.",
			"1e3",
			"0x10",
			"1.5planck",
			"planck",
			"1 2",
			"1.2.3",
			"²",
		] {
			assert!(
				matches!(text.parse::<Amount>(), Err(ParseAmountError::Shape { .. })),
				"{text}: {:?}",
				text.parse::<Amount>()
			);
		}
		assert_eq!(
			"0.0000000000001".parse::<Amount>(),
			Err(ParseAmountError::Precision { found: 13, text: "0.0000000000001".into() })
		);
		for text in
			["340282366920938463463374607.5", "340282366920938463463374607431768211456planck"]
		{
			assert!(
				matches!(text.parse::<Amount>(), Err(ParseAmountError::TooLarge { .. })),
				"{text}"
			);
		}
	}

	#[test]
	fn shown_amounts_read_back() {
		for planck in [0, 1, POD, POD / 2, 123 * POD + 456, Balance::MAX] {
			let shown = Amount(planck).to_string();
			assert_eq!(shown.parse(), Ok(Amount(planck)), "{shown}");
		}
		assert_eq!(Amount(1_500_000_000_000).to_string(), "1.5 POD");
		assert_eq!(
			serde_json::to_string(&Amount(Balance::MAX)).unwrap(),
			format!("\"{}\"", Balance::MAX)
		);
	}
}
