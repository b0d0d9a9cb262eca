// SPDX-License-Identifier: Apache-2.0

use super::*;
use ark_bls12_381::Fr;
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

/// Networks of up to seven nodes with skips, additions and both clamps, and an input for each.
pub(crate) fn networks() -> impl Strategy<Value = (QuantisedNetwork, Vec<i8>)> {
	let steps = proptest::collection::vec((0u8..4, any::<[u8; 4]>(), any::<u64>()), 1..7);
	(1usize..6, steps, any::<u64>()).prop_map(|(inputs, steps, seed)| {
		let mut stream = Stream(seed);
		let mut widths = vec![inputs];
		let mut narrow = vec![true];
		let mut nodes = Vec::new();
		for (kind, [a, b, c, d], seed) in steps {
			stream.0 ^= seed;
			let last = widths.len() - 1;
			let node = match kind {
				0 | 1 if narrow[last] => {
					let (rows, columns) = (usize::from(a) % 5 + 1, widths[last]);
					Node::Linear {
						input: last,
						rows,
						columns,
						weights: (0..rows * columns).map(|_| stream.next() as i8).collect(),
						bias: (0..rows).map(|_| stream.next() as i32 >> (b % 32)).collect(),
					}
				},
				2 => {
					let same =
						(0..=last).filter(|v| widths[*v] == widths[last]).collect::<Vec<_>>();
					let right = same[usize::from(a) % same.len()];
					Node::Add { left: last, left_shift: b % 4, right, right_shift: c % 4 }
				},
				_ if d.is_multiple_of(2) => {
					Node::Requantise { input: last, requantisation: Requantisation::relu(a % 24) }
				},
				_ => {
					Node::Requantise { input: last, requantisation: Requantisation::signed(a % 24) }
				},
			};
			widths.push(match &node {
				Node::Linear { rows, .. } => *rows,
				_ => widths[last],
			});
			narrow.push(matches!(node, Node::Requantise { .. }));
			nodes.push(node);
		}
		let network = QuantisedNetwork {
			name: "random".into(),
			input: InputSpec {
				exponents: (0..inputs).map(|_| (stream.next() % 20) as i8 - 10).collect(),
				zero_points: (0..inputs).map(|_| stream.next() as i32 >> 20).collect(),
			},
			nodes,
			output_exponent: 5,
		};
		let input = (0..inputs).map(|_| stream.next() as i8).collect();
		(network, input)
	})
}

/// SplitMix64: deterministic numbers for a test.
struct Stream(u64);

impl Stream {
	fn next(&mut self) -> u64 {
		self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
		let mut z = self.0;
		z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
		z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
		z ^ (z >> 31)
	}
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
			Node::Add { left, left_shift, right, right_shift } => (0..values[*left].len())
				.map(|i| {
					values[*left][i] * 2i128.pow((*left_shift).into())
						+ values[*right][i] * 2i128.pow((*right_shift).into())
				})
				.collect(),
			Node::Requantise { input, requantisation } => values[*input]
				.iter()
				.map(|x| {
					let step = 2i128.pow(requantisation.shifts[0].into());
					let rounding = if step == 1 { 0 } else { step / 2 };
					let rounded = (x + rounding).div_euclid(step);
					rounded.clamp(requantisation.low.into(), requantisation.high.into())
				})
				.collect(),
			other => unreachable!("{other:?}"),
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
			n.nodes[2] =
				Node::Linear { input: 1, rows: 1, columns: 2, weights: vec![1; 2], bias: vec![0] }
		}),
		E::NotNarrow { node: 2, limit: MAX_OPERAND_BITS, found: 17 }
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

#[test]
fn small_files_cannot_ask_for_much_memory() {
	let mut network = QuantisedNetwork { input: InputSpec::uniform(MAX_WIDTH, 0), ..small() };
	network.nodes = (0..MAX_NODES)
		.map(|input| Node::Requantise { input, requantisation: Requantisation::signed(0) })
		.collect();
	assert_eq!(network.validate(), Err(NetworkError::Elements { value: 64 }));
}

#[test]
fn files_of_another_kind_are_refused() {
	let good = small().encode();
	let with = |position: usize, byte: u8| {
		let mut bytes = good.clone();
		bytes[position] = byte;
		QuantisedNetwork::decode(&bytes).unwrap_err()
	};
	let kind = NetworkError::FileKind { version: 1 };
	assert_eq!(QuantisedNetwork::decode(b""), Err(kind.clone()));
	assert_eq!(with(0, b'x'), kind);
	assert_eq!(with(8, 2), kind);
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
