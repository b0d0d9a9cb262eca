// SPDX-License-Identifier: Apache-2.0

//! Every operator of the default set against tract, an ONNX engine of other authors, on random
//! shapes, parameters and inputs.

use super::*;
use proptest::prelude::*;
use rand::{rngs::StdRng, Rng, SeedableRng};
use tract_onnx::prelude::{
	tvec, Datum, Framework, InferenceFact, InferenceModelExt, IntoRunnable, Tensor as Reference,
	TypedModel,
};

fn random(rng: &mut StdRng, count: usize) -> Vec<f32> {
	(0..count).map(|_| rng.gen_range(-1.0..1.0)).collect()
}

fn count(dims: &[i64]) -> usize {
	dims.iter().product::<i64>() as usize
}

/// A random constant.
fn weights(rng: &mut StdRng, name: &str, dims: &[i64]) -> TensorProto {
	floats(name, dims, &random(rng, count(dims)))
}

/// What tract computes.
fn reference(model: &ModelProto, dims: &[i64], input: &[f32]) -> Vec<f32> {
	let mut model = model.clone();
	let graph = model.graph.as_mut().unwrap();
	// tract infers the output's shape, and wants every node to have a name of its own.
	graph.output[0].r#type = None;
	for (index, node) in graph.node.iter_mut().enumerate() {
		node.name = format!("node {index}");
	}
	let dims = dims.iter().map(|dim| *dim as usize).collect::<Vec<_>>();
	let fact = InferenceFact::dt_shape(f32::datum_type(), dims.as_slice());
	let typed: TypedModel = tract_onnx::onnx()
		.model_for_read(&mut model.encode_to_vec().as_slice())
		.and_then(|model| model.with_input_fact(0, fact))
		.and_then(|model| model.into_typed())
		.expect("tract reads the model");
	let input = Reference::from_shape(&dims, input).unwrap();
	let outputs = typed.into_runnable().unwrap().run(tvec!(input.into())).unwrap();
	outputs[0]
		.cast_to::<f32>()
		.unwrap()
		.to_plain_array_view::<f32>()
		.unwrap()
		.iter()
		.copied()
		.collect()
}

/// Compares a model with tract on a random input, with a tolerance relative to numbers above 1.
fn agree_within(tolerance: f32, dims: &[i64], nodes: Vec<NodeProto>, constants: Vec<TensorProto>) {
	let mut rng = StdRng::seed_from_u64(7);
	let input = random(&mut rng, count(dims));
	let model = model(dims, nodes, constants);
	let (ours, theirs) = (output(&model, &input), reference(&model, dims, &input));
	assert_eq!(ours.len(), theirs.len(), "of {model:?}");
	for (index, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
		let difference = (ours - theirs).abs();
		assert!(
			difference <= tolerance * theirs.abs().max(1.0),
			"element {index}: {ours} instead of {theirs} of {model:?}"
		);
	}
}

fn agree(dims: &[i64], nodes: Vec<NodeProto>, constants: Vec<TensorProto>) {
	agree_within(1e-4, dims, nodes, constants);
}

/// The geometry of a window along one axis, and a length that holds it.
#[derive(Clone, Copy, Debug)]
struct Axis {
	length: i64,
	kernel: i64,
	stride: i64,
	dilation: i64,
	pads: [i64; 2],
}

fn axis() -> impl Strategy<Value = Axis> {
	(1i64..4, 1i64..4, 1i64..3, 0i64..5, 0i64..3, 0i64..3).prop_map(
		|(kernel, stride, dilation, more, begin, end)| {
			let extent = (kernel - 1) * dilation + 1;
			// Pads below the window's extent; PyTorch wants at most half of it for pools.
			let pads = [begin.min(kernel / 2), end.min(kernel / 2)];
			Axis { length: extent + more, kernel, stride, dilation, pads }
		},
	)
}

/// Attributes of a window over one or two axes.
fn windowed(node: NodeProto, axes: &[Axis], padding: Padding, dilated: bool) -> NodeProto {
	let each = |of: fn(&Axis) -> i64| axes.iter().map(of).collect::<Vec<_>>();
	let pads = [each(|axis| axis.pads[0]), each(|axis| axis.pads[1])].concat();
	let node = with_ints(node, "kernel_shape", &each(|axis| axis.kernel));
	let node = with_ints(node, "strides", &each(|axis| axis.stride));
	let node =
		if dilated { with_ints(node, "dilations", &each(|axis| axis.dilation)) } else { node };
	match padding {
		Padding::Explicit => with_ints(node, "pads", &pads),
		Padding::Auto(name) => with_text(node, "auto_pad", name),
	}
}

