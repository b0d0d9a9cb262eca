// SPDX-License-Identifier: Apache-2.0

//! One network, from its weights to verified proofs, in a process of its own so that its peak
//! memory is its own; beside it `ark-groth16`'s prover on the same circuit.

use super::networks::{Benchmark, Built, Source};
use anyhow::Result;
use ark_bls12_381::{Bls12_381, Fr};
use ark_groth16::{r1cs_to_qap::LibsnarkReduction, Groth16};
use ark_relations::gr1cs::{
	ConstraintSynthesizer, ConstraintSystemRef, LinearCombination, SynthesisError, Variable,
};
use ark_snark::SNARK;
use proofpod_primitives::{manifest::OutputVisibility, Scalar};
use proofpod_zkml::{
	accuracy,
	circuit::{self, Assignment, Matrices},
	commitment::Secrets,
	network::QuantisedNetwork,
	progress::Monitor,
	prover::Prover,
	quantise::{quantise, QuantiseOptions},
	setup::{self, ProvingKey},
};
use rand::{rngs::OsRng, Rng};
use serde_json::{json, Value};
use std::{fs, time::Instant};

const OUTPUT: OutputVisibility = OutputVisibility::Sealed;
/// Proofs of a small circuit, of which medians are given; one of a large one.
const REPETITIONS: usize = 5;
/// Constraints of a large circuit. `ark-groth16` is not measured on those: it holds all matrices
/// in memory, several times.
const LARGE: usize = 300_000;

/// Measures a network.
pub(crate) fn measure(benchmark: &Benchmark) -> Result<Value> {
	let Built { network: float, calibration, test } = benchmark.build()?;
	let started = Instant::now();
	let quantised =
		quantise(&float, &QuantiseOptions::named(benchmark.name), &calibration.records)?;
	let (shape, digest) = circuit::measure(&quantised.network, OUTPUT)?;
	let compile_ms = milliseconds(started);
	let report = accuracy::compare(&float, &quantised, &test)?;
	let network = quantised.network;
	let constraints = shape.dimensions.constraints;
	peak_memory();

	let started = Instant::now();
	let mut file = tempfile::NamedTempFile::new()?;
	let keys = setup::generate(&network, OUTPUT, &mut OsRng, file.as_file_mut(), Monitor::none())?;
	let (setup_ms, setup_peak_mib) = (milliseconds(started), peak_memory());

	let started = Instant::now();
	let key = ProvingKey::open(file.as_file(), &keys.proving)?;
	let proving_key_bytes = key.as_bytes().len();
	let prover = Prover::new(network.clone(), OUTPUT, key)?;
	let open_ms = milliseconds(started);
	let record = test.records.first().map(Vec::as_slice).unwrap_or_default();
	let input = network.quantise_input(record)?;
	let secrets = Secrets::random(&mut OsRng);
	// Before anything else is in memory.
	peak_memory();
	prover.prove(&Scalar([0; 32]), &input, &secrets)?;
	let prove_peak_mib = peak_memory();
	let ark = (constraints <= LARGE)
		.then(|| Ark::new(&network, &input, &secrets, &prover))
		.transpose()?;

	let (mut prove, mut witness, mut verify) = (vec![], vec![], vec![]);
	let (mut ark_prove, mut ark_from_matrices) = (vec![], vec![]);
	// In turns, so that whatever else the machine does hits all alike.
	for _ in 0..if constraints <= LARGE { REPETITIONS } else { 1 } {
		let started = Instant::now();
		let proved = prover.prove(&Scalar([0; 32]), &input, &secrets)?;
		prove.push(milliseconds(started));
		witness.push(proved.timings.witness_ms as f64);
		let started = Instant::now();
		prover.verify(&proved.proof, &proved.public_inputs)?;
		verify.push(milliseconds(started));
		if let Some(ark) = &ark {
			ark_prove.push(ark.prove()?);
			ark_from_matrices.push(ark.prove_from_matrices()?);
		}
	}
	let (prove_ms, ark_ms) = (median(prove), median(ark_prove));
	Ok(json!({
		"name": benchmark.name,
		"origin": benchmark.origin,
		"weights": match benchmark.source {
			Source::Drawn(_) => "drawn",
			Source::Trained(..) => "trained",
		},
		"records": report.records,
		"float_accuracy": report.float_accuracy,
		"integer_accuracy": report.integer_accuracy,
		"disagreements": report.disagreements,
		"constraints": constraints,
		"non_zeros": shape.non_zeros,
		"matrices": digest,
		"sections": shape.sections,
		"compile_ms": compile_ms,
		"setup_ms": setup_ms,
		"setup_peak_mib": setup_peak_mib,
		"open_ms": open_ms,
		"witness_ms": median(witness),
		"prove_ms": prove_ms,
		"prove_peak_mib": prove_peak_mib,
		"verify_ms": median(verify),
		"proving_key_bytes": proving_key_bytes,
		"verifying_key_bytes": keys.verifying.len(),
		"proof_bytes": size_of::<proofpod_primitives::ProofBytes>(),
		"ark": ark.is_some().then(|| json!({
			"prove_ms": ark_ms,
			"from_matrices_ms": median(ark_from_matrices),
			"ratio": prove_ms / ark_ms,
		})),
	}))
}

