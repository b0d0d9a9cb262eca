// SPDX-License-Identifier: Apache-2.0

use super::*;
use ark_crypto_primitives::sponge::{
	poseidon::{PoseidonConfig, PoseidonSponge},
	CryptographicSponge, FieldBasedCryptographicSponge,
};
use ark_ff::MontFp;
use proofpod_primitives::Scalar;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

/// `vectors/poseidon.json`, which other implementations test against.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Vectors {
	/// BLAKE2b-256 of all round constants, then the matrix, row by row.
	parameters: Scalar,
	first_round_constant: Scalar,
	first_matrix_element: Scalar,
	permutations: Vec<Permutation>,
	hashes: Vec<Hash>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Permutation {
	before: [Scalar; WIDTH],
	after: [Scalar; WIDTH],
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Hash {
	label: String,
	length: usize,
	inputs: Vec<Scalar>,
	output: Scalar,
}

fn scalar(element: Fr) -> Scalar {
	proofpod_verifier::encode_scalar(&element)
}

fn vectors() -> Vectors {
	let Parameters { round_constants, matrix } = parameters();
	let all = round_constants.iter().chain(matrix).flatten();
	let bytes: Vec<u8> = all.flat_map(|element| scalar(*element).0).collect();
	let big = -Fr::from(5u64);
	let permutations = [[0u64, 0, 0], [0, 1, 2], [u64::MAX, 1 << 40, 7]]
		.map(|state| state.map(Fr::from))
		.into_iter()
		.chain([[big, big.square(), big.double()]])
		.map(|before| {
			let mut after = before;
			permute(&mut after);
			Permutation { before: before.map(scalar), after: after.map(scalar) }
		})
		.collect();
	let inputs = [big, Fr::from(1u64), Fr::from(2u64), Fr::from(3u64), Fr::ZERO];
	let hashes = [
		(Domain::OutputKey, 1, 1),
		(Domain::Seal, 2, 2),
		(Domain::Input, 30, 2),
		(Domain::Input, 64, 4),
		(Domain::Input, 124, 5),
	];
	let hashes = hashes
		.into_iter()
		.map(|(domain, length, count)| Hash {
			label: domain.label().into(),
			length,
			inputs: inputs[..count].iter().copied().map(scalar).collect(),
			output: scalar(hash(domain.tag(length), &inputs[..count])),
		})
		.collect();
	Vectors {
		parameters: Scalar(proofpod_primitives::blake2_256(&bytes)),
		first_round_constant: scalar(round_constants[0][0]),
		first_matrix_element: scalar(matrix[0][0]),
		permutations,
		hashes,
	}
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

/// The authors' test vector for `poseidonperm_x5_255_3` (hadeshash, `test_vectors.txt`).
#[test]
fn the_permutation_is_the_reference_implementations() {
	let mut state = [0u64, 1, 2].map(Fr::from);
	permute(&mut state);
	let expected: [Fr; WIDTH] = [
		MontFp!("0x28ce19420fc246a05553ad1e8c98f5c9d67166be2c18e9e4cb4b4e317dd2a78a"),
		MontFp!("0x51f3e312c95343a896cfd8945ea82ba956c1118ce9b9859b6ea56637b4b1ddc4"),
		MontFp!("0x3b2b69139b235626a0bfb56c9527ae66a7bf486ad8c11c14d1da0c69bbe0f79a"),
	];
	assert_eq!(state, expected);
}

#[test]
fn parameters_have_the_documented_shape() {
	let Parameters { round_constants, matrix } = parameters();
	assert_eq!(round_constants.len(), ROUNDS);
	assert_eq!((0..ROUNDS).filter(|round| is_full(*round)).count(), FULL_ROUNDS);
	// Every square submatrix of a maximum-distance-separable matrix is invertible: here those of
	// size one and two.
	for (i, j) in (0..WIDTH).flat_map(|i| (0..WIDTH).map(move |j| (i, j))) {
		assert_ne!(matrix[i][j], Fr::ZERO);
		for (k, l) in [(i + 1, j + 1), (i + 1, j + 2), (i + 2, j + 1)] {
			let (k, l) = (k % WIDTH, l % WIDTH);
			assert_ne!(matrix[i][j] * matrix[k][l], matrix[i][l] * matrix[k][j]);
		}
	}
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

fn element() -> impl Strategy<Value = Fr> {
	any::<[u8; 32]>().prop_map(|bytes| Fr::from_le_bytes_mod_order(&bytes))
}

proptest! {
	/// arkworks' sponge, with the tag put into its capacity, gives the same hash.
	#[test]
	fn the_hash_is_that_of_arkworks(
		inputs in proptest::collection::vec(element(), 1..7),
		length in 0usize..1000,
	) {
		let Parameters { round_constants, matrix } = parameters();
		let config = PoseidonConfig::new(
			FULL_ROUNDS,
			PARTIAL_ROUNDS,
			5,
			matrix.iter().map(|row| row.to_vec()).collect(),
			round_constants.iter().map(|row| row.to_vec()).collect(),
			RATE,
			WIDTH - RATE,
		);
		let tag = Domain::Input.tag(length);
		let mut sponge = PoseidonSponge::new(&config);
		sponge.state[0] = tag;
		sponge.absorb(&inputs);
		prop_assert_eq!(sponge.squeeze_native_field_elements(1), vec![hash(tag, &inputs)]);
	}

	#[test]
	fn appended_zeroes_change_the_hash_by_way_of_the_length(inputs in proptest::collection::vec(element(), 1..4)) {
		let mut longer = inputs.clone();
		longer.push(Fr::ZERO);
		let tag = |inputs: &[Fr]| Domain::Input.tag(inputs.len());
		prop_assert_ne!(hash(tag(&inputs), &inputs), hash(tag(&longer), &longer));
	}
}
