// SPDX-License-Identifier: GPL-3.0-or-later WITH Classpath-exception-2.0

//! Warns of a chain of type Live whose genesis lets one account alone act as root: whoever gets hold
//! of its key owns the chain.

use proofpod_runtime::AccountId;
use sc_service::{ChainSpec, ChainType};
use sp_io::hashing::twox_128;
use sp_runtime::{codec::Decode, Storage};
use tracing::warn;

/// Logs a warning when one account is root by the genesis of a chain of type Live.
pub(crate) fn warn_of(spec: &dyn ChainSpec) -> Result<(), String> {
	if let Some(warning) = warning(spec)? {
		warn!("{warning}");
	}
	Ok(())
}

/// What there is to warn of.
fn warning(spec: &dyn ChainSpec) -> Result<Option<String>, String> {
	if spec.chain_type() != ChainType::Live {
		return Ok(None);
	}
	let genesis = spec.as_storage_builder().build_storage()?;
	Ok(sole_root(&genesis).map(|(power, account)| {
		format!(
			"⚠️  The chain {:?} is of type Live, but {power} of its genesis makes one account root: \
			 {account}. Whoever gets hold of its key owns the chain; a council of four or more \
			 prevents that, see docs/validators.md",
			spec.id()
		)
	}))
}

/// The account that is root by a genesis without anybody else, and the storage item that says so.
fn sole_root(genesis: &Storage) -> Option<(&'static str, AccountId)> {
	let stored = |pallet: &str, item: &str| {
		let key = [pallet, item].map(|name| twox_128(name.as_bytes())).concat();
		genesis.top.get(&key)
	};
	let sudo = stored("Sudo", "Key").and_then(|key| AccountId::decode(&mut &key[..]).ok());
	let council = || {
		let members = stored("Council", "Members")?;
		let members = <Vec<AccountId>>::decode(&mut &members[..]).ok()?;
		<[AccountId; 1]>::try_from(members).ok()
	};
	sudo.map(|key| ("Sudo.Key", key))
		.or_else(|| council().map(|[member]| ("Council.Members", member)))
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::development_keys::tests::{own, spec};
	use proofpod_runtime::RuntimeGenesisConfig;

	/// A genesis with a council of so many, and no sudo key.
	fn governed_by(members: u8) -> RuntimeGenesisConfig {
		let mut genesis = own();
		genesis.sudo.key = None;
		genesis.council.members = (0..members).map(|number| [number; 32].into()).collect();
		genesis
	}

	fn warning_of(kind: ChainType, genesis: &RuntimeGenesisConfig) -> Option<String> {
		warning(&spec(kind, genesis)).unwrap()
	}

	#[test]
	fn one_account_that_is_root_of_a_live_chain_is_warned_of() {
		let mut with_sudo = governed_by(4);
		let root = AccountId::from([9; 32]);
		with_sudo.sudo.key = Some(root.clone());
		for (genesis, power, account) in [
			(with_sudo, "Sudo.Key", root),
			(governed_by(1), "Council.Members", AccountId::from([0; 32])),
		] {
			let warning = warning_of(ChainType::Live, &genesis).unwrap();
			for part in [power, "some-chain", &account.to_string()] {
				assert!(warning.contains(part), "{part} is not in: {warning}");
			}
			for kind in [ChainType::Local, ChainType::Development] {
				assert_eq!(warning_of(kind, &genesis), None);
			}
		}
	}

	#[test]
	fn a_council_is_not_warned_of_nor_is_a_chain_without_root() {
		for members in [0, 2, 4] {
			assert_eq!(warning_of(ChainType::Live, &governed_by(members)), None);
		}
	}
}
