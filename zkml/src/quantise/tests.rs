// SPDX-License-Identifier: Apache-2.0

use super::*;
use crate::{
	float::{FloatNode, FloatOp},
	network::{InputSpec, Node, MAX_NAME},
};
use proptest::prelude::*;
use rand::{rngs::StdRng, Rng, SeedableRng};

mod random;
mod rules;

fn node(name: &str, op: FloatOp) -> FloatNode {
	FloatNode { name: name.into(), op }
}

fn linear(input: usize, weights: Vec<f32>, bias: Vec<f32>) -> FloatNode {
	let (rows, columns) = (bias.len(), weights.len() / bias.len());
	node("linear", FloatOp::Linear { input, rows, columns, weights, bias })
}

fn relu(input: usize) -> FloatNode {
	node("relu", FloatOp::relu(input))
}

fn network(input_len: usize, nodes: Vec<FloatNode>) -> FloatNetwork {
	FloatNetwork { input_len, nodes, ending: None, classes: vec![] }
}

fn quantise_named(
	float: &FloatNetwork,
	name: &str,
	records: &[Vec<f32>],
) -> Result<Quantised, QuantiseError> {
	quantise(float, &QuantiseOptions::named(name), records)
}

/// Integer and float output for a record.
fn outputs(
	float: &FloatNetwork,
	quantised: &QuantisedNetwork,
	record: &[f32],
) -> (Vec<f64>, Vec<f32>) {
	let input = quantised.quantise_input(record).unwrap();
	let trace = quantised.infer(&input).unwrap();
	(quantised.dequantise_output(trace.output()), float.output(record).unwrap())
}

#[test]
fn numbers_that_the_scales_hold_are_computed_exactly() {
	// Features from 0 to 4 and from 1000 to 1064 in steps that eight bits hold, weights in eighths.
	let float = network(
		2,
		vec![
			linear(0, vec![0.5, 0.125, -1.0, 0.25], vec![-120.0, 3.0]),
			relu(1),
			linear(2, vec![1.0, -2.0], vec![0.5]),
		],
	);
	let records = vec![vec![0.0, 1000.0], vec![4.0, 1064.0], vec![1.0, 1016.0], vec![2.5, 1007.0]];
	let quantised = quantise_named(&float, "exact", &records).unwrap().network;
	assert_eq!(quantised.input.exponents, vec![5, 1]);
	assert_eq!(quantised.input.zero_points, vec![64, 2064]);
	for record in &records {
		let (integer, real) = outputs(&float, &quantised, record);
		let difference = (integer[0] - f64::from(real[0])).abs();
		assert!(difference <= 2.0, "{integer:?} instead of {real:?}");
	}
}

#[test]
fn linear_node_on_representable_features_is_exact() {
	let float = network(2, vec![linear(0, vec![0.5, -1.5, 2.0, 0.25], vec![3.0, -0.125])]);
	let records = vec![vec![-2.0, 96.0], vec![2.0, 160.0]];
	let quantised = quantise_named(&float, "exact", &records).unwrap().network;
	for record in [[-2.0f32, 96.0], [0.5, 100.0], [1.25, 133.0]] {
		let (integer, real) = outputs(&float, &quantised, &record);
		assert_eq!(integer, real.iter().map(|x| f64::from(*x)).collect::<Vec<_>>());
	}
}

#[test]
fn outliers_saturate_when_that_serves_the_rest() {
	let float = network(1, vec![relu(0), linear(1, vec![1.0], vec![0.0])]);
	let mut records = (0..2000).map(|i| vec![i as f32 / 2000.0]).collect::<Vec<_>>();
	records.push(vec![1.9]);
	let quantised = quantise_named(&float, "outlier", &records).unwrap();
	// Without saturation 1.9 · 2^6 ≤ 127 for the input; one outlier is not worth half the precision.
	assert_eq!(quantised.network.input, InputSpec::uniform(1, 6));
	let relu = &quantised.origins[0];
	assert_eq!((relu.node.as_str(), &relu.grid), ("relu", &Grid::uniform(6)));
	for _ in 0..60 {
		records.extend((0..2000).map(|i| vec![i as f32 / 2000.0]));
	}
	let quantised = quantise_named(&float, "outlier", &records).unwrap();
	assert_eq!(quantised.network.input, InputSpec::uniform(1, 7));
	assert_eq!(quantised.network.quantise_input(&[1.9]).unwrap(), vec![127]);
}

