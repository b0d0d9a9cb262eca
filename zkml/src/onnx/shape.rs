// SPDX-License-Identifier: Apache-2.0

//! Shapes of tensors. The batch dimension counts as 1.

use crate::network::MAX_WIDTH;
use std::fmt;

/// Most axes of a tensor.
pub(super) const MAX_RANK: usize = 8;

/// A tensor's dimensions, outermost first; printed as `[1, 30]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape(pub Vec<usize>);

impl fmt::Display for Shape {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		write!(f, "{:?}", self.0)
	}
}

impl Shape {
	/// Number of elements; `None` when it overflows.
	pub fn elements(&self) -> Option<usize> {
		self.0.iter().try_fold(1usize, |product, dim| product.checked_mul(*dim))
	}

	/// Number of elements, when a computed value of this shape may exist.
	pub(super) fn width(&self) -> Option<usize> {
		self.elements().filter(|width| (1..=MAX_WIDTH).contains(width) && self.0.len() <= MAX_RANK)
	}

	/// The length of the last axis, when every other axis is 1: a single row.
	pub(super) fn row(&self) -> Option<usize> {
		let (last, others) = self.0.split_last()?;
		others.iter().all(|dim| *dim == 1).then_some(*last)
	}

	/// The common shape of two operands under ONNX's multidirectional broadcasting.
	pub(super) fn broadcast(&self, other: &Self) -> Option<Self> {
		let rank = self.0.len().max(other.0.len());
		let dim = |shape: &Self, axis: usize| {
			(axis + shape.0.len()).checked_sub(rank).and_then(|axis| shape.0.get(axis).copied())
		};
		(0..rank)
			.map(|axis| match (dim(self, axis).unwrap_or(1), dim(other, axis).unwrap_or(1)) {
				(left, right) if left == right => Some(left),
				(1, right) => Some(right),
				(left, 1) => Some(left),
				_ => None,
			})
			.collect::<Option<_>>()
			.map(Self)
	}

	/// Elements of a tensor of this shape, repeated so that they fill `target`, to which this shape
	/// must broadcast.
	pub(super) fn expand(&self, elements: &[f32], target: &Self) -> Option<Vec<f32>> {
		if self.broadcast(target).as_ref() != Some(target) {
			return None;
		}
		let width = target.width()?;
		let missing = target.0.len() - self.0.len();
		(0..width)
			.map(|position| {
				let (mut rest, mut source, mut stride) = (position, 0, 1);
				for (axis, length) in target.0.iter().enumerate().rev() {
					let index = rest % length;
					rest /= length;
					if let Some(dim) = axis.checked_sub(missing).and_then(|axis| self.0.get(axis)) {
						source += if *dim == 1 { 0 } else { index * stride };
						stride *= dim;
					}
				}
				elements.get(source).copied()
			})
			.collect()
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn shape(dims: &[usize]) -> Shape {
		Shape(dims.to_vec())
	}

	#[test]
	fn shapes_broadcast_from_the_last_axis() {
		for (left, right, expected) in [
			(vec![1, 3], vec![3], Some(vec![1, 3])),
			(vec![], vec![2, 3], Some(vec![2, 3])),
			(vec![2, 1], vec![1, 3], Some(vec![2, 3])),
			(vec![2], vec![3], None),
		] {
			assert_eq!(shape(&left).broadcast(&shape(&right)), expected.clone().map(Shape));
			assert_eq!(shape(&right).broadcast(&shape(&left)), expected.map(Shape));
		}
	}

	#[test]
	fn expansion_repeats_the_missing_axes() {
		let expand =
			|from: &[usize], data: &[f32], to: &[usize]| shape(from).expand(data, &shape(to));
		assert_eq!(expand(&[], &[7.0], &[1, 2]), Some(vec![7.0, 7.0]));
		assert_eq!(
			expand(&[3], &[1.0, 2.0, 3.0], &[2, 3]),
			Some(vec![1.0, 2.0, 3.0, 1.0, 2.0, 3.0])
		);
		assert_eq!(expand(&[2, 1], &[1.0, 2.0], &[2, 2]), Some(vec![1.0, 1.0, 2.0, 2.0]));
		assert_eq!(expand(&[2], &[1.0, 2.0], &[1, 3]), None);
		assert_eq!(expand(&[2, 2], &[0.0; 4], &[2]), None);
	}

	#[test]
	fn only_single_rows_have_a_length() {
		assert_eq!(shape(&[1, 5]).row(), Some(5));
		assert_eq!(shape(&[5]).row(), Some(5));
		assert_eq!(shape(&[2, 5]).row(), None);
		assert_eq!(shape(&[]).row(), None);
	}

	#[test]
	fn overflowing_shapes_have_no_width() {
		assert_eq!(shape(&[usize::MAX, 2]).elements(), None);
		assert_eq!(shape(&[MAX_WIDTH, 2]).width(), None);
		assert_eq!(shape(&[1; 9]).width(), None);
		assert_eq!(shape(&[0]).width(), None);
	}
}
