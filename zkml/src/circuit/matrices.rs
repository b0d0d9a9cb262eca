// SPDX-License-Identifier: Apache-2.0

//! A circuit's constraint matrices, assignments to its columns, and the bridge to `ark-groth16`.

use ark_bls12_381::Fr;
use ark_ff::{AdditiveGroup, BigInteger, PrimeField};
use ark_relations::gr1cs::{
	ConstraintSynthesizer, ConstraintSystemRef, LinearCombination, Matrix, SynthesisError, Variable,
};
use blake2::{digest::consts::U32, Blake2b, Digest as _};
use proofpod_primitives::Digest;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::Zeroize;

/// One part of a circuit and what it costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
	/// What the part does.
	pub name: String,
	/// Its constraints.
	pub constraints: usize,
	/// Its non-zero entries in the three matrices together.
	pub non_zeros: usize,
}

/// The matrices A, B, C of a rank-1 constraint system: an assignment `z` satisfies it when
/// `(A·z) ∘ (B·z) = C·z`.
///
/// Columns are `[1, public inputs…, witnesses…]`. Rows are sorted by column and free of zeroes and
/// duplicates, so that equal circuits have equal matrices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matrices {
	public_inputs: usize,
	witnesses: usize,
	rows: [Matrix<Fr>; 3],
	sections: Vec<Section>,
}

impl Matrices {
	pub(super) fn new(
		public_inputs: usize,
		witnesses: usize,
		rows: [Matrix<Fr>; 3],
		sections: Vec<Section>,
	) -> Self {
		Self { public_inputs, witnesses, rows, sections }
	}

	/// Number of public inputs, without the constant one.
	pub fn public_inputs(&self) -> usize {
		self.public_inputs
	}

	/// Number of witnesses.
	pub fn witnesses(&self) -> usize {
		self.witnesses
	}

	/// Number of columns, the constant one included.
	pub fn columns(&self) -> usize {
		1 + self.public_inputs + self.witnesses
	}

	/// Number of constraints.
	pub fn constraints(&self) -> usize {
		self.rows[0].len()
	}

	/// Number of non-zero entries in the three matrices together.
	pub fn non_zeros(&self) -> usize {
		self.rows.iter().flatten().map(Vec::len).sum()
	}

	/// The circuit's parts, in order, each with its cost.
	pub fn sections(&self) -> &[Section] {
		&self.sections
	}

	/// A, B and C as `ark-groth16` takes them: rows of coefficient and column.
	pub fn as_ark(&self) -> &[Matrix<Fr>] {
		&self.rows
	}

	/// BLAKE2b-256 over the counts and every row of A, then B, then C: the row's length, and per
	/// entry the column (both 64-bit) and the coefficient (32 bytes), all little-endian.
	pub fn digest(&self) -> Digest {
		let mut hasher = Blake2b::<U32>::new();
		let number = |hasher: &mut Blake2b<U32>, number: usize| {
			hasher.update((number as u64).to_le_bytes());
		};
		for count in [self.public_inputs, self.witnesses, self.constraints()] {
			number(&mut hasher, count);
		}
		for row in self.rows.iter().flatten() {
			number(&mut hasher, row.len());
			for (coefficient, column) in row {
				number(&mut hasher, *column);
				hasher.update(coefficient.into_bigint().to_bytes_le());
			}
		}
		Digest(hasher.finalize().into())
	}

	/// Whether an assignment satisfies every constraint; one of the wrong size satisfies none.
	pub fn is_satisfied(&self, assignment: &Assignment) -> bool {
		self.fits(assignment) && self.violated_constraint(assignment).is_none()
	}

	/// A constraint that the assignment violates, if there is one (any of them).
	/// Columns that the assignment lacks count as zero.
	pub fn violated_constraint(&self, assignment: &Assignment) -> Option<usize> {
		let [a, b, c] = &self.rows;
		(0..self.constraints()).into_par_iter().find_any(|row| {
			let [a, b, c] = [&a[*row], &b[*row], &c[*row]].map(|row| assignment.evaluate(row));
			a * b != c
		})
	}

	/// Whether the assignment has as many public inputs and witnesses as the circuit.
	pub fn fits(&self, assignment: &Assignment) -> bool {
		assignment.public_inputs == self.public_inputs
			&& assignment.values.len() == self.columns()
			&& assignment.values[super::linear::ONE] == Fr::from(1u64)
	}
}

/// States the matrices to `ark-groth16`'s key generation, row by row: the rows there are these
/// rows, in this order.
impl ConstraintSynthesizer<Fr> for &Matrices {
	fn generate_constraints(self, system: ConstraintSystemRef<Fr>) -> Result<(), SynthesisError> {
		for _ in 0..self.public_inputs {
			let _ = system.new_input_variable(|| Err(SynthesisError::AssignmentMissing))?;
		}
		for _ in 0..self.witnesses {
			let _ = system.new_witness_variable(|| Err(SynthesisError::AssignmentMissing))?;
		}
		let variable = |column: usize| match column.checked_sub(self.public_inputs + 1) {
			Some(witness) => Variable::witness(witness),
			None if column == super::linear::ONE => Variable::One,
			None => Variable::instance(column),
		};
		let combination = |row: &Vec<(Fr, usize)>| {
			LinearCombination(row.iter().map(|(c, column)| (*c, variable(*column))).collect())
		};
		let [a, b, c] = &self.rows;
		for ((a, b), c) in a.iter().zip(b).zip(c) {
			system.enforce_r1cs_constraint(
				|| combination(a),
				|| combination(b),
				|| combination(c),
			)?;
		}
		Ok(())
	}
}

/// Values of a circuit's columns. Holds the client's secrets: wiped when dropped, printed as sizes.
#[derive(Clone, PartialEq, Eq)]
pub struct Assignment {
	public_inputs: usize,
	values: Vec<Fr>,
}

impl Assignment {
	pub(super) fn new(public_inputs: usize, values: Vec<Fr>) -> Self {
		Self { public_inputs, values }
	}

	pub(super) fn push(&mut self, value: Fr) {
		if self.values.len() == self.values.capacity() {
			// Growing in place would leave a copy of the secrets behind.
			let mut larger = Vec::with_capacity(2 * self.values.len().max(512));
			larger.extend_from_slice(&self.values);
			self.values.zeroize();
			self.values = larger;
		}
		self.values.push(value);
	}

	pub(super) fn public_slot(&mut self, index: usize) -> Option<&mut Fr> {
		self.values[..=self.public_inputs].get_mut(index)
	}

	/// The public inputs, without the constant one.
	pub fn public_inputs(&self) -> &[Fr] {
		&self.values[1..=self.public_inputs]
	}

	/// All columns: the constant one, public inputs, witnesses.
	pub fn values(&self) -> &[Fr] {
		&self.values
	}

	#[cfg(test)]
	pub(crate) fn values_mut(&mut self) -> &mut [Fr] {
		&mut self.values
	}

	fn evaluate(&self, row: &[(Fr, usize)]) -> Fr {
		let zero = Fr::ZERO;
		row.iter().map(|(c, column)| *c * self.values.get(*column).unwrap_or(&zero)).sum()
	}
}

impl fmt::Debug for Assignment {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.debug_struct("Assignment")
			.field("public_inputs", &self.public_inputs)
			.field("columns", &self.values.len())
			.finish_non_exhaustive()
	}
}

impl Drop for Assignment {
	fn drop(&mut self) {
		self.values.zeroize();
	}
}
