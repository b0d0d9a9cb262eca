// SPDX-License-Identifier: Apache-2.0

//! Every preset builds a genesis on which the invariants hold.

use crate::{
	configs::{
		consensus::{ValidatorBond, SESSION_LENGTH},
		governance::CouncilInstance,
	},
	genesis_config_presets::{get_preset, preset_names},
	units::{MINUTES, POD},
	AccountId, AllPalletsWithSystem, Balances, Runtime, RuntimeGenesisConfig, Session, System,
	Validators,
};
use frame_support::traits::{fungible::Inspect, IntegrityTest};
use serde_json::Value;
use sp_genesis_builder::runtime_decl_for_genesis_builder::GenesisBuilderV1;
use sp_io::TestExternalities;
use sp_keyring::{Ed25519Keyring, Sr25519Keyring};

/// Lays `patch` over `base` as RFC 7386 says.
fn merge(base: &mut Value, patch: Value) {
	match (base, patch) {
		(Value::Object(base), Value::Object(patch)) => {
			for (key, value) in patch {
				merge(base.entry(key).or_insert(Value::Null), value);
			}
		},
		(base, patch) => *base = patch,
	}
}

/// The state that a node builds from the preset, through the runtime's API.
pub(super) fn state_of(preset: &str) -> TestExternalities {
	let mut externalities = TestExternalities::default();
	externalities.execute_with(|| {
		let default = Runtime::get_preset(&None).expect("there is a default");
		let patch = Runtime::get_preset(&Some(preset.into())).expect("the preset exists");
		let mut config: Value = serde_json::from_slice(&default).unwrap();
		merge(&mut config, serde_json::from_slice(&patch).unwrap());
		Runtime::build_state(serde_json::to_vec(&config).unwrap()).unwrap();
	});
	externalities
}

fn validators(preset: &str) -> Vec<AccountId> {
	state_of(preset).execute_with(|| {
		System::set_block_number(1);
		let active = Session::validators();
		assert_eq!(pallet_validators::Validators::<Runtime>::get().into_inner(), active);
		let aura = pallet_aura::Authorities::<Runtime>::get();
		assert_eq!(aura.len(), active.len());
		assert_eq!(crate::Grandpa::grandpa_authorities().len(), active.len());
		for (authority, account) in aura.iter().zip(&active) {
			assert_eq!(authority.as_ref() as &[u8], account.as_ref() as &[u8]);
		}
		active
	})
}

#[test]
fn names_are_those_that_tools_expect() {
	assert_eq!(Runtime::preset_names(), ["development", "local_testnet", "staging"]);
	assert_eq!(Runtime::preset_names(), preset_names());
	assert_eq!(get_preset(&"production".into()), None);
}

#[test]
fn development_is_validated_by_alice() {
	assert_eq!(validators("development"), [Sr25519Keyring::Alice.to_account_id()]);
}

#[test]
fn local_testnet_is_validated_by_alice_and_bob() {
	let expected = [Sr25519Keyring::Alice, Sr25519Keyring::Bob].map(|who| who.to_account_id());
	assert_eq!(validators("local_testnet"), expected);
	state_of("local_testnet").execute_with(|| {
		let expected = [Ed25519Keyring::Alice, Ed25519Keyring::Bob].map(|key| key.public().0);
		let finalising = crate::Grandpa::grandpa_authorities();
		assert!(finalising
			.iter()
			.map(|(key, weight)| (key.as_ref() as &[u8], *weight))
			.eq(expected.iter().map(|key| (key as &[u8], 1))));
	});
}

#[test]
fn staging_is_validated_and_governed_by_four() {
	let four =
		[Sr25519Keyring::Alice, Sr25519Keyring::Bob, Sr25519Keyring::Charlie, Sr25519Keyring::Dave]
			.map(|who| who.to_account_id());
	assert_eq!(validators("staging"), four);
	state_of("staging").execute_with(|| {
		let members = pallet_collective::Members::<Runtime, CouncilInstance>::get();
		assert_eq!(members.len(), 4);
		assert!(four.iter().all(|account| members.contains(account)));
		assert_eq!(pallet_collective::Prime::<Runtime, CouncilInstance>::get(), None);
	});
}

