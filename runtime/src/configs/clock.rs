// SPDX-License-Identifier: Apache-2.0

//! The market's clock.

use crate::{Runtime, RuntimeCall};
use alloc::vec;
use codec::Encode;
use frame_support::{dispatch::GetDispatchInfo, parameter_types};
use frame_system::offchain::CreateAuthorizedTransaction;
use pallet_clock::Room;
use proofpod_primitives::{
	statement::OutputElements, JobId, ProofBytes, Scalar, MAX_OUTPUT_ELEMENTS,
};
use sp_runtime::traits::TransactionExtension;

/// Results that must still fit into a block for it to count: more than one, so that another pod's
/// result does not take the last place, and few enough that at the load that fees aim for nearly
/// every block counts.
const RESULTS: u32 = 8;

/// What a transaction takes beside its call: address, signature and extensions, generously.
const ENVELOPE: u32 = 256;

/// The largest result.
fn result() -> RuntimeCall {
	let output = vec![Scalar([0; 32]); MAX_OUTPUT_ELEMENTS as usize];
	let output = OutputElements::truncate_from(output);
	pallet_jobs::Call::submit_result { job: JobId(0), proof: ProofBytes([0; 192]), output }.into()
}

parameter_types! {
	/// The call that time waits for.
	pub Result: RuntimeCall = result();

	/// Room for the largest results.
	pub RoomForResults: Room = {
		let result = result();
		let length = u32::try_from(result.encoded_size()).unwrap_or(u32::MAX);
		let extension = <Runtime as CreateAuthorizedTransaction<RuntimeCall>>::create_extension();
		Room {
			transactions: RESULTS,
			weight: result.get_dispatch_info().call_weight.saturating_add(extension.weight(&result)),
			length: length.saturating_add(ENVELOPE),
		}
	};
}

impl pallet_clock::Config for Runtime {
	type Room = RoomForResults;
	type Probe = Result;
	type WeightInfo = pallet_clock::weights::SubstrateWeight<Runtime>;
}
