// SPDX-License-Identifier: Apache-2.0

//! From an ONNX graph to a [`FloatNetwork`], node by node.

use super::{
	error::{printable, OnnxError},
	graph::{Call, Ended, Label, Operand, Role, Scope, Value},
	ops,
	proto::{data_type, GraphProto, ModelProto, OperatorSetIdProto, TypeProto, ValueInfoProto},
	shape::Shape,
	tensor::Tensor,
	wire, MAX_GRAPH_NODES, ML_OPSETS, OPSETS,
};
use crate::{
	float::{Ending, FloatNetwork, FloatNode, FloatOp},
	network::{MAX_ELEMENTS, MAX_PRODUCTS, MAX_WEIGHTS, MAX_WIDTH},
};
use prost::Message;
use std::collections::HashSet;

/// Reads an ONNX file, which anybody may have written.
///
/// Constants next to a linear operator become part of it; nodes on which the output does not depend
/// are left out.
///
/// # Errors
/// The first thing that is not supported or does not fit, with the node's name and operator.
pub fn import(bytes: &[u8]) -> Result<FloatNetwork, OnnxError> {
	wire::check(bytes)?;
	let model = ModelProto::decode(bytes)
		.map_err(|error| OnnxError::Malformed { reason: error.to_string() })?;
	let graph = model.graph.ok_or(OnnxError::NoGraph)?;
	let opset = check_versions(&model.opset_import, &graph)?;
	let classes = model.metadata_props.into_iter().find(|property| property.key == "classes");
	let classes = classes.map_or(Vec::new(), |property| {
		// More than any network has are refused with the network in hand.
		property
			.value
			.split(',')
			.take(MAX_WIDTH + 1)
			.map(|class| class.trim().to_string())
			.collect()
	});
	Importer::new(&graph, opset)?.import(graph, classes)
}

/// The set of operators for classical machine learning.
const ML_DOMAIN: &str = "ai.onnx.ml";

fn is_default(domain: &str) -> bool {
	["", "ai.onnx"].contains(&domain)
}

/// Checks the versions of the operator sets that the graph uses, and gives that of the default one.
fn check_versions(imports: &[OperatorSetIdProto], graph: &GraphProto) -> Result<i64, OnnxError> {
	let version = |is_wanted: fn(&str) -> bool| {
		imports.iter().find(|set| is_wanted(&set.domain)).map(|set| set.version)
	};
	let uses = |is_wanted: fn(&str) -> bool| graph.node.iter().any(|node| is_wanted(&node.domain));
	let is_ml = |domain: &str| domain == ML_DOMAIN;
	let opset = match version(is_default) {
		Some(version) if OPSETS.contains(&version) => version,
		None if uses(is_ml) && !uses(is_default) => *OPSETS.end(),
		found => return Err(OnnxError::Opset { found }),
	};
	match version(is_ml) {
		Some(version) if ML_OPSETS.contains(&version) => Ok(opset),
		_ if !uses(is_ml) => Ok(opset),
		found => Err(OnnxError::MlOpset { found }),
	}
}

/// What was read so far.
pub(super) struct Importer {
	pub(super) scope: Scope,
	/// Version of the default operator set.
	pub(super) opset: i64,
	nodes: Vec<FloatNode>,
	/// Elements of all values, multiplications, weights, and elements of constants that were computed
	/// from others: what the network will take in time and memory.
	elements: usize,
	products: usize,
	weights: usize,
	folded: usize,
	/// Names of the outputs, as a classifier gives them.
	pub(super) classes: Vec<String>,
}

