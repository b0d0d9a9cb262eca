// SPDX-License-Identifier: Apache-2.0

//! Operators of `ai.onnx.ml`, by hand: tract has few of them.

use super::*;
use crate::{float::FloatOp, network::class_of};

/// A node of the classical set.
fn ml(operator: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
	let domain = "ai.onnx.ml".into();
	NodeProto { domain, output: strings(outputs), ..node(operator, inputs, "") }
}

/// A model of records of `features`, whose outputs are the names given.
fn records(features: i64, nodes: Vec<NodeProto>, outputs: &[&str]) -> ModelProto {
	let mut model = model(&[0, features], nodes, vec![]);
	let set = OperatorSetIdProto { domain: "ai.onnx.ml".into(), version: 3 };
	model.opset_import.push(set);
	let outputs = outputs.iter().map(|name| value(name, &[0, 1]));
	model.graph.as_mut().unwrap().output = outputs.collect();
	model
}

fn class(model: &ModelProto, input: &[f32]) -> usize {
	class_of(&output(model, input))
}

fn linear_classifier(coefficients: &[f32], intercepts: &[f32], classes: &[i64]) -> NodeProto {
	let classifier = ml("LinearClassifier", &["x"], &["class", "scores"]);
	let classifier = with_floats(classifier, "coefficients", coefficients);
	let classifier = with_floats(classifier, "intercepts", intercepts);
	with_ints(classifier, "classlabels_ints", classes)
}

/// A tree of five nodes over two features: `x₀ ≤ 0.5` and `x₁` against 1.5 give classes 0, 1 and 2.
fn tree(operator: &str, mode: &str, classes: [i64; 3], weights: [f32; 3]) -> NodeProto {
	let (kind, outputs): (_, &[&str]) = match operator {
		"TreeEnsembleClassifier" => ("class", &["class", "scores"]),
		_ => ("target", &["y"]),
	};
	let tree = ml(operator, &["x"], outputs);
	let tree = with_ints(tree, "nodes_treeids", &[0; 5]);
	let tree = with_ints(tree, "nodes_nodeids", &[0, 1, 2, 3, 4]);
	let tree = with_ints(tree, "nodes_featureids", &[0, 0, 1, 0, 0]);
	let tree = with_texts(tree, "nodes_modes", &["BRANCH_LEQ", "LEAF", mode, "LEAF", "LEAF"]);
	let tree = with_floats(tree, "nodes_values", &[0.5, 0.0, 1.5, 0.0, 0.0]);
	let tree = with_ints(tree, "nodes_truenodeids", &[1, 0, 3, 0, 0]);
	let tree = with_ints(tree, "nodes_falsenodeids", &[2, 0, 4, 0, 0]);
	let tree = with_ints(tree, &format!("{kind}_treeids"), &[0; 3]);
	let tree = with_ints(tree, &format!("{kind}_nodeids"), &[1, 3, 4]);
	let tree = with_ints(tree, &format!("{kind}_ids"), &classes);
	with_floats(tree, &format!("{kind}_weights"), &weights)
}

fn tree_classifier() -> ModelProto {
	let classifier = tree("TreeEnsembleClassifier", "BRANCH_LEQ", [0, 1, 2], [1.0; 3]);
	let classifier = with_texts(classifier, "classlabels_strings", &["a", "b", "c"]);
	let mut cast = node("Cast", &["class"], "label");
	cast = with_int(cast, "to", 7);
	let zip =
		with_texts(ml("ZipMap", &["scores"], &["map"]), "classlabels_strings", &["a", "b", "c"]);
	records(2, vec![classifier, cast, zip], &["label", "map"])
}

