// SPDX-License-Identifier: Apache-2.0

//! Static bounds of every element of every value, by interval analysis on the real weights.
//!
//! The circuit decomposes accumulators into as many bits as these bounds need, so they must hold
//! for *every* int8 input, not only for likely ones.

use super::{
	NetworkError, Node, Pick, QuantisedNetwork, MAX_BITS, MAX_FEATURE_BITS, MAX_OPERAND_BITS,
};
use rayon::prelude::*;

/// A closed range of integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Interval {
	/// Smallest possible value.
	pub low: i64,
	/// Largest possible value.
	pub high: i64,
}

impl Interval {
	/// The range of an int8.
	pub const INT8: Self = Self { low: -128, high: 127 };
	/// The range of a uint8.
	pub const UINT8: Self = Self { low: 0, high: 255 };

	/// Whether a number lies in the range.
	pub fn contains(&self, number: i64) -> bool {
		(self.low..=self.high).contains(&number)
	}

	/// Bits of the smallest two's-complement number that holds the whole range, at least 1.
	pub fn bits(&self) -> u32 {
		let magnitude = |number: i64| if number < 0 { !number } else { number };
		let widest = magnitude(self.low).max(magnitude(self.high));
		i64::BITS - widest.leading_zeros() + 1
	}

	/// The interval when it fits into [`MAX_BITS`] bits.
	fn fitting(node: usize, low: i128, high: i128) -> Result<Self, NetworkError> {
		let too_wide = |found| NetworkError::TooWide { node, found };
		let (Ok(low), Ok(high)) = (i64::try_from(low), i64::try_from(high)) else {
			let magnitude = low.unsigned_abs().max(high.unsigned_abs());
			return Err(too_wide(i128::BITS - magnitude.leading_zeros() + 1));
		};
		let interval = Self { low, high };
		match interval.bits() {
			bits if bits > MAX_BITS => Err(too_wide(bits)),
			_ => Ok(interval),
		}
	}
}

impl QuantisedNetwork {
	/// Range of every element of every value, exact for linear nodes over independent operands and
	/// sound always. `bounds()[v][i]` belongs to element `i` of value `v`.
	///
	/// # Errors
	/// Whatever [`QuantisedNetwork::widths`] finds, [`NetworkError::NotNarrow`] and
	/// [`NetworkError::TooWide`].
	pub fn bounds(&self) -> Result<Vec<Vec<Interval>>, NetworkError> {
		self.widths()?;
		let mut values = vec![vec![Interval::INT8; self.input_len()]];
		for (node, step) in self.nodes.iter().enumerate() {
			values.push(step.bounds(node, &values)?);
		}
		Ok(values)
	}
}

