// SPDX-License-Identifier: Apache-2.0

//! Every rule of quantisation on a network that shows it.

use super::*;
use crate::{
	float::Pick,
	forest::{Forest, Tree, TreeNode},
	network::Requantisation,
	window::{Convolution, Window},
};

fn window(channels: usize, side: usize, kernel: usize, stride: usize, pad: usize) -> Window {
	Window {
		channels,
		input: [side; 2],
		kernel: [kernel; 2],
		stride: [stride; 2],
		dilation: [1; 2],
		pads: [pad; 4],
	}
}

fn random_numbers(seed: u64, count: usize) -> Vec<f32> {
	let mut rng = StdRng::seed_from_u64(seed);
	(0..count).map(|_| rng.gen_range(-1.0..1.0)).collect()
}

fn conv(input: usize, window: Window, filters: usize, seed: u64) -> FloatNode {
	let convolution = Convolution { window, groups: 1, filters };
	let weights = random_numbers(seed, convolution.weights_len());
	node("conv", FloatOp::Conv { input, convolution, weights, bias: vec![0.1; filters] })
}

fn average(input: usize, channels: usize, side: usize, kernel: usize) -> FloatNode {
	let window = window(channels, side, kernel, kernel, 0);
	let convolution = Convolution { window, groups: channels, filters: channels };
	let weights = vec![1.0 / (kernel * kernel) as f32; convolution.weights_len()];
	node("average", FloatOp::Conv { input, convolution, weights, bias: vec![0.0; channels] })
}

fn max_pool(input: usize, channels: usize, side: usize) -> FloatNode {
	node("pool", FloatOp::MaxPool { input, window: window(channels, side, 2, 2, 0) })
}

fn dense(input: usize, columns: usize, rows: usize, seed: u64) -> FloatNode {
	linear(input, random_numbers(seed, rows * columns), random_numbers(seed + 1, rows))
}

/// Images from 0 to 1.
fn images(count: usize, len: usize) -> Vec<Vec<f32>> {
	let numbers = random_numbers(7, count * len);
	numbers.chunks(len).map(|image| image.iter().map(|x| x.abs()).collect()).collect()
}

/// Largest difference between the two outputs, as a share of the largest real output.
fn relative_error(float: &FloatNetwork, quantised: &Quantised, records: &[Vec<f32>]) -> f64 {
	let (mut largest, mut difference) = (0f64, 0f64);
	for record in records {
		let (integer, real) = outputs(float, &quantised.network, record);
		for (integer, real) in integer.iter().zip(real) {
			largest = largest.max(f64::from(real.abs()));
			difference = difference.max((integer - f64::from(real)).abs());
		}
	}
	difference / largest
}

fn requantisations(quantised: &Quantised) -> Vec<&Requantisation> {
	let nodes = quantised.network.nodes.iter();
	nodes
		.filter_map(|node| match node {
			Node::Requantise { requantisation, .. } => Some(requantisation),
			_ => None,
		})
		.collect()
}

/// Two convolutions with pooling, and a linear layer; the filters of the first differ in size.
fn convolutional() -> FloatNetwork {
	let mut first = conv(0, window(1, 8, 3, 1, 1), 4, 1);
	if let FloatOp::Conv { weights, .. } = &mut first.op {
		for (filter, weights) in weights.chunks_mut(9).enumerate() {
			weights.iter_mut().for_each(|weight| *weight *= [1.0, 0.1, 0.01, 2.0][filter]);
		}
	}
	let nodes = vec![
		first,
		max_pool(1, 4, 8),
		relu(2),
		conv(3, window(4, 4, 3, 1, 0), 6, 2),
		relu(4),
		average(5, 6, 2, 2),
		dense(6, 6, 3, 3),
	];
	network(64, nodes)
}

#[test]
fn convolutional_networks_keep_their_output() {
	let (float, records) = (convolutional(), images(40, 64));
	let quantised = quantise_named(&float, "cnn", &records).unwrap();
	let error = relative_error(&float, &quantised, &records);
	assert!(error < 0.02, "{error}");
}

#[test]
fn channels_have_scales_of_their_own_where_a_clamp_reads_them() {
	let quantised = quantise_named(&convolutional(), "cnn", &images(40, 64)).unwrap();
	let clamps = requantisations(&quantised);
	assert_eq!(clamps.len(), 2, "pooled sums are multiplied as they are");
	let shifts = &clamps[0].shifts;
	assert_eq!(shifts.len(), 4, "one per channel, through the pooling");
	assert!(shifts[2] >= shifts[0] + 5 && shifts[1] >= shifts[0] + 2, "{shifts:?}");
	// The linear layer is the output, whose numbers are compared with each other.
	assert!(quantised.origins.last().unwrap().grid.scales.len() == 1);
}

