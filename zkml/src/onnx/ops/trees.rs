// SPDX-License-Identifier: Apache-2.0

//! Tree ensembles of `ai.onnx.ml`: random forests and gradient boosting.
//!
//! Inputs are finite numbers, so where a tree sends missing values does not matter. A comparison
//! other than `≤` becomes one: `x < t` is `x ≤ t′` with the next smaller number `t′`, and the
//! children of `≥` and `>` change places.

use super::classical::{class_names, no_transform, transform};
use crate::{
	float::FloatOp,
	forest::{Forest, Tree, TreeNode, MAX_TREE_DEPTH, MAX_TREE_NODES},
	onnx::{
		error::OnnxError,
		graph::{Attributes, Call, Label, Operand},
		import::{output_width, Importer},
		shape::Shape,
		tensor::{text, Elements},
	},
};
use std::collections::HashMap;

/// How a node compares a feature with its threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
	Leaf,
	AtMost,
	Below,
	AtLeast,
	Above,
}

impl Mode {
	fn named(label: &Label, name: &str) -> Result<Self, OnnxError> {
		match name {
			"LEAF" => Ok(Self::Leaf),
			"BRANCH_LEQ" => Ok(Self::AtMost),
			"BRANCH_LT" => Ok(Self::Below),
			"BRANCH_GTE" => Ok(Self::AtLeast),
			"BRANCH_GT" => Ok(Self::Above),
			other => {
				let expected = "BRANCH_LEQ, BRANCH_LT, BRANCH_GTE, BRANCH_GT or LEAF";
				Err(label.attribute("nodes_modes", expected, format!("{other:.40?}")))
			},
		}
	}

	/// As the operator TreeEnsemble numbers them.
	fn numbered(label: &Label, number: i64) -> Result<Self, OnnxError> {
		match number {
			0 => Ok(Self::AtMost),
			1 => Ok(Self::Below),
			2 => Ok(Self::AtLeast),
			3 => Ok(Self::Above),
			other => Err(label.attribute("nodes_modes", "0 to 3", other.to_string())),
		}
	}

	/// The comparison as `x ≤ threshold`, with the children of true and false in order.
	fn split<T>(self, threshold: f32, yes: T, no: T) -> (f32, T, T) {
		match self {
			Self::AtMost | Self::Leaf => (threshold, yes, no),
			Self::Below => (threshold.next_down(), yes, no),
			Self::AtLeast => (threshold.next_down(), no, yes),
			Self::Above => (threshold, no, yes),
		}
	}
}

/// A node as the file has it.
enum Raw {
	Split { feature: usize, threshold: f32, left: usize, right: usize },
	Leaf(Vec<(usize, f32)>),
}

/// Puts nodes in order from the root, children after their parents. `node` gives a node by its place
/// in the file; `left` counts how many may still be taken.
fn tree(
	label: &Label,
	root: usize,
	left: &mut usize,
	mut node: impl FnMut(usize) -> Option<Raw>,
) -> Result<Tree<f32>, OnnxError> {
	let mut nodes = Vec::new();
	// Places in the file in the order in which they become nodes.
	let mut queue = vec![root];
	let mut next = 0;
	while let Some(place) = queue.get(next).copied() {
		next += 1;
		*left = left.checked_sub(1).ok_or_else(|| {
			label.refuse("expected trees, found nodes that are reached more than once")
		})?;
		let missing = || label.refuse("expected both children of every node, found one missing");
		nodes.push(match node(place).ok_or_else(missing)? {
			Raw::Leaf(votes) => TreeNode::Leaf(votes),
			Raw::Split { feature, threshold, left: yes, right: no } => {
				let first = queue.len();
				queue.extend([yes, no]);
				TreeNode::Split { feature, threshold, left: first, right: first + 1 }
			},
		});
	}
	Ok(Tree { nodes })
}

/// The columns of a table that all must be as long as the first.
fn column<'a, T>(
	label: &Label,
	name: &str,
	column: Option<&'a [T]>,
	length: usize,
) -> Result<&'a [T], OnnxError> {
	let column = column.unwrap_or_default();
	if column.len() != length {
		let found = column.len().to_string();
		return Err(label.attribute(name, format!("{length} elements"), found));
	}
	Ok(column)
}

fn place(label: &Label, name: &str, found: i64) -> Result<usize, OnnxError> {
	usize::try_from(found).map_err(|_| label.attribute(name, "numbers from 0", found.to_string()))
}

