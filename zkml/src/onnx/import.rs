// SPDX-License-Identifier: Apache-2.0

//! From an ONNX graph to a [`FloatNetwork`], operator by operator, as the ONNX operator
//! specification defines them.

use super::{
	error::{printable, OnnxError},
	graph::{Attributes, Label, Operand, Scope},
	proto::{
		attribute_type, data_type, GraphProto, ModelProto, NodeProto, TypeProto, ValueInfoProto,
	},
	shape::{Shape, MAX_RANK},
	tensor::{Elements, Tensor},
	wire, MAX_GRAPH_NODES, OPSETS,
};
use crate::{
	float::{Ending, FloatNetwork, FloatNode, FloatOp},
	network::{MAX_ELEMENTS, MAX_WEIGHTS, MAX_WIDTH},
};
use prost::Message;
use std::collections::HashSet;

/// Reads an ONNX file, which anybody may have written.
///
/// Constants that are added next to a linear operator become part of its bias; nodes on which the
/// output does not depend are left out.
///
/// # Errors
/// The first thing that is not supported or does not fit, with the node's name and operator.
pub fn import(bytes: &[u8]) -> Result<FloatNetwork, OnnxError> {
	wire::check(bytes)?;
	let model = ModelProto::decode(bytes)
		.map_err(|error| OnnxError::Malformed { reason: error.to_string() })?;
	let graph = model.graph.ok_or(OnnxError::NoGraph)?;
	let opset = model.opset_import.iter().find(|set| is_default(&set.domain));
	match opset.map(|set| set.version) {
		Some(version) if OPSETS.contains(&version) => (),
		found => return Err(OnnxError::Opset { found }),
	}
	let classes = model.metadata_props.into_iter().find(|property| property.key == "classes");
	let classes = classes.map_or(Vec::new(), |property| {
		property.value.split(',').map(|class| class.trim().to_string()).collect()
	});
	Importer::new(&graph)?.import(graph, classes)
}

fn is_default(domain: &str) -> bool {
	["", "ai.onnx"].contains(&domain)
}

struct Importer {
	scope: Scope,
	nodes: Vec<FloatNode>,
	/// Elements of all values, and weights, so far: what the network will take in memory.
	elements: usize,
	weights: usize,
}

impl Importer {
	fn new(graph: &GraphProto) -> Result<Self, OnnxError> {
		let limit = MAX_GRAPH_NODES;
		match graph.node.len() {
			1.. if graph.node.len() <= limit => (),
			found => return Err(OnnxError::Nodes { limit, found }),
		}
		if !graph.sparse_initializer.is_empty() {
			return Err(OnnxError::Tensor {
				name: "of the graph".into(),
				expected: "dense tensors".into(),
				found: "a sparse tensor".into(),
			});
		}
		Ok(Self { scope: Scope::new(&graph.node), nodes: Vec::new(), elements: 0, weights: 0 })
	}

	fn import(
		mut self,
		graph: GraphProto,
		classes: Vec<String>,
	) -> Result<FloatNetwork, OnnxError> {
		let mut constants = HashSet::new();
		for mut tensor in graph.initializer {
			let name = std::mem::take(&mut tensor.name);
			constants.insert(name.clone());
			self.scope.bind_constant(&name, Tensor::read(&name, tensor)?)?;
		}
		let mut inputs = graph.input.iter().filter(|input| !constants.contains(&input.name));
		let (Some(input), 0) = (inputs.next(), inputs.count()) else {
			let found = graph.input.iter().filter(|input| !constants.contains(&input.name)).count();
			return Err(OnnxError::Ends { what: "input", found });
		};
		let shape = input_shape(input)?;
		let input_len = shape.width().unwrap_or(0);
		self.scope.bind(&input.name, Operand::Value { value: 0, shape })?;
		for (index, node) in graph.node.into_iter().enumerate() {
			let label = Label::of(index, &node);
			if !is_default(&node.domain) {
				let operator = format!("{} of {}", label.operator, printable(&node.domain));
				return Err(OnnxError::Operator { node: label.node, operator });
			}
			let [output] = node.output.as_slice() else {
				return Err(arity(&label, "one output", node.output.len()));
			};
			let result = self.node(&label, &node)?;
			self.scope.bind(output, result)?;
		}
		let [output] = graph.output.as_slice() else {
			return Err(OnnxError::Ends { what: "output", found: graph.output.len() });
		};
		let (value, ending) = match self.scope.get(&output.name) {
			Some(Operand::Value { value, .. }) => (*value, None),
			Some(Operand::Ended { value, by }) => (
				*value,
				Some(if by.operator == "ArgMax" { Ending::ArgMax } else { Ending::Softmax }),
			),
			Some(Operand::Constant(_)) => return Err(OnnxError::Output { found: "a constant" }),
			None => {
				return Err(OnnxError::UnknownName {
					user: "the graph's output".into(),
					name: printable(&output.name),
				})
			},
		};
		if value == 0 {
			return Err(OnnxError::Output { found: "the input itself" });
		}
		self.nodes.truncate(value);
		Ok(FloatNetwork { input_len, nodes: self.nodes, ending, classes }.folded())
	}

