// SPDX-License-Identifier: Apache-2.0

//! What quantisation costs: a network of real numbers and its quantised form, compared on records.

use crate::{
	float::{FloatError, FloatNetwork},
	input::InputFile,
	network::{class_of, power_of_two, Interval, NetworkError, Node, QuantisedNetwork},
	quantise::Quantised,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why two networks cannot be compared on some records.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccuracyError {
	/// A record does not go through the network of real numbers.
	#[error("record {record}: {source}")]
	Float {
		/// The record, from 0.
		record: usize,
		/// What happened.
		source: FloatError,
	},
	/// A record does not go through the quantised network.
	#[error("record {record}: {source}")]
	Network {
		/// The record, from 0.
		record: usize,
		/// What happened.
		source: NetworkError,
	},
	/// The quantised network is not valid.
	#[error(transparent)]
	Invalid(#[from] NetworkError),
	/// A label names no class of the network.
	#[error("record {record}: expected a label from 0 to {last}, found {found}")]
	Label {
		/// The record, from 0.
		record: usize,
		/// The last class.
		last: usize,
		/// Label found.
		found: usize,
	},
}

/// A network and its quantised form on the same records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccuracyReport {
	/// Records compared.
	pub records: usize,
	/// Share of records that the network of real numbers classifies as labelled; absent without labels.
	pub float_accuracy: Option<f64>,
	/// Share of records that the quantised network classifies as labelled; absent without labels.
	pub integer_accuracy: Option<f64>,
	/// Records on which the two name different classes.
	pub disagreements: usize,
	/// Largest difference between two logits.
	pub max_logit_error: f64,
	/// The input, then one entry per node of the quantised network.
	pub layers: Vec<LayerReport>,
}

/// One value of the quantised network over all records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerReport {
	/// Name of the original node.
	pub node: String,
	/// `input`, `linear`, `add`, `requantise` or `relu`.
	pub kind: String,
	/// Scale of the value, `real = integer · 2^−exponent`; the input has one per feature instead.
	pub exponent: Option<i8>,
	/// Smallest real number in the float network.
	pub low: f64,
	/// Largest real number in the float network.
	pub high: f64,
	/// Bits of the value by its static bounds.
	pub bits: u32,
	/// Share of elements that saturated.
	pub saturated: f64,
}

/// Compares a network with its quantised form.
///
/// # Errors
/// When a record or label does not fit the network.
pub fn compare(
	float: &FloatNetwork,
	quantised: &Quantised,
	set: &InputFile,
) -> Result<AccuracyReport, AccuracyError> {
	let network = &quantised.network;
	let bounds = network.bounds()?;
	let mut layers = layers(quantised, &bounds);
	let mut report = AccuracyReport {
		records: set.records.len(),
		float_accuracy: None,
		integer_accuracy: None,
		disagreements: 0,
		max_logit_error: 0.0,
		layers: Vec::new(),
	};
	let (mut float_right, mut integer_right) = (0, 0);
	for (record, input) in set.records.iter().enumerate() {
		let reals =
			float.evaluate(input).map_err(|source| AccuracyError::Float { record, source })?;
		let trace = network
			.quantise_input(input)
			.and_then(|input| network.infer(&input))
			.map_err(|source| AccuracyError::Network { record, source })?;
		let output = reals.last().map(Vec::as_slice).unwrap_or_default();
		let (float_class, integer_class) = (class_of(output), class_of(trace.output()));
		report.disagreements += usize::from(float_class != integer_class);
		for (real, integer) in output.iter().zip(network.dequantise_output(trace.output())) {
			report.max_logit_error = report.max_logit_error.max((f64::from(*real) - integer).abs());
		}
		if let Some(label) = label(set, record, output.len())? {
			float_right += usize::from(float_class == label);
			integer_right += usize::from(integer_class == label);
		}
		observe(&mut layers, quantised, input, &reals, &trace.values);
	}
	if set.labels.is_some() {
		report.float_accuracy = Some(share(float_right, report.records));
		report.integer_accuracy = Some(share(integer_right, report.records));
	}
	report.max_logit_error = significant(report.max_logit_error);
	report.layers = layers.into_iter().map(Layer::finish).collect();
	Ok(report)
}

