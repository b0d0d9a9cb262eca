// SPDX-License-Identifier: Apache-2.0

//! The permutation, with its partial rounds in coordinates in which they are sparse.
//!
//! # Sparse partial rounds
//!
//! Write the matrix as `[[m, w], [a, N]]`, `m` a number, `N` a matrix, and the state as its element
//! 0, `u`, and the passive rest `v`. Round `r` of `R` partial rounds maps
//!
//! ```text
//! z = uᵣ⁵     uᵣ₊₁ = m·z + w·vᵣ + c     vᵣ₊₁ = a·z + N·vᵣ + d
//! ```
//!
//! with `(c, d)` the constants of the next round. Let `h₀` be the constants on `v₀` and `hᵣ₊₁ =
//! N·hᵣ + d`: what the constants alone make of `v`. In the coordinates `xᵣ = Nᴿ⁻ʳ·(vᵣ − hᵣ)` a
//! round is
//!
//! ```text
//! uᵣ₊₁ = m·z + (w·N⁻⁽ᴿ⁻ʳ⁾)·xᵣ + (w·hᵣ + c)     xᵣ₊₁ = xᵣ + (Nᴿ⁻ʳ⁻¹·a)·z
//! ```
//!
//! `2·width − 1` products instead of `width²`. The mixing before the first partial round also
//! changes to these coordinates, at no cost; after the last, `v_R = x_R + h_R`. This is the
//! factorisation of the paper's appendix B, whose dense factors are all powers of `N`.

use super::{
	matrix::{dot, inverse, multiply, power, transform, transpose, Matrix},
	Width, FULL_ROUNDS,
};
use ark_bls12_381::Fr;
use ark_crypto_primitives::sponge::poseidon::find_poseidon_ark_and_mds;
use ark_ff::{AdditiveGroup, Field, PrimeField};
use zeroize::Zeroizing;

/// What defines a permutation: in each round constants, S-boxes, matrix.
#[derive(Clone, Debug)]
pub struct Parameters {
	/// Added to the state before the S-boxes, one vector a round.
	pub round_constants: Vec<Vec<Fr>>,
	/// Row-major; multiplies the state after the S-boxes.
	pub matrix: Vec<Vec<Fr>>,
}

impl Parameters {
	/// The output of the Grain LFSR.
	pub fn generate(width: Width) -> Self {
		let (round_constants, matrix) = find_poseidon_ark_and_mds::<Fr>(
			u64::from(Fr::MODULUS_BIT_SIZE),
			width.rate(),
			FULL_ROUNDS as u64,
			width.partial_rounds() as u64,
			0,
		);
		Self { round_constants, matrix }
	}
}

/// `x⁵`.
pub(crate) fn fifth_power(x: Fr) -> Fr {
	x.square().square() * x
}

/// A permutation, ready to compute.
#[derive(Debug)]
pub(crate) struct Permutation {
	/// Added before the first round.
	first_constants: Vec<Fr>,
	/// After the S-boxes of every full round but the one before the partial rounds.
	mixing: Mixing,
	/// After the S-boxes of that one.
	entry: Mixing,
	/// By full round, added after its mixing: the next round's.
	constants: Vec<Vec<Fr>>,
	partial: Vec<PartialRound>,
	/// `h_R`, added to the passive elements after the partial rounds.
	passive_constants: Vec<Fr>,
}

/// A matrix and its inverse.
#[derive(Debug)]
struct Mixing {
	forward: Matrix,
	backward: Matrix,
}

impl Mixing {
	fn new(forward: Matrix) -> Self {
		// Tests multiply the two: no matrix in use is singular.
		let backward = inverse(&forward).unwrap_or_default();
		Self { forward, backward }
	}
}

/// What follows the S-boxes of a full round: `matrix · outputs + constants`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layer<'a> {
	/// Row-major.
	pub(crate) matrix: &'a Matrix,
	/// The matrix's inverse.
	pub(crate) inverse: &'a Matrix,
	/// One for each element.
	pub(crate) constants: &'a [Fr],
}

impl Layer<'_> {
	/// The next state.
	pub(crate) fn apply(&self, outputs: &[Fr], next: &mut [Fr]) {
		for ((element, row), constant) in next.iter_mut().zip(self.matrix).zip(self.constants) {
			*element = dot(row, outputs) + constant;
		}
	}
}

