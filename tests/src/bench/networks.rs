// SPDX-License-Identifier: Apache-2.0

//! The networks that are measured: the published ones by their architecture, with weights drawn
//! from a fixed seed, and the trained ones of `models/`.

use anyhow::{Context as _, Result};
use proofpod_tests::network::repository;
use proofpod_zkml::{
	float::{FloatNetwork, FloatNode, FloatOp},
	input::InputFile,
	onnx,
	window::{Convolution, Window},
};
use rand::{rngs::StdRng, Rng, SeedableRng};
use std::{fs, path::PathBuf};

/// Records whose labels are what onnxruntime says of them.
const PREDICTED: &str = "expected.json";

/// Where the weights come from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
	/// Drawn from a fixed seed: the architecture is the published one, the task is none.
	Drawn(fn() -> Built),
	/// A folder of `models/`, with the file that holds the labelled records.
	Trained(&'static str, &'static str),
}

/// A network to measure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Benchmark {
	/// Its name, in files and tables.
	pub(crate) name: &'static str,
	/// Whose benchmark it is.
	pub(crate) origin: &'static str,
	/// Where the weights come from.
	pub(crate) source: Source,
	/// Only with `--large`.
	pub(crate) large: bool,
}

const fn drawn(name: &'static str, origin: &'static str, build: fn() -> Built) -> Benchmark {
	Benchmark { name, origin, source: Source::Drawn(build), large: false }
}

const fn trained(
	name: &'static str,
	origin: &'static str,
	folder: &'static str,
	records: &'static str,
) -> Benchmark {
	Benchmark { name, origin, source: Source::Trained(folder, records), large: false }
}

/// All of them, in the order of the table.
pub(crate) const BENCHMARKS: &[Benchmark] = &[
	trained("breast_cancer", "this project", "breast_cancer", "held_out.json"),
	trained("digits", "this project", "digits", "held_out.json"),
	trained("digits_cnn", "this project", "digits_cnn", "held_out.json"),
	trained("linear_regression", "zkonduit suite", "benchmarks/linear_regression", PREDICTED),
	trained(
		"support_vector_machine",
		"zkonduit suite",
		"benchmarks/support_vector_machine",
		PREDICTED,
	),
	trained(
		"tree_ensemble_regression",
		"zkonduit suite",
		"benchmarks/tree_ensemble_regression",
		PREDICTED,
	),
	trained("random_forest", "zkonduit suite", "benchmarks/random_forest", PREDICTED),
	drawn("mlp_784_56_10", "Guy1m0 suite", || perceptron(&[784, 56, 10])),
	drawn("mlp_784_128_10", "ZEN ShallowNet", || perceptron(&[784, 128, 10])),
	drawn("lenet_28", "Guy1m0 suite", || lenet(28)),
	drawn("lenet_32", "Bionetta", || lenet(32)),
	drawn("lenet_small_cifar", "ZEN", lenet_small_cifar),
	Benchmark {
		name: "resnet_20",
		origin: "He et al. 2016, CIFAR",
		source: Source::Drawn(resnet_20),
		large: true,
	},
];

/// A network with records to calibrate it on, and others to measure it on.
pub(crate) struct Built {
	pub(crate) network: FloatNetwork,
	pub(crate) calibration: InputFile,
	pub(crate) test: InputFile,
}

impl Benchmark {
	/// Draws or reads the network.
	pub(crate) fn build(&self) -> Result<Built> {
		let (folder, records) = match self.source {
			Source::Drawn(build) => return Ok(build()),
			Source::Trained(folder, records) => (folder, records),
		};
		let path: PathBuf = repository().join("models").join(folder);
		let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
		let read = |file: &str| {
			let path = path.join(file);
			fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
		};
		let network = onnx::import(&read(&format!("{name}.onnx"))?)?;
		let parse = |file: &str| -> Result<InputFile> {
			Ok(InputFile::parse(&read(file)?, Some(network.input_len))?)
		};
		let (calibration, mut test) = (parse("calibration.json")?, parse(records)?);
		if records == PREDICTED {
			// Predictions of a reference, not the truth: they show no accuracy.
			test.labels = None;
		}
		Ok(Built { network, calibration, test })
	}
}

