// SPDX-License-Identifier: Apache-2.0

use super::*;
use crate::{
	commitment::{commit_input, commit_output_key, seal, INPUT_PACKING},
	network::{tests as networks, InputSpec, Node, OutputPacking, Requantisation},
	poseidon::Width,
};
use ark_ff::{AdditiveGroup, Field};
use proofpod_verifier::encode_scalar;
use proptest::prelude::*;
use rand::{rngs::StdRng, RngCore, SeedableRng};

const BOTH: [OutputVisibility; 2] = [OutputVisibility::Sealed, OutputVisibility::Public];

fn secrets(seed: u64) -> Secrets {
	Secrets::random(&mut StdRng::seed_from_u64(seed))
}

fn assigned(network: &QuantisedNetwork, input: &[i8], output: OutputVisibility) -> Assignment {
	let trace = network.infer(input).unwrap();
	assign(network, &trace, output, Fr::from(42u64), &secrets(1)).unwrap()
}

/// Skip connection, both clamps, saturation, a shift without rounding, an element that is always
/// zero.
pub(crate) fn residual() -> QuantisedNetwork {
	QuantisedNetwork {
		name: "residual".into(),
		input: InputSpec::uniform(3, 4),
		nodes: vec![
			Node::Linear {
				input: 0,
				rows: 3,
				columns: 3,
				weights: vec![90, -20, 3, 1, 1, -1, 5, 0, -7],
				bias: vec![100, -2000, -9],
			},
			Node::Requantise { input: 1, requantisation: Requantisation::relu(4) },
			Node::Linear {
				input: 2,
				rows: 3,
				columns: 3,
				weights: vec![1, 2, 3, -4, -5, -6, 127, -128, 64],
				bias: vec![0, 1, -1],
			},
			Node::Add { left: 3, left_shift: 0, right: 0, right_shift: 5 },
			Node::Requantise { input: 4, requantisation: Requantisation::signed(2) },
			Node::Requantise { input: 5, requantisation: Requantisation::relu(0) },
			Node::Linear {
				input: 6,
				rows: 2,
				columns: 3,
				weights: vec![1, -1, 2, -2, 3, -3],
				bias: vec![5, 6],
			},
		],
		output_exponent: 3,
	}
}

/// An output of several field elements.
fn many_outputs() -> QuantisedNetwork {
	let rows = 20;
	let mut weights: Vec<i8> = (0..2 * rows as i8).collect();
	weights[3] = -128;
	QuantisedNetwork {
		name: "many outputs".into(),
		input: InputSpec::uniform(2, 4),
		nodes: vec![Node::Linear {
			input: 0,
			rows,
			columns: 2,
			weights,
			bias: vec![i32::MAX; rows],
		}],
		output_exponent: 3,
	}
}

/// The cost formula of the module's documentation.
fn expected_constraints(network: &QuantisedNetwork, output: OutputVisibility) -> usize {
	let bounds = network.bounds().unwrap();
	let inputs = network.input_len();
	let requantised: usize = network
		.nodes
		.iter()
		.map(|node| match node {
			Node::Requantise { input, requantisation } => bounds[*input]
				.iter()
				.map(|bounds| {
					let (shift, relu) = (requantisation.shifts[0], requantisation.low == 0);
					requantise::Requantisation::new(*bounds, shift, relu).unwrap().constraints()
				})
				.sum(),
			_ => 0,
		})
		.sum();
	let elements = OutputPacking::of(network).unwrap().elements;
	let hash = |inputs, outputs| 3 * Width::cheapest(inputs, outputs).boxes(inputs, outputs);
	let sealing = match output {
		OutputVisibility::Sealed if elements == 1 => 237 + 1,
		OutputVisibility::Sealed => 237 + hash(1, elements - 1) + 1,
		OutputVisibility::Public => 0,
	};
	1 + 8 * inputs
		+ hash(1 + inputs.div_ceil(INPUT_PACKING), 1)
		+ 1 + requantised
		+ sealing
		+ elements
}

#[test]
fn public_inputs_are_those_of_the_statement() {
	assert_statement(&residual(), &[7, -9, 127]);
	let network = many_outputs();
	assert!(OutputPacking::of(&network).unwrap().elements > 2);
	assert_statement(&network, &[7, -9]);
}

