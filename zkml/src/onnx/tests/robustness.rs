// SPDX-License-Identifier: Apache-2.0

//! Files that were damaged, by chance or on purpose: no panic, no long wait.

use super::*;
use proptest::prelude::*;
use std::time::{Duration, Instant};

/// What a small file may take at most; far more than any takes.
const PATIENCE: Duration = Duration::from_secs(10);

/// The committed models, and a small one of every kind.
fn seeds() -> Vec<Vec<u8>> {
	let committed = [
		include_bytes!("../../../../models/breast_cancer/breast_cancer.onnx").as_slice(),
		include_bytes!("../../../../models/digits/digits.onnx").as_slice(),
	];
	let mut seeds = committed.map(<[u8]>::to_vec).to_vec();
	let models = [convolutional(), quantised(), shapes()].into_iter().chain(classical::examples());
	seeds.extend(models.map(|model| model.encode_to_vec()));
	seeds
}

fn convolutional() -> ModelProto {
	let window = |node: NodeProto| {
		let node = with_ints(node, "kernel_shape", &[2, 2]);
		with_ints(with_ints(node, "pads", &[1, 0, 0, 1]), "strides", &[1, 2])
	};
	let nodes = vec![
		with_int(window(node("Conv", &["x", "w"], "c")), "group", 2),
		node("BatchNormalization", &["c", "one", "b", "b", "one"], "n"),
		node("Clip", &["n", "low", "high"], "r"),
		with_int(window(node("MaxPool", &["r"], "m")), "ceil_mode", 1),
		window(node("AveragePool", &["m"], "a")),
		with_float(node("LeakyRelu", &["a"], "l"), "alpha", 0.25),
		node("GlobalAveragePool", &["l"], "g"),
		node("Flatten", &["g"], "f"),
		node("Softmax", &["f"], "y"),
	];
	let constants = vec![
		floats("w", &[2, 1, 2, 2], &[0.5; 8]),
		floats("one", &[2], &[1.0, 2.0]),
		floats("b", &[2], &[0.5, -0.5]),
		floats("low", &[], &[0.0]),
		floats("high", &[], &[6.0]),
	];
	model(&[0, 2, 5, 6], nodes, constants)
}

fn quantised() -> ModelProto {
	let inputs = ["q", "s", "z", "w", "s", "wz", "s", "z"];
	let nodes = vec![
		node("QuantizeLinear", &["x", "s", "z"], "q"),
		node("QLinearConv", &inputs, "c"),
		node("DequantizeLinear", &["c", "s", "z"], "d"),
		node("Sub", &["d", "k"], "y"),
	];
	let constants = vec![
		floats("s", &[], &[0.05]),
		small("z", &[], data_type::UINT8, &[128]),
		small("w", &[1, 1, 2], data_type::INT8, &[100, -100]),
		small("wz", &[], data_type::INT8, &[0]),
		floats("k", &[1], &[0.5]),
	];
	model(&[1, 1, 4], nodes, constants)
}

fn shapes() -> ModelProto {
	let nodes = vec![
		with_ints(node("Transpose", &["x"], "t"), "perm", &[0, 2, 1]),
		node("Slice", &["t", "one", "three", "one"], "s"),
		node("Pad", &["s", "pads"], "p"),
		with_int(node("Concat", &["p", "p"], "c"), "axis", 2),
		node("Shape", &["c"], "h"),
		with_int(node("Gather", &["h", "one"], "g"), "axis", 0),
		with_int(node("Concat", &["one", "g", "minus"], "to"), "axis", 0),
		node("Reshape", &["c", "to"], "r"),
		with_ints(node("Unsqueeze", &["r"], "u"), "axes", &[0]),
		node("Squeeze", &["u", "zero"], "y"),
	];
	let constants = vec![
		integers("one", &[1]),
		integers("three", &[3]),
		integers("zero", &[0]),
		integers("minus", &[-1]),
		integers("pads", &[0, 1, 0, 0, 0, 1]),
	];
	model(&[1, 2, 4], nodes, constants)
}