#[derive(Clone, Copy, Debug)]
enum Padding {
	Explicit,
	Auto(&'static str),
}

fn padding() -> impl Strategy<Value = Padding> {
	prop_oneof![
		4 => Just(Padding::Explicit),
		1 => Just(Padding::Auto("VALID")),
		1 => Just(Padding::Auto("SAME_UPPER")),
		1 => Just(Padding::Auto("SAME_LOWER")),
	]
}

fn dims_of(channels: i64, axes: &[Axis]) -> Vec<i64> {
	[vec![1, channels], axes.iter().map(|axis| axis.length).collect()].concat()
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(48))]

	#[test]
	fn convolutions_agree(
		axes in prop::collection::vec(axis(), 1..=2),
		padding in padding(),
		groups in 1i64..4,
		per_group in 1i64..3,
		filters in 1i64..3,
		biased in any::<bool>(),
		seed: u64,
	) {
		let mut rng = StdRng::seed_from_u64(seed);
		let kernel = axes.iter().map(|axis| axis.kernel).collect::<Vec<_>>();
		let filters = groups * filters;
		let shape = [vec![filters, per_group], kernel].concat();
		let mut constants = vec![weights(&mut rng, "w", &shape)];
		let mut inputs = vec!["x", "w"];
		if biased {
			constants.push(weights(&mut rng, "b", &[filters]));
			inputs.push("b");
		}
		let conv = windowed(node("Conv", &inputs, "y"), &axes, padding, true);
		agree(&dims_of(groups * per_group, &axes), vec![with_int(conv, "group", groups)], constants);
	}

	#[test]
	fn maximum_pools_agree(
		axes in prop::collection::vec(axis(), 1..=2),
		padding in padding(),
		channels in 1i64..4,
	) {
		let pool = windowed(node("MaxPool", &["x"], "y"), &axes, padding, true);
		agree(&dims_of(channels, &axes), vec![pool], vec![]);
	}

	#[test]
	fn average_pools_agree(
		axes in prop::collection::vec(axis(), 1..=2),
		padding in padding(),
		counts_padding in any::<bool>(),
		channels in 1i64..4,
	) {
		let axes = axes.iter().map(|axis| Axis { dilation: 1, ..*axis }).collect::<Vec<_>>();
		let pool = windowed(node("AveragePool", &["x"], "y"), &axes, padding, false);
		let pool = with_int(pool, "count_include_pad", counts_padding.into());
		agree(&dims_of(channels, &axes), vec![pool], vec![]);
	}

	#[test]
	fn arithmetic_agrees(
		dims in prop::collection::vec(1i64..4, 1..4),
		kept in prop::collection::vec(any::<bool>(), 4),
		operator in prop::sample::select(vec!["Add", "Sub", "Mul", "Div"]),
		first in any::<bool>(),
		seed: u64,
	) {
		let mut rng = StdRng::seed_from_u64(seed);
		let dims = [vec![1], dims].concat();
		let shape = dims.iter().zip(&kept).map(|(dim, kept)| if *kept { *dim } else { 1 });
		let shape = shape.collect::<Vec<_>>();
		let mut constant = weights(&mut rng, "c", &shape);
		constant.float_data.iter_mut().for_each(|c| *c = c.signum() * (c.abs() + 0.5));
		let first = first && operator != "Div";
		let inputs = if first { ["c", "x"] } else { ["x", "c"] };
		agree(&dims, vec![node(operator, &inputs, "y")], vec![constant]);
	}

	#[test]
	fn transpositions_agree(
		dims in prop::collection::vec(1i64..4, 1..4),
		order in Just([0i64, 1, 2, 3]).prop_shuffle(),
	) {
		let dims = [vec![1], dims].concat();
		let order = order.into_iter().filter(|axis| *axis < dims.len() as i64).collect::<Vec<_>>();
		agree(&dims, vec![with_ints(node("Transpose", &["x"], "y"), "perm", &order)], vec![]);
		agree(&dims, vec![node("Transpose", &["x"], "y")], vec![]);
	}

	#[test]
	fn slices_agree(
		dims in prop::collection::vec(2i64..6, 1..3),
		start in -2i64..2,
		end in 1i64..9,
		step in 1i64..3,
		reversed in any::<bool>(),
	) {
		let dims = [vec![1], dims].concat();
		let axis = dims.len() as i64 - 1;
		let last = dims[dims.len() - 1];
		let start = if start < 0 { start - last } else { start };
		let (start, end, step) = match reversed {
			true => (-1, -last - 1, -step),
			false => (start, end.max(start + 1), step),
		};
		let constants = vec![
			integers("s", &[start]),
			integers("e", &[end]),
			integers("a", &[axis]),
			integers("t", &[step]),
		];
		let slice = node("Slice", &["x", "s", "e", "a", "t"], "y");
		agree(&dims, vec![slice], constants);
	}

	#[test]
	fn padding_agrees(
		dims in prop::collection::vec(1i64..4, 1..4),
		pads in prop::collection::vec(0i64..3, 6),
		fill in -2f32..2.0,
	) {
		let rank = dims.len();
		let pads = [vec![0], pads[..rank].to_vec(), vec![0], pads[3..3 + rank].to_vec()].concat();
		let dims = [vec![1], dims].concat();
		let constants = vec![integers("p", &pads), floats("v", &[], &[fill])];
		agree(&dims, vec![node("Pad", &["x", "p", "v"], "y")], constants);
	}

	#[test]
	fn networks_of_many_layers_agree(
		seed: u64,
		pool in prop::sample::select(vec!["MaxPool", "AveragePool"]),
		stride in 1i64..3,
		channels in 1i64..4,
	) {
		let mut rng = StdRng::seed_from_u64(seed);
		let sides = [8, 7];
		let axis = |length| Axis { length, kernel: 3, stride, dilation: 1, pads: [1, 1] };
		let axes = sides.map(axis);
		let pooled = sides.map(|length| Axis { kernel: 2, stride: 2, pads: [0, 0], ..axis(length) });
		let mut constants = vec![
			weights(&mut rng, "w1", &[4, channels, 3, 3]),
			weights(&mut rng, "w2", &[4, 1, 3, 3]),
			weights(&mut rng, "scale", &[4]),
			weights(&mut rng, "bias", &[4]),
			weights(&mut rng, "mean", &[4]),
			floats("variance", &[4], &[0.5, 1.0, 1.5, 2.0]),
			integers("flat", &[1, -1]),
		];
		let even = axes.map(|axis| Axis { stride: 1, ..axis });
		let side = |length: i64| ((length - 1) / stride + 1) / 2;
		let features = 4 * side(sides[0]) * side(sides[1]);
		constants.push(weights(&mut rng, "w3", &[3, features]));
		let depthwise = windowed(node("Conv", &["r1", "w2"], "c2"), &even, Padding::Explicit, true);
		let nodes = vec![
			windowed(node("Conv", &["x", "w1"], "c1"), &axes, Padding::Explicit, true),
			node("BatchNormalization", &["c1", "scale", "bias", "mean", "variance"], "n1"),
			node("Relu", &["n1"], "r1"),
			with_int(depthwise, "group", 4),
			node("Add", &["c2", "r1"], "sum"),
			with_float(node("LeakyRelu", &["sum"], "leaky"), "alpha", 0.125),
			windowed(node(pool, &["leaky"], "pooled"), &pooled, Padding::Explicit, false),
			node("Reshape", &["pooled", "flat"], "features"),
			with_int(node("Gemm", &["features", "w3"], "y"), "transB", 1),
		];
		agree(&[1, channels, sides[0], sides[1]], nodes, constants);
	}
}

