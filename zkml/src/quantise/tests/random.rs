// SPDX-License-Identifier: Apache-2.0

//! Random networks of every operation: what each integer node gives is compared with the real
//! operation on what its operands stand for, and the difference with what the scales allow.

use super::*;
use crate::{
	float::Pick,
	forest::{Forest, Tree, TreeNode},
	network::Trace,
	window::{Convolution, Window},
};

/// Channels, height, width.
type Shape = [usize; 3];

struct Generator {
	rng: StdRng,
	nodes: Vec<FloatNode>,
	shapes: Vec<Shape>,
}

impl Generator {
	fn number(&mut self) -> f32 {
		self.rng.gen_range(-1.0f32..1.0)
	}

	fn numbers(&mut self, count: usize) -> Vec<f32> {
		(0..count).map(|_| self.number()).collect()
	}

	fn last(&self) -> (usize, Shape) {
		(self.nodes.len(), self.shapes[self.nodes.len()])
	}

	fn push(&mut self, op: FloatOp, shape: Shape) {
		let name = format!("{op:?}").chars().take_while(|c| c.is_alphabetic()).collect();
		self.nodes.push(FloatNode { name, op });
		self.shapes.push(shape);
	}

	fn window(&mut self, [channels, height, width]: Shape) -> Window {
		let mut side = |side: usize| self.rng.gen_range(1..=side.min(3));
		let kernel = [side(height), side(width)];
		let mut step = |_| self.rng.gen_range(1..=2);
		let stride = [step(0), step(1)];
		let pad = |kernel: usize, rng: &mut StdRng| rng.gen_range(0..kernel);
		let pads = kernel.map(|kernel| pad(kernel, &mut self.rng));
		Window {
			channels,
			input: [height, width],
			kernel,
			stride,
			dilation: [1, 1],
			pads: [pads[0], pads[1], pads[1].min(pads[0]), pads[1]],
		}
	}

	fn convolution(&mut self) {
		let (input, shape) = self.last();
		let window = self.window(shape);
		let groups = if shape[0] % 2 == 0 && self.rng.gen() { 2 } else { 1 };
		let filters = groups * self.rng.gen_range(1..=3);
		let convolution = Convolution { window, groups, filters };
		let mut weights = self.numbers(convolution.weights_len());
		// Filters of very different size, as after the folding of a normalisation.
		for filter in weights.chunks_mut(convolution.filter_len()) {
			let size = 2f32.powi(self.rng.gen_range(-5..=1));
			filter.iter_mut().for_each(|weight| *weight *= size);
		}
		let bias = self.numbers(filters);
		let [height, width] = convolution.window.output().unwrap();
		self.push(FloatOp::Conv { input, convolution, weights, bias }, [filters, height, width]);
	}

	fn average(&mut self) {
		let (input, shape) = self.last();
		let window = self.window(shape);
		let [height, width] = window.output().unwrap();
		let share = 1.0 / window.kernel_len() as f32;
		let convolution = Convolution { window, groups: shape[0], filters: shape[0] };
		let weights = vec![share; convolution.weights_len()];
		let bias = vec![0.0; shape[0]];
		self.push(FloatOp::Conv { input, convolution, weights, bias }, [shape[0], height, width]);
	}

	fn trees(&mut self) {
		let (input, shape) = self.last();
		let features = shape.iter().product::<usize>();
		let trees = (0..3)
			.map(|_| {
				let mut split = |left: usize| TreeNode::Split {
					feature: self.rng.gen_range(0..features),
					threshold: self.rng.gen_range(-1.0f32..1.0),
					left,
					right: left + 1,
				};
				let mut nodes = vec![split(1), split(3)];
				nodes.extend((0..3).map(|leaf| TreeNode::Leaf(vec![(leaf % 2, self.number())])));
				Tree { nodes }
			})
			.collect();
		let forest = Forest { base: self.numbers(2), trees };
		self.push(FloatOp::Trees { input, forest }, [2, 1, 1]);
	}

	fn gather(&mut self) {
		let (input, shape) = self.last();
		let other = self.rng.gen_range(0..=input);
		let widths = [input, other].map(|value| self.shapes[value].iter().product::<usize>());
		let all = (0..2).flat_map(|operand| {
			(0..widths[operand]).map(move |element| Pick::Element { operand, element })
		});
		let mut picks = all.collect::<Vec<_>>();
		let (inputs, shape) = match self.rng.gen_range(0..3) {
			0 => {
				// A transposition with a constant at the end of each plane's row.
				picks.truncate(widths[0]);
				picks.reverse();
				(vec![input], shape)
			},
			1 => {
				picks.truncate(widths[0]);
				picks.push(Pick::Constant(self.number()));
				(vec![input], [1, 1, widths[0] + 1])
			},
			_ => (vec![input, other], [1, 1, widths[0] + widths[1]]),
		};
		self.push(FloatOp::Gather { inputs, picks }, shape);
	}

