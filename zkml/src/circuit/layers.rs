// SPDX-License-Identifier: Apache-2.0

//! A network's nodes as constraints, one after the other.
//!
//! Linear, Conv, Affine, Add and Gather are linear combinations: no constraint, and no witness. The
//! others have gadgets: `requantise`, `comparison`, `trees`.

use super::{
	boolean::power_of_two,
	comparison::{arg_max, max_pool, Element},
	linear::Linear,
	matrices::Section,
	requantise::Requantiser,
	statement::Plan,
	system::ConstraintSystem,
	trees::trees,
	CircuitError,
};
use crate::{
	network::{Node, Pick, QuantisedNetwork, Trace},
	window::Window,
};
use ark_bls12_381::Fr;
use ark_ff::AdditiveGroup;
use rayon::prelude::*;

/// Most matrix entries that the rows of one layer have before the layer is used: 40 bytes each.
const MAX_LAYER_TERMS: usize = 1 << 26;

/// The network's nodes over one input.
pub(crate) struct Layers<'a> {
	pub(crate) network: &'a QuantisedNetwork,
	pub(crate) plan: &'a Plan,
	/// Without, columns have no values.
	pub(crate) trace: Option<&'a Trace>,
}

impl Layers<'_> {
	/// The network's output.
	pub(crate) fn synthesise<S: ConstraintSystem>(
		&self,
		system: &mut S,
		input: Vec<S::Linear>,
	) -> Result<Vec<S::Linear>, CircuitError> {
		let mut values = vec![input];
		for (index, node) in self.network.nodes.iter().enumerate() {
			system.section(|| format!("{}{index}: {}", Section::NODE, self.describe(index, node)));
			let next = self.node(system, index, node, &values)?;
			values.push(next);
			// Rows of accumulators are as long as the weights: none is kept after its last use.
			for operand in node.operands() {
				if self.plan.last_reader[operand] == index {
					values[operand] = Vec::new();
				}
			}
		}
		Ok(values.pop().unwrap_or_default())
	}

	/// An element of the trace; zero without one.
	fn traced(&self, value: usize, element: usize) -> i64 {
		self.trace.and_then(|trace| trace.values.get(value)?.get(element)).copied().unwrap_or(0)
	}

	/// A value's elements with their bounds.
	fn elements<L: Linear>(&self, value: usize, linear: &[L]) -> Vec<Element<L>> {
		let elements = linear.iter().zip(&self.plan.bounds[value]).enumerate();
		elements
			.map(|(element, (linear, bounds))| Element {
				linear: linear.clone(),
				value: self.traced(value, element),
				bounds: *bounds,
			})
			.collect()
	}

	fn node<S: ConstraintSystem>(
		&self,
		system: &mut S,
		index: usize,
		node: &Node,
		values: &[Vec<S::Linear>],
	) -> Result<Vec<S::Linear>, CircuitError> {
		match node {
			// With values, the trace has the sums already.
			Node::Linear { .. }
			| Node::Conv { .. }
			| Node::Affine { .. }
			| Node::Add { .. }
			| Node::Gather { .. }
				if S::ASSIGNS =>
			{
				let width = self.plan.bounds[index + 1].len();
				let traced = (0..width).map(|element| self.traced(index + 1, element));
				Ok(traced.map(|sum| S::Linear::constant(Fr::from(sum))).collect())
			},
			Node::Linear { .. }
			| Node::Conv { .. }
			| Node::Affine { .. }
			| Node::Add { .. }
			| Node::Gather { .. } => {
				let longest = |operand: usize| values[operand].iter().map(S::Linear::terms).max();
				let longest = node.operands().filter_map(longest).max().unwrap_or(0);
				let found = node.products().saturating_mul(longest);
				if found > MAX_LAYER_TERMS {
					let (what, limit) = ("matrix entries in one layer", MAX_LAYER_TERMS);
					return Err(CircuitError::TooLarge { what, limit, found });
				}
				Ok(combinations(node, values))
			},
			Node::Requantise { input, requantisation } => {
				let width = values[*input].len();
				let elements = self.elements(*input, &values[*input]).into_iter().enumerate();
				elements
					.map(|(element, x)| {
						let shift = requantisation.shift(element, width);
						let gadget = Requantiser::new(x.bounds, requantisation, shift)?;
						Ok(gadget.apply(system, &x.linear, x.value))
					})
					.collect()
			},
			Node::MaxPool { input, window } => {
				Ok(max_pool(system, window, &self.elements(*input, &values[*input])))
			},
			Node::Trees { input, forest } => {
				Ok(trees(system, forest, &self.elements(*input, &values[*input])))
			},
			Node::ArgMax { input } => {
				Ok(vec![arg_max(system, self.elements(*input, &values[*input]))])
			},
		}
	}

	/// What the node is, with its sizes.
	fn describe(&self, index: usize, node: &Node) -> String {
		let width = |value: usize| thousands(self.plan.bounds[value].len());
		let windows = |window: &Window, planes: usize| {
			let [height, width] = window.output().unwrap_or([0, 0]);
			let ([rows, columns], [tall, wide], channels) =
				(window.input, window.kernel, window.channels);
			match (rows, tall) {
				(1, 1) => format!("{channels}×{columns} → {planes}×{width}, {wide}"),
				_ => format!(
					"{channels}×{rows}×{columns} → {planes}×{height}×{width}, {tall}×{wide}"
				),
			}
		};
		let output = width(index + 1);
		match node {
			Node::Linear { input, .. } => format!("linear {} → {output}", width(*input)),
			Node::Conv { convolution, .. } => {
				format!("conv {}", windows(&convolution.window, convolution.filters))
			},
			Node::Affine { .. } => format!("affine {output} elements"),
			Node::Add { .. } => format!("add {output} elements"),
			Node::Requantise { .. } => format!("requantise {output} elements"),
			Node::MaxPool { window, .. } => {
				format!("max pool {}", windows(window, window.channels))
			},
			Node::Gather { .. } => format!("gather {output} elements"),
			Node::Trees { input, forest } => format!(
				"{} trees, {} nodes, {} → {output}",
				thousands(forest.trees.len()),
				thousands(forest.nodes()),
				width(*input)
			),
			Node::ArgMax { input } => format!("arg max of {}", width(*input)),
		}
	}
}

