// SPDX-License-Identifier: Apache-2.0

//! Constants, among them the integers that exporters compute new shapes with, and changes of type.

use crate::onnx::{
	error::OnnxError,
	graph::{shown, Call, Label, Operand},
	import::Importer,
	proto::{attribute_type, data_type},
	shape::{Shape, MAX_RANK},
	tensor::{Elements, Tensor},
};

impl Importer {
	/// The shape of an operand, as integers; the batch counts as 1.
	pub(super) fn shape(&mut self, call: &Call<'_>) -> Result<Operand, OnnxError> {
		let label = &call.label;
		let attributes = call.attributes(&["end", "start"])?;
		let [input] = call.inputs("one input")?;
		let shape = self.shape_of(label, input)?;
		let rank = shape.0.len() as i64;
		let place = |found: i64| {
			let counted = if found < 0 { found.saturating_add(rank) } else { found };
			counted.clamp(0, rank) as usize
		};
		let start = place(attributes.integer("start", 0)?);
		let end = place(attributes.integer("end", rank)?).max(start);
		let dims = shape.0[start..end].iter().map(|dim| *dim as i64).collect::<Vec<_>>();
		Ok(self.integers(label, dims))
	}

	fn integers(&mut self, label: &Label, elements: Vec<i64>) -> Operand {
		let shape = Shape(vec![elements.len()]);
		let (name, data_type) = (label.node.clone(), data_type::INT64);
		self.scope.constant_of(Tensor { name, shape, data_type, elements: Elements::Int(elements) })
	}

	/// One number, repeated to fill a shape.
	pub(super) fn constant_of_shape(&mut self, call: &Call<'_>) -> Result<Operand, OnnxError> {
		let label = &call.label;
		let tensor = call.attributes(&["value"])?.tensor("value")?;
		let [input] = call.inputs("one input")?;
		let wanted = self.scope.constant(label, input, "the shape")?.integers()?;
		let dims = wanted.iter().map(|dim| usize::try_from(*dim)).collect::<Result<Vec<_>, _>>();
		let shape = dims.ok().filter(|dims| dims.len() <= MAX_RANK).map(Shape);
		let shape = shape.ok_or_else(|| {
			let expected = format!("at most {MAX_RANK} dimensions from 0");
			label.refuse(format!("expected {expected}, found {}", shown(wanted)))
		})?;
		self.count_folded(label, &shape)?;
		let count = shape.elements().unwrap_or(0);
		let elements = match tensor.as_ref().map(|tensor| &tensor.elements) {
			None => Elements::Float(vec![0.0; count]),
			Some(Elements::Int(one)) if one.len() == 1 => Elements::Int(vec![one[0]; count]),
			Some(Elements::Float(one)) if one.len() == 1 => Elements::Float(vec![one[0]; count]),
			Some(_) => return Err(label.attribute("value", "one number", "others")),
		};
		let data_type = tensor.map_or(data_type::FLOAT, |tensor| tensor.data_type);
		Ok(self.scope.constant_of(Tensor { name: label.node.clone(), shape, data_type, elements }))
	}

	/// Between floating-point types, of constants, and of what the network ends with.
	pub(super) fn cast(&mut self, call: &Call<'_>) -> Result<Operand, OnnxError> {
		let label = &call.label;
		let attributes = call.attributes(&["round_mode", "saturate", "to"])?;
		let to = i32::try_from(attributes.integer("to", 0)?).unwrap_or(0);
		let floats = [data_type::FLOAT, data_type::DOUBLE, data_type::FLOAT16, data_type::BFLOAT16];
		let [input] = call.inputs("one input")?;
		let operand = self.scope.any(label, input)?.clone();
		match operand {
			Operand::Constant(_) => {
				let tensor = self.scope.constant(label, input, "the input")?;
				let shape = tensor.shape.clone();
				self.count_folded(label, &shape)?;
				let tensor = self.scope.constant(label, input, "the input")?;
				let elements = match (&tensor.elements, floats.contains(&to)) {
					(Elements::Int(from), true) => {
						Elements::Float(from.iter().map(|element| *element as f32).collect())
					},
					(Elements::Float(from), false) => {
						Elements::Int(from.iter().map(|element| *element as i64).collect())
					},
					(same, _) => same.clone(),
				};
				let name = tensor.name.clone();
				Ok(self.scope.constant_of(Tensor { name, shape, data_type: to, elements }))
			},
			Operand::Value(_) if !floats.contains(&to) => {
				let expected = "a floating-point type, 1, 10, 11 or 16";
				Err(label.attribute("to", expected, to.to_string()))
			},
			operand => Ok(operand),
		}
	}

	pub(super) fn constant(&mut self, call: &Call<'_>) -> Result<Operand, OnnxError> {
		let (label, node) = (&call.label, call.node);
		let kinds = [
			("value", attribute_type::TENSOR, "a tensor"),
			("value_float", attribute_type::FLOAT, "a float"),
			("value_floats", attribute_type::FLOATS, "floats"),
			("value_int", attribute_type::INT, "an integer"),
			("value_ints", attribute_type::INTS, "integers"),
		];
		let attributes = call.attributes(&kinds.map(|kind| kind.0))?;
		if !node.input.is_empty() {
			return Err(label.arity("no inputs", node.input.len()));
		}
		let [attribute] = node.attribute.as_slice() else {
			let found = format!("{} attributes", node.attribute.len());
			return Err(label.attribute("value", "exactly one attribute", found));
		};
		for (name, r#type, what) in kinds {
			attributes.typed(name, r#type, what)?;
		}
		let tensor = |dims: Vec<usize>, data_type, elements| Tensor {
			name: label.node.clone(),
			shape: Shape(dims),
			data_type,
			elements,
		};
		let (float, int) = (data_type::FLOAT, data_type::INT64);
		let tensor = match attribute.name.as_str() {
			"value_float" => tensor(vec![], float, Elements::Float(vec![attribute.f])),
			"value_floats" => {
				let elements = attribute.floats.clone();
				tensor(vec![elements.len()], float, Elements::Float(elements))
			},
			"value_int" => tensor(vec![], int, Elements::Int(vec![attribute.i])),
			"value_ints" => {
				let elements = attribute.ints.clone();
				tensor(vec![elements.len()], int, Elements::Int(elements))
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
		Ok(self.scope.constant_of(tensor))
	}
}
