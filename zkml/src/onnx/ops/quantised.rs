// SPDX-License-Identifier: Apache-2.0

//! Networks that were quantised before they were exported, read as the real networks that they
//! stand for: constants become the real numbers that their integers mean, and quantising an
//! activation becomes a clamp to the range that its integers can hold (a zero point at the type's
//! minimum makes it a ReLU). Rounding to the file's steps is left out: this crate's own quantisation
//! rounds, to steps that suit the circuit. The network's input is not clamped: its quantisation has a
//! range of its own. Probabilities at the network's end may be quantised, too: they are left out.

use super::convolution::CONVOLUTION;
use crate::{
	float::FloatOp,
	onnx::{
		error::OnnxError,
		graph::{Call, Grid, Label, Operand, Value},
		import::Importer,
		proto::data_type,
		shape::Shape,
		tensor::{integer_range, Elements, Tensor},
	},
};

/// Scale and zero point of every element of a constant: one for all, or one for each place along an
/// axis.
struct Grids {
	grids: Vec<Grid>,
	/// Elements between places along the axis.
	stride: usize,
}

impl Grids {
	fn of(&self, element: usize) -> Grid {
		self.grids[element / self.stride % self.grids.len()]
	}
}

impl Importer {
	/// Reads scales and zero points for a constant of a shape.
	fn grids(
		&self,
		label: &Label,
		shape: &Shape,
		axis: usize,
		scale: &str,
		zero: Option<&str>,
	) -> Result<Grids, OnnxError> {
		let scales = self.scope.constant(label, scale, "the scale")?;
		let along = shape.0.get(axis).copied().unwrap_or(1);
		let count = scales.elements.len();
		if scales.shape.0.len() > 1 || count == 0 || count != 1 && count != along {
			let expected = format!("one scale, or {along} along axis {axis}");
			return Err(label.shape(expected, &scales.shape));
		}
		let zeros = match zero {
			Some(zero) => {
				let zeros = self.scope.constant(label, zero, "the zero point")?;
				if zeros.elements.len() != count {
					return Err(label.shape(format!("{count} zero points"), &zeros.shape));
				}
				Some(zeros.integers()?)
			},
			None => None,
		};
		let scales = scales.floats()?;
		if let Some(found) = scales.iter().find(|scale| **scale <= 0.0) {
			return Err(label.refuse(format!("expected scales above 0, found {found}")));
		}
		let zero = |place: usize| zeros.map_or(0, |zeros| zeros[place]);
		let grids = scales.iter().enumerate();
		let grids = grids.map(|(place, scale)| Grid { scale: *scale, zero: zero(place) }).collect();
		let stride = shape.strides().get(axis).copied().unwrap_or(1).max(1);
		Ok(Grids { grids, stride })
	}

	/// The one scale and zero point of an activation.
	fn grid(&self, label: &Label, scale: &str, zero: Option<&str>) -> Result<Grid, OnnxError> {
		let one = Shape(vec![1]);
		Ok(self.grids(label, &one, 0, scale, zero)?.of(0))
	}

	/// The numbers that the type of a zero point holds; without one, of 8 unsigned bits.
	fn range(&self, label: &Label, zero: Option<&str>) -> Result<(i64, i64), OnnxError> {
		let data_type = match zero {
			Some(zero) => self.scope.constant(label, zero, "the zero point")?.data_type,
			None => data_type::UINT8,
		};
		integer_range(data_type).ok_or_else(|| {
			let expected = "a zero point of type uint8 (2), int8 (3), uint16 (4) or int16 (5)";
			label.refuse(format!("expected {expected}, found type {data_type}"))
		})
	}

	/// A value within the range of a grid's integers.
	fn quantised(
		&mut self,
		label: &Label,
		value: Value,
		scale: &str,
		zero: Option<&str>,
	) -> Result<Operand, OnnxError> {
		let (low, high) = self.range(label, zero)?;
		let grid = self.grid(label, scale, zero)?;
		let clamped = match value.value {
			0 => value,
			_ => self.clamp(label, value, grid.real(low), grid.real(high))?,
		};
		Ok(Value { grid: Some(grid), ..clamped }.into())
	}

	/// The real numbers that a quantised operand stands for under a scale and zero point.
	fn real(
		&mut self,
		label: &Label,
		name: &str,
		scale: &str,
		zero: Option<&str>,
	) -> Result<Value, OnnxError> {
		let value = self.scope.value(label, name, "the input")?;
		let grid = self.grid(label, scale, zero)?;
		match value.grid {
			Some(own) if own == grid => Ok(Value { grid: None, ..value }),
			Some(own) => {
				// The same integers mean other numbers: s₂ · (x / s₁ + z₁ − z₂).
				let width = value.shape.width().unwrap_or(0);
				let bias = vec![grid.real(own.zero); width];
				let scale = vec![grid.scale / own.scale; width];
				let op = FloatOp::Affine { input: value.value, scale, bias };
				self.push(label, op, value.shape)
			},
			None => Err(label
				.refuse("expected a quantised value, found real numbers: insert a QuantizeLinear")),
		}
	}

