// SPDX-License-Identifier: Apache-2.0

use super::*;
use crate::forest::{Tree, TreeNode};
use ark_bls12_381::Fr;
use codec::{Compact, Encode};
use proptest::prelude::*;

/// A two-layer network that fits on a page.
pub(crate) fn small() -> QuantisedNetwork {
	QuantisedNetwork {
		name: "small".into(),
		input: InputSpec::uniform(2, 4),
		nodes: vec![
			Node::Linear {
				input: 0,
				rows: 2,
				columns: 2,
				weights: vec![1, -2, 127, 127],
				bias: vec![10, -100],
			},
			Node::Requantise { input: 1, requantisation: Requantisation::relu(3) },
			Node::Linear { input: 2, rows: 1, columns: 2, weights: vec![-3, 1], bias: vec![7] },
		],
		output_exponent: 9,
	}
}

/// Networks of up to seven nodes of every kind, and an input for each.
pub(crate) fn networks() -> impl Strategy<Value = (QuantisedNetwork, Vec<i8>)> {
	let kinds = proptest::collection::vec(0u64..14, 1..8);
	(1usize..9, kinds, any::<u64>()).prop_map(|(inputs, kinds, seed)| {
		let mut stream = Stream(seed);
		let mut network = QuantisedNetwork {
			name: "random".into(),
			input: InputSpec {
				exponents: (0..inputs).map(|_| stream.below(20) as i8 - 10).collect(),
				zero_points: (0..inputs).map(|_| stream.next() as i32 >> 20).collect(),
			},
			nodes: vec![requantise(&mut stream, 0, inputs)],
			output_exponent: 5,
		};
		for kind in kinds {
			let widths = network.widths().unwrap();
			network.nodes.push(stream.node(kind, &widths));
			// Whatever the network cannot take after what it has is left out.
			let valid = network.validate().is_ok();
			if !valid || network.output_len() > 24 {
				network.nodes.pop();
			}
		}
		let input = (0..inputs).map(|_| stream.next() as i8).collect();
		(network, input)
	})
}

/// A clamp of any width, with and without groups and a leak.
fn requantise(stream: &mut Stream, input: usize, width: usize) -> Node {
	let groups = stream.divisor(width);
	let (low, high) = match stream.below(6) {
		0 | 1 => (0, 255),
		2 => (-128, 127),
		3 => {
			let low = stream.below(300) as i16 - 200;
			(low, low + 1)
		},
		_ => {
			let low = stream.below(400) as i16 - 300;
			(low, low + 1 + stream.below(255) as i16)
		},
	};
	let leak = if stream.below(3) == 0 { 1 + stream.below(6) as u8 } else { 0 };
	let first = stream.below(12);
	let shifts = (0..groups).map(|_| (first + stream.below(4)) as u8).collect();
	Node::Requantise { input, requantisation: Requantisation { shifts, low, high, leak } }
}

impl Stream {
	pub(crate) fn below(&mut self, limit: u64) -> u64 {
		self.next() % limit
	}

	fn divisor(&mut self, number: usize) -> usize {
		let divisors = (1..=number).filter(|d| number.is_multiple_of(*d)).collect::<Vec<_>>();
		divisors[self.below(divisors.len() as u64) as usize]
	}

	pub(crate) fn weights(&mut self, len: usize) -> Vec<i8> {
		(0..len).map(|_| self.next() as i8).collect()
	}

	pub(crate) fn biases(&mut self, len: usize) -> Vec<i32> {
		let shift = self.below(32);
		(0..len).map(|_| self.next() as i32 >> shift).collect()
	}

	fn window(&mut self, width: usize) -> Window {
		let channels = self.divisor(width);
		let height = self.divisor(width / channels);
		Window {
			channels,
			input: [height, width / channels / height],
			kernel: [0; 2].map(|_| 1 + self.below(3) as usize),
			stride: [0; 2].map(|_| 1 + self.below(2) as usize),
			dilation: [0; 2].map(|_| 1 + self.below(2) as usize),
			pads: [0; 4].map(|_| self.below(2) as usize),
		}
	}

