// SPDX-License-Identifier: Apache-2.0

use super::*;
use crate::{
	circuit,
	commitment::{commit_input, commit_output_key, unseal},
	network::{tests::small, Node, OutputPacking},
	progress::Progress,
	setup::generate_in_memory,
};
use ark_bls12_381::Bls12_381;
use ark_groth16::{prepare_verifying_key, r1cs_to_qap::LibsnarkReduction};
use ark_relations::gr1cs::{ConstraintSystem, OptimizationGoal, SynthesisMode};
use ark_serialize::CanonicalDeserialize;
use proofpod_verifier::Error;
use rand::{rngs::StdRng, SeedableRng};
use std::sync::{
	atomic::{AtomicBool, Ordering},
	LazyLock, Mutex,
};

type Ark = ark_groth16::Groth16<Bls12_381, LibsnarkReduction>;

fn key(output: OutputVisibility, seed: u64) -> ProvingKey {
	generate_in_memory(&small(), output, &mut StdRng::seed_from_u64(seed)).unwrap().0
}

static SEALED: LazyLock<Prover> = LazyLock::new(|| prover(OutputVisibility::Sealed));
static PUBLIC: LazyLock<Prover> = LazyLock::new(|| prover(OutputVisibility::Public));

fn prover(output: OutputVisibility) -> Prover {
	Prover::new(small(), output, key(output, 3)).unwrap()
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
		ark_groth16::Proof::<Bls12_381>::deserialize_compressed(proved.proof.0.as_slice()).unwrap();
	let key = prepare_verifying_key(&SEALED.key.to_ark().vk);
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
	let matrices = &circuit::matrices(&small(), OutputVisibility::Sealed).unwrap();
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
	let public = key(OutputVisibility::Public, 3);
	let error = Prover::new(small(), OutputVisibility::Sealed, public).unwrap_err();
	assert!(matches!(
		error,
		ProverError::KeyMismatch { what: "public inputs", expected: 4, found: 3 }
	));
	let mut wider = small();
	for node in &mut wider.nodes {
		if let Node::Linear { weights, .. } = node {
			weights.fill(127);
		}
	}
	let public = key(OutputVisibility::Public, 3);
	let error = Prover::new(wider, OutputVisibility::Public, public).unwrap_err();
	assert!(matches!(error, ProverError::KeyMismatch { what: "witnesses", .. }), "{error}");
}

#[test]
fn a_key_of_another_setup_proves_nothing_here() {
	let other = key(OutputVisibility::Public, 77);
	let other = Prover::new(small(), OutputVisibility::Public, other).unwrap();
	let proved = other.prove(&binding(1), &[1, 2], &secrets()).unwrap();
	assert_eq!(PUBLIC.verify(&proved.proof, &proved.public_inputs), Err(Error::Invalid));
}

/// Whatever is wrong with a key, no wrong proof leaves the prover.
#[test]
fn proofs_that_do_not_verify_are_not_handed_out() {
	let good = key(OutputVisibility::Public, 3);
	let other = key(OutputVisibility::Public, 77);
	let length = good.as_bytes().len();
	for place in [length / 4, length / 2, length * 3 / 4, length * 7 / 8] {
		// The end of another key of the same circuit: canonical, and wrong.
		let place = place / 8 * 8;
		let mut bytes = good.as_bytes().to_vec();
		bytes[place..].copy_from_slice(&other.as_bytes()[place..]);
		let Ok(key) = ProvingKey::from_bytes(&bytes) else { continue };
		let prover = Prover::new(small(), OutputVisibility::Public, key).unwrap();
		let error = prover.prove(&binding(1), &[1, 2], &secrets()).unwrap_err();
		assert!(matches!(error, ProverError::Unverified(_)), "{place}: {error}");
	}
}

#[test]
fn every_step_is_reported_in_order() {
	let seen = Mutex::new(Vec::new());
	let observer = |progress: Progress| seen.lock().unwrap().push(progress);
	let monitor = Monitor::none().observed(&observer);
	PUBLIC.prove_monitored(&binding(1), &[1, 2], &secrets(), monitor).unwrap();
	let seen = seen.into_inner().unwrap();
	let steps: Vec<Step> = seen.iter().map(|progress| progress.step).collect();
	use Step::*;
	assert_eq!(steps, [Witness, Quotient, A, BG1, BG2, L, H, Verification]);
	assert!(seen.is_sorted_by(|left, right| left.fraction < right.fraction));
	assert!(seen.iter().all(|progress| (0.0..1.0).contains(&progress.fraction)));
}

#[test]
fn a_cancelled_proof_stops_at_the_next_step() {
	for last in [Step::Witness, Step::Quotient, Step::BG2, Step::Verification] {
		let (flag, seen) = (AtomicBool::new(false), Mutex::new(Vec::new()));
		let observer = |progress: Progress| {
			seen.lock().unwrap().push(progress.step);
			flag.store(progress.step == last, Ordering::Relaxed);
		};
		let monitor = Monitor::none().observed(&observer).cancelled_by(&flag);
		let result = PUBLIC.prove_monitored(&binding(1), &[1, 2], &secrets(), monitor);
		assert_eq!(seen.lock().unwrap().last(), Some(&last));
		match last {
			// Nothing follows.
			Step::Verification => drop(result.unwrap()),
			_ => assert!(matches!(result, Err(ProverError::Cancelled(_)))),
		}
	}
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
