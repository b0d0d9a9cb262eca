// SPDX-License-Identifier: Apache-2.0

//! What the calibration records show about every value of a network, in one evaluation of each.
//!
//! Records are evaluated in parallel; what is added up in floating point is added in a fixed order,
//! so that the number of processors changes nothing.

use super::scale::scale;
use super::QuantiseError;
use crate::{
	float::{FloatError, FloatNetwork, FloatOp},
	progress::Counter,
};
use rayon::prelude::*;

/// Parts into which the records are divided, whatever the machine: few, as each has statistics of its
/// own.
const PARTS: usize = 16;
/// Logarithm of the bins on each side of 0.
const BIN_BITS: i32 = 13;
/// Bins on each side of 0.
const BINS: usize = 1 << BIN_BITS;

/// How often numbers occur. A bin holds what lies between two neighbouring multiples of a power of
/// two, and stands for the lower one: numbers on a coarser grid are kept exactly. The bins widen by
/// powers of two as larger numbers come, so that the order of the numbers does not matter.
#[derive(Clone, Debug, PartialEq)]
struct Histogram {
	/// All magnitudes are below 2^this.
	top: i32,
	counts: Vec<u64>,
}

impl Histogram {
	fn new() -> Self {
		// Below every number but 0.
		Self { top: -150, counts: vec![0; 2 * BINS] }
	}

	fn observe(&mut self, number: f32) {
		let number = f64::from(number);
		let above = ((number.to_bits() >> 52) & 0x7ff) as i32 - 1022;
		if number != 0.0 && above > self.top {
			self.widen(above);
		}
		let bin = (number * scale(BIN_BITS - self.top)).floor() as i64 + BINS as i64;
		self.counts[(bin.max(0) as usize).min(2 * BINS - 1)] += 1;
	}

	fn widen(&mut self, top: i32) {
		let shift = (top - self.top).clamp(0, 63);
		let counts = std::mem::replace(&mut self.counts, vec![0; 2 * BINS]);
		for (bin, count) in counts.into_iter().enumerate() {
			let place = (bin as i64 - BINS as i64) >> shift;
			self.counts[(place + BINS as i64) as usize] += count;
		}
		self.top = top;
	}

	fn merge(&mut self, mut other: Self) {
		match self.top < other.top {
			true => self.widen(other.top),
			false => other.widen(self.top),
		}
		self.counts.iter_mut().zip(other.counts).for_each(|(own, count)| *own += count);
	}

	/// Numbers and how often they occur.
	fn numbers(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
		let width = scale(self.top - BIN_BITS);
		let bins = self.counts.iter().enumerate().filter(|(_, count)| **count > 0);
		bins.map(move |(bin, count)| ((bin as i64 - BINS as i64) as f64 * width, *count as f64))
	}
}

/// What was seen of one value.
#[derive(Clone, Debug)]
pub(super) struct ValueStatistics {
	/// Smallest number.
	pub(super) low: f64,
	/// Largest number.
	pub(super) high: f64,
	/// Sums of every element, then means; of values that are multiplied.
	pub(super) means: Option<Vec<f64>>,
	/// Of values that may be requantised.
	histogram: Option<Histogram>,
}

impl ValueStatistics {
	fn new(width: usize, means: bool, histogram: bool) -> Self {
		Self {
			low: f64::INFINITY,
			high: f64::NEG_INFINITY,
			means: means.then(|| vec![0.0; width]),
			histogram: histogram.then(Histogram::new),
		}
	}

	#[cfg(test)]
	pub(super) fn of(numbers: &[f32]) -> Self {
		let mut statistics = Self::new(numbers.len(), false, true);
		statistics.observe(numbers);
		statistics
	}

	fn observe(&mut self, elements: &[f32]) {
		for element in elements {
			self.low = self.low.min((*element).into());
			self.high = self.high.max((*element).into());
		}
		if let Some(sums) = &mut self.means {
			sums.iter_mut().zip(elements).for_each(|(sum, x)| *sum += f64::from(*x));
		}
		if let Some(histogram) = &mut self.histogram {
			elements.iter().for_each(|element| histogram.observe(*element));
		}
	}

	fn merge(&mut self, other: Self) {
		self.low = self.low.min(other.low);
		self.high = self.high.max(other.high);
		if let (Some(sums), Some(others)) = (&mut self.means, other.means) {
			sums.iter_mut().zip(others).for_each(|(sum, other)| *sum += other);
		}
		if let (Some(own), Some(other)) = (&mut self.histogram, other.histogram) {
			own.merge(other);
		}
	}

	/// Squared error of all numbers when they are rounded to multiples of a step, from `low` to `high`
	/// of them.
	pub(super) fn squared_error(&self, step: f64, low: f64, high: f64) -> f64 {
		let numbers = self.histogram.iter().flat_map(Histogram::numbers);
		let error = |(number, count): (f64, f64)| {
			let difference = number - (number / step).round().clamp(low, high) * step;
			count * difference * difference
		};
		numbers.map(error).sum()
	}
}

