// SPDX-License-Identifier: Apache-2.0

//! What quantisation costs: a network of real numbers and its quantised form, compared on records.

use crate::{
	float::{FloatError, FloatNetwork},
	input::InputFile,
	network::{class_of, NetworkError, Node, QuantisedNetwork, Trace},
	progress::{Cancelled, Counter, Monitor, Step},
	quantise::{Grid, Quantised},
};
use layers::Layer;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::{fmt, ops::Range};

mod layers;
mod picture;

pub use picture::picture;

/// Parts into which the records are divided, whatever the machine: they are compared in parallel, and
/// added up in order.
const PARTS: usize = 16;
/// Most disagreements that a report lists.
const WORST: usize = 10;

/// Why two networks cannot be compared on some records.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccuracyError {
	/// A record does not go through the network of real numbers.
	#[error("record {record}: {reason}")]
	Float {
		/// The record, from 0.
		record: usize,
		/// What happened.
		reason: FloatError,
	},
	/// A record does not go through the quantised network.
	#[error("record {record}: {reason}")]
	Network {
		/// The record, from 0.
		record: usize,
		/// What happened.
		reason: NetworkError,
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
	/// Whoever started the comparison stopped it.
	#[error(transparent)]
	Cancelled(#[from] Cancelled),
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
	/// Records on which the two name different classes; 0 for a network without classes.
	pub disagreements: usize,
	/// Largest difference between two logits.
	pub max_logit_error: f64,
	/// Mean magnitude of the differences between logits.
	pub mean_absolute_error: f64,
	/// The disagreements on which the float network is surest, at most ten.
	pub worst: Vec<Disagreement>,
	/// The input, then one entry per node of the quantised network.
	pub layers: Vec<LayerReport>,
}

/// A record on which the two networks name different classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Disagreement {
	/// The record, from 0.
	pub record: usize,
	/// Its class, when that is known.
	pub label: Option<usize>,
	/// What the network of real numbers says.
	pub float_class: usize,
	/// What the quantised network says.
	pub integer_class: usize,
	/// By how much the float network's logit of its class exceeds that of the other one; the
	/// magnitude of a single logit.
	pub float_margin: f64,
	/// Likewise for the quantised network.
	pub integer_margin: f64,
}

/// One value of the quantised network over all records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerReport {
	/// Name of the original node.
	pub node: String,
	/// What the node does: `input`, `linear`, `relu`, …
	pub kind: String,
	/// Exponent of the finest scale: `real = integer · factor · 2^−exponent`, and a zero point for the
	/// input.
	pub finest: i32,
	/// Exponent of the coarsest scale: another one where channels or features have scales of their own.
	pub coarsest: i32,
	/// What all scales are multiplied with: 1 but behind some averages.
	pub factor: f64,
	/// Smallest real number seen in the float network.
	pub low: f64,
	/// Largest real number seen in the float network.
	pub high: f64,
	/// Smallest real number that the integers can stand for, by their static bounds.
	pub lowest: f64,
	/// Largest real number that the integers can stand for, by their static bounds.
	pub highest: f64,
	/// Bits of the value by its static bounds.
	pub bits: u32,
	/// Share of elements that saturated: numbers of the float network beyond the clamp.
	pub saturated: f64,
	/// Root of the mean squared difference between the float network's numbers and what the integers
	/// stand for; absent for nodes that have no counterpart.
	pub rms_error: Option<f64>,
}

/// Compares a network with its quantised form. Where that one reveals a label, its logits are compared.
///
/// # Errors
/// When a record or label does not fit the network.
pub fn compare(
	float: &FloatNetwork,
	quantised: &Quantised,
	set: &InputFile,
) -> Result<AccuracyReport, AccuracyError> {
	compare_monitored(float, quantised, set, Monitor::none(), 0.0..1.0)
}

