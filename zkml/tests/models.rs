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

/// The bar for both networks on the held-out records.
const LOWEST_ACCURACY: f64 = 0.95;
/// Most that the integer network may lose, as a share.
const LARGEST_LOSS: f64 = 0.01;

struct Committed {
	name: &'static str,
	inputs: usize,
	classes: Vec<String>,
	hidden: Vec<usize>,
}

fn committed() -> [Committed; 2] {
	let classes = ["malignant", "benign"].map(String::from).to_vec();
	[
		Committed { name: "breast_cancer", inputs: 30, classes, hidden: vec![16, 8] },
		Committed {
			name: "digits",
			inputs: 64,
			classes: (0..10).map(|digit| digit.to_string()).collect(),
			hidden: vec![32],
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
		assert!(float >= LOWEST_ACCURACY, "{}: float accuracy {float}", model.name);
		assert!(integer >= LOWEST_ACCURACY, "{}: integer accuracy {integer}", model.name);
		assert!((float - integer).abs() <= LARGEST_LOSS, "{}: {float}, {integer}", model.name);
		let widths = network.widths().unwrap();
		let mut layers = vec![model.inputs];
		layers.extend(model.hidden.iter().flat_map(|width| [*width, *width]));
		layers.push(model.classes.len());
		assert_eq!(widths, layers, "{}", model.name);
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