/// Share of labelled records that a quantised network classifies right; `None` without labels.
///
/// # Errors
/// When a record or label does not fit the network.
pub fn integer_accuracy(
	network: &QuantisedNetwork,
	set: &InputFile,
) -> Result<Option<f64>, AccuracyError> {
	let mut right = 0;
	for (record, input) in set.records.iter().enumerate() {
		let trace = network
			.quantise_input(input)
			.and_then(|input| network.infer(&input))
			.map_err(|source| AccuracyError::Network { record, source })?;
		if let Some(label) = label(set, record, trace.output().len())? {
			right += usize::from(class_of(trace.output()) == label);
		}
	}
	Ok(set.labels.is_some().then(|| share(right, set.records.len())))
}

fn share(part: usize, whole: usize) -> f64 {
	significant(part as f64 / whole.max(1) as f64)
}

/// A number to seven significant digits: what a report needs, and what survives every JSON parser.
fn significant(number: f64) -> f64 {
	format!("{number:.6e}").parse().unwrap_or(number)
}

/// A record's label, when there are labels.
fn label(set: &InputFile, record: usize, outputs: usize) -> Result<Option<usize>, AccuracyError> {
	let last = outputs.saturating_sub(1).max(1);
	match set.labels.as_ref().and_then(|labels| labels.get(record)) {
		Some(found) if *found > last => Err(AccuracyError::Label { record, last, found: *found }),
		label => Ok(label.copied()),
	}
}

/// A layer's report in the making.
struct Layer {
	report: LayerReport,
	float_value: usize,
	elements: usize,
	saturated: usize,
}

impl Layer {
	fn finish(mut self) -> LayerReport {
		self.report.low = significant(self.report.low);
		self.report.high = significant(self.report.high);
		self.report.saturated = share(self.saturated, self.elements);
		self.report
	}
}

fn layers(quantised: &Quantised, bounds: &[Vec<Interval>]) -> Vec<Layer> {
	let bits = |value: usize| {
		let bounds = bounds.get(value).map(Vec::as_slice).unwrap_or_default();
		bounds.iter().map(Interval::bits).max().unwrap_or(0)
	};
	let layer = |value: usize, node: &str, kind: &str, exponent, float_value| Layer {
		report: LayerReport {
			node: node.into(),
			kind: kind.into(),
			exponent,
			low: 0.0,
			high: 0.0,
			bits: bits(value),
			saturated: 0.0,
		},
		float_value,
		elements: 0,
		saturated: 0,
	};
	let nodes = quantised.network.nodes.iter().zip(&quantised.origins).enumerate();
	let nodes = nodes.map(|(index, (node, origin))| {
		let kind = match node {
			Node::Linear { .. } => "linear",
			Node::Add { .. } => "add",
			Node::Requantise { requantisation, .. } if requantisation.low < 0 => "requantise",
			Node::Requantise { .. } => "relu",
			Node::Conv { .. } => "conv",
			Node::Affine { .. } => "affine",
			Node::MaxPool { .. } => "max pool",
			Node::Gather { .. } => "gather",
			Node::Trees { .. } => "trees",
			Node::ArgMax { .. } => "argmax",
		};
		layer(index + 1, &origin.node, kind, Some(origin.exponent), origin.float_value)
	});
	std::iter::once(layer(0, "input", "input", None, 0)).chain(nodes).collect()
}

