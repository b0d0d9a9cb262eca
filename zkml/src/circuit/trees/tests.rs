// SPDX-License-Identifier: Apache-2.0

use super::*;
use crate::{
	circuit::{adversary, system::Circuit, CircuitError},
	network::tests::Stream,
};
use proptest::prelude::*;

/// Features are the first public inputs, sums of votes the last.
#[derive(Clone, Debug)]
struct Gadget {
	forest: Forest<i32>,
	/// One for every feature.
	bounds: Vec<Interval>,
	features: Vec<i64>,
	sums: Vec<i64>,
}

impl Gadget {
	/// All features within the same bounds.
	fn new(forest: Forest<i32>, bounds: Interval, features: Vec<i64>) -> Self {
		let bounds = vec![bounds; features.len()];
		Self::within(forest, bounds, features)
	}

	fn within(forest: Forest<i32>, bounds: Vec<Interval>, features: Vec<i64>) -> Self {
		let mut sums: Vec<i64> = forest.base.iter().map(|base| i64::from(*base)).collect();
		for votes in forest.leaves(&features) {
			votes.iter().for_each(|(output, vote)| sums[*output] += i64::from(*vote));
		}
		Self { forest, bounds, features, sums }
	}

	fn constraints(&self) -> usize {
		self.matrices().unwrap().constraints() - self.sums.len()
	}
}

impl Circuit for Gadget {
	fn public_inputs(&self) -> usize {
		self.features.len() + self.sums.len()
	}

	fn synthesise<S: ConstraintSystem>(&self, system: &mut S) -> Result<(), CircuitError> {
		let features: Vec<Element<S::Linear>> = self
			.features
			.iter()
			.zip(&self.bounds)
			.map(|(value, bounds)| Element {
				linear: system.public(|| Fr::from(*value)),
				value: *value,
				bounds: *bounds,
			})
			.collect();
		let expected: Vec<_> = self.sums.iter().map(|x| system.public(|| Fr::from(*x))).collect();
		let sums = trees(system, &self.forest, &features);
		assert_eq!(sums.len(), expected.len());
		for (sum, expected) in sums.into_iter().zip(expected) {
			system.enforce_equal(sum, expected);
		}
		Ok(())
	}
}

fn check(gadget: &Gadget) {
	adversary::assert_tight(gadget, gadget.features.len());
	for output in 0..gadget.sums.len() {
		for change in [-1, 1, 50] {
			let mut forged = gadget.clone();
			forged.sums[output] += change;
			assert!(forged.assignment().is_err(), "{forged:?}");
		}
	}
}

fn split(feature: usize, threshold: i32, left: usize, right: usize) -> TreeNode<i32> {
	TreeNode::Split { feature, threshold, left, right }
}

fn leaf(output: usize, vote: i32) -> TreeNode<i32> {
	TreeNode::Leaf(vec![(output, vote)])
}

fn forest(outputs: usize, trees: Vec<Vec<TreeNode<i32>>>) -> Forest<i32> {
	let trees = trees.into_iter().map(|nodes| Tree { nodes }).collect();
	Forest { base: (0..outputs as i32).collect(), trees }
}

/// Over int8.
fn cost(forest: Forest<i32>) -> usize {
	Gadget::new(forest, Interval::INT8, vec![0; 5]).constraints()
}

/// Seven splits on three features, below each other.
fn full(thresholds: [i32; 7], outputs: usize) -> Vec<TreeNode<i32>> {
	let mut nodes: Vec<_> = (0..7)
		.map(|node| {
			split([0, 1, 1, 2, 2, 2, 2][node], thresholds[node], 2 * node + 1, 2 * node + 2)
		})
		.collect();
	nodes.extend((0..8).map(|vote| leaf(vote % outputs, 1 + vote as i32)));
	nodes
}