	/// A node that reads the last value; not always one that the network can take.
	fn node(&mut self, kind: u64, widths: &[usize]) -> Node {
		let input = widths.len() - 1;
		let width = widths[input];
		match kind {
			0 | 1 => {
				let rows = 1 + self.below(5) as usize;
				let (weights, bias) = (self.weights(rows * width), self.biases(rows));
				Node::Linear { input, rows, columns: width, weights, bias }
			},
			2 | 3 => {
				let window = self.window(width);
				let groups = self.divisor(window.channels);
				let filters = groups * (1 + self.below(2) as usize);
				let convolution = Convolution { window, groups, filters };
				let weights = self.weights(convolution.weights_len());
				Node::Conv { input, convolution, weights, bias: self.biases(filters) }
			},
			4 => {
				let (weights, bias) = (self.weights(width), self.biases(width));
				Node::Affine { input, weights, bias }
			},
			5 | 6 => Node::MaxPool { input, window: self.window(width) },
			7 => {
				let same = (0..=input).filter(|v| widths[*v] == width).collect::<Vec<_>>();
				let right = same[self.below(same.len() as u64) as usize];
				let [left_shift, right_shift] = [0; 2].map(|_| self.below(4) as u8);
				Node::Add { left: input, left_shift, right, right_shift }
			},
			8 => {
				let other = self.below(widths.len() as u64) as usize;
				let inputs = vec![(input, self.below(3) as u8), (other, self.below(3) as u8)];
				let picks = 1 + self.below(8);
				let picks = (0..picks).map(|_| match self.below(4) {
					0 => Pick::Constant(self.next() as i32 >> 24),
					operand => {
						let operand = operand as usize % 2;
						let width = widths[inputs[operand].0] as u64;
						Pick::Element { operand, element: self.below(width) as usize }
					},
				});
				Node::Gather { picks: picks.collect(), inputs }
			},
			9 | 10 => {
				let outputs = 1 + self.below(3) as usize;
				let trees = (0..1 + self.below(4)).map(|_| self.tree(width, outputs)).collect();
				Node::Trees { input, forest: Forest { base: self.biases(outputs), trees } }
			},
			11 => Node::ArgMax { input },
			_ => requantise(self, input, width),
		}
	}

	/// A tree of up to four levels over few thresholds, so that comparisons and paths repeat.
	pub(crate) fn tree(&mut self, features: usize, outputs: usize) -> Tree<i32> {
		let mut nodes = vec![TreeNode::Leaf(Vec::new())];
		let mut ends = vec![(0, 0)];
		while let Some((node, depth)) = ends.pop() {
			if depth < 4 && self.below(5) > 0 {
				let children = nodes.len();
				let feature = self.below(features.min(3) as u64) as usize;
				let threshold = self.below(7) as i32 * 20 - 60;
				nodes[node] =
					TreeNode::Split { feature, threshold, left: children, right: children + 1 };
				for child in [children, children + 1] {
					nodes.push(TreeNode::Leaf(Vec::new()));
					ends.push((child, depth + 1));
				}
			} else {
				let votes = (0..outputs).filter(|_| self.below(2) == 0).collect::<Vec<_>>();
				let votes = votes.into_iter().map(|output| (output, self.below(4) as i32 - 1));
				nodes[node] = TreeNode::Leaf(votes.collect());
			}
		}
		Tree { nodes }
	}
}

/// SplitMix64: deterministic numbers for a test.
pub(crate) struct Stream(pub(crate) u64);

impl Stream {
	pub(crate) fn next(&mut self) -> u64 {
		self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
		let mut z = self.0;
		z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
		z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
		z ^ (z >> 31)
	}
}

/// The element that a window reads at a step from a position, if it is not padding; by the
/// definition, in signed numbers.
fn tap(window: &Window, position: [usize; 2], step: [usize; 2]) -> Option<usize> {
	let place = |axis: usize| {
		let corner = (position[axis] * window.stride[axis]) as i64 - window.pads[axis] as i64;
		let place = corner + (step[axis] * window.dilation[axis]) as i64;
		(0..window.input[axis] as i64).contains(&place).then_some(place as usize)
	};
	Some(place(0)? * window.input[1] + place(1)?)
}

/// Height and width of a window's output, by ONNX's formula.
fn output_plane(window: &Window) -> [usize; 2] {
	[0, 1].map(|axis| {
		let padded = window.input[axis] + window.pads[axis] + window.pads[axis + 2];
		(padded - window.dilation[axis] * (window.kernel[axis] - 1) - 1) / window.stride[axis] + 1
	})
}

