// SPDX-License-Identifier: Apache-2.0

//! What happens to every element by itself: arithmetic with constants, sums of two values,
//! normalisation with fixed statistics, activations.

use crate::{
	float::FloatOp,
	onnx::{
		error::OnnxError,
		graph::{Call, Label, Operand, Value},
		import::{output_width, Importer},
		shape::Shape,
		tensor::{Elements, Tensor},
	},
};

/// One of the four operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arithmetic {
	Add,
	Subtract,
	Multiply,
	Divide,
}

impl Arithmetic {
	fn floats(self, left: f32, right: f32) -> f32 {
		match self {
			Self::Add => left + right,
			Self::Subtract => left - right,
			Self::Multiply => left * right,
			Self::Divide => left / right,
		}
	}

	fn integers(self, left: i64, right: i64) -> Option<i64> {
		match self {
			Self::Add => left.checked_add(right),
			Self::Subtract => left.checked_sub(right),
			Self::Multiply => left.checked_mul(right),
			Self::Divide => left.checked_div(right),
		}
	}
}

impl Importer {
	/// Two computed values, or a computed value and a constant in either order, or two constants.
	pub(super) fn arithmetic(
		&mut self,
		call: &Call<'_>,
		arithmetic: Arithmetic,
	) -> Result<Operand, OnnxError> {
		call.attributes(&[])?;
		let label = &call.label;
		let [a, b] = call.inputs("two inputs")?;
		if arithmetic == Arithmetic::Subtract {
			if let Some(complement) = self.complement(call)? {
				return Ok(complement);
			}
		}
		let constant = |operand: &Operand| match operand {
			Operand::Constant(index) => Some(*index),
			_ => None,
		};
		let first = constant(self.scope.operand(label, a)?);
		let second = constant(self.scope.operand(label, b)?);
		match (first, second) {
			(None, None) => {
				let left = self.scope.computed(label, a, "one operand")?;
				let right = self.scope.computed(label, b, "one operand")?;
				Ok(self.combine(label, arithmetic, left, right)?.into())
			},
			(Some(first), Some(second)) => self.fold(label, arithmetic, first, second),
			(None, Some(constant)) => {
				let value = self.scope.computed(label, a, "one operand")?;
				self.affine(label, value, constant, |c| match arithmetic {
					Arithmetic::Add => (1.0, c),
					Arithmetic::Subtract => (1.0, -c),
					Arithmetic::Multiply => (c, 0.0),
					Arithmetic::Divide => (1.0 / c, 0.0),
				})
			},
			(Some(_), None) if arithmetic == Arithmetic::Divide => Err(label.refuse(
				"expected a divisor that is a constant, found one that depends on the network's input",
			)),
			(Some(constant), None) => {
				let value = self.scope.computed(label, b, "one operand")?;
				self.affine(label, value, constant, |c| match arithmetic {
					Arithmetic::Subtract => (-1.0, c),
					Arithmetic::Multiply => (c, 0.0),
					_ => (1.0, c),
				})
			},
		}
	}

	/// `scale · x + bias`, both of which a constant gives that broadcasts to the shape of `x`.
	fn affine(
		&mut self,
		label: &Label,
		(input, shape): (usize, Shape),
		constant: usize,
		parameters: impl Fn(f32) -> (f32, f32),
	) -> Result<Operand, OnnxError> {
		let what = "one operand";
		let tensor = self.scope.tensors.get(constant).ok_or_else(|| label.not_computed(what))?;
		let refuse =
			|| label.shape(format!("a constant that broadcasts to {shape}"), &tensor.shape);
		let output = tensor
			.shape
			.broadcast(&shape)
			.filter(|output| output.elements() == shape.elements())
			.ok_or_else(refuse)?;
		let elements = tensor.shape.expand(tensor.floats()?, &output).ok_or_else(refuse)?;
		let (scale, bias): (Vec<_>, Vec<_>) = elements.into_iter().map(parameters).unzip();
		if scale.iter().any(|scale| !scale.is_finite()) {
			return Err(label.refuse(format!(
				"expected a constant to divide by that is not 0, found 0 or a number near it in {}",
				tensor.name
			)));
		}
		Ok(self.push(label, FloatOp::Affine { input, scale, bias }, output)?.into())
	}

	/// The sum or difference of two computed values.
	fn combine(
		&mut self,
		label: &Label,
		arithmetic: Arithmetic,
		(left, shape): (usize, Shape),
		(right, other): (usize, Shape),
	) -> Result<Value, OnnxError> {
		let negated = match arithmetic {
			Arithmetic::Add => false,
			Arithmetic::Subtract => true,
			Arithmetic::Multiply | Arithmetic::Divide => {
				return Err(label.refuse(
					"expected one operand to be a constant, found two that depend on the network's input: only sums and differences of computed values are supported",
				))
			},
		};
		let expected = || format!("a second operand of {shape}, like the first");
		let output = shape.broadcast(&other).ok_or_else(|| label.shape(expected(), &other))?;
		let left = self.spread(label, left, &shape, &output)?;
		let mut right = self.spread(label, right, &other, &output)?;
		if negated {
			right = self.negated(label, right, &output)?.value;
		}
		self.push(label, FloatOp::Add { left, right }, output)
	}

