// SPDX-License-Identifier: Apache-2.0

//! Networks of real numbers: what was trained, before quantisation.
//!
//! Values are numbered as in a [quantised network](crate::network): value 0 is the input, node `i`
//! produces value `i + 1`, the last value is the output. There is no batch: a value is one vector.

use crate::{
	forest::Forest,
	network::{MAX_ELEMENTS, MAX_PRODUCTS, MAX_WIDTH},
	window::{Convolution, Window},
};
use std::collections::HashMap;

/// Why a network of real numbers cannot be evaluated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FloatError {
	/// The input has the wrong number of values.
	#[error("expected an input of {expected} values, found {found}")]
	InputLength {
		/// Values that the network takes.
		expected: usize,
		/// Values found.
		found: usize,
	},
	/// A node's operand or parameters have the wrong size, or name no earlier value, or it is too much
	/// to compute.
	#[error("node {node}: its operands and parameters do not fit together")]
	Structure {
		/// The node.
		node: String,
	},
	/// A number became infinite.
	#[error("node {node}: expected finite numbers, found an overflow: is the input in the units that the network was trained on?")]
	Overflow {
		/// The node.
		node: String,
	},
}

/// Where an element of a [`FloatOp::Gather`] or [`crate::network::Node::Gather`] comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick<T> {
	/// Element `element` of operand `operand` of the node.
	Element {
		/// Place in the list of operands.
		operand: usize,
		/// Place in the operand.
		element: usize,
	},
	/// A constant.
	Constant(T),
}

/// One operation on vectors.
#[derive(Clone, Debug, PartialEq)]
pub enum FloatOp {
	/// `y[r] = bias[r] + Σ_c weights[r][c] · x[c]`.
	Linear {
		/// Value read.
		input: usize,
		/// Elements of the output.
		rows: usize,
		/// Elements of the input.
		columns: usize,
		/// Row-major.
		weights: Vec<f32>,
		/// One per row.
		bias: Vec<f32>,
	},
	/// A [convolution](Convolution). Average pooling is one, too.
	Conv {
		/// Value read.
		input: usize,
		/// Its geometry.
		convolution: Convolution,
		/// Filter by filter, within it channel by channel.
		weights: Vec<f32>,
		/// One per filter.
		bias: Vec<f32>,
	},
	/// `y[i] = scale[i] · x[i] + bias[i]`.
	Affine {
		/// Value read.
		input: usize,
		/// One per element.
		scale: Vec<f32>,
		/// One per element.
		bias: Vec<f32>,
	},
	/// `y = left + right`.
	Add {
		/// First value read.
		left: usize,
		/// Second value read.
		right: usize,
	},
	/// `y = min(max(x, low), high)`: a ReLU is a clamp from 0 to infinity.
	Clamp {
		/// Value read.
		input: usize,
		/// Smallest result, possibly −∞.
		low: f32,
		/// Largest result, possibly ∞, above `low`.
		high: f32,
	},
	/// `y = x` for positive `x`, `x · 2^−shift` for the others.
	LeakyRelu {
		/// Value read.
		input: usize,
		/// Minus the logarithm of the slope.
		shift: u8,
	},
	/// The largest element of every window, channel by channel.
	MaxPool {
		/// Value read.
		input: usize,
		/// Where it reads; every window reads something.
		window: Window,
	},
	/// A choice of elements, in any order and any number: transposition, concatenation, padding.
	Gather {
		/// Values read.
		inputs: Vec<usize>,
		/// One per element of the output.
		picks: Vec<Pick<f32>>,
	},
	/// `y = 1` for positive `x`, 0 for the others.
	Step {
		/// Value read.
		input: usize,
	},
	/// Decision trees.
	Trees {
		/// Value read.
		input: usize,
		/// The trees.
		forest: Forest<f32>,
	},
}

impl FloatOp {
	/// `max(x, 0)`.
	pub fn relu(input: usize) -> Self {
		Self::Clamp { input, low: 0.0, high: f32::INFINITY }
	}

	/// `x + bias`.
	pub fn bias(input: usize, bias: Vec<f32>) -> Self {
		Self::Affine { input, scale: vec![1.0; bias.len()], bias }
	}

