// SPDX-License-Identifier: Apache-2.0

//! Decision trees.
//!
//! # Relation
//!
//! That of [`Forest`]: every tree goes right where `x[feature] > threshold`, and the votes of the
//! leaves that are reached are summed.
//!
//! # Constraints
//!
//! Nothing is spent on comparisons that the bounds of `x` decide, on subtrees whose leaves all vote
//! alike, or twice on the same comparison, in whichever tree.
//!
//! *Comparisons* of one feature with `m` thresholds, the cheaper of
//!
//! * one by one, `w + 1` each ([`is_larger`]);
//! * all at once: the thresholds cut the feature's range into regions, of at most `2^b` numbers
//!   after cutting longer ones further; `c` regions cost `c + 2·b`, with the `b` for which that is
//!   least.
//!
//! *Trees*, per inner node the cheaper way for its subtree of
//!
//! * *paths*: the indicator of the right child is the indicator of the node times the comparison,
//!   that of the left child the rest: 1 constraint, none for the root, nor where all comparisons so
//!   far are of one feature, nor where another tree has a node with the same conditions on at most
//!   [`SHARED_FEATURES`] features. Votes are linear in the indicators of the leaves;
//! * *values*: `left + comparison·(right − left)` from the leaves upwards, 1 constraint for every
//!   output in which a subtree varies, none directly above the leaves; and one more for every output
//!   to multiply the subtree's value with its indicator, unless it is a whole tree.
//!
//! # Why it is sound
//!
//! *Regions*: columns `g_1, g_2, …` say that the feature has reached region `i`. With `g_0 = 1` and
//! 0 after the last, the differences `e_i = g_i − g_(i+1)` are required to be boolean, and their sum
//! is 1: exactly one is 1, that of one region. The feature minus the first number of that region,
//! and the last minus the feature, are required to have `b` bits, so the region is the one in which
//! the feature lies; regions do not overlap. `[x > t]` is the `g` of the region that begins at
//! `t + 1`.
//!
//! Everything else is a product or a sum of what is already determined. That an indicator is found
//! under another path is no matter: equal conditions are equal functions of the features.

use super::{
	boolean::{bit_length, decompose, enforce_boolean},
	comparison::{is_larger, larger_constraints, Element, Truth},
	linear::Linear,
	system::ConstraintSystem,
};
use crate::{
	forest::{Forest, Tree, TreeNode},
	network::Interval,
};
use ark_bls12_381::Fr;
use ark_ff::{AdditiveGroup, Field};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Most features of the conditions that trees share: longer ones hardly ever meet, and would fill
/// the memory.
const SHARED_FEATURES: usize = 4;
/// Most outputs for which a subtree's value is computed rather than its paths: one bit each.
const MOST_VALUES: usize = 64;

/// The sums of the votes of the leaves that are reached, on the base.
pub(crate) fn trees<S: ConstraintSystem>(
	system: &mut S,
	forest: &Forest<i32>,
	features: &[Element<S::Linear>],
) -> Vec<S::Linear> {
	let bounds: Vec<Interval> = features.iter().map(|feature| feature.bounds).collect();
	let trees: Vec<Pruned> =
		forest.trees.iter().map(|tree| Pruned::new(tree, &bounds, forest.outputs())).collect();
	let mut thresholds: BTreeMap<usize, BTreeSet<i64>> = BTreeMap::new();
	for (feature, threshold) in trees.iter().flat_map(Pruned::comparisons) {
		thresholds.entry(feature).or_default().insert(threshold);
	}
	let mut comparisons = BTreeMap::new();
	for (feature, thresholds) in thresholds {
		let Some(x) = features.get(feature) else { continue };
		let thresholds: Vec<i64> = thresholds.into_iter().collect();
		let bits = compare(system, x, &thresholds);
		comparisons.extend(thresholds.iter().map(|t| (feature, *t)).zip(bits));
	}
	let mut votes = Votes {
		bounds: &bounds,
		comparisons,
		indicators: HashMap::new(),
		constants: forest.base.iter().map(|base| Fr::from(*base)).collect(),
		terms: vec![Vec::new(); forest.outputs()],
	};
	for tree in &trees {
		votes.add(system, tree);
	}
	votes.finish()
}

