// SPDX-License-Identifier: Apache-2.0

//! What the records show of every value of a quantised network.

use super::{share, significant, LayerReport};
use crate::{
	network::{Interval, NetworkError, Node, Requantisation, Trace},
	quantise::{Grid, Quantised, Scale},
};

/// A layer's report in the making.
#[derive(Clone, Debug)]
pub(super) struct Layer {
	report: LayerReport,
	float_value: Option<usize>,
	grid: Grid,
	/// The integers that a clamp leaves.
	clamp: Option<(f64, f64)>,
	elements: usize,
	saturated: usize,
	squared_error: f64,
}

impl Layer {
	/// Adds another part of the records.
	pub(super) fn merge(&mut self, other: Self) {
		self.report.low = self.report.low.min(other.report.low);
		self.report.high = self.report.high.max(other.report.high);
		self.elements += other.elements;
		self.saturated += other.saturated;
		self.squared_error += other.squared_error;
	}

	/// The report.
	pub(super) fn finish(mut self) -> LayerReport {
		if self.elements == 0 {
			(self.report.low, self.report.high) = (0.0, 0.0);
		}
		let report = &mut self.report;
		for number in [&mut report.low, &mut report.high, &mut report.lowest, &mut report.highest] {
			*number = significant(*number);
		}
		report.factor = significant(report.factor);
		report.saturated = share(self.saturated, self.elements);
		let mean = self.squared_error / self.elements.max(1) as f64;
		report.rms_error = self.float_value.map(|_| significant(mean.sqrt()));
		self.report
	}

	fn observe(&mut self, reals: &[Vec<f32>], integers: &[i64]) {
		let width = integers.len();
		let reals = self.float_value.and_then(|value| reals.get(value));
		for (element, integer) in integers.iter().enumerate() {
			let dequantised = self.grid.real(element, width, *integer);
			let real = reals.and_then(|reals| reals.get(element)).map(|real| f64::from(*real));
			let real = real.unwrap_or(dequantised);
			self.report.low = self.report.low.min(real);
			self.report.high = self.report.high.max(real);
			self.squared_error += (real - dequantised) * (real - dequantised);
			if let Some((low, high)) = self.clamp {
				let scale = self.grid.scale(element, width);
				let steps = (real / self.grid.step(scale)).round() - scale.zero_point as f64;
				self.saturated += usize::from(steps < low || steps > high);
			}
		}
		self.elements += width;
	}
}

/// Layers of which nothing was seen yet: the input, then one per node.
pub(super) fn layers(quantised: &Quantised) -> Result<Vec<Layer>, NetworkError> {
	let network = &quantised.network;
	let bounds = network.bounds()?;
	let layer = |value: usize, node: &str, kind: &str, grid: Grid, float_value, clamp| {
		let bounds: &[Interval] = bounds.get(value).map(Vec::as_slice).unwrap_or_default();
		let real = |(element, integer)| grid.real(element, bounds.len(), integer);
		let ends = |end: fn(&Interval) -> i64| bounds.iter().map(end).enumerate().map(real);
		let exponents = || grid.scales.iter().map(|scale| scale.exponent);
		let report = LayerReport {
			node: node.into(),
			kind: kind.into(),
			finest: exponents().max().unwrap_or(0),
			coarsest: exponents().min().unwrap_or(0),
			factor: grid.factor,
			low: f64::INFINITY,
			high: f64::NEG_INFINITY,
			lowest: ends(|bound| bound.low).fold(f64::INFINITY, f64::min),
			highest: ends(|bound| bound.high).fold(f64::NEG_INFINITY, f64::max),
			bits: bounds.iter().map(Interval::bits).max().unwrap_or(0),
			saturated: 0.0,
			rms_error: None,
		};
		let (elements, saturated, squared_error) = (0, 0, 0.0);
		Layer { report, float_value, grid, clamp, elements, saturated, squared_error }
	};
	let scales = network.input.exponents.iter().zip(&network.input.zero_points);
	let scales = scales.map(|(exponent, zero_point)| Scale {
		exponent: (*exponent).into(),
		zero_point: (*zero_point).into(),
	});
	let input = Grid { scales: scales.collect(), factor: 1.0 };
	let mut layers = vec![layer(0, "input", "input", input, Some(0), Some((-128.0, 127.0)))];
	let nodes = network.nodes.iter().zip(&quantised.origins).enumerate();
	layers.extend(nodes.map(|(index, (node, origin))| {
		let clamp = match node {
			Node::Requantise { requantisation, .. } => {
				Some((requantisation.low.into(), requantisation.high.into()))
			},
			_ => None,
		};
		let grid = origin.grid.clone();
		layer(index + 1, &origin.node, kind(node), grid, origin.float_value, clamp)
	}));
	Ok(layers)
}

fn kind(node: &Node) -> &'static str {
	match node {
		Node::Linear { .. } => "linear",
		Node::Add { .. } => "add",
		Node::Requantise { requantisation, .. } => match requantisation {
			Requantisation { leak: 1.., .. } => "leaky relu",
			Requantisation { low: 0, high: 1, .. } => "step",
			Requantisation { low: 0, .. } => "relu",
			_ => "requantise",
		},
		Node::Conv { .. } => "conv",
		Node::Affine { .. } => "affine",
		Node::MaxPool { .. } => "max pool",
		Node::Gather { .. } => "gather",
		Node::Trees { .. } => "trees",
		Node::ArgMax { .. } => "argmax",
	}
}

/// Adds one record.
pub(super) fn observe(layers: &mut [Layer], reals: &[Vec<f32>], trace: &Trace) {
	for (layer, integers) in layers.iter_mut().zip(&trace.values) {
		layer.observe(reals, integers);
	}
}