#[test]
fn residuals_are_aligned_and_narrowed_once() {
	let float = network(
		2,
		vec![
			linear(0, vec![0.9, -0.3, 0.2, 0.7], vec![0.1, -0.2]),
			node("residual", FloatOp::Add { left: 1, right: 0 }),
			linear(2, vec![0.5, 0.25, -0.5, 0.125], vec![0.0, 1.0]),
			linear(2, vec![0.3, 0.6, -0.7, 0.1], vec![0.0, 0.0]),
			node("join", FloatOp::Add { left: 3, right: 4 }),
			node("shift", FloatOp::bias(5, vec![0.5, -0.5])),
		],
	);
	let mut rng = StdRng::seed_from_u64(1);
	let records = (0..50)
		.map(|_| vec![rng.gen_range(-1.0..1.0), rng.gen_range(-1.0..1.0)])
		.collect::<Vec<_>>();
	let quantised = quantise_named(&float, "residual", &records).unwrap().network;
	let count = |narrow: bool| {
		quantised.nodes.iter().filter(|n| matches!(n, Node::Requantise { .. }) == narrow).count()
	};
	// One narrow copy of the residual for two readers; what else there is costs no constraint: two
	// additions of constants, for the input's zero point and for the shift.
	assert_eq!((count(true), count(false)), (1, 9));
	for record in &records {
		let (integer, real) = outputs(&float, &quantised, record);
		for (integer, real) in integer.iter().zip(real) {
			assert!((integer - f64::from(real)).abs() < 0.05, "{integer} instead of {real}");
		}
	}
}

#[test]
fn features_that_never_vary_keep_room() {
	let float = network(3, vec![linear(0, vec![1.0, 1.0, 1.0], vec![0.0])]);
	let quantised = quantise_named(&float, "constant", &[vec![0.0, 500.0, -3.0]]).unwrap().network;
	let (integer, real) = outputs(&float, &quantised, &[0.5, 520.0, -4.0]);
	assert!((integer[0] - f64::from(real[0])).abs() < 8.0, "{integer:?} instead of {real:?}");
}

#[test]
fn features_of_little_influence_get_room_instead_of_precision() {
	let float = network(2, vec![linear(0, vec![1.0, 0.001], vec![0.0])]);
	let records = [vec![-1.0, -1.0], vec![1.0, 1.0]];
	let quantised = quantise_named(&float, "influence", &records).unwrap().network;
	// A range of 2.5 fits at 2^6; the second feature's step stays below half of the first one's.
	assert_eq!(quantised.input.exponents, vec![6, -2]);
	assert_eq!(quantised.quantise_input(&[0.0, 400.0]).unwrap(), vec![0, 100]);
	let (integer, real) = outputs(&float, &quantised, &[0.0, 400.0]);
	assert!((integer[0] - f64::from(real[0])).abs() < 0.05, "{integer:?} instead of {real:?}");
}

#[test]
fn the_same_input_gives_the_same_network() {
	let float = network(2, vec![linear(0, vec![0.9, -0.3], vec![0.1])]);
	let records = vec![vec![0.3, 0.7], vec![-0.2, 0.4]];
	assert_eq!(
		quantise_named(&float, "twice", &records),
		quantise_named(&float, "twice", &records)
	);
}

