// SPDX-License-Identifier: GPL-3.0-or-later WITH Classpath-exception-2.0

//! Keeps the keys of development accounts, whose secrets everybody knows, away from chains of type
//! Live: from their genesis, from the options of their nodes, and from the nodes' keystores.

use sc_service::{ChainSpec, ChainType};
use sp_core::crypto::key_types::{AURA, GRANDPA};
use sp_io::hashing::twox_128;
use sp_keyring::{Ed25519Keyring, Sr25519Keyring};
use sp_keystore::KeystorePtr;
use sp_runtime::Storage;

/// What gives an account or a key power over the chain: pallets, and their storage items.
const POWERS: [(&str, &str); 7] = [
	("Aura", "Authorities"),
	("Grandpa", "Authorities"),
	("Session", "Validators"),
	("Session", "QueuedKeys"),
	("Validators", "Validators"),
	("Sudo", "Key"),
	("Council", "Members"),
];

/// The names of the development accounts and their public keys, of both schemes.
fn well_known() -> impl Iterator<Item = (String, [u8; 32])> {
	let sr25519 = Sr25519Keyring::iter().map(|key| (key.to_string(), key.public().0));
	let ed25519 = Ed25519Keyring::iter().map(|key| (key.to_string(), key.public().0));
	sr25519.chain(ed25519)
}

/// Refuses a chain of type Live whose genesis gives power to development keys, or that is to be run
/// with the keys generated from `seed`, as `--alice` and `--dev` have it.
pub(crate) fn check_chain(spec: &dyn ChainSpec, seed: Option<&str>) -> Result<(), String> {
	if spec.chain_type() != ChainType::Live {
		return Ok(());
	}
	if let Some(seed) = seed {
		return Err(format!(
			"the chain {:?} is of type Live, and the keys of {seed} are known to everybody: leave out \
			 --dev, --alice and the like, and generate session keys as docs/validators.md says",
			spec.id()
		));
	}
	let genesis = spec.as_storage_builder().build_storage()?;
	match powers_of_well_known(&genesis) {
		None => Ok(()),
		Some((name, power)) => Err(format!(
			"the chain {:?} is of type Live, but {power} of its genesis holds a key of {name}, which \
			 everybody knows: replace it, or make the chain's type Local or Development",
			spec.id()
		)),
	}
}

/// A development account that has power by a genesis, and the storage item by which it has it.
fn powers_of_well_known(genesis: &Storage) -> Option<(String, String)> {
	POWERS.into_iter().find_map(|(pallet, item)| {
		let prefix = [pallet, item].map(|name| twox_128(name.as_bytes())).concat();
		let value = genesis.top.get(&prefix)?;
		let (name, _) =
			well_known().find(|(_, key)| value.windows(key.len()).any(|part| part == key))?;
		Some((name, format!("{pallet}.{item}")))
	})
}

/// Refuses a keystore with session keys of development accounts on a chain of type Live.
pub(crate) fn check_keystore(spec: &dyn ChainSpec, keystore: &KeystorePtr) -> Result<(), String> {
	if spec.chain_type() != ChainType::Live {
		return Ok(());
	}
	let held = well_known().find(|(_, key)| {
		[AURA, GRANDPA].iter().any(|kind| keystore.has_keys(&[(key.to_vec(), *kind)]))
	});
	match held {
		None => Ok(()),
		Some((name, key)) => Err(format!(
			"the chain {:?} is of type Live, but the keystore holds the session key 0x{} of {name}, which \
			 everybody knows: remove it from the folder `keystore`, and generate others",
			spec.id(),
			key.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
		)),
	}
}

#[cfg(test)]
pub(crate) mod tests {
	use super::*;
	use proofpod_runtime::{AccountId, RuntimeGenesisConfig, SessionKeys};
	use serde_json::json;
	use sp_core::{ed25519, sr25519, Pair};
	use sp_keystore::{testing::MemoryKeystore, Keystore};
	use sp_runtime::BuildStorage;
	use std::sync::Arc;

	/// A chain specification of this type with this genesis, which the runtime's own code builds.
	pub(crate) fn spec(
		kind: ChainType,
		genesis: &RuntimeGenesisConfig,
	) -> crate::chain_spec::ChainSpec {
		let hex = |bytes: &[u8]| {
			let digits = bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
			format!("0x{digits}")
		};
		let top = genesis.build_storage().unwrap().top;
		let top = top.iter().map(|(key, value)| (hex(key), json!(hex(value))));
		let json = json!({
			"name": "Some Chain",
			"id": "some-chain",
			"chainType": kind,
			"bootNodes": [],
			"telemetryEndpoints": null,
			"protocolId": null,
			"properties": null,
			"codeSubstitutes": {},
			"genesis": { "raw": {
				"top": top.collect::<serde_json::Map<_, _>>(),
				"childrenDefault": {},
			} },
		});
		crate::chain_spec::ChainSpec::from_json_bytes(json.to_string().into_bytes()).unwrap()
	}