/// `[x > t]` for ascending thresholds within the bounds: none of them is decided.
fn compare<S: ConstraintSystem>(
	system: &mut S,
	x: &Element<S::Linear>,
	thresholds: &[i64],
) -> Vec<S::Linear> {
	let regions = Regions::new(x.bounds, thresholds);
	let singly: usize = thresholds
		.iter()
		.map(|t| larger_constraints(x.bounds, Interval { low: *t, high: *t }))
		.sum();
	if regions.constraints() < singly {
		return regions.compare(system, x, thresholds);
	}
	let compare = |threshold: &i64| match is_larger(system, x, &Element::constant(*threshold)) {
		Truth::Known(known) => S::Linear::constant(Fr::from(u64::from(known))),
		Truth::Bit(bit) => bit,
	};
	thresholds.iter().map(compare).collect()
}

/// A feature's range, cut into regions.
struct Regions {
	/// First number of every region, and at the end the first number beyond the range.
	starts: Vec<i64>,
	/// No region has more than `2^bits` numbers.
	bits: u32,
}

impl Regions {
	/// The cheapest regions of which one begins after every threshold.
	fn new(bounds: Interval, thresholds: &[i64]) -> Self {
		let mut starts = vec![bounds.low];
		starts.extend(thresholds.iter().map(|threshold| threshold + 1));
		starts.push(bounds.high + 1);
		let most = bit_length(i128::from(bounds.high) - i128::from(bounds.low)).max(1);
		let cut = |bits: u32| {
			let mut cut: Vec<i64> =
				starts.windows(2).flat_map(|ends| (ends[0]..ends[1]).step_by(1 << bits)).collect();
			cut.push(bounds.high + 1);
			Self { starts: cut, bits }
		};
		(1..most).map(cut).fold(cut(most), |best, other| {
			match other.constraints() < best.constraints() {
				true => other,
				false => best,
			}
		})
	}

	fn count(&self) -> usize {
		self.starts.len() - 1
	}

	fn constraints(&self) -> usize {
		self.count() + 2 * self.bits as usize
	}

	fn compare<S: ConstraintSystem>(
		&self,
		system: &mut S,
		x: &Element<S::Linear>,
		thresholds: &[i64],
	) -> Vec<S::Linear> {
		let one = S::Linear::constant(Fr::ONE);
		let mut reached = vec![one];
		for start in &self.starts[1..self.count()] {
			reached.push(system.witness(|| Fr::from(u64::from(x.value >= *start))));
		}
		reached.push(S::Linear::constant(Fr::ZERO));
		for pair in reached.windows(2) {
			let here = S::Linear::combine(Fr::ZERO, [(Fr::ONE, &pair[0]), (-Fr::ONE, &pair[1])]);
			enforce_boolean(system, here);
		}
		// First number of the region, and of the next one.
		let ends = |starts: &[i64]| {
			let steps = starts.windows(2).map(|pair| Fr::from(pair[1]) - Fr::from(pair[0]));
			S::Linear::combine(Fr::from(starts[0]), steps.zip(&reached[1..self.count()]))
		};
		let first = ends(&self.starts[..self.count()]);
		let next = ends(&self.starts[1..]);
		let region = self.starts.partition_point(|start| *start <= x.value).saturating_sub(1);
		let above = x.value.wrapping_sub(self.starts[region]);
		let below = self.starts.get(region + 1).unwrap_or(&0).wrapping_sub(1 + x.value);
		let distance = S::Linear::combine(Fr::ZERO, [(Fr::ONE, &x.linear), (-Fr::ONE, &first)]);
		decompose(system, &distance, above as u128, self.bits);
		let distance = S::Linear::combine(-Fr::ONE, [(Fr::ONE, &next), (-Fr::ONE, &x.linear)]);
		decompose(system, &distance, below as u128, self.bits);
		let bit = |threshold: &i64| {
			let region = self.starts.partition_point(|start| start <= threshold);
			reached[region.min(self.count())].clone()
		};
		thresholds.iter().map(bit).collect()
	}
}

/// A tree without what the features' bounds decide.
struct Pruned<'a> {
	root: usize,
	/// By their place in the tree; `None` for what was left out.
	nodes: Vec<Option<PrunedNode<'a>>>,
}

