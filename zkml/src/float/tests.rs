// SPDX-License-Identifier: Apache-2.0

use super::*;
use crate::forest::{Tree, TreeNode};
use proptest::prelude::*;
use rand::{rngs::StdRng, Rng, SeedableRng};

fn node(op: FloatOp) -> FloatNode {
	FloatNode { name: format!("{op:?}").chars().take(4).collect(), op }
}

fn linear(input: usize, weights: &[f32], bias: &[f32]) -> FloatNode {
	let (rows, columns) = (bias.len(), weights.len() / bias.len());
	node(FloatOp::Linear { input, rows, columns, weights: weights.to_vec(), bias: bias.to_vec() })
}

fn network(input_len: usize, nodes: Vec<FloatNode>) -> FloatNetwork {
	FloatNetwork { input_len, nodes, ending: None, classes: Vec::new() }
}

#[test]
fn every_operation_computes_by_hand() {
	let network = network(
		2,
		vec![
			linear(0, &[1.0, 2.0, -1.0, 0.5], &[0.5, -3.0]),
			node(FloatOp::relu(1)),
			node(FloatOp::bias(2, vec![1.0, 10.0])),
			node(FloatOp::Add { left: 3, right: 0 }),
		],
	);
	assert_eq!(
		network.evaluate(&[2.0, 4.0]).unwrap(),
		vec![vec![2.0, 4.0], vec![10.5, -3.0], vec![10.5, 0.0], vec![11.5, 10.0], vec![13.5, 14.0]]
	);
}

#[test]
fn constants_fold_into_linear_neighbours() {
	let original = network(
		2,
		vec![
			node(FloatOp::bias(0, vec![1.0, -2.0])),
			linear(1, &[1.0, 2.0, -1.0, 0.5], &[0.0, 0.0]),
			node(FloatOp::bias(2, vec![0.5, -3.0])),
			node(FloatOp::relu(3)),
			node(FloatOp::relu(0)),
		],
	);
	let mut wanted = original.clone();
	wanted.nodes.pop();
	let folded = wanted.clone().folded();
	assert_eq!(folded.nodes.len(), 2, "one linear node and the ReLU: {folded:?}");
	for input in [[0.0, 0.0], [3.0, -1.5], [-2.0, 8.0]] {
		assert_eq!(folded.output(&input), wanted.output(&input));
	}
	assert_eq!(original.folded().nodes.len(), 1, "only the last node matters");
}

#[test]
fn constant_at_the_end_folds_backwards() {
	let original = network(1, vec![linear(0, &[2.0], &[1.0]), node(FloatOp::bias(1, vec![4.0]))]);
	let folded = original.folded();
	assert_eq!(folded.nodes.len(), 1);
	assert_eq!(folded.output(&[1.0]).unwrap(), vec![7.0]);
}

#[test]
fn constants_that_others_read_stay() {
	let original = network(
		1,
		vec![
			linear(0, &[2.0], &[1.0]),
			node(FloatOp::bias(1, vec![4.0])),
			node(FloatOp::Add { left: 1, right: 2 }),
		],
	);
	assert_eq!(original.clone().folded(), original);
}

#[test]
fn structure_and_overflow_are_errors() {
	let structure = |nodes| network(2, nodes).evaluate(&[1.0, 1.0]);
	for nodes in [
		vec![linear(1, &[1.0, 1.0], &[0.0])],
		vec![linear(0, &[1.0], &[0.0])],
		vec![node(FloatOp::bias(0, vec![0.0]))],
		vec![linear(0, &[1.0, 1.0], &[0.0]), node(FloatOp::Add { left: 0, right: 1 })],
		vec![node(FloatOp::relu(7))],
	] {
		assert!(matches!(structure(nodes), Err(FloatError::Structure { .. })));
	}
	assert!(matches!(
		structure(vec![linear(0, &[f32::MAX, f32::MAX], &[0.0])]),
		Err(FloatError::Overflow { .. })
	));
	assert_eq!(
		network(2, vec![]).evaluate(&[1.0]),
		Err(FloatError::InputLength { expected: 2, found: 1 })
	);
}

fn window(channels: usize, input: [usize; 2], kernel: [usize; 2], pads: [usize; 4]) -> Window {
	Window { channels, input, kernel, stride: [1, 1], dilation: [1, 1], pads }
}