#[test]
fn channels_that_are_added_share_a_scale() {
	let mut float = convolutional();
	float.nodes.truncate(1);
	float.nodes.push(node("sum", FloatOp::Add { left: 1, right: 1 }));
	float.nodes.push(relu(2));
	let quantised = quantise_named(&float, "sum", &images(10, 64)).unwrap();
	assert!(quantised.origins.iter().all(|origin| origin.grid.scales.len() == 1));
}

#[test]
fn images_use_all_eight_bits_and_are_padded_with_their_zero() {
	let (float, records) = (convolutional(), images(40, 64));
	let quantised = quantise_named(&float, "cnn", &records).unwrap();
	let input = &quantised.network.input;
	assert_eq!((input.exponents[0], input.zero_points[0]), (8, 128));
	let Node::Gather { picks, .. } = &quantised.network.nodes[0] else {
		panic!("{:?}", quantised.network.nodes[0]);
	};
	assert_eq!((picks.len(), picks[0]), (100, Pick::Constant(-128)));
	let Node::Conv { convolution, .. } = &quantised.network.nodes[1] else {
		panic!("{:?}", quantised.network.nodes[1]);
	};
	assert_eq!((convolution.window.pads, convolution.window.input), ([0; 4], [10, 10]));
}

#[test]
fn clamps_end_at_the_integers_of_their_ends() {
	let clamp = |low, high| {
		let nodes = vec![
			linear(0, vec![1.0], vec![0.0]),
			node("clamp", FloatOp::Clamp { input: 1, low, high }),
		];
		let float = network(1, nodes);
		let records = (-100..=100).map(|x| vec![x as f32 / 10.0]).collect::<Vec<_>>();
		let quantised = quantise_named(&float, "clamp", &records).unwrap();
		let exponent = quantised.origins[1].grid.scales[0].exponent;
		let clamp = requantisations(&quantised)[0].clone();
		(exponent, clamp.low, clamp.high)
	};
	assert_eq!(clamp(0.0, 6.0), (5, 0, 192));
	assert_eq!(clamp(0.0, f32::INFINITY), (3, 0, 255), "no finer than the input");
	assert_eq!(clamp(-1.0, 3.0), (5, -32, 96));
	assert_eq!(clamp(2.0, 3.5), (7, 256, 448));
}

#[test]
fn leaky_relus_shift_the_negative_side_further_and_share_the_range_out() {
	let nodes = vec![
		linear(0, vec![1.0], vec![0.0]),
		node("leaky", FloatOp::LeakyRelu { input: 1, shift: 3 }),
		linear(2, vec![1.0], vec![0.0]),
	];
	let float = network(1, nodes);
	let records = (-70..=70).map(|x| vec![x as f32 / 10.0]).collect::<Vec<_>>();
	let quantised = quantise_named(&float, "leaky", &records).unwrap();
	let leaky = requantisations(&quantised)[0];
	assert_eq!((leaky.leak, quantised.origins[1].grid.scales[0].exponent), (3, 5));
	assert!(leaky.low < -28 && leaky.low > -64 && leaky.high == leaky.low + 255, "{leaky:?}");
	assert!(relative_error(&float, &quantised, &records) < 0.01);
}

#[test]
fn steps_are_exact() {
	let float = network(
		2,
		vec![linear(0, vec![0.5, -0.25], vec![0.125]), node("step", FloatOp::Step { input: 1 })],
	);
	let records = (0..64).map(|x| vec![(x % 8) as f32 - 4.0, (x / 8) as f32 - 4.0]);
	let records = records.collect::<Vec<_>>();
	let quantised = quantise_named(&float, "step", &records).unwrap();
	for record in &records {
		let (integer, real) = outputs(&float, &quantised.network, record);
		assert_eq!(integer[0], f64::from(real[0]), "{record:?}");
	}
}

#[test]
fn averages_over_powers_of_two_have_weights_of_one() {
	let float = network(16, vec![average(0, 1, 4, 2), dense(1, 4, 2, 5)]);
	let quantised = quantise_named(&float, "average", &images(10, 16)).unwrap();
	let Node::Conv { weights, .. } = &quantised.network.nodes[0] else { panic!() };
	assert_eq!(weights, &[1; 4]);
	let grid = &quantised.origins[0].grid;
	assert_eq!((grid.factor, grid.scales[0].exponent), (1.0, 8 + 2));
	assert!(matches!(quantised.network.nodes[1], Node::Linear { input: 1, .. }));
}