impl Node {
	/// Range of every element of the node's output, from those of all earlier values, whose widths
	/// are known to fit; `node` is the node's number, for errors.
	pub(crate) fn bounds(
		&self,
		node: usize,
		values: &[Vec<Interval>],
	) -> Result<Vec<Interval>, NetworkError> {
		let value = |value: &usize| {
			let bounds = values.get(*value).map(Vec::as_slice);
			bounds.ok_or(NetworkError::UnknownValue { node, found: *value })
		};
		let narrow = |input: &usize, limit: u32| {
			let bounds = value(input)?;
			match bounds.iter().map(Interval::bits).max() {
				Some(found) if found > limit => Err(NetworkError::NotNarrow { node, limit, found }),
				_ => Ok(bounds),
			}
		};
		match self {
			Self::Linear { input, columns, weights, bias, .. } => {
				let input = narrow(input, MAX_OPERAND_BITS)?;
				let rows = weights.par_chunks(*columns).zip(bias);
				rows.map(|(row, bias)| weighted(node, *bias, row.iter().zip(input))).collect()
			},
			Self::Conv { input, convolution, weights, bias } => {
				let input = narrow(input, MAX_OPERAND_BITS)?;
				let (terms, positions) = (convolution.terms(), convolution.window.positions());
				let element = |element: usize| {
					let terms = terms.of(element);
					let terms = terms.map(|(weight, x)| (&weights[weight], &input[x]));
					weighted(node, bias[convolution.filter(element)], terms)
				};
				(0..bias.len() * positions).into_par_iter().map(element).collect()
			},
			Self::Affine { input, weights, bias } => {
				let terms = weights.iter().zip(narrow(input, MAX_OPERAND_BITS)?).zip(bias);
				terms.map(|(term, bias)| weighted(node, *bias, std::iter::once(term))).collect()
			},
			Self::Add { left, left_shift, right, right_shift } => {
				let sum =
					|l: i64, r: i64| (i128::from(l) << left_shift) + (i128::from(r) << right_shift);
				let operands = value(left)?.iter().zip(value(right)?);
				operands
					.map(|(l, r)| Interval::fitting(node, sum(l.low, r.low), sum(l.high, r.high)))
					.collect()
			},
			Self::Requantise { input, requantisation } => {
				let input = value(input)?;
				let elements = input.iter().enumerate();
				Ok(elements
					.map(|(element, x)| {
						let shift = requantisation.shift(element, input.len());
						let apply = |x| requantisation.apply(x, shift);
						Interval { low: apply(x.low), high: apply(x.high) }
					})
					.collect())
			},
			Self::MaxPool { input, window } => {
				let planes = value(input)?.chunks(window.plane());
				let largest = |plane: &[Interval], position: usize| {
					let elements = window.taps(position).map(|(_, element)| plane[element]);
					elements
						.reduce(|a, b| Interval { low: a.low.max(b.low), high: a.high.max(b.high) })
				};
				let windows = planes.flat_map(|plane| {
					(0..window.positions()).filter_map(move |position| largest(plane, position))
				});
				Ok(windows.collect())
			},
			Self::Gather { inputs, picks } => {
				let pick = |pick: &Pick<i32>| match pick {
					Pick::Constant(constant) => {
						Ok(Interval { low: (*constant).into(), high: (*constant).into() })
					},
					Pick::Element { operand, element } => {
						let (operand, shift) = inputs[*operand];
						let x = value(&operand)?[*element];
						Interval::fitting(
							node,
							i128::from(x.low) << shift,
							i128::from(x.high) << shift,
						)
					},
				};
				picks.iter().map(pick).collect()
			},
			Self::Trees { input, forest } => {
				narrow(input, MAX_FEATURE_BITS)?;
				let (mut low, mut high) = (widen(&forest.base), widen(&forest.base));
				for tree in &forest.trees {
					for (output, votes) in tree.votes(forest.outputs()).iter().enumerate() {
						low[output] += i128::from(votes.0);
						high[output] += i128::from(votes.1);
					}
				}
				low.into_iter().zip(high).map(|(l, h)| Interval::fitting(node, l, h)).collect()
			},
			Self::ArgMax { input } => {
				let last = value(input)?.len().max(2) - 1;
				Ok(vec![Interval { low: 0, high: last as i64 }])
			},
		}
	}
}

fn widen(numbers: &[i32]) -> Vec<i128> {
	numbers.iter().map(|number| i128::from(*number)).collect()
}

/// Range of `bias + Σ weight · x` over independent narrow operands: at most 2^30 products of 8 and 16
/// bits, so that sums stay far below 2^63.
fn weighted<'a>(
	node: usize,
	bias: i32,
	terms: impl Iterator<Item = (&'a i8, &'a Interval)>,
) -> Result<Interval, NetworkError> {
	let (mut low, mut high) = (i64::from(bias), i64::from(bias));
	for (weight, x) in terms {
		let weight = i64::from(*weight);
		let (at_low, at_high) = (weight * x.low, weight * x.high);
		low += at_low.min(at_high);
		high += at_low.max(at_high);
	}
	Interval::fitting(node, low.into(), high.into())
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn bits_are_those_of_twos_complement() {
		for (low, high, bits) in [
			(0, 0, 1),
			(-1, 0, 1),
			(0, 1, 2),
			(-128, 127, 8),
			(0, 255, 9),
			(-129, 0, 9),
			(i64::MIN, 0, 64),
		] {
			assert_eq!(Interval { low, high }.bits(), bits, "{low}..{high}");
		}
	}
}