#[test]
fn what_does_not_fit_is_named() {
	let good = || vec![linear(0, vec![1.0], vec![0.0])];
	let refuse =
		|nodes, records: &[Vec<f32>]| quantise_named(&network(1, nodes), "n", records).unwrap_err();
	assert_eq!(refuse(good(), &[]), QuantiseError::NoCalibration);
	assert_eq!(
		refuse(good(), &[vec![1.0], vec![]]),
		QuantiseError::Record {
			record: 1,
			reason: FloatError::InputLength { expected: 1, found: 0 }
		}
	);
	let scale = |node: &str, what| QuantiseError::Scale { node: node.into(), what };
	let one = [vec![1.0]];
	assert_eq!(refuse(vec![linear(0, vec![1e20], vec![0.0])], &one), scale("linear", "weights"));
	assert_eq!(refuse(vec![linear(0, vec![1.0], vec![1e25])], &one), scale("linear", "biases"));
	assert_eq!(
		refuse(vec![relu(0), linear(1, vec![1.0], vec![0.0])], &[vec![1e20]]),
		scale("the input", "values")
	);
	let wide = vec![
		linear(0, vec![1e10], vec![0.0]),
		relu(1),
		linear(2, vec![1e10], vec![0.0]),
		relu(3),
		linear(4, vec![1.0], vec![0.0]),
	];
	assert_eq!(refuse(wide, &one), scale("relu", "activations"));
	assert_eq!(
		refuse(vec![], &one),
		QuantiseError::Network {
			node: "the network".into(),
			reason: NetworkError::Nodes { found: 0 }
		}
	);
	let long = "x".repeat(MAX_NAME + 1);
	assert!(matches!(
		quantise_named(&network(1, good()), &long, &one),
		Err(QuantiseError::Network { reason: NetworkError::Name { found: 65 }, .. })
	));
}

#[test]
fn accumulators_that_are_too_wide_name_the_original_node() {
	let far = network(
		1,
		vec![
			linear(0, vec![1e-11], vec![0.0]),
			linear(0, vec![1e11], vec![0.0]),
			node("sum", FloatOp::Add { left: 1, right: 2 }),
		],
	);
	let error = quantise_named(&far, "far", &[vec![1.0]]).unwrap_err();
	assert!(
		matches!(
			&error,
			QuantiseError::Network { node, reason: NetworkError::TooWide { .. } } if node == "sum"
		) || error == QuantiseError::Scale { node: "sum".into(), what: "operands" },
		"{error}"
	);
}

proptest! {
	/// Multi-layer perceptrons with random weights, on features whose units differ by up to 10^8.
	#[test]
	fn random_perceptrons_keep_their_output(seed: u64, hidden in 1usize..12, inputs in 1usize..8) {
		let mut rng = StdRng::seed_from_u64(seed);
		let units = (0..inputs).map(|_| 10f32.powi(rng.gen_range(-4..=4))).collect::<Vec<_>>();
		let centres = units.iter().map(|unit| unit * rng.gen_range(-3.0f32..3.0)).collect::<Vec<_>>();
		let record = |rng: &mut StdRng| {
			units.iter().zip(&centres).map(|(unit, centre)| centre + unit * rng.gen_range(-1.0f32..1.0))
				.collect::<Vec<_>>()
		};
		let first = (0..hidden * inputs)
			.map(|i| rng.gen_range(-1.0f32..1.0) / units[i % inputs])
			.collect::<Vec<_>>();
		// Standardisation, as an exporter folds it: the bias takes the centres out again.
		let bias = first
			.chunks(inputs)
			.map(|row| {
				rng.gen_range(-0.5f32..0.5)
					- row.iter().zip(&centres).map(|(w, c)| w * c).sum::<f32>()
			})
			.collect();
		let second = (0..2 * hidden).map(|_| rng.gen_range(-1.0f32..1.0)).collect();
		let float = network(inputs, vec![
			linear(0, first, bias),
			relu(1),
			linear(2, second, vec![0.1, -0.1]),
		]);
		let records = (0..64).map(|_| record(&mut rng)).collect::<Vec<_>>();
		let quantised = quantise_named(&float, "random", &records).unwrap().network;
		// Worst case of rounding: every weight off by 2^-8 of the layer's largest, and likewise the
		// inputs and activations.
		let tolerance = 0.02 * (1 + inputs) as f64 * (1 + hidden) as f64;
		for record in &records {
			let (integer, real) = outputs(&float, &quantised, record);
			for (integer, real) in integer.iter().zip(real) {
				prop_assert!((integer - f64::from(real)).abs() < tolerance, "{integer} instead of {real}");
			}
		}
	}
}