/// The output of a node that only adds and multiplies with constants; nothing for others.
fn combinations<L: Linear>(node: &Node, values: &[Vec<L>]) -> Vec<L> {
	match node {
		Node::Linear { input, columns, weights, bias, .. } => weights
			.par_chunks(*columns)
			.zip(bias)
			.map(|(row, bias)| weighted(*bias, row.iter().zip(&values[*input])))
			.collect(),
		Node::Conv { input, convolution, weights, bias } => {
			let (x, terms) = (&values[*input], convolution.terms());
			(0..bias.len() * convolution.window.positions())
				.into_par_iter()
				.map(|element| {
					let terms = terms.of(element);
					let terms = terms.map(|(weight, x_at)| (&weights[weight], &x[x_at]));
					weighted(bias[convolution.filter(element)], terms)
				})
				.collect()
		},
		Node::Affine { input, weights, bias } => weights
			.par_iter()
			.zip(&values[*input])
			.zip(bias)
			.map(|(term, bias)| weighted(*bias, std::iter::once(term)))
			.collect(),
		Node::Add { left, left_shift, right, right_shift } => {
			let left_scale = power_of_two((*left_shift).into());
			let right_scale = power_of_two((*right_shift).into());
			values[*left]
				.par_iter()
				.zip(&values[*right])
				.map(|(left, right)| {
					L::combine(Fr::ZERO, [(left_scale, left), (right_scale, right)])
				})
				.collect()
		},
		Node::Gather { inputs, picks } => picks
			.par_iter()
			.map(|pick| match pick {
				Pick::Constant(constant) => L::constant(Fr::from(*constant)),
				Pick::Element { operand, element } => {
					let (value, shift) = inputs[*operand];
					let scale = power_of_two(shift.into());
					L::combine(Fr::ZERO, std::iter::once((scale, &values[value][*element])))
				},
			})
			.collect(),
		Node::Requantise { .. }
		| Node::MaxPool { .. }
		| Node::Trees { .. }
		| Node::ArgMax { .. } => Vec::new(),
	}
}

/// `bias + Σ weight · x`.
fn weighted<'a, L: Linear + 'a>(bias: i32, terms: impl Iterator<Item = (&'a i8, &'a L)>) -> L {
	L::combine(Fr::from(bias), terms.map(|(weight, x)| (Fr::from(*weight), x)))
}

/// A number with commas between thousands.
fn thousands(number: usize) -> String {
	let digits = number.to_string();
	let mut text = String::new();
	for (place, digit) in digits.chars().enumerate() {
		if place > 0 && (digits.len() - place).is_multiple_of(3) {
			text.push(',');
		}
		text.push(digit);
	}
	text
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn numbers_have_commas() {
		assert_eq!(
			[0, 999, 1000, 65_536, 1_000_000].map(thousands),
			["0", "999", "1,000", "65,536", "1,000,000"]
		);
	}
}
