// SPDX-License-Identifier: Apache-2.0

//! Attacks that every gadget must withstand.

use super::{
	matrices::{Assignment, Matrices},
	system::Circuit,
};
use ark_bls12_381::Fr;
use ark_ff::{AdditiveGroup, Field, UniformRand};
use rand::{rngs::StdRng, SeedableRng};

/// Checks that an honest assignment is accepted and that nothing near it is:
///
/// * every column but the constant one, public inputs included, is replaced by several other
///   values, alone;
/// * every witness is changed together with each of its next neighbours, so that sums of bits with
///   the usual weights stay the same;
/// * the constraints' derivative with respect to the witnesses has full rank, so that no witness
///   can be moved at all while the public inputs stay: there is no direction of freedom, whatever
///   combination of columns it takes.
///
/// The first `given` public inputs are what a gadget is applied to; they stay, because the
/// statement may be true for others as well.
pub(crate) fn assert_tight(circuit: &impl Circuit, given: usize) {
	let matrices = circuit.matrices().expect("the circuit has a shape");
	let honest = circuit.assignment().expect("the statement is true");
	assert!(matrices.is_satisfied(&honest));
	assert_mutations_are_refused(&matrices, &honest, given);
	assert_no_direction_is_free(&matrices, &honest);
}

/// Replaces single columns and pairs of neighbours; see [`assert_tight`].
pub(crate) fn assert_mutations_are_refused(matrices: &Matrices, honest: &Assignment, given: usize) {
	let rows = rows_by_column(matrices);
	let mut rng = StdRng::seed_from_u64(7);
	let mut forged = honest.clone();
	for (column, touched) in rows.iter().enumerate().skip(1 + given) {
		let value = honest.values()[column];
		assert!(!touched.is_empty(), "column {column} is in no constraint");
		let others = [
			value + Fr::ONE,
			value - Fr::ONE,
			Fr::ZERO,
			Fr::ONE,
			Fr::ONE - value,
			-value,
			value.double(),
			Fr::rand(&mut rng),
		];
		for other in others.into_iter().filter(|other| *other != value) {
			forged.values_mut()[column] = other;
			assert!(
				violates(matrices, touched, &forged),
				"column {column} may be {other} instead of {value}"
			);
		}
		forged.values_mut()[column] = value;
		let neighbours = match column > matrices.public_inputs() {
			true => column + 1..(column + 4).min(matrices.columns()),
			false => 0..0,
		};
		for neighbour in neighbours {
			let half = Fr::from(2u64).inverse().expect("two is not zero");
			for step in [Fr::ONE, -Fr::ONE] {
				for weight in [Fr::ONE, Fr::from(2u64), half, Fr::from(4u64), Fr::from(8u64)] {
					forged.values_mut()[column] = value + step;
					forged.values_mut()[neighbour] -= step * weight;
					let mut touched = touched.clone();
					touched.extend_from_slice(&rows[neighbour]);
					assert!(
						violates(matrices, &touched, &forged),
						"columns {column} and {neighbour} may change together"
					);
					forged.values_mut()[neighbour] = honest.values()[neighbour];
				}
			}
		}
		forged.values_mut()[column] = value;
	}
	assert_eq!(forged, *honest);
}

/// Full rank of `∂(A·z ∘ B·z − C·z)/∂witnesses`, by Gaussian elimination.
pub(crate) fn assert_no_direction_is_free(matrices: &Matrices, honest: &Assignment) {
	let first = matrices.public_inputs() + 1;
	let [a, b, c] = matrices.as_ark() else { panic!("three matrices") };
	let dot = |row: &[(Fr, usize)]| -> Fr {
		row.iter().map(|(c, column)| *c * honest.values()[*column]).sum()
	};
	let mut pivots: Vec<Option<Vec<Fr>>> = vec![None; matrices.witnesses()];
	for ((a, b), c) in a.iter().zip(b).zip(c) {
		let mut gradient = vec![Fr::ZERO; matrices.witnesses()];
		for (row, factor) in [(a, dot(b)), (b, dot(a)), (c, -Fr::ONE)] {
			for (coefficient, column) in row {
				if let Some(witness) = column.checked_sub(first) {
					gradient[witness] += factor * coefficient;
				}
			}
		}
		while let Some(witness) = gradient.iter().position(|entry| *entry != Fr::ZERO) {
			let factor = gradient[witness];
			let Some(pivot) = &pivots[witness] else {
				let inverse = factor.inverse().expect("not zero");
				gradient.iter_mut().for_each(|entry| *entry *= inverse);
				pivots[witness] = Some(gradient);
				break;
			};
			for (entry, pivot) in gradient.iter_mut().zip(pivot).skip(witness) {
				if *pivot != Fr::ZERO {
					*entry -= factor * pivot;
				}
			}
		}
	}
	if let Some(witness) = pivots.iter().position(Option::is_none) {
		panic!("witness {witness} of {} can move", matrices.witnesses());
	}
}

fn rows_by_column(matrices: &Matrices) -> Vec<Vec<usize>> {
	let mut rows = vec![Vec::new(); matrices.columns()];
	for matrix in matrices.as_ark() {
		for (index, row) in matrix.iter().enumerate() {
			for (_, column) in row {
				rows[*column].push(index);
			}
		}
	}
	rows
}

/// Whether one of these rows is violated; the others do not depend on what was changed.
fn violates(matrices: &Matrices, rows: &[usize], forged: &Assignment) -> bool {
	let violated = rows.iter().any(|row| {
		let [a, b, c] = [0, 1, 2].map(|matrix: usize| -> Fr {
			matrices.as_ark()[matrix][*row]
				.iter()
				.map(|(c, column)| *c * forged.values()[*column])
				.sum()
		});
		a * b != c
	});
	if !violated {
		assert!(matrices.is_satisfied(forged), "an untouched row cannot become violated");
	}
	violated
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::circuit::{linear::Linear, system::ConstraintSystem, CircuitError};

	/// A quotient and a remainder without range checks: the classic hole.
	struct Unchecked;

	impl Circuit for Unchecked {
		fn public_inputs(&self) -> usize {
			1
		}

		fn synthesise<S: ConstraintSystem>(&self, system: &mut S) -> Result<(), CircuitError> {
			let number = system.public(|| Fr::from(23u64));
			let quotient = system.witness(|| Fr::from(2u64));
			let remainder = system.witness(|| Fr::from(3u64));
			let sum =
				S::Linear::combine(Fr::ZERO, [(Fr::from(10u64), &quotient), (Fr::ONE, &remainder)]);
			system.enforce_equal(sum, number);
			Ok(())
		}
	}

	#[test]
	#[should_panic(expected = "can move")]
	fn a_free_quotient_is_found() {
		let matrices = Unchecked.matrices().unwrap();
		assert_no_direction_is_free(&matrices, &Unchecked.assignment().unwrap());
	}

	/// An inverse that nothing depends on: it may be anything when the number is zero.
	struct FreeInverse;

	impl Circuit for FreeInverse {
		fn public_inputs(&self) -> usize {
			1
		}

		fn synthesise<S: ConstraintSystem>(&self, system: &mut S) -> Result<(), CircuitError> {
			let number = system.public(|| Fr::ZERO);
			let inverse = system.witness(|| Fr::from(5u64));
			system.product(&number, &inverse);
			Ok(())
		}
	}

	#[test]
	#[should_panic(expected = "may be")]
	fn a_free_inverse_is_found() {
		let matrices = FreeInverse.matrices().unwrap();
		assert_mutations_are_refused(&matrices, &FreeInverse.assignment().unwrap(), 1);
	}
}
