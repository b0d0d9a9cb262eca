// SPDX-License-Identifier: Apache-2.0

//! Names of a graph, what they stand for, and the attributes of its nodes.

use super::{
	error::{printable, OnnxError},
	proto::{attribute_type, AttributeProto, NodeProto},
	shape::Shape,
	tensor::Tensor,
};
use std::collections::{HashMap, HashSet};

/// What a name stands for.
#[derive(Clone, Debug)]
pub(super) enum Operand {
	/// A computed value, by its number.
	Value { value: usize, shape: Shape },
	/// A constant, by its place in [`Scope::tensors`].
	Constant(usize),
	/// The output of a last node such as Softmax, over this value.
	Ended { value: usize, by: Label },
}

/// A node as messages name it.
#[derive(Clone, Debug)]
pub(super) struct Label {
	pub(super) node: String,
	pub(super) operator: String,
}

impl Label {
	pub(super) fn of(index: usize, node: &NodeProto) -> Self {
		let name = if node.name.is_empty() { format!("#{index}") } else { printable(&node.name) };
		let operator = printable(&node.op_type);
		Self { node: name, operator: operator.trim_matches('"').to_string() }
	}

	pub(super) fn shape(&self, expected: impl Into<String>, found: &Shape) -> OnnxError {
		OnnxError::Shape {
			node: self.node.clone(),
			operator: self.operator.clone(),
			expected: expected.into(),
			found: found.clone(),
		}
	}

	pub(super) fn attribute(
		&self,
		attribute: &str,
		expected: impl Into<String>,
		found: impl Into<String>,
	) -> OnnxError {
		OnnxError::Attribute {
			node: self.node.clone(),
			operator: self.operator.clone(),
			attribute: attribute.into(),
			expected: expected.into(),
			found: found.into(),
		}
	}

	pub(super) fn not_computed(&self, what: &'static str) -> OnnxError {
		OnnxError::NotComputed { node: self.node.clone(), operator: self.operator.clone(), what }
	}
}

/// The names that are known so far.
pub(super) struct Scope {
	names: HashMap<String, Operand>,
	/// Names that nodes produce, wherever they stand.
	produced: HashSet<String>,
	pub(super) tensors: Vec<Tensor>,
}

impl Scope {
	pub(super) fn new(nodes: &[NodeProto]) -> Self {
		let produced = nodes.iter().flat_map(|node| node.output.iter().cloned()).collect();
		Self { names: HashMap::new(), produced, tensors: Vec::new() }
	}

	pub(super) fn bind(&mut self, name: &str, operand: Operand) -> Result<(), OnnxError> {
		match self.names.insert(name.into(), operand) {
			Some(_) => Err(OnnxError::DuplicateName { name: printable(name) }),
			None => Ok(()),
		}
	}

	pub(super) fn bind_constant(&mut self, name: &str, tensor: Tensor) -> Result<(), OnnxError> {
		self.tensors.push(tensor);
		self.bind(name, Operand::Constant(self.tensors.len() - 1))
	}

	pub(super) fn get(&self, name: &str) -> Option<&Operand> {
		self.names.get(name)
	}

	/// What a node's input stands for.
	pub(super) fn operand(&self, label: &Label, name: &str) -> Result<&Operand, OnnxError> {
		let (node, operator) = (label.node.clone(), label.operator.clone());
		match self.names.get(name) {
			Some(Operand::Ended { by, .. }) => {
				Err(OnnxError::NotLast { node: by.node.clone(), operator: by.operator.clone() })
			},
			Some(operand) => Ok(operand),
			None if self.produced.contains(name) => {
				Err(OnnxError::Order { node, operator, name: printable(name) })
			},
			None => Err(OnnxError::UnknownName {
				user: format!("node {node} ({operator})"),
				name: printable(name),
			}),
		}
	}

	/// A computed operand.
	pub(super) fn computed(
		&self,
		label: &Label,
		name: &str,
		what: &'static str,
	) -> Result<(usize, Shape), OnnxError> {
		match self.operand(label, name)? {
			Operand::Value { value, shape } => Ok((*value, shape.clone())),
			_ => Err(label.not_computed(what)),
		}
	}

	/// A constant operand.
	pub(super) fn constant(
		&self,
		label: &Label,
		name: &str,
		what: &'static str,
	) -> Result<&Tensor, OnnxError> {
		match self.operand(label, name)? {
			Operand::Constant(index) => self.tensors.get(*index),
			_ => None,
		}
		.ok_or_else(|| OnnxError::NotConstant {
			node: label.node.clone(),
			operator: label.operator.clone(),
			what,
		})
	}
}

/// The attributes of one node.
pub(super) struct Attributes<'a> {
	label: &'a Label,
	attributes: &'a [AttributeProto],
}

impl<'a> Attributes<'a> {
	/// Checks that every attribute is one that the operator has, once.
	pub(super) fn new(
		label: &'a Label,
		attributes: &'a [AttributeProto],
		known: &[&str],
	) -> Result<Self, OnnxError> {
		let mut seen = HashSet::new();
		for attribute in attributes {
			let name = attribute.name.as_str();
			if !known.contains(&name) {
				let expected = match known {
					[] => "no attributes".to_string(),
					known => format!("only {}", known.join(", ")),
				};
				let shown = printable(name);
				return Err(label.attribute(&shown, expected, "this attribute"));
			}
			if !seen.insert(name) {
				return Err(label.attribute(name, "it once", "it twice"));
			}
		}
		Ok(Self { label, attributes })
	}

	fn find(&self, name: &str) -> Option<&'a AttributeProto> {
		self.attributes.iter().find(|attribute| attribute.name == name)
	}

	/// An attribute of a type; files of old versions leave the type out.
	pub(super) fn typed(
		&self,
		name: &str,
		r#type: i32,
		what: &str,
	) -> Result<Option<&'a AttributeProto>, OnnxError> {
		match self.find(name) {
			Some(attribute) if ![0, r#type].contains(&attribute.r#type) => {
				let found = format!("attribute type {}", attribute.r#type);
				Err(self.label.attribute(name, what, found))
			},
			attribute => Ok(attribute),
		}
	}

	pub(super) fn integer(&self, name: &str, default: i64) -> Result<i64, OnnxError> {
		let attribute = self.typed(name, attribute_type::INT, "an integer")?;
		Ok(attribute.map_or(default, |attribute| attribute.i))
	}

	pub(super) fn flag(&self, name: &str) -> Result<bool, OnnxError> {
		match self.integer(name, 0)? {
			0 => Ok(false),
			1 => Ok(true),
			other => Err(self.label.attribute(name, "0 or 1", other.to_string())),
		}
	}

	pub(super) fn float(&self, name: &str, default: f32) -> Result<f32, OnnxError> {
		let attribute = self.typed(name, attribute_type::FLOAT, "a float")?;
		match attribute.map_or(default, |attribute| attribute.f) {
			number if number.is_finite() => Ok(number),
			_ => Err(self.label.attribute(name, "a finite number", "a NaN or an infinity")),
		}
	}

	/// An axis of a shape of this rank, counted from the end when negative; `limit` is the first axis
	/// too large.
	pub(super) fn axis(&self, default: i64, rank: usize, limit: usize) -> Result<usize, OnnxError> {
		let found = self.integer("axis", default)?;
		let axis = if found < 0 { found.saturating_add(rank as i64) } else { found };
		usize::try_from(axis).ok().filter(|axis| *axis < limit).ok_or_else(|| {
			let expected = format!("an axis of a tensor of {rank} axes");
			self.label.attribute("axis", expected, found.to_string())
		})
	}
}
