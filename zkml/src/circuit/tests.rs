// SPDX-License-Identifier: Apache-2.0

use super::*;
use crate::{
	commitment::{commit_input, commit_output_key, seal, INPUT_PACKING},
	forest::{Forest, Tree, TreeNode},
	network::{tests as networks, InputSpec, Node, OutputPacking, Pick, Requantisation},
	poseidon::Width,
	window::{Convolution, Window},
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
fn many_outputs(rows: usize) -> QuantisedNetwork {
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

/// What a network's nodes cost by their tables; trees by their section, which their own tests pin.
fn node_constraints(network: &QuantisedNetwork, sections: &[Section]) -> usize {
	let bounds = network.bounds().unwrap();
	let node = |(index, node): (usize, &Node)| match node {
		Node::Requantise { input, requantisation } => {
			let elements = bounds[*input].iter().enumerate();
			elements
				.map(|(element, x)| {
					let shift = requantisation.shift(element, bounds[*input].len());
					let gadget = requantise::Requantiser::new(*x, requantisation, shift);
					gadget.unwrap().constraints()
				})
				.sum()
		},
		Node::Trees { .. } | Node::MaxPool { .. } | Node::ArgMax { .. } => {
			let name = format!("node {index}: ");
			sections.iter().find(|section| section.name.starts_with(&name)).unwrap().constraints
		},
		_ => 0,
	};
	network.nodes.iter().enumerate().map(node).sum()
}

/// The cost formula of the module's documentation.
fn expected_constraints(
	network: &QuantisedNetwork,
	output: OutputVisibility,
	sections: &[Section],
) -> usize {
	let inputs = network.input_len();
	let elements = OutputPacking::of(network).unwrap().elements;
	let hash = |inputs, outputs| 3 * Width::cheapest(inputs, outputs).boxes(inputs, outputs);
	let sealing = match output {
		OutputVisibility::Sealed if elements == 1 => 237 + 1,
		OutputVisibility::Sealed => 237 + hash(1, elements - 1) + 1,
		OutputVisibility::Public => 0,
	};
	1 + 8 * inputs
		+ hash(1 + inputs.div_ceil(INPUT_PACKING), 1)
		+ 1 + node_constraints(network, sections)
		+ sealing
		+ elements
}

/// A node of every kind: 2 planes of 4 × 4 to a class.
fn every_kind() -> QuantisedNetwork {
	let mut stream = networks::Stream(3);
	let window = Window {
		channels: 2,
		input: [4, 4],
		kernel: [3, 3],
		stride: [1, 1],
		dilation: [1, 1],
		pads: [0; 4],
	};
	let convolution = Convolution { window: window.clone(), groups: 2, filters: 4 };
	let pool = Window { channels: 4, input: [2, 2], kernel: [2, 1], ..window };
	let leaky = Requantisation { shifts: vec![4, 5], low: -128, high: 127, leak: 2 };
	let narrow = Requantisation { shifts: vec![9], low: -20, high: 30, leak: 0 };
	let picks = (0..4).map(|element| Pick::Element { operand: 0, element: element * 2 });
	let inputs = vec![(4, 1), (0, 0)];
	QuantisedNetwork {
		name: "every kind".into(),
		input: InputSpec::uniform(32, 4),
		nodes: vec![
			Node::Conv {
				input: 0,
				weights: stream.weights(convolution.weights_len()),
				convolution,
				bias: vec![100, -100, 7, 0],
			},
			Node::Requantise { input: 1, requantisation: Requantisation::relu(8) },
			Node::MaxPool { input: 2, window: pool },
			Node::Affine { input: 3, weights: stream.weights(8), bias: stream.biases(8) },
			Node::Gather {
				inputs,
				picks: picks
					.chain([Pick::Constant(-9), Pick::Element { operand: 1, element: 31 }])
					.collect(),
			},
			Node::Requantise { input: 5, requantisation: leaky },
			Node::Trees {
				input: 6,
				forest: Forest {
					base: vec![1, 2, 3],
					trees: (0..4).map(|_| stream.tree(6, 3)).collect(),
				},
			},
			Node::Linear {
				input: 6,
				rows: 3,
				columns: 6,
				weights: stream.weights(18),
				bias: vec![0; 3],
			},
			Node::Requantise { input: 8, requantisation: narrow },
			Node::Add { left: 7, left_shift: 2, right: 9, right_shift: 0 },
			Node::ArgMax { input: 10 },
		],
		output_exponent: 0,
	}
}

/// A small convolutional network whose activations spread over their range.
fn convolutional() -> QuantisedNetwork {
	let mut stream = networks::Stream(8);
	let window = Window {
		channels: 1,
		input: [8, 8],
		kernel: [3, 3],
		stride: [1, 1],
		dilation: [1, 1],
		pads: [1; 4],
	};
	let pool =
		Window { channels: 4, kernel: [2, 2], stride: [2, 2], pads: [0; 4], ..window.clone() };
	let convolution = Convolution { window, groups: 1, filters: 4 };
	QuantisedNetwork {
		name: "convolutional".into(),
		input: InputSpec::uniform(64, 7),
		nodes: vec![
			Node::Conv { input: 0, convolution, weights: stream.weights(36), bias: vec![0; 4] },
			Node::Requantise { input: 1, requantisation: Requantisation::relu(7) },
			Node::MaxPool { input: 2, window: pool },
			Node::Linear {
				input: 3,
				rows: 10,
				columns: 64,
				weights: stream.weights(640),
				bias: stream.biases(10),
			},
		],
		output_exponent: 0,
	}
}

#[test]
fn public_inputs_are_those_of_the_statement() {
	assert_statement(&residual(), &[7, -9, 127]);
	let network = many_outputs(20);
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
	for network in [networks::small(), residual(), many_outputs(20), every_kind(), convolutional()]
	{
		for output in BOTH {
			let matrices = matrices(&network, output).unwrap();
			let sections = matrices.sections();
			assert_eq!(matrices.constraints(), expected_constraints(&network, output, sections));
			assert_eq!(
				sections.iter().map(|section| section.constraints).sum::<usize>(),
				matrices.constraints()
			);
			let free = ["linear", "conv", "affine", "add", "gather"];
			let linear = sections
				.iter()
				.filter(|section| free.iter().any(|kind| section.name.contains(kind)));
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
			"0x10f9d90078115e61dd9b5e561cd706e6cd12ac2c8db02f7d1d685de10852d297",
			"0xbc70fdf009b70f0c18f509053c872b98eacd6bc31b3fd890e6ce5eb1114862e6",
			"0xe380cee431e7007a152c026ea17d213f36900403fe1d51cfe976b93825aa78ca",
			"0x7a702b05989bec482d45bc84452a1551a2757fa283c68d161d8c65805a217d6e",
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
	let two = many_outputs(10);
	assert_eq!(OutputPacking::of(&two).unwrap().elements, 2);
	for (network, output) in [
		(networks::small(), OutputVisibility::Public),
		(two, OutputVisibility::Sealed),
		(many_outputs(20), OutputVisibility::Sealed),
	] {
		let plan = Plan::new(&network, output).unwrap();
		let trace = network.infer(&[100, -3]).unwrap();
		let witness = StatementWitness::new(&plan, &trace, Fr::from(9u64), &secrets).unwrap();
		adversary::assert_tight(&plan.statement(&network, Some(&witness)), 0);
	}
}

#[test]
fn nodes_are_described_with_their_sizes() {
	let matrices = matrices(&every_kind(), OutputVisibility::Public).unwrap();
	let names = matrices.sections().iter().map(|section| section.name.as_str());
	let names: Vec<&str> = names.filter(|name| name.starts_with("node")).collect();
	assert_eq!(
		names,
		[
			"node 0: conv 2×4×4 → 4×2×2, 3×3",
			"node 1: requantise 16 elements",
			"node 2: max pool 4×2×2 → 4×1×2, 2×1",
			"node 3: affine 8 elements",
			"node 4: gather 6 elements",
			"node 5: requantise 6 elements",
			"node 6: 4 trees, 48 nodes, 6 → 3",
			"node 7: linear 6 → 3",
			"node 8: requantise 3 elements",
			"node 9: add 3 elements",
			"node 10: arg max of 3",
		]
	);
}

#[test]
fn no_column_of_any_kind_of_node_is_free() {
	let network = every_kind();
	for output in BOTH {
		let matrices = matrices(&network, output).unwrap();
		for seed in 0..2 {
			let mut stream = networks::Stream(seed);
			let input = stream.weights(32);
			let assignment = assigned(&network, &input, output);
			assert!(matrices.is_satisfied(&assignment));
			adversary::assert_mutations_are_refused(&matrices, &assignment, 0);
			adversary::assert_no_direction_is_free(&matrices, &assignment);
		}
	}
}

#[test]
fn every_input_has_an_assignment() {
	let network = convolutional();
	let plan = Plan::new(&network, OutputVisibility::Public).unwrap();
	let matrices = matrices(&network, OutputVisibility::Public).unwrap();
	let secrets = secrets(1);
	let mut stream = networks::Stream(4);
	for case in 0..3000u64 {
		let extreme = |number: u64| if number.is_multiple_of(2) { i8::MIN } else { i8::MAX };
		let input: Vec<i8> = (0..64)
			.map(|_| match (case % 4, stream.next()) {
				(0, number) => extreme(number),
				(1, number) if number.is_multiple_of(3) => extreme(number / 3),
				(2, number) => number as i8 >> 5,
				(_, number) => number as i8,
			})
			.collect();
		let trace = network.infer(&input).unwrap();
		let witness = StatementWitness::new(&plan, &trace, Fr::ONE, &secrets).unwrap();
		let assignment = plan.assign(&network, &witness).unwrap();
		if case.is_multiple_of(20) {
			assert!(matrices.is_satisfied(&assignment));
		}
	}
	for input in [[i8::MIN; 64], [i8::MAX; 64], [0; 64]] {
		assert!(matrices.is_satisfied(&assigned(&network, &input, OutputVisibility::Public)));
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

/// Adds a node, and after it a ReLU whose shift spreads its results over 0…255 on random inputs.
fn push_with_relu(network: &mut QuantisedNetwork, node: Node, samples: &[Vec<i8>]) {
	network.nodes.push(node);
	let largest = |sample: &Vec<i8>| network.infer(sample).unwrap().output().iter().copied().max();
	let largest = samples.iter().filter_map(largest).max().unwrap();
	let shift = (0..40).find(|shift| largest >> shift <= 255).unwrap();
	let input = network.nodes.len();
	network.nodes.push(Node::Requantise { input, requantisation: Requantisation::relu(shift) });
}

/// Layers of all-to-all weights, with a ReLU after each but the last.
fn push_dense(
	network: &mut QuantisedNetwork,
	widths: &[usize],
	samples: &[Vec<i8>],
	stream: &mut networks::Stream,
) {
	for (layer, ends) in widths.windows(2).enumerate() {
		let (columns, rows) = (ends[0], ends[1]);
		let node = Node::Linear {
			input: network.nodes.len(),
			rows,
			columns,
			weights: stream.weights(rows * columns),
			bias: stream.biases(rows).iter().map(|bias| bias >> 16).collect(),
		};
		match layer + 2 == widths.len() {
			true => network.nodes.push(node),
			false => push_with_relu(network, node, samples),
		}
	}
}

fn images(stream: &mut networks::Stream, pixels: usize) -> (QuantisedNetwork, Vec<Vec<i8>>) {
	let network = QuantisedNetwork {
		name: "benchmark".into(),
		input: InputSpec::uniform(pixels, 7),
		nodes: Vec::new(),
		output_exponent: 0,
	};
	let samples = (0..4).map(|_| stream.weights(pixels)).collect();
	(network, samples)
}

fn mlp(hidden: usize) -> QuantisedNetwork {
	let mut stream = networks::Stream(1);
	let (mut network, samples) = images(&mut stream, 784);
	push_dense(&mut network, &[784, hidden, 10], &samples, &mut stream);
	network
}

/// LeNet-5 for images of 28 × 28, with sums for its pools.
fn lenet() -> QuantisedNetwork {
	let mut stream = networks::Stream(1);
	let (mut network, samples) = images(&mut stream, 784);
	let square = |channels, side, kernel, step| Window {
		channels,
		input: [side; 2],
		kernel: [kernel; 2],
		stride: [step; 2],
		dilation: [1; 2],
		pads: [0; 4],
	};
	for (channels, side, filters) in [(1, 28, 6), (6, 12, 16)] {
		let window = square(channels, side, 5, 1);
		let convolution = Convolution { window, groups: 1, filters };
		let weights = stream.weights(convolution.weights_len());
		let (input, bias) = (network.nodes.len(), vec![0; filters]);
		push_with_relu(&mut network, Node::Conv { input, convolution, weights, bias }, &samples);
		let window = square(filters, side - 4, 2, 2);
		let convolution = Convolution { window, groups: filters, filters };
		network.nodes.push(Node::Conv {
			input: network.nodes.len(),
			convolution,
			weights: vec![1; 4 * filters],
			bias: vec![0; filters],
		});
	}
	push_dense(&mut network, &[256, 120, 84, 10], &samples, &mut stream);
	network
}

/// A hundred trees of eight splits over four features and three classes, one vote a leaf: the shape
/// of scikit-learn's default forest on iris.
fn iris_forest() -> QuantisedNetwork {
	let mut stream = networks::Stream(1);
	let mut tree = || {
		let mut nodes = vec![TreeNode::Leaf(vec![(0, 1)])];
		while nodes.len() < 17 {
			let leaf = stream.below(nodes.len() as u64) as usize;
			if !matches!(nodes[leaf], TreeNode::Leaf(_)) {
				continue;
			}
			let (left, feature) = (nodes.len(), stream.below(4) as usize);
			let threshold = stream.below(30) as i32 * 8 - 120;
			nodes[leaf] = TreeNode::Split { feature, threshold, left, right: left + 1 };
			for _ in 0..2 {
				nodes.push(TreeNode::Leaf(vec![(stream.below(3) as usize, 1)]));
			}
		}
		Tree { nodes }
	};
	let trees = (0..100).map(|_| tree()).collect();
	QuantisedNetwork {
		name: "forest".into(),
		input: InputSpec::uniform(4, 4),
		nodes: vec![
			Node::Trees { input: 0, forest: Forest { base: vec![0; 3], trees } },
			Node::ArgMax { input: 1 },
		],
		output_exponent: 0,
	}
}

/// The networks of the published benchmarks, with random weights, sealed.
#[test]
fn benchmark_networks_stay_within_their_bars() {
	for (name, network, bar) in [
		("784-56-10", mlp(56), 12_000),
		("784-128-10", mlp(128), 15_000),
		("LeNet-5 28×28", lenet(), 130_000),
		("forest of 100 trees", iris_forest(), 6_000),
	] {
		let matrices = matrices(&network, OutputVisibility::Sealed).unwrap();
		println!(
			"{name}: {} constraints, {} non-zeros",
			matrices.constraints(),
			matrices.non_zeros()
		);
		for section in matrices.sections() {
			println!("  {}: {} / {}", section.name, section.constraints, section.non_zeros);
		}
		assert!(matrices.constraints() <= bar, "{name}: {}", matrices.constraints());
		let mut stream = networks::Stream(2);
		let input = stream.weights(network.input_len());
		let assignment = assigned(&network, &input, OutputVisibility::Sealed);
		assert!(matrices.is_satisfied(&assignment));
	}
}

#[test]
fn invalid_networks_have_no_circuit() {
	let mut network = residual();
	network.nodes.clear();
	let error = matrices(&network, OutputVisibility::Public).unwrap_err();
	assert_eq!(error, CircuitError::Network(NetworkError::Nodes { found: 0 }));
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(6))]

	/// Of a handful of random networks the whole statement is attacked.
	#[test]
	fn no_direction_of_a_random_network_is_free((network, input) in networks::networks()) {
		let Ok(matrices) = matrices(&network, OutputVisibility::Public) else { return Ok(()) };
		let assignment = assigned(&network, &input, OutputVisibility::Public);
		adversary::assert_mutations_are_refused(&matrices, &assignment, 0);
		adversary::assert_no_direction_is_free(&matrices, &assignment);
	}
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
		let expected = expected_constraints(&network, output, matrices.sections());
		prop_assert_eq!(matrices.constraints(), expected);
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
