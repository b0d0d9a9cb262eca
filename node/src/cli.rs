// SPDX-License-Identifier: GPL-3.0-or-later WITH Classpath-exception-2.0

//! The command line.

use crate::sealing::Sealing;

/// Arguments of `proofpod-node`: with no subcommand, those that run a node.
#[derive(Debug, clap::Parser)]
pub(crate) struct Cli {
	/// What to do instead of running a node.
	#[command(subcommand)]
	pub(crate) subcommand: Option<Subcommand>,

	/// The SDK's arguments for running a node.
	#[command(flatten)]
	pub(crate) run: sc_cli::RunCmd,

	/// How a development chain makes its blocks, in place of Aura and GRANDPA.
	///
	/// `instant` makes a block as soon as there is a transaction, a number makes one every so many
	/// milliseconds, `manual` only when `engine_createBlock` asks for it (which works in the other
	/// modes too). Blocks are final at once. Each takes a slot of its own, so that the chain's
	/// time runs ahead of the clock when blocks come faster than every slot. The transaction pool is
	/// the single-state one.
	#[arg(long, value_name = "instant|manual|MILLISECONDS")]
	pub(crate) sealing: Option<Sealing>,
}

/// Everything that the node does besides running.
#[derive(Debug, clap::Subcommand)]
// One value exists per process, so its size does not matter.
#[allow(clippy::large_enum_variant)]
pub(crate) enum Subcommand {
	/// Key management: generate, inspect and insert.
	#[command(subcommand)]
	Key(sc_cli::KeySubcommand),

	/// Write a chain specification (`dev`, `local`, `staging` or a file), raw with `--raw`.
	ExportChainSpec(sc_cli::ExportChainSpecCmd),

	/// Older form of `export-chain-spec`, kept for tools that still call it.
	BuildSpec(sc_cli::BuildSpecCmd),

	/// Validate a block that the database holds.
	CheckBlock(sc_cli::CheckBlockCmd),

	/// Write blocks to a file.
	ExportBlocks(sc_cli::ExportBlocksCmd),

	/// Write the state of a block into a chain specification.
	ExportState(sc_cli::ExportStateCmd),

	/// Import blocks from a file.
	ImportBlocks(sc_cli::ImportBlocksCmd),

	/// Remove the chain's database.
	PurgeChain(sc_cli::PurgeChainCmd),

	/// Revert the chain to an earlier block.
	Revert(sc_cli::RevertCmd),

	/// Print the best and the final block of the database.
	ChainInfo(sc_cli::ChainInfoCmd),

	/// Measure the weights of the runtime's own pallets, and write them as Rust.
	#[cfg(feature = "runtime-benchmarks")]
	Benchmark(crate::benchmark::BenchmarkCmd),
}

#[cfg(test)]
mod tests {
	use super::*;
	use clap::{CommandFactory, Parser};
	use sc_cli::SubstrateCli;
	use std::time::Duration;

	fn parse(arguments: &[&str]) -> Result<Cli, clap::Error> {
		Cli::try_parse_from([&["proofpod-node"], arguments].concat())
	}

	#[test]
	fn command_is_consistent() {
		Cli::setup_command(Cli::command()).debug_assert();
	}

	#[test]
	fn sealing_is_off_unless_asked_for() {
		let cli = parse(&["--dev", "--tmp"]).unwrap();
		assert!(cli.run.shared_params.dev && cli.run.tmp && cli.subcommand.is_none());
		assert_eq!(cli.sealing, None);
	}

	#[test]
	fn sealing_takes_a_word_or_milliseconds() {
		let sealing = |mode| parse(&["--dev", "--sealing", mode]).unwrap().sealing;
		assert_eq!(sealing("instant"), Some(Sealing::Instant));
		assert_eq!(sealing("manual"), Some(Sealing::Manual));
		assert_eq!(sealing("500"), Some(Sealing::Interval(Duration::from_millis(500))));
	}

	#[test]
	fn other_sealing_is_refused_with_what_was_expected() {
		for mode in ["0", "-5", "0.5", "fast", ""] {
			let error = parse(&["--dev", &format!("--sealing={mode}")]).unwrap_err().to_string();
			assert!(error.contains("`instant`, `manual` or"), "{mode:?}: {error}");
		}
	}

	#[test]
	fn every_subcommand_is_reachable() {
		for line in [
			&["key", "generate"][..],
			&["key", "generate-node-key"],
			&["export-chain-spec", "--chain", "dev", "--raw"],
			&["build-spec", "--chain", "local"],
			&["check-block", "1", "--dev"],
			&["export-blocks", "--dev"],
			&["export-state", "--dev"],
			&["import-blocks", "--dev"],
			&["purge-chain", "--dev", "-y"],
			&["revert", "3", "--dev"],
			&["chain-info", "--dev"],
		] {
			let cli = parse(line).unwrap_or_else(|error| panic!("{line:?}: {error}"));
			assert!(cli.subcommand.is_some(), "{line:?}");
		}
	}
}