#[test]
fn single_comparisons_cost_their_bits() {
	// A stump is linear in its comparison.
	assert_eq!(cost(forest(2, vec![vec![split(0, 5, 1, 2), leaf(0, 1), leaf(1, 4)]])), 8 + 1);
	assert_eq!(cost(forest(2, vec![vec![split(0, -1, 1, 2), leaf(0, 1), leaf(1, 4)]])), 7 + 1);
}

#[test]
fn what_is_decided_costs_nothing() {
	for threshold in [127, 500, -129, i32::MIN, i32::MAX] {
		let nodes = vec![split(0, threshold, 1, 2), leaf(0, 1), leaf(1, 4)];
		assert_eq!(cost(forest(2, vec![nodes])), 0, "{threshold}");
	}
	let alike = vec![split(0, 5, 1, 2), leaf(0, 4), split(1, 5, 3, 4), leaf(0, 4), leaf(0, 4)];
	assert_eq!(cost(forest(2, vec![alike])), 0);
	let nothing = vec![split(0, 5, 1, 2), TreeNode::Leaf(vec![]), leaf(1, 0)];
	assert_eq!(cost(forest(2, vec![nothing])), 0);
	// Decided by an earlier split of the same path.
	let nodes = vec![split(0, 5, 1, 2), split(0, 9, 3, 4), leaf(0, 1), leaf(0, 2), leaf(0, 3)];
	let gadget = Gadget::new(forest(1, vec![nodes]), Interval::INT8, vec![7]);
	check(&gadget);
}

#[test]
fn comparisons_and_paths_are_shared_among_trees() {
	let tree = full([10, -50, 60, 0, 20, 40, -80], 3);
	let once = cost(forest(3, vec![tree.clone()]));
	assert_eq!(cost(forest(3, vec![tree.clone(), tree.clone(), tree])), once);
	let other = full([10, -50, 60, 0, 20, 40, -81], 3);
	let both = cost(forest(3, vec![full([10, -50, 60, 0, 20, 40, -80], 3), other]));
	// One more threshold in a region of its own, one more path.
	assert!(both <= once + 3, "{once} {both}");
}

#[test]
fn a_full_tree_costs_its_inner_nodes_or_its_values() {
	let thresholds = [10, -50, 60, 0, 20, 40, -80];
	let comparisons = |feature: usize, thresholds: &[i64]| {
		let gadget = Regions::new(Interval::INT8, thresholds).constraints();
		assert!(gadget > 9, "{feature}");
		gadget.min(9 * thresholds.len())
	};
	let compared = 9 + comparisons(1, &[-50, 60]).min(8 + 9) + comparisons(2, &[-80, 0, 20, 40]);
	// Three outputs: all inner nodes but the root.
	assert!(cost(forest(3, vec![full(thresholds, 3)])) <= compared + 6);
	// One: the three that have no leaves.
	assert!(cost(forest(1, vec![full(thresholds, 1)])) <= compared + 3);
	let chain = vec![
		split(0, 10, 1, 2),
		leaf(0, 1),
		split(0, 20, 3, 4),
		leaf(0, 2),
		split(0, 30, 5, 6),
		leaf(0, 3),
		leaf(0, 4),
	];
	// One feature: linear in its comparisons.
	let regions = Regions::new(Interval::INT8, &[10, 20, 30]).constraints();
	assert_eq!(cost(forest(1, vec![chain])), regions.min(27));
}

#[test]
fn regions_are_no_longer_than_their_bits() {
	for thresholds in [&[0][..], &[-128], &[126], &[-3, -2, -1], &[-100, 0, 1, 2, 3, 90]] {
		let regions = Regions::new(Interval::INT8, thresholds);
		assert_eq!((regions.starts[0], regions.starts.last()), (-128, Some(&128)));
		assert!(regions.starts.is_sorted_by(|a, b| a < b && b - a <= 1 << regions.bits));
		assert!(thresholds.iter().all(|t| regions.starts.contains(&(t + 1))));
	}
}

