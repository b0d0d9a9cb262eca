// SPDX-License-Identifier: Apache-2.0

//! Proving one inference.
//!
//! The matrices are built once, when the prover is made; a proof then takes the integer trace of
//! one inference, the assignment that follows from it, and `ark-groth16`'s prover on that
//! assignment. Nothing is synthesised a second time. All cores are used.
//!
//! Trace, assignment and the proof's own randomness are wiped when they are no longer needed; the
//! copies of the assignment that `ark-groth16` makes while it proves are freed, not wiped.

use crate::{
	circuit::{self, CircuitError, Matrices, Plan, StatementWitness},
	commitment::Secrets,
	network::{NetworkError, QuantisedNetwork},
	setup::{verifying_key_bytes, SetupError},
};
use ark_bls12_381::{Bls12_381, Fr};
use ark_ff::UniformRand;
use ark_groth16::{r1cs_to_qap::LibsnarkReduction, ProvingKey};
use ark_poly::{EvaluationDomain, GeneralEvaluationDomain};
use ark_relations::gr1cs::SynthesisError;
use proofpod_primitives::{manifest::OutputVisibility, ProofBytes, Scalar};
use proofpod_verifier::{
	decode_scalar, encode_scalar, Groth16, Native, PreparedVerifyingKey, Proof, ProofVerifier,
};
use rand::rngs::OsRng;
use std::{
	fmt,
	time::{Duration, Instant},
};
use zeroize::Zeroize;

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
	/// The prover failed.
	#[error("proving failed: {0}")]
	Proving(SynthesisError),
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

/// How long the steps of a proof took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timings {
	/// Inference, commitments and assignment, in milliseconds.
	pub witness_ms: u64,
	/// The proof itself, in milliseconds.
	pub prove_ms: u64,
}

/// Proves inferences of one model.
pub struct Prover {
	network: QuantisedNetwork,
	plan: Plan,
	matrices: Matrices,
	key: ProvingKey<Bls12_381>,
	prepared: PreparedVerifyingKey,
}

impl fmt::Debug for Prover {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.debug_struct("Prover")
			.field("network", &self.network.name)
			.field("constraints", &self.matrices.constraints())
			.finish_non_exhaustive()
	}
}

impl Prover {
	/// Builds the circuit's matrices and checks that the key has their dimensions.
	///
	/// That the key was generated for *these* matrices, and not for others of the same size, shows
	/// only in the proofs: [`Self::verify`].
	///
	/// # Errors
	/// When the network is not valid, or the key belongs to another circuit.
	pub fn new(
		network: QuantisedNetwork,
		output: OutputVisibility,
		key: ProvingKey<Bls12_381>,
	) -> Result<Self, ProverError> {
		let matrices = circuit::matrices(&network, output)?;
		check_dimensions(&matrices, &key)?;
		let bytes = verifying_key_bytes(&key.vk)?;
		let prepared = Groth16::<Native>::prepare(&bytes).map_err(SetupError::VerifyingKey)?;
		let plan = Plan::new(&network, output)?;
		Ok(Self { network, plan, matrices, key, prepared })
	}

	/// The network.
	pub fn network(&self) -> &QuantisedNetwork {
		&self.network
	}

	/// The circuit.
	pub fn matrices(&self) -> &Matrices {
		&self.matrices
	}

