// SPDX-License-Identifier: Apache-2.0

//! Every call is charged what its benchmark measured, and the page about fees says what that costs.

#[path = "../examples/fees/calls.rs"]
mod calls;
#[path = "../examples/fees/page.rs"]
mod page;

use codec::Encode;
use frame_support::{dispatch::GetDispatchInfo, traits::GetCallMetadata, weights::Weight};
use proofpod_runtime::{Runtime, RuntimeCall};
use std::{
	any::type_name,
	collections::BTreeSet,
	env, fs,
	path::{Path, PathBuf},
};

/// The chain's own pallets that have calls.
const OWN: &[&str] = &["Governance", "Jobs", "Models", "Pods", "Proofs", "Validators"];

/// Pallets of the SDK that have calls.
const FOREIGN: &[&str] = &[
	"Balances",
	"Council",
	"Grandpa",
	"Migrations",
	"Multisig",
	"Proxy",
	"SafeMode",
	"Session",
	"Sudo",
	"System",
	"Timestamp",
	"Utility",
];

/// A path from the repository's root.
fn path(relative: &str) -> PathBuf {
	// Asked when it runs: checkouts that share a target folder may share the compiled test.
	let manifest = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it for tests");
	Path::new(&manifest).join("..").join(relative)
}

/// What was measured of a call.
fn measured(call: &RuntimeCall) -> Weight {
	match call {
		RuntimeCall::Jobs(call) => of_jobs(call),
		RuntimeCall::Pods(call) => of_pods(call),
		RuntimeCall::Models(call) => of_models(call),
		RuntimeCall::Proofs(call) => of_proofs(call),
		RuntimeCall::Validators(call) => of_validators(call),
		RuntimeCall::Governance(pallet_governance::Call::enact { call }) => {
			use pallet_governance::WeightInfo;
			type Weights = <Runtime as pallet_governance::Config>::WeightInfo;
			Weights::enact(call.encoded_size() as u32) + call.get_dispatch_info().call_weight
		},
		other => panic!("not one of our own: {other:?}"),
	}
}

fn of_jobs(call: &pallet_jobs::Call<Runtime>) -> Weight {
	use pallet_jobs::{Call, WeightInfo};
	use pallet_proofs::WeightInfo as _;
	type Weights = <Runtime as pallet_jobs::Config>::WeightInfo;
	match call {
		Call::open { .. } => Weights::open(),
		Call::lock { .. } => Weights::lock(),
		Call::acknowledge { .. } => Weights::acknowledge(),
		Call::submit_result { output, .. } => {
			type Proofs = <Runtime as pallet_proofs::Config>::WeightInfo;
			Weights::submit_result() + Proofs::verify_proof(output.len() as u32 + 3)
		},
		Call::cancel { .. } => Weights::cancel(),
		Call::discard { .. } => Weights::discard(),
		Call::release { .. } => Weights::release(),
		Call::poke { .. } => Weights::poke(),
		other => panic!("{other:?}"),
	}
}

fn of_pods(call: &pallet_pods::Call<Runtime>) -> Weight {
	use pallet_pods::{Call, WeightInfo};
	type Weights = <Runtime as pallet_pods::Config>::WeightInfo;
	match call {
		Call::register { .. } => Weights::register(),
		Call::update { .. } => Weights::update(),
		Call::leave {} => Weights::leave(),
		Call::withdraw {} => Weights::withdraw(),
		Call::set_operator { .. } => Weights::set_operator(),
		Call::bond_more { .. } => Weights::bond_more(),
		Call::heartbeat {} => Weights::heartbeat(),
		Call::attest { .. } => Weights::attest(),
		Call::revoke { .. } => Weights::revoke(),
		Call::suspend { .. } => Weights::suspend(),
		Call::reinstate { .. } => Weights::reinstate(),
		other => panic!("{other:?}"),
	}
}

fn of_models(call: &pallet_models::Call<Runtime>) -> Weight {
	use pallet_models::{Call, WeightInfo};
	type Weights = <Runtime as pallet_models::Config>::WeightInfo;
	match call {
		Call::register { .. } => Weights::register(),
		Call::update_uris { .. } => Weights::update_uris(),
		Call::deprecate { .. } => Weights::deprecate(),
		Call::remove { .. } => Weights::remove(),
		other => panic!("{other:?}"),
	}
}

fn of_proofs(call: &pallet_proofs::Call<Runtime>) -> Weight {
	use pallet_proofs::{Call, WeightInfo};
	use proofpod_verifier::MAX_PUBLIC_INPUTS;
	type Weights = <Runtime as pallet_proofs::Config>::WeightInfo;
	match call {
		// The largest key.
		Call::register_key { .. } => Weights::register_key(MAX_PUBLIC_INPUTS as u32),
		Call::remove_key { .. } => Weights::remove_key(),
		Call::verify { inputs, .. } => Weights::verify_proof(inputs.len() as u32),
		other => panic!("{other:?}"),
	}
}