	/// The sum of any number of computed values.
	pub(super) fn sum(&mut self, call: &Call<'_>) -> Result<Operand, OnnxError> {
		call.attributes(&[])?;
		let (label, what) = (&call.label, "every operand");
		let mut names = call.node.input.iter();
		let first = names.next().ok_or_else(|| label.arity("one input or more", 0))?;
		let (value, shape) = self.scope.computed(label, first, what)?;
		let mut sum = Value { value, shape, grid: None };
		for name in names {
			let next = self.scope.computed(label, name, what)?;
			sum = self.combine(label, Arithmetic::Add, (sum.value, sum.shape), next)?;
		}
		Ok(sum.into())
	}

	/// A value, repeated until it has a shape to which it broadcasts.
	fn spread(
		&mut self,
		label: &Label,
		input: usize,
		shape: &Shape,
		output: &Shape,
	) -> Result<usize, OnnxError> {
		if shape.elements() == output.elements() {
			return Ok(input);
		}
		output_width(label, output)?;
		let refuse = || label.shape(format!("an operand that broadcasts to {output}"), shape);
		let places = shape.repeat(output).ok_or_else(refuse)?;
		let picks = places.map(|element| crate::float::Pick::Element { operand: 0, element });
		let op = FloatOp::Gather { inputs: vec![input], picks: picks.collect() };
		Ok(self.push(label, op, output.clone())?.value)
	}

	fn negated(&mut self, label: &Label, input: usize, shape: &Shape) -> Result<Value, OnnxError> {
		let width = output_width(label, shape)?;
		let op = FloatOp::Affine { input, scale: vec![-1.0; width], bias: vec![0.0; width] };
		self.push(label, op, shape.clone())
	}

	pub(super) fn neg(&mut self, call: &Call<'_>) -> Result<Operand, OnnxError> {
		call.attributes(&[])?;
		let [name] = call.inputs("one input")?;
		let (input, shape) = self.scope.computed(&call.label, name, "the input")?;
		Ok(self.negated(&call.label, input, &shape)?.into())
	}

	/// Arithmetic of two constants.
	fn fold(
		&mut self,
		label: &Label,
		arithmetic: Arithmetic,
		first: usize,
		second: usize,
	) -> Result<Operand, OnnxError> {
		let shape_of = |index: usize| self.scope.tensors.get(index).map(|tensor| &tensor.shape);
		let shapes = shape_of(first).zip(shape_of(second));
		let (left, right) = shapes.ok_or_else(|| label.not_computed("one operand"))?;
		let refuse = || label.shape(format!("a second operand like the first, {left}"), right);
		let shape = left.broadcast(right).ok_or_else(refuse)?;
		self.count_folded(label, &shape)?;
		let (left, right) = (&self.scope.tensors[first], &self.scope.tensors[second]);
		let overflow =
			|| label.refuse("expected finite numbers, found an overflow or a division by 0");
		let pairs = left.shape.repeat(&shape).zip(right.shape.repeat(&shape));
		let (l, r) = pairs.ok_or_else(overflow)?;
		let elements = match (&left.elements, &right.elements) {
			(Elements::Int(left), Elements::Int(right)) => Elements::Int(
				l.zip(r)
					.map(|(l, r)| arithmetic.integers(left[l], right[r]))
					.collect::<Option<_>>()
					.ok_or_else(overflow)?,
			),
			_ => {
				let (left, right) = (left.floats()?, right.floats()?);
				let floats = l.zip(r).map(|(l, r)| arithmetic.floats(left[l], right[r]));
				let floats = floats.collect::<Vec<_>>();
				if floats.iter().any(|float| !float.is_finite()) {
					return Err(overflow());
				}
				Elements::Float(floats)
			},
		};
		let data_type = left.data_type;
		let tensor = Tensor { name: label.node.clone(), shape, data_type, elements };
		Ok(self.scope.constant_of(tensor))
	}

