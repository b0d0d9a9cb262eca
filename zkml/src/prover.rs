// SPDX-License-Identifier: Apache-2.0

//! Proving one inference.
//!
//! A proof takes the integer trace of one inference, the assignment that follows from it, and the
//! key's file, mapped into memory. No matrix is needed: while the assignment is computed, so are the
//! values of all rows. What remains are the quotient polynomial and five sums of the key's
//! points. All cores are used.
//!
//! Every proof is verified before it is handed out: a pod is paid for proofs that verify, and this
//! is what a damaged key, or memory, cannot get past.
//!
//! Trace, assignment, row values, quotient and the proof's own randomness are wiped when they are
//! no longer needed, and so are the scalars' digits; intermediate sums of points are freed, not
//! wiped.

mod assembly;
mod quotient;
#[cfg(test)]
mod tests;

use crate::{
	circuit::{Circuit, CircuitError, Dimensions, Plan, StatementWitness},
	commitment::Secrets,
	network::{NetworkError, QuantisedNetwork},
	progress::{Cancelled, Monitor, Step},
	setup::{ProvingKey, SetupError},
};
use ark_bls12_381::Fr;
use assembly::prove;
use proofpod_primitives::{manifest::OutputVisibility, ProofBytes, Scalar};
use proofpod_verifier::{
	decode_scalar, encode_scalar, Groth16, Native, PreparedVerifyingKey, ProofVerifier,
};
use quotient::Domain;
use std::{
	fmt,
	time::{Duration, Instant},
};

/// Why a prover cannot be made, or an inference not proved.
#[derive(Debug, thiserror::Error)]
pub enum ProverError {
	/// The network has no circuit.
	#[error(transparent)]
	Circuit(#[from] CircuitError),
	/// The input does not fit the network.
	#[error(transparent)]
	Network(#[from] NetworkError),
	/// The proving key's own verifying key is not one that the chain takes.
	#[error(transparent)]
	Setup(#[from] SetupError),
	/// The proving key belongs to another circuit.
	#[error("expected a proving key for this circuit, with {expected} {what}, found {found}")]
	KeyMismatch {
		/// Part of the key.
		what: &'static str,
		/// Elements that the circuit needs.
		expected: usize,
		/// Elements found.
		found: usize,
	},
	/// The circuit is too large for the field's roots of unity.
	#[error("expected a circuit of at most 2^32 constraints, found {found}")]
	TooLarge {
		/// Constraints of the circuit.
		found: usize,
	},
	/// The binding is not a canonical scalar.
	#[error("the binding is not a canonical scalar: expected 32 bytes, little-endian, below the group's order")]
	Binding,
	/// The proof that was made does not verify.
	#[error("expected a proof that verifies, found one that does not ({0}): the proving key is of another circuit, or its file was changed since it was opened; fetch it again, or run the setup again")]
	Unverified(proofpod_verifier::Error),
	/// Whoever started the proof stopped it.
	#[error(transparent)]
	Cancelled(#[from] Cancelled),
}

/// A proved inference.
#[derive(Clone, PartialEq, Eq)]
pub struct Proved {
	/// The proof.
	pub proof: ProofBytes,
	/// The output as it goes to the chain: packed, and sealed unless the model's output is public.
	pub output: Vec<Scalar>,
	/// All public inputs, in the circuit's order; the last ones are [`Self::output`].
	pub public_inputs: Vec<Scalar>,
	/// The network's output in the clear: the client's, not for logs.
	pub logits: Vec<i64>,
	/// How long it took.
	pub timings: Timings,
}

impl fmt::Debug for Proved {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.debug_struct("Proved")
			.field("public_inputs", &self.public_inputs)
			.field("timings", &self.timings)
			.finish_non_exhaustive()
	}
}

/// How long the steps of a proof took, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timings {
	/// Inference, commitments and assignment.
	pub witness_ms: u64,
	/// The proof itself: everything below.
	pub prove_ms: u64,
	/// The quotient polynomial.
	pub quotient_ms: u64,
	/// The sum over the A query.
	pub a_ms: u64,
	/// The sum over the B query in G1.
	pub b_g1_ms: u64,
	/// The sum over the B query in G2.
	pub b_g2_ms: u64,
	/// The sum over the L query.
	pub l_ms: u64,
	/// The sum over the H query.
	pub h_ms: u64,
	/// The proof's own verification.
	pub verify_ms: u64,
}

/// Proves inferences of one model.
pub struct Prover {
	network: QuantisedNetwork,
	plan: Plan,
	dimensions: Dimensions,
	domain: Domain,
	key: ProvingKey,
	prepared: PreparedVerifyingKey,
}

impl fmt::Debug for Prover {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.debug_struct("Prover")
			.field("network", &self.network.name)
			.field("dimensions", &self.dimensions)
			.finish_non_exhaustive()
	}
}

impl Prover {
	/// Counts the circuit's columns and rows, and checks that the key has as many.
	///
	/// That the key was generated for *this* circuit, and not for another of the same size, shows
	/// only in the proofs: [`Self::prove`] verifies each.
	///
	/// # Errors
	/// When the network is not valid, or the key belongs to another circuit.
	pub fn new(
		network: QuantisedNetwork,
		output: OutputVisibility,
		key: ProvingKey,
	) -> Result<Self, ProverError> {
		let plan = Plan::new(&network, output)?;
		let dimensions = plan.statement(&network, None).dimensions()?;
		let rows = dimensions.constraints + dimensions.public_inputs + 1;
		let domain =
			Domain::new(rows).ok_or(ProverError::TooLarge { found: dimensions.constraints })?;
		let (public_inputs, witnesses, size) = key.sizes();
		for (what, expected, found) in [
			("public inputs", dimensions.public_inputs, public_inputs),
			("witnesses", dimensions.witnesses, witnesses),
			("points in the evaluation domain", domain.size(), size),
		] {
			if expected != found {
				return Err(ProverError::KeyMismatch { what, expected, found });
			}
		}
		let verifying = key.verifying_key()?;
		let prepared = Groth16::<Native>::prepare(&verifying).map_err(SetupError::VerifyingKey)?;
		Ok(Self { network, plan, dimensions, domain, key, prepared })
	}

