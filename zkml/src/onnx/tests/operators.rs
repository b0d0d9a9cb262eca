// SPDX-License-Identifier: Apache-2.0

//! What the comparison with tract does not show: how operators become nodes, and what is refused.

use super::*;
use crate::float::FloatOp;

fn conv(inputs: &[&str]) -> NodeProto {
	node("Conv", inputs, "y")
}

/// The operations of a model, by name.
fn operations(model: &ModelProto) -> Vec<&'static str> {
	let name = |op: &FloatOp| match op {
		FloatOp::Linear { .. } => "linear",
		FloatOp::Conv { .. } => "conv",
		FloatOp::Affine { .. } => "affine",
		FloatOp::Add { .. } => "add",
		FloatOp::Clamp { .. } => "clamp",
		FloatOp::LeakyRelu { .. } => "leaky",
		FloatOp::MaxPool { .. } => "pool",
		FloatOp::Gather { .. } => "gather",
		FloatOp::Step { .. } => "step",
		FloatOp::Trees { .. } => "trees",
	};
	load(model).unwrap().nodes.iter().map(|node| name(&node.op)).collect()
}

#[test]
fn normalisation_disappears_and_pools_come_before_activations() {
	let nodes = vec![
		node("Conv", &["x", "w"], "c"),
		node("BatchNormalization", &["c", "two", "one", "one", "two"], "n"),
		node("Relu", &["n"], "r"),
		with_ints(node("MaxPool", &["r"], "p"), "kernel_shape", &[2, 2]),
		node("Dropout", &["p"], "d"),
		node("Flatten", &["d"], "f"),
		node("MatMul", &["f", "b"], "m"),
		node("Add", &["m", "one"], "s"),
		node("Softmax", &["s"], "y"),
	];
	let constants = vec![
		floats("w", &[1, 1, 1, 1], &[1.0]),
		floats("one", &[1], &[1.0]),
		floats("two", &[1], &[2.0]),
		floats("b", &[1, 2], &[1.0, -1.0]),
	];
	let model = model(&[0, 1, 2, 2], nodes, constants);
	assert_eq!(operations(&model), ["conv", "pool", "clamp", "linear"]);
	let names = load(&model).unwrap().nodes.into_iter().map(|node| node.name);
	assert_eq!(
		names.collect::<Vec<_>>(),
		["my_conv (Conv)", "my_maxpool (MaxPool)", "my_relu (Relu)", "my_matmul (MatMul)"]
	);
	let logits = output(&model, &[1.0, 2.0, 3.0, 0.0]);
	let largest = 2.0 * (3.0 - 1.0) / (2.0f32 + 1e-5).sqrt() + 1.0;
	assert!((logits[0] - (largest + 1.0)).abs() < 1e-5, "{logits:?}");
}

#[test]
fn quantised_activations_become_one_clamp() {
	// Zero points at the type's minimum make the clamp a ReLU, which is one with the ReLU before it.
	for (zero, data_type, low) in
		[(0, data_type::UINT8, 0.0), (-128, data_type::INT8, 0.0), (100, data_type::UINT8, -5.0)]
	{
		let nodes = vec![
			node("MatMul", &["x", "b"], "m"),
			node("QuantizeLinear", &["m", "scale", "zero"], "q"),
			node("DequantizeLinear", &["q", "scale", "zero"], "d"),
			node("MatMul", &["d", "c"], "y"),
		];
		let constants = vec![
			floats("b", &[2, 2], &[1.0, 2.0, 3.0, 4.0]),
			floats("c", &[2, 1], &[1.0, 1.0]),
			floats("scale", &[], &[0.05]),
			small("zero", &[], data_type, &[zero]),
		];
		let network = load(&model(&[0, 2], nodes, constants)).unwrap();
		let FloatOp::Clamp { low: found, high, .. } = network.nodes[1].op else {
			panic!("{network:?}")
		};
		assert_eq!(found, low);
		assert!((high - low - 12.75).abs() < 1e-5, "255 steps, found {low} to {high}");
	}
}

#[test]
fn integers_with_another_scale_mean_other_numbers() {
	let nodes = vec![
		node("Neg", &["x"], "n"),
		node("QuantizeLinear", &["n", "one", "z1"], "q"),
		node("DequantizeLinear", &["q", "two", "z2"], "y"),
	];
	let constants = vec![
		floats("one", &[], &[1.0]),
		floats("two", &[], &[2.0]),
		small("z1", &[], data_type::INT8, &[10]),
		small("z2", &[], data_type::INT8, &[4]),
	];
	// −3 is stored as 7, which means 2 · (7 − 4).
	assert_eq!(output(&model(&[0, 1], nodes, constants), &[3.0]), [6.0]);
}

