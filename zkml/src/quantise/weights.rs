// SPDX-License-Identifier: Apache-2.0

//! Weights and biases of linear nodes, convolutions and scalings: all of them are weighted sums.

use super::{
	scale::{quantise_weight, scale, weight_error, weight_exponent, LARGEST_EXPONENT},
	Grid,
};
use crate::window::Convolution;

/// How much of a layer's squared error scales per row must save.
const WORTHWHILE: f64 = 0.1;
/// Most by which a row's exponent exceeds the one that suits the whole layer.
const LARGEST_REFINEMENT: i32 = 16;

/// What a column of weights is multiplied with: `real = (integer + zero_point) · step`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
	/// Real number between two integers.
	pub(super) step: f64,
	/// Added to the integer.
	pub(super) zero_point: f64,
	/// Mean of the real numbers over the calibration records.
	pub(super) mean: f64,
}

/// Weighted sums of real numbers: `bias[r] + Σ_c weights[r][c] · x[c]`. Rows are divided into groups,
/// evenly and in order; each group has columns of its own.
pub(super) struct Sums {
	/// Row by row.
	weights: Vec<f64>,
	/// One per row.
	bias: Vec<f64>,
	/// Group by group.
	columns: Vec<Column>,
	groups: usize,
}

/// Weighted sums of integers, and what an integer of each row stands for.
#[derive(Debug, PartialEq)]
pub(super) struct IntegerSums {
	pub(super) weights: Vec<i8>,
	pub(super) bias: Vec<i32>,
	/// One for all rows, or one per row.
	pub(super) exponents: Vec<i32>,
}

impl Sums {
	/// The same sums over the integers that stand for the columns.
	pub(super) fn new(weights: &[f32], bias: &[f32], columns: Vec<Column>, groups: usize) -> Self {
		let mut sums = Self {
			weights: weights.iter().map(|weight| f64::from(*weight)).collect(),
			bias: bias.iter().map(|bias| f64::from(*bias)).collect(),
			columns,
			groups,
		};
		let row_len = sums.row_len();
		for row in 0..sums.bias.len() {
			let range = sums.columns_of(row);
			let columns = &sums.columns[range];
			let weights = &mut sums.weights[row * row_len..][..row_len];
			for (weight, column) in weights.iter_mut().zip(columns) {
				*weight *= column.step;
				sums.bias[row] += *weight * column.zero_point;
			}
		}
		sums
	}

	fn row_len(&self) -> usize {
		self.weights.len() / self.bias.len().max(1)
	}

	fn columns_of(&self, row: usize) -> std::ops::Range<usize> {
		let per_group = (self.bias.len() / self.groups.max(1)).max(1);
		let first = row / per_group * self.row_len();
		first..first + self.row_len()
	}

	fn row(&self, row: usize) -> &[f64] {
		&self.weights[row * self.row_len()..][..self.row_len()]
	}

	/// Eight-bit weights. `per_row`: whether rows may have exponents of their own. `base`: the operand's
	/// exponent, as far as it is one for all columns; it does not count against the largest.
	///
	/// # Errors
	/// `weights` or `biases`, when no scale holds them.
	pub(super) fn quantise(&self, per_row: bool, base: i32) -> Result<IntegerSums, &'static str> {
		let rows = self.bias.len();
		let in_range =
			|exponent: i32| (-LARGEST_EXPONENT..=LARGEST_EXPONENT).contains(&(exponent - base));
		let (common, error) = weight_exponent(&self.weights, base);
		if !in_range(common) {
			return Err("weights");
		}
		let mut exponents = vec![common];
		if per_row && rows > 1 {
			let own = |row: usize| match self.row(row) {
				zeros if zeros.iter().all(|weight| *weight == 0.0) => common,
				weights => {
					let (exponent, _) = weight_exponent(weights, base);
					exponent.min(common + LARGEST_REFINEMENT).min(base + LARGEST_EXPONENT)
				},
			};
			let per_row = (0..rows).map(own).collect::<Vec<_>>();
			let errors = per_row.iter().enumerate().map(|(row, e)| weight_error(self.row(row), *e));
			if errors.sum::<f64>() < (1.0 - WORTHWHILE) * error {
				exponents = per_row;
			}
		}
		let per_exponent = rows / exponents.len();
		for (place, exponent) in exponents.iter_mut().enumerate() {
			let rows = place * per_exponent..(place + 1) * per_exponent;
			let fits = |exponent: i32| {
				let biases = rows.clone().map(|row| self.corrected_bias(row, exponent));
				let mut integers = biases.map(|bias| (bias * scale(exponent)).round().abs());
				integers.all(|bias| bias <= f64::from(i32::MAX))
			};
			while !fits(*exponent) {
				*exponent -= 1;
				if !in_range(*exponent) {
					return Err("biases");
				}
			}
		}
		let exponent = |row: usize| exponents[row / per_exponent];
		let weights = (0..rows).flat_map(|row| {
			self.row(row).iter().map(move |weight| quantise_weight(*weight, exponent(row)))
		});
		let bias = (0..rows).map(|row| {
			let exponent = exponent(row);
			(self.corrected_bias(row, exponent) * scale(exponent)).round() as i32
		});
		let (weights, bias) = (weights.collect(), bias.collect());
		Ok(IntegerSums { weights, bias, exponents }.reduced())
	}

	/// The bias with the mean error that rounding the weights causes over the calibration records
	/// taken out again (Nagel et al., *Data-Free Quantization Through Weight Equalization and Bias
	/// Correction*, ICCV 2019, §4.2).
	fn corrected_bias(&self, row: usize, exponent: i32) -> f64 {
		let columns = &self.columns[self.columns_of(row)];
		let error = |(weight, column): (&f64, &Column)| {
			let mean = column.mean / column.step - column.zero_point;
			let rounded = f64::from(quantise_weight(*weight, exponent)) * scale(-exponent);
			(weight - rounded) * mean
		};
		self.bias[row] + self.row(row).iter().zip(columns).map(error).sum::<f64>()
	}
}

