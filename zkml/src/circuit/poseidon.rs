// SPDX-License-Identifier: Apache-2.0

//! [Poseidon](crate::poseidon) as constraints.
//!
//! # Constraints
//!
//! An S-box is three products, `x²`, `x⁴`, `x⁴·x`. A permutation has `8·3 + 57 = 81` S-boxes:
//! **243 constraints and 243 witnesses**; a hash of `m` elements has `⌈m/2⌉` permutations.
//! Everything else is linear.
//!
//! # Short rows
//!
//! In a partial round elements 1 and 2 pass without an S-box, so written in terms of S-box outputs
//! every element is a combination of all earlier ones, and each S-box would use that combination
//! three times. Instead the witness of a partial round's last product is not its output `z`, but
//! the *next* round's element 0, `u' = m₀₀·z + m₀₁·s₁ + m₀₂·s₂ + c`: then the S-boxes work on single columns,
//! and the long combination for `z = (u' − m₀₁·s₁ − m₀₂·s₂ − c)/m₀₀` stands once, on the right.
//! `m₀₀` is an entry of a Cauchy matrix and so not zero; `u'` and `z` determine each other.
//!
//! # Why it is sound
//!
//! Every witness is determined by its one constraint and what came before: a product by its
//! factors, `u'` by the product `z`.

use super::{linear::Linear, system::ConstraintSystem};
use crate::poseidon::{is_full, parameters, Parameters, RATE, WIDTH};
use ark_bls12_381::Fr;
use ark_ff::{AdditiveGroup, Field};

/// Hashes combinations under a [tag](crate::poseidon::Domain::tag): 243 constraints per pair.
pub(crate) fn hash<S: ConstraintSystem>(
	system: &mut S,
	tag: Fr,
	inputs: &[S::Linear],
) -> S::Linear {
	let zero = S::Linear::constant(Fr::ZERO);
	let mut state = [S::Linear::constant(tag), zero.clone(), zero];
	for pair in inputs.chunks(RATE) {
		for (element, input) in state.iter_mut().skip(1).zip(pair) {
			*element = element.plus(input);
		}
		state = permute(system, state);
	}
	let [_, output, _] = state;
	output
}

/// The permutation: 243 constraints.
fn permute<S: ConstraintSystem>(system: &mut S, state: [S::Linear; WIDTH]) -> [S::Linear; WIDTH] {
	let Parameters { round_constants, matrix } = parameters();
	let first = round_constants.first().copied().unwrap_or([Fr::ZERO; WIDTH]);
	// Between rounds the state holds the next round's constants already.
	let mut state: [S::Linear; WIDTH] = std::array::from_fn(|i| {
		S::Linear::combine(first[i], std::iter::once((Fr::ONE, &state[i])))
	});
	for round in 0..round_constants.len() {
		let next = round_constants.get(round + 1).copied().unwrap_or([Fr::ZERO; WIDTH]);
		let mixed = |i: usize, elements: &[S::Linear; WIDTH]| {
			S::Linear::combine(next[i], matrix[i].into_iter().zip(elements))
		};
		state = if is_full(round) {
			let boxed = state.each_ref().map(|element| {
				let fourth = fourth_power(system, element);
				system.product(&fourth, element)
			});
			std::array::from_fn(|i| mixed(i, &boxed))
		} else {
			let [input, second, third] = state;
			let fourth = fourth_power(system, &input);
			let [m0, m1, m2] = matrix[0];
			let output = system.witness(|| {
				let boxed = fourth.value() * input.value();
				m0 * boxed + m1 * second.value() + m2 * third.value() + next[0]
			});
			let inverse = m0.inverse().unwrap_or(Fr::ZERO);
			let boxed = S::Linear::combine(
				-next[0] * inverse,
				[(inverse, &output), (-m1 * inverse, &second), (-m2 * inverse, &third)],
			);
			system.enforce(fourth, input, boxed.clone());
			let elements = [boxed, second, third];
			[output, mixed(1, &elements), mixed(2, &elements)]
		};
	}
	state
}

fn fourth_power<S: ConstraintSystem>(system: &mut S, element: &S::Linear) -> S::Linear {
	let square = system.product(element, element);
	system.product(&square, &square)
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{
		circuit::{adversary, system::Circuit, CircuitError},
		poseidon::{self, Domain},
	};
	use ark_ff::UniformRand;
	use rand::{rngs::StdRng, SeedableRng};

	/// The last public input is the hash of the others.
	struct Hash {
		inputs: Vec<Fr>,
		output: Fr,
	}

	impl Hash {
		fn new(length: usize) -> Self {
			let mut rng = StdRng::seed_from_u64(length as u64);
			let inputs: Vec<Fr> = (0..length).map(|_| Fr::rand(&mut rng)).collect();
			let output = poseidon::hash(Domain::Seal.tag(length), &inputs);
			Self { inputs, output }
		}
	}

	impl Circuit for Hash {
		fn public_inputs(&self) -> usize {
			self.inputs.len() + 1
		}

		fn synthesise<S: ConstraintSystem>(&self, system: &mut S) -> Result<(), CircuitError> {
			let inputs: Vec<_> = self.inputs.iter().map(|x| system.public(|| *x)).collect();
			let expected = system.public(|| self.output);
			let output = hash(system, Domain::Seal.tag(inputs.len()), &inputs);
			system.enforce_equal(output, expected);
			Ok(())
		}
	}

	#[test]
	fn the_gadget_computes_the_hash() {
		for length in 1..=5 {
			let circuit = Hash::new(length);
			let assignment = circuit.assignment().unwrap();
			assert!(circuit.matrices().unwrap().is_satisfied(&assignment));
			let wrong = Hash { output: circuit.output + Fr::ONE, ..circuit };
			assert!(matches!(wrong.assignment(), Err(CircuitError::Unsatisfied { .. })));
		}
	}

	#[test]
	fn a_permutation_costs_243_constraints() {
		for (length, permutations) in [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3)] {
			let matrices = Hash::new(length).matrices().unwrap();
			assert_eq!(matrices.constraints(), 243 * permutations + 1);
			assert_eq!(matrices.witnesses(), 243 * permutations);
		}
	}

	#[test]
	fn rows_stay_short() {
		let matrices = Hash::new(2).matrices().unwrap();
		assert!(matrices.non_zeros() < 3200, "{}", matrices.non_zeros());
		let longest = |matrix: usize| {
			// The last four rounds begin with the two long elements.
			matrices.as_ark()[matrix].iter().filter(|row| row.len() > 5).count()
		};
		assert_eq!((longest(0), longest(1)), (2, 4));
	}

	#[test]
	fn no_witness_is_free() {
		for length in [1, 2, 3] {
			adversary::assert_tight(&Hash::new(length), 0);
		}
	}
}
