// SPDX-License-Identifier: Apache-2.0

//! Post-training quantisation: a [`QuantisedNetwork`] from a [`FloatNetwork`] and some records like
//! those that it will see.
//!
//! Weights become symmetric int8, activations uint8 after a ReLU and int8 elsewhere, biases int32
//! at the accumulator's scale. Every scale is a power of two, so that requantisation is a shift and
//! costs the circuit nothing beyond the bits it needs anyway (Jacob et al., *Quantization and
//! Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference*, CVPR 2018, §2, with
//! the multiplier restricted to powers of two). A scale is the one of least squared error over the
//! calibration records: outliers may saturate when that serves the rest.
//!
//! The arithmetic is IEEE 754 without library functions that round differently between machines,
//! so the same file and records give the same network everywhere.

use crate::{
	float::{FloatError, FloatNetwork, FloatNode, FloatOp},
	network::{
		InputSpec, NetworkError, Node, QuantisedNetwork, Requantisation, MAX_SHIFT, MAX_WEIGHTS,
	},
};

/// Largest magnitude of the exponents that are chosen here; sums of them stay in a network's range.
const LARGEST_EXPONENT: i32 = 40;
/// Exponents tried beyond the largest one without saturation.
const SATURATING_CANDIDATES: i32 = 3;
/// How much wider than in the calibration records a feature may become without saturating.
const INPUT_HEADROOM: f64 = 1.25;

/// Why a network cannot be quantised.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuantiseError {
	/// There are no records to calibrate on.
	#[error("expected at least one calibration record, found none")]
	NoCalibration,
	/// A record does not go through the network.
	#[error("calibration record {record}: {source}")]
	Record {
		/// The record, from 0.
		record: usize,
		/// What happened.
		source: FloatError,
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
	#[error("{node}: {source}")]
	Network {
		/// The node of the original graph, or `the network`.
		node: String,
		/// What is wrong.
		source: NetworkError,
	},
}

/// Where a node of a quantised network comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
	/// Name and operator of the node in the original graph.
	pub node: String,
	/// The value of the float network that this node's value approximates.
	pub float_value: usize,
	/// The value's scale: `real = value · 2^−exponent`.
	pub exponent: i8,
}

/// A quantised network and where its nodes come from.
#[derive(Clone, Debug, PartialEq, Eq)]
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
	name: &str,
	calibration: &[Vec<f32>],
) -> Result<Quantised, QuantiseError> {
	let statistics = Statistics::collect(float, calibration)?;
	let input = statistics.input_spec(float)?;
	let mut builder = Builder {
		statistics: &statistics,
		input: &input,
		nodes: Vec::new(),
		origins: Vec::new(),
		values: vec![Scaled { value: 0, exponent: statistics.uniform_input.unwrap_or(0) }],
		narrowed: vec![None; float.nodes.len() + 1],
	};
	for node in &float.nodes {
		let scaled = builder.node(node)?;
		builder.values.push(scaled);
	}
	let output_exponent = builder.values.last().map_or(0, |value| value.exponent as i8);
	let Builder { nodes, origins, .. } = builder;
	let network = QuantisedNetwork { name: name.into(), input, nodes, output_exponent };
	network.validate().map_err(|source| {
		let node = match &source {
			NetworkError::TooWide { node, .. }
			| NetworkError::Weights { node }
			| NetworkError::Shift { node, .. } => origins.get(*node).map(|origin| origin.node.clone()),
			_ => None,
		};
		QuantiseError::Network { node: node.unwrap_or_else(|| "the network".into()), source }
	})?;
	Ok(Quantised { network, origins })
}

fn scale(exponent: i32) -> f64 {
	2f64.powi(exponent)
}

/// The largest exponent with `magnitude · 2^exponent ≤ limit`, for a magnitude above 0.
fn fitting_exponent(magnitude: f64, limit: f64) -> i32 {
	let mut exponent = LARGEST_EXPONENT;
	while exponent > -10 * LARGEST_EXPONENT && magnitude * scale(exponent) > limit {
		exponent -= 1;
	}
	exponent
}

/// Squared errors of the candidate scales for one set of numbers, from the finest that does not
/// saturate on.
#[derive(Clone, Debug)]
struct Candidates {
	first: i32,
	low: f64,
	high: f64,
	errors: [f64; SATURATING_CANDIDATES as usize + 1],
}

