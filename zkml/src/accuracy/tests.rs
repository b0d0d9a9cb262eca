// SPDX-License-Identifier: Apache-2.0

use super::*;
use crate::{
	float::{FloatNode, FloatOp},
	quantise::{quantise, QuantiseOptions, Reveal},
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

#[test]
fn layers_report_their_error() {
	let report = report(&set(None));
	// Halves and quarters fit the input's steps, 0.1 and 0.9 do not.
	let input = report.layers[0].rms_error.unwrap();
	let step = 2f64.powi(-report.layers[0].coarsest);
	assert!(input > 0.0 && input < step / 2.0, "{input}, {step}");
	assert!(report.layers.iter().all(|layer| layer.rms_error.unwrap() < 0.03), "{report}");
	let layer = &report.layers[2];
	assert_eq!(layer.lowest, 0.0);
	assert!(layer.highest >= 1.0 && layer.highest < 2.0, "{layer:?}");
	assert!(report.mean_absolute_error > 0.0);
	assert!(report.mean_absolute_error <= report.max_logit_error);
}

#[test]
fn disagreements_are_listed_with_their_margins() {
	let quantised = quantise(&network(), &QuantiseOptions::named("compare"), &set(None).records);
	// Beyond the calibrated range both features saturate, so that the smaller one may win.
	let records = vec![vec![1.0, 0.5], vec![3.0, 9.0], vec![5.0, 90.0]];
	let beyond = InputFile { records, labels: Some(vec![0, 1, 1]) };
	let report = compare(&network(), &quantised.unwrap(), &beyond).unwrap();
	assert_eq!((report.disagreements, report.worst.len()), (2, 2), "{report}");
	let worst = &report.worst[0];
	assert_eq!((worst.record, worst.label, worst.float_class), (2, Some(1), 1));
	assert_eq!((worst.integer_class, worst.float_margin), (0, 170.0));
	assert!(worst.integer_margin >= 0.0 && worst.integer_margin < 2.0, "{worst:?}");
	assert!(report.to_string().contains("record 2: label 1, float 1 (by 170.0000)"), "{report}");
}

#[test]
fn labels_are_compared_through_the_logits_behind_them() {
	let set = set(Some(vec![0, 1, 0, 0]));
	let options = QuantiseOptions { name: "label".into(), reveal: Reveal::Label };
	let quantised = quantise(&network(), &options, &set.records).unwrap();
	let labels = compare(&network(), &quantised, &set).unwrap();
	let logits = report(&set);
	assert_eq!(labels.layers.last().unwrap().kind, "argmax");
	assert_eq!(labels.layers.last().unwrap().rms_error, None);
	assert_eq!(labels.layers[..4], logits.layers[..]);
	let without_layers = |report: AccuracyReport| AccuracyReport { layers: vec![], ..report };
	assert_eq!(integer_accuracy(&quantised.network, &set), Ok(Some(0.75)));
	assert_eq!(without_layers(labels), without_layers(logits));
}

#[test]
fn a_single_number_without_classes_is_no_decision() {
	let mut float = network();
	float.nodes[2].op = FloatOp::Linear {
		input: 2,
		rows: 1,
		columns: 2,
		weights: vec![1.0, -1.0],
		bias: vec![0.0],
	};
	let options = QuantiseOptions::named("difference");
	let quantised = quantise(&float, &options, &set(None).records).unwrap();
	let beyond = |labels| InputFile { records: vec![vec![3.0, 9.0]], labels };
	let report = compare(&float, &quantised, &beyond(None)).unwrap();
	assert_eq!(report.disagreements, 0);
	assert!(report.mean_absolute_error > 5.0);
	let report = compare(&float, &quantised, &beyond(Some(vec![0]))).unwrap();
	assert_eq!(report.float_accuracy, Some(1.0));
}
