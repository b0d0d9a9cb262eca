// SPDX-License-Identifier: Apache-2.0

//! Names of a graph, what they stand for, and the attributes of its nodes.

use super::{
	error::{printable, OnnxError},
	proto::{attribute_type, AttributeProto, NodeProto},
	shape::Shape,
	tensor::{text, Tensor},
};
use crate::float::Ending;
use std::collections::{HashMap, HashSet};

/// A computed value.
#[derive(Clone, Debug)]
pub(super) struct Value {
	/// Its number in the network.
	pub(super) value: usize,
	pub(super) shape: Shape,
	/// The integers that stand for it in the file, when it is quantised there.
	pub(super) grid: Option<Grid>,
}

/// `real = scale · (integer − zero)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Grid {
	pub(super) scale: f32,
	pub(super) zero: i64,
}

impl Grid {
	pub(super) fn real(&self, integer: i64) -> f32 {
		(f64::from(self.scale) * integer.saturating_sub(self.zero) as f64) as f32
	}
}

/// What stands at a network's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
	/// Scores of which the largest one's place is the class.
	Scores,
	/// What the probability of a single logit lacks to 1.
	Complement,
	/// Something else.
	Other,
}

/// What a network ends with, after its last value.
#[derive(Clone, Debug)]
pub(super) struct Ended {
	/// The last value, by its number.
	pub(super) value: usize,
	/// The shape of what stands here.
	pub(super) shape: Shape,
	pub(super) ending: Option<Ending>,
	pub(super) role: Role,
	pub(super) by: Label,
}

impl Ended {
	/// The same in another form, of which no class can be read.
	pub(super) fn derived(&self, by: &Label) -> Self {
		let role = if self.role == Role::Complement { self.role } else { Role::Other };
		Self { role, by: by.clone(), ..self.clone() }
	}
}

impl From<Value> for Operand {
	fn from(value: Value) -> Self {
		Self::Value(value)
	}
}

/// What a name stands for.
#[derive(Clone, Debug)]
pub(super) enum Operand {
	/// A computed value.
	Value(Value),
	/// A constant, by its place in [`Scope::tensors`].
	Constant(usize),
	/// The output of a last node such as Softmax.
	Ended(Ended),
	/// An output that the importer leaves out.
	Withheld(Label),
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

	pub(super) fn arity(&self, expected: &'static str, found: usize) -> OnnxError {
		let (node, operator) = (self.node.clone(), self.operator.clone());
		OnnxError::Arity { node, operator, expected, found }
	}

	pub(super) fn refuse(&self, reason: impl Into<String>) -> OnnxError {
		let (node, operator) = (self.node.clone(), self.operator.clone());
		OnnxError::Refused { node, operator, reason: reason.into() }
	}

	pub(super) fn not_last(&self) -> OnnxError {
		OnnxError::NotLast { node: self.node.clone(), operator: self.operator.clone() }
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

	/// Keeps a constant.
	pub(super) fn constant_of(&mut self, tensor: Tensor) -> Operand {
		self.tensors.push(tensor);
		Operand::Constant(self.tensors.len() - 1)
	}

	pub(super) fn get(&self, name: &str) -> Option<&Operand> {
		self.names.get(name)
	}

	/// What a node's input stands for.
	pub(super) fn any(&self, label: &Label, name: &str) -> Result<&Operand, OnnxError> {
		let (node, operator) = (label.node.clone(), label.operator.clone());
		match self.names.get(name) {
			Some(Operand::Withheld(by)) => Err(OnnxError::Withheld {
				node: by.node.clone(),
				operator: by.operator.clone(),
				name: printable(name),
			}),
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

	/// A computed or constant operand.
	pub(super) fn operand(&self, label: &Label, name: &str) -> Result<&Operand, OnnxError> {
		match self.any(label, name)? {
			Operand::Ended(ended) => Err(ended.by.not_last()),
			operand => Ok(operand),
		}
	}

	/// A computed operand, quantised in the file or not.
	pub(super) fn value(
		&self,
		label: &Label,
		name: &str,
		what: &'static str,
	) -> Result<Value, OnnxError> {
		match self.operand(label, name)? {
			Operand::Value(value) => Ok(value.clone()),
			_ => Err(label.not_computed(what)),
		}
	}

	/// A computed operand of real numbers.
	pub(super) fn computed(
		&self,
		label: &Label,
		name: &str,
		what: &'static str,
	) -> Result<(usize, Shape), OnnxError> {
		let Value { value, shape, grid } = self.value(label, name, what)?;
		match grid {
			None => Ok((value, shape)),
			Some(_) => Err(OnnxError::Quantised {
				node: label.node.clone(),
				operator: label.operator.clone(),
				what,
			}),
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

/// A node that is being read.
pub(super) struct Call<'a> {
	pub(super) label: Label,
	pub(super) node: &'a NodeProto,
}

impl<'a> Call<'a> {
	/// Exactly `N` inputs.
	pub(super) fn inputs<const N: usize>(
		&self,
		expected: &'static str,
	) -> Result<&'a [String; N], OnnxError> {
		let inputs = self.node.input.as_slice();
		inputs.try_into().map_err(|_| self.label.arity(expected, inputs.len()))
	}

	/// The first input, of `fewest` to `most`, of which the first `fewest` must be
	/// named.
	pub(super) fn at_most(
		&self,
		fewest: usize,
		most: usize,
		expected: &'static str,
	) -> Result<&'a str, OnnxError> {
		let found = self.node.input.len();
		let named = (0..fewest).all(|index| self.optional(index).is_some());
		match self.node.input.first() {
			Some(first) if named && found <= most => Ok(first),
			_ => Err(self.label.arity(expected, found)),
		}
	}

	/// The name of an input, when it is present.
	pub(super) fn optional(&self, index: usize) -> Option<&'a str> {
		self.node.input.get(index).map(String::as_str).filter(|name| !name.is_empty())
	}

	/// The attributes, all of which the operator knows.
	pub(super) fn attributes(&self, known: &[&str]) -> Result<Attributes<'_>, OnnxError> {
		Attributes::new(&self.label, &self.node.attribute, known)
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

	pub(super) fn integers(&self, name: &str) -> Result<Option<&'a [i64]>, OnnxError> {
		let attribute = self.typed(name, attribute_type::INTS, "integers")?;
		Ok(attribute.map(|attribute| attribute.ints.as_slice()))
	}

	/// Finite floats.
	pub(super) fn floats(&self, name: &str) -> Result<Option<&'a [f32]>, OnnxError> {
		let attribute = self.typed(name, attribute_type::FLOATS, "floats")?;
		match attribute.map(|attribute| attribute.floats.as_slice()) {
			Some(floats) if floats.iter().any(|float| !float.is_finite()) => {
				Err(self.label.attribute(name, "finite numbers", "a NaN or an infinity"))
			},
			floats => Ok(floats),
		}
	}

