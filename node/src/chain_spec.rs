// SPDX-License-Identifier: GPL-3.0-or-later WITH Classpath-exception-2.0

//! The networks that the node knows by name, and those that it reads from a file.

use crate::service::types::ExtraHostFunctions;
use proofpod_runtime::{genesis_config_presets::STAGING_RUNTIME_PRESET, WASM_BINARY};
use sc_chain_spec::{ChainType, NoExtension, Properties};
use serde_json::json;
use std::path::Path;

/// A chain specification, whose genesis is built with the host functions that the runtime calls.
pub(crate) type ChainSpec = sc_service::GenericChainSpec<NoExtension, ExtraHostFunctions>;

/// Name that `--chain` takes for the chain that one development node makes alone.
pub(crate) const DEVELOPMENT: &str = "dev";

/// Name that `--chain` takes for a network of several nodes on one machine.
pub(crate) const LOCAL: &str = "local";

/// Name that `--chain` takes for a network of several nodes on one machine that is governed as a
/// production chain is.
pub(crate) const STAGING: &str = "staging";

/// What wallets and explorers show of the chain's token.
fn properties() -> Properties {
	[("tokenSymbol", json!("POD")), ("tokenDecimals", json!(12)), ("ss58Format", json!(42))]
		.into_iter()
		.map(|(name, value)| (name.to_owned(), value))
		.collect()
}

fn wasm() -> Result<&'static [u8], String> {
	WASM_BINARY.ok_or_else(|| {
		"this node was built without its WebAssembly runtime (SKIP_WASM_BUILD was set): build it \
		 again without that variable, or pass --chain FILE with a chain specification that \
		 contains the runtime"
			.into()
	})
}

/// The chain that one node makes alone, with Alice as its validator.
pub(crate) fn development() -> Result<ChainSpec, String> {
	Ok(ChainSpec::builder(wasm()?, None)
		.with_name("Proofpod Development")
		.with_id("proofpod-dev")
		.with_chain_type(ChainType::Development)
		.with_genesis_config_preset_name("development")
		.with_protocol_id("proofpod")
		.with_properties(properties())
		.build())
}

/// A network on one machine, with Alice and Bob as its validators.
pub(crate) fn local() -> Result<ChainSpec, String> {
	Ok(ChainSpec::builder(wasm()?, None)
		.with_name("Proofpod Local Testnet")
		.with_id("proofpod-local")
		.with_chain_type(ChainType::Local)
		.with_genesis_config_preset_name("local_testnet")
		.with_protocol_id("proofpod")
		.with_properties(properties())
		.build())
}

/// A network on one machine, with Alice, Bob, Charlie and Dave as its validators and its council.
pub(crate) fn staging() -> Result<ChainSpec, String> {
	Ok(ChainSpec::builder(wasm()?, None)
		.with_name("Proofpod Staging")
		.with_id("proofpod-staging")
		.with_chain_type(ChainType::Local)
		.with_genesis_config_preset_name(STAGING_RUNTIME_PRESET)
		.with_protocol_id("proofpod")
		.with_properties(properties())
		.build())
}

/// The chain that `--chain` names: [`DEVELOPMENT`], [`LOCAL`] (also when nothing is named),
/// [`STAGING`], or a file.
///
/// # Errors
///
/// A name that is neither known nor a file, or a file that is no chain specification.
pub(crate) fn load(name: &str) -> Result<ChainSpec, String> {
	match name {
		DEVELOPMENT => development(),
		"" | LOCAL => local(),
		STAGING => staging(),
		path if !Path::new(path).is_file() => Err(format!(
			"expected --chain dev, --chain local, --chain staging or a chain specification's file, \
			 found {path:?}, and no such file exists"
		)),
		path => ChainSpec::from_json_file(path.into()).map_err(|error| {
			format!("expected a chain specification in JSON in the file {path:?}: {error}")
		}),
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use sc_service::ChainSpec as _;

	/// A node built without WebAssembly must say so for every named chain.
	fn built(spec: Result<ChainSpec, String>) -> Option<ChainSpec> {
		match (WASM_BINARY, spec) {
			(Some(_), spec) => Some(spec.unwrap()),
			(None, spec) => {
				assert!(spec.err().unwrap().contains("SKIP_WASM_BUILD"));
				None
			},
		}
	}

	#[test]
	fn named_chains_build_and_describe_the_token() {
		for (name, id, kind) in [
			("dev", "proofpod-dev", ChainType::Development),
			("local", "proofpod-local", ChainType::Local),
			("", "proofpod-local", ChainType::Local),
			("staging", "proofpod-staging", ChainType::Local),
		] {
			let Some(spec) = built(load(name)) else { continue };
			assert_eq!((spec.id(), spec.chain_type()), (id, kind));
			assert!(spec.telemetry_endpoints().is_none());
			for raw in [false, true] {
				let json: serde_json::Value =
					serde_json::from_str(&spec.as_json(raw).unwrap()).unwrap();
				assert_eq!(
					json["properties"],
					json!({ "tokenSymbol": "POD", "tokenDecimals": 12, "ss58Format": 42 })
				);
				let written = ChainSpec::from_json_bytes(json.to_string().into_bytes()).unwrap();
				assert_eq!(written.id(), id);
			}
		}
	}

	#[test]
	fn unknown_chain_names_what_was_expected() {
		let error = load("no-such-chain").err().unwrap();
		assert!(error.contains("--chain dev") && error.contains("\"no-such-chain\""), "{error}");
	}

	#[test]
	fn file_that_is_no_chain_specification_is_refused() {
		// Tests run in the package's folder.
		let error = load("Cargo.toml").err().unwrap();
		assert!(error.contains("expected a chain specification in JSON"), "{error}");
	}
}