/// [`compare`], watched; `share` is what of the whole it is.
pub(crate) fn compare_monitored(
	float: &FloatNetwork,
	quantised: &Quantised,
	set: &InputFile,
	monitor: Monitor,
	share: Range<f64>,
) -> Result<AccuracyReport, AccuracyError> {
	let network = &quantised.network;
	let logits = Logits::of(quantised);
	// One number without classes is a quantity, not a decision.
	let classifies = network.reveals_label()
		|| !(float.classes.is_empty() && set.labels.is_none())
		|| network.widths()?.get(logits.value).is_some_and(|width| *width > 1);
	let layers = layers::layers(quantised)?;
	let counter = Counter::new(monitor, Step::Comparison, share, set.records.len());
	let size = set.records.len().div_ceil(PARTS).max(1);
	let parts = set.records.par_chunks(size).enumerate().map(|(part, records)| {
		let mut sums = Sums::new(layers.clone());
		for (place, input) in records.iter().enumerate() {
			counter.next()?;
			let record = part * size + place;
			let reals =
				float.evaluate(input).map_err(|reason| AccuracyError::Float { record, reason })?;
			let trace = infer(network, record, input)?;
			let compared = logits.compare(record, &reals, &trace, set, classifies)?;
			sums.add(compared);
			layers::observe(&mut sums.layers, &reals, &trace);
		}
		Ok(sums)
	});
	let mut sums = Sums::new(layers.clone());
	for part in parts.collect::<Vec<Result<Sums, AccuracyError>>>() {
		sums.merge(part?);
	}
	Ok(sums.report(set))
}

/// Share of labelled records that a quantised network classifies right; `None` without labels.
///
/// # Errors
/// When a record or label does not fit the network.
pub fn integer_accuracy(
	network: &QuantisedNetwork,
	set: &InputFile,
) -> Result<Option<f64>, AccuracyError> {
	let widths = network.widths()?;
	let logits = match network.nodes.last() {
		Some(Node::ArgMax { input }) => *input,
		_ => network.nodes.len(),
	};
	let outputs = widths.get(logits).copied().unwrap_or(0);
	let right = set.records.par_iter().enumerate().map(|(record, input)| {
		let trace = infer(network, record, input)?;
		let label = label(set, record, outputs)?;
		Ok(label.is_some_and(|label| network.class(trace.output()) == label))
	});
	let mut count = 0;
	for right in right.collect::<Vec<Result<bool, AccuracyError>>>() {
		count += usize::from(right?);
	}
	Ok(set.labels.is_some().then(|| share(count, set.records.len())))
}

fn infer(network: &QuantisedNetwork, record: usize, input: &[f32]) -> Result<Trace, AccuracyError> {
	network
		.quantise_input(input)
		.and_then(|input| network.infer(&input))
		.map_err(|reason| AccuracyError::Network { record, reason })
}

/// Where the logits of a quantised network are, whether it reveals them or not.
struct Logits {
	value: usize,
	grid: Grid,
}

/// What one record shows.
struct Compared {
	float_right: bool,
	integer_right: bool,
	disagreement: Option<Disagreement>,
	/// Differences between logits.
	errors: Vec<f64>,
}

impl Logits {
	fn of(quantised: &Quantised) -> Self {
		let network = &quantised.network;
		let value = match network.nodes.last() {
			Some(Node::ArgMax { input }) => *input,
			_ => network.nodes.len(),
		};
		let origin = value.checked_sub(1).and_then(|node| quantised.origins.get(node));
		let output = || Grid::uniform(network.output_exponent.into());
		Self { value, grid: origin.map_or_else(output, |origin| origin.grid.clone()) }
	}

	fn compare(
		&self,
		record: usize,
		reals: &[Vec<f32>],
		trace: &Trace,
		set: &InputFile,
		classifies: bool,
	) -> Result<Compared, AccuracyError> {
		let real = reals.last().map(Vec::as_slice).unwrap_or_default();
		let integers = trace.values.get(self.value).map(Vec::as_slice).unwrap_or_default();
		let dequantised = integers.iter().enumerate();
		let dequantised = dequantised
			.map(|(element, integer)| self.grid.real(element, integers.len(), *integer))
			.collect::<Vec<_>>();
		let real = real.iter().map(|real| f64::from(*real)).collect::<Vec<_>>();
		let (float_class, integer_class) = (class_of(&real), class_of(integers));
		let label = label(set, record, real.len())?;
		let disagreement = (classifies && float_class != integer_class).then(|| Disagreement {
			record,
			label,
			float_class,
			integer_class,
			float_margin: significant(margin(&real, float_class, integer_class)),
			integer_margin: significant(margin(&dequantised, integer_class, float_class)),
		});
		Ok(Compared {
			float_right: label == Some(float_class),
			integer_right: label == Some(integer_class),
			disagreement,
			errors: real.iter().zip(&dequantised).map(|(real, x)| (real - x).abs()).collect(),
		})
	}
}

