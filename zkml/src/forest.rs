// SPDX-License-Identifier: Apache-2.0

//! Ensembles of decision trees, of real numbers or of integers.

/// Most nodes of all trees of a forest together.
pub const MAX_TREE_NODES: usize = 1 << 20;

/// Most comparisons from a root to a leaf: a circuit's rows grow with it.
pub const MAX_TREE_DEPTH: usize = 1024;

/// Trees whose votes are summed: `y[o] = base[o] + Σ` of what the reached leaves give to output `o`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forest<T> {
	/// One per output.
	pub base: Vec<T>,
	/// The trees.
	pub trees: Vec<Tree<T>>,
}

/// A binary tree. Node 0 is the root; children come after their parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree<T> {
	/// At least one.
	pub nodes: Vec<TreeNode<T>>,
}

/// A node of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TreeNode<T> {
	/// Goes left when `x[feature] ≤ threshold`, right otherwise.
	Split {
		/// Element of the input.
		feature: usize,
		/// Compared with it.
		threshold: T,
		/// Next node when it is not larger.
		left: usize,
		/// Next node when it is larger.
		right: usize,
	},
	/// An end: pairs of an output and what is added to it, each output at most once, ascending.
	Leaf(Vec<(usize, T)>),
}

impl<T: Copy + PartialOrd> Forest<T> {
	/// Number of outputs.
	pub fn outputs(&self) -> usize {
		self.base.len()
	}

	/// Steps of looking at every tree's nodes and votes for every output.
	pub fn steps(&self) -> usize {
		self.trees.len().saturating_mul(self.outputs()).saturating_add(self.nodes())
	}

	/// Nodes of all trees.
	pub fn nodes(&self) -> usize {
		self.trees.iter().map(|tree| tree.nodes.len()).sum()
	}

	/// Whether the trees are trees, and name only features and outputs that exist.
	pub fn is_valid(&self, features: usize) -> bool {
		!self.base.is_empty()
			&& !self.trees.is_empty()
			&& self.nodes() <= MAX_TREE_NODES
			&& self.trees.iter().all(|tree| tree.is_valid(features, self.outputs()))
	}

	/// The leaf that every tree of a valid forest reaches, given the input's elements in a type that
	/// compares with the thresholds.
	pub fn leaves<'a, X: Copy + PartialOrd + From<T>>(
		&'a self,
		input: &'a [X],
	) -> impl Iterator<Item = &'a [(usize, T)]> {
		self.trees.iter().map(|tree| {
			let mut node = 0;
			loop {
				match tree.nodes.get(node) {
					Some(TreeNode::Split { feature, threshold, left, right }) => {
						let below = input.get(*feature).is_some_and(|x| *x <= X::from(*threshold));
						// Later nodes only: the walk ends.
						node = (if below { *left } else { *right }).max(node + 1);
					},
					Some(TreeNode::Leaf(votes)) => return votes.as_slice(),
					None => return &[],
				}
			}
		})
	}
}

impl<T: Copy + PartialOrd + Default> Tree<T> {
	/// The smallest and the largest vote for every output; a leaf that does not name an output gives
	/// it nothing.
	pub fn votes(&self, outputs: usize) -> Vec<(T, T)> {
		let mut votes: Vec<Option<(T, T)>> = vec![None; outputs];
		let mut leaves = 0usize;
		let mut named = vec![0usize; outputs];
		for node in &self.nodes {
			let TreeNode::Leaf(leaf) = node else { continue };
			leaves += 1;
			for (output, vote) in leaf {
				let Some(entry) = votes.get_mut(*output) else { continue };
				let (low, high) = entry.unwrap_or((*vote, *vote));
				let low = if *vote < low { *vote } else { low };
				let high = if *vote > high { *vote } else { high };
				*entry = Some((low, high));
				named[*output] += 1;
			}
		}
		let zero = T::default();
		let with_silence = |(entry, named): (Option<(T, T)>, usize)| match entry {
			None => (zero, zero),
			Some(votes) if named == leaves => votes,
			Some((low, high)) => {
				(if zero < low { zero } else { low }, if zero > high { zero } else { high })
			},
		};
		votes.into_iter().zip(named).map(with_silence).collect()
	}
}