#[test]
fn regions_compare_and_leave_no_freedom() {
	let thresholds = [-100, -99, -1, 0, 17, 18, 126];
	let tree = |threshold: i32| vec![split(0, threshold, 1, 2), leaf(0, 1), leaf(1, threshold)];
	let forest = forest(2, thresholds.map(tree).to_vec());
	for x in [-128, -101, -100, -99, -98, -2, -1, 0, 1, 17, 18, 19, 126, 127] {
		check(&Gadget::new(forest.clone(), Interval::INT8, vec![x]));
	}
	for x in [-129, 128, 300] {
		let outside = Gadget::new(forest.clone(), Interval::INT8, vec![x]);
		assert!(outside.assignment().is_err(), "{x}");
	}
}

#[test]
fn forests_leave_no_freedom() {
	for seed in 0..12 {
		let mut stream = Stream(seed);
		let outputs = 1 + seed as usize % 3;
		let trees = (0..3).map(|_| stream.tree(3, outputs)).collect();
		let forest = Forest { base: vec![7; outputs], trees };
		let features = (0..3).map(|_| i64::from(stream.next() as i8)).collect();
		check(&Gadget::new(forest, Interval::INT8, features));
	}
}

/// Splits on one feature after the other, a leaf beside each.
fn chain(features: usize) -> Vec<TreeNode<i32>> {
	let mut nodes = Vec::new();
	for feature in 0..features {
		nodes.push(split(feature, 10 * feature as i32, 2 * feature + 1, 2 * feature + 2));
		nodes.push(leaf(feature, 1 + feature as i32));
	}
	nodes.push(leaf(features, i32::MIN));
	nodes
}

/// All inner nodes of a level split on the same feature, features taking turns.
fn deep(
	stream: &mut Stream,
	depth: usize,
	outputs: usize,
	thresholds: &[[i32; 2]],
) -> Vec<TreeNode<i32>> {
	let inner = (1 << depth) - 1;
	let mut nodes = Vec::new();
	for node in 0usize..inner {
		let feature = (node + 1).ilog2() as usize % thresholds.len();
		let threshold = thresholds[feature][stream.below(2) as usize];
		nodes.push(split(feature, threshold, 2 * node + 1, 2 * node + 2));
	}
	for _ in 0..=inner {
		let votes = [i32::MIN, i32::MAX, -1, 0, 1];
		let output = stream.below(outputs as u64) as usize;
		nodes.push(leaf(output, votes[stream.below(5) as usize]));
	}
	nodes
}

#[test]
fn paths_of_too_many_features_are_not_shared() {
	for features in [SHARED_FEATURES, SHARED_FEATURES + 1, SHARED_FEATURES + 2] {
		let cost = |count: usize| {
			let forest = forest(features + 1, vec![chain(features); count]);
			Gadget::new(forest, Interval::INT8, vec![0; features]).constraints()
		};
		assert_eq!(cost(2) - cost(1), features - SHARED_FEATURES, "{features}");
		for x in [-128, 0, 20, 127] {
			let forest = forest(features + 1, vec![chain(features); 2]);
			check(&Gadget::new(forest, Interval::INT8, vec![x; features]));
		}
	}
	// The first features again, decided by the path, which has forgotten them; and a subtree that
	// is multiplied with its path.
	let mut nodes = chain(6);
	let end = nodes.len() - 1;
	nodes[end] = split(0, -5, end + 1, end + 2);
	nodes.extend([leaf(0, 50), split(1, 60, end + 3, end + 4)]);
	nodes.extend([split(2, 70, end + 5, end + 6), split(3, 80, end + 7, end + 8)]);
	nodes.extend([5, 6, 7, 8].map(|vote| leaf(0, vote)));
	let tree = Tree { nodes: nodes.clone() };
	let pruned = Pruned::new(&tree, &[Interval::INT8; 6], 7);
	assert!(pruned.nodes[end + 2].as_ref().unwrap().by_value);
	for features in [[127; 6], [61; 6], [5, 15, 75, 35, 45, 55], [-128; 6], [5, 61, 75, 81, 41, 51]]
	{
		let forest = forest(7, vec![nodes.clone(), nodes.clone()]);
		check(&Gadget::new(forest, Interval::INT8, features.to_vec()));
	}
}

