// SPDX-License-Identifier: Apache-2.0

//! This prover beside `ark-groth16`'s, on one circuit, in one run: one JSON object on the output.
//!
//! `cargo bench -p proofpod-zkml --bench prover -- [HIDDEN] [WEIGHTS] [REPETITIONS] [alone]`
//!
//! The network has 784 inputs, HIDDEN neurons with ReLU, each with WEIGHTS weights that are not
//! zero, and 10 outputs. Without arguments it is as large as LeNet-5: 4,500 neurons of 64 weights
//! (about what LeNet-5's convolutions and layers have on average), 5 repetitions, of which medians
//! are given. With `alone` nothing is compared.

use ark_bls12_381::{Bls12_381, Fr};
use ark_groth16::{r1cs_to_qap::LibsnarkReduction, Groth16};
use ark_relations::gr1cs::{
	ConstraintSynthesizer, ConstraintSystemRef, LinearCombination, SynthesisError, Variable,
};
use ark_snark::SNARK;
use proofpod_primitives::{manifest::OutputVisibility, Scalar};
use proofpod_zkml::{
	circuit::{self, Assignment, Matrices},
	commitment::Secrets,
	network::{InputSpec, Node, QuantisedNetwork},
	progress::Monitor,
	prover::{Prover, Timings},
	setup::{self, ProvingKey},
};
use rand::{
	rngs::{OsRng, StdRng},
	Rng, SeedableRng,
};
use serde_json::json;
use std::{fs, time::Instant};

const INPUTS: usize = 784;
const OUTPUTS: usize = 10;
const OUTPUT: OutputVisibility = OutputVisibility::Sealed;

fn network(hidden: usize, weights: usize) -> QuantisedNetwork {
	let mut rng = StdRng::seed_from_u64(1);
	let mut layer = |input, rows: usize, columns: usize, weights: usize| {
		let mut matrix = vec![0i8; rows * columns];
		for row in matrix.chunks_mut(columns) {
			let places = rand::seq::index::sample(&mut rng, columns, weights.min(columns));
			places
				.iter()
				.for_each(|place| row[place] = rng.gen_range(1..=127) * [1, -1][place % 2]);
		}
		let bias = (0..rows).map(|_| rng.gen_range(-5000..5000)).collect();
		Node::Linear { input, rows, columns, weights: matrix, bias }
	};
	QuantisedNetwork {
		name: "benchmark".into(),
		input: InputSpec::uniform(INPUTS, 6),
		nodes: vec![
			layer(0, hidden, INPUTS, weights),
			Node::Requantise { input: 1, shift: 10, relu: true },
			layer(2, OUTPUTS, hidden, hidden),
		],
		output_exponent: 0,
	}
}

/// The circuit with its values, as `ark-groth16`'s own entry point wants it.
struct Synthesised<'a> {
	matrices: &'a Matrices,
	assignment: &'a Assignment,
}

impl ConstraintSynthesizer<Fr> for Synthesised<'_> {
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
	times[times.len() / 2]
}

fn milliseconds(started: Instant) -> f64 {
	started.elapsed().as_secs_f64() * 1000.0
}

fn main() {
	let arguments: Vec<String> =
		std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
	let alone = arguments.last().is_some_and(|argument| argument == "alone");
	let number = |place: usize, default: usize| {
		arguments.get(place).and_then(|argument| argument.parse().ok()).unwrap_or(default)
	};
	let (hidden, weights, repetitions) = (number(0, 4500), number(1, 64), number(2, 5).max(1));
	let network = network(hidden, weights);
	peak_memory();

	let started = Instant::now();
	let mut file = tempfile::NamedTempFile::new().expect("a file for the key");
	let keys = setup::generate(&network, OUTPUT, &mut OsRng, file.as_file_mut(), Monitor::none())
		.expect("a key");
	let (setup_ms, setup_memory) = (milliseconds(started), peak_memory());
	let started = Instant::now();
	let key = ProvingKey::open(file.as_file(), &keys.proving).expect("the key opens");
	let prover = Prover::new(network.clone(), OUTPUT, key).expect("a prover");
	let open_ms = milliseconds(started);

	let mut rng = StdRng::seed_from_u64(2);
	let secrets = Secrets::random(&mut rng);
	let input: Vec<i8> = (0..INPUTS).map(|_| rng.gen()).collect();
	let binding = Scalar([0; 32]);
	let comparison = (!alone).then(|| {
		let trace = network.infer(&input).expect("a trace");
		let matrices = circuit::matrices(&network, OUTPUT).expect("matrices");
		let assignment = circuit::assign(&network, &trace, OUTPUT, Fr::from(0u64), &secrets)
			.expect("an assignment");
		(matrices, assignment, prover.key().to_ark())
	});
	peak_memory();

	let (mut ours, mut witness, mut whole, mut by_matrices) = (vec![], vec![], vec![], vec![]);
	let mut timings = Timings::default();
	let mut memory = None;
	// One after the other in turn, so that whatever else the machine does hits all alike.
	for _ in 0..repetitions {
		peak_memory();
		let started = Instant::now();
		let proved = prover.prove(&binding, &input, &secrets).expect("a proof");
		ours.push(milliseconds(started));
		memory = memory.max(peak_memory());
		timings = proved.timings;
		witness.push(timings.witness_ms as f64);
		let Some((matrices, assignment, key)) = &comparison else { continue };
		let started = Instant::now();
		let synthesised = Synthesised { matrices, assignment };
		Groth16::<Bls12_381>::prove(key, synthesised, &mut OsRng).expect("a proof by arkworks");
		whole.push(milliseconds(started));
		let started = Instant::now();
		Groth16::<Bls12_381, LibsnarkReduction>::create_proof_with_reduction_and_matrices(
			key,
			rng.gen::<u64>().into(),
			rng.gen::<u64>().into(),
			matrices.as_ark(),
			matrices.public_inputs() + 1,
			matrices.constraints(),
			assignment.values(),
		)
		.expect("a proof by arkworks");
		by_matrices.push(milliseconds(started));
	}
	let ours = median(ours);
	let compared = (!alone).then(|| {
		let (whole, by_matrices) = (median(whole), median(by_matrices));
		json!({
			"ark_prove_ms": whole,
			"ark_from_matrices_ms": by_matrices,
			"ratio_to_ark_prove": ours / whole,
			"ratio_to_ark_from_matrices": ours / by_matrices,
		})
	});
	let report = json!({
		"constraints": keys.shape.dimensions.constraints,
		"witnesses": keys.shape.dimensions.witnesses,
		"non_zeros": keys.shape.non_zeros,
		"threads": std::thread::available_parallelism().map(usize::from).ok(),
		"key_bytes": prover.key().as_bytes().len(),
		"setup_ms": setup_ms,
		"setup_peak_mib": setup_memory,
		"open_ms": open_ms,
		"prove_ms": ours,
		"prove_witness_ms": median(witness),
		"prove_peak_mib": memory,
		"last_proof_ms": {
			"witness": timings.witness_ms,
			"quotient": timings.quotient_ms,
			"a": timings.a_ms,
			"b_g1": timings.b_g1_ms,
			"b_g2": timings.b_g2_ms,
			"l": timings.l_ms,
			"h": timings.h_ms,
			"verify": timings.verify_ms,
		},
		"compared": compared,
	});
	println!("{report:#}");
}