/// Adds one record to the layers' ranges and saturation.
fn observe(
	layers: &mut [Layer],
	quantised: &Quantised,
	input: &[f32],
	reals: &[Vec<f32>],
	values: &[Vec<i64>],
) {
	let network = &quantised.network;
	for (value, layer) in layers.iter_mut().enumerate() {
		let reals = reals.get(layer.float_value).map(Vec::as_slice).unwrap_or_default();
		for real in reals.iter().map(|real| f64::from(*real)) {
			let first = layer.elements == 0;
			layer.report.low = if first { real } else { layer.report.low.min(real) };
			layer.report.high = if first { real } else { layer.report.high.max(real) };
			layer.elements += 1;
		}
		let Some(node) = value.checked_sub(1) else {
			let scales = network.input.exponents.iter().zip(&network.input.zero_points);
			let outside = input.iter().zip(scales).filter(|(x, (exponent, zero_point))| {
				let steps = (f64::from(**x) * power_of_two(**exponent)).round();
				!(-128.0..=127.0).contains(&(steps - f64::from(**zero_point)))
			});
			layer.saturated += outside.count();
			continue;
		};
		if let Some(Node::Requantise { input, requantisation }) = network.nodes.get(node) {
			let operand = values.get(*input).map(Vec::as_slice).unwrap_or_default();
			let (low, high) = match requantisation.low {
				0 => (i64::MIN, requantisation.high.into()),
				low => (low.into(), requantisation.high.into()),
			};
			let outside = operand.iter().enumerate().filter(|(element, x)| {
				let shift = requantisation.shift(*element, operand.len());
				let unclamped = x.saturating_add((1i64 << shift) >> 1) >> shift;
				!(low..=high).contains(&unclamped)
			});
			layer.saturated += outside.count();
		}
	}
}

impl fmt::Display for AccuracyReport {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		writeln!(f, "records            {}", self.records)?;
		for (name, accuracy) in [("float", self.float_accuracy), ("integer", self.integer_accuracy)]
		{
			if let Some(accuracy) = accuracy {
				writeln!(f, "{:<18} {:.2} %", format!("{name} accuracy"), accuracy * 100.0)?;
			}
		}
		writeln!(f, "disagreements      {}", self.disagreements)?;
		writeln!(f, "max logit error    {:.4}", self.max_logit_error)?;
		write!(
			f,
			"{:<32} {:<10} {:>5} {:>5} {:>22} {:>10}",
			"layer", "kind", "scale", "bits", "range", "saturated"
		)?;
		for layer in &self.layers {
			let scale =
				layer.exponent.map_or("-".into(), |exponent| format!("2^{}", -i16::from(exponent)));
			let range = format!("{:.4} … {:.4}", layer.low, layer.high);
			write!(
				f,
				"\n{:<32} {:<10} {scale:>5} {:>5} {range:>22} {:>8.3} %",
				layer.node,
				layer.kind,
				layer.bits,
				layer.saturated * 100.0
			)?;
		}
		Ok(())
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{
		float::{FloatNode, FloatOp},
		quantise::quantise,
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
		let quantised = quantise(&network(), "compare", &set.records).unwrap();
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
		let quantised = quantise(&network(), "compare", &set(None).records).unwrap();
		let beyond = InputFile { records: vec![vec![100.0, 0.5]], labels: None };
		let report = compare(&network(), &quantised, &beyond).unwrap();
		assert_eq!(report.layers[0].saturated, 0.5, "one of two features");
		assert!(report.max_logit_error > 90.0);
	}

	#[test]
	fn impossible_labels_are_refused() {
		let set = set(Some(vec![0, 1, 2, 0]));
		let quantised = quantise(&network(), "compare", &set.records).unwrap();
		let refused = AccuracyError::Label { record: 2, last: 1, found: 2 };
		assert_eq!(compare(&network(), &quantised, &set), Err(refused.clone()));
		assert_eq!(integer_accuracy(&quantised.network, &set), Err(refused));
	}

	#[test]
	fn integer_accuracy_agrees_with_the_comparison() {
		let set = set(Some(vec![0, 1, 1, 1]));
		let quantised = quantise(&network(), "compare", &set.records).unwrap();
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
}