#[test]
fn deep_forests_leave_no_freedom() {
	let bounds = [(-128, 127), (0, 255), (-5, 5), (3, 3), (-1000, 2000), (7, 8)]
		.map(|(low, high)| Interval { low, high });
	for (seed, outputs) in [1, 3, 7, 64, 65, 70].into_iter().enumerate() {
		let mut stream = Stream(seed as u64);
		let inside = [[-3, 100], [0, 254], [-5, 4], [2, 3], [-1, 1999], [7, 7]];
		let beyond = [[-129, 100], [255, 17], [-6, 5], [i32::MIN, i32::MAX], [2000, 0], [6, 7]];
		let trees = [inside, beyond]
			.map(|thresholds| Tree { nodes: deep(&mut stream, 7, outputs, &thresholds) });
		let base = [i32::MIN, i32::MAX];
		let forest = Forest {
			base: (0..outputs).map(|output| base[(output + seed) % 2]).collect(),
			trees: trees.to_vec(),
		};
		let middle = [-3, 1, 0, 3, 700, 7].to_vec();
		let ends = [|x: &Interval| x.low, |x: &Interval| x.high];
		let ends = ends.map(|end| bounds.iter().map(end).collect::<Vec<i64>>());
		for features in ends.into_iter().chain([middle]) {
			check(&Gadget::within(forest.clone(), bounds.to_vec(), features));
		}
	}
}

/// From one output more on, subtrees have no values.
#[test]
fn values_are_computed_for_so_many_outputs() {
	let mut tree = full([10, -50, 60, 0, 20, 40, -80], 1);
	for (vote, node) in tree[7..].iter_mut().enumerate() {
		*node = leaf(MOST_VALUES - 1, [i32::MIN, i32::MAX][vote % 2] / (1 + vote as i32));
	}
	let forests = [0, 1].map(|more| forest(MOST_VALUES + more, vec![tree.clone()]));
	let [values, paths] = forests.clone().map(cost);
	assert_eq!(paths, values + 3);
	for forest in forests {
		for features in [[11, 61, 41], [11, 0, 30], [0, -50, 0], [0, 0, 21]] {
			check(&Gadget::new(forest.clone(), Interval::INT8, features.to_vec()));
		}
	}
}

/// As long as the memory of a path: deep trees neither overflow the stack nor fill the memory.
#[test]
fn a_tree_may_be_a_long_chain() {
	let depth = 20_000;
	let mut nodes = Vec::new();
	for level in 0..depth {
		nodes.push(split(level % 50, (level % 100) as i32, 2 * level + 1, 2 * level + 2));
		nodes.push(leaf(0, level as i32 % 7));
	}
	nodes.push(leaf(1, 1));
	let forest = forest(2, vec![nodes]);
	let bounds: Vec<Interval> = vec![Interval::INT8; 50];
	let pruned = Pruned::new(&forest.trees[0], &bounds, 2);
	assert_eq!(pruned.comparisons().count(), depth);
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(200))]

	#[test]
	fn sums_are_those_of_the_forest(
		seed: u64,
		(features, outputs, count) in (1usize..6, 1usize..4, 1usize..8),
		low in -256i64..100,
		width in 1i64..300,
	) {
		let mut stream = Stream(seed);
		let high = (low + width).min(255);
		let trees = (0..count).map(|_| stream.tree(features, outputs)).collect();
		let forest = Forest { base: vec![-3; outputs], trees };
		let bounds = Interval { low, high };
		let values = (0..features).map(|_| low + (stream.next() % (high - low + 1) as u64) as i64);
		let gadget = Gadget::new(forest, bounds, values.collect());
		let matrices = gadget.matrices().unwrap();
		prop_assert!(matrices.is_satisfied(&gadget.assignment().unwrap()));
		let mut forged = gadget.clone();
		forged.sums[0] += 1;
		prop_assert!(forged.assignment().is_err());
	}
}
