// SPDX-License-Identifier: Apache-2.0

use super::{
	matrix::{dot, inverse, multiply, transform, transpose, Matrix},
	*,
};
use ark_crypto_primitives::sponge::{
	poseidon::{PoseidonConfig, PoseidonSponge},
	CryptographicSponge, FieldBasedCryptographicSponge,
};
use ark_ff::{Field, MontFp};
use proofpod_primitives::Scalar;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

/// `vectors/poseidon.json`, which other implementations test against.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Vectors {
	permutations: Vec<PermutationVectors>,
	sponges: Vec<SpongeVector>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct PermutationVectors {
	width: usize,
	partial_rounds: usize,
	/// BLAKE2b-256 of all round constants, then the matrix, row by row.
	parameters: Scalar,
	first_round_constant: Scalar,
	first_matrix_element: Scalar,
	states: Vec<StateVector>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct StateVector {
	before: Vec<Scalar>,
	after: Vec<Scalar>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct SpongeVector {
	label: String,
	length: usize,
	width: usize,
	inputs: Vec<Scalar>,
	outputs: Vec<Scalar>,
}

fn scalars<'a>(elements: impl IntoIterator<Item = &'a Fr>) -> Vec<Scalar> {
	elements.into_iter().map(proofpod_verifier::encode_scalar).collect()
}

fn permuted(width: Width, state: &[Fr]) -> Vec<Fr> {
	let mut state = state.to_vec();
	width.permutation().permute(&mut state);
	state
}

fn permutation_vectors(width: Width) -> PermutationVectors {
	let Parameters { round_constants, matrix } = Parameters::generate(width);
	let all = scalars(round_constants.iter().chain(&matrix).flatten());
	let bytes: Vec<u8> = all.iter().flat_map(|element| element.0).collect();
	let big = -Fr::from(5u64);
	let states = [
		vec![Fr::ZERO; width.elements()],
		(0..width.elements() as u64).map(Fr::from).collect(),
		(0..width.elements() as u64).map(|i| big.pow([i + 1])).collect(),
	];
	PermutationVectors {
		width: width.elements(),
		partial_rounds: width.partial_rounds(),
		parameters: Scalar(proofpod_primitives::blake2_256(&bytes)),
		first_round_constant: all[0],
		first_matrix_element: scalars(&matrix[0])[0],
		states: states
			.into_iter()
			.map(|before| StateVector {
				after: scalars(&permuted(width, &before)),
				before: scalars(&before),
			})
			.collect(),
	}
}

fn vectors() -> Vectors {
	let inputs: Vec<Fr> =
		std::iter::once(-Fr::from(5u64)).chain((1u64..).map(Fr::from)).take(101).collect();
	let input = |length: usize| (Domain::Input, length, 1 + length.div_ceil(31), 1);
	let seal = |pads: usize| (Domain::Seal, pads, 1, pads);
	let sponges = [(Domain::OutputKey, 1, 1, 2)]
		.into_iter()
		.chain([1, 2, 3, 4, 9, 40].map(seal))
		.chain([4, 30, 31, 32, 64, 124, 240, 480, 784, 1024, 3072].map(input))
		.map(|(domain, length, count, outputs)| SpongeVector {
			label: domain.label().into(),
			length,
			width: Width::cheapest(count, outputs).elements(),
			inputs: scalars(&inputs[..count]),
			outputs: scalars(&*sponge(domain.tag(length), &inputs[..count], outputs)),
		})
		.collect();
	Vectors { permutations: WIDTHS.map(permutation_vectors).into(), sponges }
}

#[test]
fn everything_matches_the_vector_file() {
	let pinned: Vectors =
		serde_json::from_str(include_str!("../../vectors/poseidon.json")).unwrap();
	assert_eq!(vectors(), pinned);
}

/// Prints the vector file: `cargo test -p proofpod-zkml -- --ignored write_poseidon_vectors`.
#[test]
#[ignore = "writes the vector file, run by hand when the hash's version changes"]
fn write_poseidon_vectors() {
	let text = serde_json::to_string_pretty(&vectors()).unwrap();
	let path = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/poseidon.json");
	std::fs::write(path, text + "\n").unwrap();
}

/// The authors' test vectors for `poseidonperm_x5_255_3` and `poseidonperm_x5_255_5` (hadeshash,
/// `test_vectors.txt`).
#[test]
fn the_permutations_are_the_reference_implementations() {
	let expected: [Fr; 3] = [
		MontFp!("0x28ce19420fc246a05553ad1e8c98f5c9d67166be2c18e9e4cb4b4e317dd2a78a"),
		MontFp!("0x51f3e312c95343a896cfd8945ea82ba956c1118ce9b9859b6ea56637b4b1ddc4"),
		MontFp!("0x3b2b69139b235626a0bfb56c9527ae66a7bf486ad8c11c14d1da0c69bbe0f79a"),
	];
	assert_eq!(permuted(WIDTHS[0], &[0u64, 1, 2].map(Fr::from)), expected);
	let expected: [Fr; 5] = [
		MontFp!("0x2a918b9c9f9bd7bb509331c81e297b5707f6fc7393dcee1b13901a0b22202e18"),
		MontFp!("0x65ebf8671739eeb11fb217f2d5c5bf4a0c3f210e3f3cd3b08b5db75675d797f7"),
		MontFp!("0x2cc176fc26bc70737a696a9dfd1b636ce360ee76926d182390cdb7459cf585ce"),
		MontFp!("0x4dc4e29d283afd2a491fe6aef122b9a968e74eff05341f3cc23fda1781dcb566"),
		MontFp!("0x03ff622da276830b9451b88b85e6184fd6ae15c8ab3ee25a5667be8592cce3b1"),
	];
	assert_eq!(permuted(WIDTHS[1], &[0u64, 1, 2, 3, 4].map(Fr::from)), expected);
}

/// Full and partial rounds for 128 bits of security by eprint 2019/458, section 5.5, and eprint
/// 2023/537, with the margin of the former's section 5.4.
fn required_rounds(width: usize) -> (usize, usize) {
	const SECURITY: f64 = 128.0;
	const DEGREE: f64 = 5.0;
	let field = f64::from(Fr::MODULUS_BIT_SIZE);
	let t = width as f64;
	let log = |x: f64| x.ln() / DEGREE.ln();
	// Rounds that raise the degree to 2^bits.
	let rounds = |bits: f64| bits * log(2.0);
	let binomial = |over: usize, under: usize| -> f64 {
		(1..=under).map(|i| ((over - under + i) as f64 / i as f64).log2()).sum()
	};
	let resists = |full: usize, partial: usize| {
		let (r_f, r_p) = (full as f64, partial as f64);
		let statistical = SECURITY <= (field - 1.0 - (DEGREE - 1.0) / 2.0).floor() * (t + 1.0);
		let needed: [f64; 5] = [
			if statistical { 6.0 } else { 10.0 },
			// Interpolation.
			1.0 + rounds(SECURITY.min(field)).ceil() + log(t).ceil() - r_p,
			// Gröbner bases: of the whole, in subspaces, and with the partial rounds' variables.
			rounds(SECURITY.min(field)) - r_p,
			t - 1.0 + rounds((SECURITY / (t + 1.0)).min(field / 2.0)) - r_p,
			(t - 2.0 + SECURITY / (2.0 * DEGREE.log2()) - r_p) / (t - 1.0),
		];
		// Eprint 2023/537.
		let third = width / 3;
		let under = third * full / 2 + partial + 5;
		let over = (full - 1) * width + partial + third + under;
		needed.iter().all(|needed| r_f >= needed.ceil()) && 2.0 * binomial(over, under) >= SECURITY
	};
	let (full, partial) = (4..=20)
		.step_by(2)
		.flat_map(|full| (1..200).map(move |partial| (full, partial)))
		.filter(|(full, partial)| resists(*full, *partial))
		.map(|(full, partial)| (full + 2, (partial as f64 * 1.075).ceil() as usize))
		.min_by_key(|(full, partial)| (full * width + partial, *full))
		.unwrap();
	(full, partial.next_multiple_of(width))
}

#[test]
fn rounds_are_those_of_the_security_analysis() {
	for width in WIDTHS {
		let expected = (FULL_ROUNDS, width.partial_rounds());
		assert_eq!(required_rounds(width.elements()), expected, "{width:?}");
		assert!(2 * width.elements() <= width.partial_rounds());
	}
}

/// Whether `start, M·start, M²·start, …` span the whole space.
fn spans(matrix: &Matrix, start: &[Fr]) -> bool {
	let mut basis: Vec<(usize, Vec<Fr>)> = Vec::new();
	let mut vector = start.to_vec();
	for _ in 0..matrix.len() {
		let mut rest = vector.clone();
		for (pivot, other) in &basis {
			let factor = rest[*pivot];
			for (entry, other) in rest.iter_mut().zip(other) {
				*entry -= factor * other;
			}
		}
		let Some(pivot) = rest.iter().position(|entry| *entry != Fr::ZERO) else { return false };
		let inverse = rest[pivot].inverse().unwrap();
		rest.iter_mut().for_each(|entry| *entry *= inverse);
		basis.push((pivot, rest));
		vector = transform(matrix, &vector);
	}
	true
}

/// Eprint 2020/500; algorithms 1 to 3 of the authors' `generate_parameters_grain.sage`.
///
/// * An S-box that stays inactive: a subspace that `M` maps into itself and in which element 0 is
///   constant lies in the kernel of `e₀ᵀ·Mⁱ` for all `i`, which is zero when these rows span the
///   space.
/// * An S-box that is active at every `k`-th round at least: a subspace with `e₀` in it that `Mᵏ`
///   maps into itself holds the span of all `Mᵏⁱ·e₀`, which is the whole space.
#[test]
fn no_subspace_trail_is_infinitely_long() {
	for width in WIDTHS {
		let matrix = Parameters::generate(width).matrix;
		let mut first = vec![Fr::ZERO; width.elements()];
		first[0] = Fr::from(1u64);
		assert!(spans(&transpose(&matrix), &first));
		let mut power = matrix.clone();
		for period in 1..=4 * width.elements() {
			assert!(spans(&power, &first), "width {}, period {period}", width.elements());
			power = multiply(&power, &matrix);
		}
	}
	let swap = |[x, y]: [u64; 2]| vec![Fr::from(x), Fr::from(y)];
	let first = swap([1, 0]);
	assert!(spans(&vec![swap([0, 1]), swap([1, 0])], &first));
	assert!(!spans(&vec![swap([1, 0]), swap([0, 1])], &first), "this test can fail");
}

#[test]
fn matrices_are_cauchy_matrices() {
	for width in WIDTHS {
		let Parameters { round_constants, matrix } = Parameters::generate(width);
		assert_eq!(round_constants.len(), FULL_ROUNDS + width.partial_rounds());
		assert!(round_constants.iter().all(|row| row.len() == width.elements()));
		// `1/mᵢⱼ = xᵢ + yⱼ`: no entry is zero, all differences of rows are constant, and no two
		// rows or columns are equal. Then every square submatrix is invertible.
		let sums: Matrix =
			matrix.iter().map(|row| row.iter().map(|m| m.inverse().unwrap()).collect()).collect();
		for (i, row) in sums.iter().enumerate() {
			for (j, sum) in row.iter().enumerate() {
				assert_eq!(sum - &sums[0][j], row[0] - sums[0][0]);
				assert!(row[..j].iter().all(|other| other != sum));
				assert!(sums[..i].iter().all(|other| other[j] != *sum));
			}
		}
	}
}

#[test]
fn inverses_are_inverses() {
	for width in WIDTHS {
		let permutation = width.permutation();
		for layer in [0, FULL_ROUNDS / 2 - 1].map(|round| permutation.layer(round)) {
			let product = multiply(layer.matrix, layer.inverse);
			for (i, row) in product.iter().enumerate() {
				assert!(row.iter().enumerate().all(|(j, entry)| *entry == Fr::from(i == j)));
			}
			assert_eq!(product.len(), width.elements());
		}
		// What the circuit divides by: the same in every round.
		let determinants: Vec<Fr> = permutation
			.partial_rounds()
			.iter()
			.map(|round| round.from_output - dot(&round.from_passive, &round.to_passive))
			.collect();
		assert!(determinants.iter().all(|x| *x == determinants[0] && *x != Fr::ZERO));
	}
	assert!(inverse(&vec![vec![Fr::ZERO]]).is_none());
}

#[test]
fn the_cheapest_width_depends_on_the_number_of_elements_alone() {
	let width = |inputs, outputs| Width::cheapest(inputs, outputs).elements();
	let widths = [1, 2, 3, 4, 5, 8, 9, 16, 17, 29, 30, 35, 36, 101].map(|m| width(m, 1));
	assert_eq!(widths, [3, 3, 5, 5, 9, 9, 17, 17, 30, 30, 36, 36, 30, 36]);
	let widths = [1, 2, 3, 4, 5, 8, 9, 40].map(|e| width(1, e));
	assert_eq!(widths, [3, 3, 5, 5, 9, 9, 17, 30]);
	for (inputs, outputs) in [(0, 0), (0, 1), (1, 0)] {
		assert_eq!(Width::cheapest(inputs, outputs), Width::NARROWEST);
	}
	assert_eq!(WIDTHS[0].boxes(1, 2), 81 - 2);
	assert_eq!(WIDTHS[0].boxes(27, 1), 14 * 81 - 1);
	assert_eq!(WIDTHS[4].boxes(27, 1), 300 - 3);
	assert_eq!(WIDTHS[5].boxes(36, 36), 3 * 360 - 1);
}

#[test]
fn labels_fit_and_differ() {
	let domains = [Domain::Input, Domain::OutputKey, Domain::Seal];
	for domain in domains {
		assert!(domain.label().len() <= 23);
		for other in domains {
			assert_eq!(domain == other, domain.tag(1) == other.tag(1));
		}
		assert_ne!(domain.tag(1), domain.tag(2));
	}
	// Nothing was reduced: the tag reads back.
	let bytes = Domain::Seal.tag(0x0102_0304).into_bigint().0;
	assert_eq!(bytes[0], 0x0102_0304);
	assert_eq!(bytes[1].to_le_bytes(), *b"proofpod");
}

/// The definition: in each round constants, S-boxes, matrix.
fn defined(width: Width, state: &[Fr]) -> Vec<Fr> {
	let Parameters { round_constants, matrix } = Parameters::generate(width);
	let partial = FULL_ROUNDS / 2..FULL_ROUNDS / 2 + width.partial_rounds();
	let mut state = state.to_vec();
	for (round, constants) in round_constants.iter().enumerate() {
		for (element, constant) in state.iter_mut().zip(constants) {
			*element += constant;
		}
		let boxes = if partial.contains(&round) { 1 } else { width.elements() };
		for element in state.iter_mut().take(boxes) {
			*element = element.pow([5]);
		}
		state = transform(&matrix, &state);
	}
	state
}

fn element() -> impl Strategy<Value = Fr> {
	any::<[u8; 32]>().prop_map(|bytes| Fr::from_le_bytes_mod_order(&bytes))
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(8))]

	#[test]
	fn the_sparse_form_computes_the_permutation(
		elements in proptest::collection::vec(element(), 36),
	) {
		for width in WIDTHS {
			let state = &elements[..width.elements()];
			prop_assert_eq!(permuted(width, state), defined(width, state));
		}
	}

	/// arkworks' sponge, with the tag put into its capacity, gives the same outputs.
	#[test]
	fn the_sponge_is_that_of_arkworks(
		inputs in proptest::collection::vec(element(), 1..80),
		outputs in 1usize..80,
		length in 0usize..1000,
	) {
		let width = Width::cheapest(inputs.len(), outputs);
		let Parameters { round_constants, matrix } = Parameters::generate(width);
		let config = PoseidonConfig::new(
			FULL_ROUNDS,
			width.partial_rounds(),
			5,
			matrix,
			round_constants,
			width.rate(),
			1,
		);
		let tag = Domain::Input.tag(length);
		let mut theirs = PoseidonSponge::new(&config);
		theirs.state[0] = tag;
		theirs.absorb(&inputs);
		let expected = theirs.squeeze_native_field_elements(outputs);
		prop_assert_eq!(sponge(tag, &inputs, outputs).to_vec(), expected);
	}

	#[test]
	fn appended_zeroes_change_the_hash_by_way_of_the_length(
		inputs in proptest::collection::vec(element(), 1..4),
	) {
		let mut longer = inputs.clone();
		longer.push(Fr::ZERO);
		let hash = |inputs: &[Fr]| sponge(Domain::Input.tag(inputs.len()), inputs, 1)[0];
		prop_assert_ne!(hash(&inputs), hash(&longer));
	}
}