#[test]
fn seeds_are_whole() {
	for seed in seeds() {
		let network = import(&seed).unwrap();
		let input = vec![0.5; network.input_len];
		assert!(network.output(&input).is_ok());
	}
}

#[test]
fn truncated_files_are_refused() {
	for seed in seeds() {
		let whole = import(&seed).unwrap();
		let mut without_metadata = 0;
		for len in 0..seed.len() {
			// What comes last are class names or the version of an operator set that may be absent.
			if let Ok(network) = import(&seed[..len]) {
				assert_eq!(network.nodes, whole.nodes);
				without_metadata += 1;
			}
		}
		assert!(without_metadata <= 1);
	}
}

#[test]
fn long_chains_fold_in_time() {
	// Constants that double, and thousands of small steps on one large value.
	let side = 250;
	let mut nodes = Vec::new();
	for index in 0..1000 {
		let (from, to) = (format!("v{index}"), format!("v{}", index + 1));
		let from = if index == 0 { "x" } else { &from };
		nodes.push(node(["Add", "Mul", "Clip", "Transpose"][index % 4], &[from, "c"], &to));
		if index % 4 >= 2 {
			nodes.last_mut().unwrap().input.truncate(1);
		}
	}
	nodes.last_mut().unwrap().output = strings(&["y"]);
	let started = Instant::now();
	let chain = model(&[1, side, side], nodes, vec![floats("c", &[1, 1], &[1.0])]);
	assert!(load(&chain).is_err(), "4096 values of 62,500 elements are too many");
	let mut doubled = vec![node("Relu", &["x"], "y")];
	for index in 0..40 {
		let (from, to) = (format!("k{index}"), format!("k{}", index + 1));
		doubled.push(with_int(node("Concat", &[&from, &from], &to), "axis", 0));
	}
	let message = refusal(&[1, 2], doubled, vec![integers("k0", &[1, 2])]);
	assert!(message.contains("elements in all computed constants"), "{message}");
	assert!(started.elapsed() < PATIENCE);
}

#[test]
fn windows_of_any_size_take_no_time() {
	let started = Instant::now();
	let large = 1i64 << 16;
	for (dims, kernel, pads) in [
		([1, 1, 256, 256], [256, 256], [0, 0, 0, 0]),
		([1, 65_536, 1, 1], [256, 256], [255, 255, 0, 0]),
		([1, 1, 1, 65_536], [1, large], [0, large - 1, 0, large - 1]),
		([1, 1, 1, 1], [large, large], [large, large, large, large]),
	] {
		for pool in ["MaxPool", "AveragePool"] {
			let pool = with_ints(node(pool, &["x"], "y"), "kernel_shape", &kernel);
			let pool = with_ints(pool, "pads", &pads);
			let _ = load(&model(&dims, vec![pool], vec![]));
		}
	}
	assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(4000))]

	#[test]
	fn mutated_models_never_panic(
		seed in any::<prop::sample::Index>(),
		changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
		removed in any::<prop::sample::Index>(),
		remove in any::<bool>(),
	) {
		let seeds = seeds();
		let mut bytes = seeds[seed.index(seeds.len())].clone();
		for (position, byte) in changes {
			let position = position.index(bytes.len());
			bytes[position] = byte;
		}
		if remove {
			let position = removed.index(bytes.len());
			bytes.remove(position);
		}
		let started = Instant::now();
		if let Ok(network) = import(&bytes) {
			let _ = network.evaluate(&vec![1.0; network.input_len]);
			let record = vec![1.0; network.input_len];
			let _ = crate::quantise::quantise(
				&network,
				&crate::quantise::QuantiseOptions::named("mutated"),
				&[record],
			);
		}
		prop_assert!(started.elapsed() < PATIENCE);
	}

	#[test]
	fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
		let _ = import(&bytes);
	}
}
