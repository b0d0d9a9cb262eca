// SPDX-License-Identifier: Apache-2.0

//! Accounts, as people write them.

use proofpod_primitives::AccountBytes;
use std::str::FromStr as _;

/// An account: 32 bytes, shown in SS58 with the generic prefix 42.
pub type AccountId = subxt::utils::AccountId32;

/// Why a text is not an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected an account as an SS58 address (5…) or as 0x and 64 hexadecimal digits: {reason}")]
pub struct ParseAccountError {
	reason: &'static str,
}

/// Reads an SS58 address (any prefix) or `0x` and 64 hexadecimal digits.
///
/// # Errors
/// When the text is neither, or an address's checksum is wrong.
pub fn parse_account(text: &str) -> Result<AccountId, ParseAccountError> {
	use subxt::ext::codec::Decode;
	if let Some(digits) = text.strip_prefix("0x") {
		let bytes = hex::decode(digits)
			.map_err(|_| ParseAccountError { reason: "found other characters or an odd number" })?;
		let bytes: AccountBytes = bytes
			.try_into()
			.map_err(|_| ParseAccountError { reason: "found another number of digits" })?;
		return AccountId::decode(&mut &bytes[..])
			.map_err(|_| ParseAccountError { reason: "found no account" });
	}
	if !text.is_ascii() {
		return Err(ParseAccountError { reason: "found letters that no address has" });
	}
	AccountId::from_str(text).map_err(|_| ParseAccountError {
		reason: "found a text that is no address, or whose checksum is wrong",
	})
}

#[cfg(test)]
mod tests {
	use super::*;

	const ALICE: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
	const ALICE_HEX: &str = "0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d";

	#[test]
	fn both_forms_name_the_same_account() {
		let account = parse_account(ALICE).unwrap();
		assert_eq!(parse_account(ALICE_HEX), Ok(account));
		assert_eq!(account.to_string(), ALICE);
	}

	#[test]
	fn broken_accounts_are_refused() {
		for text in ["", "Alice", &ALICE[1..], &ALICE_HEX[..40], "0xzz", "5é", "0"] {
			let error = parse_account(text).unwrap_err().to_string();
			assert!(error.starts_with("expected an account"), "{text}: {error}");
		}
		let typo = ALICE.replace("QY", "QZ");
		assert!(parse_account(&typo).unwrap_err().to_string().contains("checksum"));
	}
}
