// SPDX-License-Identifier: Apache-2.0

//! `pod-worker`: see `pod-worker --help`.

use clap::{Parser, Subcommand, ValueEnum};
use pod_worker::{
	config::{Config, EXAMPLE},
	error::Error,
	keyring::KeyChange,
	service,
};
use std::{io::IsTerminal, path::PathBuf, process::ExitCode};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// Runs a pod of the Proofpod chain: takes jobs, infers, proves, submits, gets paid.
#[derive(Parser)]
#[command(version, after_help = "Exit codes: 0 stopped as asked, 1 failure, 2 wrong usage.")]
struct Arguments {
	/// Form of the log.
	#[arg(long, value_enum, default_value_t = LogFormat::Text, global = true)]
	log_format: LogFormat,
	#[command(subcommand)]
	command: Command,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogFormat {
	Text,
	Json,
}

#[derive(Subcommand)]
enum Command {
	/// Write a commented configuration file.
	Init {
		/// Where to write it; must not exist.
		file: PathBuf,
	},
	/// Check a configuration file without starting anything.
	Check {
		/// The configuration.
		#[arg(long)]
		config: PathBuf,
	},
	/// Register the pod and work, until SIGTERM or SIGINT.
	Run {
		/// The configuration.
		#[arg(long)]
		config: PathBuf,
		/// Allow well-known development accounts.
		#[arg(long)]
		dev: bool,
		/// Start with a new encryption key; the old one is kept for the jobs locked under it.
		#[arg(long, conflicts_with = "replace_key")]
		rotate_key: bool,
		/// Start a registered pod with a new encryption key, because its own is lost.
		#[arg(long)]
		replace_key: bool,
	},
	/// Print what the pod publishes, for its owner to register it with an operator.
	Profile {
		/// The configuration.
		#[arg(long)]
		config: PathBuf,
		/// Allow well-known development accounts.
		#[arg(long)]
		dev: bool,
	},
}

fn main() -> ExitCode {
	let arguments = Arguments::parse();
	let filter = EnvFilter::try_from_default_env()
		.unwrap_or_else(|_| EnvFilter::new("warn,pod_worker=info,proofpod_client=info"));
	let log = tracing_subscriber::fmt()
		.with_env_filter(filter)
		.with_writer(std::io::stderr)
		.with_ansi(std::io::stderr().is_terminal());
	match arguments.log_format {
		LogFormat::Text => log.init(),
		LogFormat::Json => log.json().init(),
	}
	match execute(arguments.command) {
		Ok(()) => ExitCode::SUCCESS,
		Err(error) => {
			eprintln!("error [{}]: {error}", error.code());
			ExitCode::FAILURE
		},
	}
}

fn runtime() -> Result<tokio::runtime::Runtime, Error> {
	tokio::runtime::Runtime::new()
		.map_err(|error| Error::Task(format!("cannot start the runtime: {error}")))
}

fn execute(command: Command) -> Result<(), Error> {
	match command {
		Command::Init { file } => {
			let written = std::fs::File::create_new(&file)
				.and_then(|mut to| std::io::Write::write_all(&mut to, EXAMPLE.as_bytes()));
			written.map_err(|error| Error::ConfigUnwritable { path: file.clone(), error })?;
			println!("wrote {}: edit it, then pod-worker run --config {0}", file.display());
			Ok(())
		},
		Command::Check { config } => {
			Config::load(&config)?;
			println!("{} is usable", config.display());
			Ok(())
		},
		Command::Profile { config, dev } => {
			let config = Config::load(&config)?;
			let profile = runtime()?.block_on(service::profile(&config, dev))?;
			let text = serde_json::to_string_pretty(&profile)
				.map_err(|error| Error::Task(error.to_string()))?;
			println!("{text}");
			Ok(())
		},
		Command::Run { config, dev, rotate_key, replace_key } => {
			let config = Config::load(&config)?;
			let change = match (rotate_key, replace_key) {
				(true, _) => KeyChange::Rotate,
				(_, true) => KeyChange::Replace,
				_ => KeyChange::None,
			};
			let runtime = runtime()?;
			let result = runtime.block_on(async {
				let stop = CancellationToken::new();
				service::stop_on_signals(stop.clone())?;
				service::run(config, dev, change, stop).await
			});
			// A proof in the making stops before its next step: its job resumes at the next start.
			runtime.shutdown_timeout(service::STOP_PATIENCE);
			result
		},
	}
}