#[test]
fn other_averages_leave_the_divisor_to_the_next_weights() {
	let (float, records) =
		(network(81, vec![average(0, 1, 9, 3), dense(1, 9, 2, 5)]), images(10, 81));
	let quantised = quantise_named(&float, "average", &records).unwrap();
	let Node::Conv { weights, .. } = &quantised.network.nodes[0] else { panic!() };
	assert_eq!(weights, &[1; 9]);
	let factor = quantised.origins[0].grid.factor;
	assert!((factor - 8.0 / 9.0).abs() < 1e-7, "{factor}");
	assert_eq!(quantised.origins[1].grid.factor, 1.0);
	assert!(relative_error(&float, &quantised, &records) < 0.01);
}

#[test]
fn averages_that_are_revealed_have_an_integer_divisor() {
	let (float, records) = (network(81, vec![average(0, 1, 9, 3)]), images(10, 81));
	let quantised = quantise_named(&float, "average", &records).unwrap();
	let Node::Conv { weights, .. } = &quantised.network.nodes[0] else { panic!() };
	assert_eq!(weights, &[57; 9], "57/512");
	assert!(relative_error(&float, &quantised, &records) < 0.01);
	let options = QuantiseOptions { name: "label".into(), reveal: Reveal::Label };
	let quantised = quantise(&float, &options, &records).unwrap();
	let Node::Conv { weights, .. } = &quantised.network.nodes[0] else { panic!() };
	assert_eq!(weights, &[1; 9], "the largest stays the largest");
}

#[test]
fn sums_are_requantised_where_that_is_cheaper_than_their_width() {
	// Sixteen sums, 64 at a time: six more bits.
	let pooled = |rows: usize| {
		let nodes =
			vec![average(0, 16, 8, 8), dense(1, 16, rows, 3), relu(2), dense(3, rows, 1, 4)];
		let quantised = quantise_named(&network(1024, nodes), "sums", &images(4, 1024)).unwrap();
		requantisations(&quantised).len() - 1
	};
	assert_eq!((pooled(4), pooled(200)), (0, 1));
}

#[test]
fn constants_are_added_to_wide_sums_without_requantisation() {
	let nodes = vec![
		dense(0, 4, 3, 1),
		node(
			"double",
			FloatOp::Affine { input: 1, scale: vec![2.0; 3], bias: vec![0.3, 0.2, 0.1] },
		),
	];
	let (float, records) = (network(4, nodes), images(10, 4));
	let quantised = quantise_named(&float, "moved", &records).unwrap();
	assert!(requantisations(&quantised).is_empty());
	let exponent = |node: usize| quantised.origins[node].grid.scales[0].exponent;
	assert_eq!(exponent(2), exponent(0) - 1);
	assert!(relative_error(&float, &quantised, &records) < 0.01);
}

#[test]
fn scalings_have_a_weight_per_element() {
	let nodes = vec![
		dense(0, 4, 3, 1),
		relu(1),
		node(
			"scale",
			FloatOp::Affine { input: 2, scale: vec![0.5, -3.0, 0.01], bias: vec![0.0; 3] },
		),
		relu(3),
		dense(4, 3, 2, 3),
	];
	let (float, records) = (network(4, nodes), images(10, 4));
	let quantised = quantise_named(&float, "scale", &records).unwrap();
	let Node::Affine { weights, .. } = &quantised.network.nodes[2] else { panic!() };
	assert!(weights.iter().all(|weight| weight.unsigned_abs() >= 64), "{weights:?}");
	assert_eq!(quantised.origins[2].grid.scales.len(), 3);
	assert!(relative_error(&float, &quantised, &records) < 0.02);
}

/// Two activations of very different size, one after the other, and a constant.
fn concatenation() -> Vec<FloatNode> {
	let positive = |seed: u64, factor: f32| {
		random_numbers(seed, 12).into_iter().map(|x| factor * x.abs()).collect::<Vec<_>>()
	};
	let picks = (0..6).map(|element| Pick::Element { operand: element / 3, element: element % 3 });
	let picks = picks.chain([Pick::Constant(0.5)]).collect();
	vec![
		linear(0, positive(1, 1.0), vec![0.0; 3]),
		relu(1),
		linear(0, positive(2, 40.0), vec![0.0; 3]),
		relu(3),
		node("concat", FloatOp::Gather { inputs: vec![2, 4], picks }),
	]
}

#[test]
fn gathered_values_keep_their_scales_for_weights() {
	let mut nodes = concatenation();
	nodes.push(dense(5, 7, 2, 3));
	let (float, records) = (network(4, nodes), images(20, 4));
	let quantised = quantise_named(&float, "concat", &records).unwrap();
	let Node::Gather { inputs, .. } = &quantised.network.nodes[4] else { panic!() };
	assert!(inputs.iter().all(|(_, shift)| *shift == 0), "{inputs:?}");
	let error = relative_error(&float, &quantised, &records);
	assert!(error < 0.02, "{error}");
}

