// SPDX-License-Identifier: Apache-2.0

//! Registration of a model: its verifying key and its manifest, in one transaction when both are
//! new. What the signer has registered already stays as it is, so that doing it again is harmless.

use crate::{
	chain::{calls, At, Chain, ChainError, Inclusion},
	keys::Signer,
	AccountId,
};
use proofpod_primitives::{
	manifest::{ArtefactUris, ModelManifest},
	ModelId, VerifyingKeyId,
};
use proofpod_verifier::verifying_key_id;
use serde::Serialize;

/// Why a model was not registered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistrationError {
	/// The node does not answer, or a pallet refuses.
	#[error(transparent)]
	Chain(#[from] ChainError),
	/// The key is not the manifest's.
	#[error("expected the verifying key {expected} that the manifest names, found {found}: run `proofpod model setup` again")]
	VerifyingKey {
		/// The manifest's.
		expected: VerifyingKeyId,
		/// What the bytes are.
		found: VerifyingKeyId,
	},
	/// Somebody else has registered the model.
	#[error("expected model {model} to be the signer's or new, found it registered by {owner}: sign with that account, or compile the model under another name")]
	OtherOwner {
		/// The model.
		model: ModelId,
		/// Who has registered it.
		owner: AccountId,
	},
	/// A URI does not fit.
	#[error(
		"expected at most 8 URIs of at most 256 bytes, https://, s3:// or file://, found {found}"
	)]
	Uris {
		/// What does not fit.
		found: String,
	},
}

/// What a registration did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Registration {
	/// The model.
	pub model: ModelId,
	/// Its verifying key.
	pub verifying_key: VerifyingKeyId,
	/// Whether the key was registered now; otherwise it had been already.
	pub key_registered: bool,
	/// Whether the model was registered now; otherwise it had been already.
	pub model_registered: bool,
	/// Whether the URIs of a model that had been registered were changed now.
	pub uris_updated: bool,
}

/// Reads URIs.
///
/// # Errors
/// When there are too many, or one is too long or has another scheme.
pub fn parse_uris(uris: &[String]) -> Result<ArtefactUris, RegistrationError> {
	let refuse = |found: &str| RegistrationError::Uris { found: found.into() };
	let mut parsed = Vec::with_capacity(uris.len());
	for uri in uris {
		let known = ["https://", "s3://", "file://"]
			.iter()
			.any(|scheme| uri.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()));
		if !known || !uri.bytes().all(|byte| byte.is_ascii_graphic()) {
			return Err(refuse(uri));
		}
		parsed.push(uri.as_bytes().to_vec().try_into().map_err(|_| refuse(uri))?);
	}
	parsed.try_into().map_err(|_| refuse(&format!("{} URIs", uris.len())))
}

/// Registers a model, in one transaction, perhaps as the next version of another one of the
/// signer's; what has been registered already keeps its version. It is waited for until it is
/// finalised, so that whoever reads finalised blocks, as pods do, knows the model when this
/// returns.
///
/// # Errors
/// When the key is not the manifest's, the node does not answer, or a pallet refuses.
pub async fn register(
	chain: &Chain,
	signer: &Signer,
	manifest: &ModelManifest,
	verifying_key: &[u8],
	uris: ArtefactUris,
	replaces: Option<ModelId>,
) -> Result<Registration, RegistrationError> {
	let found = verifying_key_id(verifying_key);
	let expected = manifest.verifying_key;
	if found != expected {
		return Err(RegistrationError::VerifyingKey { expected, found });
	}
	let model = manifest.id();
	let mut registration = Registration {
		model,
		verifying_key: expected,
		key_registered: false,
		model_registered: false,
		uris_updated: false,
	};
	let view = chain.at(At::Best).await?;
	let has_key = view.verifying_key(expected).await?.is_some();
	match view.model(model).await? {
		None if !has_key => {
			let call = calls::utility::register_key_and_model(
				verifying_key.to_vec(),
				manifest.clone(),
				uris,
				replaces,
			);
			chain.submit(&call, signer, Inclusion::Finalised).await?;
			(registration.key_registered, registration.model_registered) = (true, true);
		},
		None => {
			let call = calls::models::register(manifest.clone(), uris, replaces);
			chain.submit(&call, signer, Inclusion::Finalised).await?;
			registration.model_registered = true;
		},
		Some(record) if record.owner != signer.account() => {
			return Err(RegistrationError::OtherOwner { model, owner: record.owner })
		},
		Some(record) if !uris.is_empty() && record.uris != uris => {
			let call = calls::models::update_uris(model, uris);
			chain.submit(&call, signer, Inclusion::Finalised).await?;
			registration.uris_updated = true;
		},
		Some(_) => {},
	}
	Ok(registration)
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn uris_are_checked_before_they_cost_a_fee() {
		let uris = ["https://models.example/digits".to_string(), "file:///srv/digits".into()];
		assert_eq!(parse_uris(&uris).unwrap().len(), 2);
		let long = format!("https://{}", "a".repeat(256));
		for uri in ["", "digits", "http://models.example", "https://", "https://a b", &long] {
			assert!(parse_uris(&[uri.to_string()]).is_err(), "{uri}");
		}
		assert!(parse_uris(&vec!["file:///a".to_string(); 9]).is_err());
	}
}