/// A partial round, from its S-box to before the next round's.
#[derive(Debug)]
pub(crate) struct PartialRound {
	/// `m`.
	pub(crate) from_output: Fr,
	/// `w·N⁻⁽ᴿ⁻ʳ⁾`.
	pub(crate) from_passive: Vec<Fr>,
	/// `w·hᵣ + c`.
	pub(crate) constant: Fr,
	/// `Nᴿ⁻ʳ⁻¹·a`.
	pub(crate) to_passive: Vec<Fr>,
}

impl PartialRound {
	/// The next state, given the S-box's output.
	pub(crate) fn apply(&self, output: Fr, state: &mut [Fr]) {
		let Some((active, passive)) = state.split_first_mut() else { return };
		*active = self.from_output * output + dot(&self.from_passive, passive) + self.constant;
		for (element, factor) in passive.iter_mut().zip(&self.to_passive) {
			*element += output * factor;
		}
	}
}

impl Permutation {
	/// Brings parameters into the sparse form.
	pub(super) fn new(parameters: Parameters) -> Self {
		let Parameters { round_constants, matrix } = parameters;
		let half = FULL_ROUNDS / 2;
		let partial_rounds = round_constants.len() - FULL_ROUNDS;
		let (from_output, row) = (matrix[0][0], &matrix[0][1..]);
		let column: Vec<Fr> = matrix[1..].iter().map(|row| row[0]).collect();
		let block: Matrix = matrix[1..].iter().map(|row| row[1..].to_vec()).collect();

		let mut entry = multiply(&power(&block, partial_rounds), &matrix[1..].to_vec());
		entry.insert(0, matrix[0].clone());

		let mut passive_constants = round_constants[half][1..].to_vec();
		let mut partial: Vec<PartialRound> = round_constants[half + 1..=half + partial_rounds]
			.iter()
			.map(|next| {
				let constant = dot(row, &passive_constants) + next[0];
				passive_constants = transform(&block, &passive_constants);
				for (element, constant) in passive_constants.iter_mut().zip(&next[1..]) {
					*element += constant;
				}
				let (from_passive, to_passive) = Default::default();
				PartialRound { from_output, from_passive, constant, to_passive }
			})
			.collect();
		let block_inverse = transpose(&inverse(&block).unwrap_or_default());
		let (mut from_passive, mut to_passive) = (row.to_vec(), column);
		for round in partial.iter_mut().rev() {
			from_passive = transform(&block_inverse, &from_passive);
			round.from_passive.clone_from(&from_passive);
			round.to_passive.clone_from(&to_passive);
			to_passive = transform(&block, &to_passive);
		}

		let zeroes = vec![Fr::ZERO; matrix.len()];
		let mut into_partial = zeroes.clone();
		into_partial[0] = round_constants[half][0];
		let mut constants = round_constants[1..half].to_vec();
		constants.push(into_partial);
		constants.extend_from_slice(&round_constants[half + partial_rounds + 1..]);
		constants.push(zeroes);
		Self {
			first_constants: round_constants[0].clone(),
			mixing: Mixing::new(matrix),
			entry: Mixing::new(entry),
			constants,
			partial,
			passive_constants,
		}
	}

	/// Added to the state before the first round.
	pub(crate) fn first_constants(&self) -> &[Fr] {
		&self.first_constants
	}

	/// What follows the S-boxes of a full round, counted from 0 without the partial rounds.
	pub(crate) fn layer(&self, round: usize) -> Layer<'_> {
		let mixing = if round + 1 == FULL_ROUNDS / 2 { &self.entry } else { &self.mixing };
		Layer {
			matrix: &mixing.forward,
			inverse: &mixing.backward,
			constants: &self.constants[round],
		}
	}

	/// The partial rounds.
	pub(crate) fn partial_rounds(&self) -> &[PartialRound] {
		&self.partial
	}

	/// Added to elements 1, 2, … after the partial rounds.
	pub(crate) fn passive_constants(&self) -> &[Fr] {
		&self.passive_constants
	}

	/// Permutes a state of as many elements as the width.
	pub(super) fn permute(&self, state: &mut [Fr]) {
		add(state, &self.first_constants);
		let mut boxed = Zeroizing::new(vec![Fr::ZERO; state.len()]);
		for round in 0..FULL_ROUNDS {
			if round == FULL_ROUNDS / 2 {
				for partial in &self.partial {
					partial.apply(fifth_power(state[0]), state);
				}
				add(&mut state[1..], &self.passive_constants);
			}
			for (output, input) in boxed.iter_mut().zip(&*state) {
				*output = fifth_power(*input);
			}
			self.layer(round).apply(&boxed, state);
		}
	}
}

fn add(state: &mut [Fr], constants: &[Fr]) {
	for (element, constant) in state.iter_mut().zip(constants) {
		*element += constant;
	}
}