#[test]
fn gathered_values_are_aligned_for_the_output() {
	let (float, records) = (network(4, concatenation()), images(20, 4));
	let quantised = quantise_named(&float, "concat", &records).unwrap();
	let Node::Gather { inputs, picks } = &quantised.network.nodes[4] else { panic!() };
	assert!(inputs[0].1 == 0 && inputs[1].1 >= 4, "{inputs:?}");
	let exponent = quantised.network.output_exponent;
	assert_eq!(picks[6], Pick::Constant(1 << (exponent - 1)));
	assert!(relative_error(&float, &quantised, &records) < 0.01);
}

fn forest(thresholds: &[(usize, f32)]) -> FloatNode {
	let trees = thresholds.iter().map(|(feature, threshold)| {
		let split = TreeNode::Split { feature: *feature, threshold: *threshold, left: 1, right: 2 };
		let leaf = |output: usize| TreeNode::Leaf(vec![(output, 0.01f32)]);
		Tree { nodes: vec![split, leaf(0), leaf(1)] }
	});
	let forest = Forest { base: vec![0.0, 0.0], trees: trees.collect() };
	node("forest", FloatOp::Trees { input: 0, forest })
}

#[test]
fn trees_decide_as_with_real_numbers() {
	// The second feature's thresholds are closer than 1/255 of its range.
	let forest = forest(&[(0, 2.45), (0, 1.75), (1, 0.5003), (1, 0.5006), (1, 0.5009)]);
	let float = network(2, vec![forest]);
	let second = [0.0, 0.5, 0.5004, 0.5007, 0.501, 1.0, 30.0];
	let records = (0..210).map(|i| vec![(i / 7) as f32 / 10.0, second[i % 7]]).collect::<Vec<_>>();
	let quantised = quantise_named(&float, "forest", &records).unwrap();
	for record in &records {
		let (integer, real) = outputs(&float, &quantised.network, record);
		for (integer, real) in integer.iter().zip(real) {
			assert!((integer - f64::from(real)).abs() < 1e-5, "{record:?}: {integer} for {real}");
		}
	}
}

#[test]
fn trees_read_at_most_nine_bits_of_hidden_values() {
	let mut forest = forest(&[(0, 0.1), (1, 0.2)]);
	if let FloatOp::Trees { input, .. } = &mut forest.op {
		*input = 1;
	}
	let float = network(3, vec![dense(0, 3, 2, 4), forest]);
	let quantised = quantise_named(&float, "forest", &images(20, 3)).unwrap();
	assert!(matches!(quantised.network.nodes[1], Node::Requantise { .. }));
	assert!(matches!(quantised.network.nodes[2], Node::Trees { input: 2, .. }));
}

#[test]
fn labels_are_revealed_without_logits() {
	let (float, records) = (convolutional(), images(40, 64));
	let logits = quantise_named(&float, "cnn", &records).unwrap().network;
	let options = QuantiseOptions { name: "label".into(), reveal: Reveal::Label };
	let label = quantise(&float, &options, &records).unwrap().network;
	assert!(label.reveals_label() && !logits.reveals_label());
	assert_eq!((label.output_len(), label.output_exponent), (1, 0));
	for record in &records {
		let input = logits.quantise_input(record).unwrap();
		let (logits_trace, label_trace) =
			(logits.infer(&input).unwrap(), label.infer(&input).unwrap());
		assert_eq!(logits.class(logits_trace.output()), label.class(label_trace.output()));
	}
}

#[test]
fn an_earlier_value_can_be_the_output() {
	let nodes =
		vec![linear(0, vec![0.5, 2.0], vec![0.25]), node("same", FloatOp::bias(1, vec![0.0]))];
	let float = network(2, nodes);
	let records = images(5, 2);
	let quantised = quantise_named(&float, "same", &records).unwrap();
	assert!(relative_error(&float, &quantised, &records) < 0.01);
	let rescaled = |scale| {
		network(
			2,
			vec![relu(0), node("scale", FloatOp::Affine { input: 1, scale, bias: vec![0.0; 2] })],
		)
	};
	let quantised = quantise_named(&rescaled(vec![4.0; 2]), "same", &records).unwrap();
	assert_eq!(quantised.network.nodes.len(), 1, "only the scale changes");
	let error = relative_error(&rescaled(vec![4.0; 2]), &quantised, &records);
	assert!(error < 0.01, "{error}");
}

#[test]
fn the_number_of_processors_changes_nothing() {
	let (float, records) = (convolutional(), images(37, 64));
	let with = |threads: usize| {
		let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
		pool.install(|| quantise_named(&float, "cnn", &records).unwrap())
	};
	assert_eq!(with(1), with(3));
}