/// Floats from a list, or from a tensor as double precision has them.
fn floats(attributes: &Attributes<'_>, name: &str) -> Result<Vec<f32>, OnnxError> {
	match attributes.floats(name)? {
		Some(floats) => Ok(floats.to_vec()),
		None => match attributes.tensor(&format!("{name}_as_tensor"))? {
			Some(tensor) => Ok(tensor.floats()?.to_vec()),
			None => Ok(Vec::new()),
		},
	}
}

/// The trees of a classifier or regressor of operator set 1 or 3, with votes for `outputs`; `votes`
/// begins the names of the attributes that hold them.
fn trees(
	label: &Label,
	attributes: &Attributes<'_>,
	votes: &str,
	outputs: usize,
) -> Result<Vec<Tree<f32>>, OnnxError> {
	let tree_ids = attributes.integers("nodes_treeids")?.unwrap_or_default();
	let count = tree_ids.len();
	if !(1..=MAX_TREE_NODES).contains(&count) {
		let expected = format!("1 to {MAX_TREE_NODES} nodes");
		return Err(label.attribute("nodes_treeids", expected, count.to_string()));
	}
	let integers = |name: &str| column(label, name, attributes.integers(name)?, count);
	let node_ids = integers("nodes_nodeids")?;
	let features = integers("nodes_featureids")?;
	let (yes, no) = (integers("nodes_truenodeids")?, integers("nodes_falsenodeids")?);
	let modes = column(label, "nodes_modes", attributes.texts("nodes_modes")?, count)?;
	let thresholds = floats(attributes, "nodes_values")?;
	let thresholds = column(label, "nodes_values", Some(&thresholds), count)?;
	let mut places = HashMap::with_capacity(count);
	for (place, id) in tree_ids.iter().zip(node_ids).enumerate() {
		if places.insert(id, place).is_some() {
			let found = format!("node {} of tree {} twice", id.1, id.0);
			return Err(label.attribute("nodes_nodeids", "every node once", found));
		}
	}

	let name = |column: &str| format!("{votes}_{column}");
	let ids = attributes.integers(&name("ids"))?.unwrap_or_default();
	let integers = |name: &str| column(label, name, attributes.integers(name)?, ids.len());
	let (vote_trees, vote_nodes) = (integers(&name("treeids"))?, integers(&name("nodeids"))?);
	let weights = floats(attributes, &name("weights"))?;
	let weights = column(label, &name("weights"), Some(&weights), ids.len())?;
	let mut leaves: Vec<Vec<(usize, f32)>> = vec![Vec::new(); count];
	for (vote, id) in vote_trees.iter().zip(vote_nodes).enumerate() {
		let Some(leaf) = places.get(&id) else {
			let found = format!("node {} of tree {}", id.1, id.0);
			return Err(label.attribute(&name("nodeids"), "nodes that exist", found));
		};
		let output = usize::try_from(ids[vote]).ok().filter(|output| *output < outputs);
		let output = output.ok_or_else(|| {
			let expected = format!("numbers from 0 to {}", outputs.max(1) - 1);
			label.attribute(&name("ids"), expected, ids[vote].to_string())
		})?;
		leaves[*leaf].push((output, weights[vote]));
	}

	let mut is_child = vec![false; count];
	let mut parsed = Vec::with_capacity(count);
	for place in 0..count {
		let mode = Mode::named(label, &text(&modes[place]))?;
		let child = |node: i64| places.get(&(&tree_ids[place], &node)).copied();
		let children = (mode != Mode::Leaf).then(|| (child(yes[place]), child(no[place])));
		for child in children.iter().flat_map(|(yes, no)| [yes, no]).flatten() {
			if std::mem::replace(&mut is_child[*child], true) {
				return Err(label.refuse("expected trees, found a node with two parents"));
			}
		}
		parsed.push((mode, children));
	}
	let mut left = count;
	let mut trees = Vec::new();
	for root in (0..count).filter(|place| !is_child[*place]) {
		trees.push(tree(label, root, &mut left, |place| match parsed[place] {
			(_, None) => Some(Raw::Leaf(merged(std::mem::take(&mut leaves[place])))),
			(mode, Some((yes, no))) => {
				let (threshold, left, right) = mode.split(thresholds[place], yes?, no?);
				let feature = usize::try_from(features[place]).unwrap_or(usize::MAX);
				Some(Raw::Split { feature, threshold, left, right })
			},
		})?);
	}
	if left > 0 {
		return Err(label.refuse("expected trees, found nodes that no root reaches: a cycle"));
	}
	Ok(trees)
}

