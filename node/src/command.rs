// SPDX-License-Identifier: GPL-3.0-or-later WITH Classpath-exception-2.0

//! Carries out what the command line asks for.

use crate::{
	chain_spec,
	cli::{Cli, Subcommand},
	development_keys,
	service::{
		self,
		components::Components,
		types::{Block, Hash},
	},
};
use sc_cli::{CliConfiguration, SubstrateCli, TransactionPoolType};
use sc_network::{config::NetworkBackendType, Litep2pNetworkBackend, NetworkWorker};

impl SubstrateCli for Cli {
	fn impl_name() -> String {
		"Proofpod Node".into()
	}

	fn impl_version() -> String {
		env!("SUBSTRATE_CLI_IMPL_VERSION").into()
	}

	fn description() -> String {
		env!("CARGO_PKG_DESCRIPTION").into()
	}

	fn author() -> String {
		"the Proofpod developers".into()
	}

	fn support_url() -> String {
		"docs/validators.md in the source".into()
	}

	fn copyright_start_year() -> i32 {
		2026
	}

	fn load_spec(&self, id: &str) -> Result<Box<dyn sc_service::ChainSpec>, String> {
		Ok(Box::new(chain_spec::load(id)?))
	}
}

/// Parses the process's arguments and runs the node or the subcommand until it ends.
pub(crate) fn run() -> sc_cli::Result<()> {
	let cli = Cli::from_args();
	match &cli.subcommand {
		None => run_node(&cli),
		Some(Subcommand::Key(command)) => command.run(&cli),
		Some(Subcommand::ExportChainSpec(command)) => command.run(cli.load_spec(&command.chain)?),
		Some(Subcommand::BuildSpec(command)) => cli
			.create_runner(command)?
			.sync_run(|config| command.run(config.chain_spec, config.network)),
		Some(Subcommand::CheckBlock(command)) => cli.create_runner(command)?.async_run(|config| {
			let components = Components::build(&config)?;
			let check = command.run(components.client, components.import_queue);
			Ok((check, components.task_manager))
		}),
		Some(Subcommand::ExportBlocks(command)) => {
			cli.create_runner(command)?.async_run(|config| {
				let components = Components::build(&config)?;
				let export = command.run(components.client, config.database);
				Ok((export, components.task_manager))
			})
		},
		Some(Subcommand::ExportState(command)) => cli.create_runner(command)?.async_run(|config| {
			let components = Components::build(&config)?;
			let export = command.run(components.client, config.chain_spec);
			Ok((export, components.task_manager))
		}),
		Some(Subcommand::ImportBlocks(command)) => {
			cli.create_runner(command)?.async_run(|config| {
				let components = Components::build(&config)?;
				let import = command.run(components.client, components.import_queue);
				Ok((import, components.task_manager))
			})
		},
		Some(Subcommand::PurgeChain(command)) => {
			cli.create_runner(command)?.sync_run(|config| command.run(config.database))
		},
		Some(Subcommand::Revert(command)) => cli.create_runner(command)?.async_run(|config| {
			let components = Components::build(&config)?;
			let revert = command.run(
				components.client,
				components.backend,
				Some(Box::new(|client, _, blocks| {
					Ok(sc_consensus_grandpa::revert(client, blocks)?)
				})),
			);
			Ok((revert, components.task_manager))
		}),
		Some(Subcommand::ChainInfo(command)) => {
			cli.create_runner(command)?.sync_run(|config| command.run::<Block>(&config))
		},
		#[cfg(feature = "runtime-benchmarks")]
		Some(Subcommand::Benchmark(command)) => command.run().map_err(sc_cli::Error::Input),
	}
}

fn run_node(cli: &Cli) -> sc_cli::Result<()> {
	let (mut run, sealing) = (cli.run.clone(), cli.sealing);
	// Before the runner, which makes folders and keys.
	let development = run.is_dev()?;
	let spec = cli.load_spec(&run.chain_id(development)?)?;
	development_keys::check_chain(&*spec, run.dev_key_seed(development)?.as_deref())?;
	if let Some(sealing) = sealing {
		sealing.check_chain(&*spec)?;
		// The fork-aware pool forgets transactions that arrive while a block is made and made
		// final within the same milliseconds; this chain has no forks to be aware of.
		run.pool_config.pool_type = TransactionPoolType::SingleState;
	}
	cli.create_runner(&run)?.run_node_until_exit(|config| async move {
		let task_manager = match config.network.network_backend {
			NetworkBackendType::Litep2p => service::start::<Litep2pNetworkBackend>(config, sealing),
			NetworkBackendType::Libp2p => {
				service::start::<NetworkWorker<Block, Hash>>(config, sealing)
			},
		}?;
		Ok(task_manager)
	})
}