/// By how much the logit of a class exceeds that of another one.
fn margin(logits: &[f64], class: usize, other: usize) -> f64 {
	match logits {
		[logit] => logit.abs(),
		_ => match (logits.get(class), logits.get(other)) {
			(Some(class), Some(other)) => class - other,
			_ => 0.0,
		},
	}
}

/// A report in the making.
struct Sums {
	float_right: usize,
	integer_right: usize,
	disagreements: Vec<Disagreement>,
	max_error: f64,
	sum_of_errors: f64,
	errors: usize,
	layers: Vec<Layer>,
}

impl Sums {
	fn new(layers: Vec<Layer>) -> Self {
		Self {
			float_right: 0,
			integer_right: 0,
			disagreements: Vec::new(),
			max_error: 0.0,
			sum_of_errors: 0.0,
			errors: 0,
			layers,
		}
	}

	fn add(&mut self, compared: Compared) {
		self.float_right += usize::from(compared.float_right);
		self.integer_right += usize::from(compared.integer_right);
		self.disagreements.extend(compared.disagreement);
		self.max_error = compared.errors.iter().copied().fold(self.max_error, f64::max);
		self.sum_of_errors += compared.errors.iter().sum::<f64>();
		self.errors += compared.errors.len();
	}

	fn merge(&mut self, other: Self) {
		self.float_right += other.float_right;
		self.integer_right += other.integer_right;
		self.disagreements.extend(other.disagreements);
		self.max_error = self.max_error.max(other.max_error);
		self.sum_of_errors += other.sum_of_errors;
		self.errors += other.errors;
		for (own, other) in self.layers.iter_mut().zip(other.layers) {
			own.merge(other);
		}
	}

	fn report(self, set: &InputFile) -> AccuracyReport {
		let records = set.records.len();
		let accuracy = |right| set.labels.is_some().then(|| share(right, records));
		let disagreements = self.disagreements.len();
		let mut worst = self.disagreements;
		worst.sort_by(|a, b| b.float_margin.total_cmp(&a.float_margin));
		worst.truncate(WORST);
		AccuracyReport {
			records,
			float_accuracy: accuracy(self.float_right),
			integer_accuracy: accuracy(self.integer_right),
			disagreements,
			max_logit_error: significant(self.max_error),
			mean_absolute_error: significant(self.sum_of_errors / self.errors.max(1) as f64),
			worst,
			layers: self.layers.into_iter().map(Layer::finish).collect(),
		}
	}
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

impl LayerReport {
	/// The scale, or the finest and the coarsest.
	fn scale(&self) -> String {
		let factor = match self.factor == 1.0 {
			true => String::new(),
			false => format!("{:.3}·", self.factor),
		};
		match self.finest == self.coarsest {
			true => format!("{factor}2^{}", -self.finest),
			false => format!("{factor}2^{}…{}", -self.finest, -self.coarsest),
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
		writeln!(f, "mean logit error   {:.4}", self.mean_absolute_error)?;
		write!(
			f,
			"{:<32} {:<10} {:>12} {:>5} {:>22} {:>10} {:>10}",
			"layer", "kind", "scale", "bits", "range", "saturated", "rms error"
		)?;
		for layer in &self.layers {
			let range = format!("{:.4} … {:.4}", layer.low, layer.high);
			let error = layer.rms_error.map_or("-".into(), |error| format!("{error:.2e}"));
			write!(
				f,
				"\n{:<32} {:<10} {:>12} {:>5} {range:>22} {:>8.3} % {error:>10}",
				layer.node,
				layer.kind,
				layer.scale(),
				layer.bits,
				layer.saturated * 100.0
			)?;
		}
		for worst in &self.worst {
			let label = worst.label.map_or("-".into(), |label| label.to_string());
			write!(
				f,
				"\nrecord {}: label {label}, float {} (by {:.4}), integer {} (by {:.4})",
				worst.record,
				worst.float_class,
				worst.float_margin,
				worst.integer_class,
				worst.integer_margin
			)?;
		}
		Ok(())
	}
}

#[cfg(test)]
mod tests;
