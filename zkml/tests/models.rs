// SPDX-License-Identifier: Apache-2.0

//! The committed models, from the committed files: their accuracy is the one that their cards state.

use proofpod_zkml::{
	accuracy::{self, AccuracyReport},
	input::InputFile,
	network::{OutputPacking, QuantisedNetwork},
	onnx,
	quantise::{quantise, QuantiseOptions},
};
use std::{fs, path::PathBuf};

/// Most that the integer network may lose, as a share.
const LARGEST_LOSS: f64 = 0.01;

struct Committed {
	name: &'static str,
	inputs: usize,
	classes: Vec<String>,
	/// The bar for both networks on the held-out records.
	lowest_accuracy: f64,
	/// Widths of all values of the integer network.
	widths: &'static [usize],
}

fn committed() -> [Committed; 3] {
	let digits = || (0..10).map(|digit| digit.to_string()).collect();
	[
		Committed {
			name: "breast_cancer",
			inputs: 30,
			classes: ["malignant", "benign"].map(String::from).to_vec(),
			lowest_accuracy: 0.95,
			widths: &[30, 16, 16, 8, 8, 2],
		},
		Committed {
			name: "digits",
			inputs: 64,
			classes: digits(),
			lowest_accuracy: 0.95,
			widths: &[64, 32, 32, 10],
		},
		Committed {
			name: "digits_cnn",
			inputs: 64,
			classes: digits(),
			lowest_accuracy: 0.97,
			// Padding, convolution, pooling, ReLU; the second block's padding is the convolution's.
			widths: &[64, 100, 768, 192, 192, 256, 64, 64, 10],
		},
	]
}

fn path(name: &str, file: &str) -> PathBuf {
	// Tests run in the package's folder. (A path fixed at compile time would be another checkout's,
	// where several share a target folder.)
	["..", "models", name, file].iter().collect()
}

fn records(name: &str, file: &str, inputs: usize) -> InputFile {
	InputFile::parse(&fs::read(path(name, file)).unwrap(), Some(inputs)).unwrap()
}

/// Quantises on the calibration records and measures on the held-out ones.
fn measure(model: &Committed) -> (QuantisedNetwork, AccuracyReport) {
	let bytes = fs::read(path(model.name, &format!("{}.onnx", model.name))).unwrap();
	let float = onnx::import(&bytes).unwrap();
	assert_eq!((float.input_len, &float.classes), (model.inputs, &model.classes));
	let calibration = records(model.name, "calibration.json", model.inputs);
	let quantised =
		quantise(&float, &QuantiseOptions::named(model.name), &calibration.records).unwrap();
	let held_out = records(model.name, "held_out.json", model.inputs);
	let report = accuracy::compare(&float, &quantised, &held_out).unwrap();
	(quantised.network, report)
}

/// The lines of a model's card that state what is measured here.
fn figures(report: &AccuracyReport, network: &QuantisedNetwork) -> String {
	let percent = |share: Option<f64>| share.unwrap() * 100.0;
	format!(
		"| Held-out records | {} |\n\
		 | Accuracy, 32-bit floats | {:.2} % |\n\
		 | Accuracy, 8-bit integers | {:.2} % |\n\
		 | Records on which the two disagree | {} |\n\
		 | Field elements of the output | {} |\n",
		report.records,
		percent(report.float_accuracy),
		percent(report.integer_accuracy),
		report.disagreements,
		OutputPacking::of(network).unwrap().elements,
	)
}

#[test]
fn integer_networks_are_as_accurate_as_the_bar_asks() {
	for model in committed() {
		let (network, report) = measure(&model);
		println!("{}\n{report}", model.name);
		let (float, integer) = (report.float_accuracy.unwrap(), report.integer_accuracy.unwrap());
		assert!(float >= model.lowest_accuracy, "{}: float accuracy {float}", model.name);
		assert!(integer >= model.lowest_accuracy, "{}: integer accuracy {integer}", model.name);
		assert!((float - integer).abs() <= LARGEST_LOSS, "{}: {float}, {integer}", model.name);
		assert_eq!(network.widths().unwrap(), model.widths, "{}", model.name);
	}
}

#[test]
fn model_cards_state_the_measured_figures() {
	for model in committed() {
		let (network, report) = measure(&model);
		let card = fs::read_to_string(path(model.name, "README.md")).unwrap();
		let figures = figures(&report, &network);
		assert!(card.contains(&figures), "expected in the card of {}:\n{figures}", model.name);
	}
}

#[test]
fn held_out_records_are_not_among_the_calibration_records() {
	for model in committed() {
		let calibration = records(model.name, "calibration.json", model.inputs);
		let held_out = records(model.name, "held_out.json", model.inputs);
		assert!(calibration.labels.is_some() && held_out.labels.is_some());
		for record in &held_out.records {
			assert!(!calibration.records.contains(record), "{}: {record:?}", model.name);
		}
	}
}

#[test]
fn committed_files_are_small() {
	for model in committed() {
		for entry in fs::read_dir(path(model.name, "")).unwrap() {
			let entry = entry.unwrap();
			assert!(entry.metadata().unwrap().len() < 300_000, "{:?}", entry.path());
		}
	}
}

/// Models of other kinds, by scikit-learn, and what onnxruntime makes of them.
#[test]
fn classical_models_predict_what_onnxruntime_does() {
	let mut folders: Vec<_> = fs::read_dir("../models/benchmarks")
		.unwrap()
		.map(|entry| entry.unwrap())
		.filter(|entry| entry.file_type().unwrap().is_dir())
		.map(|entry| entry.file_name().into_string().unwrap())
		.collect();
	folders.sort();
	assert_eq!(folders.len(), 10);
	for name in folders {
		let folder = format!("benchmarks/{name}");
		let float = onnx::import(&fs::read(path(&folder, &format!("{name}.onnx"))).unwrap());
		let float = float.unwrap_or_else(|error| panic!("{name}: {error}"));
		let calibration = records(&folder, "calibration.json", float.input_len);
		let expected = records(&folder, "expected.json", float.input_len);
		let options = QuantiseOptions::named(&name);
		let quantised = quantise(&float, &options, &calibration.records).unwrap();
		let report = accuracy::compare(&float, &quantised, &expected).unwrap();
		if expected.labels.is_some() {
			assert_eq!(report.float_accuracy, Some(1.0), "{name}");
			assert!(report.integer_accuracy.unwrap() >= 1.0 - LARGEST_LOSS, "{name}\n{report}");
			continue;
		}
		let file: serde_json::Value =
			serde_json::from_slice(&fs::read(path(&folder, "expected.json")).unwrap()).unwrap();
		let scores: Vec<Vec<f64>> = serde_json::from_value(file["scores"].clone()).unwrap();
		let flat = scores.iter().flatten();
		let (low, high) = flat.fold((f64::MAX, f64::MIN), |(l, h), x| (l.min(*x), h.max(*x)));
		for (record, scores) in expected.records.iter().zip(&scores) {
			for (ours, theirs) in float.output(record).unwrap().iter().zip(scores) {
				assert!(
					(f64::from(*ours) - theirs).abs() <= 1e-4 * theirs.abs().max(1.0),
					"{name}"
				);
			}
		}
		assert!(report.mean_absolute_error <= LARGEST_LOSS * (high - low), "{name}\n{report}");
	}
}