fn svm(kernel: &str) -> NodeProto {
	// One support vector per class: [1, 0], [0, 1], [−1, −1].
	let svm = ml("SVMClassifier", &["x"], &["class", "scores"]);
	let svm = with_floats(svm, "support_vectors", &[1.0, 0.0, 0.0, 1.0, -1.0, -1.0]);
	let svm = with_ints(svm, "vectors_per_class", &[1, 1, 1]);
	// Row by row: against the next classes, as libsvm lays them out.
	let svm = with_floats(svm, "coefficients", &[1.0, -1.0, -1.0, 1.0, 1.0, -1.0]);
	let svm = with_floats(svm, "rho", &[0.25, 0.0, -0.5]);
	let svm = with_ints(svm, "classlabels_ints", &[3, 5, 7]);
	with_text(svm, "kernel_type", kernel)
}

/// A model of every operator, for the tests of robustness.
pub(super) fn examples() -> Vec<ModelProto> {
	let classifier = linear_classifier(&[1.0, 2.0, -1.0, 0.5], &[0.0, 0.25], &[0, 1]);
	let scaler = with_floats(ml("Scaler", &["x"], &["scaled"]), "offset", &[1.0, 2.0]);
	let scaler = with_floats(scaler, "scale", &[0.5]);
	let normalizer = with_text(ml("Normalizer", &["scores"], &["p"]), "norm", "L1");
	let linear = NodeProto { input: strings(&["scaled"]), ..classifier };
	vec![
		records(2, vec![scaler, linear, normalizer], &["class", "p"]),
		tree_classifier(),
		records(
			2,
			vec![tree("TreeEnsembleRegressor", "BRANCH_GT", [0; 3], [1.0, 2.0, 3.0])],
			&["y"],
		),
		records(2, vec![svm("LINEAR")], &["class", "scores"]),
		records(2, vec![ensemble()], &["y"]),
	]
}

#[test]
fn scaled_records_are_classified_by_planes() {
	let scaler = with_floats(ml("Scaler", &["x"], &["scaled"]), "offset", &[1.0, 2.0]);
	let scaler = with_floats(scaler, "scale", &[0.5, 4.0]);
	let classifier =
		linear_classifier(&[1.0, 0.0, 0.0, 1.0, 1.0, 1.0], &[0.0, 0.5, -1.0], &[7, 8, 9]);
	let classifier = NodeProto { input: strings(&["scaled"]), ..classifier };
	let classifier = with_text(classifier, "post_transform", "SOFTMAX");
	let normalizer = with_text(ml("Normalizer", &["scores"], &["p"]), "norm", "L1");
	let model = records(2, vec![scaler, classifier, normalizer], &["class", "p"]);
	let network = load(&model).unwrap();
	assert_eq!(network.ending, Some(Ending::Softmax));
	assert_eq!(network.classes, strings(&["7", "8", "9"]));
	assert_eq!(network.nodes.len(), 1, "the scaler is part of the planes");
	// (5 − 1) · 0.5 = 2, (1 − 2) · 4 = −4.
	assert_eq!(output(&model, &[5.0, 1.0]), [2.0, -3.5, -3.0]);
}

#[test]
fn one_plane_for_two_classes_decides_by_its_sign() {
	let classifier = linear_classifier(&[1.0, -1.0], &[0.5], &[0, 1]);
	let classifier = with_text(classifier, "post_transform", "LOGISTIC");
	let model = records(2, vec![classifier], &["class", "scores"]);
	assert_eq!(load(&model).unwrap().ending, Some(Ending::Sigmoid));
	assert_eq!((class(&model, &[1.0, 1.0]), class(&model, &[1.0, 2.0])), (1, 0));
}

#[test]
fn regressors_give_their_value() {
	let linear = ml("LinearRegressor", &["x"], &["y"]);
	let linear =
		with_floats(with_floats(linear, "coefficients", &[2.0, 3.0]), "intercepts", &[1.0]);
	assert_eq!(output(&records(2, vec![linear], &["y"]), &[1.0, -1.0]), [0.0]);
	let svm =
		with_floats(ml("SVMRegressor", &["x"], &["y"]), "support_vectors", &[1.0, 2.0, 0.0, 1.0]);
	let svm = with_floats(svm, "coefficients", &[2.0, -1.0]);
	let svm = with_int(with_floats(svm, "rho", &[0.5]), "n_supports", 2);
	// 2 · (x₀ + 2x₁) − x₁ + 0.5.
	assert_eq!(output(&records(2, vec![svm], &["y"]), &[3.0, 1.0]), [9.5]);
}