impl<T: Copy + PartialOrd> Tree<T> {
	fn is_valid(&self, features: usize, outputs: usize) -> bool {
		let mut parents = vec![0usize; self.nodes.len()];
		let mut depths = vec![0usize; self.nodes.len()];
		for (index, node) in self.nodes.iter().enumerate() {
			match node {
				TreeNode::Split { feature, left, right, .. } => {
					for child in [left, right] {
						match parents.get_mut(*child) {
							Some(parents) if *child > index => *parents += 1,
							_ => return false,
						}
						depths[*child] = depths[index] + 1;
						if depths[*child] > MAX_TREE_DEPTH {
							return false;
						}
					}
					if *feature >= features {
						return false;
					}
				},
				TreeNode::Leaf(votes) => {
					let ascending = votes.windows(2).all(|pair| pair[0].0 < pair[1].0);
					if !ascending || votes.iter().any(|(output, _)| *output >= outputs) {
						return false;
					}
				},
			}
		}
		parents
			.split_first()
			.is_some_and(|(root, others)| *root == 0 && others.iter().all(|parents| *parents == 1))
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn split(feature: usize, threshold: i32, left: usize, right: usize) -> TreeNode<i32> {
		TreeNode::Split { feature, threshold, left, right }
	}

	fn leaf(output: usize, vote: i32) -> TreeNode<i32> {
		TreeNode::Leaf(vec![(output, vote)])
	}

	fn forest(nodes: Vec<TreeNode<i32>>) -> Forest<i32> {
		Forest { base: vec![0, 0], trees: vec![Tree { nodes }] }
	}

	#[test]
	fn trees_compare_and_end_at_a_leaf() {
		let forest =
			forest(vec![split(0, 5, 1, 2), leaf(0, 1), split(1, -3, 3, 4), leaf(1, 2), leaf(1, 3)]);
		assert!(forest.is_valid(2));
		let votes = |input: [i64; 2]| forest.leaves(&input).next().map(<[_]>::to_vec);
		assert_eq!(votes([5, 0]), Some(vec![(0, 1)]));
		assert_eq!(votes([6, -3]), Some(vec![(1, 2)]));
		assert_eq!(votes([6, -2]), Some(vec![(1, 3)]));
	}

	#[test]
	fn votes_include_the_leaves_that_say_nothing() {
		let tree = Tree { nodes: vec![split(0, 0, 1, 2), leaf(0, 3), leaf(0, 7)] };
		assert_eq!(tree.votes(2), [(3, 7), (0, 0)]);
		let tree = Tree { nodes: vec![split(0, 0, 1, 2), leaf(0, 3), leaf(1, -7)] };
		assert_eq!(tree.votes(2), [(0, 3), (-7, 0)]);
	}

	#[test]
	fn graphs_that_are_no_trees_are_found() {
		let valid = |nodes| forest(nodes).is_valid(1);
		assert!(valid(vec![leaf(0, 1)]));
		assert!(!valid(vec![]));
		assert!(!valid(vec![split(0, 1, 0, 1), leaf(0, 1)]), "a cycle");
		assert!(!valid(vec![split(0, 1, 1, 1), leaf(0, 1)]), "a shared child");
		assert!(!valid(vec![split(0, 1, 1, 2), leaf(0, 1)]), "a missing child");
		assert!(!valid(vec![split(1, 1, 1, 2), leaf(0, 1), leaf(0, 1)]), "a missing feature");
		assert!(!valid(vec![leaf(2, 1)]), "a missing output");
		assert!(!valid(vec![leaf(0, 1), leaf(0, 1)]), "a node without a parent");
		assert!(!valid(vec![TreeNode::Leaf(vec![(1, 1), (0, 1)])]), "outputs out of order");
		let chain = |depth: usize| {
			let splits = (0..depth).map(|level| split(0, 0, 2 * level + 1, 2 * level + 2));
			splits.flat_map(|split| [split, leaf(0, 1)]).chain([leaf(0, 1)]).collect::<Vec<_>>()
		};
		assert!(valid(chain(MAX_TREE_DEPTH)));
		assert!(!valid(chain(MAX_TREE_DEPTH + 1)), "too deep");
	}
}