#[test]
fn pools_that_round_up_agree() {
	for (length, kernel, stride, pad) in [(5, 2, 2, 0), (6, 3, 2, 0), (7, 3, 3, 1), (5, 2, 3, 0)] {
		let axis = Axis { length, kernel, stride, dilation: 1, pads: [pad, pad] };
		for pool in ["MaxPool", "AveragePool"] {
			let pool = windowed(node(pool, &["x"], "y"), &[axis, axis], Padding::Explicit, false);
			agree(&dims_of(2, &[axis, axis]), vec![with_int(pool, "ceil_mode", 1)], vec![]);
		}
	}
}

#[test]
fn matrix_products_agree() {
	let mut rng = StdRng::seed_from_u64(1);
	let b = weights(&mut rng, "b", &[3, 5]);
	for dims in [vec![1, 3], vec![1, 1, 3]] {
		agree(&dims, vec![node("MatMul", &["x", "b"], "y")], vec![b.clone()]);
	}
	for dims in [vec![1, 5, 1], vec![1, 1, 5, 1]] {
		agree(&dims, vec![node("MatMul", &["b", "x"], "y")], vec![b.clone()]);
	}
	let gemm = with_float(node("Gemm", &["x", "b", "c"], "y"), "alpha", 0.5);
	let gemm = with_float(gemm, "beta", -2.0);
	agree(&[1, 3], vec![gemm], vec![b, weights(&mut rng, "c", &[5])]);
}

