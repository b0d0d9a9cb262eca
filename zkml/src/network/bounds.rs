// SPDX-License-Identifier: Apache-2.0

//! Static bounds of every element of every value, by interval analysis on the real weights.
//!
//! The circuit decomposes accumulators into as many bits as these bounds need, so they must hold
//! for *every* int8 input, not only for likely ones.

use super::{NetworkError, Node, QuantisedNetwork, MAX_BITS};

/// A closed range of integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// `(x + 2^(shift−1)) >> shift`, clamped: the one definition of requantisation.
pub(super) fn requantise(x: i64, shift: u8, relu: bool) -> i64 {
	let rounding = match shift {
		0 => 0,
		_ => 1i128 << (shift - 1).min(126),
	};
	let shifted = (i128::from(x) + rounding) >> shift.min(126);
	let clamp = if relu { Interval::UINT8 } else { Interval::INT8 };
	shifted.clamp(clamp.low.into(), clamp.high.into()) as i64
}

impl QuantisedNetwork {
	/// Range of every element of every value, exact for linear nodes over independent operands and
	/// sound always. `bounds()[v][i]` belongs to element `i` of value `v`.
	///
	/// # Errors
	/// Whatever [`QuantisedNetwork::widths`] finds, and [`NetworkError::TooWide`].
	pub fn bounds(&self) -> Result<Vec<Vec<Interval>>, NetworkError> {
		self.widths()?;
		let mut values = vec![vec![Interval::INT8; self.input_len()]];
		for (node, step) in self.nodes.iter().enumerate() {
			let value = |value: usize| {
				values.get(value).ok_or(NetworkError::UnknownValue { node, found: value })
			};
			let next = match step {
				Node::Linear { input, columns, weights, bias, .. } => {
					let input = value(*input)?;
					weights
						.chunks(*columns)
						.zip(bias)
						.map(|(row, bias)| linear_row(node, row, *bias, input))
						.collect::<Result<_, _>>()?
				},
				Node::Add { left, left_shift, right, right_shift } => value(*left)?
					.iter()
					.zip(value(*right)?)
					.map(|(l, r)| {
						let sum = |l: i64, r: i64| {
							(i128::from(l) << left_shift) + (i128::from(r) << right_shift)
						};
						Interval::fitting(node, sum(l.low, r.low), sum(l.high, r.high))
					})
					.collect::<Result<_, _>>()?,
				Node::Requantise { input, shift, relu } => value(*input)?
					.iter()
					.map(|x| Interval {
						low: requantise(x.low, *shift, *relu),
						high: requantise(x.high, *shift, *relu),
					})
					.collect(),
			};
			values.push(next);
		}
		Ok(values)
	}
}

fn linear_row(
	node: usize,
	row: &[i8],
	bias: i32,
	input: &[Interval],
) -> Result<Interval, NetworkError> {
	// Narrow operands and at most 65,536 columns: the sums stay far below 2^63.
	let (mut low, mut high) = (i64::from(bias), i64::from(bias));
	for (weight, x) in row.iter().zip(input) {
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

	#[test]
	fn requantisation_rounds_half_up_and_saturates() {
		for (x, shift, relu, expected) in [
			(5, 0, false, 5),
			(5, 1, false, 3),
			(-5, 1, false, -2),
			(-6, 2, false, -1),
			(6, 2, false, 2),
			(1000, 0, true, 255),
			(-1, 0, true, 0),
			(-1000, 1, false, -128),
			(1000, 1, false, 127),
			(i64::MAX, 59, true, 16),
		] {
			assert_eq!(requantise(x, shift, relu), expected, "{x} >> {shift}, relu {relu}");
		}
	}
}
