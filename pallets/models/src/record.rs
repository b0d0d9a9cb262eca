// SPDX-License-Identifier: Apache-2.0

//! What the chain keeps of a model.

use codec::{Decode, Encode, MaxEncodedLen};
use proofpod_primitives::{
	manifest::{ArtefactUris, ModelManifest},
	Balance, ModelId,
};
use scale_info::TypeInfo;
use sp_runtime::AccountId32;

/// A registered model.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct ModelRecord {
	/// Who paid the deposit and may change the entry.
	pub owner: AccountId32,
	/// What is held from the owner for this model.
	pub deposit: Balance,
	/// How many models it follows, and itself: 1 where it replaces none.
	pub version: u32,
	/// The model that it replaces; it may have been removed since.
	pub replaces: Option<ModelId>,
	/// The model that replaces it, while that one is registered.
	pub replaced_by: Option<ModelId>,
	/// What the model is.
	pub manifest: ModelManifest,
	/// Where its artefacts lie; may be empty when they are handed over in private.
	pub uris: ArtefactUris,
	/// Whether it is closed to new jobs.
	pub deprecated: bool,
	/// Number of its live jobs.
	pub jobs: u32,
}