	fn node(&mut self, label: &Label, node: &NodeProto) -> Result<Operand, OnnxError> {
		let attributes = |known| Attributes::new(label, &node.attribute, known);
		match node.op_type.as_str() {
			"Gemm" => {
				let attributes = attributes(&["alpha", "beta", "transA", "transB"])?;
				self.gemm(label, node, &attributes)
			},
			"MatMul" => {
				attributes(&[])?;
				self.matmul(label, node)
			},
			"Add" => {
				attributes(&[])?;
				self.add(label, node)
			},
			"Relu" => {
				attributes(&[])?;
				let [input] = inputs(label, node, "one input")?;
				let (input, shape) = self.scope.computed(label, input, "the input")?;
				self.push(label, FloatOp::relu(input), shape)
			},
			"Identity" => {
				attributes(&[])?;
				let [input] = inputs(label, node, "one input")?;
				self.scope.operand(label, input).cloned()
			},
			"Flatten" => {
				let attributes = attributes(&["axis"])?;
				let [input] = inputs(label, node, "one input")?;
				let (value, shape) = self.scope.computed(label, input, "the input")?;
				let rank = shape.0.len();
				let axis = attributes.axis(1, rank, rank + 1)?;
				let (outer, inner) = shape.0.split_at(axis);
				let shape = Shape(vec![outer.iter().product(), inner.iter().product()]);
				Ok(Operand::Value { value, shape })
			},
			"Reshape" => {
				let attributes = attributes(&["allowzero"])?;
				self.reshape(label, node, &attributes)
			},
			"Constant" => self.constant(label, node),
			"Softmax" => {
				let attributes = attributes(&["axis"])?;
				self.ending(label, node, &attributes, -1)
			},
			"ArgMax" => {
				let attributes = attributes(&["axis", "keepdims", "select_last_index"])?;
				if attributes.flag("select_last_index")? {
					return Err(label.attribute("select_last_index", "0", "1"));
				}
				self.ending(label, node, &attributes, 0)
			},
			_ => Err(OnnxError::Operator {
				node: label.node.clone(),
				operator: label.operator.clone(),
			}),
		}
	}

	fn push(&mut self, label: &Label, op: FloatOp, shape: Shape) -> Result<Operand, OnnxError> {
		let expected = || format!("an output of 1 to {MAX_WIDTH} elements");
		let width = shape.width().ok_or_else(|| label.shape(expected(), &shape))?;
		self.elements += width;
		if self.elements > MAX_ELEMENTS {
			let expected = format!("at most {MAX_ELEMENTS} elements in all values together");
			return Err(label.shape(expected, &shape));
		}
		let name = format!("{} ({})", label.node.trim_matches('"'), label.operator);
		self.nodes.push(FloatNode { name, op });
		Ok(Operand::Value { value: self.nodes.len(), shape })
	}