#[test]
fn alice_alone_is_root_where_there_is_no_council() {
	let alice = || Some(Sr25519Keyring::Alice.to_account_id());
	for (preset, sudo) in [("development", alice()), ("local_testnet", alice()), ("staging", None)]
	{
		state_of(preset).execute_with(|| {
			assert_eq!(pallet_sudo::Key::<Runtime>::get(), sudo, "{preset}");
			let members = pallet_collective::Members::<Runtime, CouncilInstance>::get();
			assert_eq!(members.is_empty(), sudo.is_some(), "{preset}");
		});
	}
}

#[test]
fn six_accounts_are_funded() {
	for preset in preset_names() {
		state_of(&preset).execute_with(|| {
			for who in ["Alice", "Bob", "Charlie", "Dave", "Eve", "Ferdie"] {
				let account = Sr25519Keyring::iter()
					.find(|key| key.to_string() == who)
					.unwrap()
					.to_account_id();
				assert_eq!(Balances::total_balance(&account), 1_000_000 * POD, "{who}");
			}
			assert_eq!(Balances::total_issuance(), 6_000_000 * POD);
		});
	}
}

#[test]
fn validators_have_bonded() {
	for preset in preset_names() {
		let bonded = validators(&preset);
		state_of(&preset).execute_with(|| {
			for validator in bonded {
				let candidate = Validators::candidate(validator.clone()).unwrap();
				assert_eq!(candidate.bond, ValidatorBond::get());
				assert_eq!(Balances::reserved_balance(&validator), candidate.bond);
			}
			Validators::do_try_state().unwrap();
		});
	}
}

#[test]
fn staging_rotates_quickly_and_keeps_three_validators() {
	for (preset, floor, session_length) in [
		("development", 1, SESSION_LENGTH),
		("local_testnet", 1, SESSION_LENGTH),
		("staging", 3, MINUTES),
	] {
		state_of(preset).execute_with(|| {
			assert_eq!(Validators::floor(), floor, "{preset}");
			assert_eq!(Validators::session_length(), session_length, "{preset}");
		});
	}
}

#[test]
fn session_keys_and_bond_take_ordinary_references_to_their_account() {
	state_of("development").execute_with(|| {
		let alice = Sr25519Keyring::Alice.to_account_id();
		assert_eq!(System::providers(&alice), 1);
		assert_eq!(System::consumers(&alice), 2);
	});
}

#[test]
fn default_genesis_has_no_root_and_no_accounts() {
	let config = RuntimeGenesisConfig::default();
	assert_eq!(config.sudo.key, None);
	assert!(config.council.members.is_empty());
	assert!(config.balances.balances.is_empty() && config.validators.validators.is_empty());
}

#[test]
#[should_panic(expected = "session keys but lists no validator")]
fn session_keys_without_validators_are_refused() {
	TestExternalities::default().execute_with(|| {
		let mut config: Value =
			serde_json::from_slice(&Runtime::get_preset(&None).unwrap()).unwrap();
		let patch: Value =
			serde_json::from_slice(&get_preset(&"development".into()).unwrap()).unwrap();
		merge(&mut config, serde_json::json!({ "session": patch["session"] }));
		let _ = Runtime::build_state(serde_json::to_vec(&config).unwrap());
	});
}

#[test]
fn pallets_agree_with_their_configuration() {
	TestExternalities::default().execute_with(AllPalletsWithSystem::integrity_test);
	state_of("development").execute_with(|| {
		assert!(Validators::is_listed(&Sr25519Keyring::Alice.to_account_id()));
	});
}
