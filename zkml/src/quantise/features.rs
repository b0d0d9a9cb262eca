// SPDX-License-Identifier: Apache-2.0

//! Scales and zero points of the input: one for all of it, or one per feature where the nodes that
//! read it can have that.

use super::{
	demands::{Demand, Variety},
	grid::Scale,
	scale::{fitting_exponent, scale, Ends, LARGEST_EXPONENT},
	statistics::Statistics,
	Grid, QuantiseError,
};
use crate::{
	float::{FloatNetwork, FloatOp, Pick},
	forest::TreeNode,
	network::InputSpec,
};

/// How much wider than in the calibration records a feature may become without saturating.
const INPUT_HEADROOM: f64 = 1.25;
/// Largest magnitude of a zero point.
const LARGEST_ZERO_POINT: f64 = (1 << 30) as f64;
/// Most bits by which a feature is made coarser than its range asks.
const LARGEST_COARSENING: i32 = 8;
/// Most bits by which a feature of decision trees is made finer than its range asks.
const LARGEST_ZOOM: i32 = 16;

/// The specification of the input.
pub(super) fn specification(
	float: &FloatNetwork,
	statistics: &Statistics,
	demand: &Demand,
	calibration: &[Vec<f32>],
) -> Result<InputSpec, QuantiseError> {
	match demand.variety {
		Variety::Elements if demand.zero_points => per_feature(float, statistics, calibration),
		_ => uniform(float, statistics, demand.zero_points),
	}
}

/// The grid of the input's integers.
pub(super) fn grid(spec: &InputSpec) -> Grid {
	let scales = spec.exponents.iter().zip(&spec.zero_points);
	let scales = scales.map(|(exponent, zero_point)| Scale {
		exponent: (*exponent).into(),
		zero_point: (*zero_point).into(),
	});
	Grid::of_elements(scales.collect(), 1.0)
}

fn too_far() -> QuantiseError {
	QuantiseError::Scale { node: "the input".into(), what: "values" }
}

/// One scale; a zero point, where there may be one, lets numbers that lie on one side of 0 use all
/// of the eight bits.
fn uniform(
	float: &FloatNetwork,
	statistics: &Statistics,
	zero_point: bool,
) -> Result<InputSpec, QuantiseError> {
	let ends = if zero_point { Ends::NONE } else { Ends::Integers(-128, 127) };
	let range = ends.range(&statistics.values[0], 1.0, LARGEST_EXPONENT).ok_or_else(too_far)?;
	Ok(InputSpec {
		exponents: vec![range.exponent as i8; float.input_len],
		zero_points: vec![i32::from(range.low) + 128; float.input_len],
	})
}

fn per_feature(
	float: &FloatNetwork,
	statistics: &Statistics,
	calibration: &[Vec<f32>],
) -> Result<InputSpec, QuantiseError> {
	let readers = FeatureReaders::of(float);
	let mut exponents = Vec::with_capacity(float.input_len);
	for (low, high) in &statistics.features {
		// A feature that never varied may vary one day: leave it room of its own magnitude.
		let range =
			if high > low { (high - low) * INPUT_HEADROOM } else { 2.0 * low.abs().max(1.0) };
		let middle = low / 2.0 + high / 2.0;
		let mut exponent = fitting_exponent(range, 255.0);
		while (middle * scale(exponent)).abs() > LARGEST_ZERO_POINT {
			exponent -= 1;
		}
		exponents.push(exponent);
	}
	coarsen(&mut exponents, &readers.influences);
	let mut spec = InputSpec { exponents: Vec::new(), zero_points: Vec::new() };
	for (feature, exponent) in exponents.into_iter().enumerate() {
		let (low, high) = statistics.features[feature];
		let middle = ((low / 2.0 + high / 2.0) * scale(exponent)).round();
		let mut chosen = (exponent, middle as i32);
		if readers.influences[feature] == 0.0 {
			let numbers = || calibration.iter().map(|record| f64::from(record[feature]));
			chosen = separate(&readers.thresholds[feature], numbers, chosen);
		}
		if chosen.0 < -LARGEST_EXPONENT {
			return Err(too_far());
		}
		spec.exponents.push(chosen.0 as i8);
		spec.zero_points.push(chosen.1);
	}
	Ok(spec)
}

/// Who reads the features of the input, directly or through choices of elements.
struct FeatureReaders {
	/// The largest weight on every feature; 0 for one that only decision trees read.
	influences: Vec<f64>,
	/// With what decision trees compare every feature, ascending.
	thresholds: Vec<Vec<f64>>,
}

