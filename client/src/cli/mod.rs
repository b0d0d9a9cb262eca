// SPDX-License-Identifier: Apache-2.0

//! The command line: every command parses, calls the library, and prints.

mod job;
mod model;
mod output;
mod pods;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};
use output::{Interrupted, Output};
use proofpod_client::{chain::Chain, keys::Signer, secrets::SecretsStore, AccountId};
use proofpod_primitives::pod::{is_tag, Tag};
use proofpod_zkml::{
	artefacts::ModelDirectory,
	input::{InputFile, MAX_FILE_SIZE},
};
use std::{
	io::IsTerminal,
	path::{Path, PathBuf},
	process::ExitCode,
};

/// Verified predictions on data that nobody else may read.
#[derive(Debug, Parser)]
#[command(
	name = "proofpod",
	version,
	propagate_version = true,
	after_help = "Exit codes: 0 done, 1 failed, 2 wrong command line, 130 interrupted."
)]
pub(crate) struct Proofpod {
	#[command(flatten)]
	global: Global,
	#[command(subcommand)]
	command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
pub(crate) struct Global {
	/// Node to ask, by WebSocket
	#[arg(long, global = true, env = "PROOFPOD_URL", default_value = "ws://127.0.0.1:9944")]
	url: String,
	/// Print one JSON document instead of text; amounts are strings of planck
	#[arg(long, global = true)]
	json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
	/// Compile, prove and register models
	#[command(subcommand)]
	Model(model::Command),
	/// Pods that do the work
	#[command(subcommand)]
	Pods(pods::Command),
	/// Run jobs and read their results
	#[command(subcommand)]
	Job(job::Command),
}

/// Who signs.
#[derive(Debug, Args)]
pub(crate) struct SignerArgs {
	/// File (mode 600) that holds the account's seed phrase; with --dev also //Alice and the like
	#[arg(long, env = "PROOFPOD_SIGNER", value_name = "FILE|//NAME")]
	signer: String,
	#[command(flatten)]
	development: DevelopmentArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DevelopmentArgs {
	/// Allow development accounts, whose keys everybody knows
	#[arg(long)]
	dev: bool,
}

impl SignerArgs {
	fn signer(&self) -> Result<Signer> {
		Ok(Signer::from_argument(&self.signer, self.development.dev)?)
	}
}

/// Where a client's keys are kept.
#[derive(Debug, Args)]
pub(crate) struct StoreArgs {
	/// Folder for the keys that decrypt the results: do not lose it [default:
	/// $XDG_DATA_HOME/proofpod/jobs, or ~/.local/share/proofpod/jobs]
	#[arg(long, env = "PROOFPOD_JOBS_DIR", value_name = "DIR")]
	jobs_dir: Option<PathBuf>,
}

impl StoreArgs {
	fn root(&self) -> Result<PathBuf> {
		if let Some(folder) = &self.jobs_dir {
			return Ok(folder.clone());
		}
		let absolute = |name: &str| {
			std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute())
		};
		absolute("XDG_DATA_HOME")
			.or_else(|| absolute("HOME").map(|home| home.join(".local/share")))
			.map(|data| data.join("proofpod/jobs"))
			.context("expected --jobs-dir, because neither XDG_DATA_HOME nor HOME is set")
	}

	fn open(&self, chain: &Chain) -> Result<SecretsStore> {
		Ok(SecretsStore::open(&self.root()?, chain.genesis())?)
	}
}

/// Which record of a file.
#[derive(Debug, Args)]
pub(crate) struct RecordArgs {
	/// File of records: {"input_data": [[…], …]}
	#[arg(long, value_name = "FILE")]
	input: PathBuf,
	/// Which of the file's records, from 0; needed when there are several
	#[arg(long, value_name = "N")]
	record: Option<usize>,
}

/// A record, and its true class when the file says it.
pub(crate) struct Record {
	pub(crate) values: Vec<f32>,
	pub(crate) label: Option<usize>,
}

impl RecordArgs {
	fn read(&self, expected: usize) -> Result<Record> {
		let mut file = read_input(&self.input, Some(expected))?;
		let (count, path) = (file.records.len(), self.input.display());
		let index = match self.record {
			Some(index) if index < count => index,
			Some(index) => {
				anyhow::bail!("{path}: expected --record from 0 to {}, found {index}", count - 1)
			},
			None if count == 1 => 0,
			None => anyhow::bail!(
				"{path}: expected one record, found {count}: choose one with --record"
			),
		};
		let label = file.labels.as_ref().and_then(|labels| labels.get(index).copied());
		Ok(Record { values: file.records.swap_remove(index), label })
	}
}

/// Reads a file of records.
fn read_input(path: &Path, expected: Option<usize>) -> Result<InputFile> {
	let bytes = proofpod_client::files::read(path, MAX_FILE_SIZE as u64)?;
	InputFile::parse(&bytes, expected).with_context(|| path.display().to_string())
}

/// A model's folder, which must exist.
fn model_directory(path: &Path) -> Result<ModelDirectory> {
	anyhow::ensure!(
		path.is_dir(),
		"expected {} to be a model's folder, found none: make it with `proofpod model compile`",
		path.display()
	);
	Ok(ModelDirectory::at(path))
}

fn parse_account(text: &str) -> Result<AccountId, String> {
	proofpod_client::account::parse_account(text).map_err(|error| error.to_string())
}

fn parse_tag(text: &str) -> Result<Tag, String> {
	Tag::try_from(text.as_bytes().to_vec())
		.ok()
		.filter(|tag| is_tag(tag))
		.ok_or_else(|| "expected at most 32 lower-case letters, digits, '-', '.' and ':'".into())
}

/// Does what the command line says and gives the exit code.
pub(crate) async fn run(command: Proofpod) -> ExitCode {
	tracing_subscriber::fmt()
		.with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
		.with_writer(std::io::stderr)
		.with_ansi(std::io::stderr().is_terminal())
		.init();
	let output = Output::new(command.global.json);
	let done = match command.command {
		Command::Model(model) => model::run(model, &command.global, &output).await,
		Command::Pods(pods) => pods::run(pods, &command.global, &output).await,
		Command::Job(job) => job::run(job, &command.global, &output).await,
	};
	match done {
		Ok(code) => code,
		Err(error) => {
			output.failure(&error);
			match error.is::<Interrupted>() {
				true => Interrupted::EXIT_CODE.into(),
				false => ExitCode::FAILURE,
			}
		},
	}
}