	/// A secret that is no development account's.
	const SECRET: [u8; 32] = [7; 32];

	/// A genesis with one validator, with these session keys, that is also the council and the sudo
	/// key. Alice, who has money like anybody else, has no power by it.
	fn genesis(aura: sr25519::Public, grandpa: ed25519::Public) -> RuntimeGenesisConfig {
		let account = AccountId::from(sr25519::Pair::from_seed(&SECRET).public());
		let keys = SessionKeys { aura: aura.into(), grandpa: grandpa.into() };
		let mut genesis = RuntimeGenesisConfig::default();
		let alice = Sr25519Keyring::Alice.to_account_id();
		genesis.balances.balances =
			[account.clone(), alice].map(|account| (account, u128::MAX / 4)).into();
		genesis.session.keys = vec![(account.clone(), account.clone(), keys)];
		genesis.validators.validators = vec![account.clone()];
		genesis.council.members = vec![account.clone()];
		genesis.sudo.key = Some(account);
		genesis
	}

	/// The same with keys of its own.
	pub(crate) fn own() -> RuntimeGenesisConfig {
		let sr25519 = sr25519::Pair::from_seed(&SECRET).public();
		genesis(sr25519, ed25519::Pair::from_seed(&SECRET).public())
	}

	#[test]
	fn a_live_chain_with_keys_of_its_own_is_accepted() {
		assert_eq!(check_chain(&spec(ChainType::Live, &own()), None), Ok(()));
	}

	#[test]
	fn a_live_chain_that_gives_power_to_development_keys_is_refused() {
		let sr25519 = sr25519::Pair::from_seed(&SECRET).public();
		let ed25519 = ed25519::Pair::from_seed(&SECRET).public();
		let (bob, mut sudo, mut council) = (Sr25519Keyring::Bob.to_account_id(), own(), own());
		sudo.sudo.key = Some(bob.clone());
		council.council.members.push(bob.clone());
		let mut validator = own();
		validator.balances.balances.push((bob.clone(), u128::MAX / 4));
		let keys = SessionKeys {
			aura: sr25519::Pair::from_seed(&[8; 32]).public().into(),
			grandpa: ed25519::Pair::from_seed(&[8; 32]).public().into(),
		};
		validator.session.keys.push((bob.clone(), bob.clone(), keys));
		validator.validators.validators.push(bob);
		for (genesis, power) in [
			(genesis(Sr25519Keyring::Bob.public(), ed25519), "Aura.Authorities"),
			(genesis(sr25519, Ed25519Keyring::Bob.public()), "Grandpa.Authorities"),
			(validator, "Session.Validators"),
			(sudo, "Sudo.Key"),
			(council, "Council.Members"),
		] {
			let error = check_chain(&spec(ChainType::Live, &genesis), None).unwrap_err();
			assert!(error.contains(power) && error.contains("a key of Bob"), "{error}");
			for kind in [ChainType::Local, ChainType::Development] {
				assert_eq!(check_chain(&spec(kind, &genesis), None), Ok(()));
			}
		}
	}

	#[test]
	fn a_live_chain_is_not_run_as_a_development_account() {
		let error = check_chain(&spec(ChainType::Live, &own()), Some("//Alice")).unwrap_err();
		assert!(error.contains("//Alice") && error.contains("some-chain"), "{error}");
		assert_eq!(check_chain(&spec(ChainType::Local, &own()), Some("//Alice")), Ok(()));
	}

	#[test]
	fn a_keystore_with_development_keys_is_refused_on_a_live_chain() {
		for (kind, public) in
			[(AURA, Sr25519Keyring::Dave.public().0), (GRANDPA, Ed25519Keyring::Dave.public().0)]
		{
			let keystore = MemoryKeystore::new();
			keystore.insert(AURA, "", &sr25519::Pair::from_seed(&SECRET).public().0).unwrap();
			let live = spec(ChainType::Live, &own());
			let shared: KeystorePtr = Arc::new(keystore.clone());
			assert_eq!(check_keystore(&live, &shared), Ok(()));
			keystore.insert(kind, "", &public).unwrap();
			let shared: KeystorePtr = Arc::new(keystore);
			let error = check_keystore(&live, &shared).unwrap_err();
			assert!(error.contains("of Dave"), "{error}");
			assert_eq!(check_keystore(&spec(ChainType::Local, &own()), &shared), Ok(()));
		}
	}
}