impl Candidates {
	/// For numbers up to a magnitude; a magnitude of 0 says nothing about the scale.
	fn new(magnitude: f64, low: f64, high: f64) -> Self {
		let first = if magnitude > 0.0 { fitting_exponent(magnitude, high) } else { 0 };
		Self { first, low, high, errors: [0.0; SATURATING_CANDIDATES as usize + 1] }
	}

	fn observe(&mut self, number: f64) {
		for (exponent, error) in (self.first..).zip(&mut self.errors) {
			let quantised = (number * scale(exponent)).round().clamp(self.low, self.high);
			let difference = number - quantised * scale(-exponent);
			*error += difference * difference;
		}
	}

	/// The exponent of least error; the coarsest of them.
	fn best(&self) -> Option<i32> {
		let mut best = (self.first, f64::INFINITY);
		for (exponent, error) in (self.first..).zip(&self.errors) {
			if *error < best.1 {
				best = (exponent, *error);
			}
		}
		let exponent = best.0.min(LARGEST_EXPONENT);
		(exponent >= -LARGEST_EXPONENT).then_some(exponent)
	}
}

/// What the calibration records show.
struct Statistics {
	/// One per value of the float network: uint8 after a ReLU, int8 otherwise.
	candidates: Vec<Candidates>,
	/// Smallest and largest of every feature.
	features: Vec<(f64, f64)>,
	/// The one exponent of the whole input, when something else than linear nodes reads it.
	uniform_input: Option<i32>,
}

impl Statistics {
	fn collect(float: &FloatNetwork, calibration: &[Vec<f32>]) -> Result<Self, QuantiseError> {
		if calibration.is_empty() {
			return Err(QuantiseError::NoCalibration);
		}
		let mut magnitudes = vec![0f64; float.nodes.len() + 1];
		let mut features = vec![(f64::INFINITY, f64::NEG_INFINITY); float.input_len];
		for_each_value(float, calibration, |value, elements| {
			let largest = elements.iter().fold(0f32, |largest, x| largest.max(x.abs()));
			magnitudes[value] = magnitudes[value].max(largest.into());
			if value == 0 {
				for (feature, x) in features.iter_mut().zip(elements) {
					*feature = (feature.0.min((*x).into()), feature.1.max((*x).into()));
				}
			}
		})?;
		let is_relu = |value: usize| {
			value > 0 && matches!(float.nodes[value - 1].op, FloatOp::Clamp { low: 0.0, .. })
		};
		let mut candidates = magnitudes
			.iter()
			.enumerate()
			.map(|(value, magnitude)| match is_relu(value) {
				true => Candidates::new(*magnitude, 0.0, 255.0),
				false => Candidates::new(*magnitude, -128.0, 127.0),
			})
			.collect::<Vec<_>>();
		for_each_value(float, calibration, |value, elements| {
			elements.iter().for_each(|x| candidates[value].observe((*x).into()));
		})?;
		let folds = |op: &FloatOp| matches!(op, FloatOp::Linear { .. } | FloatOp::Affine { .. });
		let only_linear = float
			.nodes
			.iter()
			.filter(|node| node.op.operands().any(|operand| operand == 0))
			.all(|node| folds(&node.op));
		let uniform_input = match only_linear {
			true => None,
			false => Some(candidates[0].best().ok_or_else(|| QuantiseError::Scale {
				node: "the input".into(),
				what: "values",
			})?),
		};
		Ok(Self { candidates, features, uniform_input })
	}

	fn input_spec(&self, float: &FloatNetwork) -> Result<InputSpec, QuantiseError> {
		if let Some(exponent) = self.uniform_input {
			return Ok(InputSpec::uniform(float.input_len, exponent as i8));
		}
		let mut exponents = Vec::with_capacity(self.features.len());
		for (low, high) in &self.features {
			// A feature that never varied may vary one day: leave it room of its own magnitude.
			let range =
				if high > low { (high - low) * INPUT_HEADROOM } else { 2.0 * low.abs().max(1.0) };
			let middle = low / 2.0 + high / 2.0;
			let mut exponent = fitting_exponent(range, 255.0);
			while (middle * scale(exponent)).abs() > f64::from(1 << 30) {
				exponent -= 1;
			}
			exponents.push(exponent);
		}
		coarsen(&mut exponents, &influences(float));
		let mut spec = InputSpec { exponents: Vec::new(), zero_points: Vec::new() };
		for (exponent, (low, high)) in exponents.into_iter().zip(&self.features) {
			if exponent < -LARGEST_EXPONENT {
				return Err(QuantiseError::Scale { node: "the input".into(), what: "values" });
			}
			spec.exponents.push(exponent as i8);
			spec.zero_points.push(((low / 2.0 + high / 2.0) * scale(exponent)).round() as i32);
		}
		Ok(spec)
	}
}

