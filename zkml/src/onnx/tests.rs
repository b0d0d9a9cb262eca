// SPDX-License-Identifier: Apache-2.0

use super::{
	proto::{attribute_type, data_type, *},
	shape::Shape,
	*,
};
use crate::float::{Ending, FloatNetwork};
use prost::Message;

mod classical;
mod operators;
mod reference;
mod robustness;

fn strings(names: &[&str]) -> Vec<String> {
	names.iter().map(|name| name.to_string()).collect()
}

fn node(operator: &str, inputs: &[&str], output: &str) -> NodeProto {
	NodeProto {
		input: strings(inputs),
		output: strings(&[output]),
		name: format!("my_{}", operator.to_lowercase()),
		op_type: operator.into(),
		..Default::default()
	}
}

fn with_int(mut node: NodeProto, name: &str, i: i64) -> NodeProto {
	let r#type = attribute_type::INT;
	node.attribute.push(AttributeProto { name: name.into(), r#type, i, ..Default::default() });
	node
}

fn with_float(mut node: NodeProto, name: &str, f: f32) -> NodeProto {
	let r#type = attribute_type::FLOAT;
	node.attribute.push(AttributeProto { name: name.into(), r#type, f, ..Default::default() });
	node
}

fn with_ints(mut node: NodeProto, name: &str, ints: &[i64]) -> NodeProto {
	let (r#type, ints) = (attribute_type::INTS, ints.to_vec());
	node.attribute.push(AttributeProto { name: name.into(), r#type, ints, ..Default::default() });
	node
}

fn with_floats(mut node: NodeProto, name: &str, floats: &[f32]) -> NodeProto {
	let (r#type, floats) = (attribute_type::FLOATS, floats.to_vec());
	node.attribute.push(AttributeProto { name: name.into(), r#type, floats, ..Default::default() });
	node
}

fn with_text(mut node: NodeProto, name: &str, text: &str) -> NodeProto {
	let (r#type, s) = (attribute_type::STRING, text.as_bytes().to_vec());
	node.attribute.push(AttributeProto { name: name.into(), r#type, s, ..Default::default() });
	node
}

fn with_texts(mut node: NodeProto, name: &str, texts: &[&str]) -> NodeProto {
	let r#type = attribute_type::STRINGS;
	let strings = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
	node.attribute.push(AttributeProto {
		name: name.into(),
		r#type,
		strings,
		..Default::default()
	});
	node
}

/// A constant of small integers.
fn small(name: &str, dims: &[i64], data_type: i32, elements: &[i32]) -> TensorProto {
	TensorProto {
		dims: dims.to_vec(),
		data_type,
		int32_data: elements.to_vec(),
		name: name.into(),
		..Default::default()
	}
}

fn floats(name: &str, dims: &[i64], elements: &[f32]) -> TensorProto {
	TensorProto {
		dims: dims.to_vec(),
		data_type: data_type::FLOAT,
		float_data: elements.to_vec(),
		name: name.into(),
		..Default::default()
	}
}

fn integers(name: &str, elements: &[i64]) -> TensorProto {
	TensorProto {
		dims: vec![elements.len() as i64],
		data_type: data_type::INT64,
		int64_data: elements.to_vec(),
		name: name.into(),
		..Default::default()
	}
}

/// An input or output; 0 stands for a symbolic dimension.
fn value(name: &str, dims: &[i64]) -> ValueInfoProto {
	let dim = |dim: &i64| match dim {
		0 => DimensionProto { dim_value: None, dim_param: Some("batch".into()) },
		number => DimensionProto { dim_value: Some(*number), dim_param: None },
	};
	let shape = TensorShapeProto { dim: dims.iter().map(dim).collect() };
	let tensor = TensorTypeProto { elem_type: data_type::FLOAT, shape: Some(shape) };
	ValueInfoProto { name: name.into(), r#type: Some(TypeProto { tensor_type: Some(tensor) }) }
}

/// A model from `x` of a shape to `y`.
fn model(dims: &[i64], nodes: Vec<NodeProto>, constants: Vec<TensorProto>) -> ModelProto {
	ModelProto {
		ir_version: 8,
		opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 17 }],
		graph: Some(GraphProto {
			node: nodes,
			name: "test".into(),
			initializer: constants,
			input: vec![value("x", dims)],
			output: vec![value("y", &[0, 1])],
			sparse_initializer: vec![],
		}),
		metadata_props: vec![],
	}
}

fn load(model: &ModelProto) -> Result<FloatNetwork, OnnxError> {
	import(&model.encode_to_vec())
}

fn output(model: &ModelProto, input: &[f32]) -> Vec<f32> {
	load(model).unwrap().output(input).unwrap()
}

fn refusal(dims: &[i64], nodes: Vec<NodeProto>, constants: Vec<TensorProto>) -> String {
	load(&model(dims, nodes, constants)).unwrap_err().to_string()
}

/// A matrix of two rows and three columns, and its transpose.
const MATRIX: [f32; 6] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
const TRANSPOSED: [f32; 6] = [1.0, 4.0, 2.0, 5.0, 3.0, 6.0];

fn gemm() -> NodeProto {
	node("Gemm", &["x", "b", "c"], "y")
}

#[test]
fn gemm_multiplies_scales_and_adds() {
	let c = floats("c", &[3], &[10.0, 20.0, 30.0]);
	let plain = model(&[0, 2], vec![gemm()], vec![floats("b", &[2, 3], &MATRIX), c.clone()]);
	assert_eq!(output(&plain, &[1.0, -1.0]), vec![7.0, 17.0, 27.0]);
	let transposed = model(
		&[0, 2],
		vec![with_int(gemm(), "transB", 1)],
		vec![floats("b", &[3, 2], &TRANSPOSED), c.clone()],
	);
	assert_eq!(output(&transposed, &[1.0, -1.0]), vec![7.0, 17.0, 27.0]);
	let scaled = with_float(with_float(gemm(), "alpha", 2.0), "beta", 0.5);
	let scaled = model(&[0, 2], vec![scaled], vec![floats("b", &[2, 3], &MATRIX), c]);
	assert_eq!(output(&scaled, &[1.0, -1.0]), vec![-1.0, 4.0, 9.0]);
	let column =
		model(&[2, 1], vec![node("Identity", &["x"], "x2"), node("Relu", &["x2"], "y")], vec![]);
	assert!(load(&column).is_err(), "the batch dimension is 2");
}

#[test]
fn gemm_transposes_its_input() {
	let nodes = vec![
		node("Reshape", &["x", "shape"], "column"),
		with_int(node("Gemm", &["column", "b"], "y"), "transA", 1),
	];
	let constants = vec![integers("shape", &[2, 1]), floats("b", &[2, 3], &MATRIX)];
	assert_eq!(output(&model(&[1, 2], nodes, constants), &[1.0, 1.0]), vec![5.0, 7.0, 9.0]);
}

#[test]
fn gemm_broadcasts_its_bias() {
	for (dims, elements) in [(vec![], vec![5.0]), (vec![1], vec![5.0]), (vec![1, 3], vec![5.0; 3])]
	{
		let c = floats("c", &dims, &elements);
		let model = model(&[0, 2], vec![gemm()], vec![floats("b", &[2, 3], &MATRIX), c]);
		assert_eq!(output(&model, &[0.0, 0.0]), vec![5.0; 3], "C of shape {dims:?}");
	}
	let without = node("Gemm", &["x", "b", ""], "y");
	let model = model(&[0, 2], vec![without], vec![floats("b", &[2, 3], &MATRIX)]);
	assert_eq!(output(&model, &[1.0, 0.0]), vec![1.0, 2.0, 3.0]);
}

#[test]
fn matmul_and_add_become_one_linear_node() {
	let nodes = vec![node("MatMul", &["x", "b"], "xb"), node("Add", &["c", "xb"], "y")];
	let constants = vec![floats("b", &[2, 3], &MATRIX), floats("c", &[3], &[1.0, 1.0, 1.0])];
	for dims in [vec![0, 2], vec![2], vec![1, 1, 2]] {
		let model = model(&dims, nodes.clone(), constants.clone());
		assert_eq!(load(&model).unwrap().nodes.len(), 1);
		assert_eq!(output(&model, &[1.0, -1.0]), vec![-2.0, -2.0, -2.0], "x of shape {dims:?}");
	}
}

#[test]
fn add_joins_two_branches() {
	let nodes = vec![node("Relu", &["x"], "r"), node("Add", &["r", "x"], "y")];
	assert_eq!(output(&model(&[0, 2], nodes, vec![]), &[3.0, -4.0]), vec![6.0, -4.0]);
}

#[test]
fn shapes_change_without_a_node() {
	let nodes = vec![
		with_int(node("Flatten", &["x"], "flat"), "axis", -2),
		node("Reshape", &["flat", "shape"], "row"),
		node("Identity", &["row"], "same"),
		node("Gemm", &["same", "b2"], "y"),
		node("Identity", &["b"], "b2"),
	];
	let constants =
		vec![integers("shape", &[0, -1]), floats("b", &[4, 1], &[1.0, 10.0, 100.0, 1000.0])];
	let mut ordered = nodes.clone();
	ordered.swap(3, 4);
	let square = model(&[0, 2, 2], ordered, constants.clone());
	assert_eq!(load(&square).unwrap().input_len, 4);
	// Flattening at axis 1 (−2 of three) gives [1, 4].
	assert_eq!(output(&square, &[1.0, 2.0, 3.0, 4.0]), vec![4321.0]);
	assert!(matches!(load(&model(&[0, 2, 2], nodes, constants)), Err(OnnxError::Order { .. })));
}

#[test]
fn constants_come_from_nodes_and_raw_data() {
	let mut constant = node("Constant", &[], "b");
	let raw = TensorProto {
		float_data: vec![],
		raw_data: MATRIX.iter().flat_map(|x| x.to_le_bytes()).collect(),
		..floats("", &[2, 3], &[])
	};
	constant.attribute.push(AttributeProto {
		name: "value".into(),
		r#type: attribute_type::TENSOR,
		t: Some(raw),
		..Default::default()
	});
	let double = TensorProto {
		data_type: data_type::DOUBLE,
		float_data: vec![],
		double_data: vec![1.0, 1.0, 1.0],
		..floats("c", &[3], &[])
	};
	let from_node = model(&[0, 2], vec![constant, gemm()], vec![double]);
	assert_eq!(output(&from_node, &[1.0, 1.0]), vec![6.0, 8.0, 10.0]);
	let scalar = with_float(node("Constant", &[], "c"), "value_float", 0.5);
	let scalar = vec![scalar, node("Add", &["x", "c"], "y")];
	assert_eq!(output(&model(&[0, 2], scalar, vec![]), &[1.0, 2.0]), vec![1.5, 2.5]);
}

#[test]
fn endings_are_left_out_and_named() {
	let network = |nodes| load(&model(&[0, 2], nodes, vec![floats("b", &[2, 3], &MATRIX)]));
	let matmul = node("MatMul", &["x", "b"], "logits");
	for (ending, wanted) in [
		(node("Softmax", &["logits"], "y"), Ending::Softmax),
		(with_int(node("ArgMax", &["logits"], "y"), "axis", 1), Ending::ArgMax),
	] {
		let network = network(vec![matmul.clone(), ending]).unwrap();
		assert_eq!((network.ending, network.nodes.len()), (Some(wanted), 1));
	}
	let axis = network(vec![matmul.clone(), node("ArgMax", &["logits"], "y")]).unwrap_err();
	assert_eq!(
		axis.to_string(),
		"node \"my_argmax\" (ArgMax): attribute axis: expected the last axis, 1 or -1, found 0"
	);
	let early = vec![matmul, node("Softmax", &["logits"], "p"), node("Relu", &["p"], "y")];
	assert_eq!(
		network(early).unwrap_err().to_string(),
		"node \"my_softmax\" (Softmax): expected Softmax as the graph's last node, found its output used"
	);
}

#[test]
fn class_names_come_from_the_metadata() {
	let mut model = model(&[0, 2], vec![node("Relu", &["x"], "y")], vec![]);
	let property = StringStringEntryProto { key: "classes".into(), value: "ill, healthy".into() };
	model.metadata_props.push(property);
	assert_eq!(load(&model).unwrap().classes, strings(&["ill", "healthy"]));
}

#[test]
fn initialisers_that_are_listed_as_inputs_are_constants() {
	let mut model =
		model(&[0, 2], vec![node("MatMul", &["x", "b"], "y")], vec![floats("b", &[2, 3], &MATRIX)]);
	if let Some(graph) = &mut model.graph {
		graph.input.push(value("b", &[2, 3]));
	}
	assert_eq!(load(&model).unwrap().input_len, 2);
}

#[test]
fn unused_nodes_are_left_out() {
	let nodes = vec![node("Relu", &["x"], "unused"), node("MatMul", &["x", "b"], "y")];
	let network = load(&model(&[0, 2], nodes, vec![floats("b", &[2, 3], &MATRIX)])).unwrap();
	assert_eq!(network.nodes.len(), 1);
}

#[test]
fn messages_name_operator_node_and_shapes() {
	let relu = |from: &str, to: &str| node("Relu", &[from], to);
	let b = || floats("b", &[2, 3], &MATRIX);
	for (nodes, constants, message) in [
		(
			vec![NodeProto { name: String::new(), ..node("MatMul", &["x", "b"], "y") }],
			vec![floats("b", &[3, 2], &MATRIX)],
			"node #0 (MatMul): expected B of shape [2, N], found shape [3, 2]",
		),
		(
			vec![with_int(gemm(), "transB", 1)],
			vec![b(), floats("c", &[3], &[0.0; 3])],
			"node \"my_gemm\" (Gemm): expected B of shape [N, 2], found shape [2, 3]",
		),
		(
			vec![gemm()],
			vec![b(), floats("c", &[2], &[0.0; 2])],
			"node \"my_gemm\" (Gemm): expected C that broadcasts to [1, 3], found shape [2]",
		),
		(
			vec![with_int(node("Gemm", &["x", "b"], "y"), "transA", 1)],
			vec![b()],
			"node \"my_gemm\" (Gemm): expected A of one row, [1, K], found shape [2, 1]",
		),
		(
			vec![with_int(gemm(), "transA", 2)],
			vec![b(), floats("c", &[3], &[0.0; 3])],
			"node \"my_gemm\" (Gemm): attribute transA: expected 0 or 1, found 2",
		),
		(
			vec![with_float(gemm(), "transA", 1.0)],
			vec![b(), floats("c", &[3], &[0.0; 3])],
			"node \"my_gemm\" (Gemm): attribute transA: expected an integer, found attribute type 1",
		),
		(
			vec![with_float(gemm(), "alpha", f32::NAN)],
			vec![b(), floats("c", &[3], &[0.0; 3])],
			"node \"my_gemm\" (Gemm): attribute alpha: expected a finite number, found a NaN or an infinity",
		),
		(
			vec![with_int(relu("x", "y"), "slope", 1)],
			vec![],
			"node \"my_relu\" (Relu): attribute \"slope\": expected no attributes, found this attribute",
		),
		(
			vec![with_int(with_int(gemm(), "transB", 0), "transB", 1)],
			vec![b()],
			"node \"my_gemm\" (Gemm): attribute transB: expected it once, found it twice",
		),
		(
			vec![node("MatMul", &["b", "x"], "y")],
			vec![b()],
			"node \"my_matmul\" (MatMul): expected B of one column, [K, 1], found shape [1, 2]",
		),
		(
			vec![node("MatMul", &["x", "x"], "y")],
			vec![],
			"node \"my_matmul\" (MatMul): expected B to be a constant, found a computed value",
		),
		(
			vec![node("Add", &["b", "b"], "y")],
			vec![b()],
			"expected an output that some node computes from the input, found a constant",
		),
		(
			vec![node("Add", &["x", "b"], "y")],
			vec![b()],
			"node \"my_add\" (Add): expected a constant that broadcasts to [1, 2], found shape [2, 3]",
		),
		(
			vec![node("MatMul", &["x", "b"], "z"), node("Add", &["x", "z"], "y")],
			vec![b()],
			"node \"my_add\" (Add): expected a second operand of [1, 2], like the first, found shape [1, 3]",
		),
		(
			vec![node("Reshape", &["x", "s"], "y")],
			vec![integers("s", &[3, -1])],
			"node \"my_reshape\" (Reshape): expected data that reshapes to [3, -1], found shape [1, 2]",
		),
		(
			vec![node("Reshape", &["x", "s"], "y")],
			vec![integers("s", &[1; 9])],
			"node \"my_reshape\" (Reshape): expected a target of at most 8 axes, found shape [9]",
		),
		(
			vec![with_int(node("Flatten", &["x"], "y"), "axis", 3)],
			vec![],
			"node \"my_flatten\" (Flatten): attribute axis: expected an axis of a tensor of 2 axes, found 3",
		),
		(
			vec![relu("z", "y")],
			vec![],
			"node \"my_relu\" (Relu): expected the name of an input, a constant or an earlier node's output, found \"z\", which nothing in the graph produces",
		),
		(
			vec![relu("y", "y")],
			vec![],
			"node \"my_relu\" (Relu): reads \"y\", which itself or a later node produces: the graph has a cycle or is not in topological order",
		),
		(
			vec![relu("x", "y"), relu("x", "y")],
			vec![],
			"expected every value to have a name of its own, found \"y\" more than once",
		),
		(
			vec![relu("x", "z")],
			vec![],
			"the graph's output: expected the name of an input, a constant or an earlier node's output, found \"y\", which nothing in the graph produces",
		),
		(
			vec![node("Identity", &["x"], "y")],
			vec![],
			"expected an output that some node computes from the input, found the input itself",
		),
		(
			vec![node("Identity", &["b"], "y")],
			vec![b()],
			"expected an output that some node computes from the input, found a constant",
		),
		(
			vec![node("Relu", &["x", "x"], "y")],
			vec![],
			"node \"my_relu\" (Relu): expected one input, found 2",
		),
		(
			vec![NodeProto { output: strings(&["y", "z"]), ..relu("x", "y") }],
			vec![],
			"node \"my_relu\" (Relu): expected one output, found 2",
		),
		(
			vec![node("Constant", &[], "c"), relu("x", "y")],
			vec![],
			"node \"my_constant\" (Constant): attribute value: expected exactly one attribute, found 0 attributes",
		),
		(
			vec![relu("x", "y")],
			vec![TensorProto { data_location: 1, ..b() }],
			"constant \"b\": expected its elements inside of the ONNX file, found external data",
		),
		(
			vec![relu("x", "y")],
			vec![TensorProto { segment: Some(Opaque {}), ..b() }],
			"constant \"b\": expected a whole tensor, found a segment",
		),
		(
			vec![relu("x", "y")],
			vec![floats("b", &[2, 2], &MATRIX)],
			"constant \"b\": expected 4 elements for shape [2, 2], found 6",
		),
		(
			vec![relu("x", "y")],
			vec![TensorProto { raw_data: vec![0; 9], ..floats("b", &[2], &[]) }],
			"constant \"b\": expected 2 elements for shape [2], found 9 bytes",
		),
		(
			vec![relu("x", "y")],
			vec![floats("b", &[-1], &[0.0])],
			"constant \"b\": expected dimensions from 0, found [-1]",
		),
		(
			vec![relu("x", "y")],
			vec![floats("b", &[i64::MAX, 4], &[0.0])],
			"constant \"b\": expected a shape that fits into memory, found [9223372036854775807, 4]",
		),
		(
			vec![relu("x", "y")],
			vec![floats("b", &[1; 9], &[0.0])],
			"constant \"b\": expected at most 8 axes, found 9 axes",
		),
		(
			vec![relu("x", "y")],
			vec![floats("b", &[2], &[0.0, f32::INFINITY])],
			"constant \"b\": expected finite numbers, found a NaN or an infinity as element 1",
		),
		(
			vec![relu("x", "y")],
			vec![TensorProto { data_type: 14, ..b() }],
			"constant \"b\": expected element type float (1), uint8 (2), int8 (3), uint16 (4), int16 (5), int32 (6), int64 (7), string (8), bool (9), float16 (10), double (11) or bfloat16 (16), found element type 14",
		),
		(
			vec![node("Add", &["x", "s"], "y")],
			vec![integers("s", &[1, 2])],
			"constant \"s\": expected floating-point elements, found integers",
		),
		(
			vec![node("Reshape", &["x", "s"], "y")],
			vec![floats("s", &[1], &[2.0])],
			"constant \"s\": expected integer elements, found floating-point numbers",
		),
		(vec![], vec![], "expected 1 to 10000 nodes in the graph, found 0"),
	] {
		assert_eq!(refusal(&[0, 2], nodes, constants), message);
	}
}

#[test]
fn inputs_need_a_fixed_shape_and_a_batch_of_one() {
	let relu = || vec![node("Relu", &["x"], "y")];
	for (dims, message) in [
		(vec![32, 2], "a batch dimension of 1 or without a fixed size, found shape [32, 2]"),
		(
			vec![1, 0],
			"a fixed size for every axis after the batch dimension, found shape [1, \"batch\"]",
		),
		(vec![0], "a fixed size for every axis after the batch dimension, found shape [\"batch\"]"),
		(
			vec![1, 65_537],
			"a shape of 1 to 65536 elements and at most 8 axes, found shape [1, 65537]",
		),
		(vec![1, -1], "a shape of 1 to 65536 elements and at most 8 axes, found shape [1, -1]"),
		(vec![], "a shape of 1 to 65536 elements and at most 8 axes, found shape []"),
	] {
		assert_eq!(refusal(&dims, relu(), vec![]), format!("input \"x\": expected {message}"));
	}
	let mut other = model(&[0, 2], relu(), vec![]);
	let graph = other.graph.as_mut().unwrap();
	graph.input[0].r#type = None;
	let message = load(&other).unwrap_err().to_string();
	assert_eq!(message, "input \"x\": expected a tensor, found another type");
	let mut typed = model(&[0, 2], relu(), vec![]);
	let tensor = typed.graph.as_mut().unwrap().input[0].r#type.as_mut().unwrap();
	tensor.tensor_type.as_mut().unwrap().elem_type = 7;
	let message = load(&typed).unwrap_err().to_string();
	assert_eq!(
		message,
		"input \"x\": expected elements of type float (1) or double (11), found element type 7"
	);
}

#[test]
fn graphs_need_one_input_and_one_output() {
	let base = model(&[0, 2], vec![node("Relu", &["x"], "y")], vec![]);
	let with = |change: &dyn Fn(&mut GraphProto)| {
		let mut changed = base.clone();
		changed.graph.as_mut().map(change);
		load(&changed).unwrap_err().to_string()
	};
	assert_eq!(
		with(&|graph| graph.input.push(value("z", &[1, 2]))),
		"expected a graph with exactly one input, found 2: \"x\", \"z\""
	);
	assert_eq!(
		with(&|graph| graph.input.clear()),
		"expected a graph with exactly one input, found 0"
	);
	assert_eq!(
		with(&|graph| graph.output.clear()),
		"expected a graph with exactly one output, found 0"
	);
	assert_eq!(
		with(&|graph| graph.sparse_initializer.push(Opaque {})),
		"constant of the graph: expected dense tensors, found a sparse tensor"
	);
}

#[test]
fn operator_sets_out_of_range_are_refused() {
	let base = model(&[0, 2], vec![node("Relu", &["x"], "y")], vec![]);
	for (imports, found) in [
		(vec![], None),
		(vec![("", 6)], Some(6)),
		(vec![("", 29)], Some(29)),
		(vec![("ai.onnx.ml", 3)], None),
	] {
		let set =
			|(domain, version): (&str, i64)| OperatorSetIdProto { domain: domain.into(), version };
		let opset_import = imports.into_iter().map(set).collect();
		let result = load(&ModelProto { opset_import, ..base.clone() });
		assert_eq!(result, Err(OnnxError::Opset { found }));
	}
	assert_eq!(load(&ModelProto { graph: None, ..base }), Err(OnnxError::NoGraph));
}

#[test]
fn hostile_names_are_escaped_and_shortened() {
	let name = format!("\u{1b}[31m\n{}", "x".repeat(10_000));
	let nodes = vec![NodeProto { name, ..node("Erf", &["x"], "y") }];
	let message = refusal(&[0, 2], nodes, vec![]);
	assert!(message.len() < 1000 && !message.contains(['\u{1b}', '\n']), "{message}");
}

#[test]
fn many_tiny_messages_are_refused_before_they_are_stored() {
	// Two bytes each: an empty node inside of the graph.
	let graph = [0x0au8, 0x00].repeat(MAX_FIELDS);
	let mut bytes = vec![0x3a];
	prost::encoding::encode_varint(graph.len() as u64, &mut bytes);
	bytes.extend(graph);
	assert_eq!(import(&bytes), Err(OnnxError::Fields { limit: MAX_FIELDS }));
	let huge = vec![0; MAX_FILE_SIZE + 1];
	assert!(matches!(import(&huge), Err(OnnxError::FileSize { .. })));
}

#[test]
fn one_constant_cannot_be_multiplied_into_many() {
	let elements = 1 << 20;
	let b = TensorProto { raw_data: vec![0; 4 * elements], ..floats("b", &[1024, 1024], &[]) };
	let mut nodes: Vec<_> = (0..65)
		.map(|i| {
			let input = if i == 0 { "x".to_string() } else { format!("v{i}") };
			node("MatMul", &[&input, "b"], &format!("v{}", i + 1))
		})
		.collect();
	nodes.last_mut().unwrap().output = strings(&["y"]);
	let message = refusal(&[0, 1024], nodes, vec![b]);
	assert!(message.contains("at most 67108864 weights in all nodes together"), "{message}");
}

#[test]
fn shapes_print_as_lists() {
	assert_eq!(Shape(vec![1, 30]).to_string(), "[1, 30]");
}