/// Planes of an image: channels, height, width.
type Shape = [usize; 3];

/// Adds layers to a network, with weights drawn as He et al. (2015) do, uniformly.
struct Builder {
	network: FloatNetwork,
	shape: Shape,
	rng: StdRng,
}

impl Builder {
	fn new(shape: Shape) -> Self {
		let network = FloatNetwork {
			input_len: shape.iter().product(),
			nodes: Vec::new(),
			ending: None,
			classes: Vec::new(),
		};
		Self { network, shape, rng: StdRng::seed_from_u64(20) }
	}

	/// The last value.
	fn last(&self) -> usize {
		self.network.nodes.len()
	}

	fn push(&mut self, name: &str, op: FloatOp) -> usize {
		let name = format!("{name} {}", self.last() + 1);
		self.network.nodes.push(FloatNode { name, op });
		self.last()
	}

	fn weights(&mut self, count: usize, fan_in: usize) -> Vec<f32> {
		let limit = (6.0 / fan_in as f32).sqrt();
		(0..count).map(|_| self.rng.gen_range(-limit..limit)).collect()
	}

	fn biases(&mut self, count: usize) -> Vec<f32> {
		(0..count).map(|_| self.rng.gen_range(-0.1..0.1)).collect()
	}

	fn linear(&mut self, rows: usize) -> usize {
		let (input, columns) = (self.last(), self.shape.iter().product());
		let (weights, bias) = (self.weights(rows * columns, columns), self.biases(rows));
		self.shape = [rows, 1, 1];
		self.push("linear", FloatOp::Linear { input, rows, columns, weights, bias })
	}

	fn window(&self, kernel: usize, stride: usize, pad: usize) -> Window {
		let [channels, height, width] = self.shape;
		Window {
			channels,
			input: [height, width],
			kernel: [kernel; 2],
			stride: [stride; 2],
			dilation: [1; 2],
			pads: [pad; 4],
		}
	}

	fn convolve(
		&mut self,
		input: usize,
		convolution: Convolution,
		weights: Vec<f32>,
		bias: Vec<f32>,
	) -> usize {
		let [height, width] = convolution.window.output().unwrap_or_default();
		self.shape = [convolution.filters, height, width];
		self.push("conv", FloatOp::Conv { input, convolution, weights, bias })
	}

	fn conv(&mut self, filters: usize, kernel: usize, stride: usize, pad: usize) -> usize {
		let window = self.window(kernel, stride, pad);
		let convolution = Convolution { window, groups: 1, filters };
		let fan_in = convolution.filter_len();
		let (weights, bias) = (self.weights(filters * fan_in, fan_in), self.biases(filters));
		self.convolve(self.last(), convolution, weights, bias)
	}

	fn average_pool(&mut self, kernel: usize) -> usize {
		let filters = self.shape[0];
		let convolution =
			Convolution { window: self.window(kernel, kernel, 0), groups: filters, filters };
		let share = 1.0 / (kernel * kernel) as f32;
		let weights = vec![share; convolution.weights_len()];
		self.convolve(self.last(), convolution, weights, vec![0.0; filters])
	}

	fn relu(&mut self) -> usize {
		let input = self.last();
		self.push("relu", FloatOp::relu(input))
	}

	/// The network with smooth images for it.
	fn build(self, shape: Shape) -> Built {
		let images = |seed, count| InputFile { records: images(shape, seed, count), labels: None };
		Built { network: self.network, calibration: images(1, 32), test: images(2, 32) }
	}
}

