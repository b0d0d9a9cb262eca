// SPDX-License-Identifier: Apache-2.0

//! Exact integer inference.

use super::{class_of, NetworkError, Node, Pick, QuantisedNetwork};
use rayon::prelude::*;
use std::fmt;
use zeroize::Zeroize;

/// Every value of one inference: value 0 is the input, the last one the output. Holds the client's
/// data: wiped when dropped, and printed as sizes only.
#[derive(Clone, PartialEq, Eq)]
pub struct Trace {
	/// `values[v][i]` is element `i` of value `v`.
	pub values: Vec<Vec<i64>>,
}

impl Trace {
	/// The network's output; empty only when the trace has no values.
	pub fn output(&self) -> &[i64] {
		self.values.last().map(Vec::as_slice).unwrap_or_default()
	}
}

impl fmt::Debug for Trace {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		let widths = self.values.iter().map(Vec::len).collect::<Vec<_>>();
		f.debug_struct("Trace").field("widths", &widths).finish_non_exhaustive()
	}
}

impl Drop for Trace {
	fn drop(&mut self) {
		self.values.zeroize();
	}
}

impl QuantisedNetwork {
	/// Runs the network on an input.
	///
	/// # Errors
	/// When the input has the wrong length, when the network's structure is broken, or when an
	/// accumulator overflows, which a [valid](QuantisedNetwork::validate) network cannot do.
	pub fn infer(&self, input: &[i8]) -> Result<Trace, NetworkError> {
		self.widths()?;
		if input.len() != self.input_len() {
			return Err(NetworkError::InputLength {
				expected: self.input_len(),
				found: input.len(),
			});
		}
		let mut trace = Trace { values: Vec::with_capacity(self.nodes.len() + 1) };
		trace.values.push(input.iter().map(|x| i64::from(*x)).collect());
		for (node, step) in self.nodes.iter().enumerate() {
			let next = step.apply(node, &trace.values)?;
			trace.values.push(next);
		}
		Ok(trace)
	}
}

impl Node {
	/// The node's output, from all earlier values, whose widths are known to fit.
	fn apply(&self, node: usize, values: &[Vec<i64>]) -> Result<Vec<i64>, NetworkError> {
		let value = |value: &usize| {
			let elements = values.get(*value).map(Vec::as_slice);
			elements.ok_or(NetworkError::UnknownValue { node, found: *value })
		};
		// Sums of a valid network stay within its bounds; those of another may not.
		let narrow = |sum: i128| {
			i64::try_from(sum).map_err(|_| NetworkError::TooWide { node, found: i64::BITS + 1 })
		};
		let overflow = || NetworkError::TooWide { node, found: i64::BITS + 1 };
		match self {
			Self::Linear { input, columns, weights, bias, .. } => {
				let input = value(input)?;
				let rows = weights.par_chunks(*columns).zip(bias);
				rows.map(|(row, bias)| {
					weighted(*bias, row.iter().copied().zip(input.iter().copied()))
						.ok_or_else(overflow)
				})
				.collect()
			},
			Self::Conv { input, convolution, weights, bias } => {
				let input = value(input)?;
				let (terms, positions) = (convolution.terms(), convolution.window.positions());
				let element = |element: usize| {
					let terms = terms.of(element);
					let terms = terms.map(|(weight, x)| (weights[weight], input[x]));
					weighted(bias[convolution.filter(element)], terms).ok_or_else(overflow)
				};
				(0..bias.len() * positions).into_par_iter().map(element).collect()
			},
			Self::Affine { input, weights, bias } => {
				let terms = weights.iter().copied().zip(value(input)?.iter().copied()).zip(bias);
				terms
					.map(|(term, bias)| weighted(*bias, [term].into_iter()).ok_or_else(overflow))
					.collect()
			},
			Self::Add { left, left_shift, right, right_shift } => value(left)?
				.iter()
				.zip(value(right)?)
				.map(|(l, r)| {
					narrow((i128::from(*l) << left_shift) + (i128::from(*r) << right_shift))
				})
				.collect(),
			Self::Requantise { input, requantisation } => {
				let input = value(input)?;
				let elements = input.iter().enumerate();
				Ok(elements
					.map(|(element, x)| {
						requantisation.apply(*x, requantisation.shift(element, input.len()))
					})
					.collect())
			},
			Self::MaxPool { input, window } => {
				let planes = value(input)?.chunks(window.plane());
				let windows = planes.flat_map(|plane| {
					(0..window.positions()).filter_map(move |position| {
						window.taps(position).map(|(_, element)| plane[element]).max()
					})
				});
				Ok(windows.collect())
			},
			Self::Gather { inputs, picks } => {
				let pick = |pick: &Pick<i32>| match pick {
					Pick::Constant(constant) => Ok(i64::from(*constant)),
					Pick::Element { operand, element } => {
						let (operand, shift) = inputs[*operand];
						narrow(i128::from(value(&operand)?[*element]) << shift)
					},
				};
				picks.iter().map(pick).collect()
			},
			Self::Trees { input, forest } => {
				let mut sums = forest.base.iter().map(|x| i64::from(*x)).collect::<Vec<_>>();
				for votes in forest.leaves(value(input)?) {
					// At most 2^20 votes of 32 bits.
					votes.iter().for_each(|(output, vote)| sums[*output] += i64::from(*vote));
				}
				Ok(sums)
			},
			Self::ArgMax { input } => Ok(vec![class_of(value(input)?) as i64]),
		}
	}
}

/// `bias + Σ weight · x`, unless it overflows.
fn weighted(bias: i32, mut terms: impl Iterator<Item = (i8, i64)>) -> Option<i64> {
	terms.try_fold(i64::from(bias), |sum, (weight, x)| {
		sum.checked_add(x.checked_mul(weight.into())?)
	})
}