#[test]
fn support_vector_machines_count_the_votes_of_all_pairs() {
	let model = records(2, vec![svm("LINEAR")], &["class", "scores"]);
	let network = load(&model).unwrap();
	assert_eq!(
		(network.ending, network.classes),
		(Some(Ending::ArgMax), strings(&["3", "5", "7"]))
	);
	// Pairs (0, 1), (0, 2), (1, 2): x₀ − x₁ + 0.25, x₀ + x₀ + x₁, x₁ + x₀ + x₁ − 0.5.
	for input in [[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0], [0.2, 0.1]] {
		let [a, b]: [f32; 2] = input;
		let scores = [a - b + 0.25, 2.0 * a + b, a + 2.0 * b - 0.5];
		let mut votes = [0.0; 3];
		for (score, pair) in scores.iter().zip([[0, 1], [0, 2], [1, 2]]) {
			votes[if *score > 0.0 { pair[0] } else { pair[1] }] += 1.0;
		}
		assert_eq!(output(&model, &input), votes, "{input:?}");
	}
	let message = load(&records(2, vec![svm("RBF")], &["class"])).unwrap_err().to_string();
	assert_eq!(
		message,
		"node \"my_svmclassifier\" (SVMClassifier): attribute kernel_type: expected LINEAR, found \"RBF\""
	);
}

#[test]
fn two_support_vector_classes_decide_by_one_sign() {
	let svm = ml("SVMClassifier", &["x"], &["class", "scores"]);
	let svm = with_floats(svm, "support_vectors", &[1.0, 0.0, 0.0, 1.0]);
	let svm = with_ints(svm, "vectors_per_class", &[1, 1]);
	let svm = with_floats(with_floats(svm, "coefficients", &[1.0, -1.0]), "rho", &[0.5]);
	let model = records(2, vec![with_ints(svm, "classlabels_ints", &[0, 1])], &["class", "scores"]);
	// x₀ − x₁ + 0.5 above 0 is the first class.
	assert_eq!((class(&model, &[1.0, 1.0]), class(&model, &[0.0, 1.0])), (0, 1));
	assert_eq!(load(&model).unwrap().nodes.len(), 1);
}

#[test]
fn trees_compare_as_their_modes_say() {
	let model = tree_classifier();
	let network = load(&model).unwrap();
	assert_eq!(network.classes, strings(&["a", "b", "c"]));
	assert_eq!(class(&model, &[0.5, 9.0]), 0);
	assert_eq!(class(&model, &[0.6, 1.5]), 1);
	assert_eq!(class(&model, &[0.6, 1.6]), 2);
	for (mode, below, equal, above) in [
		("BRANCH_LEQ", 2.0, 2.0, 3.0),
		("BRANCH_LT", 2.0, 3.0, 3.0),
		("BRANCH_GTE", 3.0, 2.0, 2.0),
		("BRANCH_GT", 3.0, 3.0, 2.0),
	] {
		let tree = tree("TreeEnsembleRegressor", mode, [0; 3], [1.0, 2.0, 3.0]);
		let tree = with_floats(tree, "base_values", &[10.0]);
		let model = records(2, vec![tree], &["y"]);
		for (x, expected) in [(1.4, below), (1.5, equal), (1.6, above)] {
			assert_eq!(output(&model, &[1.0, x]), [10.0 + expected], "{mode} of {x}");
		}
		assert_eq!(output(&model, &[0.5, 0.0]), [11.0]);
	}
}