	fn step(&mut self) {
		let (input, shape) = self.last();
		let width = shape.iter().product::<usize>();
		match self.rng.gen_range(0..14) {
			0 | 1 => self.convolution(),
			2 => self.average(),
			3 => {
				let window = self.window(shape);
				let [height, width] = window.output().unwrap();
				if window.covers() {
					self.push(FloatOp::MaxPool { input, window }, [shape[0], height, width]);
				}
			},
			4 => self.push(FloatOp::relu(input), shape),
			5 => self.push(FloatOp::Clamp { input, low: 0.0, high: 0.7 }, shape),
			6 => {
				let low = self.rng.gen_range(-1.0f32..0.5);
				self.push(FloatOp::Clamp { input, low, high: low + 1.0 }, shape);
			},
			7 => {
				let shift = self.rng.gen_range(1..5);
				self.push(FloatOp::LeakyRelu { input, shift }, shape);
			},
			8 => {
				let bias = self.numbers(width);
				self.push(FloatOp::bias(input, bias), shape);
			},
			9 => {
				let (scale, bias) = (self.numbers(width), self.numbers(width));
				self.push(FloatOp::Affine { input, scale, bias }, shape);
			},
			10 => {
				let left = self.shapes.iter().position(|other| *other == shape).unwrap();
				self.push(FloatOp::Add { left, right: input }, shape);
			},
			11 => self.gather(),
			12 => {
				let rows = self.rng.gen_range(1..5);
				let (weights, bias) = (self.numbers(rows * width), self.numbers(rows));
				let columns = width;
				self.push(FloatOp::Linear { input, rows, columns, weights, bias }, [rows, 1, 1]);
			},
			_ => match self.rng.gen() {
				true => self.trees(),
				false => self.push(FloatOp::Step { input }, shape),
			},
		}
	}
}

fn random(seed: u64, steps: usize) -> (FloatNetwork, Vec<Vec<f32>>) {
	let mut rng = StdRng::seed_from_u64(seed);
	let shape = [rng.gen_range(1..=3), rng.gen_range(1..=5), rng.gen_range(1..=5)];
	let input_len = shape.iter().product();
	let offset = rng.gen_range(-0.5f32..1.5);
	let mut generator = Generator { rng, nodes: vec![], shapes: vec![shape] };
	while generator.nodes.len() < steps {
		generator.step();
	}
	let records =
		(0..20).map(|_| generator.numbers(input_len).into_iter().map(|x| x + offset).collect());
	let records = records.collect();
	(FloatNetwork { input_len, nodes: generator.nodes, ending: None, classes: vec![] }, records)
}

/// The operation, on operands that follow each other from value 1 on.
fn renumbered(op: &FloatOp) -> FloatOp {
	let mut op = op.clone();
	match &mut op {
		FloatOp::Linear { input, .. }
		| FloatOp::Conv { input, .. }
		| FloatOp::Affine { input, .. }
		| FloatOp::Clamp { input, .. }
		| FloatOp::LeakyRelu { input, .. }
		| FloatOp::MaxPool { input, .. }
		| FloatOp::Step { input }
		| FloatOp::Trees { input, .. } => *input = 1,
		FloatOp::Add { left, right } => (*left, *right) = (1, 2),
		FloatOp::Gather { inputs, .. } => {
			inputs.iter_mut().enumerate().for_each(|(place, input)| *input = place + 1);
		},
	}
	op
}

/// The real operation on real operands.
fn apply(op: &FloatOp, operands: &[Vec<f64>]) -> Vec<f64> {
	let input = operands.iter().flatten().map(|x| *x as f32).collect::<Vec<_>>();
	let mut first = 0;
	let mut nodes = Vec::new();
	for operand in operands {
		let elements = first..first + operand.len();
		let picks = elements.map(|element| Pick::Element { operand: 0, element }).collect();
		nodes.push(node("slice", FloatOp::Gather { inputs: vec![0], picks }));
		first += operand.len();
	}
	nodes.push(node("operation", renumbered(op)));
	let output = network(input.len(), nodes).output(&input).unwrap();
	output.into_iter().map(f64::from).collect()
}

/// What the integers of a value stand for.
fn reals(quantised: &Quantised, value: usize, trace: &Trace) -> Vec<f64> {
	let integers = &trace.values[value];
	let grid = match value.checked_sub(1) {
		Some(node) => quantised.origins[node].grid.clone(),
		None => features::grid(&quantised.network.input),
	};
	let elements = integers.iter().enumerate();
	elements.map(|(element, x)| grid.real(element, integers.len(), *x)).collect()
}

