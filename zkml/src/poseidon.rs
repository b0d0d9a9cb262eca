// SPDX-License-Identifier: Apache-2.0

//! The Poseidon hash over BLS12-381's scalar field.
//!
//! # Permutations
//!
//! S-box x⁵, 8 full rounds, and as many partial rounds as 128 bits of security ask for at each of
//! the [`WIDTHS`] (Grassi, Khovratovich, Rechberger, Roy, Schofnegger, *Poseidon: A New Hash
//! Function for Zero-Knowledge Proof Systems*, eprint 2019/458, sections 5.4 and 5.5). The rule is
//! that of the authors' scripts, and the tests state it: the fewest S-boxes that satisfy the
//! paper's inequalities and the condition of eprint 2023/537 (Ashur, Buschman, Mahzoun), then two
//! more full and 7.5 % more partial rounds, then partial rounds up to a multiple of the width.
//! Widths 3 and 5 are the authors' instances `poseidonperm_x5_255_3` and `poseidonperm_x5_255_5`,
//! and reproduce their test vectors.
//!
//! Round constants and the Cauchy matrix come from the paper's Grain LFSR (appendix F), which is
//! seeded with field, width and rounds. A Cauchy matrix is maximum-distance separable. It must
//! also let no subspace pass through all partial rounds (eprint 2020/500: Grassi, Rechberger,
//! Schofnegger, *Proving Resistance Against Infinitely Long Subspace Trails*); the authors'
//! generator checks that and draws again. The tests do the same check: for every width the first
//! matrix drawn passes.
//!
//! No width is more than half its number of partial rounds: an attacker who starts in the middle
//! can pick a subspace that passes `width − 1` partial rounds without touching an S-box (section
//! 5.5 of the paper), and at least as many are left.
//!
//! # Sponge
//!
//! Rate `width − 1`, capacity 1 (section 4.1 of the paper). The capacity, element 0 of the state,
//! starts as a tag that no two uses share (section 4.2: domain separation in the capacity); the
//! other elements start as zero. Inputs are added to elements 1, 2, …, as many as the rate at a
//! time, with a permutation after each block; the last block is filled with zeroes, which the
//! length in the tag makes unambiguous. Outputs are elements 1, 2, … of the state, with a
//! permutation between blocks.
//!
//! * Tag: `length + 2^64 · label`, where the label is the domain's ASCII text read as a
//!   little-endian number and the length is what the [domain](Domain) says.
//! * Width: the one with the fewest S-boxes to prove for that number of inputs and outputs,
//!   [`Width::cheapest`]. It is a function of tag and domain, so the tag separates widths, too; and
//!   different widths are different permutations.
//!
//! `vectors/poseidon.json` pins all of it.

mod matrix;
mod permutation;
#[cfg(test)]
mod tests;

pub(crate) use matrix::dot;
pub use permutation::Parameters;
pub(crate) use permutation::{fifth_power, Layer, PartialRound, Permutation};

use ark_bls12_381::Fr;
use ark_ff::{AdditiveGroup, PrimeField};
use std::sync::OnceLock;
use zeroize::Zeroizing;

/// Rounds with an S-box on every element, half of them before the partial rounds.
pub const FULL_ROUNDS: usize = 8;

/// The permutations, by ascending width.
///
/// Few widths give every length a cost near the best: 3 and 5 are the authors' own, 9 and 17 are
/// common elsewhere, and at 30 and 36 all elements of an image of 28 × 28 or 32 × 32 pixels are
/// absorbed at once.
pub const WIDTHS: [Width; 6] = [
	Width { elements: 3, partial_rounds: 57 },
	Width { elements: 5, partial_rounds: 60 },
	Width { elements: 9, partial_rounds: 63 },
	Width { elements: 17, partial_rounds: 68 },
	Width { elements: 30, partial_rounds: 60 },
	Width { elements: 36, partial_rounds: 72 },
];

/// A permutation's dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Width {
	elements: usize,
	partial_rounds: usize,
}

impl Width {
	/// The smallest.
	pub const NARROWEST: Self = WIDTHS[0];

	/// The width at which absorbing `inputs` and squeezing `outputs` elements takes the fewest
	/// [S-boxes](Self::boxes); among equals the smallest.
	pub fn cheapest(inputs: usize, outputs: usize) -> Self {
		// `min_by_key` keeps the first of equals.
		WIDTHS
			.into_iter()
			.min_by_key(|width| width.boxes(inputs, outputs))
			.unwrap_or(Self::NARROWEST)
	}

	/// Elements of the state.
	pub fn elements(self) -> usize {
		self.elements
	}

	/// Elements that one permutation absorbs, or gives.
	pub fn rate(self) -> usize {
		self.elements - 1
	}

	/// Rounds with an S-box on element 0 only.
	pub fn partial_rounds(self) -> usize {
		self.partial_rounds
	}

	/// S-boxes to prove for a sponge: `8·width + partial rounds` in each of its `⌈inputs/rate⌉ +
	/// ⌈outputs/rate⌉ − 1` permutations, less the first ones of those elements that are constant
	/// when the first permutation begins: the tag, and what the inputs do not fill.
	pub fn boxes(self, inputs: usize, outputs: usize) -> usize {
		let blocks = |elements: usize| elements.div_ceil(self.rate()).max(1);
		let permutations = blocks(inputs) + blocks(outputs) - 1;
		let constant = self.elements - inputs.min(self.rate());
		permutations * (FULL_ROUNDS * self.elements + self.partial_rounds) - constant
	}

	/// The permutation, generated at first use.
	pub(crate) fn permutation(self) -> &'static Permutation {
		static PERMUTATIONS: [OnceLock<Permutation>; WIDTHS.len()] =
			[const { OnceLock::new() }; WIDTHS.len()];
		let index = WIDTHS.iter().position(|width| *width == self).unwrap_or(0);
		PERMUTATIONS[index].get_or_init(|| Permutation::new(Parameters::generate(self)))
	}
}

/// What is hashed: no hash of one domain is a hash of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
	/// A job's input. Length: number of int8 values, before packing.
	Input,
	/// An output key. Length: 1.
	OutputKey,
	/// Pads that seal the elements of an output after the first. Length: number of pads.
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

/// Absorbs field elements under a [tag](Domain::tag), at least one, and squeezes `outputs` others,
/// at least one, at the [cheapest](Width::cheapest) width.
pub fn sponge(tag: Fr, inputs: &[Fr], outputs: usize) -> Zeroizing<Vec<Fr>> {
	let width = Width::cheapest(inputs.len(), outputs);
	let permutation = width.permutation();
	let mut state = Zeroizing::new(vec![Fr::ZERO; width.elements()]);
	state[0] = tag;
	for block in inputs.chunks(width.rate()) {
		for (element, input) in state.iter_mut().skip(1).zip(block) {
			*element += input;
		}
		permutation.permute(&mut state);
	}
	let mut squeezed = Zeroizing::new(Vec::with_capacity(outputs + width.rate()));
	squeezed.extend_from_slice(&state[1..]);
	while squeezed.len() < outputs {
		permutation.permute(&mut state);
		squeezed.extend_from_slice(&state[1..]);
	}
	squeezed.truncate(outputs);
	squeezed
}
