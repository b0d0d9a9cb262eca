// SPDX-License-Identifier: Apache-2.0

//! Decision trees over integers.

use super::{
	scale::{fitting_exponent, scale, LARGEST_EXPONENT},
	Grid,
};
use crate::forest::{Forest, Tree, TreeNode};

/// Largest vote of an integer tree: votes are constants, whose bits cost nothing but in the output.
const LARGEST_VOTE: f64 = (1 << 16) as f64;
/// Largest sum that trees start from.
const LARGEST_BASE: f64 = (1 << 30) as f64;
/// Beyond everything that trees compare.
const LARGEST_THRESHOLD: f64 = (1 << 16) as f64;

/// The forest over integers of a grid of so many features, and the exponent of its votes.
///
/// An integer `q` stands for `(q + z)·s`, so that `(q + z)·s ≤ t` exactly when `q ≤ ⌊t/s⌋ − z`.
///
/// # Errors
/// `votes`, when no scale holds them.
pub(super) fn quantise(
	forest: &Forest<f32>,
	grid: &Grid,
	features: usize,
) -> Result<(Forest<i32>, i32), &'static str> {
	let votes = || {
		forest.trees.iter().flat_map(|tree| &tree.nodes).flat_map(|node| match node {
			TreeNode::Leaf(votes) => votes.as_slice(),
			TreeNode::Split { .. } => &[],
		})
	};
	let largest = |largest: f64, vote: f32| largest.max(f64::from(vote.abs()));
	let largest_vote = votes().map(|(_, vote)| *vote).fold(0.0, largest);
	let largest_base = forest.base.iter().copied().fold(0.0, largest);
	let exponent = match largest_vote.max(largest_base) > 0.0 {
		true => fitting_exponent(largest_vote, LARGEST_VOTE)
			.min(fitting_exponent(largest_base, LARGEST_BASE)),
		false => 0,
	};
	if exponent < -LARGEST_EXPONENT {
		return Err("votes");
	}
	let integer = |real: f32| (f64::from(real) * scale(exponent)).round() as i32;
	let all = votes().map(|(_, vote)| *vote).chain(forest.base.iter().copied());
	let shared = all.map(integer).filter(|vote| *vote != 0).map(i32::trailing_zeros).min();
	let shared = shared.unwrap_or(0);
	let vote = |real: f32| integer(real) >> shared;
	let node = |node: &TreeNode<f32>| match node {
		TreeNode::Split { feature, threshold, left, right } => {
			let scale = grid.scale(*feature, features);
			let steps = (f64::from(*threshold) / grid.step(scale)).floor();
			let threshold = steps - scale.zero_point as f64;
			TreeNode::Split {
				feature: *feature,
				threshold: threshold.clamp(-LARGEST_THRESHOLD, LARGEST_THRESHOLD) as i32,
				left: *left,
				right: *right,
			}
		},
		TreeNode::Leaf(votes) => {
			TreeNode::Leaf(votes.iter().map(|(output, real)| (*output, vote(*real))).collect())
		},
	};
	let tree = |tree: &Tree<f32>| Tree { nodes: tree.nodes.iter().map(node).collect() };
	let base = forest.base.iter().map(|real| vote(*real)).collect();
	let trees = forest.trees.iter().map(tree).collect();
	Ok((Forest { base, trees }, exponent - shared as i32))
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::quantise::Scale;

	#[test]
	fn integers_compare_as_what_they_stand_for() {
		let threshold = 2.45f32;
		let nodes = vec![
			TreeNode::Split { feature: 0, threshold, left: 1, right: 2 },
			TreeNode::Leaf(vec![(0, 0.75)]),
			TreeNode::Leaf(vec![(0, -0.5)]),
		];
		let forest = Forest { base: vec![1.0], trees: vec![Tree { nodes }] };
		let grid = Grid { scales: vec![Scale { exponent: 3, zero_point: 20 }], factor: 0.75 };
		let (integers, exponent) = quantise(&forest, &grid, 1).unwrap();
		assert_eq!((integers.base, exponent), (vec![4], 2));
		assert_eq!(
			integers.trees[0].nodes[1..],
			[TreeNode::Leaf(vec![(0, 3)]), TreeNode::Leaf(vec![(0, -2)])]
		);
		let TreeNode::Split { threshold: quantised, .. } = integers.trees[0].nodes[0] else {
			panic!("a leaf instead of a split");
		};
		for q in -128..=127 {
			assert_eq!(
				q <= i64::from(quantised),
				grid.real(0, 1, q) <= f64::from(threshold),
				"{q}"
			);
		}
	}
}
