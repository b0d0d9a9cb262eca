// SPDX-License-Identifier: Apache-2.0

//! A proof in a file, made outside of any job: whoever has the model's verifying key can check it.
//! It says nothing of the input, and of a sealed output nothing either.

use proofpod_primitives::{
	manifest::{ModelManifest, OutputVisibility},
	InputCommitment, ModelId, OutputKeyCommitment, ProofBytes, Scalar,
};
use proofpod_verifier::{verifying_key_id, Groth16, Native, ProofVerifier};
use serde::{Deserialize, Serialize};

/// Version of the file's format.
pub const VERSION: u16 = 1;
/// Most bytes of a file.
pub const MAX_FILE: u64 = 1 << 16;
/// The binding of a proof that belongs to no job. No job has it: theirs are hashes.
pub const NO_JOB: Scalar = Scalar([0; 32]);

/// Why a proof does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofFileError {
	/// The file is no proof.
	#[error("expected a proof of version {VERSION} as `proofpod model prove` writes it: {reason}")]
	Malformed {
		/// What does not fit.
		reason: String,
	},
	/// The proof is of another model.
	#[error("expected a proof of model {expected}, found one of {found}")]
	Model {
		/// The model given.
		expected: ModelId,
		/// The proof's.
		found: ModelId,
	},
	/// The commitments do not fit the model's output.
	#[error("expected {} commitment to an output key, because the model's output is {}", if *sealed { "a" } else { "no" }, if *sealed { "sealed" } else { "public" })]
	OutputKey {
		/// Whether the model seals its output.
		sealed: bool,
	},
	/// The verifying key is not the manifest's.
	#[error("the verifying key is not the one that the manifest names")]
	VerifyingKey,
	/// The verifying key is no key.
	#[error("the verifying key is not valid: {0}")]
	Key(proofpod_verifier::Error),
	/// The proof does not hold.
	#[error("the proof does not hold: {0}")]
	Proof(proofpod_verifier::Error),
}

/// A proof and the statement that it proves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProofFile {
	/// [`VERSION`].
	pub version: u16,
	/// The model.
	pub model: ModelId,
	/// First public input: [`NO_JOB`] unless somebody bound the proof to something.
	pub binding: Scalar,
	/// Commitment to the input.
	pub input: InputCommitment,
	/// Commitment to the output key; `None` when the output is public.
	pub output_key: Option<OutputKeyCommitment>,
	/// The packed output, sealed unless the model's output is public.
	pub output: Vec<Scalar>,
	/// The proof.
	pub proof: ProofBytes,
}

impl ProofFile {
	/// Reads a file's content.
	///
	/// # Errors
	/// When it is no proof of this version.
	pub fn parse(bytes: &[u8]) -> Result<Self, ProofFileError> {
		let file: Self = serde_json::from_slice(bytes)
			.map_err(|error| ProofFileError::Malformed { reason: error.to_string() })?;
		match file.version {
			VERSION => Ok(file),
			found => Err(ProofFileError::Malformed { reason: format!("found version {found}") }),
		}
	}

	/// The public inputs, in the order of the circuit.
	pub fn public_inputs(&self) -> Vec<Scalar> {
		let mut inputs = vec![self.binding, Scalar(self.input.0)];
		inputs.extend(self.output_key.map(|commitment| Scalar(commitment.0)));
		inputs.extend_from_slice(&self.output);
		inputs
	}

	/// Checks the proof under a model's verifying key.
	///
	/// # Errors
	/// When the key is not the model's, or the proof is not of this model or does not hold.
	pub fn verify(
		&self,
		manifest: &ModelManifest,
		verifying_key: &[u8],
	) -> Result<(), ProofFileError> {
		let expected = manifest.id();
		if self.model != expected {
			return Err(ProofFileError::Model { expected, found: self.model });
		}
		let sealed = manifest.output == OutputVisibility::Sealed;
		if self.output_key.is_some() != sealed {
			return Err(ProofFileError::OutputKey { sealed });
		}
		if verifying_key_id(verifying_key) != manifest.verifying_key {
			return Err(ProofFileError::VerifyingKey);
		}
		let key = Groth16::<Native>::prepare(verifying_key).map_err(ProofFileError::Key)?;
		Groth16::<Native>::verify(&key, &self.proof, &self.public_inputs())
			.map_err(ProofFileError::Proof)
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn file() -> ProofFile {
		ProofFile {
			version: VERSION,
			model: ModelId([1; 32]),
			binding: NO_JOB,
			input: InputCommitment([2; 32]),
			output_key: Some(OutputKeyCommitment([3; 32])),
			output: vec![Scalar([4; 32])],
			proof: ProofBytes([5; 192]),
		}
	}

	#[test]
	fn files_read_back() {
		let text = serde_json::to_vec(&file()).unwrap();
		assert_eq!(ProofFile::parse(&text), Ok(file()));
	}

	#[test]
	fn other_files_are_refused() {
		let newer = serde_json::to_vec(&ProofFile { version: 2, ..file() }).unwrap();
		for text in [&b""[..], b"{}", b"[]", &newer] {
			assert!(matches!(ProofFile::parse(text), Err(ProofFileError::Malformed { .. })));
		}
	}

	#[test]
	fn public_inputs_follow_the_circuits_order() {
		assert_eq!(
			file().public_inputs(),
			vec![NO_JOB, Scalar([2; 32]), Scalar([3; 32]), Scalar([4; 32])]
		);
	}
}
