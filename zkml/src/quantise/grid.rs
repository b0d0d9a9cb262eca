// SPDX-License-Identifier: Apache-2.0

//! Which real numbers the integers of a value stand for.

use super::scale::scale;

/// The scale of one group of a value's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
	/// Minus the logarithm of the step.
	pub exponent: i32,
	/// The integer that is added before scaling: 0 behind every requantisation.
	pub zero_point: i64,
}

/// The scales of a value: `real = (integer + zero_point) · factor · 2^−exponent`.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
	/// One per group; groups divide the value evenly and in order.
	pub scales: Vec<Scale>,
	/// Above ½ and at most 1: another number than 1 only behind an average over a number of elements
	/// that is no power of two.
	pub factor: f64,
}

impl Grid {
	/// One scale for all elements.
	pub fn uniform(exponent: i32) -> Self {
		Self { scales: vec![Scale { exponent, zero_point: 0 }], factor: 1.0 }
	}

	/// The scale of every element, in as few groups as hold them.
	pub(super) fn of_elements(scales: Vec<Scale>, factor: f64) -> Self {
		let changes = (1..scales.len()).filter(|place| scales[*place] != scales[*place - 1]);
		let group = changes.fold(scales.len(), greatest_common_divisor);
		Self { scales: scales.into_iter().step_by(group.max(1)).collect(), factor }
	}

	/// The scale of an element of a value of `width` elements.
	pub fn scale(&self, element: usize, width: usize) -> Scale {
		let group = element / (width / self.scales.len().max(1)).max(1);
		let last = || self.scales.last().copied();
		let scale = self.scales.get(group).copied().or_else(last);
		scale.unwrap_or(Scale { exponent: 0, zero_point: 0 })
	}

	/// The real number between two neighbouring integers of a scale.
	pub fn step(&self, scale_of_group: Scale) -> f64 {
		self.factor * scale(-scale_of_group.exponent)
	}

	/// The real number that an element stands for.
	pub fn real(&self, element: usize, width: usize, integer: i64) -> f64 {
		let scale = self.scale(element, width);
		(integer as f64 + scale.zero_point as f64) * self.step(scale)
	}

	/// The common scale of all elements.
	pub(super) fn common(&self) -> Option<Scale> {
		self.of_groups(1).map(|scales| scales[0])
	}

	/// The scales of so many equal groups, when each of them has one.
	pub(super) fn of_groups(&self, groups: usize) -> Option<Vec<Scale>> {
		let own = self.scales.len();
		if own == 0 || groups == 0 {
			return None;
		}
		if own <= groups {
			let repeats = groups.is_multiple_of(own).then_some(groups / own)?;
			return Some(
				self.scales.iter().flat_map(|s| std::iter::repeat_n(*s, repeats)).collect(),
			);
		}
		let parts = own.is_multiple_of(groups).then_some(own / groups)?;
		let one = |part: &[Scale]| part.iter().all(|scale| *scale == part[0]).then_some(part[0]);
		self.scales.chunks(parts).map(one).collect()
	}

	/// The coarsest and the finest exponent.
	pub(super) fn exponents(&self) -> (i32, i32) {
		let exponents = self.scales.iter().map(|scale| scale.exponent);
		exponents.fold((i32::MAX, i32::MIN), |(low, high), e| (low.min(e), high.max(e)))
	}

	/// Whether integer 0 stands for the real 0 everywhere.
	pub(super) fn is_centred(&self) -> bool {
		self.scales.iter().all(|scale| scale.zero_point == 0)
	}
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
	match b {
		0 => a,
		_ => greatest_common_divisor(b, a % b),
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn scales(exponents: &[i32]) -> Vec<Scale> {
		exponents.iter().map(|exponent| Scale { exponent: *exponent, zero_point: 0 }).collect()
	}

	#[test]
	fn elements_are_grouped_as_far_as_they_agree() {
		let grid = |exponents: &[i32]| Grid::of_elements(scales(exponents), 1.0).scales;
		assert_eq!(grid(&[3, 3, 3, 3]), scales(&[3]));
		assert_eq!(grid(&[3, 3, 4, 4]), scales(&[3, 4]));
		assert_eq!(grid(&[3, 3, 3, 3, 4, 4]), scales(&[3, 3, 4]));
		assert_eq!(grid(&[3, 4, 4]), scales(&[3, 4, 4]));
	}

	#[test]
	fn groups_are_split_and_joined() {
		let grid = Grid { scales: scales(&[1, 1, 2, 2]), factor: 1.0 };
		assert_eq!(grid.of_groups(2), Some(scales(&[1, 2])));
		assert_eq!(grid.of_groups(8), Some(scales(&[1, 1, 1, 1, 2, 2, 2, 2])));
		assert_eq!((grid.of_groups(1), grid.of_groups(3), grid.common()), (None, None, None));
		assert_eq!(grid.scale(5, 8), scales(&[2])[0]);
		assert_eq!(grid.exponents(), (1, 2));
	}

	#[test]
	fn integers_stand_for_real_numbers() {
		let scale = Scale { exponent: 2, zero_point: 10 };
		let grid = Grid { scales: vec![scale], factor: 0.75 };
		assert_eq!(grid.real(0, 1, 6), 3.0);
	}
}