impl FeatureReaders {
	fn of(float: &FloatNetwork) -> Self {
		let mut readers = Self {
			influences: vec![0.0; float.input_len],
			thresholds: vec![Vec::new(); float.input_len],
		};
		// The feature that every element of every value is a copy of; empty for other values.
		let mut features: Vec<Vec<Option<usize>>> = vec![(0..float.input_len).map(Some).collect()];
		for step in &float.nodes {
			let mut copies = Vec::new();
			match &step.op {
				FloatOp::Linear { input, columns, weights, .. } => {
					for row in weights.chunks((*columns).max(1)) {
						readers.weigh(&features[*input], row);
					}
				},
				FloatOp::Affine { input, scale, .. } => readers.weigh(&features[*input], scale),
				FloatOp::Trees { input, forest } => {
					for node in forest.trees.iter().flat_map(|tree| &tree.nodes) {
						let TreeNode::Split { feature, threshold, .. } = node else { continue };
						if let Some(Some(feature)) = features[*input].get(*feature) {
							readers.thresholds[*feature].push((*threshold).into());
						}
					}
				},
				FloatOp::Gather { inputs, picks } => {
					let feature = |pick: &Pick<f32>| match pick {
						Pick::Constant(_) => None,
						Pick::Element { operand, element } => {
							features[inputs[*operand]].get(*element).copied().flatten()
						},
					};
					copies = picks.iter().map(feature).collect();
				},
				_ => (),
			}
			features.push(copies);
		}
		for thresholds in &mut readers.thresholds {
			thresholds.sort_by(f64::total_cmp);
			thresholds.dedup();
		}
		readers
	}

	fn weigh(&mut self, features: &[Option<usize>], weights: &[f32]) {
		for (feature, weight) in features.iter().zip(weights) {
			if let Some(feature) = feature {
				let influence = &mut self.influences[*feature];
				*influence = influence.max(f64::from(weight.abs()));
			}
		}
	}
}

/// Gives features a wider range while a step of them moves the first layer by less than a quarter of
/// what a step of the most influential feature does: precision that the sum cannot show is better
/// spent on values beyond the calibration records, and even columns quantise better.
fn coarsen(exponents: &mut [i32], influences: &[f64]) {
	let step = |exponent: i32, influence: f64| influence * scale(-exponent);
	let steps = exponents.iter().zip(influences).map(|(e, influence)| step(*e, *influence));
	let largest = steps.fold(0f64, f64::max);
	for (exponent, influence) in exponents.iter_mut().zip(influences) {
		let coarsest = (*exponent - LARGEST_COARSENING).max(-LARGEST_EXPONENT);
		while *influence > 0.0
			&& 4.0 * step(*exponent, *influence) < largest
			&& *exponent > coarsest
		{
			*exponent -= 1;
		}
	}
}

/// Exponent and zero point for a feature that is only compared with thresholds: those that send the
/// fewest of the numbers seen to another side of a threshold. Beyond the first and the last threshold
/// numbers may saturate, which changes no comparison. The first candidate holds all numbers seen;
/// the others are finer, and hold all thresholds.
fn separate<I: Iterator<Item = f64>>(
	thresholds: &[f64],
	numbers: impl Fn() -> I,
	first: (i32, i32),
) -> (i32, i32) {
	let (Some(lowest), Some(highest)) = (thresholds.first(), thresholds.last()) else {
		return first;
	};
	let finer = (first.0 + 1..=(first.0 + LARGEST_ZOOM).min(LARGEST_EXPONENT)).map_while(|e| {
		let (low, high) = ((lowest * scale(e)).floor(), (highest * scale(e)).floor());
		// An integer up to each threshold, and one above: −128 … 126.
		let middle = ((low + high) / 2.0).floor() + 1.0;
		let holds = high - low <= 254.0 && middle.abs() < LARGEST_ZERO_POINT;
		holds.then_some((e, middle as i32))
	});
	let mut best = first;
	let mut least = misled(thresholds, numbers(), first);
	for candidate in finer {
		let errors = misled(thresholds, numbers(), candidate);
		if errors < least {
			(best, least) = (candidate, errors);
		}
	}
	best
}

/// On how many comparisons the integers of a scale decide otherwise than the real numbers.
fn misled(
	thresholds: &[f64],
	numbers: impl Iterator<Item = f64>,
	(exponent, zero_point): (i32, i32),
) -> usize {
	let steps = scale(exponent);
	let zero_point = f64::from(zero_point);
	let compare = |number: f64| {
		let integer = ((number * steps).round() - zero_point).clamp(-128.0, 127.0) + zero_point;
		let below = thresholds.partition_point(|threshold| *threshold < number);
		let quantised = thresholds.partition_point(|t| (t * steps).floor() < integer);
		below.abs_diff(quantised)
	};
	numbers.map(compare).sum()
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn thresholds_that_eight_bits_separate_cost_no_saturation() {
		let numbers = [4.3, 5.0, 6.1, 7.9];
		let first = (5, 195);
		assert_eq!(separate(&[4.95, 5.75], || numbers.into_iter(), first), first);
	}

	#[test]
	fn thresholds_close_to_each_other_are_magnified() {
		let thresholds = [10.001, 10.002, 10.003];
		let numbers = [0.0, 10.0005, 10.0015, 10.0025, 10.0035, 200.0];
		let (exponent, zero_point) = separate(&thresholds, || numbers.into_iter(), (0, 100));
		assert!(exponent >= 10, "{exponent}");
		assert_eq!(misled(&thresholds, numbers.into_iter(), (exponent, zero_point)), 0);
		let integers = thresholds.map(|t| (t * scale(exponent)).floor() - f64::from(zero_point));
		assert!(integers.iter().all(|t| (-128.0..127.0).contains(t)), "{integers:?}");
	}
}
