// SPDX-License-Identifier: Apache-2.0

//! One operation after the other, as nodes of the integer network.

use super::{
	builder::{finer, out_of_scale, Builder, Scaled},
	grid::Scale,
	scale::{scale, split, Ends, LARGEST_EXPONENT},
	trees,
	weights::{columns, convolution_columns, IntegerSums, Sums},
	Grid, QuantiseError,
};
use crate::{
	float::{FloatNode, FloatOp, Pick},
	network::{Node, Requantisation, MAX_OPERAND_BITS, MAX_SHIFT},
	window::{Convolution, Window},
};

impl Builder<'_> {
	/// Adds what a node of the float network is in integers.
	pub(super) fn node(&mut self, FloatNode { name, op }: &FloatNode) -> Result<(), QuantiseError> {
		let float_value = self.next_value();
		let scaled = match op {
			FloatOp::Linear { input, rows, columns: width, weights, bias } => {
				let operand = self.operand(name, *input)?;
				let columns = columns(&operand.grid, self.means(*input));
				let sums = Sums::new(weights, bias, columns, 1);
				let sums = self.integer_sums(name, &sums, &operand, 1)?;
				let grid = sums.grid();
				let node = Node::Linear {
					input: operand.value,
					rows: *rows,
					columns: *width,
					weights: sums.weights,
					bias: sums.bias,
				};
				self.push(name, Some(float_value), node, grid)
			},
			FloatOp::Conv { input, convolution, weights, bias } => {
				self.convolution(name, *input, convolution, weights, bias)
			},
			FloatOp::Affine { input, scale, bias } => self.affine(name, *input, scale, bias),
			FloatOp::Add { left, right } => self.sum(name, *left, *right),
			FloatOp::Clamp { input, low, high } => {
				let ends = Ends::Reals((*low).into(), (*high).into());
				let operand = self.values[*input].clone();
				self.requantise(name, &operand, float_value, ends, 0)
			},
			FloatOp::LeakyRelu { input, shift } => {
				let operand = self.values[*input].clone();
				self.requantise(name, &operand, float_value, Ends::NONE, *shift)
			},
			FloatOp::Step { input } => {
				let operand = self.values[*input].clone();
				let operand = self.centred(name, &operand)?;
				// Positive integers are those from 1 on.
				let requantisation = Requantisation { shifts: vec![0], low: 0, high: 1, leak: 0 };
				let node = Node::Requantise { input: operand.value, requantisation };
				self.push(name, Some(float_value), node, Grid::uniform(0))
			},
			FloatOp::MaxPool { input, window } => self.max_pool(name, *input, window),
			FloatOp::Gather { inputs, picks } => self.gather(name, inputs, picks),
			FloatOp::Trees { input, forest } => {
				let operand = self.features(name, *input)?;
				let features = self.width(&operand);
				let (forest, exponent) = trees::quantise(forest, &operand.grid, features)
					.map_err(|what| out_of_scale(name, what))?;
				let node = Node::Trees { input: operand.value, forest };
				self.push(name, Some(float_value), node, Grid::uniform(exponent))
			},
		}?;
		self.values.push(scaled);
		Ok(())
	}

	/// Means of the elements of a value that is multiplied.
	fn means(&self, float_value: usize) -> &[f64] {
		self.statistics.values[float_value].means.as_deref().unwrap_or_default()
	}

	/// Quantises sums over an operand, whose rows produce so many elements each; rows have scales of
	/// their own where the readers can have that.
	fn integer_sums(
		&self,
		name: &str,
		sums: &Sums,
		operand: &Scaled,
		row_elements: usize,
	) -> Result<IntegerSums, QuantiseError> {
		let per_row = self.demands[self.next_value()].variety.allows(row_elements);
		let base = operand.grid.common().map_or(0, |scale| scale.exponent);
		sums.quantise(per_row, base).map_err(|what| out_of_scale(name, what))
	}

	fn convolution(
		&mut self,
		name: &str,
		input: usize,
		convolution: &Convolution,
		weights: &[f32],
		bias: &[f32],
	) -> Result<Scaled, QuantiseError> {
		let float_value = self.next_value();
		let mut operand = self.operand(name, input)?;
		let window = &convolution.window;
		let mut columns = match operand.grid.of_groups(window.channels) {
			Some(scales) => {
				let grid = Grid { scales, factor: operand.grid.factor };
				convolution_columns(convolution, &grid, self.means(input))
			},
			None => {
				operand = self.narrow(name, input)?;
				convolution_columns(convolution, &operand.grid, self.means(input))
			},
		};
		let mut convolution = convolution.clone();
		if window.pads != [0; 4] && !operand.grid.is_centred() {
			operand = self.padded(name, &operand, window)?;
			let [top, left, bottom, right] = window.pads;
			let [height, width] = window.input;
			convolution.window.input = [top + height + bottom, left + width + right];
			convolution.window.pads = [0; 4];
		}
		// A sum with the average's divisor left to the scale: exact, and without bits for the weight.
		let average = average(&convolution, weights, bias);
		let average = average.filter(|_| self.demands[float_value].factor);
		let ones = vec![1.0; weights.len()];
		let mut factor = 1.0;
		let mut weights = weights;
		if let Some(share) = average {
			factor = share * operand.grid.factor;
			weights = &ones;
			columns.iter_mut().for_each(|column| {
				column.step /= operand.grid.factor;
				column.mean /= operand.grid.factor;
			});
		}
		let positions = convolution.window.positions();
		let sums = Sums::new(weights, bias, columns, convolution.groups);
		let sums = self.integer_sums(name, &sums, &operand, positions)?;
		let (power, factor) = split(factor);
		let mut grid = Grid { factor, ..sums.grid() };
		grid.scales.iter_mut().for_each(|scale| scale.exponent -= power);
		let node = Node::Conv {
			input: operand.value,
			convolution,
			weights: sums.weights,
			bias: sums.bias,
		};
		self.push(name, Some(float_value), node, grid)
	}

	/// The value on planes with the window's padding around them, in integers that stand for 0.
	fn padded(
		&mut self,
		name: &str,
		operand: &Scaled,
		window: &Window,
	) -> Result<Scaled, QuantiseError> {
		let width = self.width(operand);
		let [height, columns] = window.input;
		let [top, left, bottom, right] = window.pads;
		let mut picks = Vec::new();
		let mut scales = Vec::new();
		for channel in 0..window.channels {
			let plane = channel * window.plane();
			let scale = operand.grid.scale(plane, width);
			scales.push(scale);
			let zero =
				i32::try_from(-scale.zero_point).map_err(|_| out_of_scale(name, "values"))?;
			for row in 0..top + height + bottom {
				for column in 0..left + columns + right {
					let inside = (top..top + height).contains(&row)
						&& (left..left + columns).contains(&column);
					picks.push(match inside {
						true => Pick::Element {
							operand: 0,
							element: plane + (row - top) * columns + column - left,
						},
						false => Pick::Constant(zero),
					});
				}
			}
		}
		let node = Node::Gather { inputs: vec![(operand.value, 0)], picks };
		let grid = Grid::of_elements(scales, operand.grid.factor);
		self.push(name, None, node, grid)
	}

	fn affine(
		&mut self,
		name: &str,
		input: usize,
		factors: &[f32],
		bias: &[f32],
	) -> Result<Scaled, QuantiseError> {
		let float_value = self.next_value();
		if let Some(moved) = self.moved(name, input, factors, bias)? {
			return Ok(moved);
		}
		let operand = self.operand(name, input)?;
		let columns = columns(&operand.grid, self.means(input));
		let sums = Sums::new(factors, bias, columns, bias.len());
		let sums = self.integer_sums(name, &sums, &operand, 1)?;
		let grid = sums.grid();
		let node = Node::Affine { input: operand.value, weights: sums.weights, bias: sums.bias };
		self.push(name, Some(float_value), node, grid)
	}

	/// A scaling by the same power of two everywhere needs no multiplication: the scale takes it up,
	/// and the constants are added. `None` where that is not so, or where the value's own steps are too
	/// coarse for the constants.
	fn moved(
		&mut self,
		name: &str,
		input: usize,
		factors: &[f32],
		bias: &[f32],
	) -> Result<Option<Scaled>, QuantiseError> {
		let operand = self.values[input].clone();
		let first = factors.first().copied().unwrap_or_default();
		let (power, factor) = split(first.into());
		let same = factor == 1.0 && factors.iter().all(|factor| *factor == first);
		let passes = operand.grid.factor == 1.0 || self.demands[self.next_value()].factor;
		let Some(common) = operand.grid.common().filter(|_| same && passes) else {
			return Ok(None);
		};
		let moved = Scale { exponent: common.exponent - power, ..common };
		if moved.exponent.abs() > 2 * LARGEST_EXPONENT {
			return Ok(None);
		}
		let grid = Grid { scales: vec![moved], factor: operand.grid.factor };
		let steps = |bias: &f32| f64::from(*bias) / grid.step(moved);
		let exact = bias.iter().all(|bias| steps(bias).fract() == 0.0);
		if !exact && self.bits(&operand) <= MAX_OPERAND_BITS {
			return Ok(None);
		}
		if bias.iter().all(|bias| *bias == 0.0) {
			return Ok(Some(Scaled { value: operand.value, grid }));
		}
		let constants = bias.iter().map(|bias| steps(bias).round() as i64).collect::<Vec<_>>();
		let float_value = Some(self.next_value());
		self.add_constants(name, float_value, &operand, constants.into_iter(), grid)
	}

	fn sum(&mut self, name: &str, left: usize, right: usize) -> Result<Scaled, QuantiseError> {
		let float_value = self.next_value();
		let (left, right) = (self.aligned(name, left)?, self.aligned(name, right)?);
		let exponent = left.grid.exponents().0.max(right.grid.exponents().0);
		let (left_shift, right_shift) = (
			shift_to(exponent, &left).ok_or_else(|| out_of_scale(name, "operands"))?,
			shift_to(exponent, &right).ok_or_else(|| out_of_scale(name, "operands"))?,
		);
		let zero_point = |operand: &Scaled, shift: u8| {
			operand.grid.common().map_or(0, |scale| finer(scale, shift).zero_point)
		};
		let zero_point = zero_point(&left, left_shift) + zero_point(&right, right_shift);
		let grid = Grid { scales: vec![Scale { exponent, zero_point }], factor: 1.0 };
		let node = Node::Add { left: left.value, left_shift, right: right.value, right_shift };
		self.push(name, Some(float_value), node, grid)
	}

	fn max_pool(
		&mut self,
		name: &str,
		input: usize,
		window: &Window,
	) -> Result<Scaled, QuantiseError> {
		let float_value = self.next_value();
		let mut operand = self.values[input].clone();
		let scales = match operand.grid.of_groups(window.channels) {
			Some(scales) => scales,
			None => {
				operand = self.narrow(name, input)?;
				operand.grid.scales.clone()
			},
		};
		let grid = Grid::of_elements(scales, operand.grid.factor);
		let node = Node::MaxPool { input: operand.value, window: window.clone() };
		self.push(name, Some(float_value), node, grid)
	}

	fn gather(
		&mut self,
		name: &str,
		inputs: &[usize],
		picks: &[Pick<f32>],
	) -> Result<Scaled, QuantiseError> {
		let float_value = self.next_value();
		let variety = self.demands[float_value].variety;
		let mut operands =
			inputs.iter().map(|input| (self.values[*input].clone(), 0)).collect::<Vec<_>>();
		let mut factor = operands.first().map_or(1.0, |(operand, _)| operand.grid.factor);
		let together = operands.iter().all(|(operand, _)| operand.grid.factor == factor);
		let mut scales = self.scales_of(&operands, picks);
		let fits = |scales: &[Scale]| {
			let grid = Grid::of_elements(scales.to_vec(), 1.0);
			grid.scales.len() == 1 || variety.allows(picks.len() / grid.scales.len())
		};
		if !together || !fits(&scales) {
			for ((operand, _), input) in operands.iter_mut().zip(inputs) {
				*operand = self.aligned(name, *input)?;
			}
			factor = 1.0;
			let exponents = operands.iter().map(|(operand, _)| operand.grid.exponents().1);
			let exponent = exponents.max().unwrap_or(0);
			for (operand, shift) in &mut operands {
				*shift =
					shift_to(exponent, operand).ok_or_else(|| out_of_scale(name, "operands"))?;
			}
			scales = self.scales_of(&operands, picks);
		}
		let grid = Grid { scales, factor };
		let constant = |(element, pick): (usize, &Pick<f32>)| match pick {
			Pick::Element { operand, element } => {
				Ok(Pick::Element { operand: *operand, element: *element })
			},
			Pick::Constant(real) => {
				let scale = grid.scales[element];
				let steps = (f64::from(*real) / grid.step(scale)).round();
				let integer = steps - scale.zero_point as f64;
				match integer.abs() <= f64::from(i32::MAX) {
					true => Ok(Pick::Constant(integer as i32)),
					false => Err(out_of_scale(name, "constants")),
				}
			},
		};
		let picks = picks.iter().enumerate().map(constant).collect::<Result<_, _>>()?;
		let inputs = operands.iter().map(|(operand, shift)| (operand.value, *shift)).collect();
		let grid = Grid::of_elements(grid.scales, grid.factor);
		self.push(name, Some(float_value), Node::Gather { inputs, picks }, grid)
	}

	/// The scale of every element that is picked; a constant has its neighbour's.
	fn scales_of(&self, operands: &[(Scaled, u8)], picks: &[Pick<f32>]) -> Vec<Scale> {
		let of_pick = |pick: &Pick<f32>| match pick {
			Pick::Constant(_) => None,
			Pick::Element { operand, element } => {
				let (operand, shift) = &operands[*operand];
				Some(finer(operand.grid.scale(*element, self.width(operand)), *shift))
			},
		};
		let picked = picks.iter().map(of_pick).collect::<Vec<_>>();
		let first = picked.iter().flatten().next().copied();
		let mut last =
			first.unwrap_or(Scale { exponent: constants_exponent(picks), zero_point: 0 });
		let scale = |scale: Option<Scale>| {
			last = scale.unwrap_or(last);
			last
		};
		picked.into_iter().map(scale).collect()
	}
}