/// Every combination of a row and a column.
fn grid([height, width]: [usize; 2]) -> impl Iterator<Item = [usize; 2]> {
	(0..height).flat_map(move |row| (0..width).map(move |column| [row, column]))
}

fn reference_convolution(
	convolution: &Convolution,
	weights: &[i8],
	bias: &[i32],
	x: &[i128],
) -> Vec<i128> {
	let Convolution { window, groups, filters } = convolution;
	let channels = window.channels / groups;
	let [height, width] = window.kernel;
	let mut output = Vec::new();
	for (filter, bias) in bias.iter().enumerate() {
		for position in grid(output_plane(window)) {
			let mut acc = i128::from(*bias);
			for channel in 0..channels {
				for step in grid(window.kernel) {
					let Some(element) = tap(window, position, step) else { continue };
					let weight =
						((filter * channels + channel) * height + step[0]) * width + step[1];
					let plane = filter / (filters / groups) * channels + channel;
					let place = plane * window.input[0] * window.input[1] + element;
					acc += i128::from(weights[weight]) * x[place];
				}
			}
			output.push(acc);
		}
	}
	output
}

fn reference_votes(tree: &Tree<i32>, node: usize, x: &[i128]) -> Vec<(usize, i32)> {
	match &tree.nodes[node] {
		TreeNode::Split { feature, threshold, left, .. }
			if x[*feature] <= i128::from(*threshold) =>
		{
			reference_votes(tree, *left, x)
		},
		TreeNode::Split { right, .. } => reference_votes(tree, *right, x),
		TreeNode::Leaf(votes) => votes.clone(),
	}
}

/// The definition of requantisation with division instead of shifts.
fn reference_requantised(requantisation: &Requantisation, x: i128, group: usize) -> i128 {
	let step = 2i128.pow(requantisation.shifts[group].into());
	let rounded = if step == 1 { x } else { x + step / 2 };
	let leak = if rounded < 0 { 2i128.pow(requantisation.leak.into()) } else { 1 };
	let quotient = rounded.div_euclid(step * leak);
	quotient.clamp(requantisation.low.into(), requantisation.high.into())
}

/// The definition of the nodes, word for word, in 128 bits and with division instead of shifts.
fn reference(network: &QuantisedNetwork, input: &[i8]) -> Vec<Vec<i128>> {
	let mut values: Vec<Vec<i128>> = vec![input.iter().map(|x| i128::from(*x)).collect()];
	for node in &network.nodes {
		values.push(match node {
			Node::Linear { input, rows, columns, weights, bias } => (0..*rows)
				.map(|r| {
					let mut acc = i128::from(bias[r]);
					for c in 0..*columns {
						acc += i128::from(weights[r * columns + c]) * values[*input][c];
					}
					acc
				})
				.collect(),
			Node::Conv { input, convolution, weights, bias } => {
				reference_convolution(convolution, weights, bias, &values[*input])
			},
			Node::Affine { input, weights, bias } => (0..weights.len())
				.map(|i| i128::from(weights[i]) * values[*input][i] + i128::from(bias[i]))
				.collect(),
			Node::Add { left, left_shift, right, right_shift } => (0..values[*left].len())
				.map(|i| {
					values[*left][i] * 2i128.pow((*left_shift).into())
						+ values[*right][i] * 2i128.pow((*right_shift).into())
				})
				.collect(),
			Node::Requantise { input, requantisation } => {
				let per_group = values[*input].len() / requantisation.shifts.len();
				let elements = values[*input].iter().enumerate();
				elements
					.map(|(i, x)| reference_requantised(requantisation, *x, i / per_group))
					.collect()
			},
			Node::MaxPool { input, window } => {
				let plane = window.input[0] * window.input[1];
				let mut output = Vec::new();
				for channel in 0..window.channels {
					for position in grid(output_plane(window)) {
						let taps = grid(window.kernel).filter_map(|s| tap(window, position, s));
						let read = taps.map(|tap| values[*input][channel * plane + tap]);
						output.push(read.max().unwrap());
					}
				}
				output
			},
			Node::Gather { inputs, picks } => picks
				.iter()
				.map(|pick| match pick {
					Pick::Constant(constant) => i128::from(*constant),
					Pick::Element { operand, element } => {
						let (value, shift) = inputs[*operand];
						values[value][*element] * 2i128.pow(shift.into())
					},
				})
				.collect(),
			Node::Trees { input, forest } => {
				let mut sums = forest.base.iter().map(|x| i128::from(*x)).collect::<Vec<_>>();
				for tree in &forest.trees {
					for (output, vote) in reference_votes(tree, 0, &values[*input]) {
						sums[output] += i128::from(vote);
					}
				}
				sums
			},
			Node::ArgMax { input } => {
				let x = &values[*input];
				let largest = x.iter().max().unwrap();
				let label = match x.len() {
					1 => usize::from(x[0] > 0),
					_ => x.iter().position(|x| x == largest).unwrap(),
				};
				vec![label as i128]
			},
		});
	}
	values
}