	/// The values that the operation reads.
	pub fn operands(&self) -> impl Iterator<Item = usize> + '_ {
		let (first, others): (&[usize], &[usize]) = match self {
			Self::Linear { input, .. }
			| Self::Conv { input, .. }
			| Self::Affine { input, .. }
			| Self::Clamp { input, .. }
			| Self::LeakyRelu { input, .. }
			| Self::MaxPool { input, .. }
			| Self::Step { input }
			| Self::Trees { input, .. } => (std::slice::from_ref(input), &[]),
			Self::Add { left, right } => (std::slice::from_ref(left), std::slice::from_ref(right)),
			Self::Gather { inputs, .. } => (inputs, &[]),
		};
		first.iter().chain(others).copied()
	}

	fn operands_mut(&mut self) -> impl Iterator<Item = &mut usize> {
		let (first, others): (&mut [usize], &mut [usize]) = match self {
			Self::Linear { input, .. }
			| Self::Conv { input, .. }
			| Self::Affine { input, .. }
			| Self::Clamp { input, .. }
			| Self::LeakyRelu { input, .. }
			| Self::MaxPool { input, .. }
			| Self::Step { input }
			| Self::Trees { input, .. } => (std::slice::from_mut(input), &mut []),
			Self::Add { left, right } => (std::slice::from_mut(left), std::slice::from_mut(right)),
			Self::Gather { inputs, .. } => (inputs, &mut []),
		};
		first.iter_mut().chain(others)
	}

	/// Multiplications and comparisons.
	pub fn products(&self) -> usize {
		match self {
			Self::Linear { weights, .. } => weights.len(),
			Self::Conv { convolution, .. } => convolution.products(),
			Self::Affine { scale, .. } => scale.len(),
			Self::MaxPool { window, .. } => window.reads(),
			Self::Trees { forest, .. } => forest.steps(),
			_ => 0,
		}
	}

	/// Elements of the output, when operands of these widths and the parameters fit together.
	fn width(&self, widths: &[usize]) -> Option<usize> {
		let operand = |value: &usize| widths.get(*value).copied();
		let fits = |fits: bool, width: usize| fits.then_some(width);
		match self {
			Self::Linear { input, rows, columns, weights, bias } => fits(
				operand(input)? == *columns
					&& rows.checked_mul(*columns) == Some(weights.len())
					&& bias.len() == *rows,
				*rows,
			),
			Self::Conv { input, convolution, weights, bias } => fits(
				operand(input)? == convolution.window.input_len()
					&& weights.len() == convolution.weights_len()
					&& bias.len() == convolution.filters,
				convolution.output_len()?,
			),
			Self::Affine { input, scale, bias } => {
				let width = operand(input)?;
				fits(scale.len() == width && bias.len() == width, width)
			},
			Self::Add { left, right } => {
				let width = operand(left)?;
				fits(operand(right)? == width, width)
			},
			Self::Clamp { input, low, high } => fits(low < high, operand(input)?),
			Self::LeakyRelu { input, shift } => fits(*shift < 32, operand(input)?),
			Self::Step { input } => operand(input),
			Self::MaxPool { input, window } => {
				let width = window.channels.checked_mul(window.positions())?;
				fits(operand(input)? == window.input_len() && window.covers(), width)
			},
			Self::Gather { inputs, picks } => {
				let exists = |pick: &Pick<f32>| match pick {
					Pick::Constant(_) => true,
					Pick::Element { operand: place, element } => {
						inputs.get(*place).and_then(operand).is_some_and(|width| *element < width)
					},
				};
				inputs.iter().try_for_each(|input| operand(input).map(drop))?;
				fits(picks.iter().all(exists), picks.len())
			},
			Self::Trees { input, forest } => {
				fits(forest.is_valid(operand(input)?), forest.outputs())
			},
		}
	}

	/// The operation followed by `scale · y + bias`, where it can hold them itself.
	fn then(&self, (scale, bias): (&[f32], &[f32])) -> Option<Self> {
		let mut op = self.clone();
		match &mut op {
			Self::Linear { columns, weights, bias: own, .. } => {
				let rows = weights.chunks_mut(*columns).zip(own).zip(scale.iter().zip(bias));
				for ((row, own), (scale, bias)) in rows {
					row.iter_mut().for_each(|weight| *weight *= scale);
					*own = *own * scale + bias;
				}
			},
			Self::Conv { convolution, weights, bias: own, .. } => {
				let positions = convolution.window.positions();
				let (scale, bias) = (per_channel(scale, positions)?, per_channel(bias, positions)?);
				let filters = weights.chunks_mut(convolution.filter_len()).zip(own);
				for ((filter, own), (scale, bias)) in filters.zip(scale.iter().zip(bias)) {
					filter.iter_mut().for_each(|weight| *weight *= scale);
					*own = *own * scale + bias;
				}
			},
			Self::Affine { scale: first, bias: own, .. } => {
				let own = first.iter_mut().zip(own).zip(scale.iter().zip(bias));
				for ((first, own), (scale, bias)) in own {
					*first *= scale;
					*own = *own * scale + bias;
				}
			},
			_ => return None,
		}
		Some(op)
	}

	/// The operation on `scale · x + bias` instead of `x`, where it can hold them itself.
	fn after(&self, (scale, bias): (&[f32], &[f32])) -> Option<Self> {
		let mut op = self.clone();
		match &mut op {
			Self::Linear { columns, weights, bias: own, .. } => {
				for (row, own) in weights.chunks_mut(*columns).zip(own) {
					*own = fold_into(row, *own, scale.iter().zip(bias));
				}
			},
			Self::Conv { convolution, weights, bias: own, .. } => {
				// Padding is zero before the operation, and stays so.
				let pads = convolution.window.pads != [0; 4];
				if pads && bias.iter().any(|bias| *bias != 0.0) {
					return None;
				}
				let plane = convolution.window.plane();
				let (scale, bias) = (per_channel(scale, plane)?, per_channel(bias, plane)?);
				let kernel = convolution.window.kernel_len();
				let channels = convolution.filter_len() / kernel.max(1);
				let per_group = convolution.filters / convolution.groups.max(1);
				let filters = weights.chunks_mut(convolution.filter_len()).zip(own);
				for (filter, (weights, own)) in filters.enumerate() {
					let first = filter / per_group.max(1) * channels;
					for (channel, weights) in weights.chunks_mut(kernel).enumerate() {
						let (scale, bias) = (scale[first + channel], bias[first + channel]);
						*own = fold_into(weights, *own, std::iter::repeat((&scale, &bias)));
					}
				}
			},
			_ => return None,
		}
		Some(op)
	}

	/// What is left of the operation after others of its kind, or after something that it can change
	/// places with.
	fn simplified(&self, before: &Before<'_>) -> Rewritten {
		match self {
			Self::Affine { input, scale, bias } => {
				if scale.iter().all(|scale| *scale == 1.0) && bias.iter().all(|bias| *bias == 0.0) {
					return Rewritten::Same(*input);
				}
				match before.op(*input) {
					Some(first @ Self::Affine { .. }) => {
						first.then((scale, bias)).map_or(Rewritten::Kept, Rewritten::Replaced)
					},
					_ => Rewritten::Kept,
				}
			},
			Self::Clamp { input, low, high } => match before.op(*input) {
				Some(Self::Clamp { low: first_low, high: first_high, .. })
					if low <= first_low && first_high <= high =>
				{
					Rewritten::Same(*input)
				},
				Some(Self::Clamp { input, low: first_low, high: first_high }) => {
					let (low, high) = (first_low.clamp(*low, *high), first_high.clamp(*low, *high));
					match low < high {
						true => Rewritten::Replaced(Self::Clamp { input: *input, low, high }),
						false => Rewritten::Kept,
					}
				},
				_ => Rewritten::Kept,
			},
			Self::MaxPool { input, window } => match before.op(*input) {
				Some(second @ (Self::Clamp { input, .. } | Self::LeakyRelu { input, .. }))
					if before.sole =>
				{
					let first = Self::MaxPool { input: *input, window: window.clone() };
					Rewritten::Swapped(first, second.clone())
				},
				_ => Rewritten::Kept,
			},
			Self::Gather { inputs, picks } => gathered(inputs, picks, before),
			_ => Rewritten::Kept,
		}
	}

	/// An affine map as part of the node before it, or a node as the one that has taken up the affine
	/// map before it.
	fn absorbed(&self, before: &Before<'_>) -> Rewritten {
		match self {
			Self::Affine { input, scale, bias } if before.sole => {
				let grown = before.op(*input).and_then(|first| first.then((scale, bias)));
				grown.map_or(Rewritten::Kept, |op| Rewritten::Grown(*input, op))
			},
			Self::Linear { input, .. } | Self::Conv { input, .. } => match before.op(*input) {
				Some(Self::Affine { input, scale, bias }) => match self.after((scale, bias)) {
					Some(mut op) => {
						op.operands_mut().for_each(|operand| *operand = *input);
						Rewritten::Replaced(op)
					},
					None => Rewritten::Kept,
				},
				_ => Rewritten::Kept,
			},
			_ => Rewritten::Kept,
		}
	}

	/// The output, given all earlier values of a network whose widths were found to fit. Sums are
	/// accumulated in 64 bits.
	fn apply(&self, values: &[Vec<f32>]) -> Vec<f32> {
		let operand = |value: &usize| values.get(*value).map(Vec::as_slice).unwrap_or_default();
		match self {
			Self::Linear { input, columns, weights, bias, .. } => {
				let rows = weights.chunks(*columns).zip(bias);
				let input = operand(input);
				rows.map(|(row, bias)| dot(*bias, row.iter().copied().zip(input.iter().copied())))
					.collect()
			},
			Self::Conv { input, convolution, weights, bias } => {
				let input = operand(input);
				let (terms, positions) =
					(convolution.terms(), convolution.window.positions().max(1));
				let elements = 0..bias.len() * positions;
				elements
					.map(|element| {
						let terms = terms.of(element).map(|(w, x)| (weights[w], input[x]));
						dot(bias[element / positions], terms)
					})
					.collect()
			},
			Self::Affine { input, scale, bias } => {
				let parameters = scale.iter().zip(bias);
				let elements = operand(input).iter().zip(parameters);
				elements.map(|(x, (scale, bias))| scale * x + bias).collect()
			},
			Self::Add { left, right } => {
				operand(left).iter().zip(operand(right)).map(|(l, r)| l + r).collect()
			},
			Self::Clamp { input, low, high } => {
				operand(input).iter().map(|x| x.max(*low).min(*high)).collect()
			},
			Self::LeakyRelu { input, shift } => {
				let slope = 2f32.powi(-i32::from(*shift));
				operand(input).iter().map(|x| if *x > 0.0 { *x } else { slope * x }).collect()
			},
			Self::Step { input } => {
				operand(input).iter().map(|x| if *x > 0.0 { 1.0 } else { 0.0 }).collect()
			},
			Self::MaxPool { input, window } => {
				let planes = operand(input).chunks(window.plane());
				let largest = |plane: &[f32], position: usize| {
					let elements = window.taps(position).map(|(_, element)| plane[element]);
					elements.fold(f32::NEG_INFINITY, f32::max)
				};
				planes
					.flat_map(|plane| {
						(0..window.positions()).map(move |position| largest(plane, position))
					})
					.collect()
			},
			Self::Gather { inputs, picks } => {
				let pick = |pick: &Pick<f32>| match pick {
					Pick::Constant(constant) => *constant,
					Pick::Element { operand: place, element } => operand(&inputs[*place])[*element],
				};
				picks.iter().map(pick).collect()
			},
			Self::Trees { input, forest } => {
				let mut sums = forest.base.iter().map(|base| f64::from(*base)).collect::<Vec<_>>();
				for votes in forest.leaves(operand(input)) {
					for (output, vote) in votes {
						sums[*output] += f64::from(*vote);
					}
				}
				sums.into_iter().map(|sum| sum as f32).collect()
			},
		}
	}
}

