// SPDX-License-Identifier: Apache-2.0

use super::{shape::Shape, ML_OPERATORS, ML_OPSETS, OPERATORS, OPSETS};

/// Why an ONNX file is refused. Names from the file are shortened and escaped before they are shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OnnxError {
	/// The file is too large.
	#[error("expected an ONNX file of at most {limit} bytes, found {found}")]
	FileSize {
		/// Most bytes.
		limit: usize,
		/// Bytes found.
		found: usize,
	},
	/// The file has too many fields.
	#[error("expected an ONNX file of at most {limit} protobuf fields, found more: store tensors as raw data")]
	Fields {
		/// Most fields.
		limit: usize,
	},
	/// The file is not protobuf, or not ONNX.
	#[error("this is not a readable ONNX file: {reason}")]
	Malformed {
		/// What was found.
		reason: String,
	},
	/// The file has no graph.
	#[error("expected an ONNX model with a graph, found none: is this an ONNX file?")]
	NoGraph,
	/// The operator set of classical machine learning is too old or too new.
	#[error(
		"expected version {} to {} of the operator set ai.onnx.ml, found {}",
		ML_OPSETS.start(), ML_OPSETS.end(), .found.map_or("none".to_string(), |found| found.to_string())
	)]
	MlOpset {
		/// Version that the file imports.
		found: Option<i64>,
	},
	/// The operator set is too old or too new.
	#[error(
		"expected version {} to {} of ONNX's default operator set, found {}: convert the model with onnx.version_converter",
		OPSETS.start(), OPSETS.end(), .found.map_or("none".to_string(), |found| found.to_string())
	)]
	Opset {
		/// Version that the file imports.
		found: Option<i64>,
	},
	/// The graph has no nodes, or too many.
	#[error("expected 1 to {limit} nodes in the graph, found {found}")]
	Nodes {
		/// Most nodes.
		limit: usize,
		/// Nodes found.
		found: usize,
	},
	/// The graph has not exactly one input or output.
	#[error("expected a graph with exactly one {what}, found {found}{names}")]
	Ends {
		/// `input` or `output`.
		what: &'static str,
		/// Number found, besides constants.
		found: usize,
		/// The first of them, after a colon.
		names: String,
	},
	/// The input's type or shape cannot be used.
	#[error("input {name}: expected {expected}, found {found}")]
	Input {
		/// The input's name.
		name: String,
		/// What the importer can use.
		expected: &'static str,
		/// What the file says.
		found: String,
	},
	/// Two things have the same name.
	#[error("expected every value to have a name of its own, found {name} more than once")]
	DuplicateName {
		/// The name.
		name: String,
	},
	/// An operator is not supported.
	#[error(
		"node {node}: operator {operator} is not supported; supported are {}; of ai.onnx.ml: {}",
		OPERATORS.join(", "), ML_OPERATORS.join(", ")
	)]
	Operator {
		/// The node.
		node: String,
		/// Its operator.
		operator: String,
	},
	/// A use of an operator is not supported, for a reason.
	#[error("node {node} ({operator}): {reason}")]
	Refused {
		/// The node.
		node: String,
		/// Its operator.
		operator: String,
		/// What is expected, what was found, what to do.
		reason: String,
	},
	/// A node has the wrong number of inputs or outputs.
	#[error("node {node} ({operator}): expected {expected}, found {found}")]
	Arity {
		/// The node.
		node: String,
		/// Its operator.
		operator: String,
		/// What the operator needs.
		expected: &'static str,
		/// What the node has.
		found: usize,
	},
	/// A name is used that nothing has.
	#[error("{user}: expected the name of an input, a constant or an earlier node's output, found {name}, which nothing in the graph produces")]
	UnknownName {
		/// Who reads it.
		user: String,
		/// The name.
		name: String,
	},
	/// A node reads what itself or a later node produces.
	#[error("node {node} ({operator}): reads {name}, which itself or a later node produces: the graph has a cycle or is not in topological order")]
	Order {
		/// The node.
		node: String,
		/// Its operator.
		operator: String,
		/// The name.
		name: String,
	},
	/// An output that the importer leaves out is used.
	#[error(
		"node {node} ({operator}): expected only its first output to be used, found {name} used"
	)]
	Withheld {
		/// The node.
		node: String,
		/// Its operator.
		operator: String,
		/// The output.
		name: String,
	},
	/// A quantised value meets an operator on real numbers.
	#[error("node {node} ({operator}): expected {what} to be real numbers, found a quantised value: insert a DequantizeLinear")]
	Quantised {
		/// The node.
		node: String,
		/// Its operator.
		operator: String,
		/// The operand.
		what: &'static str,
	},
	/// Softmax or ArgMax stands before the graph's end.
	#[error("node {node} ({operator}): expected {operator} as the graph's last node, found its output used")]
	NotLast {
		/// The node.
		node: String,
		/// Its operator.
		operator: String,
	},
	/// An operand should be a constant.
	#[error("node {node} ({operator}): expected {what} to be a constant, found a computed value")]
	NotConstant {
		/// The node.
		node: String,
		/// Its operator.
		operator: String,
		/// The operand.
		what: &'static str,
	},
	/// An operand should be computed.
	#[error("node {node} ({operator}): expected {what} to depend on the network's input, found a constant: fold constants before the export")]
	NotComputed {
		/// The node.
		node: String,
		/// Its operator.
		operator: String,
		/// The operand.
		what: &'static str,
	},
	/// A shape does not fit.
	#[error("node {node} ({operator}): expected {expected}, found shape {found}")]
	Shape {
		/// The node.
		node: String,
		/// Its operator.
		operator: String,
		/// Shape that the operator needs.
		expected: String,
		/// Shape found.
		found: Shape,
	},
	/// An attribute is unknown or has a value that is not supported.
	#[error("node {node} ({operator}): attribute {attribute}: expected {expected}, found {found}")]
	Attribute {
		/// The node.
		node: String,
		/// Its operator.
		operator: String,
		/// The attribute.
		attribute: String,
		/// What is supported.
		expected: String,
		/// What the file says.
		found: String,
	},
	/// A constant cannot be used.
	#[error("constant {name}: expected {expected}, found {found}")]
	Tensor {
		/// The constant's name.
		name: String,
		/// What is supported.
		expected: String,
		/// What the file says.
		found: String,
	},
	/// The output does not depend on the input.
	#[error("expected an output that some node computes from the input, found {found}")]
	Output {
		/// What the output is.
		found: &'static str,
	},
}

/// A name from the file, fit to be printed.
pub(super) fn printable(name: &str) -> String {
	const LONGEST: usize = 80;
	let mut shown = name.chars().take(LONGEST).flat_map(char::escape_debug).collect::<String>();
	if name.chars().nth(LONGEST).is_some() {
		shown.push('…');
	}
	format!("\"{shown}\"")
}