#[test]
fn small_network_computes_by_hand() {
	let trace = small().infer(&[3, -5]).unwrap();
	// 10 + 3 + 10 = 23, −100 + 127·(−2) = −354; (23 + 4) >> 3 = 3, clamped to 0; 7 − 9.
	assert_eq!(trace.values, vec![vec![3, -5], vec![23, -354], vec![3, 0], vec![-2]]);
	assert_eq!(trace.output(), &[-2]);
	assert_eq!(small().dequantise_output(trace.output()), vec![-2.0 / 512.0]);
	assert_eq!((small().input_len(), small().output_len()), (2, 1));
}

#[test]
fn traces_do_not_print_their_values() {
	let text = format!("{:?}", small().infer(&[101, 102]).unwrap());
	assert!(!text.contains("101") && text.contains("widths"), "{text}");
}

#[test]
fn records_are_quantised_per_feature_and_saturate() {
	let network = QuantisedNetwork {
		input: InputSpec { exponents: vec![-2, 10], zero_points: vec![200, 0] },
		..small()
	};
	assert_eq!(network.quantise_input(&[1000.0, 0.01]).unwrap(), vec![50, 10]);
	assert_eq!(network.quantise_input(&[1e30, -1e30]).unwrap(), vec![127, -128]);
	assert_eq!(
		network.quantise_input(&[1.0]),
		Err(NetworkError::InputLength { expected: 2, found: 1 })
	);
	for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
		assert_eq!(network.quantise_input(&[1.0, bad]), Err(NetworkError::NotFinite { index: 1 }));
	}
}

#[test]
fn powers_of_two_are_exact() {
	for exponent in i8::MIN..=i8::MAX {
		assert_eq!(power_of_two(exponent), 2f64.powi(exponent.into()), "{exponent}");
	}
}