impl IntegerSums {
	fn grid(&self) -> Grid {
		let scale = |exponent: &i32| Scale { exponent: *exponent, zero_point: 0 };
		Grid { scales: self.exponents.iter().map(scale).collect(), factor: 1.0 }
	}
}

/// The exponent of a value of nothing but constants: about sixteen bits.
fn constants_exponent(picks: &[Pick<f32>]) -> i32 {
	let constant = |pick: &Pick<f32>| match pick {
		Pick::Constant(real) => f64::from(real.abs()),
		Pick::Element { .. } => 0.0,
	};
	let largest = picks.iter().map(constant).fold(0.0, f64::max);
	match largest > 0.0 {
		true => super::scale::fitting_exponent(largest, scale(15)),
		false => 0,
	}
}

/// The weight of an average over every window of every channel; `None` for other convolutions.
fn average(convolution: &Convolution, weights: &[f32], bias: &[f32]) -> Option<f64> {
	let Convolution { window, groups, filters } = convolution;
	let depthwise = groups == filters && *filters == window.channels;
	let share = *weights.first()?;
	let same = weights.iter().all(|weight| *weight == share);
	let plain = bias.iter().all(|bias| *bias == 0.0);
	(depthwise && same && plain && share > 0.0).then_some(share.into())
}

/// The bits by which a value is shifted to an exponent.
fn shift_to(exponent: i32, operand: &Scaled) -> Option<u8> {
	let shift = exponent - operand.grid.exponents().1;
	u8::try_from(shift).ok().filter(|shift| *shift <= MAX_SHIFT)
}