	/// `alpha · A · B + beta · C`, A computed, B and C constant.
	fn gemm(
		&mut self,
		label: &Label,
		node: &NodeProto,
		attributes: &Attributes<'_>,
	) -> Result<Operand, OnnxError> {
		let (a, b, c) = match node.input.as_slice() {
			[a, b] => (a, b, None),
			[a, b, c] => (a, b, Some(c).filter(|name| !name.is_empty())),
			other => return Err(arity(label, "two or three inputs", other.len())),
		};
		let (alpha, beta) = (attributes.float("alpha", 1.0)?, attributes.float("beta", 1.0)?);
		let (input, mut shape) = self.scope.computed(label, a, "A")?;
		if shape.0.len() != 2 {
			return Err(label.shape("A of two axes: insert a Flatten", &shape));
		}
		if attributes.flag("transA")? {
			shape.0.reverse();
		}
		let columns = shape.row().ok_or_else(|| label.shape("A of one row, [1, K]", &shape))?;
		let tensor = self.scope.constant(label, b, "B")?;
		let transposed = attributes.flag("transB")?;
		let rows = match (tensor.shape.0.as_slice(), transposed) {
			([k, n], false) | ([n, k], true) if *k == columns => *n,
			_ => {
				let expected = if transposed { "N, " } else { "" };
				let tail = if transposed { "" } else { ", N" };
				let expected = format!("B of shape [{expected}{columns}{tail}]");
				return Err(label.shape(expected, &tensor.shape));
			},
		};
		count_weights(label, &mut self.weights, &tensor.shape)?;
		let weights = row_major(tensor.floats()?, rows, columns, transposed, alpha);
		let output = Shape(vec![1, rows]);
		let mut bias = vec![0.0; output.width().map_or(0, |_| rows)];
		if let Some(c) = c {
			let tensor = self.scope.constant(label, c, "C")?;
			let expanded = tensor.shape.expand(tensor.floats()?, &output).ok_or_else(|| {
				label.shape(format!("C that broadcasts to {output}"), &tensor.shape)
			})?;
			bias = expanded.into_iter().map(|element| beta * element).collect();
		}
		self.push(label, FloatOp::Linear { input, rows, columns, weights, bias }, output)
	}

	/// `A · B`, A computed and one row, B a constant matrix.
	fn matmul(&mut self, label: &Label, node: &NodeProto) -> Result<Operand, OnnxError> {
		let [a, b] = inputs(label, node, "two inputs")?;
		let (input, mut shape) = self.scope.computed(label, a, "A")?;
		let columns = shape.row().ok_or_else(|| label.shape("A of one row, [1, K]", &shape))?;
		let tensor = self.scope.constant(label, b, "B")?;
		let rows = match tensor.shape.0.as_slice() {
			[k, n] if *k == columns => *n,
			_ => return Err(label.shape(format!("B of shape [{columns}, N]"), &tensor.shape)),
		};
		count_weights(label, &mut self.weights, &tensor.shape)?;
		let weights = row_major(tensor.floats()?, rows, columns, false, 1.0);
		if let Some(last) = shape.0.last_mut() {
			*last = rows;
		}
		let bias = vec![0.0; shape.width().map_or(0, |_| rows)];
		self.push(label, FloatOp::Linear { input, rows, columns, weights, bias }, shape)
	}

	/// Two computed values, or a computed value and a constant in either order.
	fn add(&mut self, label: &Label, node: &NodeProto) -> Result<Operand, OnnxError> {
		let [a, b] = inputs(label, node, "two inputs")?;
		let (first, second) = (self.scope.operand(label, a)?, self.scope.operand(label, b)?);
		let (op, shape) = match (first, second) {
			(
				Operand::Value { value: left, shape },
				Operand::Value { value: right, shape: other },
			) => {
				let output = shape.broadcast(other).filter(|output| {
					output.elements() == shape.elements() && output.elements() == other.elements()
				});
				let expected = || format!("a second operand of {shape}, like the first");
				let output = output.ok_or_else(|| label.shape(expected(), other))?;
				(FloatOp::Add { left: *left, right: *right }, output)
			},
			(Operand::Value { value, shape }, Operand::Constant(index))
			| (Operand::Constant(index), Operand::Value { value, shape }) => {
				let tensor = self
					.scope
					.tensors
					.get(*index)
					.ok_or_else(|| label.not_computed("one operand"))?;
				let refuse =
					|| label.shape(format!("a constant that broadcasts to {shape}"), &tensor.shape);
				let output = tensor
					.shape
					.broadcast(shape)
					.filter(|output| output.elements() == shape.elements())
					.ok_or_else(refuse)?;
				let bias = tensor.shape.expand(tensor.floats()?, &output).ok_or_else(refuse)?;
				(FloatOp::bias(*value, bias), output)
			},
			_ => return Err(label.not_computed("one operand")),
		};
		self.push(label, op, shape)
	}

