// SPDX-License-Identifier: Apache-2.0

//! `docs/fees.md`.

use crate::calls;
use codec::Encode;
use frame_support::{
	dispatch::{DispatchInfo, GetDispatchInfo},
	traits::GetCallMetadata,
};
use frame_system::offchain::CreateAuthorizedTransaction;
use proofpod_runtime::{
	configs::money::BYTE_FEE,
	units::{MICRO_POD, POD},
	Balance, Runtime, RuntimeCall, TransactionPayment,
};
use sp_runtime::traits::TransactionExtension;

/// Bytes of a signed transaction beside its call: length, version, address, signature, extensions.
pub(crate) const ENVELOPE: u32 = 112;

/// Calls that are free when they do what they are for.
const FREE: &[(&str, &str)] = &[
	("submit_result", "free when it settles the job"),
	("poke", "free when there was something to do"),
	("heartbeat", "free once in a period"),
	("report_aura_equivocation", "free when it holds and is new"),
];

/// A job that goes well.
const JOB: &[&str] = &["open", "lock", "acknowledge", "submit_result"];

/// One call's row.
struct Row {
	pallet: &'static str,
	call: &'static str,
	/// Picoseconds.
	weight: u64,
	fee: Balance,
}

impl Row {
	fn of(call: &RuntimeCall) -> Self {
		let extension = <Runtime as CreateAuthorizedTransaction<RuntimeCall>>::create_extension();
		let info =
			DispatchInfo { extension_weight: extension.weight(call), ..call.get_dispatch_info() };
		let names = call.get_call_metadata();
		let length = u32::try_from(call.encoded_size()).unwrap_or(u32::MAX);
		Self {
			pallet: names.pallet_name,
			call: names.function_name,
			weight: info.call_weight.ref_time(),
			fee: TransactionPayment::compute_fee(length.saturating_add(ENVELOPE), &info, 0),
		}
	}

	fn note(&self) -> Option<&'static str> {
		FREE.iter().find(|(call, _)| *call == self.call).map(|(_, note)| *note)
	}
}

fn milliseconds(picoseconds: u64) -> String {
	format!("{:.3}", picoseconds as f64 / 1e9)
}

/// An amount in POD, rounded up to the sixth place.
pub(crate) fn pods(amount: Balance) -> String {
	let micros = amount.div_ceil(MICRO_POD);
	let unit = POD / MICRO_POD;
	format!("{}.{:06}", micros / unit, micros % unit)
}

/// The page, as this runtime's weights and prices make it.
pub(crate) fn page() -> String {
	// Without a chain fees are at their base, and nothing is read but that.
	let rows: Vec<Row> = sp_io::TestExternalities::default()
		.execute_with(|| calls::all().iter().map(Row::of).collect());
	let mut page = format!(
		"# Fees\n\n\
		 What each call costs on a chain that is not busy; in blocks that are more than a quarter full \
		 fees\nrise. `make weights` measures the weights, `make fees` writes this page with \
		 [runtime/examples/fees](../runtime/examples/fees/main.rs).\n\n\
		 A fee pays for computation, a POD a second, and for bytes, {} POD each, of the call with its \
		 largest\narguments and of {ENVELOPE} bytes around it. The weight is that of the call, storage \
		 included; the fee also\npays for what any transaction costs. Deposits, bonds and prices are \
		 no fees: see\n[economics.md](economics.md).\n\n\
		 | pallet | call | weight, ms | fee, POD | |\n|---|---|---:|---:|---|\n",
		pods(BYTE_FEE),
	);
	for row in &rows {
		let note = row.note().unwrap_or_default();
		let (weight, fee) = (milliseconds(row.weight), pods(row.fee));
		page += &format!("| {} | `{}` | {weight} | {fee} | {note} |\n", row.pallet, row.call);
	}
	page += "\n`enact` costs this beside the call that it enacts.\n\n## A job in all\n\n\
		 | who | call | weight, ms | fee, POD |\n|---|---|---:|---:|\n";
	let (mut weight, mut fee) = (0_u64, 0 as Balance);
	for row in rows.iter().filter(|row| row.pallet == "Jobs" && JOB.contains(&row.call)) {
		let who = if row.call == "open" { "client" } else { "pod" };
		let paid = if row.note().is_some() { 0 } else { row.fee };
		weight = weight.saturating_add(row.weight);
		fee = fee.saturating_add(paid);
		let (weight, fee) = (milliseconds(row.weight), pods(paid));
		page += &format!("| {who} | `{}` | {weight} | {fee} |\n", row.call);
	}
	page += &format!("| | **a job in all** | {} | {} |\n", milliseconds(weight), pods(fee));
	page
}
