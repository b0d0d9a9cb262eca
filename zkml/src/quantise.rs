// SPDX-License-Identifier: Apache-2.0

//! Post-training quantisation: a [`QuantisedNetwork`] from a [`FloatNetwork`] and some records like
//! those that it will see.
//!
//! Weights become symmetric int8, activations eight bits between two integers that hold 0, biases
//! int32 at the accumulator's scale. Every scale is a power of two, so that requantisation is a shift
//! and costs the circuit nothing beyond the bits it needs anyway (Jacob et al., *Quantization and
//! Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference*, CVPR 2018, §2, with
//! the multiplier restricted to powers of two). A scale is the one of least squared error over the
//! calibration records: outliers may saturate when that serves the rest.
//!
//! Scales belong to a whole value, or to its channels or elements, as far as all readers can tell
//! them apart: requantisation shifts every group by bits of its own; weights take up the scale of
//! what they are multiplied with. Sums of pooling windows are multiplied without requantisation where
//! that is cheaper, and an average leaves its divisor to the weights behind it.
//!
//! The arithmetic is IEEE 754 without library functions that round differently between machines,
//! and sums have a fixed order, so the same file and records give the same network everywhere.

use crate::{
	float::{FloatError, FloatNetwork},
	network::{NetworkError, QuantisedNetwork, MAX_NODES},
	progress::{Cancelled, Counter, Monitor, Step},
};
use builder::Builder;
use scale::LARGEST_EXPONENT;
use serde::{Deserialize, Serialize};
use statistics::Statistics;
use std::ops::Range;

mod builder;
mod demands;
mod features;
mod grid;
mod operations;
mod scale;
mod statistics;
mod trees;
mod weights;

pub use grid::{Grid, Scale};

/// What an inference reveals to whoever may read its output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reveal {
	/// All numbers of the last layer.
	#[default]
	Logits,
	/// Only which class is the largest: less to invert the model with.
	Label,
}

/// How to quantise a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuantiseOptions {
	/// Name of the quantised network, for people.
	pub name: String,
	/// What an inference reveals.
	pub reveal: Reveal,
}

impl QuantiseOptions {
	/// A name, and logits revealed.
	pub fn named(name: impl Into<String>) -> Self {
		Self { name: name.into(), reveal: Reveal::Logits }
	}
}

/// Why a network cannot be quantised.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuantiseError {
	/// There are no records to calibrate on.
	#[error("expected at least one calibration record, found none")]
	NoCalibration,
	/// The network does not fit together.
	#[error(transparent)]
	Float(#[from] FloatError),
	/// A record does not go through the network.
	#[error("calibration record {record}: {reason}")]
	Record {
		/// The record, from 0.
		record: usize,
		/// What happened.
		reason: FloatError,
	},
	/// Numbers are too large or too far apart for the available scales.
	#[error("node {node}: expected {what} that a scale of 2^-{LARGEST_EXPONENT} to 2^{LARGEST_EXPONENT} can hold, found magnitudes that need another; normalise the network")]
	Scale {
		/// The node.
		node: String,
		/// Which numbers.
		what: &'static str,
	},
	/// The quantised network is not valid.
	#[error("{node}: {reason}")]
	Network {
		/// The node of the original graph, or `the network`.
		node: String,
		/// What is wrong.
		reason: NetworkError,
	},
	/// Whoever started the quantisation stopped it.
	#[error(transparent)]
	Cancelled(#[from] Cancelled),
}

/// Where a node of a quantised network comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Origin {
	/// Name and operator of the node in the original graph.
	pub node: String,
	/// The value of the float network that this node's value approximates; `None` for helpers that
	/// have no counterpart: constants, padding, a label.
	pub float_value: Option<usize>,
	/// What the value's integers stand for.
	pub grid: Grid,
}

/// A quantised network and where its nodes come from.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantised {
	/// The network.
	pub network: QuantisedNetwork,
	/// One per node.
	pub origins: Vec<Origin>,
}

/// Quantises a network, with scales calibrated on records in the units that users will supply.
///
/// # Errors
/// When a record does not fit, or the numbers do not fit into the integers; see [`QuantiseError`].
pub fn quantise(
	float: &FloatNetwork,
	options: &QuantiseOptions,
	calibration: &[Vec<f32>],
) -> Result<Quantised, QuantiseError> {
	quantise_monitored(float, options, calibration, Monitor::none(), 0.0..1.0)
}

/// [`quantise`], watched; `share` is what of the whole it is.
pub(crate) fn quantise_monitored(
	float: &FloatNetwork,
	options: &QuantiseOptions,
	calibration: &[Vec<f32>],
	monitor: Monitor,
	share: Range<f64>,
) -> Result<Quantised, QuantiseError> {
	let widths = float.widths()?;
	if float.nodes.len() > MAX_NODES {
		let reason = NetworkError::Nodes { found: float.nodes.len() };
		return Err(QuantiseError::Network { node: "the network".into(), reason });
	}
	let counter = Counter::new(monitor, Step::Calibration, share, calibration.len());
	let statistics = Statistics::collect(float, &widths, calibration, &counter)?;
	let demands = demands::demands(float, &widths, options.reveal);
	let input = features::specification(float, &statistics, &demands[0], calibration)?;
	let grid = features::grid(&input);
	let mut builder = Builder::new(&statistics, &demands, grid, float.input_len);
	for node in &float.nodes {
		builder.node(node)?;
	}
	let output = float.nodes.last().map_or("the input", |node| node.name.as_str());
	let label = options.reveal == Reveal::Label;
	let (nodes, origins, exponent) = builder.finish(output, label)?;
	let output_exponent = i8::try_from(exponent)
		.map_err(|_| QuantiseError::Scale { node: output.into(), what: "outputs" })?;
	let network = QuantisedNetwork { name: options.name.clone(), input, nodes, output_exponent };
	builder::check(&network, &origins)?;
	Ok(Quantised { network, origins })
}

#[cfg(test)]
mod tests;
