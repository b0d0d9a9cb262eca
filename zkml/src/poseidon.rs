// SPDX-License-Identifier: Apache-2.0

//! The Poseidon hash over BLS12-381's scalar field.
//!
//! * Permutation: width 3, S-box x⁵, 8 full and 57 partial rounds, for 128 bits of security
//!   (Grassi, Khovratovich, Rechberger, Roy, Schofnegger, *Poseidon: A New Hash Function for
//!   Zero-Knowledge Proof Systems*, eprint 2019/458, section 5.4 and table 2). Round constants and
//!   the Cauchy matrix come from the paper's Grain LFSR (appendix F); the permutation is the one
//!   of the authors' reference implementation, `poseidonperm_x5_255_3`, and reproduces its test
//!   vector.
//! * Hash: a sponge of rate 2 and capacity 1 (section 4.1 of the paper). The capacity, element 0
//!   of the state, starts as a tag that no two uses share (section 4.2: domain separation in the
//!   capacity); inputs are added to elements 1 and 2, pair by pair, with a permutation after each
//!   pair; the last pair is filled with zero, which the length in the tag makes unambiguous. The
//!   output is element 1. `⌈inputs/2⌉` permutations.
//! * Tag: `length + 2^64 · label`, where the label is the domain's ASCII text read as a
//!   little-endian number and the length is what the [domain](Domain) says.
//!
//! `vectors/poseidon.json` pins all of it.

use ark_bls12_381::Fr;
use ark_crypto_primitives::sponge::poseidon::find_poseidon_ark_and_mds;
use ark_ff::{AdditiveGroup, Field, PrimeField};
use std::sync::LazyLock;

/// Elements of the state.
pub const WIDTH: usize = 3;
/// Elements that one permutation absorbs.
pub const RATE: usize = 2;
/// Rounds with an S-box on every element, half of them before the partial rounds.
pub const FULL_ROUNDS: usize = 8;
/// Rounds with an S-box on element 0 only.
pub const PARTIAL_ROUNDS: usize = 57;
/// All rounds.
pub const ROUNDS: usize = FULL_ROUNDS + PARTIAL_ROUNDS;

/// Round constants and matrix.
#[derive(Debug)]
pub struct Parameters {
	/// Added to the state before the S-boxes of each round.
	pub round_constants: Vec<[Fr; WIDTH]>,
	/// Row-major; multiplies the state after the S-boxes.
	pub matrix: [[Fr; WIDTH]; WIDTH],
}

/// The parameters, generated at first use.
pub fn parameters() -> &'static Parameters {
	static PARAMETERS: LazyLock<Parameters> = LazyLock::new(|| {
		let (constants, matrix) = find_poseidon_ark_and_mds::<Fr>(
			u64::from(Fr::MODULUS_BIT_SIZE),
			RATE,
			FULL_ROUNDS as u64,
			PARTIAL_ROUNDS as u64,
			0,
		);
		let array = |row: &Vec<Fr>| -> [Fr; WIDTH] { std::array::from_fn(|i| row[i]) };
		Parameters {
			round_constants: constants.iter().map(array).collect(),
			matrix: std::array::from_fn(|i| array(&matrix[i])),
		}
	});
	&PARAMETERS
}

/// Whether a round has an S-box on every element.
pub(crate) fn is_full(round: usize) -> bool {
	!(FULL_ROUNDS / 2..FULL_ROUNDS / 2 + PARTIAL_ROUNDS).contains(&round)
}

/// The permutation: in each round constants, S-boxes, matrix.
pub fn permute(state: &mut [Fr; WIDTH]) {
	let Parameters { round_constants, matrix } = parameters();
	for (round, constants) in round_constants.iter().enumerate() {
		for (element, constant) in state.iter_mut().zip(constants) {
			*element += constant;
		}
		let boxes = if is_full(round) { WIDTH } else { 1 };
		for element in state.iter_mut().take(boxes) {
			*element *= element.square().square();
		}
		*state = matrix.map(|row| row.iter().zip(&*state).map(|(m, element)| *m * element).sum());
	}
}

/// What is hashed: no hash of one domain is a hash of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
	/// A job's input. Length: number of int8 values, before packing.
	Input,
	/// An output key. Length: 1.
	OutputKey,
	/// A pad that seals one element of the output. Length: 2.
	Seal,
}

impl Domain {
	/// The domain's text, at most 23 bytes.
	pub fn label(self) -> &'static str {
		match self {
			Self::Input => "proofpod/input/v1",
			Self::OutputKey => "proofpod/output-key/v1",
			Self::Seal => "proofpod/seal/v1",
		}
	}

	/// What the capacity starts as.
	pub fn tag(self, length: usize) -> Fr {
		let mut bytes = (length as u64).to_le_bytes().to_vec();
		bytes.extend_from_slice(self.label().as_bytes());
		Fr::from_le_bytes_mod_order(&bytes)
	}
}

/// Hashes field elements under a [tag](Domain::tag).
pub fn hash(tag: Fr, inputs: &[Fr]) -> Fr {
	let mut state = [tag, Fr::ZERO, Fr::ZERO];
	for pair in inputs.chunks(RATE) {
		for (element, input) in state.iter_mut().skip(1).zip(pair) {
			*element += input;
		}
		permute(&mut state);
	}
	state[1]
}

#[cfg(test)]
mod tests;
