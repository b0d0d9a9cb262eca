// SPDX-License-Identifier: Apache-2.0

use super::*;
use crate::{
	float::{FloatNode, FloatOp},
	quantise::{quantise, QuantiseOptions},
};

/// Two logits that compare the two features.
fn network() -> FloatNetwork {
	let linear = |input, weights: [f32; 4]| FloatOp::Linear {
		input,
		rows: 2,
		columns: 2,
		weights: weights.to_vec(),
		bias: vec![0.0; 2],
	};
	let node = |name: &str, op| FloatNode { name: name.into(), op };
	FloatNetwork {
		input_len: 2,
		nodes: vec![
			node("first", linear(0, [1.0, 0.0, 0.0, 1.0])),
			node("relu", FloatOp::relu(1)),
			node("second", linear(2, [1.0, -1.0, -1.0, 1.0])),
		],
		ending: None,
		classes: vec![],
	}
}

fn set(labels: Option<Vec<usize>>) -> InputFile {
	let records = vec![vec![1.0, 0.5], vec![0.25, 0.75], vec![0.5, -0.5], vec![0.1, 0.9]];
	InputFile { records, labels }
}

fn report(set: &InputFile) -> AccuracyReport {
	let quantised = quantise(&network(), &QuantiseOptions::named("compare"), &set.records).unwrap();
	compare(&network(), &quantised, set).unwrap()
}

#[test]
fn accuracies_count_the_labels() {
	let report = report(&set(Some(vec![0, 1, 0, 0])));
	assert_eq!((report.float_accuracy, report.integer_accuracy), (Some(0.75), Some(0.75)));
	assert_eq!((report.records, report.disagreements), (4, 0));
	assert!(report.max_logit_error < 0.05, "{}", report.max_logit_error);
}

#[test]
fn unlabelled_records_are_compared_without_accuracy() {
	let report = report(&set(None));
	assert_eq!((report.float_accuracy, report.integer_accuracy), (None, None));
	assert!(!report.to_string().contains("accuracy"));
}

#[test]
fn layers_have_ranges_scales_and_bits() {
	let report = report(&set(None));
	let kinds = report.layers.iter().map(|layer| layer.kind.as_str()).collect::<Vec<_>>();
	assert_eq!(kinds, ["input", "linear", "relu", "linear"]);
	assert_eq!((report.layers[0].low, report.layers[0].high), (-0.5, 1.0));
	assert_eq!((report.layers[2].low, report.layers[2].high), (0.0, 1.0));
	assert_eq!(report.layers[2].bits, 9, "uint8 in two's complement");
	assert!(report.layers.iter().all(|layer| layer.saturated == 0.0));
}

#[test]
fn saturation_is_counted_on_records_beyond_the_calibration() {
	let quantised =
		quantise(&network(), &QuantiseOptions::named("compare"), &set(None).records).unwrap();
	let beyond = InputFile { records: vec![vec![100.0, 0.5]], labels: None };
	let report = compare(&network(), &quantised, &beyond).unwrap();
	assert_eq!(report.layers[0].saturated, 0.5, "one of two features");
	assert!(report.max_logit_error > 90.0);
}

#[test]
fn impossible_labels_are_refused() {
	let set = set(Some(vec![0, 1, 2, 0]));
	let quantised = quantise(&network(), &QuantiseOptions::named("compare"), &set.records).unwrap();
	let refused = AccuracyError::Label { record: 2, last: 1, found: 2 };
	assert_eq!(compare(&network(), &quantised, &set), Err(refused.clone()));
	assert_eq!(integer_accuracy(&quantised.network, &set), Err(refused));
}

#[test]
fn integer_accuracy_agrees_with_the_comparison() {
	let set = set(Some(vec![0, 1, 1, 1]));
	let quantised = quantise(&network(), &QuantiseOptions::named("compare"), &set.records).unwrap();
	assert_eq!(integer_accuracy(&quantised.network, &set), Ok(report(&set).integer_accuracy));
}

#[test]
fn ties_go_to_the_first_class() {
	assert_eq!(class_of(&[1, 3, 3]), 1);
	assert_eq!(class_of(&[0i64]), 0);
	assert_eq!(class_of(&[1i64]), 1);
	assert_eq!(class_of::<i64>(&[]), 0);
}

#[test]
fn reports_survive_json() {
	let report = report(&set(Some(vec![0, 1, 0, 1])));
	let text = serde_json::to_string(&report).unwrap();
	assert_eq!(serde_json::from_str::<AccuracyReport>(&text).unwrap(), report);
	assert!(report.to_string().contains("integer accuracy   100.00 %"), "{report}");
}