#[test]
fn votes_for_one_of_two_classes_decide_by_their_sign() {
	let votes = |weights, transform: &str| {
		let tree = tree("TreeEnsembleClassifier", "BRANCH_LEQ", [1; 3], weights);
		let tree = with_text(tree, "post_transform", transform);
		let tree = with_ints(tree, "classlabels_int64s", &[0, 1]);
		records(2, vec![tree], &["class", "scores"])
	};
	// Probabilities are compared with one half, sums of a gradient boosting with 0.
	let shares = votes([0.25, 0.5, 0.75], "NONE");
	assert_eq!(output(&shares, &[0.0, 0.0]), [-0.25]);
	assert_eq!((class(&shares, &[1.0, 1.0]), class(&shares, &[1.0, 2.0])), (0, 1));
	let sums = votes([0.25, -0.5, 0.75], "LOGISTIC");
	assert_eq!((class(&sums, &[0.0, 1.0]), class(&sums, &[1.0, 1.0])), (1, 0));
	let positive = votes([0.25, 0.5, 0.75], "LOGISTIC");
	assert_eq!(class(&positive, &[0.0, 1.0]), 1);
}

/// The tree of [`tree`], as operator set 5 writes it.
fn ensemble() -> NodeProto {
	let tree = ml("TreeEnsemble", &["x"], &["y"]);
	let tree = with_ints(tree, "nodes_featureids", &[0, 1]);
	let tree = with_ints(tree, "nodes_truenodeids", &[0, 1]);
	let tree = with_ints(tree, "nodes_trueleafs", &[1, 1]);
	let tree = with_ints(tree, "nodes_falsenodeids", &[1, 2]);
	let tree = with_ints(tree, "nodes_falseleafs", &[0, 1]);
	let tree = with_ints(tree, "leaf_targetids", &[0; 3]);
	let mut tree = with_ints(tree, "tree_roots", &[0]);
	for (name, tensor) in [
		("nodes_modes", small("", &[2], data_type::UINT8, &[0, 1])),
		("nodes_splits", floats("", &[2], &[0.5, 1.5])),
		("leaf_weights", floats("", &[3], &[1.0, 2.0, 3.0])),
	] {
		tree.attribute.push(AttributeProto {
			name: name.into(),
			r#type: attribute_type::TENSOR,
			t: Some(tensor),
			..Default::default()
		});
	}
	tree
}

#[test]
fn ensembles_of_operator_set_five_are_read() {
	let model = records(2, vec![ensemble()], &["y"]);
	assert_eq!(output(&model, &[0.5, 0.0]), [1.0]);
	assert_eq!(output(&model, &[0.6, 1.4]), [2.0]);
	assert_eq!(output(&model, &[0.6, 1.5]), [3.0], "below, not at most");
}

#[test]
fn means_of_trees_divide_by_their_number() {
	let tree = tree("TreeEnsembleRegressor", "BRANCH_LEQ", [0; 3], [1.0, 2.0, 3.0]);
	let mut mean = with_text(tree, "aggregate_function", "AVERAGE");
	// The same tree once more.
	for attribute in &mut mean.attribute {
		let second = attribute.ints.clone();
		let is_tree = attribute.name.ends_with("treeids");
		attribute.ints.extend(second.iter().map(|id| if is_tree { id + 1 } else { *id }));
		attribute.floats.extend(attribute.floats.clone());
		attribute.strings.extend(attribute.strings.clone());
	}
	let model = records(2, vec![mean], &["y"]);
	let network = load(&model).unwrap();
	let FloatOp::Trees { forest, .. } = &network.nodes[0].op else { panic!("{network:?}") };
	assert_eq!((forest.trees.len(), forest.nodes()), (2, 10));
	assert_eq!(output(&model, &[1.0, 1.0]), [2.0]);
}

