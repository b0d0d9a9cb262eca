// SPDX-License-Identifier: Apache-2.0

//! The genesis of development, local and staging chains.
//!
//! All use well-known keys that anybody can sign with: they are for chains without value. The
//! first two give the root origin to one key. `staging` has none, and a council instead: it is
//! governed as a production chain is. That is specified in a file of its own, on top of the default
//! genesis, which has no accounts, no validators, no council and no sudo key.

use crate::{
	units::{MINUTES, POD},
	AccountId, Balance, BalancesConfig, BlockNumber, CouncilConfig, RuntimeGenesisConfig,
	SessionConfig, SessionKeys, SudoConfig, ValidatorsConfig,
};
use alloc::vec::Vec;
use frame_support::build_struct_json_patch;
use serde_json::Value;
use sp_genesis_builder::{PresetId, DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET};
use sp_keyring::{Ed25519Keyring, Sr25519Keyring};

/// Name of the preset that is governed as a production chain is.
pub const STAGING_RUNTIME_PRESET: &str = "staging";

/// What each development account owns: enough for any number of bonds, deposits and jobs.
const ENDOWMENT: Balance = 1_000_000 * POD;

/// The accounts that are funded: Alice, Bob, Charlie, Dave, Eve and Ferdie.
const FUNDED: [Sr25519Keyring; 6] = [
	Sr25519Keyring::Alice,
	Sr25519Keyring::Bob,
	Sr25519Keyring::Charlie,
	Sr25519Keyring::Dave,
	Sr25519Keyring::Eve,
	Sr25519Keyring::Ferdie,
];

/// A development account that validates, with its well-known session keys.
type DevelopmentValidator = (Sr25519Keyring, Ed25519Keyring);

/// Who has the root origin.
enum Root {
	/// One key.
	Sudo(Sr25519Keyring),
	/// A council, of the validators.
	Council,
}

/// How the list of validators is kept, where that is not as in the runtime's constants.
#[derive(Default)]
struct List {
	/// Fewest validators on it.
	floor: Option<u32>,
	/// Blocks in a session.
	session_length: Option<BlockNumber>,
}

fn genesis(validators: &[DevelopmentValidator], root: Root, list: List) -> Value {
	let accounts: Vec<AccountId> =
		validators.iter().map(|(account, _)| account.to_account_id()).collect();
	let (sudo, council) = match root {
		Root::Sudo(key) => (Some(key.to_account_id()), Vec::new()),
		Root::Council => (None, accounts.clone()),
	};
	let keys = validators.iter().map(|(aura, grandpa)| {
		let account = aura.to_account_id();
		let keys = SessionKeys { aura: aura.public().into(), grandpa: grandpa.public().into() };
		(account.clone(), account, keys)
	});
	build_struct_json_patch!(RuntimeGenesisConfig {
		balances: BalancesConfig {
			balances: FUNDED.map(|account| (account.to_account_id(), ENDOWMENT)).to_vec(),
		},
		validators: ValidatorsConfig {
			validators: accounts,
			floor: list.floor,
			session_length: list.session_length,
		},
		session: SessionConfig { keys: keys.collect() },
		sudo: SudoConfig { key: sudo },
		council: CouncilConfig { members: council },
	})
}

/// One validator, Alice, who also has the sudo key.
pub fn development() -> Value {
	genesis(
		&[(Sr25519Keyring::Alice, Ed25519Keyring::Alice)],
		Root::Sudo(Sr25519Keyring::Alice),
		List::default(),
	)
}

/// Two validators, Alice and Bob; Alice has the sudo key.
pub fn local_testnet() -> Value {
	genesis(
		&[
			(Sr25519Keyring::Alice, Ed25519Keyring::Alice),
			(Sr25519Keyring::Bob, Ed25519Keyring::Bob),
		],
		Root::Sudo(Sr25519Keyring::Alice),
		List::default(),
	)
}

/// Four validators, Alice, Bob, Charlie and Dave, who are also the council, and never fewer than
/// three. There is no sudo key. Sessions last a minute, so that a change of validators can be
/// rehearsed.
pub fn staging() -> Value {
	genesis(
		&[
			(Sr25519Keyring::Alice, Ed25519Keyring::Alice),
			(Sr25519Keyring::Bob, Ed25519Keyring::Bob),
			(Sr25519Keyring::Charlie, Ed25519Keyring::Charlie),
			(Sr25519Keyring::Dave, Ed25519Keyring::Dave),
		],
		Root::Council,
		List { floor: Some(3), session_length: Some(MINUTES) },
	)
}

/// The JSON of a preset, to be merged over the default genesis; `None` for an unknown name.
pub fn get_preset(id: &PresetId) -> Option<Vec<u8>> {
	let patch = match id.as_str() {
		DEV_RUNTIME_PRESET => development(),
		LOCAL_TESTNET_RUNTIME_PRESET => local_testnet(),
		STAGING_RUNTIME_PRESET => staging(),
		_ => return None,
	};
	serde_json::to_vec(&patch).ok()
}

/// The names that [`get_preset`] knows.
pub fn preset_names() -> Vec<PresetId> {
	[DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET, STAGING_RUNTIME_PRESET]
		.map(PresetId::from)
		.to_vec()
}
