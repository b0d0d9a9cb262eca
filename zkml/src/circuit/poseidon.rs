// SPDX-License-Identifier: Apache-2.0

//! [Poseidon](crate::poseidon) as constraints.
//!
//! # Constraints
//!
//! An S-box is three products, `x²`, `x⁴`, `x⁴·x`: three constraints and three witnesses for each
//! of the [S-boxes](Width::boxes), everything else is linear. Those of constants in the first round
//! (the tag, elements that no input fills) cost nothing. One permutation:
//!
//! | width | partial rounds | S-boxes | constraints | per element absorbed |
//! |---|---|---|---|---|
//! | 3 | 57 | 81 | 243 | 121.5 |
//! | 5 | 60 | 100 | 300 | 75 |
//! | 9 | 63 | 135 | 405 | 50.6 |
//! | 17 | 68 | 204 | 612 | 38.3 |
//! | 30 | 60 | 300 | 900 | 31.0 |
//! | 36 | 72 | 360 | 1,080 | 30.9 |
//!
//! # Short rows
//!
//! An S-box uses its input three times and its output once. So the witness of its last product is
//! not that output: the *inputs* of S-boxes are columns of their own, and the long combination that
//! gives an output from them stands once, on the right of its constraint.
//!
//! * After a full round the columns are the next state `s`, and the outputs are `M⁻¹·(s − c)`:
//!   `width + 1` entries each.
//! * In a partial round one S-box allows one column: element 0 of the next state. After the last
//!   partial round the passive elements become columns, too; the full round before the partial
//!   rounds, whose passive elements are no columns, has the constraints for them. The outputs are
//!   computed backwards from there. In the coordinates of `poseidon::permutation`, with `δ = m −
//!   w·N⁻¹·a`,
//!
//!   ```text
//!   z = (uᵣ₊₁ − f·xᵣ₊₁ − e)/δ     xᵣ = xᵣ₊₁ − b·z
//!   ```
//!
//!   where `f`, `b`, `e` stand for the round's factors and constant: `width` entries, and one more
//!   for every round that follows. `δ` is the determinant of the matrix over that of its block `N`,
//!   both Cauchy matrices: not zero.
//! * The very first round has fewer than `width` outputs that are not constant; they are columns.
//!
//! # Why it is sound
//!
//! The columns of a permutation other than squares and fourth powers are as many as the S-boxes,
//! and an invertible affine function of their outputs: the maps above and those of the permutation
//! are each other's inverses. Every square and fourth power is determined by its constraint; so is
//! every output, by its S-box's input, which the outputs of earlier rounds determine. By induction
//! over the rounds all outputs are determined, and with them all columns.

use super::{linear::Linear, system::ConstraintSystem};
use crate::poseidon::{dot, fifth_power, Layer, PartialRound, Permutation, Width, FULL_ROUNDS};
use ark_bls12_381::Fr;
use ark_ff::{AdditiveGroup, Field};
use std::cell::LazyCell;

/// Absorbs combinations under a [tag](crate::poseidon::Domain::tag) and squeezes `outputs` others,
/// as [`crate::poseidon::sponge`] does.
pub(crate) fn sponge<S: ConstraintSystem>(
	system: &mut S,
	tag: Fr,
	inputs: &[S::Linear],
	outputs: usize,
) -> Vec<S::Linear> {
	let width = Width::cheapest(inputs.len(), outputs);
	let permutation = width.permutation();
	let mut blocks = inputs.chunks(width.rate());
	let mut state = first_round(system, permutation, tag, blocks.next().unwrap_or_default());
	state = rounds(system, permutation, 1, state);
	for block in blocks {
		for (element, input) in state.iter_mut().skip(1).zip(block) {
			*element = element.plus(input);
		}
		state = permute(system, permutation, &state);
	}
	let mut squeezed = state[1..].to_vec();
	while squeezed.len() < outputs {
		state = permute(system, permutation, &state);
		squeezed.extend_from_slice(&state[1..]);
	}
	squeezed.truncate(outputs);
	squeezed
}

/// The first round of a sponge's first permutation: an S-box for each input, none for constants.
fn first_round<S: ConstraintSystem>(
	system: &mut S,
	permutation: &Permutation,
	tag: Fr,
	inputs: &[S::Linear],
) -> Vec<S::Linear> {
	let constants = permutation.first_constants();
	let mut outputs = vec![S::Linear::constant(fifth_power(tag + constants[0]))];
	for (index, constant) in constants.iter().enumerate().skip(1) {
		outputs.push(match inputs.get(index - 1) {
			Some(input) => {
				let sbox = SBox::new(system, shifted(input, *constant));
				let output = system.witness(|| sbox.output());
				sbox.enforce(system, output.clone());
				output
			},
			None => S::Linear::constant(fifth_power(*constant)),
		});
	}
	let Layer { matrix, constants, .. } = permutation.layer(0);
	let mixed = |(row, constant): (&Vec<Fr>, &Fr)| {
		S::Linear::combine(*constant, row.iter().copied().zip(&outputs))
	};
	matrix.iter().zip(constants).map(mixed).collect()
}

