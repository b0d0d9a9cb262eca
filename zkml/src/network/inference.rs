// SPDX-License-Identifier: Apache-2.0

//! Exact integer inference.

use super::{bounds::requantise, NetworkError, Node, QuantisedNetwork};
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
			let value = |value: usize| {
				trace.values.get(value).ok_or(NetworkError::UnknownValue { node, found: value })
			};
			let next = match step {
				Node::Linear { input, columns, weights, bias, .. } => {
					let input = value(*input)?;
					weights
						.chunks(*columns)
						.zip(bias)
						.map(|(row, bias)| {
							let products = row.iter().zip(input).map(|(w, x)| i64::from(*w) * x);
							i64::from(*bias) + products.sum::<i64>()
						})
						.collect()
				},
				Node::Add { left, left_shift, right, right_shift } => value(*left)?
					.iter()
					.zip(value(*right)?)
					.map(|(l, r)| {
						let sum = (i128::from(*l) << left_shift) + (i128::from(*r) << right_shift);
						i64::try_from(sum)
							.map_err(|_| NetworkError::TooWide { node, found: i64::BITS + 1 })
					})
					.collect::<Result<_, _>>()?,
				Node::Requantise { input, shift, relu } => {
					value(*input)?.iter().map(|x| requantise(*x, *shift, *relu)).collect()
				},
			};
			trace.values.push(next);
		}
		Ok(trace)
	}
}