	pub(super) fn text(&self, name: &str, default: &str) -> Result<String, OnnxError> {
		let attribute = self.typed(name, attribute_type::STRING, "a string")?;
		Ok(attribute.map_or_else(|| default.into(), |attribute| text(&attribute.s)))
	}

	pub(super) fn texts(&self, name: &str) -> Result<Option<&'a [Vec<u8>]>, OnnxError> {
		let attribute = self.typed(name, attribute_type::STRINGS, "strings")?;
		Ok(attribute.map(|attribute| attribute.strings.as_slice()))
	}

	pub(super) fn tensor(&self, name: &str) -> Result<Option<Tensor>, OnnxError> {
		let attribute = self.typed(name, attribute_type::TENSOR, "a tensor")?;
		let tensor = attribute.and_then(|attribute| attribute.t.clone());
		tensor.map(|tensor| Tensor::read(name, tensor)).transpose()
	}

	/// An attribute that this importer supports with one value only.
	pub(super) fn only(&self, name: &str, value: i64, default: i64) -> Result<(), OnnxError> {
		match self.integer(name, default)? {
			found if found == value => Ok(()),
			other => Err(self.label.attribute(name, value.to_string(), other.to_string())),
		}
	}

	/// Lengths along the axes of a window, each from `least` to 65,536, in the order of ONNX.
	pub(super) fn lengths(
		&self,
		name: &str,
		count: usize,
		least: i64,
	) -> Result<Option<Vec<usize>>, OnnxError> {
		let Some(found) = self.integers(name)? else { return Ok(None) };
		let fits = |length: &i64| (least..=1 << 16).contains(length);
		if found.len() != count || !found.iter().all(fits) {
			let expected = format!("{count} integers from {least} to {}", 1 << 16);
			return Err(self.label.attribute(name, expected, shown(found)));
		}
		Ok(Some(found.iter().map(|length| *length as usize).collect()))
	}

	/// An axis of a shape of this rank, counted from the end when negative; `limit` is the first axis
	/// too large.
	pub(super) fn axis(&self, default: i64, rank: usize, limit: usize) -> Result<usize, OnnxError> {
		axis(self.label, self.integer("axis", default)?, rank, limit)
	}
}

/// An axis of a shape of this rank, counted from the end when negative; `limit` is the first axis too
/// large.
pub(super) fn axis(
	label: &Label,
	found: i64,
	rank: usize,
	limit: usize,
) -> Result<usize, OnnxError> {
	let axis = if found < 0 { found.saturating_add(rank as i64) } else { found };
	usize::try_from(axis).ok().filter(|axis| *axis < limit).ok_or_else(|| {
		let expected = format!("an axis of a tensor of {rank} axes");
		label.attribute("axis", expected, found.to_string())
	})
}

/// A list of integers, shortened.
pub(super) fn shown(integers: &[i64]) -> String {
	match integers {
		short if short.len() <= 8 => format!("{short:?}"),
		long => format!("{} integers", long.len()),
	}
}