/// Every rule of `validate`, broken one at a time.
#[test]
fn broken_networks_are_refused_by_name() {
	let with = |change: &dyn Fn(&mut QuantisedNetwork)| {
		let mut network = small();
		change(&mut network);
		network.validate().unwrap_err()
	};
	use NetworkError as E;
	assert_eq!(with(&|n| n.name.clear()), E::Name { found: 0 });
	assert_eq!(with(&|n| n.name = "x".repeat(65)), E::Name { found: 65 });
	assert_eq!(with(&|n| n.name = "a\nb".into()), E::Name { found: 3 });
	assert_eq!(with(&|n| n.nodes.clear()), E::Nodes { found: 0 });
	assert_eq!(
		with(&|n| n.nodes =
			vec![Node::Requantise { input: 0, requantisation: Requantisation::relu(0) }; 1025]),
		E::Nodes { found: 1025 }
	);
	assert_eq!(with(&|n| n.input = InputSpec::uniform(0, 0)), E::Width { value: 0, found: 0 });
	assert_eq!(
		with(&|n| n.input = InputSpec::uniform(65_537, 0)),
		E::Width { value: 0, found: 65_537 }
	);
	assert_eq!(with(&|n| n.input.zero_points.push(0)), E::InputSpec { expected: 2, found: 3 });
	assert_eq!(with(&|n| n.input.exponents[1] = -101), E::Exponent { found: -101 });
	assert_eq!(with(&|n| n.output_exponent = 127), E::Exponent { found: 127 });
	assert_eq!(
		with(&|n| n.nodes[1] =
			Node::Requantise { input: 2, requantisation: Requantisation::relu(3) }),
		E::UnknownValue { node: 1, found: 2 }
	);
	assert_eq!(
		with(&|n| n
			.nodes
			.push(Node::Requantise { input: 2, requantisation: Requantisation::relu(0) })),
		E::Unused { value: 3 }
	);
	assert_eq!(
		with(&|n| {
			n.nodes.truncate(1);
			n.nodes.push(Node::Affine { input: 1, weights: vec![1; 2], bias: vec![0; 2] });
			let Node::Linear { bias, .. } = &mut n.nodes[0] else { unreachable!() };
			bias[0] = 1 << 17;
		}),
		E::NotNarrow { node: 1, limit: MAX_OPERAND_BITS, found: 19 }
	);
	let linear = |rows, columns, weights: usize, bias: usize| Node::Linear {
		input: 2,
		rows,
		columns,
		weights: vec![1; weights],
		bias: vec![0; bias],
	};
	assert_eq!(
		with(&|n| n.nodes[2] = linear(1, 3, 3, 1)),
		E::Operand { node: 2, expected: 3, found: 2 }
	);
	assert_eq!(
		with(&|n| n.nodes[2] = linear(1, 2, 3, 1)),
		E::Parameters { node: 2, what: "weights", expected: 2, found: 3 }
	);
	assert_eq!(
		with(&|n| n.nodes[2] = linear(1, 2, 2, 0)),
		E::Parameters { node: 2, what: "biases", expected: 1, found: 0 }
	);
	assert_eq!(with(&|n| n.nodes[2] = linear(0, 2, 0, 0)), E::Width { value: 3, found: 0 });
	assert_eq!(
		with(&|n| n.nodes[2] = linear(usize::MAX, 2, 0, 0)),
		E::Width { value: 3, found: usize::MAX }
	);
	assert_eq!(
		with(&|n| n.nodes[1] =
			Node::Requantise { input: 1, requantisation: Requantisation::relu(60) }),
		E::Shift { node: 1, found: 60 }
	);
	let add =
		|left_shift, right, right_shift| Node::Add { left: 3, left_shift, right, right_shift };
	assert_eq!(
		with(&|n| n.nodes.push(add(0, 2, 0))),
		E::Operand { node: 3, expected: 1, found: 2 }
	);
	assert_eq!(with(&|n| n.nodes.push(add(0, 3, 60))), E::Shift { node: 3, found: 60 });
	assert_eq!(with(&|n| n.nodes.push(add(59, 3, 0))), E::TooWide { node: 3, found: 69 });
}

/// A network with one node over a value of twelve elements: three planes of 2 × 2.
fn with_node(node: Node) -> Result<(), NetworkError> {
	let input = InputSpec::uniform(12, 0);
	QuantisedNetwork { input, nodes: vec![node], ..small() }.validate()
}

fn square_window() -> Window {
	Window {
		channels: 3,
		input: [2, 2],
		kernel: [2, 2],
		stride: [1, 1],
		dilation: [1, 1],
		pads: [0; 4],
	}
}

fn structure(expected: &'static str) -> Result<(), NetworkError> {
	Err(NetworkError::Structure { node: 0, expected })
}

#[test]
fn broken_convolutions_are_refused_by_name() {
	let conv = |convolution: Convolution, weights, bias| {
		with_node(Node::Conv {
			input: 0,
			convolution,
			weights: vec![1; weights],
			bias: vec![0; bias],
		})
	};
	let good = Convolution { window: square_window(), groups: 3, filters: 3 };
	assert_eq!(conv(good.clone(), 12, 3), Ok(()));
	let fits =
		structure("a window within its padded input, and groups that divide channels and filters");
	assert_eq!(conv(Convolution { groups: 2, ..good.clone() }, 12, 3), fits);
	assert_eq!(conv(Convolution { groups: 0, ..good.clone() }, 12, 3), fits);
	assert_eq!(conv(Convolution { filters: 4, ..good.clone() }, 12, 3), fits);
	let window = Window { kernel: [3, 2], ..square_window() };
	assert_eq!(conv(Convolution { window, ..good.clone() }, 12, 3), fits);
	let window = Window { channels: 6, ..square_window() };
	assert_eq!(
		conv(Convolution { window, ..good.clone() }, 12, 3),
		Err(NetworkError::Operand { node: 0, expected: 24, found: 12 })
	);
	let parameters =
		|what, expected, found| Err(NetworkError::Parameters { node: 0, what, expected, found });
	assert_eq!(conv(good.clone(), 11, 3), parameters("weights", 12, 11));
	assert_eq!(conv(good.clone(), 12, 2), parameters("biases", 3, 2));
	let affine = |weights, bias| {
		with_node(Node::Affine { input: 0, weights: vec![1; weights], bias: vec![0; bias] })
	};
	assert_eq!(affine(12, 12), Ok(()));
	assert_eq!(affine(1, 12), parameters("weights", 12, 1));
	assert_eq!(affine(12, 13), parameters("biases", 12, 13));
}