/// What stands before a node that is being rewritten.
struct Before<'a> {
	nodes: &'a [FloatNode],
	/// Elements of every value so far.
	widths: &'a [usize],
	/// Whether nothing else reads the node's operands.
	sole: bool,
}

impl Before<'_> {
	/// The operation that gives a value.
	fn op(&self, value: usize) -> Option<&FloatOp> {
		Some(&self.nodes.get(value.checked_sub(1)?)?.op)
	}

	fn width(&self, value: usize) -> Option<usize> {
		self.widths.get(value).copied()
	}
}

/// What becomes of a node.
enum Rewritten {
	/// It stays.
	Kept,
	/// Its value is this one.
	Same(usize),
	/// Another operation stands in its place.
	Replaced(FloatOp),
	/// The node that gives this value does its work, too, by this operation.
	Grown(usize, FloatOp),
	/// Two operations stand in its place, the second on the first one's value.
	Swapped(FloatOp, FloatOp),
}

/// A choice of elements of values that may be choices themselves.
fn gathered(inputs: &[usize], picks: &[Pick<f32>], before: &Before<'_>) -> Rewritten {
	let mut sources = Vec::new();
	let mut places = HashMap::new();
	let mut place_of = |value: usize| {
		*places.entry(value).or_insert_with(|| {
			sources.push(value);
			sources.len() - 1
		})
	};
	let mut direct = Vec::with_capacity(picks.len());
	for pick in picks {
		let Pick::Element { operand, element } = pick else {
			direct.push(*pick);
			continue;
		};
		let (value, element) = match before.op(inputs[*operand]) {
			Some(FloatOp::Gather { inputs, picks }) => match picks[*element] {
				Pick::Element { operand, element } => (inputs[operand], element),
				constant => {
					direct.push(constant);
					continue;
				},
			},
			_ => (inputs[*operand], *element),
		};
		direct.push(Pick::Element { operand: place_of(value), element });
	}
	let in_order = direct.iter().enumerate().all(
		|(index, pick)| matches!(pick, Pick::Element { operand: 0, element } if *element == index),
	);
	match sources.as_slice() {
		[value] if in_order && before.width(*value) == Some(direct.len()) => {
			Rewritten::Same(*value)
		},
		_ => Rewritten::Replaced(FloatOp::Gather { inputs: sources, picks: direct }),
	}
}