/// The whole permutation.
fn permute<S: ConstraintSystem>(
	system: &mut S,
	permutation: &Permutation,
	state: &[S::Linear],
) -> Vec<S::Linear> {
	let state = state
		.iter()
		.zip(permutation.first_constants())
		.map(|(element, constant)| shifted(element, *constant))
		.collect();
	rounds(system, permutation, 0, state)
}

/// The rounds from a full one of the first half on. Between rounds the state holds the next
/// round's constants already.
fn rounds<S: ConstraintSystem>(
	system: &mut S,
	permutation: &Permutation,
	first: usize,
	mut state: Vec<S::Linear>,
) -> Vec<S::Linear> {
	for round in first..FULL_ROUNDS {
		state = match round + 1 == FULL_ROUNDS / 2 {
			true => into_partial_rounds(system, permutation, state),
			false => full_round(system, permutation.layer(round), state),
		};
	}
	state
}

fn full_round<S: ConstraintSystem>(
	system: &mut S,
	layer: Layer,
	state: Vec<S::Linear>,
) -> Vec<S::Linear> {
	let boxes: Vec<_> = state.into_iter().map(|element| SBox::new(system, element)).collect();
	let values = LazyCell::new(|| mixed_values(layer, &boxes));
	let next: Vec<_> = (0..boxes.len()).map(|i| system.witness(|| values[i])).collect();
	drop(values);
	enforce(system, layer, boxes, &next);
	next
}

/// The last full round before the partial rounds, and the partial rounds.
fn into_partial_rounds<S: ConstraintSystem>(
	system: &mut S,
	permutation: &Permutation,
	state: Vec<S::Linear>,
) -> Vec<S::Linear> {
	let layer = permutation.layer(FULL_ROUNDS / 2 - 1);
	let full: Vec<_> = state.into_iter().map(|element| SBox::new(system, element)).collect();
	// The state, in the coordinates of the partial rounds; empty without values.
	let mut values = Vec::new();
	let mut active = system.witness(|| {
		values = mixed_values(layer, &full);
		values[0]
	});
	let mut partial = Vec::new();
	for round in permutation.partial_rounds() {
		let sbox = SBox::new(system, active);
		active = system.witness(|| {
			round.apply(sbox.output(), &mut values);
			values[0]
		});
		partial.push((round, sbox));
	}
	let mut next = vec![active.clone()];
	let mut passive = Vec::new();
	for (index, constant) in permutation.passive_constants().iter().enumerate() {
		let element = system.witness(|| values[index + 1] + constant);
		passive.push(shifted(&element, -*constant));
		next.push(element);
	}
	// Backwards: `active` and `passive` are the state after the round.
	for (round, sbox) in partial.into_iter().rev() {
		let PartialRound { from_output, from_passive, constant, to_passive } = round;
		let determinant = *from_output - dot(from_passive, to_passive);
		let inverse = determinant.inverse().unwrap_or(Fr::ZERO);
		let factors = from_passive.iter().map(|factor| -inverse * factor);
		let output = S::Linear::combine(
			-inverse * constant,
			std::iter::once((inverse, &active)).chain(factors.zip(&passive)),
		);
		for (element, factor) in passive.iter_mut().zip(to_passive) {
			*element = S::Linear::combine(Fr::ZERO, [(Fr::ONE, &*element), (-*factor, &output)]);
		}
		active = sbox.input.clone();
		sbox.enforce(system, output);
	}
	passive.insert(0, active);
	enforce(system, layer, full, &passive);
	next
}

/// The S-boxes of a full round whose layer gives `next`.
fn enforce<S: ConstraintSystem>(
	system: &mut S,
	layer: Layer,
	boxes: Vec<SBox<S::Linear>>,
	next: &[S::Linear],
) {
	for (sbox, row) in boxes.into_iter().zip(layer.inverse) {
		let constant = -dot(row, layer.constants);
		let output = S::Linear::combine(constant, row.iter().copied().zip(next));
		sbox.enforce(system, output);
	}
}

/// What a layer makes of the S-boxes' outputs.
fn mixed_values<L: Linear>(layer: Layer, boxes: &[SBox<L>]) -> Vec<Fr> {
	let outputs: Vec<Fr> = boxes.iter().map(SBox::output).collect();
	let mut next = vec![Fr::ZERO; outputs.len()];
	layer.apply(&outputs, &mut next);
	next
}

/// `element + constant`.
fn shifted<L: Linear>(element: &L, constant: Fr) -> L {
	L::combine(constant, [(Fr::ONE, element)])
}

/// An S-box without its last constraint.
struct SBox<L> {
	input: L,
	fourth: L,
}