fn assert_statement(network: &QuantisedNetwork, input: &[i8]) {
	let trace = network.infer(input).unwrap();
	let secrets = secrets(1);
	let packed = OutputPacking::of(network).unwrap().pack(trace.output()).unwrap();
	let commitment = commit_input(input, &secrets.salt).0;
	let key = commit_output_key(&secrets.output_key).0;
	for output in BOTH {
		let assignment = assign(network, &trace, output, Fr::from(42u64), &secrets).unwrap();
		let public: Vec<_> =
			assignment.public_inputs().iter().map(|x| encode_scalar(x).0).collect();
		let mut expected = vec![encode_scalar(&Fr::from(42u64)).0, commitment];
		match output {
			OutputVisibility::Sealed => {
				expected.push(key);
				expected.extend(seal(&packed, &secrets.output_key).iter().map(|x| x.0));
			},
			OutputVisibility::Public => expected.extend(packed.iter().map(|x| encode_scalar(x).0)),
		}
		assert_eq!(public, expected);
	}
}

#[test]
fn costs_are_those_of_the_formula() {
	for network in [networks::small(), residual(), many_outputs()] {
		for output in BOTH {
			let matrices = matrices(&network, output).unwrap();
			assert_eq!(matrices.constraints(), expected_constraints(&network, output));
			let sections = matrices.sections();
			assert_eq!(
				sections.iter().map(|section| section.constraints).sum::<usize>(),
				matrices.constraints()
			);
			let linear = sections.iter().filter(|section| section.name.contains("linear"));
			assert!(linear.clone().count() > 0 && linear.clone().all(|s| s.constraints == 0));
		}
	}
}

#[test]
fn commitments_take_the_cheapest_width() {
	let costs = [4, 30, 64, 784, 1024, 3072].map(|inputs| {
		let network = QuantisedNetwork {
			name: "sum".into(),
			input: InputSpec::uniform(inputs, 4),
			nodes: vec![Node::Linear {
				input: 0,
				rows: 1,
				columns: inputs,
				weights: vec![1; inputs],
				bias: vec![0],
			}],
			output_exponent: 4,
		};
		let matrices = matrices(&network, OutputVisibility::Sealed).unwrap();
		let constraints = |name| {
			let section = matrices.sections().iter().find(|section| section.name == name);
			section.unwrap().constraints
		};
		assert_eq!(constraints("output key commitment"), 238);
		assert_eq!(constraints("sealed output"), 1);
		let width = Width::cheapest(1 + inputs.div_ceil(INPUT_PACKING), 1).elements();
		(inputs, width, constraints("input commitment"))
	});
	let expected = [
		(4, 3, 241),
		(30, 3, 241),
		(64, 5, 298),
		(784, 30, 892),
		(1024, 36, 1078),
		(3072, 36, 3238),
	];
	assert_eq!(costs, expected);
}

/// The circuit of a network is part of its identity: keys are made for it. When this changes, the
/// manifest's version must.
#[test]
fn matrices_are_pinned() {
	let digests: Vec<String> = [networks::small(), residual()]
		.iter()
		.flat_map(|network| {
			BOTH.map(|output| matrices(network, output).unwrap().digest().to_string())
		})
		.collect();
	assert_eq!(
		digests,
		[
			"0x4aee793a5f03391e1cd15cd4f6e97a786b603aca3c844748ac72eadfa47818f7",
			"0x37fa086b5f2ff17dd082e628c71fd3d3e5952ab30280188f2295f61a19bc0b81",
			"0x813654baa7af86abf05b9785044b720dc31d324fd11f578ddf3803459d6958c5",
			"0x271e11c150544c36bd0e1bd918913308779a7cc3bcc8567c81bc9e5adf5d6bda",
		]
	);
}

#[test]
fn measuring_gives_what_the_stored_matrices_have() {
	for output in BOTH {
		let matrices = matrices(&residual(), output).unwrap();
		let (shape, digest) = measure(&residual(), output).unwrap();
		assert_eq!(shape.dimensions, matrices.dimensions());
		assert_eq!(
			(shape.non_zeros, shape.sections.as_slice()),
			(matrices.non_zeros(), matrices.sections())
		);
		assert_eq!(digest, matrices.digest());
	}
}

#[test]
fn matrices_are_the_same_every_time() {
	let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
	let network = residual();
	let alone = one_thread.install(|| matrices(&network, OutputVisibility::Sealed).unwrap());
	assert_eq!(matrices(&network, OutputVisibility::Sealed).unwrap(), alone);
}

#[test]
fn no_column_of_the_statement_is_free() {
	for output in BOTH {
		let network = residual();
		for input in [[7, -9, 127], [-128, -128, -128], [127, 127, 127], [0, 0, 0]] {
			let matrices = matrices(&network, output).unwrap();
			let assignment = assigned(&network, &input, output);
			assert!(matrices.is_satisfied(&assignment));
			adversary::assert_mutations_are_refused(&matrices, &assignment, 0);
		}
	}
}

