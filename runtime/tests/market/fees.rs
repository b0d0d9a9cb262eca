// SPDX-License-Identifier: Apache-2.0

//! The page about fees says what transactions cost.

use crate::{
	calls,
	chain::{begin_block, fees_of, had_no_room, new_chain, next_block, take_events, Signer},
	page,
};
use codec::Encode;
use frame_support::traits::GetCallMetadata;
use proofpod_runtime::{configs::money::BYTE_FEE, units::POD, Balance};

#[test]
fn every_row_of_the_page_is_what_a_transaction_pays() {
	let page = page::page();
	new_chain(1, 1_000 * POD).execute_with(|| {
		begin_block();
		let sender = Signer::new(0);
		for call in calls::all() {
			let names = call.get_call_metadata();
			let around = sender.sign(call.clone()).encoded_size() - call.encoded_size();
			take_events();
			let mut result = sender.submit(call.clone());
			if had_no_room(&result) {
				next_block();
				result = sender.submit(call);
			}
			assert!(
				matches!(result, Ok(Err(_))),
				"{names:?}, not refused, may be free: {result:?}"
			);
			let paid = fees_of(&sender.account, &take_events());
			// The page allows for longer nonces.
			let allowance = page::ENVELOPE as usize - around;
			let fee = page::pods(paid + BYTE_FEE * allowance as Balance);
			let row = format!("| {} | `{}` |", names.pallet_name, names.function_name);
			let row = page.lines().find(|line| line.starts_with(&row)).expect("it has a row");
			assert_eq!(row.split('|').nth(4).unwrap().trim(), fee, "{row}");
		}
	});
}