/// The largest weight on every feature.
fn influences(float: &FloatNetwork) -> Vec<f64> {
	let mut influences = vec![0f64; float.input_len];
	for FloatNode { op, .. } in &float.nodes {
		match op {
			FloatOp::Linear { input: 0, columns, weights, .. } => {
				for row in weights.chunks(*columns) {
					for (influence, weight) in influences.iter_mut().zip(row) {
						*influence = influence.max(f64::from(weight.abs()));
					}
				}
			},
			FloatOp::Affine { input: 0, .. } => {
				influences.iter_mut().for_each(|influence| *influence = influence.max(1.0));
			},
			_ => (),
		}
	}
	influences
}

/// Gives features a wider range while a step of them moves the first layer by less than a quarter of
/// what a step of the most influential feature does: precision that the sum cannot show is better
/// spent on values beyond the calibration records, and even columns quantise better.
fn coarsen(exponents: &mut [i32], influences: &[f64]) {
	let step = |exponent: i32, influence: f64| influence * scale(-exponent);
	let steps = exponents.iter().zip(influences).map(|(e, influence)| step(*e, *influence));
	let largest = steps.fold(0f64, f64::max);
	for (exponent, influence) in exponents.iter_mut().zip(influences) {
		while *influence > 0.0
			&& 4.0 * step(*exponent, *influence) < largest
			&& *exponent > -LARGEST_EXPONENT
		{
			*exponent -= 1;
		}
	}
}

/// Calls a function with the number and elements of every value for every record.
fn for_each_value(
	float: &FloatNetwork,
	calibration: &[Vec<f32>],
	mut observe: impl FnMut(usize, &[f32]),
) -> Result<(), QuantiseError> {
	for (record, input) in calibration.iter().enumerate() {
		let values =
			float.evaluate(input).map_err(|source| QuantiseError::Record { record, source })?;
		values.iter().enumerate().for_each(|(value, elements)| observe(value, elements));
	}
	Ok(())
}

/// A quantised value and its scale.
#[derive(Clone, Copy, Debug)]
struct Scaled {
	value: usize,
	exponent: i32,
}

struct Builder<'a> {
	statistics: &'a Statistics,
	input: &'a InputSpec,
	nodes: Vec<Node>,
	origins: Vec<Origin>,
	/// What stands for every value of the float network so far.
	values: Vec<Scaled>,
	/// The int8 copy of a value, where a linear node needs one.
	narrowed: Vec<Option<Scaled>>,
}

