// SPDX-License-Identifier: Apache-2.0

//! Everything that can go wrong in the worker, each with a stable code for logs, metrics and
//! `docs/operators.md`.

use proofpod_client::{chain::ChainError, sealing::SealingError};
use proofpod_primitives::JobId;
use std::{io, path::PathBuf};

/// Result of the worker's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant says what it is")]
pub enum Error {
	#[error("cannot read the configuration {path}: {error}")]
	ConfigUnreadable { path: PathBuf, error: io::Error },
	#[error("the configuration {path} is not usable: {reason}")]
	ConfigInvalid { path: PathBuf, reason: String },
	#[error("cannot write {path}: {error}")]
	ConfigUnwritable { path: PathBuf, error: io::Error },
	#[error("keys: {0}")]
	Key(String),
	#[error("model in {directory}: {reason}")]
	Model { directory: PathBuf, reason: String },
	#[error("{path} is in use by another worker: stop it, or give this one its own pod.data")]
	DataFolderInUse { path: PathBuf },
	#[error("the data folder {path} is not usable: {error}")]
	DataFolder { path: PathBuf, error: io::Error },
	#[error("journal: {0}")]
	Journal(#[from] rusqlite::Error),
	#[error("chain: {0}")]
	Chain(#[from] ChainError),
	#[error("expected the chain {expected}, found {found}: check chain.url and chain.genesis")]
	WrongChain { expected: String, found: String },
	#[error("cannot listen on {address}: {error}")]
	Listen { address: std::net::SocketAddr, error: io::Error },
	#[error("job {job}: the delivered input cannot be opened: {error}; the pod locked the job under key epoch {key_epoch}, and what was sealed for an earlier lock does not count")]
	Delivery { job: JobId, key_epoch: u32, error: SealingError },
	#[error("job {job}: the delivered {what} does not open the commitment on the chain")]
	Commitment { job: JobId, what: &'static str },
	#[error("job {job}: expected an input of {expected} values for the model, found {found}; the client must open another job")]
	InputLength { job: JobId, expected: usize, found: usize },
	#[error("job {job}: the encryption key under which it was locked is not in pod.data any more")]
	KeyGone { job: JobId },
	#[error("job {job}: proving failed: {reason}")]
	Proving { job: JobId, reason: String },
	#[error("job {job}: the worker's own proof does not verify: {reason}; not submitted")]
	OwnProof { job: JobId, reason: String },
	#[error("a task of the worker ended unexpectedly: {0}")]
	Task(String),
}

impl Error {
	/// The stable code.
	pub fn code(&self) -> &'static str {
		match self {
			Self::ConfigUnreadable { .. } => "PW-CFG-001",
			Self::ConfigInvalid { .. } => "PW-CFG-002",
			Self::ConfigUnwritable { .. } => "PW-CFG-003",
			Self::Key(_) => "PW-KEY-001",
			Self::KeyGone { .. } => "PW-KEY-002",
			Self::Model { .. } => "PW-MOD-001",
			Self::DataFolderInUse { .. } => "PW-DAT-001",
			Self::DataFolder { .. } => "PW-DAT-002",
			Self::Journal(_) => "PW-DAT-003",
			Self::Chain(_) => "PW-CHN-001",
			Self::WrongChain { .. } => "PW-CHN-002",
			Self::Listen { .. } => "PW-NET-001",
			Self::Delivery { .. } => "PW-DEL-001",
			Self::Commitment { .. } | Self::InputLength { .. } => "PW-DEL-002",
			Self::Proving { .. } => "PW-PRV-001",
			Self::OwnProof { .. } => "PW-PRV-002",
			Self::Task(_) => "PW-TSK-001",
		}
	}
}
