// SPDX-License-Identifier: Apache-2.0

//! A block holds the work that the market needs, and metadata can be made.

use crate::{
	configs::{
		consensus::MAX_VALIDATORS,
		market::{MaxAcknowledgeWindow, MaxProveWindow, MinPrice, MinWindow},
		system::RuntimeBlockWeights,
	},
	units::EXISTENTIAL_DEPOSIT,
	Balance, Runtime, RuntimeCall, METADATA_VERSION,
};
use codec::{Decode, Encode};
use frame_support::{
	dispatch::{DispatchClass, GetDispatchInfo, Pays},
	traits::Get,
	weights::{Weight, WeightToFee},
};
use pallet_grandpa::WeightInfo as _;
use pallet_validators::WeightInfo as _;
use proofpod_primitives::{JobId, ProofBytes, Scalar, MAX_OUTPUT_ELEMENTS};

fn largest_result() -> RuntimeCall {
	RuntimeCall::Jobs(pallet_jobs::Call::submit_result {
		job: JobId(0),
		proof: ProofBytes([0; 192]),
		output: vec![Scalar([0; 32]); MAX_OUTPUT_ELEMENTS as usize].try_into().unwrap(),
	})
}

fn fee(weight: Weight) -> Balance {
	<Runtime as pallet_transaction_payment::Config>::WeightToFee::weight_to_fee(&weight)
}

#[test]
fn a_block_holds_fifty_results() {
	let limits = RuntimeBlockWeights::get();
	let normal = limits.get(DispatchClass::Normal);
	let result = largest_result().get_dispatch_info();
	let each = result.call_weight.ref_time() + normal.base_extrinsic.ref_time();
	let results = normal.max_total.unwrap().ref_time() / each;
	assert!(results >= 50, "a block holds only {results} results of {each} ps");
	let bytes = 200 + largest_result().encoded_size() as u64;
	let length = crate::configs::system::RuntimeBlockLength::get();
	assert!(50 * bytes < u64::from(*length.max.get(DispatchClass::Normal)));
}

#[test]
fn a_result_is_charged_at_least_a_millisecond() {
	let result = largest_result().get_dispatch_info();
	assert!(result.call_weight.ref_time() > 1_000_000_000, "verification is not free");
	assert_eq!(result.pays_fee, Pays::Yes, "only a settlement is free, and it is known afterwards");
}

#[test]
fn a_second_of_computation_costs_a_token() {
	assert_eq!(fee(Weight::from_parts(1_000_000_000_000, 0)), crate::units::POD);
}

#[test]
fn least_price_exceeds_the_existential_deposit_and_the_fee_of_a_lock() {
	let lock = RuntimeCall::Jobs(pallet_jobs::Call::lock { job: JobId(0), min_price: 0 });
	let price = MinPrice::get();
	assert!(price >= EXISTENTIAL_DEPOSIT);
	assert!(price > fee(lock.get_dispatch_info().call_weight));
}

#[test]
fn windows_leave_room() {
	assert!(MinWindow::get() < MaxAcknowledgeWindow::get());
	assert!(MaxAcknowledgeWindow::get() < MaxProveWindow::get());
}

#[test]
fn consensus_accepts_every_listed_validator() {
	fn value<Limit: Get<u32>>() -> u32 {
		Limit::get()
	}
	let listed = value::<<Runtime as pallet_validators::Config>::MaxValidators>();
	assert_eq!(listed, MAX_VALIDATORS);
	assert_eq!(value::<<Runtime as pallet_aura::Config>::MaxAuthorities>(), listed);
	assert_eq!(value::<<Runtime as pallet_grandpa::Config>::MaxAuthorities>(), listed);
}

#[test]
fn reports_are_weighed_by_all_that_may_be_punished_and_fit_into_a_block() {
	let votes = <Runtime as pallet_grandpa::Config>::WeightInfo::report_equivocation;
	let punish = <Runtime as pallet_validators::Config>::WeightInfo::punish;
	assert!(votes(4, 0).all_gte(punish(4)));
	assert!((votes(MAX_VALIDATORS, 0) - votes(4, 0)).all_gte(punish(MAX_VALIDATORS) - punish(4)));
	let blocks = <Runtime as pallet_validators::Config>::WeightInfo::report_aura_equivocation(
		MAX_VALIDATORS,
	);
	assert!(blocks.all_gte(punish(MAX_VALIDATORS)));
	let most = RuntimeBlockWeights::get().get(DispatchClass::Normal).max_extrinsic.unwrap();
	for report in [votes(MAX_VALIDATORS, 0), blocks] {
		assert!(report.all_lte(most / 4), "{report:?} of {most:?}");
	}
}

#[test]
fn metadata_carries_its_version() {
	let metadata = crate::metadata();
	let (magic, version) = <([u8; 4], u8)>::decode(&mut metadata.as_slice()).unwrap();
	assert_eq!(&magic, b"meta");
	assert_eq!(u32::from(version), METADATA_VERSION);
	assert!(Runtime::metadata_versions().contains(&METADATA_VERSION));
	assert_eq!(Runtime::metadata_versions().iter().max(), Some(&METADATA_VERSION));
}