impl IntegerSums {
	/// Without powers of two that all numbers share: nothing is lost, and sums have fewer bits.
	fn reduced(mut self) -> Self {
		let weights = self.weights.iter().map(|weight| i32::from(*weight));
		let numbers = weights.chain(self.bias.iter().copied()).filter(|number| *number != 0);
		let Some(shared) = numbers.map(i32::trailing_zeros).min() else { return self };
		self.weights.iter_mut().for_each(|weight| *weight >>= shared.min(7));
		self.bias.iter_mut().for_each(|bias| *bias >>= shared);
		self.exponents.iter_mut().for_each(|exponent| *exponent -= shared as i32);
		self
	}
}

/// The columns of a node that reads every element of a value once.
pub(super) fn columns(grid: &Grid, means: &[f64]) -> Vec<Column> {
	let width = means.len();
	let elements = means.iter().enumerate();
	elements
		.map(|(element, mean)| {
			let scale = grid.scale(element, width);
			Column { step: grid.step(scale), zero_point: scale.zero_point as f64, mean: *mean }
		})
		.collect()
}

/// The columns of a convolution: channel by channel, one per element of the window, whose mean is
/// taken over all positions, padding included. The grid has one scale per channel.
pub(super) fn convolution_columns(
	convolution: &Convolution,
	grid: &Grid,
	means: &[f64],
) -> Vec<Column> {
	let window = &convolution.window;
	let kernel = window.kernel_len();
	let mut columns = Vec::with_capacity(window.channels * kernel);
	for (channel, plane) in means.chunks(window.plane().max(1)).enumerate() {
		let scale = grid.scale(channel * window.plane(), means.len());
		let (step, zero_point) = (grid.step(scale), scale.zero_point as f64);
		columns.extend((0..kernel).map(|_| Column { step, zero_point, mean: 0.0 }));
		let taps = &mut columns[channel * kernel..];
		for position in 0..window.positions() {
			window.taps(position).for_each(|(k, element)| taps[k].mean += plane[element]);
		}
		taps.iter_mut().for_each(|column| column.mean /= window.positions().max(1) as f64);
	}
	columns
}

#[cfg(test)]
mod tests {
	use super::*;

	fn columns(steps: &[f64], mean: f64) -> Vec<Column> {
		steps.iter().map(|step| Column { step: *step, zero_point: 0.0, mean }).collect()
	}

	#[test]
	fn rows_have_exponents_of_their_own_where_it_pays() {
		let weights = [0.9f32, -0.7, 0.009, 0.0071];
		let sums = Sums::new(&weights, &[0.0, 0.0], columns(&[1.0, 1.0], 0.0), 1);
		let common = sums.quantise(false, 0).unwrap();
		assert_eq!((common.weights, common.exponents), (vec![115, -90, 1, 1], vec![7]));
		let own = sums.quantise(true, 0).unwrap();
		assert_eq!((own.weights, own.exponents), (vec![115, -90, 74, 58], vec![7, 13]));
		let even = Sums::new(&[0.5, 0.25, -0.5, 0.75], &[0.0, 0.0], columns(&[1.0, 1.0], 0.0), 1);
		let even = even.quantise(true, 0).unwrap();
		assert_eq!((even.weights, even.exponents), (vec![2, 1, -2, 3], vec![2]), "nothing to gain");
	}

	#[test]
	fn shared_powers_of_two_are_left_out() {
		let quarter = Sums::new(&[0.25; 4], &[0.0; 4], columns(&[1.0; 4], 3.0), 4);
		let integers = quarter.quantise(true, 0).unwrap();
		assert_eq!(
			integers,
			IntegerSums { weights: vec![1; 4], bias: vec![0; 4], exponents: vec![2] }
		);
	}

	#[test]
	fn biases_take_the_mean_error_out() {
		// 0.3 · 2^8 = 76.8 is stored as 77; the operand's mean is 100.
		let sums = Sums::new(&[0.3], &[1.0], columns(&[1.0], 100.0), 1);
		let integers = sums.quantise(false, 0).unwrap();
		assert_eq!((integers.weights[0], integers.exponents[0]), (77, 8));
		let real = f64::from(integers.weights[0]) * 100.0 + f64::from(integers.bias[0]);
		assert!((real / 256.0 - 31.0).abs() < 0.002, "{real}");
	}

	#[test]
	fn groups_fold_their_own_columns() {
		let column =
			|step: f64, zero_point: f64| Column { step, zero_point, mean: step * zero_point };
		let sums =
			Sums::new(&[1.0, 2.0], &[0.0, 0.5], vec![column(0.5, 4.0), column(0.25, -2.0)], 2);
		let integers = sums.quantise(false, 0).unwrap();
		// 0.5 · (q + 4) and 0.5 · (q − 2) + 0.5.
		assert_eq!(
			integers,
			IntegerSums { weights: vec![1, 1], bias: vec![4, -1], exponents: vec![1] }
		);
	}
}