impl<L: Linear> SBox<L> {
	/// Square and fourth power: two constraints.
	fn new<S: ConstraintSystem<Linear = L>>(system: &mut S, input: L) -> Self {
		let square = system.product(&input, &input);
		let fourth = system.product(&square, &square);
		Self { input, fourth }
	}

	/// The output's value.
	fn output(&self) -> Fr {
		self.fourth.value() * self.input.value()
	}

	/// The last constraint.
	fn enforce<S: ConstraintSystem<Linear = L>>(self, system: &mut S, output: L) {
		system.enforce(self.fourth, self.input, output);
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{
		circuit::{adversary, system::Circuit, CircuitError},
		poseidon::{self, Domain, WIDTHS},
	};
	use ark_ff::UniformRand;
	use rand::{rngs::StdRng, SeedableRng};

	/// The last public inputs are the sponge's outputs for the others.
	struct Sponge {
		inputs: Vec<Fr>,
		outputs: Vec<Fr>,
	}

	impl Sponge {
		fn new(inputs: usize, outputs: usize) -> Self {
			let mut rng = StdRng::seed_from_u64(inputs as u64);
			let inputs: Vec<Fr> = (0..inputs).map(|_| Fr::rand(&mut rng)).collect();
			let tag = Domain::Seal.tag(inputs.len());
			let outputs = poseidon::sponge(tag, &inputs, outputs).to_vec();
			Self { inputs, outputs }
		}

		/// One permutation of a width, without constant inputs.
		fn full(width: Width) -> Self {
			let circuit = Self::new(width.rate(), 1);
			assert_eq!(Width::cheapest(width.rate(), 1), width);
			circuit
		}
	}

	impl Circuit for Sponge {
		fn public_inputs(&self) -> usize {
			self.inputs.len() + self.outputs.len()
		}

		fn synthesise<S: ConstraintSystem>(&self, system: &mut S) -> Result<(), CircuitError> {
			let inputs: Vec<_> = self.inputs.iter().map(|x| system.public(|| *x)).collect();
			let expected: Vec<_> = self.outputs.iter().map(|x| system.public(|| *x)).collect();
			let tag = Domain::Seal.tag(inputs.len());
			for (output, expected) in
				sponge(system, tag, &inputs, expected.len()).into_iter().zip(expected)
			{
				system.enforce_equal(output, expected);
			}
			Ok(())
		}
	}

	/// Inputs and outputs: every width, blocks full and not, several permutations.
	const SHAPES: [(usize, usize); 14] = [
		(1, 1),
		(2, 1),
		(1, 2),
		(2, 2),
		(3, 1),
		(4, 1),
		(1, 4),
		(5, 1),
		(8, 2),
		(16, 1),
		(1, 17),
		(27, 1),
		(35, 36),
		(80, 1),
	];

	#[test]
	fn the_gadget_computes_the_sponge() {
		for (inputs, outputs) in SHAPES {
			let circuit = Sponge::new(inputs, outputs);
			let assignment = circuit.assignment().unwrap();
			assert!(circuit.matrices().unwrap().is_satisfied(&assignment));
			for index in 0..outputs {
				let mut wrong = Sponge::new(inputs, outputs);
				wrong.outputs[index] += Fr::ONE;
				assert!(matches!(wrong.assignment(), Err(CircuitError::Unsatisfied { .. })));
			}
		}
	}

	#[test]
	fn an_s_box_costs_three_constraints() {
		for (inputs, outputs) in SHAPES {
			let matrices = Sponge::new(inputs, outputs).matrices().unwrap();
			let boxes = Width::cheapest(inputs, outputs).boxes(inputs, outputs);
			assert_eq!(matrices.constraints(), 3 * boxes + outputs);
			assert_eq!(matrices.witnesses(), 3 * boxes);
		}
	}

	/// The table of the module's documentation, less the S-box of the tag; and the non-zeros.
	#[test]
	fn permutations_cost_what_the_table_says() {
		let costs = WIDTHS.map(|width| {
			let matrices = Sponge::full(width).matrices().unwrap();
			(width.elements(), matrices.constraints() + 3 - 1, matrices.non_zeros())
		});
		assert_eq!(
			costs,
			[
				(3, 243, 2745),
				(5, 300, 3506),
				(9, 405, 5094),
				(17, 612, 9290),
				(30, 900, 17031),
				(36, 1080, 23895)
			]
		);
	}

	#[test]
	fn no_witness_is_free() {
		for (inputs, outputs) in [(1, 1), (2, 1), (1, 2), (3, 1), (4, 1), (5, 1), (1, 9), (10, 1)] {
			adversary::assert_tight(&Sponge::new(inputs, outputs), 0);
		}
	}

	#[test]
	fn no_witness_of_a_whole_permutation_is_free() {
		for width in WIDTHS {
			adversary::assert_tight(&Sponge::full(width), 0);
		}
	}
}