fn gather(inputs: &[usize], picks: &[(usize, usize)]) -> FloatNode {
	let pick = |(operand, element): &(usize, usize)| Pick::Element {
		operand: *operand,
		element: *element,
	};
	node(FloatOp::Gather { inputs: inputs.to_vec(), picks: picks.iter().map(pick).collect() })
}

fn clamp(input: usize, low: f32, high: f32) -> FloatNode {
	node(FloatOp::Clamp { input, low, high })
}

/// The last value of a network.
fn last(input: &[f32], nodes: Vec<FloatNode>) -> Vec<f32> {
	network(input.len(), nodes).output(input).unwrap()
}

#[test]
fn convolutions_sum_what_their_window_reads() {
	let convolution = |groups, filters, pads| Convolution {
		window: window(2, [2, 2], [1, 2], pads),
		groups,
		filters,
	};
	let conv = |convolution, weights: &[f32], bias: &[f32]| {
		let (weights, bias) = (weights.to_vec(), bias.to_vec());
		vec![node(FloatOp::Conv { input: 0, convolution, weights, bias })]
	};
	let input = [1.0, 2.0, 3.0, 4.0, 10.0, 20.0, 30.0, 40.0];
	let sums = last(&input, conv(convolution(1, 1, [0; 4]), &[1.0, 2.0, 0.5, -1.0], &[100.0]));
	assert_eq!(sums, [100.0 + 5.0 - 15.0, 100.0 + 11.0 - 25.0]);
	let padded =
		last(&input, conv(convolution(2, 2, [0, 1, 0, 0]), &[1.0, 2.0, 0.5, -1.0], &[0.0; 2]));
	assert_eq!(padded, [2.0, 5.0, 6.0, 11.0, -10.0, -15.0, -30.0, -25.0]);
}

#[test]
fn elementwise_operations_compute_by_hand() {
	let input = [-3.0, -0.5, 0.0, 0.5, 3.0];
	assert_eq!(last(&input, vec![clamp(0, -1.0, 2.0)]), [-1.0, -0.5, 0.0, 0.5, 2.0]);
	let leaky = node(FloatOp::LeakyRelu { input: 0, shift: 2 });
	assert_eq!(last(&input, vec![leaky]), [-0.75, -0.125, 0.0, 0.5, 3.0]);
	assert_eq!(last(&input, vec![node(FloatOp::Step { input: 0 })]), [0.0, 0.0, 0.0, 1.0, 1.0]);
	let affine = FloatOp::Affine { input: 0, scale: vec![2.0; 5], bias: vec![1.0; 5] };
	assert_eq!(last(&input, vec![node(affine)]), [-5.0, 0.0, 1.0, 2.0, 7.0]);
}

#[test]
fn pools_leave_padding_out_and_choices_take_constants() {
	let pool = FloatOp::MaxPool { input: 0, window: window(1, [2, 2], [2, 2], [0, 0, 1, 1]) };
	assert_eq!(last(&[-4.0, -3.0, -2.0, -1.0], vec![node(pool)]), [-1.0, -1.0, -1.0, -1.0]);
	let picks = vec![
		Pick::Element { operand: 1, element: 1 },
		Pick::Constant(7.0),
		Pick::Element { operand: 0, element: 0 },
	];
	let chosen = node(FloatOp::Gather { inputs: vec![0, 1], picks });
	assert_eq!(last(&[1.0, -2.0], vec![node(FloatOp::relu(0)), chosen]), [0.0, 7.0, 1.0]);
}

#[test]
fn trees_add_their_votes_to_the_base() {
	let split = |feature, threshold| TreeNode::Split { feature, threshold, left: 1, right: 2 };
	let leaf = |output, vote| TreeNode::Leaf(vec![(output, vote)]);
	let trees = vec![
		Tree { nodes: vec![split(0, 0.5), leaf(0, 1.0), leaf(1, 2.0)] },
		Tree { nodes: vec![split(1, -1.0), leaf(0, 4.0), leaf(1, 8.0)] },
	];
	let forest = Forest { base: vec![0.25, 0.5], trees };
	let trees = vec![node(FloatOp::Trees { input: 0, forest })];
	assert_eq!(last(&[0.5, -0.5], trees.clone()), [1.25, 8.5]);
	assert_eq!(last(&[0.6, -1.0], trees), [4.25, 2.5]);
}