	/// The real numbers that a constant of integers stands for, and its shape.
	fn real_constant(
		&mut self,
		label: &Label,
		name: &str,
		axis: usize,
		scale: &str,
		zero: Option<&str>,
	) -> Result<(Shape, Vec<f32>), OnnxError> {
		let shape = self.scope.constant(label, name, "the weights")?.shape.clone();
		self.count_folded(label, &shape)?;
		let grids = self.grids(label, &shape, axis, scale, zero)?;
		let integers = self.scope.constant(label, name, "the weights")?.integers()?;
		let elements = integers.iter().enumerate();
		let reals = elements.map(|(element, integer)| grids.of(element).real(*integer));
		Ok((shape, reals.collect()))
	}

	pub(super) fn quantize_linear(&mut self, call: &Call<'_>) -> Result<Operand, OnnxError> {
		let label = &call.label;
		let attributes =
			call.attributes(&["axis", "block_size", "output_dtype", "precision", "saturate"])?;
		attributes.only("block_size", 0, 0)?;
		attributes.only("output_dtype", 0, 0)?;
		let x = call.at_most(2, 3, "two or three inputs")?;
		let (scale, zero) = (call.optional(1).unwrap_or_default(), call.optional(2));
		if let Some(ended) = self.ended(call, x)? {
			return Ok(ended);
		}
		if !matches!(self.scope.operand(label, x)?, Operand::Constant(_)) {
			let (value, shape) = self.scope.computed(label, x, "the input")?;
			return self.quantised(label, Value { value, shape, grid: None }, scale, zero);
		}
		let (low, high) = self.range(label, zero)?;
		let shape = self.scope.constant(label, x, "the input")?.shape.clone();
		self.count_folded(label, &shape)?;
		let axis = attributes.axis(1, shape.0.len(), usize::MAX)?;
		let grids = self.grids(label, &shape, axis, scale, zero)?;
		let elements = self.scope.constant(label, x, "the input")?.floats()?.iter().enumerate();
		let integers = elements.map(|(element, real)| {
			let grid = grids.of(element);
			let steps = (real / grid.scale).round_ties_even() as i64;
			steps.saturating_add(grid.zero).clamp(low, high)
		});
		let elements = Elements::Int(integers.collect());
		let data_type = match zero {
			Some(zero) => self.scope.constant(label, zero, "the zero point")?.data_type,
			None => data_type::UINT8,
		};
		Ok(self.scope.constant_of(Tensor { name: label.node.clone(), shape, data_type, elements }))
	}

	pub(super) fn dequantize_linear(&mut self, call: &Call<'_>) -> Result<Operand, OnnxError> {
		let label = &call.label;
		let attributes = call.attributes(&["axis", "block_size", "output_dtype"])?;
		attributes.only("block_size", 0, 0)?;
		let x = call.at_most(2, 3, "two or three inputs")?;
		let (scale, zero) = (call.optional(1).unwrap_or_default(), call.optional(2));
		if let Some(ended) = self.ended(call, x)? {
			return Ok(ended);
		}
		if !matches!(self.scope.operand(label, x)?, Operand::Constant(_)) {
			return Ok(self.real(label, x, scale, zero)?.into());
		}
		let rank = self.scope.constant(label, x, "the input")?.shape.0.len();
		let axis = attributes.axis(1, rank, usize::MAX)?;
		let (shape, reals) = self.real_constant(label, x, axis, scale, zero)?;
		let (name, elements) = (label.node.clone(), Elements::Float(reals));
		let data_type = data_type::FLOAT;
		Ok(self.scope.constant_of(Tensor { name, shape, data_type, elements }))
	}

	pub(super) fn qlinear_conv(&mut self, call: &Call<'_>) -> Result<Operand, OnnxError> {
		let label = &call.label;
		call.attributes(&CONVOLUTION)?;
		let x = call.at_most(8, 9, "eight or nine inputs")?;
		let name = |index: usize| call.optional(index).unwrap_or_default();
		let Value { value, shape, .. } = self.real(label, x, name(1), call.optional(2))?;
		let (filters, weights) =
			self.real_constant(label, name(3), 0, name(4), call.optional(5))?;
		let bias = match call.optional(8) {
			None => None,
			Some(bias) => {
				let input = self.grid(label, name(1), None)?.scale;
				let scales = self.grids(label, &filters, 0, name(4), None)?;
				let bias = self.scope.constant(label, bias, "B")?.integers()?;
				let scale =
					|filter| f64::from(input) * f64::from(scales.of(filter * scales.stride).scale);
				let reals = bias.iter().enumerate();
				Some(reals.map(|(filter, bias)| (scale(filter) * *bias as f64) as f32).collect())
			},
		};
		let value = self.convolve(call, (value, &shape), (&filters, weights), bias)?;
		self.quantised(label, value, name(6), call.optional(7))
	}

	pub(super) fn qlinear_matmul(&mut self, call: &Call<'_>) -> Result<Operand, OnnxError> {
		let label = &call.label;
		call.attributes(&[])?;
		let a = call.at_most(8, 8, "eight inputs")?;
		let name = |index: usize| call.optional(index).unwrap_or_default();
		let Value { value, shape, .. } = self.real(label, a, name(1), call.optional(2))?;
		let (matrix, weights) = self.real_constant(label, name(3), 1, name(4), call.optional(5))?;
		let value = self.product(call, value, shape, &matrix, &weights)?;
		self.quantised(label, value, name(6), call.optional(7))
	}
}
