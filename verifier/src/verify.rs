// SPDX-License-Identifier: Apache-2.0

//! The verification equation.

use crate::{
	decode_scalar,
	prepared::{encode_target, PreparedVerifyingKey},
	Error, Proof, VerifyingKey,
};
use alloc::vec::Vec;
use ark_ec::{pairing::Pairing, CurveGroup, VariableBaseMSM};
use ark_ff::Field;
use core::marker::PhantomData;
use proofpod_primitives::{ProofBytes, Scalar};

/// A verifier of proofs, behind which an implementation can be exchanged without a change of
/// formats: every implementation prepares the same bytes and gives the same verdicts.
pub trait ProofVerifier {
	/// Checks a verifying key and prepares it. Costs one pairing and a subgroup check per point.
	///
	/// # Errors
	/// Those of [`VerifyingKey::decode`].
	fn prepare(verifying_key: &[u8]) -> Result<PreparedVerifyingKey, Error>;

	/// Checks a proof of the statement that the public inputs make.
	///
	/// # Errors
	/// * [`Error::InputCount`], [`Error::InputNotCanonical`] for the public inputs;
	/// * those of [`Proof::decode`];
	/// * [`Error::Invalid`] when all is well-formed and the proof does not hold;
	/// * [`Error::CorruptPreparedKey`] for a prepared key that `prepare` did not write.
	fn verify(
		key: &PreparedVerifyingKey,
		proof: &ProofBytes,
		inputs: &[Scalar],
	) -> Result<(), Error>;
}

/// Groth16 with the arithmetic of `E`, which must be an implementation of BLS12-381.
///
/// ```
/// use proofpod_verifier::{Error, Groth16, Native, ProofVerifier};
///
/// let truncated = [0u8; 100];
/// assert_eq!(
/// 	Groth16::<Native>::prepare(&truncated),
/// 	Err(Error::KeyTooShort { least: 392, found: 100 })
/// );
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Groth16<E>(PhantomData<E>);

impl<E: Pairing> ProofVerifier for Groth16<E> {
	fn prepare(verifying_key: &[u8]) -> Result<PreparedVerifyingKey, Error> {
		PreparedVerifyingKey::new(&VerifyingKey::<E>::decode(verifying_key)?)
	}

	/// e(A, B) = e(α, β) · e(Σ xᵢ·icᵢ, γ) · e(C, δ) with x₀ = 1 (ePrint 2016/260, §3.2), as
	/// e(A, B) · e(Σ xᵢ·icᵢ, −γ) · e(C, −δ) = e(α, β).
	fn verify(
		key: &PreparedVerifyingKey,
		proof: &ProofBytes,
		inputs: &[Scalar],
	) -> Result<(), Error> {
		if inputs.len() != key.public_inputs() {
			return Err(Error::InputCount { expected: key.public_inputs(), found: inputs.len() });
		}
		let scalars = decode_inputs::<E>(inputs)?;
		let proof = Proof::<E>::decode(proof)?;

		// `msm`, not `msm_unchecked`: only the former goes through the SDK's host call.
		let statement = E::G1::msm(&key.bases::<E>()?, &scalars)
			.map_err(|_| Error::CorruptPreparedKey)?
			.into_affine();
		let product = E::multi_miller_loop(
			[proof.a, statement, proof.c],
			[proof.b, key.minus_gamma::<E>()?, key.minus_delta::<E>()?],
		);
		let product = E::final_exponentiation(product).ok_or(Error::DegeneratePairing)?;
		// Encodings of the target field are unique, so its bytes compare as its elements do.
		if encode_target::<E>(&product.0)? == key.alpha_beta {
			Ok(())
		} else {
			Err(Error::Invalid)
		}
	}
}

/// The public inputs, after the constant one.
fn decode_inputs<E: Pairing>(inputs: &[Scalar]) -> Result<Vec<E::ScalarField>, Error> {
	let mut scalars = Vec::with_capacity(inputs.len().saturating_add(1));
	scalars.push(E::ScalarField::ONE);
	for (index, input) in inputs.iter().enumerate() {
		scalars.push(decode_scalar(input).map_err(|_| Error::InputNotCanonical { index })?);
	}
	Ok(scalars)
}