	/// The network.
	pub fn network(&self) -> &QuantisedNetwork {
		&self.network
	}

	/// Columns and rows of the circuit.
	pub fn dimensions(&self) -> Dimensions {
		self.dimensions
	}

	/// The proving key.
	pub fn key(&self) -> &ProvingKey {
		&self.key
	}

	/// Runs the network on an input and proves the statement for one job.
	///
	/// # Errors
	/// When the input has the wrong length, the binding is not canonical, or the key's file was
	/// changed.
	pub fn prove(
		&self,
		binding: &Scalar,
		input: &[i8],
		secrets: &Secrets,
	) -> Result<Proved, ProverError> {
		self.prove_monitored(binding, input, secrets, Monitor::none())
	}

	/// [`Self::prove`], watched.
	///
	/// # Errors
	/// As for [`Self::prove`], and when the monitor cancels.
	pub fn prove_monitored(
		&self,
		binding: &Scalar,
		input: &[i8],
		secrets: &Secrets,
		monitor: Monitor,
	) -> Result<Proved, ProverError> {
		let mut timings = Timings::default();
		let started = Instant::now();
		monitor.step(Step::Witness, 0.0)?;
		let binding: Fr = decode_scalar(binding).map_err(|_| ProverError::Binding)?;
		let trace = self.network.infer(input)?;
		let witness = StatementWitness::new(&self.plan, &trace, binding, secrets)?;
		let statement = self.plan.statement(&self.network, Some(&witness));
		let evaluations = statement.evaluate(&self.dimensions)?;
		timings.witness_ms = milliseconds(started.elapsed());

		let started = Instant::now();
		let public_inputs: Vec<Scalar> =
			evaluations.assignment.public_inputs().iter().map(encode_scalar).collect();
		let proof = prove(&self.key, &self.domain, evaluations, &mut timings, monitor)?;
		monitor.step(Step::Verification, 0.99)?;
		let verification = Instant::now();
		self.verify(&proof, &public_inputs).map_err(ProverError::Unverified)?;
		timings.verify_ms = milliseconds(verification.elapsed());
		timings.prove_ms = milliseconds(started.elapsed());

		let elements = self.plan.packing().elements;
		let output = public_inputs[public_inputs.len() - elements..].to_vec();
		Ok(Proved { proof, output, public_inputs, logits: trace.output().to_vec(), timings })
	}

	/// Verifies a proof under the prover's own verifying key, as the chain will.
	///
	/// # Errors
	/// Whatever the chain's verifier says; [`proofpod_verifier::Error::Invalid`] when the proof
	/// does not prove the statement.
	pub fn verify(
		&self,
		proof: &ProofBytes,
		public_inputs: &[Scalar],
	) -> Result<(), proofpod_verifier::Error> {
		Groth16::<Native>::verify(&self.prepared, proof, public_inputs)
	}
}

fn milliseconds(duration: Duration) -> u64 {
	duration.as_millis().try_into().unwrap_or(u64::MAX)
}