#[test]
fn too_much_to_compute_is_refused() {
	let convolution =
		Convolution { window: window(16, [64, 64], [32, 32], [0; 4]), groups: 1, filters: 60 };
	let weights = vec![0.0; convolution.weights_len()];
	let conv = |input| FloatOp::Conv {
		input,
		convolution: convolution.clone(),
		weights: weights.clone(),
		bias: vec![0.0; 60],
	};
	let nodes = |count| (0..count).map(|_| node(conv(0))).collect();
	assert!(network(65_536, nodes(1)).widths().is_ok());
	assert!(matches!(network(65_536, nodes(2)).widths(), Err(FloatError::Structure { .. })));
}

/// The kinds of a folded network's nodes.
fn kinds(nodes: Vec<FloatNode>) -> Vec<String> {
	let kind = |node: &FloatNode| format!("{:?}", node.op).split(' ').next().map(String::from);
	network(4, nodes).folded().nodes.iter().filter_map(kind).collect()
}

#[test]
fn clamps_become_one_and_come_after_pools() {
	let pool = |input| node(FloatOp::MaxPool { input, window: window(1, [2, 2], [2, 1], [0; 4]) });
	assert_eq!(kinds(vec![node(FloatOp::relu(0)), pool(1)]), ["MaxPool", "Clamp"]);
	let relus = vec![node(FloatOp::relu(0)), pool(1), clamp(2, -1.0, 6.0), node(FloatOp::relu(3))];
	let folded = network(4, relus.clone()).folded();
	assert_eq!(kinds(relus), ["MaxPool", "Clamp"]);
	assert_eq!(folded.nodes[1].op, FloatOp::Clamp { input: 1, low: 0.0, high: 6.0 });
	let leaky = node(FloatOp::LeakyRelu { input: 0, shift: 3 });
	assert_eq!(kinds(vec![leaky, pool(1)]), ["MaxPool", "LeakyRelu"]);
	let read_twice = vec![node(FloatOp::relu(0)), pool(1), linear(1, &[1.0; 8], &[0.0; 2])];
	let join = node(FloatOp::Add { left: 2, right: 3 });
	let wanted = ["Clamp", "MaxPool", "Linear", "Add"];
	assert_eq!(kinds([read_twice, vec![join]].concat()), wanted, "two read the ReLU");
	assert_eq!(
		kinds(vec![clamp(0, 0.0, 1.0), clamp(1, 2.0, 3.0)]),
		["Clamp", "Clamp"],
		"a constant"
	);
}

#[test]
fn choices_of_choices_become_one() {
	let reversed = |input| gather(&[input], &[(0, 3), (0, 2), (0, 1), (0, 0)]);
	assert_eq!(kinds(vec![node(FloatOp::relu(0)), reversed(1), reversed(2)]), ["Clamp"]);
	let nothing = kinds(vec![reversed(0), reversed(1)]);
	assert_eq!(nothing, ["Gather", "Gather"], "a network has one node at least");
	let nodes =
		vec![node(FloatOp::relu(0)), reversed(1), gather(&[2, 0, 2], &[(0, 0), (1, 1), (2, 2)])];
	let folded = network(4, nodes).folded();
	assert_eq!(
		folded.nodes[1],
		FloatNode {
			name: folded.nodes[1].name.clone(),
			..gather(&[1, 0], &[(0, 3), (1, 1), (0, 1)])
		}
	);
}

#[test]
fn scales_of_channels_become_part_of_convolutions() {
	let convolution =
		|pads| Convolution { window: window(1, [2, 2], [1, 1], pads), groups: 1, filters: 1 };
	let conv = |input, pads| {
		let convolution = convolution(pads);
		node(FloatOp::Conv { input, convolution, weights: vec![2.0], bias: vec![1.0] })
	};
	let affine = |input, width, bias| {
		let (scale, bias) = (vec![3.0; width], vec![bias; width]);
		node(FloatOp::Affine { input, scale, bias })
	};
	assert_eq!(kinds(vec![conv(0, [0; 4]), affine(1, 4, 1.0)]), ["Conv"]);
	assert_eq!(kinds(vec![affine(0, 4, 1.0), conv(1, [0; 4])]), ["Conv"]);
	assert_eq!(kinds(vec![affine(0, 4, 0.0), conv(1, [1, 0, 0, 0])]), ["Conv"]);
	assert_eq!(
		kinds(vec![affine(0, 4, 1.0), conv(1, [1, 0, 0, 0])]),
		["Affine", "Conv"],
		"padding would not have the constant"
	);
	let uneven = FloatOp::Affine { input: 1, scale: vec![1.0, 2.0, 3.0, 4.0], bias: vec![0.0; 4] };
	assert_eq!(kinds(vec![conv(0, [0; 4]), node(uneven)]), ["Conv", "Affine"]);
	assert_eq!(kinds(vec![affine(0, 4, 1.0), affine(1, 4, 2.0), affine(2, 4, 3.0)]), ["Affine"]);
}