#[test]
fn constants_fold_before_they_are_used() {
	let nodes = vec![
		node("Transpose", &["b"], "bt"),
		node("QuantizeLinear", &["bt", "scale"], "q"),
		node("DequantizeLinear", &["q", "scale"], "w"),
		node("Mul", &["w", "half"], "h"),
		node("Squeeze", &["h"], "s"),
		node("Reshape", &["s", "to"], "r"),
		with_int(node("Cast", &["r"], "f"), "to", 1),
		node("MatMul", &["x", "f"], "y"),
	];
	let constants = vec![
		floats("b", &[2, 2], &[1.1, 2.0, 3.0, 4.0]),
		floats("scale", &[], &[0.5]),
		floats("half", &[], &[0.5]),
		integers("to", &[2, 2]),
	];
	let model = model(&[0, 2], nodes, constants);
	assert_eq!(operations(&model), ["linear"]);
	assert_eq!(output(&model, &[1.0, 10.0]), [10.5, 21.5]);
}

#[test]
fn before_version_13_softmax_takes_all_axes_from_its_own() {
	let network = |version: i64, dims: &[i64], axis: Option<i64>| {
		let softmax = node("Softmax", &["r"], "y");
		let softmax = axis.iter().fold(softmax, |node, axis| with_int(node, "axis", *axis));
		let mut model = model(dims, vec![node("Relu", &["x"], "r"), softmax], vec![]);
		model.opset_import[0].version = version;
		load(&model).map(|network| network.ending)
	};
	for dims in [[0, 3, 1, 1], [0, 1, 1, 3]] {
		assert_eq!(network(12, &dims, None), Ok(Some(Ending::Softmax)), "{dims:?}");
	}
	assert_eq!(network(13, &[0, 1, 1, 3], None), Ok(Some(Ending::Softmax)));
	// Of single elements every one: not of the vector.
	assert!(network(13, &[0, 3, 1, 1], None).is_err());
	assert!(network(13, &[0, 1, 1, 3], Some(1)).is_err());
	assert!(network(12, &[0, 3, 1, 1], Some(2)).is_err());
}

#[test]
fn logits_may_lie_along_any_one_axis() {
	let nodes = vec![
		node("GlobalAveragePool", &["x"], "g"),
		with_int(node("Softmax", &["g"], "y"), "axis", 1),
	];
	let network = load(&model(&[0, 3, 2, 2], nodes, vec![])).unwrap();
	assert_eq!(network.ending, Some(Ending::Softmax));
	let nodes = vec![node("Relu", &["x"], "r"), node("Sigmoid", &["r"], "y")];
	assert_eq!(load(&model(&[0, 1], nodes, vec![])).unwrap().ending, Some(Ending::Sigmoid));
	let complement = |output: &str| {
		let sigmoid = node("Sigmoid", &["r"], "p");
		vec![node("Relu", &["x"], "r"), sigmoid, node("Sub", &["one", "p"], output)]
	};
	let one = || vec![floats("one", &[], &[1.0])];
	assert_eq!(
		refusal(&[0, 1], complement("y"), one()),
		"node \"my_sub\" (Sub): expected the graph to end with a probability, found what it lacks to 1"
	);
	// What skl2onnx writes for a perceptron of two classes.
	let both = vec![
		with_int(node("Concat", &["q", "p"], "both"), "axis", 1),
		with_int(node("ArgMax", &["both"], "y"), "axis", 1),
	];
	let nodes = [complement("q"), both].concat();
	let network = load(&model(&[0, 1], nodes, one())).unwrap();
	assert_eq!((network.ending, network.nodes.len()), (Some(Ending::ArgMax), 1));
	let nodes = vec![
		node("Relu", &["x"], "r"),
		node("LogSoftmax", &["r"], "p"),
		with_int(node("ArgMax", &["p"], "y"), "axis", -1),
	];
	assert_eq!(load(&model(&[0, 2], nodes, vec![])).unwrap().ending, Some(Ending::ArgMax));
}

#[test]
fn operators_that_are_listed_are_known_and_others_are_not() {
	let message = |operator: &str, domain: &str| {
		let unknown = NodeProto { domain: domain.into(), ..node(operator, &["x"], "y") };
		let mut model = model(&[0, 2], vec![unknown], vec![]);
		let set = OperatorSetIdProto { domain: "ai.onnx.ml".into(), version: 3 };
		model.opset_import.push(set);
		load(&model).err().map_or(String::new(), |error| error.to_string())
	};
	for (operators, domain) in [(OPERATORS.as_slice(), ""), (&ML_OPERATORS, "ai.onnx.ml")] {
		assert!(operators.is_sorted());
		for operator in operators {
			assert!(!message(operator, domain).contains("is not supported;"), "{operator}");
		}
	}
	for operator in ["Erf", "HardSigmoid", "LSTM", "Resize"] {
		let name = operator.to_lowercase();
		assert_eq!(
			message(operator, ""),
			format!(
				"node \"my_{name}\": operator {operator} is not supported; supported are {}; of ai.onnx.ml: {}",
				OPERATORS.join(", "),
				ML_OPERATORS.join(", ")
			)
		);
	}
	let foreign = message("Gelu", "com.example");
	assert!(foreign.starts_with(
		"node \"my_gelu\": operator Gelu of \"com.example\" is not supported; supported are"
	));
}