#[test]
fn broken_clamps_are_refused_by_name() {
	let clamp = |shifts: &[u8], low, high, leak| {
		let requantisation = Requantisation { shifts: shifts.to_vec(), low, high, leak };
		with_node(Node::Requantise { input: 0, requantisation })
	};
	assert_eq!(clamp(&[0, 59, 3], -300, -45, 59), Ok(()));
	let ends = structure("a clamp whose ends are 1 to 255 apart");
	for (low, high) in [(0, 0), (1, 0), (0, 256), (i16::MIN, i16::MAX)] {
		assert_eq!(clamp(&[0], low, high, 0), ends);
	}
	let groups = structure("shifts whose groups divide the value evenly");
	assert_eq!(clamp(&[], 0, 1, 0), groups);
	assert_eq!(clamp(&[0; 5], 0, 1, 0), groups);
	assert_eq!(clamp(&[0; 24], 0, 1, 0), groups);
	assert_eq!(clamp(&[0, 60], 0, 1, 0), Err(NetworkError::Shift { node: 0, found: 60 }));
	assert_eq!(clamp(&[0], 0, 1, 61), Err(NetworkError::Shift { node: 0, found: 61 }));
}

#[test]
fn broken_pools_and_gathers_are_refused_by_name() {
	let pool = |window| with_node(Node::MaxPool { input: 0, window });
	assert_eq!(pool(square_window()), Ok(()));
	assert_eq!(
		pool(Window { stride: [0, 1], ..square_window() }),
		Err(NetworkError::Width { value: 1, found: 0 })
	);
	assert_eq!(
		pool(Window { channels: 2, ..square_window() }),
		Err(NetworkError::Operand { node: 0, expected: 8, found: 12 })
	);
	assert_eq!(
		pool(Window { pads: [2, 0, 0, 0], ..square_window() }),
		structure("windows that read at least one element each")
	);
	let gather =
		|inputs: &[(usize, u8)], picks| with_node(Node::Gather { inputs: inputs.to_vec(), picks });
	let element = |operand, element| vec![Pick::Element { operand, element }];
	assert_eq!(gather(&[(0, 59 - 8)], element(0, 11)), Ok(()));
	assert_eq!(gather(&[(0, 0)], vec![]), Err(NetworkError::Width { value: 1, found: 0 }));
	assert_eq!(gather(&[(0, 0)], element(0, 12)), structure("elements that exist"));
	assert_eq!(gather(&[(0, 0)], element(1, 0)), structure("elements that exist"));
	assert_eq!(
		gather(&[(1, 0)], element(0, 0)),
		Err(NetworkError::UnknownValue { node: 0, found: 1 })
	);
	assert_eq!(gather(&[(0, 60)], element(0, 0)), Err(NetworkError::Shift { node: 0, found: 60 }));
	assert_eq!(
		gather(&[(0, 59)], element(0, 0)),
		Err(NetworkError::TooWide { node: 0, found: 68 })
	);
	assert_eq!(gather(&[], vec![Pick::Constant(1)]), Err(NetworkError::Unused { value: 0 }));
}