#[test]
fn graphs_that_are_no_trees_are_refused() {
	let changed = |name: &str, ints: &[i64]| {
		let mut tree = tree("TreeEnsembleRegressor", "BRANCH_LEQ", [0; 3], [1.0; 3]);
		let attribute = tree.attribute.iter_mut().find(|attribute| attribute.name == name);
		attribute.unwrap().ints = ints.to_vec();
		load(&records(2, vec![tree], &["y"])).unwrap_err().to_string()
	};
	let node = "node \"my_treeensembleregressor\" (TreeEnsembleRegressor):";
	let beyond = "expected trees of at most 1024 levels and 1048576 nodes together, that read 2 features and vote for 1 outputs; found a deeper tree, more nodes, or a feature or output beyond these";
	for (name, ints, message) in [
		("nodes_truenodeids", [1, 0, 1, 0, 0], "expected trees, found a node with two parents"),
		(
			"nodes_truenodeids",
			[0, 0, 3, 0, 0],
			"expected trees, found nodes that no root reaches: a cycle",
		),
		(
			"nodes_truenodeids",
			[9, 0, 3, 0, 0],
			"expected both children of every node, found one missing",
		),
		("nodes_featureids", [2, 0, 1, 0, 0], beyond),
		("nodes_featureids", [-1, 0, 1, 0, 0], beyond),
		(
			"nodes_nodeids",
			[0, 1, 2, 3, 3],
			"attribute nodes_nodeids: expected every node once, found node 3 of tree 0 twice",
		),
	] {
		assert_eq!(changed(name, &ints), format!("{node} {message}"));
	}
	assert_eq!(
		changed("target_nodeids", &[1, 3, 8]),
		format!(
			"{node} attribute target_nodeids: expected nodes that exist, found node 8 of tree 0"
		)
	);
	assert_eq!(
		changed("target_ids", &[0, 0, 1]),
		format!("{node} attribute target_ids: expected numbers from 0 to 0, found 1")
	);
	assert_eq!(
		changed("target_ids", &[0, 0]),
		format!("{node} attribute target_treeids: expected 2 elements, found 3")
	);
}

#[test]
fn names_of_classes_come_from_the_end_of_a_pipeline() {
	// What skl2onnx writes after a network: the largest score's place, then its name.
	let nodes = vec![
		node("Relu", &["x"], "logits"),
		node("Softmax", &["logits"], "scores"),
		with_int(node("ArgMax", &["scores"], "place"), "axis", 1),
		ml("ArrayFeatureExtractor", &["names", "place"], &["name"]),
		node("Reshape", &["name", "flat"], "class"),
	];
	let mut model = records(2, nodes, &["class", "scores"]);
	let names = TensorProto {
		dims: vec![2],
		data_type: data_type::STRING,
		string_data: vec![b"no".to_vec(), b"yes".to_vec()],
		name: "names".into(),
		..Default::default()
	};
	model.graph.as_mut().unwrap().initializer = vec![names, integers("flat", &[-1])];
	let network = load(&model).unwrap();
	assert_eq!((network.ending, network.classes), (Some(Ending::Softmax), strings(&["no", "yes"])));
}

#[test]
fn what_would_change_the_class_is_refused() {
	let normalizer = |norm| with_text(ml("Normalizer", &["x"], &["y"]), "norm", norm);
	let message = load(&records(2, vec![normalizer("L2")], &["y"])).unwrap_err().to_string();
	assert_eq!(
		message,
		"node \"my_normalizer\" (Normalizer): expected a Normalizer only after a classifier's scores and with norm L1 or L2, found norm \"L2\" of another value: a division by a computed number is not supported"
	);
	let classifier = linear_classifier(&[1.0, 2.0, -1.0, 0.5], &[], &[0, 1]);
	let nodes = vec![classifier, node("Relu", &["scores"], "y")];
	let message = load(&records(2, nodes, &["y"])).unwrap_err().to_string();
	assert_eq!(
		message,
		"node \"my_linearclassifier\" (LinearClassifier): expected LinearClassifier as the graph's last node, found its output used"
	);
	let mut old = tree_classifier();
	old.opset_import[1].version = 9;
	assert_eq!(load(&old), Err(OnnxError::MlOpset { found: Some(9) }));
	old.opset_import.truncate(1);
	assert_eq!(load(&old), Err(OnnxError::MlOpset { found: None }));
}