#[test]
fn refusals_say_what_was_expected_and_found() {
	let relu = || node("Relu", &["x"], "r");
	let image = [0, 4, 5, 5];
	let weights =
		|dims: &[i64]| floats("w", dims, &vec![0.5; dims.iter().product::<i64>() as usize]);
	let pool = |name: &str| with_ints(node(name, &["x"], "y"), "kernel_shape", &[2, 2]);
	for (nodes, constants, message) in [
		(
			vec![conv(&["x", "w"])],
			vec![weights(&[2, 3, 2, 2])],
			"node \"my_conv\" (Conv): attribute group: expected groups that divide 4 channels and the filters of W, found 1 groups for W of shape [2, 3, 2, 2]",
		),
		(
			vec![conv(&["x", "w"])],
			vec![weights(&[2, 4, 2])],
			"node \"my_conv\" (Conv): expected W of 4 axes, none of length 0, found shape [2, 4, 2]",
		),
		(
			vec![conv(&["x", "w"])],
			vec![weights(&[2, 4, 7, 2])],
			"node \"my_conv\" (Conv): expected an image that holds a window of [7, 2], with its padding, found shape [1, 4, 5, 5]",
		),
		(
			vec![with_ints(conv(&["x", "w"]), "kernel_shape", &[2, 3])],
			vec![weights(&[2, 4, 2, 2])],
			"node \"my_conv\" (Conv): attribute kernel_shape: expected the window of the weights, [2, 2], found [2, 3]",
		),
		(
			vec![with_ints(conv(&["x", "w"]), "strides", &[0, 1])],
			vec![weights(&[2, 4, 2, 2])],
			"node \"my_conv\" (Conv): attribute strides: expected 2 integers from 1 to 65536, found [0, 1]",
		),
		(
			vec![with_text(conv(&["x", "w"]), "auto_pad", "SAME")],
			vec![weights(&[2, 4, 2, 2])],
			"node \"my_conv\" (Conv): attribute auto_pad: expected NOTSET, VALID, SAME_UPPER or SAME_LOWER, found \"SAME\"",
		),
		(
			vec![conv(&["x", "w", "b"])],
			vec![weights(&[2, 4, 2, 2]), floats("b", &[3], &[0.0; 3])],
			"node \"my_conv\" (Conv): expected B of shape [2], found shape [3]",
		),
		(
			vec![conv(&["x", "x"])],
			vec![],
			"node \"my_conv\" (Conv): expected W to be a constant, found a computed value",
		),
		(
			vec![node("ConvTranspose", &["x", "w"], "y")],
			vec![weights(&[4, 2, 2, 2])],
			"node \"my_convtranspose\" (ConvTranspose): ConvTranspose is not supported: it makes images larger, and the networks here classify them or measure something; use Conv",
		),
		(
			vec![with_int(pool("MaxPool"), "storage_order", 1)],
			vec![],
			"node \"my_maxpool\" (MaxPool): attribute storage_order: expected 0, found 1",
		),
		(
			vec![with_ints(pool("MaxPool"), "pads", &[2, 0, 0, 0])],
			vec![],
			"node \"my_maxpool\" (MaxPool): expected windows that read more than padding, found shape [1, 4, 5, 5]",
		),
		(
			vec![
				NodeProto { output: strings(&["m", "places"]), ..pool("MaxPool") },
				node("Relu", &["places"], "y"),
			],
			vec![],
			"node \"my_maxpool\" (MaxPool): expected only its first output to be used, found \"places\" used",
		),
		(
			vec![relu(), node("Mul", &["x", "r"], "y")],
			vec![],
			"node \"my_mul\" (Mul): expected one operand to be a constant, found two that depend on the network's input: only sums and differences of computed values are supported",
		),
		(
			vec![node("Div", &["w", "x"], "y")],
			vec![weights(&[1])],
			"node \"my_div\" (Div): expected a divisor that is a constant, found one that depends on the network's input",
		),
		(
			vec![node("Div", &["x", "w"], "y")],
			vec![floats("w", &[1], &[0.0])],
			"node \"my_div\" (Div): expected a constant to divide by that is not 0, found 0 or a number near it in \"w\"",
		),
		(
			vec![with_float(node("LeakyRelu", &["x"], "y"), "alpha", 0.01)],
			vec![],
			"node \"my_leakyrelu\" (LeakyRelu): attribute alpha: expected 0 or a power of two from 2^-1 to 2^-15, the nearest being 2^-7 = 0.0078125, found 0.01",
		),
		(
			vec![node("PRelu", &["x", "w"], "y")],
			vec![weights(&[4, 1, 1])],
			"node \"my_prelu\" (PRelu): PRelu is not supported: its slopes are learned; use LeakyRelu, whose slope is a power of two",
		),
		(
			vec![node("Clip", &["x", "w", "w"], "y")],
			vec![weights(&[])],
			"node \"my_clip\" (Clip): expected a lower bound below the upper one, found 0.5 and 0.5",
		),
		(
			vec![node("BatchNormalization", &["x", "w", "w", "w", "w"], "y")],
			vec![weights(&[3])],
			"node \"my_batchnormalization\" (BatchNormalization): expected scale of shape [4], found shape [3]",
		),
		(
			vec![with_text(node("Pad", &["x", "p"], "y"), "mode", "reflect")],
			vec![integers("p", &[0; 8])],
			"node \"my_pad\" (Pad): attribute mode: expected constant, found \"reflect\"",
		),
		(
			vec![with_ints(node("Transpose", &["x"], "y"), "perm", &[0, 1, 2, 2])],
			vec![],
			"node \"my_transpose\" (Transpose): attribute perm: expected a permutation of the axes 0 to 3, found [0, 1, 2, 2]",
		),
		(
			vec![relu(), with_int(node("Concat", &["x", "r", "w"], "y"), "axis", 1)],
			vec![weights(&[1, 4, 5, 4])],
			"node \"my_concat\" (Concat): expected inputs like [1, 4, 5, 5] but for axis 1, found shape [1, 4, 5, 4]",
		),
		(
			vec![with_ints(node("Squeeze", &["x"], "y"), "axes", &[1])],
			vec![],
			"node \"my_squeeze\" (Squeeze): expected length 1 along axis 1, found shape [1, 4, 5, 5]",
		),
		(
			vec![with_int(node("Gather", &["x", "at"], "y"), "axis", 1)],
			vec![integers("at", &[4])],
			"node \"my_gather\" (Gather): expected places from -4 to 4 along axis 1, found 4",
		),
		(
			vec![with_ints(node("ReduceMean", &["x"], "y"), "axes", &[1])],
			vec![],
			"node \"my_reducemean\" (ReduceMean): expected a mean over the last axes, such as [-2, -1] of an image, found axes before others",
		),
		(
			vec![with_int(node("Cast", &["x"], "y"), "to", 7)],
			vec![],
			"node \"my_cast\" (Cast): attribute to: expected a floating-point type, 1, 10, 11 or 16, found 7",
		),
		(
			vec![node("QuantizeLinear", &["x", "w"], "q"), node("Relu", &["q"], "y")],
			vec![weights(&[])],
			"node \"my_relu\" (Relu): expected the input to be real numbers, found a quantised value: insert a DequantizeLinear",
		),
		(
			vec![node("DequantizeLinear", &["x", "w"], "y")],
			vec![weights(&[])],
			"node \"my_dequantizelinear\" (DequantizeLinear): expected a quantised value, found real numbers: insert a QuantizeLinear",
		),
		(
			vec![node("QuantizeLinear", &["x", "w"], "y")],
			vec![floats("w", &[], &[-1.0])],
			"node \"my_quantizelinear\" (QuantizeLinear): expected scales above 0, found -1",
		),
		(
			vec![node("ConvInteger", &["x", "w"], "y")],
			vec![],
			"node \"my_convinteger\" (ConvInteger): scales that are computed from the input are not supported: quantise the network statically, or export it in floating point",
		),
		(
			vec![node("Relu", &["x"], "y")],
			vec![small("w", &[1], data_type::INT8, &[200])],
			"constant \"w\": expected integers from -128 to 127, found 200",
		),
		(
			vec![node("Add", &["x", "w"], "y")],
			vec![TensorProto { string_data: vec![b"a".to_vec()], data_type: data_type::STRING, ..floats("w", &[1], &[]) }],
			"constant \"w\": expected floating-point elements, found text",
		),
	] {
		assert_eq!(refusal(&image, nodes, constants), message);
	}
}

#[test]
fn outputs_that_are_not_one_are_refused_by_name() {
	let nodes = vec![node("Relu", &["x"], "y"), node("Neg", &["x"], "z")];
	let mut model = model(&[0, 2], nodes, vec![]);
	model.graph.as_mut().unwrap().output.push(value("z", &[0, 2]));
	assert_eq!(
		load(&model).unwrap_err().to_string(),
		"expected a graph with exactly one output, found 2: \"y\", \"z\""
	);
}