/// `ark-groth16` on the same circuit, with the same key.
struct Ark {
	matrices: Matrices,
	assignment: Assignment,
	key: ark_groth16::ProvingKey<Bls12_381>,
}

impl Ark {
	fn new(
		network: &QuantisedNetwork,
		input: &[i8],
		secrets: &Secrets,
		prover: &Prover,
	) -> Result<Self> {
		let trace = network.infer(input)?;
		Ok(Self {
			matrices: circuit::matrices(network, OUTPUT)?,
			assignment: circuit::assign(network, &trace, OUTPUT, Fr::from(0u64), secrets)?,
			key: prover.key().to_ark(),
		})
	}

	/// Milliseconds of its own entry point: synthesis, then the proof.
	fn prove(&self) -> Result<f64> {
		let started = Instant::now();
		Groth16::<Bls12_381>::prove(&self.key, self, &mut OsRng)?;
		Ok(milliseconds(started))
	}

	/// Milliseconds of its entry point for matrices that are there already.
	fn prove_from_matrices(&self) -> Result<f64> {
		let started = Instant::now();
		Groth16::<Bls12_381, LibsnarkReduction>::create_proof_with_reduction_and_matrices(
			&self.key,
			OsRng.gen::<u64>().into(),
			OsRng.gen::<u64>().into(),
			self.matrices.as_ark(),
			self.matrices.public_inputs() + 1,
			self.matrices.constraints(),
			self.assignment.values(),
		)?;
		Ok(milliseconds(started))
	}
}

/// The circuit with its values, as `ark-groth16` synthesises it.
impl ConstraintSynthesizer<Fr> for &Ark {
	fn generate_constraints(self, system: ConstraintSystemRef<Fr>) -> Result<(), SynthesisError> {
		let inputs = self.matrices.public_inputs() + 1;
		for (column, value) in self.assignment.values().iter().enumerate().skip(1) {
			match column < inputs {
				true => drop(system.new_input_variable(|| Ok(*value))?),
				false => drop(system.new_witness_variable(|| Ok(*value))?),
			}
		}
		let variable = |column: usize| match column {
			0 => Variable::One,
			_ if column < inputs => Variable::instance(column),
			_ => Variable::witness(column - inputs),
		};
		let combination = |row: &[(Fr, usize)]| {
			LinearCombination(row.iter().map(|(c, column)| (*c, variable(*column))).collect())
		};
		let [a, b, c] = self.matrices.as_ark() else { return Err(SynthesisError::Unsatisfiable) };
		for ((a, b), c) in a.iter().zip(b).zip(c) {
			system.enforce_r1cs_constraint(
				|| combination(a),
				|| combination(b),
				|| combination(c),
			)?;
		}
		Ok(())
	}
}

/// Most memory that the process had since the last call, in MiB; `None` where Linux does not say.
fn peak_memory() -> Option<u64> {
	let status = fs::read_to_string("/proc/self/status").ok()?;
	let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
	let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
	let _ = fs::write("/proc/self/clear_refs", "5");
	Some(kibibytes / 1024)
}

fn median(mut times: Vec<f64>) -> f64 {
	times.sort_by(f64::total_cmp);
	times.get(times.len() / 2).copied().unwrap_or_default()
}

fn milliseconds(started: Instant) -> f64 {
	started.elapsed().as_secs_f64() * 1e3
}
