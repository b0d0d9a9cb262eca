// SPDX-License-Identifier: Apache-2.0

use crate::{
	accuracy::AccuracyError,
	circuit::CircuitError,
	network::{NetworkError, PackingError},
	onnx::OnnxError,
	progress::Cancelled,
	prover::ProverError,
	quantise::QuantiseError,
	setup::SetupError,
};
use proofpod_primitives::Digest;
use std::{io, path::PathBuf};

/// Why a model's folder cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ArtefactError {
	/// The operating system refused.
	#[error("cannot {action} {}: {source}", path.display())]
	Io {
		/// What was tried.
		action: &'static str,
		/// The file or folder.
		path: PathBuf,
		/// What the operating system says.
		source: io::Error,
	},
	/// A file is missing.
	#[error("expected {}, found no such file: {remedy}", path.display())]
	Missing {
		/// The file.
		path: PathBuf,
		/// What to do.
		remedy: &'static str,
	},
	/// A file is larger than it can be.
	#[error("expected {} to have at most {limit} bytes, found {found}", path.display())]
	Size {
		/// The file.
		path: PathBuf,
		/// Most bytes.
		limit: u64,
		/// Bytes found.
		found: u64,
	},
	/// A file's content is not what the description says.
	#[error("{}: expected digest {expected}, found {found}: {remedy}", path.display())]
	Changed {
		/// The file.
		path: PathBuf,
		/// Digest in the description.
		expected: Digest,
		/// Digest of the file.
		found: Digest,
		/// What to do.
		remedy: &'static str,
	},
	/// `model.json` cannot be read.
	#[error("{}: expected a model's description, found {reason}: compile the model again", path.display())]
	Description {
		/// The file.
		path: PathBuf,
		/// What does not fit.
		reason: String,
	},
	/// The model has no keys yet.
	#[error("{}: expected keys, found a model without a setup: run the setup first", path.display())]
	NotSetUp {
		/// The folder.
		path: PathBuf,
	},
	/// The ONNX file is refused.
	#[error(transparent)]
	Onnx(#[from] OnnxError),
	/// The network cannot be quantised.
	#[error(transparent)]
	Quantise(#[from] QuantiseError),
	/// The calibration records do not fit.
	#[error(transparent)]
	Accuracy(#[from] AccuracyError),
	/// The quantised network is refused.
	#[error(transparent)]
	Network(#[from] NetworkError),
	/// The output is too long, or the class names do not fit.
	#[error(transparent)]
	Packing(#[from] PackingError),
	/// The circuit cannot be built.
	#[error(transparent)]
	Circuit(#[from] CircuitError),
	/// The keys cannot be made, written or read.
	#[error(transparent)]
	Setup(#[from] SetupError),
	/// The proving key does not fit the circuit.
	#[error(transparent)]
	Prover(#[from] ProverError),
	/// The verifying key cannot be the model's.
	#[error("{}: expected a verifying key for {expected} public inputs, found {found}: run the setup again", path.display())]
	VerifyingKey {
		/// The file.
		path: PathBuf,
		/// Public inputs of the circuit.
		expected: usize,
		/// Public inputs of the key, or why it does not decode.
		found: String,
	},
	/// Whoever started the work stopped it.
	#[error(transparent)]
	Cancelled(#[from] Cancelled),
}