	fn reshape(
		&mut self,
		label: &Label,
		node: &NodeProto,
		attributes: &Attributes<'_>,
	) -> Result<Operand, OnnxError> {
		let [input, target] = inputs(label, node, "two inputs")?;
		let (value, shape) = self.scope.computed(label, input, "the data")?;
		let keeps_zero = attributes.flag("allowzero")?;
		let target = self.scope.constant(label, target, "the shape")?;
		let wanted = target.integers()?;
		if wanted.len() > MAX_RANK {
			return Err(label.shape(format!("a target of at most {MAX_RANK} axes"), &target.shape));
		}
		let refuse = || label.shape(format!("data that reshapes to {wanted:?}"), &shape);
		let mut dims = Vec::new();
		let mut inferred = None;
		for (axis, dim) in wanted.iter().enumerate() {
			dims.push(match dim {
				-1 if inferred.is_none() => {
					inferred = Some(axis);
					1
				},
				0 if !keeps_zero => *shape.0.get(axis).ok_or_else(refuse)?,
				dim => usize::try_from(*dim).map_err(|_| refuse())?,
			});
		}
		let (width, known) = (shape.width(), Shape(dims.clone()).elements());
		if let (Some(axis), Some(width), Some(known @ 1..)) = (inferred, width, known) {
			dims[axis] = width / known;
		}
		match Shape(dims) {
			output if output.width().is_some() && output.width() == width => {
				Ok(Operand::Value { value, shape: output })
			},
			_ => Err(refuse()),
		}
	}

	fn constant(&mut self, label: &Label, node: &NodeProto) -> Result<Operand, OnnxError> {
		let kinds = [
			("value", attribute_type::TENSOR, "a tensor"),
			("value_float", attribute_type::FLOAT, "a float"),
			("value_floats", attribute_type::FLOATS, "floats"),
			("value_int", attribute_type::INT, "an integer"),
			("value_ints", attribute_type::INTS, "integers"),
		];
		let attributes = Attributes::new(label, &node.attribute, &kinds.map(|kind| kind.0))?;
		if !node.input.is_empty() {
			return Err(arity(label, "no inputs", node.input.len()));
		}
		let [attribute] = node.attribute.as_slice() else {
			let found = format!("{} attributes", node.attribute.len());
			return Err(label.attribute("value", "exactly one attribute", found));
		};
		for (name, r#type, what) in kinds {
			attributes.typed(name, r#type, what)?;
		}
		let tensor = |dims: Vec<usize>, elements| Tensor {
			name: label.node.clone(),
			shape: Shape(dims),
			elements,
		};
		let tensor = match attribute.name.as_str() {
			"value_float" => tensor(vec![], Elements::Float(vec![attribute.f])),
			"value_floats" => {
				tensor(vec![attribute.floats.len()], Elements::Float(attribute.floats.clone()))
			},
			"value_int" => tensor(vec![], Elements::Int(vec![attribute.i])),
			"value_ints" => {
				tensor(vec![attribute.ints.len()], Elements::Int(attribute.ints.clone()))
			},
			_ => {
				let proto = attribute.t.clone();
				Tensor::read(
					&label.node,
					proto.ok_or_else(|| label.attribute("value", "a tensor", "nothing"))?,
				)?
			},
		};
		if matches!(&tensor.elements, Elements::Float(e) if e.iter().any(|e| !e.is_finite())) {
			return Err(label.attribute(&attribute.name, "finite numbers", "a NaN or an infinity"));
		}
		self.scope.tensors.push(tensor);
		Ok(Operand::Constant(self.scope.tensors.len() - 1))
	}

	/// Softmax or ArgMax over the last axis of a single row.
	fn ending(
		&mut self,
		label: &Label,
		node: &NodeProto,
		attributes: &Attributes<'_>,
		default_axis: i64,
	) -> Result<Operand, OnnxError> {
		let [input] = inputs(label, node, "one input")?;
		let (value, shape) = self.scope.computed(label, input, "the input")?;
		let rank = shape.0.len();
		let axis = attributes.axis(default_axis, rank, rank)?;
		if shape.row().is_none() {
			return Err(label.shape("one row of logits, [1, N]", &shape));
		}
		if axis + 1 != rank {
			let expected = format!("the last axis, {} or -1", rank - 1);
			return Err(label.attribute("axis", expected, axis.to_string()));
		}
		Ok(Operand::Ended { value, by: label.clone() })
	}
}

fn arity(label: &Label, expected: &'static str, found: usize) -> OnnxError {
	OnnxError::Arity { node: label.node.clone(), operator: label.operator.clone(), expected, found }
}

fn inputs<'a, const N: usize>(
	label: &Label,
	node: &'a NodeProto,
	expected: &'static str,
) -> Result<&'a [String; N], OnnxError> {
	node.input.as_slice().try_into().map_err(|_| arity(label, expected, node.input.len()))
}

