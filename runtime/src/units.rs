// SPDX-License-Identifier: Apache-2.0

//! Money and time.

use crate::{Balance, BlockNumber};

/// Name of the native token.
pub const TOKEN_SYMBOL: &str = "POD";

/// Decimal places of the native token.
pub const TOKEN_DECIMALS: u8 = 12;

/// One token in its smallest units.
pub const POD: Balance = 1_000_000_000_000;

/// A thousandth of a token.
pub const MILLI_POD: Balance = POD / 1_000;

/// A millionth of a token.
pub const MICRO_POD: Balance = MILLI_POD / 1_000;

/// Least balance of a live account. An account occupies about 130 bytes of state, for which
/// [`deposit`] would ask a hundred times more; new accounts should be cheap.
pub const EXISTENTIAL_DEPOSIT: Balance = MILLI_POD;

/// Deposit for an entry of state.
const ENTRY_DEPOSIT: Balance = 100 * MILLI_POD;

/// Deposit for a byte of state.
const BYTE_DEPOSIT: Balance = 100 * MICRO_POD;

/// Deposit for `items` entries and `bytes` bytes of state: a tenth of a token an entry and a tenth
/// of a thousandth a byte. A million entries of 500 bytes, half a gigabyte, lock 150,000 tokens.
pub const fn deposit(items: u32, bytes: u32) -> Balance {
	(items as Balance)
		.saturating_mul(ENTRY_DEPOSIT)
		.saturating_add((bytes as Balance).saturating_mul(BYTE_DEPOSIT))
}

/// Length of a slot, and so of a block, in milliseconds: short enough that a client sees a
/// settlement within seconds, long enough for a block's 1.5 seconds of computation to be done
/// twice, by its author and by those who check it.
pub const SLOT_DURATION: u64 = 3_000;

/// Blocks in a minute.
pub const MINUTES: BlockNumber = 20;

/// Blocks in an hour.
pub const HOURS: BlockNumber = 60 * MINUTES;

/// Blocks in a day.
pub const DAYS: BlockNumber = 24 * HOURS;

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_minute_of_blocks_lasts_a_minute() {
		assert_eq!(u64::from(MINUTES) * SLOT_DURATION, 60_000);
	}

	#[test]
	fn a_token_has_its_decimal_places() {
		assert_eq!(POD, 10u128.pow(TOKEN_DECIMALS.into()));
	}

	#[test]
	fn deposits_add_up() {
		assert_eq!(deposit(0, 0), 0);
		assert_eq!(deposit(2, 1_000), 300 * MILLI_POD);
		assert_eq!(deposit(1_000_000, 0) + deposit(0, 500_000_000), 150_000 * POD);
		assert!(deposit(u32::MAX, u32::MAX) > 0, "no overflow");
	}
}