#[test]
fn broken_forests_are_refused_by_name() {
	let forest = |base: &[i32], nodes: Vec<TreeNode<i32>>| Forest {
		base: base.to_vec(),
		trees: vec![Tree { nodes }],
	};
	let trees = |forest| with_node(Node::Trees { input: 0, forest });
	let split = |feature, left| TreeNode::Split { feature, threshold: 0, left, right: 2 };
	let leaf = |output| TreeNode::Leaf(vec![(output, 1)]);
	assert_eq!(trees(forest(&[0], vec![split(11, 1), leaf(0), leaf(0)])), Ok(()));
	let broken =
		structure("decision trees over the elements of its operand, children after parents");
	assert_eq!(trees(forest(&[0], vec![split(12, 1), leaf(0), leaf(0)])), broken);
	assert_eq!(trees(forest(&[0], vec![split(0, 0), leaf(0), leaf(0)])), broken);
	assert_eq!(trees(forest(&[0], vec![leaf(1)])), broken);
	assert_eq!(trees(forest(&[], vec![leaf(0)])), broken);
	assert_eq!(trees(Forest { base: vec![0], trees: vec![] }), broken);
	let wide = QuantisedNetwork {
		nodes: vec![
			Node::Add { left: 0, left_shift: 1, right: 0, right_shift: 1 },
			Node::Trees { input: 1, forest: forest(&[0], vec![leaf(0)]) },
		],
		..small()
	};
	assert_eq!(
		wide.validate(),
		Err(NetworkError::NotNarrow { node: 1, limit: MAX_FEATURE_BITS, found: 10 })
	);
}

#[test]
fn small_files_cannot_ask_for_much_work() {
	// A window of 16 × 64 over planes of 64 × 64, for each of 16 filters: 2^6 weights per file byte.
	let window = Window {
		channels: 16,
		input: [64, 64],
		kernel: [33, 64],
		stride: [1, 1],
		dilation: [1, 1],
		pads: [16, 31, 16, 32],
	};
	let convolution = Convolution { window: window.clone(), groups: 1, filters: 16 };
	let conv = QuantisedNetwork {
		input: InputSpec::uniform(MAX_WIDTH, 0),
		nodes: vec![Node::Conv { input: 0, convolution, weights: vec![], bias: vec![] }],
		..small()
	};
	assert_eq!(conv.validate(), Err(NetworkError::Products { node: 0 }));
	let pools = QuantisedNetwork {
		nodes: (0..16).map(|input| Node::MaxPool { input, window: window.clone() }).collect(),
		..conv
	};
	assert_eq!(pools.validate(), Err(NetworkError::Products { node: 7 }));
}

#[test]
fn small_files_cannot_ask_for_much_memory() {
	let mut network = QuantisedNetwork { input: InputSpec::uniform(MAX_WIDTH, 0), ..small() };
	network.nodes = (0..MAX_NODES)
		.map(|input| Node::Requantise { input, requantisation: Requantisation::signed(0) })
		.collect();
	assert_eq!(network.validate(), Err(NetworkError::Elements { value: 64 }));
}

#[test]
fn trees_without_nodes_do_not_take_more_memory_than_their_file_may() {
	let trees = Node::Trees { input: 0, forest: Forest { base: vec![], trees: vec![] } };
	let mut bytes = QuantisedNetwork { nodes: vec![trees], ..small() }.encode();
	// The number of trees, and the output's exponent.
	bytes.truncate(bytes.len() - 2);
	let count = 12u32 << 20;
	bytes.extend(Compact(count).encode());
	bytes.resize(bytes.len() + count as usize + 1, 0);
	let error = QuantisedNetwork::decode(&bytes).unwrap_err().to_string();
	assert!(error.contains("memory limit"), "{error}");
}

#[test]
fn files_of_another_kind_are_refused() {
	let good = small().encode();
	let with = |position: usize, byte: u8| {
		let mut bytes = good.clone();
		bytes[position] = byte;
		QuantisedNetwork::decode(&bytes).unwrap_err()
	};
	let kind = NetworkError::FileKind { version: 2 };
	assert_eq!(QuantisedNetwork::decode(b""), Err(kind.clone()));
	assert_eq!(with(0, b'x'), kind);
	assert_eq!(with(8, 1), kind);
	let trailing = [good.as_slice(), &[0]].concat();
	assert!(matches!(QuantisedNetwork::decode(&trailing), Err(NetworkError::Damaged { .. })));
	for len in 0..good.len() {
		assert!(QuantisedNetwork::decode(&good[..len]).is_err(), "{len} bytes");
	}
}

