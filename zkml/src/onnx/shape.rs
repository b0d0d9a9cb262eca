// SPDX-License-Identifier: Apache-2.0

//! Shapes of tensors. The batch dimension counts as 1.

use crate::network::{MAX_WEIGHTS, MAX_WIDTH};
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

	/// The axis that holds all elements, when every other axis is 1; the last one when there is just
	/// one element.
	pub(super) fn vector(&self) -> Option<usize> {
		let longer = (0..self.0.len()).filter(|axis| self.0[*axis] != 1).collect::<Vec<_>>();
		match longer.as_slice() {
			[] => self.0.len().checked_sub(1),
			[axis] => Some(*axis),
			_ => None,
		}
	}

	/// Elements between neighbours along every axis.
	pub(super) fn strides(&self) -> Vec<usize> {
		let mut strides = vec![1usize; self.0.len()];
		for axis in (1..self.0.len()).rev() {
			strides[axis - 1] = strides[axis].saturating_mul(self.0[axis]);
		}
		strides
	}

	/// For every element of `target`, the element that stands there when a tensor of this shape is
	/// repeated to fill it; `None` when this shape does not broadcast to it.
	pub(super) fn repeat(&self, target: &Self) -> Option<impl Iterator<Item = usize> + use<>> {
		if self.broadcast(target).as_ref() != Some(target) {
			return None;
		}
		let missing = target.0.len() - self.0.len();
		let strides = self.strides();
		let steps = (0..target.0.len()).map(|axis| match axis.checked_sub(missing) {
			Some(axis) if self.0[axis] != 1 => strides[axis],
			_ => 0,
		});
		Some(walk(target.0.clone(), steps.collect()))
	}

	/// Elements of a tensor of this shape, repeated so that they fill `target`, to which this shape
	/// must broadcast.
	pub(super) fn expand<T: Copy>(&self, elements: &[T], target: &Self) -> Option<Vec<T>> {
		target.elements().filter(|count| *count <= MAX_WEIGHTS)?;
		self.repeat(target)?.map(|source| elements.get(source).copied()).collect()
	}
}

/// Visits all places of a tensor in order; a step along an axis counts as much as `steps` says.
pub(super) fn walk(dims: Vec<usize>, steps: Vec<usize>) -> impl Iterator<Item = usize> {
	let count = Shape(dims.clone()).elements().unwrap_or(0);
	let mut place = vec![0; dims.len()];
	let mut next = 0usize;
	(0..count).map(move |_| {
		let current = next;
		for axis in (0..dims.len()).rev() {
			place[axis] += 1;
			next += steps[axis];
			if place[axis] < dims[axis] {
				break;
			}
			next -= dims[axis] * steps[axis];
			place[axis] = 0;
		}
		current
	})
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
	fn vectors_lie_along_one_axis() {
		assert_eq!(shape(&[1, 5]).vector(), Some(1));
		assert_eq!(shape(&[1, 5, 1, 1]).vector(), Some(1));
		assert_eq!(shape(&[1, 1]).vector(), Some(1));
		assert_eq!(shape(&[2, 5]).vector(), None);
		assert_eq!(shape(&[]).vector(), None);
	}

	#[test]
	fn walks_follow_their_steps() {
		// A matrix of two rows and three columns, transposed.
		assert_eq!(walk(vec![3, 2], vec![1, 3]).collect::<Vec<_>>(), [0, 3, 1, 4, 2, 5]);
		assert_eq!(walk(vec![], vec![]).collect::<Vec<_>>(), [0]);
		assert_eq!(walk(vec![2, 0], vec![1, 1]).count(), 0);
	}

	#[test]
	fn overflowing_shapes_have_no_width() {
		assert_eq!(shape(&[usize::MAX, 2]).elements(), None);
		assert_eq!(shape(&[MAX_WIDTH, 2]).width(), None);
		assert_eq!(shape(&[1; 9]).width(), None);
		assert_eq!(shape(&[0]).width(), None);
	}
}
