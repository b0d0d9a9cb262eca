// SPDX-License-Identifier: Apache-2.0

//! What a client needs of a model: to quantise a record, and to read an output.

use crate::{
	artefacts::{self, FetchError},
	chain::{ChainError, View},
};
use proofpod_primitives::{manifest::ModelManifest, ModelId, VerifyingKeyId};
use proofpod_zkml::{
	artefacts::{ArtefactError, ModelDirectory, INTERFACE_FILE},
	network::{Interface, PackingError, MAX_INTERFACE_SIZE},
};

/// Why a model cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
	/// The folder's files do not work.
	#[error(transparent)]
	Artefacts(#[from] ArtefactError),
	/// The interface's file cannot be fetched.
	#[error(transparent)]
	Fetch(#[from] FetchError),
	/// The interface is not valid.
	#[error("the model's interface is not valid: {0}")]
	Interface(#[from] PackingError),
	/// The manifest contradicts the interface that it names.
	#[error("model {model}: expected a name and sizes in its manifest that are its interface's, found others: do not use it")]
	Sizes {
		/// The model.
		model: ModelId,
	},
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
	/// How a record goes in, and what the output means.
	pub interface: Interface,
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
		let (_, interface) = directory.interface()?;
		Ok(Self {
			manifest: directory.manifest()?.manifest,
			interface,
			verifying_key: Some(directory.verifying_key()?),
		})
	}

	/// A registered model, whose interface is fetched from the places that its owner named and
	/// compared with the manifest.
	///
	/// # Errors
	/// When the model is not registered or its interface cannot be fetched.
	pub async fn from_chain(view: &View, model: ModelId) -> Result<Self, ModelError> {
		let record = view.model(model).await?.ok_or(ModelError::NotRegistered { model })?;
		let limit = MAX_INTERFACE_SIZE as u64;
		let digest = record.manifest.interface;
		let bytes = artefacts::fetch(&record.uris(), INTERFACE_FILE, digest, limit).await?;
		let interface = Interface::decode(&bytes)?;
		if !interface.fits(&record.manifest) {
			return Err(ModelError::Sizes { model });
		}
		Ok(Self { manifest: record.manifest, interface, verifying_key: None })
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
