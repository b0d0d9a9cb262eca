// SPDX-License-Identifier: Apache-2.0

//! What a client needs of a model: to quantise a record, and to read an output.

use crate::{
	artefacts::{self, FetchError},
	chain::{ChainError, View},
};
use proofpod_primitives::{manifest::ModelManifest, ModelId, VerifyingKeyId};
use proofpod_zkml::{
	artefacts::{ArtefactError, ModelDirectory, NETWORK_FILE},
	network::{self, NetworkError, QuantisedNetwork},
};

/// Why a model cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
	/// The folder's files do not work.
	#[error(transparent)]
	Artefacts(#[from] ArtefactError),
	/// The network's file cannot be fetched.
	#[error(transparent)]
	Fetch(#[from] FetchError),
	/// The network is not valid.
	#[error("the model's network is not valid: {0}")]
	Network(#[from] NetworkError),
	/// The node does not answer.
	#[error(transparent)]
	Chain(#[from] ChainError),
	/// The model is not on this chain.
	#[error("model {model} is not registered on this chain")]
	NotRegistered {
		/// The model.
		model: ModelId,
	},
	/// The verifying key is not on this chain.
	#[error("verifying key {key} is not registered on this chain")]
	NoVerifyingKey {
		/// The key.
		key: VerifyingKeyId,
	},
}

/// A model, as far as its clients need it.
#[derive(Clone, Debug)]
pub struct ClientModel {
	/// What it is.
	pub manifest: ModelManifest,
	/// Its network.
	pub network: QuantisedNetwork,
	/// Names of its classes; empty when nobody gave any.
	pub classes: Vec<String>,
	/// Its verifying key; without, the chain is asked, whose answer must have the manifest's
	/// digest.
	pub verifying_key: Option<Vec<u8>>,
}

impl ClientModel {
	/// The model in a folder that `proofpod model compile` and `setup` wrote.
	///
	/// # Errors
	/// When a file is missing, damaged, or not the one that the manifest names.
	pub fn from_directory(directory: &ModelDirectory) -> Result<Self, ModelError> {
		let model = directory.load()?;
		Ok(Self {
			manifest: directory.manifest()?.manifest,
			network: model.network,
			classes: model.description.classes,
			verifying_key: Some(directory.verifying_key()?),
		})
	}

	/// A registered model, whose network is fetched from the places that its owner named and
	/// compared with the manifest. The names of its classes are not known then.
	///
	/// # Errors
	/// When the model is not registered or its network cannot be fetched.
	pub async fn from_chain(view: &View, model: ModelId) -> Result<Self, ModelError> {
		let record = view.model(model).await?.ok_or(ModelError::NotRegistered { model })?;
		let limit = network::MAX_FILE_SIZE as u64;
		let digest = record.manifest.network;
		let bytes = artefacts::fetch(&record.uris(), NETWORK_FILE, digest, limit).await?;
		let network = QuantisedNetwork::decode(&bytes)?;
		Ok(Self { manifest: record.manifest, network, classes: Vec::new(), verifying_key: None })
	}

	/// The model's identity.
	pub fn id(&self) -> ModelId {
		self.manifest.id()
	}

	/// The model's name as text.
	pub fn name(&self) -> String {
		String::from_utf8_lossy(&self.manifest.name).into_owned()
	}

	/// The canonical bytes of its verifying key, from here or from the chain.
	///
	/// # Errors
	/// When the chain does not have it either.
	pub async fn verifying_key(&self, view: &View) -> Result<Vec<u8>, ModelError> {
		if let Some(bytes) = &self.verifying_key {
			return Ok(bytes.clone());
		}
		let key = self.manifest.verifying_key;
		view.verifying_key(key).await?.ok_or(ModelError::NoVerifyingKey { key })
	}
}
