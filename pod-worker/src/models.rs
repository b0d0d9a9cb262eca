// SPDX-License-Identifier: Apache-2.0

//! The models that the pod serves: loaded once, checked by digest, tried out before the first job.

use crate::{
	config::ModelConfig,
	error::{Error, Result},
};
use proofpod_primitives::{manifest::ModelManifest, Balance, ModelId, ProofBytes, Scalar};
use proofpod_verifier::{Groth16, Native, PreparedVerifyingKey, ProofVerifier};
use proofpod_zkml::{
	artefacts::ModelDirectory,
	commitment::Secrets,
	progress::Monitor,
	prover::{Proved, Prover, ProverError},
};
use std::{
	collections::BTreeMap,
	sync::Arc,
	time::{Duration, Instant},
};

/// Served models by identity.
pub type ServedModels = BTreeMap<ModelId, Arc<ServedModel>>;

/// A model, ready to prove with.
pub struct ServedModel {
	/// Its manifest.
	pub manifest: ModelManifest,
	/// Least price for a job.
	pub min_price: Balance,
	/// Whether the operator trusts whoever made its key.
	pub trusted_key: bool,
	/// How long a proof took when the worker started.
	pub prove_time: Duration,
	prover: Prover,
	key: PreparedVerifyingKey,
}

impl ServedModel {
	/// Loads a model's artefacts, checks every digest, and makes a proof to measure the time that
	/// it takes here.
	///
	/// # Errors
	/// When a file is missing, damaged, or does not belong to the others.
	pub fn load(config: &ModelConfig) -> Result<Self> {
		let failed = |reason: String| Error::Model { directory: config.directory.clone(), reason };
		let directory = ModelDirectory::at(&config.directory);
		let manifest = directory.manifest().map_err(|e| failed(e.to_string()))?.manifest;
		let verifying_key = directory.verifying_key().map_err(|e| failed(e.to_string()))?;
		let key = Groth16::<Native>::prepare(&verifying_key).map_err(|e| failed(e.to_string()))?;
		let prover = directory.prover().map_err(|e| failed(e.to_string()))?;
		let mut model = Self {
			manifest,
			min_price: config.min_price.0,
			trusted_key: config.trusted_key,
			prove_time: Duration::MAX,
			prover,
			key,
		};
		model.prove_time = model.try_out().map_err(failed)?;
		Ok(model)
	}

	/// Its name, for people.
	pub fn name(&self) -> &str {
		core::str::from_utf8(&self.manifest.name).unwrap_or("(unnamed)")
	}

	/// Values that it takes as its input.
	pub(crate) fn input_len(&self) -> usize {
		self.manifest.input_len as usize
	}

	/// Infers and proves.
	pub(crate) fn prove(
		&self,
		binding: &Scalar,
		input: &[i8],
		secrets: &Secrets,
		monitor: Monitor,
	) -> Result<Proved, ProverError> {
		self.prover.prove_monitored(binding, input, secrets, monitor)
	}

	/// Verifies as the chain does.
	pub(crate) fn verify(&self, proof: &ProofBytes, inputs: &[Scalar]) -> Result<(), String> {
		Groth16::<Native>::verify(&self.key, proof, inputs).map_err(|error| error.to_string())
	}

	fn try_out(&self) -> Result<Duration, String> {
		let input = vec![0i8; self.input_len()];
		let secrets = Secrets::random(&mut rand::rngs::OsRng);
		let binding = Scalar([0; 32]);
		let start = Instant::now();
		let proved = self.prove(&binding, &input, &secrets, Monitor::none());
		let proved = proved.map_err(|error| error.to_string())?;
		let elapsed = start.elapsed();
		self.verify(&proved.proof, &proved.public_inputs)?;
		Ok(elapsed)
	}
}