/// What was seen of all values.
#[derive(Clone, Debug)]
pub(super) struct Statistics {
	/// One per value of the network.
	pub(super) values: Vec<ValueStatistics>,
	/// Smallest and largest number of every feature of the input.
	pub(super) features: Vec<(f64, f64)>,
}

impl Statistics {
	fn new(float: &FloatNetwork, widths: &[usize]) -> Self {
		let mut multiplied = vec![false; widths.len()];
		let mut requantised = vec![false; widths.len()];
		requantised[0] = true;
		for (node, step) in float.nodes.iter().enumerate() {
			match &step.op {
				FloatOp::Linear { input, .. }
				| FloatOp::Conv { input, .. }
				| FloatOp::Affine { input, .. } => {
					multiplied[*input] = true;
					requantised[*input] = true;
				},
				FloatOp::Clamp { .. } | FloatOp::LeakyRelu { .. } => requantised[node + 1] = true,
				// Whatever is not at one scale may have to be brought to one.
				other => other.operands().for_each(|operand| requantised[operand] = true),
			}
		}
		if let Some(output) = requantised.last_mut() {
			*output = true;
		}
		let values = widths.iter().zip(multiplied.into_iter().zip(requantised));
		Self {
			values: values
				.map(|(width, (means, histogram))| ValueStatistics::new(*width, means, histogram))
				.collect(),
			features: vec![(f64::INFINITY, f64::NEG_INFINITY); float.input_len],
		}
	}

	fn observe(&mut self, values: &[Vec<f32>]) {
		for (statistics, elements) in self.values.iter_mut().zip(values) {
			statistics.observe(elements);
		}
		for (feature, x) in self.features.iter_mut().zip(values.iter().take(1).flatten()) {
			*feature = (feature.0.min((*x).into()), feature.1.max((*x).into()));
		}
	}

	fn merge(&mut self, other: Self) {
		for (own, other) in self.values.iter_mut().zip(other.values) {
			own.merge(other);
		}
		for (own, other) in self.features.iter_mut().zip(other.features) {
			*own = (own.0.min(other.0), own.1.max(other.1));
		}
	}

	/// Evaluates the network, whose values have these widths, on all records.
	pub(super) fn collect(
		float: &FloatNetwork,
		widths: &[usize],
		calibration: &[Vec<f32>],
		counter: &Counter,
	) -> Result<Self, QuantiseError> {
		let size = calibration.len().div_ceil(PARTS).max(1);
		let parts = calibration.par_chunks(size).enumerate().map(|(part, records)| {
			let mut statistics = Self::new(float, widths);
			for (place, input) in records.iter().enumerate() {
				counter.next()?;
				let refuse = |reason: FloatError| QuantiseError::Record {
					record: part * size + place,
					reason,
				};
				statistics.observe(&float.evaluate(input).map_err(refuse)?);
			}
			Ok(statistics)
		});
		let mut statistics = None::<Self>;
		for part in parts.collect::<Vec<Result<Self, QuantiseError>>>() {
			match (&mut statistics, part?) {
				(Some(statistics), part) => statistics.merge(part),
				(empty, part) => *empty = Some(part),
			}
		}
		let mut statistics = statistics.ok_or(QuantiseError::NoCalibration)?;
		for sum in statistics.values.iter_mut().filter_map(|value| value.means.as_mut()).flatten() {
			*sum /= calibration.len() as f64;
		}
		Ok(statistics)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	#[test]
	fn numbers_on_a_grid_are_kept_exactly() {
		let numbers = [-3.5f32, 0.0, 0.25, 7.75, 0.25];
		let mut histogram = Histogram::new();
		numbers.iter().for_each(|number| histogram.observe(*number));
		let kept = histogram.numbers().collect::<Vec<_>>();
		assert_eq!(kept, [(-3.5, 1.0), (0.0, 1.0), (0.25, 2.0), (7.75, 1.0)]);
	}

	#[test]
	fn powers_of_two_lie_within_the_bins() {
		for number in [1.0f32, -1.0, 2f32.powi(-149), -f32::MAX, f32::MAX] {
			let mut histogram = Histogram::new();
			histogram.observe(number);
			let (kept, count) = histogram.numbers().next().unwrap();
			assert!((kept / f64::from(number) - 1.0).abs() < 0.001, "{kept} for {number}");
			assert_eq!(count, 1.0);
		}
	}

	proptest! {
		#[test]
		fn the_order_of_the_numbers_does_not_matter(
			numbers in prop::collection::vec(-1e6f32..1e6, 1..40),
			small in prop::collection::vec(-1e-3f32..1e-3, 1..40),
		) {
			let histogram = |numbers: &mut dyn Iterator<Item = &f32>| {
				let mut histogram = Histogram::new();
				numbers.for_each(|number| histogram.observe(*number));
				histogram
			};
			let all = histogram(&mut small.iter().chain(&numbers));
			prop_assert_eq!(&all, &histogram(&mut numbers.iter().chain(&small)));
			let mut merged = histogram(&mut numbers.iter());
			merged.merge(histogram(&mut small.iter()));
			prop_assert_eq!(&all, &merged);
		}
	}
}