impl Builder<'_> {
	fn node(&mut self, FloatNode { name, op }: &FloatNode) -> Result<Scaled, QuantiseError> {
		let float_value = self.values.len();
		match op {
			FloatOp::Linear { input, columns, weights, bias, .. } => {
				self.linear(name, *input, *columns, weights, bias)
			},
			FloatOp::Affine { input, bias, .. } => {
				let width = bias.len();
				if width.saturating_mul(width) > MAX_WEIGHTS {
					let source = NetworkError::Weights { node: self.nodes.len() };
					return Err(QuantiseError::Network { node: name.clone(), source });
				}
				let mut identity = vec![0.0; width * width];
				identity.iter_mut().step_by(width + 1).for_each(|weight| *weight = 1.0);
				self.linear(name, *input, width, &identity, bias)
			},
			FloatOp::Add { left, right } => {
				let (left, right) = (self.values[*left], self.values[*right]);
				let exponent = left.exponent.max(right.exponent);
				let shift = |operand: Scaled| {
					u8::try_from(exponent - operand.exponent)
						.ok()
						.filter(|shift| *shift <= MAX_SHIFT)
						.ok_or_else(|| out_of_scale(name, "operands"))
				};
				let node = Node::Add {
					left: left.value,
					left_shift: shift(left)?,
					right: right.value,
					right_shift: shift(right)?,
				};
				Ok(self.push(name, float_value, node, exponent))
			},
			FloatOp::Clamp { input, .. } => {
				self.requantise(name, self.values[*input], float_value, true)
			},
			_ => Err(out_of_scale(name, "an operation")),
		}
	}

	fn push(&mut self, name: &str, float_value: usize, node: Node, exponent: i32) -> Scaled {
		self.nodes.push(node);
		self.origins.push(Origin { node: name.into(), float_value, exponent: exponent as i8 });
		Scaled { value: self.nodes.len(), exponent }
	}

	/// Brings a value to the 8-bit scale that suits a value of the float network.
	fn requantise(
		&mut self,
		name: &str,
		input: Scaled,
		float_value: usize,
		relu: bool,
	) -> Result<Scaled, QuantiseError> {
		let refuse = || out_of_scale(name, "activations");
		let best = self.statistics.candidates[float_value].best().ok_or_else(refuse)?;
		let exponent = best.min(input.exponent);
		let shift = u8::try_from(input.exponent - exponent).ok();
		let shift = shift.filter(|shift| *shift <= MAX_SHIFT).ok_or_else(refuse)?;
		let requantisation =
			if relu { Requantisation::relu(shift) } else { Requantisation::signed(shift) };
		let node = Node::Requantise { input: input.value, requantisation };
		Ok(self.push(name, float_value, node, exponent))
	}

	/// The int8 or uint8 form of a value of the float network.
	fn narrow(&mut self, name: &str, float_value: usize) -> Result<Scaled, QuantiseError> {
		let scaled = self.values[float_value];
		if scaled.value == 0 || matches!(self.nodes[scaled.value - 1], Node::Requantise { .. }) {
			return Ok(scaled);
		}
		if let Some(narrowed) = self.narrowed[float_value] {
			return Ok(narrowed);
		}
		let narrowed = self.requantise(name, scaled, float_value, false)?;
		self.narrowed[float_value] = Some(narrowed);
		Ok(narrowed)
	}

	fn linear(
		&mut self,
		name: &str,
		input: usize,
		columns: usize,
		weights: &[f32],
		bias: &[f32],
	) -> Result<Scaled, QuantiseError> {
		let operand = self.narrow(name, input)?;
		let mut real_weights = weights.iter().map(|w| f64::from(*w)).collect::<Vec<_>>();
		let mut real_bias = bias.iter().map(|b| f64::from(*b)).collect::<Vec<_>>();
		if input == 0 && self.statistics.uniform_input.is_none() {
			// x = (q + zero point) · 2^−e: the scale goes into the column, the zero point into the bias.
			for (row, bias) in real_weights.chunks_mut(columns).zip(&mut real_bias) {
				let scales = self.input.exponents.iter().zip(&self.input.zero_points);
				for (weight, (exponent, zero_point)) in row.iter_mut().zip(scales) {
					*weight *= scale(-i32::from(*exponent));
					*bias += *weight * f64::from(*zero_point);
				}
			}
		}
		let mut exponent =
			weight_exponent(&real_weights).ok_or_else(|| out_of_scale(name, "weights"))?;
		let fits = |exponent: i32| {
			let largest = real_bias.iter().fold(0f64, |largest, bias| largest.max(bias.abs()));
			(largest * scale(exponent + operand.exponent)).round() <= f64::from(i32::MAX)
		};
		while !fits(exponent) {
			exponent -= 1;
			if exponent < -LARGEST_EXPONENT {
				return Err(out_of_scale(name, "biases"));
			}
		}
		let accumulator = exponent + operand.exponent;
		let node = Node::Linear {
			input: operand.value,
			rows: bias.len(),
			columns,
			weights: real_weights.iter().map(|weight| quantise_weight(*weight, exponent)).collect(),
			bias: real_bias.iter().map(|bias| (bias * scale(accumulator)).round() as i32).collect(),
		};
		Ok(self.push(name, self.values.len(), node, accumulator))
	}
}

fn quantise_weight(weight: f64, exponent: i32) -> i8 {
	(weight * scale(exponent)).round().clamp(-127.0, 127.0) as i8
}

/// The exponent of least squared error for a layer's weights.
fn weight_exponent(weights: &[f64]) -> Option<i32> {
	let largest = weights.iter().fold(0f64, |largest, weight| largest.max(weight.abs()));
	let mut candidates = Candidates::new(largest, -127.0, 127.0);
	weights.iter().for_each(|weight| candidates.observe(*weight));
	candidates.best()
}

fn out_of_scale(node: &str, what: &'static str) -> QuantiseError {
	QuantiseError::Scale { node: node.into(), what }
}

#[cfg(test)]
mod tests;