/// Most by which the rounding of weights and bias moves each row's sum, in its integers.
fn rounding(weights: &[i8], rows: usize, operand: &[i64], means: &[f64]) -> Vec<f64> {
	let largest = operand.iter().map(|x| x.abs() as f64).fold(0.0, f64::max);
	let mean = means.iter().map(|mean| mean.abs()).fold(0.0, f64::max);
	let columns = weights.len() / rows;
	let row = |row: &[i8]| {
		let saturated = |weight: &&i8| weight.unsigned_abs() == 127;
		let steps = 0.5 * columns as f64
			+ (columns as f64).sqrt() * row.iter().filter(saturated).count() as f64;
		0.5 + steps * (largest + mean + 2.0)
	};
	weights.chunks(columns).map(row).collect()
}

fn check(seed: u64, steps: usize) -> Result<(), TestCaseError> {
	let (float, records) = random(seed, steps);
	let quantised = quantise_named(&float, "random", &records).unwrap();
	let nodes = &quantised.network.nodes;
	let traces = records.iter().map(|record| {
		let input = quantised.network.quantise_input(record).unwrap();
		quantised.network.infer(&input).unwrap()
	});
	let traces = traces.collect::<Vec<_>>();
	for (index, (step, origin)) in nodes.iter().zip(&quantised.origins).enumerate() {
		let Some(value) = origin.float_value else { continue };
		let op = &float.nodes[value - 1].op;
		let mut operands = step.operands().collect::<Vec<_>>();
		// Padding stands between a convolution and its operand, constants beside it.
		for operand in &mut operands {
			let helper =
				operand.checked_sub(1).map(|node| (&nodes[node], &quantised.origins[node]));
			if let (Node::Conv { .. }, Some((Node::Gather { inputs, .. }, origin))) = (step, helper)
			{
				if origin.float_value.is_none() {
					*operand = inputs[0].0;
				}
			}
		}
		if matches!((step, op), (Node::Add { .. }, FloatOp::Affine { .. })) {
			operands.truncate(1);
		}
		let of = |operand: usize| match operand.checked_sub(1) {
			Some(node) => quantised.origins[node].float_value,
			None => Some(0),
		};
		let same = operands.len() == 1 && of(operands[0]) == Some(value);
		let narrowing = matches!(step, Node::Requantise { .. })
			&& !matches!(
				op,
				FloatOp::Clamp { .. } | FloatOp::LeakyRelu { .. } | FloatOp::Step { .. }
			);
		let ends = match step {
			Node::Requantise { requantisation, .. } => {
				let end = |end: i16| origin.grid.real(0, 1, end.into());
				Some((end(requantisation.low), end(requantisation.high)))
			},
			_ => None,
		};
		let width = traces[0].values[index + 1].len();
		for trace in &traces {
			let given = operands.iter().map(|operand| reals(&quantised, *operand, trace));
			let given = given.collect::<Vec<_>>();
			let expected = if same || narrowing { given[0].clone() } else { apply(op, &given) };
			let found = reals(&quantised, index + 1, trace);
			let allowed = match step {
				Node::Linear { input, weights, bias, .. }
				| Node::Conv { input, weights, bias, .. }
				| Node::Affine { input, weights, bias } => {
					let integers = &trace.values[*input];
					let mean = |element: usize| {
						let sum =
							traces.iter().map(|trace| trace.values[*input][element]).sum::<i64>();
						sum as f64 / traces.len() as f64
					};
					let means = (0..integers.len()).map(mean).collect::<Vec<_>>();
					rounding(weights, bias.len(), integers, &means)
				},
				Node::Requantise { .. } => vec![1.0],
				Node::Trees { forest, .. } => vec![0.5 * (1 + forest.trees.len()) as f64],
				Node::Gather { .. } | Node::Add { .. } => vec![0.5],
				Node::MaxPool { .. } => vec![0.0],
				Node::ArgMax { .. } => vec![],
			};
			for (element, (found, expected)) in found.iter().zip(&expected).enumerate() {
				let expected = ends.map_or(*expected, |(low, high)| expected.clamp(low, high));
				let steps = allowed[element * allowed.len() / width];
				let step = origin.grid.step(origin.grid.scale(element, width));
				let precision = 1e-5 * (1.0 + expected.abs());
				prop_assert!(
					(found - expected).abs() <= steps * step + precision,
					"node {index} ({}): {found} instead of {expected}, {steps} steps of {step} allowed",
					origin.node
				);
			}
		}
	}
	Ok(())
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(400))]
	#[test]
	fn every_integer_node_does_what_the_real_one_does(seed: u64, steps in 1usize..9) {
		check(seed, steps)?;
	}
}