/// `bias + Σ weight · x`, accumulated in 64 bits.
fn dot(bias: f32, terms: impl Iterator<Item = (f32, f32)>) -> f32 {
	let products = terms.map(|(weight, x)| f64::from(weight) * f64::from(x));
	(f64::from(bias) + products.sum::<f64>()) as f32
}

/// The parameter of every channel, when it is the same for all elements of a plane.
fn per_channel(parameters: &[f32], plane: usize) -> Option<Vec<f32>> {
	let planes = parameters.chunks(plane.max(1));
	planes.map(|plane| plane.iter().all(|x| *x == plane[0]).then_some(plane[0])).collect()
}

/// Scales weights in place, and gives the bias with what constants before them contribute.
fn fold_into<'a>(
	weights: &mut [f32],
	bias: f32,
	parameters: impl Iterator<Item = (&'a f32, &'a f32)>,
) -> f32 {
	let mut sum = f64::from(bias);
	for (weight, (scale, constant)) in weights.iter_mut().zip(parameters) {
		sum += f64::from(*weight) * f64::from(*constant);
		*weight *= scale;
	}
	sum as f32
}

/// An operation and the name that messages call it by.
#[derive(Clone, Debug, PartialEq)]
pub struct FloatNode {
	/// Name and operator of the node in the model's file.
	pub name: String,
	/// What it computes.
	pub op: FloatOp,
}