#[test]
fn activations_agree() {
	let clip = |inputs: &[&str]| vec![node("Clip", inputs, "y")];
	let bounds = || vec![floats("low", &[], &[-0.25]), floats("high", &[], &[0.5])];
	agree(&[1, 64], clip(&["x", "low", "high"]), bounds());
	agree(&[1, 64], clip(&["x", "", "high"]), bounds());
	agree(&[1, 64], clip(&["x", "low"]), bounds());
	agree(&[1, 64], vec![node("Relu", &["x"], "y")], vec![]);
	agree(&[1, 64], vec![node("Neg", &["x"], "y")], vec![]);
	let leaky = with_float(node("LeakyRelu", &["x"], "y"), "alpha", 0.25);
	agree(&[1, 64], vec![leaky], vec![]);
}

#[test]
fn differences_and_broadcast_sums_of_computed_values_agree() {
	let both = |operator: &str| {
		vec![
			node("Relu", &["x"], "r"),
			node("GlobalAveragePool", &["x"], "mean"),
			node(operator, &["r", "mean"], "y"),
		]
	};
	agree(&[1, 3, 2, 4], both("Add"), vec![]);
	agree(&[1, 3, 2, 4], both("Sub"), vec![]);
	let mut sum = both("Sum");
	sum[2].input.push("x".into());
	agree(&[1, 3, 2, 4], sum, vec![]);
}

#[test]
fn means_and_maxima_of_planes_agree() {
	for dims in [vec![1, 3, 5], vec![1, 2, 3, 4], vec![1, 2, 1, 1]] {
		let relu = || node("Relu", &["x"], "r");
		for pool in ["GlobalAveragePool", "GlobalMaxPool"] {
			agree(&dims, vec![relu(), node(pool, &["r"], "y")], vec![]);
		}
		let axes = (2..dims.len() as i64).collect::<Vec<_>>();
		for keeps in [0, 1] {
			let mean = with_ints(node("ReduceMean", &["r"], "y"), "axes", &axes);
			agree(&dims, vec![relu(), with_int(mean, "keepdims", keeps)], vec![]);
		}
	}
}

#[test]
fn shape_changes_agree() {
	let relu = || node("Relu", &["x"], "r");
	let dims = [1, 2, 1, 3];
	for (operator, constants) in [
		(node("Squeeze", &["r", "axes"], "y"), vec![integers("axes", &[-2])]),
		(node("Squeeze", &["r"], "y"), vec![]),
		(node("Unsqueeze", &["r", "axes"], "y"), vec![integers("axes", &[0, -1])]),
		(with_int(node("Flatten", &["r"], "y"), "axis", 2), vec![]),
		(node("Reshape", &["r", "to"], "y"), vec![integers("to", &[0, -1, 2])]),
		(with_int(node("Gather", &["r", "at"], "y"), "axis", 3), vec![integers("at", &[2, 0, -1])]),
		(node("Identity", &["r"], "y"), vec![]),
		(node("Dropout", &["r"], "y"), vec![]),
		(with_int(node("Cast", &["r"], "y"), "to", 1), vec![]),
		(with_int(node("Concat", &["r", "x", "r"], "y"), "axis", 1), vec![]),
		(
			with_int(node("Concat", &["c", "r"], "y"), "axis", -1),
			vec![floats("c", &[1, 2, 1, 2], &[1.0, 2.0, 3.0, 4.0])],
		),
	] {
		agree(&dims, vec![relu(), operator], constants);
	}
}

#[test]
fn parts_of_a_split_agree() {
	let split = NodeProto {
		output: strings(&["a", "b"]),
		..with_int(node("Split", &["x", "lengths"], ""), "axis", 1)
	};
	for part in ["a", "b"] {
		let nodes = vec![split.clone(), node("Relu", &[part], "y")];
		agree(&[1, 5, 2], nodes, vec![integers("lengths", &[2, 3])]);
	}
}