#[test]
fn no_direction_of_the_statement_is_free() {
	let secrets = secrets(2);
	for (network, output) in
		[(networks::small(), OutputVisibility::Public), (many_outputs(), OutputVisibility::Sealed)]
	{
		let plan = Plan::new(&network, output).unwrap();
		let trace = network.infer(&[100, -3]).unwrap();
		let witness = StatementWitness::new(&plan, &trace, Fr::from(9u64), &secrets).unwrap();
		adversary::assert_tight(&plan.statement(&network, Some(&witness)), 0);
	}
}

/// Every part of one honest assignment is put into another one.
#[test]
fn spliced_assignments_are_refused() {
	let network = residual();
	for output in BOTH {
		let matrices = matrices(&network, output).unwrap();
		let left = assigned(&network, &[1, 2, 3], output);
		let right = assigned(&network, &[1, 2, 4], output);
		for cut in 2..matrices.columns() {
			let mut spliced = left.clone();
			spliced.values_mut()[cut..].copy_from_slice(&right.values()[cut..]);
			let honest = spliced == left || spliced == right;
			assert_eq!(matrices.is_satisfied(&spliced), honest, "cut at {cut}");
		}
	}
}

#[test]
fn an_assignment_of_another_size_satisfies_nothing() {
	let network = residual();
	let sealed = matrices(&network, OutputVisibility::Sealed).unwrap();
	let public = assigned(&network, &[1, 2, 3], OutputVisibility::Public);
	assert!(!sealed.is_satisfied(&public));
	let mut zero = assigned(&network, &[1, 2, 3], OutputVisibility::Sealed);
	zero.values_mut().fill(Fr::ZERO);
	assert!(!sealed.is_satisfied(&zero), "the constant one is not zero");
}

#[test]
fn forged_traces_are_refused() {
	let network = residual();
	let matrices = matrices(&network, OutputVisibility::Public).unwrap();
	let honest = network.infer(&[20, -30, 40]).unwrap();
	for value in 0..honest.values.len() {
		for element in 0..honest.values[value].len() {
			for change in [-1, 1, 1000] {
				let mut forged = honest.clone();
				forged.values[value][element] += change;
				let assignment =
					assign(&network, &forged, OutputVisibility::Public, Fr::ONE, &secrets(1));
				// A changed result of a requantisation is recomputed by the circuit when nothing
				// else reads the trace there; whatever comes out must be refused or honest.
				if let Ok(assignment) = assignment {
					let same = assignment
						== assign(
							&network,
							&honest,
							OutputVisibility::Public,
							Fr::ONE,
							&secrets(1),
						)
						.unwrap();
					assert!(same || !matrices.is_satisfied(&assignment), "{value} {element}");
				}
			}
		}
	}
	let mut short = honest.clone();
	short.values.pop();
	let wrong = |trace: &Trace| {
		assign(&network, trace, OutputVisibility::Public, Fr::ONE, &secrets(1)).unwrap_err()
	};
	assert_eq!(wrong(&short), CircuitError::Trace { value: 7 });
	let mut narrow = honest.clone();
	narrow.values[2].pop();
	assert_eq!(wrong(&narrow), CircuitError::Trace { value: 2 });
	let mut outside = honest.clone();
	outside.values[0][1] = 128;
	assert_eq!(wrong(&outside), CircuitError::Trace { value: 0 });
}

#[test]
fn invalid_networks_have_no_circuit() {
	let mut network = residual();
	network.nodes.clear();
	let error = matrices(&network, OutputVisibility::Public).unwrap_err();
	assert_eq!(error, CircuitError::Network(NetworkError::Nodes { found: 0 }));
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(200))]

	/// Over random networks the circuit accepts the integer engine's result, and nothing else.
	#[test]
	fn the_circuit_accepts_exactly_the_engines_result(
		(network, input) in networks::networks(),
		sealed: bool,
		seed: u64,
	) {
		let output = if sealed { OutputVisibility::Sealed } else { OutputVisibility::Public };
		let Ok(matrices) = matrices(&network, output) else {
			// A random network may be too wide, or leave a value unused.
			prop_assert!(network.validate().is_err() || OutputPacking::of(&network).is_err());
			return Ok(());
		};
		prop_assert_eq!(matrices.constraints(), expected_constraints(&network, output));
		let mut assignment = assigned(&network, &input, output);
		prop_assert!(matrices.is_satisfied(&assignment));

		let mut rng = StdRng::seed_from_u64(seed);
		let column = 1 + rng.next_u64() as usize % (matrices.columns() - 1);
		assignment.values_mut()[column] += Fr::from(rng.next_u64() | 1);
		prop_assert!(!matrices.is_satisfied(&assignment));
		let mut assignment = assigned(&network, &input, output);
		let last = matrices.public_inputs();
		assignment.values_mut()[last] += Fr::ONE;
		prop_assert!(!matrices.is_satisfied(&assignment));
	}
}