#[test]
fn outputs_outside_the_bounds_do_not_pack() {
	let packing = OutputPacking::of(&small()).unwrap();
	// The first activation reaches 49, the second 255: −3·49 + 7 … 255 + 7 takes ten bits.
	assert_eq!((packing.bits, packing.per_element, packing.elements), (10, 24, 1));
	assert_eq!(packing.offset, 512);
	assert_eq!(packing.pack(&[-512]).unwrap(), vec![Fr::from(0u64)]);
	assert_eq!(packing.pack(&[511]).unwrap(), vec![Fr::from(1023u64)]);
	for found in [512, -513, i64::MIN, i64::MAX] {
		assert_eq!(packing.pack(&[found]), Err(PackingError::Range { index: 0, bits: 10, found }));
	}
	assert_eq!(packing.pack(&[]), Err(PackingError::Values { expected: 1, found: 0 }));
	assert_eq!(packing.unpack(&[]), Err(PackingError::Elements { expected: 1, found: 0 }));
	for foreign in [Fr::from(1024u64), -Fr::from(1u64)] {
		assert_eq!(packing.unpack(&[foreign]), Err(PackingError::Slots { index: 0 }));
	}
}

#[test]
fn outputs_that_need_too_many_public_inputs_are_refused() {
	let wide = |rows| {
		let network = QuantisedNetwork {
			nodes: vec![Node::Linear {
				input: 0,
				rows,
				columns: 2,
				weights: vec![1; rows * 2],
				bias: vec![0; rows],
			}],
			..small()
		};
		OutputPacking::of(&network)
	};
	// Nine bits a value, 27 to an element.
	assert_eq!(wide(16 * 27).unwrap().elements, 16);
	assert_eq!(wide(16 * 27 + 1), Err(PackingError::TooLong { found: 17, len: 433, bits: 9 }));
}

proptest! {
	#[test]
	fn inference_is_the_reference_program((network, input) in networks()) {
		let trace = network.infer(&input).unwrap();
		let values = trace.values.iter().map(|v| v.iter().map(|x| i128::from(*x)).collect());
		prop_assert_eq!(values.collect::<Vec<Vec<_>>>(), reference(&network, &input));
	}

	#[test]
	fn bounds_contain_every_trace((network, input) in networks()) {
		let bounds = network.bounds().unwrap();
		let trace = network.infer(&input).unwrap();
		prop_assert_eq!(bounds.len(), trace.values.len());
		for (bounds, values) in bounds.iter().zip(&trace.values) {
			prop_assert_eq!(bounds.len(), values.len());
			for (bound, value) in bounds.iter().zip(values) {
				prop_assert!(bound.contains(*value), "{value} outside {bound:?}");
			}
		}
	}

	#[test]
	fn bounds_of_one_linear_node_are_reached(weights: [i8; 4], bias: i32) {
		let network = QuantisedNetwork {
			input: InputSpec::uniform(4, 0),
			nodes: vec![Node::Linear {
				input: 0, rows: 1, columns: 4, weights: weights.to_vec(), bias: vec![bias],
			}],
			..small()
		};
		let bound = network.bounds().unwrap()[1][0];
		let extreme = |up: bool| weights.map(|w| if (w > 0) == up { 127 } else { -128 });
		prop_assert_eq!(network.infer(&extreme(true)).unwrap().output()[0], bound.high);
		prop_assert_eq!(network.infer(&extreme(false)).unwrap().output()[0], bound.low);
	}

	#[test]
	fn files_round_trip((network, _) in networks()) {
		let bytes = network.encode();
		prop_assert_eq!(QuantisedNetwork::decode(&bytes).unwrap(), network);
	}

	#[test]
	fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
		let _ = QuantisedNetwork::decode(&bytes);
		let headed = [small().encode()[..10].to_vec(), bytes].concat();
		let _ = QuantisedNetwork::decode(&headed);
	}

	#[test]
	fn mutated_files_are_refused_or_canonical(
		(network, input) in networks(),
		changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
	) {
		let mut bytes = network.encode();
		for (position, byte) in changes {
			let position = position.index(bytes.len());
			bytes[position] = byte;
		}
		if let Ok(decoded) = QuantisedNetwork::decode(&bytes) {
			prop_assert_eq!(decoded.encode(), bytes);
			let _ = decoded.infer(&input);
		}
	}

	#[test]
	fn outputs_pack_and_unpack((network, input) in networks()) {
		let trace = network.infer(&input).unwrap();
		let packing = OutputPacking::of(&network).unwrap();
		let packed = packing.pack(trace.output()).unwrap();
		prop_assert_eq!(packed.len(), packing.elements);
		prop_assert_eq!(packing.unpack(&packed).unwrap(), trace.output());
	}
}