/// A last step that does not change which class wins, and that the quantised network leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
	/// Probabilities of the logits, or their logarithms.
	Softmax,
	/// Probability of every logit by itself.
	Sigmoid,
	/// Index of the largest logit.
	ArgMax,
}

/// A network of real numbers; see the [module](self).
#[derive(Clone, Debug, PartialEq)]
pub struct FloatNetwork {
	/// Number of values of the input.
	pub input_len: usize,
	/// In order of computation.
	pub nodes: Vec<FloatNode>,
	/// What the file applies to the last value.
	pub ending: Option<Ending>,
	/// Names of the outputs, as far as the file gives them.
	pub classes: Vec<String>,
}

impl FloatNetwork {
	/// Number of elements of every value, after checking that operands and parameters fit.
	///
	/// # Errors
	/// [`FloatError::Structure`] with the first node that does not fit.
	pub fn widths(&self) -> Result<Vec<usize>, FloatError> {
		let mut widths = vec![self.input_len];
		let mut elements = self.input_len;
		let mut products = 0usize;
		for FloatNode { name, op } in &self.nodes {
			let structure = || FloatError::Structure { node: name.clone() };
			let width = op
				.width(&widths)
				.filter(|width| (1..=MAX_WIDTH).contains(width))
				.ok_or_else(structure)?;
			elements = elements.saturating_add(width);
			products = products.saturating_add(op.products());
			if elements > MAX_ELEMENTS || products > MAX_PRODUCTS {
				return Err(structure());
			}
			widths.push(width);
		}
		Ok(widths)
	}