	/// Runs the network on an input and proves the statement for one job.
	///
	/// # Errors
	/// When the input has the wrong length or the binding is not canonical.
	pub fn prove(
		&self,
		binding: &Scalar,
		input: &[i8],
		secrets: &Secrets,
	) -> Result<Proved, ProverError> {
		let started = Instant::now();
		let binding: Fr = decode_scalar(binding).map_err(|_| ProverError::Binding)?;
		let trace = self.network.infer(input)?;
		let witness = StatementWitness::new(&self.plan, &trace, binding, secrets)?;
		let assignment = self.plan.assign(&self.network, &witness)?;
		let witness_ms = milliseconds(started.elapsed());

		let started = Instant::now();
		let (mut r, mut s) = (Fr::rand(&mut OsRng), Fr::rand(&mut OsRng));
		let proof = ark_groth16::Groth16::<Bls12_381, LibsnarkReduction>::create_proof_with_reduction_and_matrices(
			&self.key,
			r,
			s,
			self.matrices.as_ark(),
			self.matrices.public_inputs() + 1,
			self.matrices.constraints(),
			assignment.values(),
		);
		r.zeroize();
		s.zeroize();
		let proof = proof.map_err(ProverError::Proving)?;
		let proof = Proof::<Native> { a: proof.a, b: proof.b, c: proof.c }.encode();
		let prove_ms = milliseconds(started.elapsed());

		let public_inputs: Vec<Scalar> =
			assignment.public_inputs().iter().map(encode_scalar).collect();
		let elements = self.plan.packing().elements;
		let output = public_inputs[public_inputs.len() - elements..].to_vec();
		Ok(Proved {
			proof,
			output,
			public_inputs,
			logits: trace.output().to_vec(),
			timings: Timings { witness_ms, prove_ms },
		})
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

/// A proving key has one base per column in `A` and `B`, one per witness in `L`, and one less in
/// `H` than the evaluation domain has points.
fn check_dimensions(matrices: &Matrices, key: &ProvingKey<Bls12_381>) -> Result<(), ProverError> {
	let rows = matrices.constraints() + matrices.public_inputs() + 1;
	let domain = GeneralEvaluationDomain::<Fr>::compute_size_of_domain(rows)
		.ok_or(ProverError::TooLarge { found: matrices.constraints() })?;
	let columns = matrices.columns();
	for (what, expected, found) in [
		("public inputs and one", matrices.public_inputs() + 1, key.vk.gamma_abc_g1.len()),
		("elements of the A query", columns, key.a_query.len()),
		("elements of the B query in G1", columns, key.b_g1_query.len()),
		("elements of the B query in G2", columns, key.b_g2_query.len()),
		("elements of the L query", matrices.witnesses(), key.l_query.len()),
		("elements of the H query", domain - 1, key.h_query.len()),
	] {
		if expected != found {
			return Err(ProverError::KeyMismatch { what, expected, found });
		}
	}
	Ok(())
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{
		commitment::{commit_input, commit_output_key, unseal},
		network::{tests::small, OutputPacking},
		setup::{self, Keys},
	};
	use ark_groth16::prepare_verifying_key;
	use ark_relations::gr1cs::{ConstraintSystem, OptimizationGoal, SynthesisMode};
	use ark_serialize::CanonicalDeserialize;
	use proofpod_verifier::Error;
	use rand::{rngs::StdRng, SeedableRng};
	use std::sync::LazyLock;

	type Ark = ark_groth16::Groth16<Bls12_381, LibsnarkReduction>;

	fn keys(output: OutputVisibility) -> Keys {
		let matrices = circuit::matrices(&small(), output).unwrap();
		setup::generate(&matrices, &mut StdRng::seed_from_u64(3)).unwrap()
	}

	static SEALED: LazyLock<Prover> = LazyLock::new(|| prover(OutputVisibility::Sealed));
	static PUBLIC: LazyLock<Prover> = LazyLock::new(|| prover(OutputVisibility::Public));

	fn prover(output: OutputVisibility) -> Prover {
		Prover::new(small(), output, keys(output).proving).unwrap()
	}

	fn secrets() -> Secrets {
		Secrets::random(&mut StdRng::seed_from_u64(4))
	}

	fn binding(job: u8) -> Scalar {
		let mut bytes = [0x11; 32];
		(bytes[0], bytes[31]) = (job, 0);
		Scalar(bytes)
	}

	#[test]
	fn a_sealed_inference_is_proved_and_opens() {
		let (secrets, input) = (secrets(), [3, -100]);
		let proved = SEALED.prove(&binding(1), &input, &secrets).unwrap();
		let expected = [
			binding(1),
			Scalar(commit_input(&input, &secrets.salt).0),
			Scalar(commit_output_key(&secrets.output_key).0),
			proved.output[0],
		];
		assert_eq!(proved.public_inputs, expected);
		SEALED.verify(&proved.proof, &proved.public_inputs).unwrap();
		let packed = unseal(&proved.output, &secrets.output_key).unwrap();
		let packing = OutputPacking::of(&small()).unwrap();
		assert_eq!(packing.unpack(&packed).unwrap(), proved.logits);
		assert_eq!(small().infer(&input).unwrap().output(), proved.logits);
	}

	#[test]
	fn a_public_output_stands_in_the_clear() {
		let proved = PUBLIC.prove(&binding(1), &[127, -128], &secrets()).unwrap();
		PUBLIC.verify(&proved.proof, &proved.public_inputs).unwrap();
		assert_eq!(proved.public_inputs.len(), 3);
		let packed = [decode_scalar(&proved.output[0]).unwrap()];
		assert_eq!(OutputPacking::of(&small()).unwrap().unpack(&packed).unwrap(), proved.logits);
	}

	#[test]
	fn proofs_for_anything_else_are_refused() {
		for prover in [&*SEALED, &*PUBLIC] {
			let proved = prover.prove(&binding(1), &[50, 60], &secrets()).unwrap();
			for index in 0..proved.public_inputs.len() {
				let mut others = vec![binding(2), Scalar([0; 32])];
				let next: Fr = decode_scalar(&proved.public_inputs[index]).unwrap();
				others.push(encode_scalar(&(next + Fr::from(1u64))));
				others.push(proved.public_inputs[(index + 1) % proved.public_inputs.len()]);
				for other in others {
					let mut inputs = proved.public_inputs.clone();
					inputs[index] = other;
					let result = prover.verify(&proved.proof, &inputs);
					assert_eq!(result, Err(Error::Invalid), "public input {index}");
				}
			}
			let other = prover.prove(&binding(1), &[50, 61], &secrets()).unwrap();
			assert_eq!(prover.verify(&other.proof, &proved.public_inputs), Err(Error::Invalid));
		}
	}

	#[test]
	fn arkworks_own_verifier_agrees() {
		let proved = SEALED.prove(&binding(9), &[-5, 6], &secrets()).unwrap();
		let proof =
			ark_groth16::Proof::<Bls12_381>::deserialize_compressed(proved.proof.0.as_slice())
				.unwrap();
		let key = prepare_verifying_key(&SEALED.key.vk);
		let mut inputs: Vec<Fr> =
			proved.public_inputs.iter().map(|input| decode_scalar(input).unwrap()).collect();
		assert!(Ark::verify_proof(&key, &proof, &inputs).unwrap());
		inputs[3] += Fr::from(1u64);
		assert!(!Ark::verify_proof(&key, &proof, &inputs).unwrap());
	}

	#[test]
	fn proofs_are_randomised() {
		let prove = || SEALED.prove(&binding(1), &[1, 2], &secrets()).unwrap();
		let (first, second) = (prove(), prove());
		assert_ne!(first.proof, second.proof);
		assert_eq!(first.public_inputs, second.public_inputs);
	}

	/// Key generation works on the matrices as they are: no row is moved, merged or outlined.
	#[test]
	fn arkworks_takes_the_rows_as_they_are() {
		use ark_relations::gr1cs::{ConstraintSynthesizer, R1CS_PREDICATE_LABEL};
		let matrices = SEALED.matrices();
		let system = ConstraintSystem::<Fr>::new_ref();
		system.set_optimization_goal(OptimizationGoal::Constraints);
		system.set_mode(SynthesisMode::Setup);
		matrices.generate_constraints(system.clone()).unwrap();
		system.finalize();
		assert_eq!(system.num_constraints(), matrices.constraints());
		assert_eq!(system.num_instance_variables(), matrices.public_inputs() + 1);
		assert_eq!(system.num_witness_variables(), matrices.witnesses());
		assert_eq!(system.to_matrices().unwrap()[R1CS_PREDICATE_LABEL], matrices.as_ark());
	}

	#[test]
	fn a_key_of_another_circuit_is_refused() {
		let key = keys(OutputVisibility::Public).proving;
		let error = Prover::new(small(), OutputVisibility::Sealed, key).unwrap_err();
		assert!(matches!(
			error,
			ProverError::KeyMismatch { what: "public inputs and one", expected: 5, found: 4 }
		));
		for truncate in [
			|key: &mut ProvingKey<Bls12_381>| key.a_query.truncate(1),
			|key: &mut ProvingKey<Bls12_381>| key.b_g1_query.truncate(1),
			|key: &mut ProvingKey<Bls12_381>| key.b_g2_query.clear(),
			|key: &mut ProvingKey<Bls12_381>| key.h_query.truncate(1),
			|key: &mut ProvingKey<Bls12_381>| key.l_query.clear(),
		] {
			let mut key = keys(OutputVisibility::Public).proving;
			truncate(&mut key);
			let error = Prover::new(small(), OutputVisibility::Public, key).unwrap_err();
			assert!(matches!(error, ProverError::KeyMismatch { .. }), "{error}");
		}
	}

	#[test]
	fn a_key_of_another_setup_proves_nothing_here() {
		let matrices = circuit::matrices(&small(), OutputVisibility::Public).unwrap();
		let other = setup::generate(&matrices, &mut StdRng::seed_from_u64(77)).unwrap();
		let other = Prover::new(small(), OutputVisibility::Public, other.proving).unwrap();
		let proved = other.prove(&binding(1), &[1, 2], &secrets()).unwrap();
		assert_eq!(PUBLIC.verify(&proved.proof, &proved.public_inputs), Err(Error::Invalid));
	}

	#[test]
	fn wrong_inputs_and_bindings_are_refused() {
		let error = PUBLIC.prove(&binding(1), &[1, 2, 3], &secrets()).unwrap_err();
		let expected = NetworkError::InputLength { expected: 2, found: 3 };
		assert!(matches!(error, ProverError::Network(found) if found == expected));
		let error = PUBLIC.prove(&Scalar([0xff; 32]), &[1, 2], &secrets()).unwrap_err();
		assert!(matches!(error, ProverError::Binding));
	}

	#[test]
	fn logits_are_not_printed() {
		let proved = SEALED.prove(&binding(1), &[1, 2], &secrets()).unwrap();
		assert!(!format!("{proved:?}").contains("logits"));
	}
}