/// Adds a matrix to the weights counted so far, before it is copied: one constant may serve many nodes.
fn count_weights(label: &Label, total: &mut usize, matrix: &Shape) -> Result<(), OnnxError> {
	*total = total.saturating_add(matrix.elements().unwrap_or(usize::MAX));
	if *total > MAX_WEIGHTS {
		let expected = format!("at most {MAX_WEIGHTS} weights in all nodes together");
		return Err(label.shape(expected, matrix));
	}
	Ok(())
}

/// A matrix times a factor, one row for every output.
fn row_major(
	matrix: &[f32],
	rows: usize,
	columns: usize,
	transposed: bool,
	factor: f32,
) -> Vec<f32> {
	if transposed {
		return matrix.iter().map(|weight| factor * weight).collect();
	}
	let mut weights = Vec::with_capacity(matrix.len());
	for row in 0..rows {
		weights.extend(matrix.iter().skip(row).step_by(rows).map(|weight| factor * weight));
	}
	debug_assert_eq!(weights.len(), rows * columns);
	weights
}

/// The shape of the graph's input, with a batch dimension of 1.
fn input_shape(input: &ValueInfoProto) -> Result<Shape, OnnxError> {
	let refuse = |expected, found: String| {
		Err(OnnxError::Input { name: printable(&input.name), expected, found })
	};
	let Some(TypeProto { tensor_type: Some(tensor) }) = &input.r#type else {
		return refuse("a tensor", "another type".into());
	};
	if ![data_type::FLOAT, data_type::DOUBLE].contains(&tensor.elem_type) {
		return refuse(
			"elements of type float (1) or double (11)",
			format!("element type {}", tensor.elem_type),
		);
	}
	let dims = tensor.shape.as_ref().map(|shape| shape.dim.as_slice()).unwrap_or_default();
	let shown = || {
		let dims = dims.iter().map(|dim| match (dim.dim_value, &dim.dim_param) {
			(Some(number), _) => number.to_string(),
			(None, Some(name)) => printable(name),
			(None, None) => "?".into(),
		});
		format!("shape [{}]", dims.take(9).collect::<Vec<_>>().join(", "))
	};
	let mut shape = Vec::new();
	for (axis, dim) in dims.iter().enumerate() {
		match (axis, dim.dim_value) {
			(0, None) if dims.len() > 1 => shape.push(1),
			(0, Some(batch)) if dims.len() > 1 && batch != 1 => {
				return refuse("a batch dimension of 1 or without a fixed size", shown());
			},
			(_, Some(number)) => shape.push(usize::try_from(number).unwrap_or(0)),
			(_, None) => {
				return refuse("a fixed size for every axis after the batch dimension", shown());
			},
		}
	}
	let shape = Shape(shape);
	if shape.0.is_empty() || shape.width().is_none() {
		return refuse("a shape of 1 to 65536 elements and at most 8 axes", shown());
	}
	Ok(shape)
}