	/// Every value for one input. Sums are accumulated in 64 bits, values are stored in 32.
	///
	/// # Errors
	/// When the input has the wrong length, when a node does not fit, or when a number overflows.
	pub fn evaluate(&self, input: &[f32]) -> Result<Vec<Vec<f32>>, FloatError> {
		if input.len() != self.input_len {
			return Err(FloatError::InputLength { expected: self.input_len, found: input.len() });
		}
		self.widths()?;
		let mut values = vec![input.to_vec()];
		for FloatNode { name, op } in &self.nodes {
			let next = op.apply(&values);
			if next.iter().any(|element| !element.is_finite()) {
				return Err(FloatError::Overflow { node: name.clone() });
			}
			values.push(next);
		}
		Ok(values)
	}

	/// The output for one input.
	///
	/// # Errors
	/// As [`Self::evaluate`].
	pub fn output(&self, input: &[f32]) -> Result<Vec<f32>, FloatError> {
		Ok(self.evaluate(input)?.pop().unwrap_or_default())
	}

	/// The same function with fewer and cheaper nodes:
	///
	/// * without nodes on which the output does not depend, and without those that change nothing;
	/// * clamps, affine maps and choices of elements that follow their like are one with it;
	/// * the largest element is taken before a clamp or a leaky ReLU, not after it: both are monotone,
	///   and fewer elements remain for them;
	/// * scales and constants next to a linear node or a convolution are part of it.
	///
	/// A network that does not fit together is returned as it is.
	pub fn folded(mut self) -> Self {
		self.prune();
		self.rewrite(|op, before| op.simplified(before));
		self.prune();
		self.rewrite(|op, before| op.absorbed(before));
		self.prune();
		self
	}

	/// Replaces every node by what `rule` makes of it.
	fn rewrite(&mut self, rule: impl Fn(&FloatOp, &Before<'_>) -> Rewritten) {
		let Ok(widths) = self.widths() else { return };
		let mut readers = vec![0usize; widths.len()];
		for operand in self.nodes.iter().flat_map(|node| node.op.operands()) {
			readers[operand] += 1;
		}
		let old = std::mem::take(&mut self.nodes);
		let last = old.len();
		// What stands for every old value, and the elements of every new one.
		let (mut values, mut new_widths) = (vec![0], vec![self.input_len]);
		for (index, FloatNode { name, mut op }) in old.into_iter().enumerate() {
			let sole = op.operands().all(|operand| readers[operand] == 1);
			op.operands_mut().for_each(|operand| *operand = values[*operand]);
			let before = Before { nodes: &self.nodes, widths: &new_widths, sole };
			let added = match rule(&op, &before) {
				// A network has one node at least.
				Rewritten::Same(0) if index + 1 == last => vec![(name, op)],
				Rewritten::Same(value) => {
					values.push(value);
					continue;
				},
				Rewritten::Grown(value, op) => {
					if let Some(node) =
						value.checked_sub(1).and_then(|node| self.nodes.get_mut(node))
					{
						node.op = op;
					}
					values.push(value);
					continue;
				},
				Rewritten::Kept => vec![(name, op)],
				Rewritten::Replaced(op) => vec![(name, op)],
				Rewritten::Swapped(first, mut second) => {
					let own = op.operands().next().and_then(|value| value.checked_sub(1));
					let own = own.and_then(|node| self.nodes.get(node));
					let own = own.map_or_else(|| name.clone(), |node| node.name.clone());
					let value = self.nodes.len() + 1;
					second.operands_mut().for_each(|operand| *operand = value);
					vec![(name, first), (own, second)]
				},
			};
			for (name, op) in added {
				self.nodes.push(FloatNode { name, op });
				new_widths.push(widths[index + 1]);
			}
			values.push(self.nodes.len());
		}
		// What comes after the last value cannot be part of it.
		self.nodes.truncate(values.last().copied().unwrap_or(0));
	}

	/// Removes the nodes on which the output does not depend.
	fn prune(&mut self) {
		let mut used = vec![false; self.nodes.len() + 1];
		if let Some(output) = used.last_mut() {
			*output = true;
		}
		for (node, FloatNode { op, .. }) in self.nodes.iter().enumerate().rev() {
			if used[node + 1] {
				op.operands().for_each(|operand| used[operand] = true);
			}
		}
		let mut renumbered = vec![0; used.len()];
		let mut next = 0;
		let nodes = std::mem::take(&mut self.nodes);
		for (node, mut kept) in nodes.into_iter().enumerate() {
			if used[node + 1] {
				kept.op.operands_mut().for_each(|operand| *operand = renumbered[*operand]);
				next += 1;
				renumbered[node + 1] = next;
				self.nodes.push(kept);
			}
		}
	}
}

#[cfg(test)]
mod tests;