/// Votes with every output once, ascending.
fn merged(mut votes: Vec<(usize, f32)>) -> Vec<(usize, f32)> {
	votes.sort_by_key(|(output, _)| *output);
	votes.dedup_by(|next, kept| {
		let same = next.0 == kept.0;
		if same {
			kept.1 += next.1;
		}
		same
	});
	votes
}

/// Attributes of both operators on trees of operator sets 1 to 3.
const NODES: [&str; 13] = [
	"base_values",
	"base_values_as_tensor",
	"nodes_falsenodeids",
	"nodes_featureids",
	"nodes_hitrates",
	"nodes_hitrates_as_tensor",
	"nodes_missing_value_tracks_true",
	"nodes_modes",
	"nodes_nodeids",
	"nodes_treeids",
	"nodes_truenodeids",
	"nodes_values",
	"nodes_values_as_tensor",
];

impl Importer {
	/// Two classes of which the votes name only one make a single output, positive for the second
	/// class: the sum of the votes, or, when none is negative and nothing is applied to them, what it
	/// has above one half.
	pub(super) fn tree_classifier(&mut self, call: &Call<'_>) -> Result<Vec<Operand>, OnnxError> {
		let label = &call.label;
		let own = [
			"class_ids",
			"class_nodeids",
			"class_treeids",
			"class_weights",
			"class_weights_as_tensor",
			"classlabels_int64s",
			"classlabels_strings",
			"post_transform",
		];
		let attributes = call.attributes(&[NODES.as_slice(), own.as_slice()].concat())?;
		let ending = transform(label, &attributes)?;
		let names = class_names(label, &attributes, "classlabels_int64s")?;
		let ids = attributes.integers("class_ids")?.unwrap_or_default();
		let single = names.len() == 2 && ids.windows(2).all(|pair| pair[0] == pair[1]);
		let mut trees = trees(label, &attributes, "class", names.len())?;
		let mut base = floats(&attributes, "base_values")?;
		let outputs = if single { 1 } else { names.len() };
		if single {
			base = base.last().copied().into_iter().collect();
			let mut negative = false;
			for (output, vote) in all_votes(&mut trees) {
				*output = 0;
				negative |= *vote < 0.0;
			}
			if !negative && ending.is_none() {
				base = vec![base.first().copied().unwrap_or(0.0) - 0.5];
			}
		}
		let scores = self.forest(call, trees, base, outputs)?;
		Ok(self.classified(label, scores, ending, names))
	}

	pub(super) fn tree_regressor(&mut self, call: &Call<'_>) -> Result<Operand, OnnxError> {
		let label = &call.label;
		let own = [
			"aggregate_function",
			"n_targets",
			"post_transform",
			"target_ids",
			"target_nodeids",
			"target_treeids",
			"target_weights",
			"target_weights_as_tensor",
		];
		let attributes = call.attributes(&[NODES.as_slice(), own.as_slice()].concat())?;
		no_transform(label, &attributes)?;
		let targets = place(label, "n_targets", attributes.integer("n_targets", 1)?)?;
		let mut trees = trees(label, &attributes, "target", targets)?;
		match attributes.text("aggregate_function", "SUM")?.as_str() {
			"SUM" => (),
			"AVERAGE" => average(&mut trees),
			other => {
				let found = format!("{other:.40?}");
				return Err(label.attribute("aggregate_function", "SUM or AVERAGE", found));
			},
		}
		let base = floats(&attributes, "base_values")?;
		Ok(self.forest(call, trees, base, targets)?.into())
	}