struct PrunedNode<'a> {
	kind: Kind<'a>,
	/// Votes of one of its leaves.
	example: &'a [(usize, i32)],
	/// Outputs in which its leaves differ; of at most [`MOST_VALUES`].
	varying: u64,
	/// Constraints for its value, from the leaves upwards.
	value_cost: usize,
	/// Constraints for its votes, given its indicator.
	votes_cost: usize,
	/// Whether its value is what is multiplied with its indicator.
	by_value: bool,
}

#[derive(Clone, Copy)]
enum Kind<'a> {
	Split { feature: usize, threshold: i64, left: usize, right: usize },
	Leaf(&'a [(usize, i32)]),
}

/// The vote for an output.
fn vote(votes: &[(usize, i32)], output: usize) -> i32 {
	let place = votes.binary_search_by_key(&output, |(output, _)| *output);
	place.ok().and_then(|place| votes.get(place)).map_or(0, |(_, vote)| *vote)
}

/// Whether two leaves vote alike: a vote of 0 is none.
fn alike(left: &[(usize, i32)], right: &[(usize, i32)]) -> bool {
	let votes = |votes: &[(usize, i32)]| {
		votes.iter().copied().filter(|(_, vote)| *vote != 0).collect::<Vec<_>>()
	};
	votes(left) == votes(right)
}

impl<'a> Pruned<'a> {
	fn new(tree: &'a Tree<i32>, bounds: &[Interval], outputs: usize) -> Self {
		let len = tree.nodes.len();
		// What stands in the place of a node.
		let mut standing: Vec<usize> = (0..len).collect();
		let mut nodes: Vec<Option<PrunedNode>> = (0..len).map(|_| None).collect();
		let single = single_feature(tree);
		// Children come after their parents.
		for (index, node) in tree.nodes.iter().enumerate().rev() {
			let (feature, threshold, left, right) = match node {
				TreeNode::Leaf(votes) => {
					nodes[index] = Some(PrunedNode {
						kind: Kind::Leaf(votes),
						example: votes,
						varying: 0,
						value_cost: 0,
						votes_cost: 0,
						by_value: false,
					});
					continue;
				},
				TreeNode::Split { feature, threshold, left, right } => {
					(*feature, i64::from(*threshold), standing[*left], standing[*right])
				},
			};
			let bounds = bounds[feature];
			let (Some(below), Some(above)) = (&nodes[left], &nodes[right]) else { continue };
			let same = match (below.kind, above.kind) {
				(Kind::Leaf(left), Kind::Leaf(right)) => alike(left, right),
				_ => false,
			};
			if bounds.high <= threshold || same {
				standing[index] = left;
			} else if bounds.low > threshold {
				standing[index] = right;
			} else {
				let mut node = PrunedNode {
					kind: Kind::Split { feature, threshold, left, right },
					example: below.example,
					varying: 0,
					value_cost: 0,
					votes_cost: below.votes_cost + above.votes_cost + usize::from(!single[index]),
					by_value: false,
				};
				if outputs <= MOST_VALUES {
					let inside = below.varying | above.varying;
					let differs = (0..outputs)
						.filter(|o| vote(below.example, *o) != vote(above.example, *o))
						.fold(0, |outputs, output| outputs | 1u64 << output);
					node.varying = inside | differs;
					node.value_cost =
						below.value_cost + above.value_cost + inside.count_ones() as usize;
					// A whole tree has no indicator to be multiplied with.
					let by_value = match index {
						0 => node.value_cost,
						_ => node.value_cost + node.varying.count_ones() as usize,
					};
					node.by_value = by_value < node.votes_cost;
					node.votes_cost = node.votes_cost.min(by_value);
				}
				nodes[index] = Some(node);
			}
		}
		Self { root: standing.first().copied().unwrap_or(0), nodes }
	}

	fn node(&self, index: usize) -> Option<&PrunedNode<'a>> {
		self.nodes.get(index)?.as_ref()
	}

	/// The nodes that can be reached from one, parents first.
	fn below(&self, root: usize) -> Vec<usize> {
		let mut found = Vec::new();
		let mut open = vec![root];
		while let Some(index) = open.pop() {
			found.push(index);
			if let Some(Kind::Split { left, right, .. }) = self.node(index).map(|node| node.kind) {
				open.extend([right, left]);
			}
		}
		found
	}

	/// The comparisons that are left.
	fn comparisons(&self) -> impl Iterator<Item = (usize, i64)> + '_ {
		self.below(self.root).into_iter().filter_map(|index| match self.node(index)?.kind {
			Kind::Split { feature, threshold, .. } => Some((feature, threshold)),
			Kind::Leaf(_) => None,
		})
	}
}