#[test]
fn shapes_that_exporters_compute_agree() {
	// What PyTorch writes for x.view(x.size(0), -1).
	let nodes = vec![
		node("Relu", &["x"], "r"),
		node("Shape", &["r"], "shape"),
		with_int(node("Gather", &["shape", "zero"], "batch"), "axis", 0),
		node("Unsqueeze", &["batch", "axes"], "first"),
		with_int(node("Concat", &["first", "rest"], "target"), "axis", 0),
		node("Reshape", &["r", "target"], "y"),
	];
	let zero = TensorProto { dims: vec![], ..integers("zero", &[0]) };
	let constants = vec![zero, integers("axes", &[0]), integers("rest", &[-1])];
	agree(&[1, 2, 3], nodes, constants);
}

/// Quantised weights, scales and zero points.
fn quantised_constants(rng: &mut StdRng, filters: i64) -> Vec<TensorProto> {
	let int8 = data_type::INT8;
	let elements = (0..filters * 2 * 9).map(|_| rng.gen_range(-127..128)).collect::<Vec<_>>();
	let scales = (0..filters).map(|_| rng.gen_range(0.005..0.01)).collect::<Vec<_>>();
	let bias = (0..filters).map(|_| rng.gen_range(-500..500)).collect::<Vec<_>>();
	vec![
		small("w", &[filters, 2, 3, 3], int8, &elements),
		floats("w_scale", &[filters], &scales),
		small("w_zero", &[filters], int8, &vec![0; filters as usize]),
		small("bias", &[filters], data_type::INT32, &bias),
		floats("x_scale", &[], &[1.0 / 127.0]),
		small("x_zero", &[], data_type::UINT8, &[128]),
		floats("y_scale", &[], &[0.02]),
		small("y_zero", &[], data_type::UINT8, &[100]),
	]
}

#[test]
fn quantised_convolutions_agree_within_a_step() {
	let mut rng = StdRng::seed_from_u64(3);
	let conv = node(
		"QLinearConv",
		&["q", "x_scale", "x_zero", "w", "w_scale", "w_zero", "y_scale", "y_zero", "bias"],
		"c",
	);
	let nodes = vec![
		node("QuantizeLinear", &["x", "x_scale", "x_zero"], "q"),
		with_ints(conv, "pads", &[1, 1, 1, 1]),
		node("DequantizeLinear", &["c", "y_scale", "y_zero"], "y"),
	];
	// The input's rounding moves the sum, the output's one step more.
	agree_within(0.04, &[1, 2, 5, 5], nodes, quantised_constants(&mut rng, 3));
}

#[test]
fn networks_between_quantisers_agree_within_a_step() {
	let mut rng = StdRng::seed_from_u64(5);
	let weights = with_int(node("DequantizeLinear", &["w", "w_scale", "w_zero"], "wr"), "axis", 0);
	let nodes = vec![
		node("QuantizeLinear", &["x", "x_scale", "x_zero"], "q"),
		node("DequantizeLinear", &["q", "x_scale", "x_zero"], "xr"),
		weights,
		node("Conv", &["xr", "wr"], "c"),
		node("QuantizeLinear", &["c", "y_scale", "y_zero"], "cq"),
		node("DequantizeLinear", &["cq", "y_scale", "y_zero"], "cr"),
		node("Relu", &["cr"], "y"),
	];
	agree_within(0.04, &[1, 2, 5, 5], nodes, quantised_constants(&mut rng, 3));
}

#[test]
fn quantised_matrix_products_agree_within_a_step() {
	let mut rng = StdRng::seed_from_u64(9);
	let elements = (0..12).map(|_| rng.gen_range(-127..128)).collect::<Vec<_>>();
	let constants = vec![
		floats("x_scale", &[], &[1.0 / 127.0]),
		small("x_zero", &[], data_type::INT8, &[0]),
		small("w", &[4, 3], data_type::INT8, &elements),
		floats("w_scale", &[], &[0.01]),
		small("w_zero", &[], data_type::INT8, &[3]),
		floats("y_scale", &[], &[0.02]),
		small("y_zero", &[], data_type::INT8, &[-5]),
	];
	let product = node(
		"QLinearMatMul",
		&["q", "x_scale", "x_zero", "w", "w_scale", "w_zero", "y_scale", "y_zero"],
		"m",
	);
	let nodes = vec![
		node("QuantizeLinear", &["x", "x_scale", "x_zero"], "q"),
		product,
		node("DequantizeLinear", &["m", "y_scale", "y_zero"], "y"),
	];
	agree_within(0.04, &[1, 4], nodes, constants);
}