/// Images of some soft spots, from 0 to 1.
fn images([channels, height, width]: Shape, seed: u64, count: usize) -> Vec<Vec<f32>> {
	let mut rng = StdRng::seed_from_u64(seed);
	let mut image = || -> Vec<f32> {
		let mut planes = Vec::with_capacity(channels * height * width);
		for _ in 0..channels {
			let spots: Vec<[f32; 4]> = (0..4)
				.map(|_| {
					let place = [height, width].map(|side| rng.gen_range(0.0..side as f32));
					[place[0], place[1], rng.gen_range(0.4..1.0), rng.gen_range(1.5..5.0)]
				})
				.collect();
			for y in 0..height {
				for x in 0..width {
					let light = spots.iter().map(|[top, left, bright, radius]| {
						let distance = (y as f32 - top).powi(2) + (x as f32 - left).powi(2);
						bright * (-distance / (2.0 * radius * radius)).exp()
					});
					planes.push(light.sum::<f32>().min(1.0));
				}
			}
		}
		planes
	};
	(0..count).map(|_| image()).collect()
}

/// Dense layers of these widths, ReLU between them.
fn perceptron(widths: &[usize]) -> Built {
	let shape = [1, 28, widths[0] / 28];
	let mut builder = Builder::new(shape);
	for (layer, width) in widths.iter().enumerate().skip(1) {
		builder.linear(*width);
		if layer + 1 < widths.len() {
			builder.relu();
		}
	}
	builder.build(shape)
}

/// LeNet-5 with ReLU and average pooling: 6 and 16 filters of 5 × 5, then 120, 84 and 10.
fn lenet(side: usize) -> Built {
	let shape = [1, side, side];
	let mut builder = Builder::new(shape);
	for filters in [6, 16] {
		builder.conv(filters, 5, 1, 0);
		builder.relu();
		builder.average_pool(2);
	}
	for rows in [120, 84] {
		builder.linear(rows);
		builder.relu();
	}
	builder.linear(10);
	builder.build(shape)
}

/// ZEN's LeNet-small for CIFAR: convolutions 6 and 16 at 5 × 5 and 120 at 4 × 4, then 84 and 10.
fn lenet_small_cifar() -> Built {
	let shape = [3, 32, 32];
	let mut builder = Builder::new(shape);
	for filters in [6, 16] {
		builder.conv(filters, 5, 1, 0);
		builder.relu();
		builder.average_pool(2);
	}
	builder.conv(120, 4, 1, 0);
	builder.relu();
	builder.linear(84);
	builder.relu();
	builder.linear(10);
	builder.build(shape)
}

/// ResNet-20 for CIFAR (He et al., *Deep Residual Learning*, CVPR 2016, §4.2), batch normalisation
/// folded, projections by 1 × 1 convolutions.
fn resnet_20() -> Built {
	let shape = [3, 32, 32];
	let mut builder = Builder::new(shape);
	builder.conv(16, 3, 1, 1);
	builder.relu();
	for (stage, filters) in [16, 32, 64].into_iter().enumerate() {
		for block in 0..3 {
			let stride = if stage > 0 && block == 0 { 2 } else { 1 };
			let (input, before) = (builder.last(), builder.shape);
			builder.conv(filters, 3, stride, 1);
			builder.relu();
			let left = builder.conv(filters, 3, 1, 1);
			let right = if stride == 1 {
				input
			} else {
				let after = std::mem::replace(&mut builder.shape, before);
				let window = builder.window(1, stride, 0);
				let convolution = Convolution { window, groups: 1, filters };
				let fan_in = convolution.filter_len();
				let weights = builder.weights(filters * fan_in, fan_in);
				let projected = builder.convolve(input, convolution, weights, vec![0.0; filters]);
				debug_assert_eq!(builder.shape, after);
				projected
			};
			builder.push("add", FloatOp::Add { left, right });
			builder.relu();
		}
	}
	builder.average_pool(8);
	builder.linear(10);
	builder.build(shape)
}