impl Importer {
	fn new(graph: &GraphProto, opset: i64) -> Result<Self, OnnxError> {
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
		Ok(Self {
			scope: Scope::new(&graph.node),
			opset,
			nodes: Vec::new(),
			elements: 0,
			products: 0,
			weights: 0,
			folded: 0,
			classes: Vec::new(),
		})
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
			let tensor = self.scope.constant_of(Tensor::read(&name, tensor)?);
			self.scope.bind(&name, tensor)?;
		}
		let is_input = |input: &&ValueInfoProto| !constants.contains(&input.name);
		let inputs = graph.input.iter().filter(is_input).collect::<Vec<_>>();
		let [input] = inputs.as_slice() else {
			return Err(ends("input", &inputs));
		};
		let shape = input_shape(input)?;
		let input_len = shape.width().unwrap_or(0);
		self.scope.bind(&input.name, Operand::Value(Value { value: 0, shape, grid: None }))?;
		for (index, node) in graph.node.iter().enumerate() {
			let call = Call { label: Label::of(index, node), node };
			let operands = match node.domain.as_str() {
				domain if is_default(domain) => ops::apply(&mut self, &call)?,
				ML_DOMAIN => ops::apply_ml(&mut self, &call)?,
				"com.microsoft" if node.op_type.starts_with('Q') => {
					return Err(call.label.refuse(
						"quantised operators of com.microsoft are not supported: quantise the network in the format QDQ of onnxruntime",
					))
				},
				other => {
					let operator = format!("{} of {}", call.label.operator, printable(other));
					return Err(OnnxError::Operator { node: call.label.node, operator });
				},
			};
			let mut operands = operands.into_iter();
			for output in &node.output {
				let operand = operands.next().unwrap_or(Operand::Withheld(call.label.clone()));
				if !output.is_empty() {
					self.scope.bind(output, operand)?;
				}
			}
		}
		let (value, ending) = self.output(&graph.output)?;
		self.nodes.truncate(value);
		let classes = if classes.is_empty() { self.classes } else { classes };
		Ok(FloatNetwork { input_len, nodes: self.nodes, ending, classes }.folded())
	}

	/// The value that the graph ends with. A classifier may give its class and its scores.
	fn output(&self, outputs: &[ValueInfoProto]) -> Result<(usize, Option<Ending>), OnnxError> {
		let mut values = HashSet::new();
		let mut endings = Vec::new();
		for output in outputs {
			let (value, ending) = match self.scope.get(&output.name) {
				Some(Operand::Value(Value { value, .. })) => (*value, None),
				Some(Operand::Ended(Ended { role: Role::Complement, by, .. })) => {
					return Err(by.refuse(
						"expected the graph to end with a probability, found what it lacks to 1",
					));
				},
				Some(Operand::Ended(Ended { value, ending, .. })) => (*value, *ending),
				Some(Operand::Constant(_)) => {
					return Err(OnnxError::Output { found: "a constant" })
				},
				Some(Operand::Withheld(by)) => {
					return Err(OnnxError::Withheld {
						node: by.node.clone(),
						operator: by.operator.clone(),
						name: printable(&output.name),
					})
				},
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
			values.insert(value);
			endings.push(ending);
		}
		match (values.iter().next(), values.len()) {
			// The scores say more than the class.
			(Some(value), 1) => {
				let scores = endings.iter().find(|ending| **ending != Some(Ending::ArgMax));
				Ok((*value, scores.copied().unwrap_or(Some(Ending::ArgMax))))
			},
			_ => Err(ends("output", &outputs.iter().collect::<Vec<_>>())),
		}
	}

	/// Adds an operation to the network.
	pub(super) fn push(
		&mut self,
		label: &Label,
		op: FloatOp,
		shape: Shape,
	) -> Result<Value, OnnxError> {
		self.elements += output_width(label, &shape)?;
		if self.elements > MAX_ELEMENTS {
			let expected = format!("at most {MAX_ELEMENTS} elements in all values together");
			return Err(label.shape(expected, &shape));
		}
		self.products = self.products.saturating_add(op.products());
		if self.products > MAX_PRODUCTS {
			let expected = format!("at most {MAX_PRODUCTS} multiplications in one inference");
			return Err(label.shape(expected, &shape));
		}
		let name = format!("{} ({})", label.node.trim_matches('"'), label.operator);
		self.nodes.push(FloatNode { name, op });
		Ok(Value { value: self.nodes.len(), shape, grid: None })
	}

	/// Counts weights before they are copied: one constant may serve many nodes.
	pub(super) fn count_weights(
		&mut self,
		label: &Label,
		weights: Option<usize>,
		shape: &Shape,
	) -> Result<(), OnnxError> {
		self.weights = self.weights.saturating_add(weights.unwrap_or(usize::MAX));
		if self.weights > MAX_WEIGHTS {
			let expected = format!("at most {MAX_WEIGHTS} weights in all nodes together");
			return Err(label.shape(expected, shape));
		}
		Ok(())
	}

	/// Counts the elements of a constant before it is computed from others.
	pub(super) fn count_folded(&mut self, label: &Label, shape: &Shape) -> Result<(), OnnxError> {
		self.folded = self.folded.saturating_add(shape.elements().unwrap_or(usize::MAX));
		if self.folded > MAX_WEIGHTS {
			let expected = format!("at most {MAX_WEIGHTS} elements in all computed constants");
			return Err(label.shape(expected, shape));
		}
		Ok(())
	}
}

/// The elements of a computed value.
pub(super) fn output_width(label: &Label, shape: &Shape) -> Result<usize, OnnxError> {
	let refuse = || label.shape(format!("an output of 1 to {MAX_WIDTH} elements"), shape);
	shape.width().ok_or_else(refuse)
}

fn ends(what: &'static str, ends: &[&ValueInfoProto]) -> OnnxError {
	const SHOWN: usize = 4;
	let names = ends.iter().take(SHOWN).map(|end| printable(&end.name)).collect::<Vec<_>>();
	let names = match ends.len() {
		0 => String::new(),
		found if found > SHOWN => format!(": {}, …", names.join(", ")),
		_ => format!(": {}", names.join(", ")),
	};
	OnnxError::Ends { what, found: ends.len(), names }
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