fn of_validators(call: &pallet_validators::Call<Runtime>) -> Weight {
	use pallet_validators::{Call, WeightInfo};
	type Weights = <Runtime as pallet_validators::Config>::WeightInfo;
	match call {
		Call::admit { .. } => Weights::admit(),
		Call::remove { .. } => Weights::remove(),
		Call::resign {} => Weights::resign(),
		Call::withdraw_keys {} => Weights::withdraw_keys(),
		Call::apply { .. } => Weights::apply(),
		Call::bond_more { .. } => Weights::bond_more(),
		Call::withdraw_bond {} => Weights::withdraw_bond(),
		Call::rejoin {} => Weights::rejoin(),
		Call::report_aura_equivocation { .. } => {
			Weights::report_aura_equivocation(proofpod_runtime::configs::consensus::MAX_VALIDATORS)
		},
		other => panic!("{other:?}"),
	}
}

#[test]
fn every_call_is_charged_what_was_measured() {
	for call in calls::all() {
		let names = call.get_call_metadata();
		let charged = call.get_dispatch_info().call_weight;
		assert_eq!(charged, measured(&call), "{names:?}");
		assert!(charged.ref_time() > 0, "{names:?} is not free");
	}
}

#[test]
fn no_call_is_left_out() {
	let pallets: BTreeSet<_> = RuntimeCall::get_module_names().iter().copied().collect();
	assert_eq!(pallets, OWN.iter().chain(FOREIGN).copied().collect());
	let expected: BTreeSet<_> = OWN
		.iter()
		.flat_map(|pallet| RuntimeCall::get_call_names(pallet).iter().map(|call| (*pallet, *call)))
		.collect();
	let found: BTreeSet<_> = calls::all()
		.iter()
		.map(|call| {
			let names = call.get_call_metadata();
			(names.pallet_name, names.function_name)
		})
		.collect();
	assert_eq!(found, expected);
}

#[test]
fn no_pallet_goes_without_weights() {
	for (pallet, weights) in [
		("Clock", type_name::<<Runtime as pallet_clock::Config>::WeightInfo>()),
		("Governance", type_name::<<Runtime as pallet_governance::Config>::WeightInfo>()),
		("Jobs", type_name::<<Runtime as pallet_jobs::Config>::WeightInfo>()),
		("Models", type_name::<<Runtime as pallet_models::Config>::WeightInfo>()),
		("Pods", type_name::<<Runtime as pallet_pods::Config>::WeightInfo>()),
		("Proofs", type_name::<<Runtime as pallet_proofs::Config>::WeightInfo>()),
		("Validators", type_name::<<Runtime as pallet_validators::Config>::WeightInfo>()),
		("Balances", type_name::<<Runtime as pallet_balances::Config>::WeightInfo>()),
		(
			"Council",
			type_name::<
				<Runtime as pallet_collective::Config<pallet_collective::Instance1>>::WeightInfo,
			>(),
		),
		// Grandpa is left out: its weights are the SDK's and that of punishing, in a type of ours.
		("Migrations", type_name::<<Runtime as pallet_migrations::Config>::WeightInfo>()),
		("Multisig", type_name::<<Runtime as pallet_multisig::Config>::WeightInfo>()),
		("Proxy", type_name::<<Runtime as pallet_proxy::Config>::WeightInfo>()),
		("SafeMode", type_name::<<Runtime as pallet_safe_mode::Config>::WeightInfo>()),
		("Session", type_name::<<Runtime as pallet_session::Config>::WeightInfo>()),
		("Sudo", type_name::<<Runtime as pallet_sudo::Config>::WeightInfo>()),
		("System", type_name::<<Runtime as frame_system::Config>::SystemWeightInfo>()),
		("Timestamp", type_name::<<Runtime as pallet_timestamp::Config>::WeightInfo>()),
		("Utility", type_name::<<Runtime as pallet_utility::Config>::WeightInfo>()),
	] {
		assert!(weights.contains("::SubstrateWeight<"), "{pallet} has the weights {weights}");
	}
}

#[test]
fn weights_are_generated() {
	for pallet in OWN.iter().chain(&["Clock"]) {
		let file = format!("pallets/{}/src/weights.rs", pallet.to_lowercase());
		let source = fs::read_to_string(path(&file)).expect("every pallet has weights");
		assert!(source.contains("**Generated by `make weights`; do not edit.**"), "{file}");
	}
}

#[test]
fn the_page_about_fees_is_up_to_date() {
	let committed = fs::read_to_string(path("docs/fees.md")).unwrap_or_default();
	assert!(
		committed == page::page(),
		"docs/fees.md is stale: run `make fees` and commit the file"
	);
}