	/// `scale · (x − mean) / √(variance + epsilon) + bias`, channel by channel.
	pub(super) fn batch_normalization(&mut self, call: &Call<'_>) -> Result<Operand, OnnxError> {
		let label = &call.label;
		let known = ["epsilon", "is_test", "momentum", "spatial", "training_mode"];
		let attributes = call.attributes(&known)?;
		attributes.only("training_mode", 0, 0)?;
		attributes.only("spatial", 1, 1)?;
		let epsilon = attributes.float("epsilon", 1e-5)?;
		let names: &[String; 5] = call.inputs("five inputs")?;
		let (input, shape) = self.scope.computed(label, &names[0], "X")?;
		let [1, channels, ..] = *shape.0.as_slice() else {
			return Err(label.shape("X of one record with channels, [1, C, …]", &shape));
		};
		let mut parameters = Vec::new();
		for (name, what) in names[1..].iter().zip(["scale", "B", "mean", "var"]) {
			let tensor = self.scope.constant(label, name, what)?;
			if tensor.shape.0 != [channels] {
				return Err(label.shape(format!("{what} of shape [{channels}]"), &tensor.shape));
			}
			parameters.push(tensor.floats()?.to_vec());
		}
		let plane = output_width(label, &shape)? / channels.max(1);
		let [gains, offsets, means, variances] = parameters.as_slice() else {
			return Err(label.arity("five inputs", names.len()));
		};
		let (mut scale, mut bias) = (Vec::new(), Vec::new());
		let statistics = means.iter().zip(variances);
		for (channel, ((gain, offset), (mean, variance))) in
			gains.iter().zip(offsets).zip(statistics).enumerate()
		{
			let [gain, offset, mean, variance] =
				[gain, offset, mean, variance].map(|number| f64::from(*number));
			let factor = gain / (variance + f64::from(epsilon)).sqrt();
			if !factor.is_finite() {
				let found = format!("a variance of {variance} in channel {channel}");
				return Err(label.refuse(format!("expected variances above 0, found {found}")));
			}
			scale.extend(std::iter::repeat_n(factor as f32, plane));
			bias.extend(std::iter::repeat_n((offset - factor * mean) as f32, plane));
		}
		Ok(self.push(label, FloatOp::Affine { input, scale, bias }, shape)?.into())
	}

	pub(super) fn relu(&mut self, call: &Call<'_>) -> Result<Operand, OnnxError> {
		call.attributes(&[])?;
		let [name] = call.inputs("one input")?;
		let (input, shape) = self.scope.computed(&call.label, name, "the input")?;
		Ok(self.push(&call.label, FloatOp::relu(input), shape)?.into())
	}

	/// Only slopes that a shift computes.
	pub(super) fn leaky_relu(&mut self, call: &Call<'_>) -> Result<Operand, OnnxError> {
		const LARGEST_SHIFT: u8 = 15;
		const TOLERANCE: f32 = 1e-3;
		let label = &call.label;
		let slope = call.attributes(&["alpha"])?.float("alpha", 0.01)?;
		let [name] = call.inputs("one input")?;
		let (input, shape) = self.scope.computed(label, name, "the input")?;
		if slope == 0.0 {
			return Ok(self.push(label, FloatOp::relu(input), shape)?.into());
		}
		let power = |shift: u8| 2f32.powi(-i32::from(shift));
		let distance = |shift: &u8| (slope / power(*shift) - 1.0).abs();
		let nearest = (1..=LARGEST_SHIFT).min_by(|a, b| distance(a).total_cmp(&distance(b)));
		match nearest {
			Some(shift) if distance(&shift) <= TOLERANCE => {
				Ok(self.push(label, FloatOp::LeakyRelu { input, shift }, shape)?.into())
			},
			nearest => {
				let nearest = nearest.unwrap_or(1);
				let expected = format!(
					"0 or a power of two from 2^-1 to 2^-{LARGEST_SHIFT}, the nearest being 2^-{nearest} = {}",
					power(nearest)
				);
				Err(label.attribute("alpha", expected, slope.to_string()))
			},
		}
	}

	/// Bounds are attributes or constant inputs.
	pub(super) fn clip(&mut self, call: &Call<'_>) -> Result<Operand, OnnxError> {
		let label = &call.label;
		let attributes = call.attributes(&["max", "min"])?;
		let name = call.at_most(1, 3, "one to three inputs")?;
		let (input, shape) = self.scope.computed(label, name, "the input")?;
		let bound = |index, what, default| match call.optional(index) {
			Some(name) => self.scope.constant(label, name, what)?.scalar(),
			None => attributes.float(what, default),
		};
		let (low, high) = (bound(1, "min", f32::MIN)?, bound(2, "max", f32::MAX)?);
		// Files write the largest number for no bound.
		let low = if low == f32::MIN { f32::NEG_INFINITY } else { low };
		let high = if high == f32::MAX { f32::INFINITY } else { high };
		self.clamp(label, Value { value: input, shape, grid: None }, low, high).map(Into::into)
	}

	pub(super) fn clamp(
		&mut self,
		label: &Label,
		value: Value,
		low: f32,
		high: f32,
	) -> Result<Value, OnnxError> {
		if (low, high) == (f32::NEG_INFINITY, f32::INFINITY) {
			return Ok(value);
		}
		if low >= high {
			let found = format!("{low} and {high}");
			return Err(
				label.refuse(format!("expected a lower bound below the upper one, found {found}"))
			);
		}
		self.push(label, FloatOp::Clamp { input: value.value, low, high }, value.shape)
	}
}