/// A random network over planes of 4 × 4, two of them, or what pools leave of those.
fn random_network(seed: u64, len: usize) -> FloatNetwork {
	let mut rng = StdRng::seed_from_u64(seed);
	let mut values = vec![([4, 4], 0)];
	let mut nodes: Vec<FloatNode> = Vec::new();
	for _ in 0..len {
		// Mostly the last value, so that chains arise.
		let recent = rng.gen_bool(0.7);
		let place = if recent { values.len() - 1 } else { rng.gen_range(0..values.len()) };
		let (side, input) = values[place];
		let width = 2 * side[0] * side[1];
		let mut random = |count: usize| -> Vec<f32> {
			(0..count).map(|_| f32::from(rng.gen_range(-8i8..9)) / 4.0).collect()
		};
		let (channel_scale, channel_bias) = (random(2), random(2));
		let spread = |two: &[f32]| two.iter().flat_map(|x| vec![*x; width / 2]).collect::<Vec<_>>();
		let (weights, bounds, order) = (random(8), random(2), rng.gen_range(0..2));
		let (op, side) = match rng.gen_range(0..9) {
			0 => (FloatOp::relu(input), side),
			1 => {
				let (low, high) = (bounds[0].min(bounds[1]), bounds[0].max(bounds[1]) + 0.5);
				(FloatOp::Clamp { input, low, high }, side)
			},
			2 => (FloatOp::LeakyRelu { input, shift: 1 }, side),
			3 | 4 => {
				let (scale, bias) = (spread(&channel_scale), spread(&channel_bias));
				(FloatOp::Affine { input, scale, bias }, side)
			},
			5 if side[0] > 1 => {
				let window = window(2, side, [2, 1], [0; 4]);
				(FloatOp::MaxPool { input, window }, [side[0] - 1, side[1]])
			},
			6 => {
				let window = window(2, side, [1, 2], [0, order, 0, 1 - order]);
				let convolution = Convolution { window, groups: 1, filters: 2 };
				(FloatOp::Conv { input, convolution, weights, bias: channel_bias }, side)
			},
			7 => {
				let same = values.iter().filter(|value| value.0 == side).map(|value| value.1);
				let other = same.max().unwrap_or(input);
				(FloatOp::Add { left: input, right: other }, side)
			},
			_ => {
				let place = |index: usize| if order == 0 { index } else { width - 1 - index };
				let pick = |index| Pick::Element { operand: 0, element: place(index) };
				(
					FloatOp::Gather { inputs: vec![input], picks: (0..width).map(pick).collect() },
					side,
				)
			},
		};
		nodes.push(node(op));
		values.push((side, nodes.len()));
	}
	network(32, nodes)
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(2000))]

	#[test]
	fn folded_networks_compute_the_same(seed: u64, len in 1usize..16) {
		let original = random_network(seed, len);
		let folded = original.clone().folded();
		prop_assert!(folded.nodes.len() <= original.nodes.len());
		prop_assert_eq!(folded.clone().folded().nodes.len(), folded.nodes.len());
		let mut rng = StdRng::seed_from_u64(seed);
		for _ in 0..4 {
			let input = (0..32).map(|_| rng.gen_range(-2.0..2.0)).collect::<Vec<f32>>();
			let (Ok(wanted), found) = (original.output(&input), folded.output(&input)) else { continue };
			let found = found.unwrap();
			prop_assert_eq!(found.len(), wanted.len());
			let largest = original.evaluate(&input).unwrap().into_iter().flatten();
			let largest = largest.fold(1f32, |largest, x| largest.max(x.abs()));
			for (found, wanted) in found.iter().zip(&wanted) {
				prop_assert!((found - wanted).abs() <= 1e-4 * largest, "{found} {wanted}");
			}
		}
	}
}