/// For every node whether all comparisons from the root to it are of one feature.
fn single_feature(tree: &Tree<i32>) -> Vec<bool> {
	let mut single = vec![true; tree.nodes.len()];
	for (index, node) in tree.nodes.iter().enumerate() {
		let TreeNode::Split { feature, left, right, .. } = node else { continue };
		for child in [left, right] {
			let same = match &tree.nodes[*child] {
				TreeNode::Split { feature: other, .. } => feature == other,
				TreeNode::Leaf(_) => true,
			};
			single[*child] = single[index] && same;
		}
	}
	single
}

/// Conditions on features: each within a range, by ascending feature.
type Conditions = Vec<(usize, Interval)>;

/// Conditions, and the indicator that they hold.
#[derive(Clone)]
struct Path<L> {
	/// `None` when they are too many to be shared.
	conditions: Option<Conditions>,
	indicator: L,
}

/// The sums of votes so far.
struct Votes<'a, L> {
	bounds: &'a [Interval],
	/// `[x > t]` by feature and threshold.
	comparisons: BTreeMap<(usize, i64), L>,
	indicators: HashMap<Conditions, L>,
	constants: Vec<Fr>,
	/// By output: weights and what they weigh.
	terms: Vec<Vec<(Fr, L)>>,
}

impl<L: Linear> Votes<'_, L> {
	/// Adds the votes of a tree.
	fn add<S: ConstraintSystem<Linear = L>>(&mut self, system: &mut S, tree: &Pruned) {
		let whole = Path { conditions: Some(Vec::new()), indicator: L::constant(Fr::ONE) };
		let mut open = vec![(tree.root, whole)];
		while let Some((index, path)) = open.pop() {
			let Some(node) = tree.node(index) else { continue };
			match node.kind {
				Kind::Leaf(votes) => self.vote(votes, &path.indicator),
				Kind::Split { .. } if node.by_value => {
					let whole = index == tree.root;
					self.add_value(system, tree, index, &path.indicator, whole);
				},
				Kind::Split { feature, threshold, left, right } => {
					match self.children(system, &path, feature, threshold) {
						Children::Both(below, above) => {
							open.push((right, above));
							open.push((left, below));
						},
						Children::Left => open.push((left, path)),
						Children::Right => open.push((right, path)),
					}
				},
			}
		}
	}

	fn vote(&mut self, votes: &[(usize, i32)], indicator: &L) {
		for (output, vote) in votes.iter().filter(|(_, vote)| *vote != 0) {
			if let Some(terms) = self.terms.get_mut(*output) {
				terms.push((Fr::from(*vote), indicator.clone()));
			}
		}
	}

	/// The paths to a node's children.
	fn children<S: ConstraintSystem<Linear = L>>(
		&mut self,
		system: &mut S,
		path: &Path<L>,
		feature: usize,
		threshold: i64,
	) -> Children<L> {
		let range = path.conditions.iter().flatten().find(|(known, _)| *known == feature);
		let range = range.map_or(self.bounds[feature], |(_, range)| *range);
		if range.high <= threshold {
			return Children::Left;
		}
		if range.low > threshold {
			return Children::Right;
		}
		let narrowed = |range: Interval| {
			let mut conditions = path.conditions.clone()?;
			conditions.retain(|(known, _)| *known != feature);
			conditions.push((feature, range));
			conditions.sort_unstable_by_key(|(feature, _)| *feature);
			(conditions.len() <= SHARED_FEATURES).then_some(conditions)
		};
		let below = narrowed(Interval { high: threshold, ..range });
		let above = narrowed(Interval { low: threshold + 1, ..range });
		let rest = |part: &L| L::combine(Fr::ZERO, [(Fr::ONE, &path.indicator), (-Fr::ONE, part)]);
		let known = |conditions: &Option<Conditions>| {
			conditions.as_ref().and_then(|conditions| self.indicators.get(conditions)).cloned()
		};
		let (left, right) = match (known(&below), known(&above)) {
			(_, Some(right)) => (rest(&right), right),
			(Some(left), None) => (left.clone(), rest(&left)),
			(None, None) => {
				let zero = L::constant(Fr::ZERO);
				let larger = |t: i64| self.comparisons.get(&(feature, t)).unwrap_or(&zero);
				let right = match above.as_deref() {
					// The conditions are on this feature only: x > t, but not above the range.
					Some([_]) => L::combine(
						Fr::ZERO,
						[(Fr::ONE, larger(threshold)), (-Fr::ONE, larger(range.high))],
					),
					_ => system.product(&path.indicator, larger(threshold)),
				};
				(rest(&right), right)
			},
		};
		for (conditions, indicator) in [(&below, &left), (&above, &right)] {
			if let Some(conditions) = conditions {
				self.indicators.insert(conditions.clone(), indicator.clone());
			}
		}
		Children::Both(
			Path { conditions: below, indicator: left },
			Path { conditions: above, indicator: right },
		)
	}

	/// Adds a subtree's value times its indicator, which is 1 for a whole tree.
	fn add_value<S: ConstraintSystem<Linear = L>>(
		&mut self,
		system: &mut S,
		tree: &Pruned,
		root: usize,
		indicator: &L,
		whole: bool,
	) {
		let Some(top) = tree.node(root) else { return };
		// By node: the value in every output in which the node varies.
		let mut values: BTreeMap<usize, BTreeMap<usize, L>> = BTreeMap::new();
		for index in tree.below(root).into_iter().rev() {
			let Some(node) = tree.node(index) else { continue };
			let Kind::Split { feature, threshold, left, right } = node.kind else { continue };
			let zero = L::constant(Fr::ZERO);
			let comparison = self.comparisons.get(&(feature, threshold)).unwrap_or(&zero).clone();
			let [below, above] = [left, right].map(|child| values.remove(&child));
			let child = |child: usize, values: &Option<BTreeMap<usize, L>>, output: usize| {
				let known = tree.node(child).map_or(0, |node| vote(node.example, output));
				let value = values.as_ref().and_then(|values| values.get(&output)).cloned();
				value.ok_or(known)
			};
			let mut sums = BTreeMap::new();
			for output in outputs(node.varying) {
				let sides = (child(left, &below, output), child(right, &above, output));
				let sum = match sides {
					(Err(left), Err(right)) => L::combine(
						Fr::from(left),
						[(Fr::from(right) - Fr::from(left), &comparison)],
					),
					(left, right) => {
						let [left, right] = [left, right]
							.map(|side| side.unwrap_or_else(|vote| L::constant(Fr::from(vote))));
						let step = L::combine(Fr::ZERO, [(Fr::ONE, &right), (-Fr::ONE, &left)]);
						left.plus(&system.product(&comparison, &step))
					},
				};
				sums.insert(output, sum);
			}
			values.insert(index, sums);
		}
		let mut value = values.remove(&root).unwrap_or_default();
		for (output, constant) in self.constants.iter_mut().enumerate() {
			let term = match (value.remove(&output), whole) {
				(Some(value), true) => (Fr::ONE, value),
				(Some(value), false) => (Fr::ONE, system.product(indicator, &value)),
				(None, true) => {
					*constant += Fr::from(vote(top.example, output));
					continue;
				},
				(None, false) => (Fr::from(vote(top.example, output)), indicator.clone()),
			};
			if let Some(terms) = self.terms.get_mut(output) {
				terms.push(term);
			}
		}
	}

	fn finish(self) -> Vec<L> {
		let terms = self.terms.iter().map(|terms| terms.iter().map(|(vote, x)| (*vote, x)));
		self.constants.iter().zip(terms).map(|(base, terms)| L::combine(*base, terms)).collect()
	}
}

enum Children<L> {
	/// The conditions of the path so far decide.
	Left,
	Right,
	Both(Path<L>, Path<L>),
}

/// The outputs of a set.
fn outputs(set: u64) -> impl Iterator<Item = usize> {
	(0..MOST_VALUES).filter(move |output| set >> output & 1 == 1)
}

#[cfg(test)]
mod tests;