	/// The operator of operator set 5, whose leaves stand apart from its inner nodes.
	pub(super) fn tree_ensemble(&mut self, call: &Call<'_>) -> Result<Operand, OnnxError> {
		let label = &call.label;
		let attributes = call.attributes(&[
			"aggregate_function",
			"leaf_targetids",
			"leaf_weights",
			"n_targets",
			"nodes_falseleafs",
			"nodes_falsenodeids",
			"nodes_featureids",
			"nodes_hitrates",
			"nodes_missing_value_tracks_true",
			"nodes_modes",
			"nodes_splits",
			"nodes_trueleafs",
			"nodes_truenodeids",
			"post_transform",
			"tree_roots",
		])?;
		attributes.only("post_transform", 0, 0)?;
		let targets = place(label, "n_targets", attributes.integer("n_targets", 1)?)?;
		let features = attributes.integers("nodes_featureids")?.unwrap_or_default();
		let count = features.len();
		if !(1..=MAX_TREE_NODES / 2).contains(&count) {
			let expected = format!("1 to {} nodes", MAX_TREE_NODES / 2);
			return Err(label.attribute("nodes_featureids", expected, count.to_string()));
		}
		let integers = |name: &str| column(label, name, attributes.integers(name)?, count);
		let (yes, no) = (integers("nodes_truenodeids")?, integers("nodes_falsenodeids")?);
		let (yes_leaf, no_leaf) = (integers("nodes_trueleafs")?, integers("nodes_falseleafs")?);
		let tensor = |name: &str| {
			attributes.tensor(name)?.ok_or_else(|| label.attribute(name, "a tensor", "nothing"))
		};
		let (modes, splits) = (tensor("nodes_modes")?, tensor("nodes_splits")?);
		let modes = column(label, "nodes_modes", Some(modes.integers()?), count)?.to_vec();
		let splits = column(label, "nodes_splits", Some(splits.floats()?), count)?.to_vec();
		let weights = tensor("leaf_weights")?;
		let Elements::Float(weights) = weights.elements else {
			return Err(label.attribute("leaf_weights", "floats", "others"));
		};
		let ids = attributes.integers("leaf_targetids")?;
		let ids = column(label, "leaf_targetids", ids, weights.len())?;
		let roots = attributes.integers("tree_roots")?.unwrap_or_default();
		// Leaves are numbered after the inner nodes.
		let child = |node: i64, is_leaf: i64| match (usize::try_from(node), is_leaf) {
			(Ok(node), 0) if node < count => Some(node),
			(Ok(leaf), 1) if leaf < weights.len() => Some(count + leaf),
			_ => None,
		};
		let mut left = MAX_TREE_NODES.min(2 * count + roots.len());
		let mut trees = Vec::new();
		for root in roots {
			let root = place(label, "tree_roots", *root)?;
			trees.push(tree(label, root, &mut left, |place| {
				if let Some(leaf) = place.checked_sub(count) {
					let target = usize::try_from(*ids.get(leaf)?).unwrap_or(usize::MAX);
					return Some(Raw::Leaf(vec![(target, *weights.get(leaf)?)]));
				}
				let mode = Mode::numbered(label, modes[place]).ok()?;
				let yes = child(yes[place], yes_leaf[place])?;
				let no = child(no[place], no_leaf[place])?;
				let (threshold, left, right) = mode.split(splits[place], yes, no);
				let feature = usize::try_from(features[place]).unwrap_or(usize::MAX);
				Some(Raw::Split { feature, threshold, left, right })
			})?);
		}
		match attributes.integer("aggregate_function", 1)? {
			1 => (),
			0 => average(&mut trees),
			other => {
				let expected = "0 (average) or 1 (sum)";
				return Err(label.attribute("aggregate_function", expected, other.to_string()));
			},
		}
		Ok(self.forest(call, trees, Vec::new(), targets)?.into())
	}

	fn forest(
		&mut self,
		call: &Call<'_>,
		trees: Vec<Tree<f32>>,
		base: Vec<f32>,
		outputs: usize,
	) -> Result<crate::onnx::graph::Value, OnnxError> {
		let label = &call.label;
		let (input, features) = self.features(call)?;
		let output = Shape(vec![1, outputs]);
		output_width(label, &output)?;
		let base = match base.len() {
			0 => vec![0.0; outputs],
			found if found == outputs => base,
			found => {
				let expected = format!("{outputs} numbers or none");
				return Err(label.attribute("base_values", expected, found.to_string()));
			},
		};
		let forest = Forest { base, trees };
		if !forest.is_valid(features) {
			return Err(label.refuse(format!(
				"expected trees of at most {MAX_TREE_DEPTH} levels and {MAX_TREE_NODES} nodes together, that read {features} features and vote for {outputs} outputs; found a deeper tree, more nodes, or a feature or output beyond these"
			)));
		}
		self.push(label, FloatOp::Trees { input, forest }, output)
	}
}

fn all_votes(trees: &mut [Tree<f32>]) -> impl Iterator<Item = &mut (usize, f32)> {
	let nodes = trees.iter_mut().flat_map(|tree| &mut tree.nodes);
	nodes
		.filter_map(|node| match node {
			TreeNode::Leaf(votes) => Some(votes),
			TreeNode::Split { .. } => None,
		})
		.flatten()
}

/// Votes of a mean: it divides by the number of trees.
fn average(trees: &mut [Tree<f32>]) {
	let count = trees.len().max(1) as f32;
	all_votes(trees).for_each(|(_, vote)| *vote /= count);
}
