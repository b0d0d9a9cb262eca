// SPDX-License-Identifier: Apache-2.0

//! A circuit's size, its constraint matrices, assignments to its columns, and the bridge to
//! `ark-groth16`.

use ark_bls12_381::Fr;
use ark_ff::{AdditiveGroup, BigInteger, Field, PrimeField};
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
	/// The node of the original graph that it comes from, where that is known.
	#[serde(default, skip_serializing_if = "Option::is_none")]
	pub origin: Option<String>,
	/// Its constraints.
	pub constraints: usize,
	/// Its non-zero entries in the three matrices together.
	pub non_zeros: usize,
}

impl Section {
	/// How the names of the network's nodes begin.
	pub(super) const NODE: &str = "node ";

	/// Whether the part is one of the network's nodes.
	pub(crate) fn is_node(&self) -> bool {
		self.name.starts_with(Self::NODE)
	}
}

/// How many columns and rows a circuit has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dimensions {
	/// Public inputs, without the constant one.
	pub public_inputs: usize,
	/// Witnesses.
	pub witnesses: usize,
	/// Rank-1 constraints.
	pub constraints: usize,
}

impl Dimensions {
	/// Number of columns, the constant one included.
	pub fn columns(&self) -> usize {
		1 + self.public_inputs + self.witnesses
	}
}

/// What a circuit costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
	/// Columns and rows.
	pub dimensions: Dimensions,
	/// Non-zero entries in the three matrices together.
	pub non_zeros: usize,
	/// The circuit's parts, in order, each with its cost.
	pub sections: Vec<Section>,
}

/// Digest of a circuit's matrices, computed while their rows pass.
///
/// BLAKE2b-256 over every constraint in turn, its rows of A, B and C: the row's length, and per
/// entry the column (both 64-bit) and the coefficient (32 bytes); at the end the numbers of public
/// inputs, witnesses and constraints (64-bit); all little-endian.
pub(crate) struct MatricesHasher(Blake2b<U32>);

impl MatricesHasher {
	pub(crate) fn new() -> Self {
		Self(Blake2b::new())
	}

	pub(crate) fn update<'a>(&mut self, rows: impl IntoIterator<Item = &'a Vec<(Fr, usize)>>) {
		for row in rows {
			self.number(row.len());
			for (coefficient, column) in row {
				self.number(*column);
				self.0.update(coefficient.into_bigint().to_bytes_le());
			}
		}
	}

	pub(crate) fn finish(mut self, dimensions: &Dimensions) -> Digest {
		let Dimensions { public_inputs, witnesses, constraints } = *dimensions;
		for count in [public_inputs, witnesses, constraints] {
			self.number(count);
		}
		Digest(self.0.finalize().into())
	}

	fn number(&mut self, number: usize) {
		self.0.update((number as u64).to_le_bytes());
	}
}

/// The matrices A, B, C of a rank-1 constraint system: an assignment `z` satisfies it when
/// `(A·z) ∘ (B·z) = C·z`. For tests, attacks and comparisons: setup and prover keep no row.
///
/// Columns are `[1, public inputs…, witnesses…]`. Rows are sorted by column and free of zeroes and
/// duplicates, so that equal circuits have equal matrices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matrices {
	shape: Shape,
	rows: [Matrix<Fr>; 3],
}

impl Matrices {
	pub(super) fn new(shape: Shape, rows: [Matrix<Fr>; 3]) -> Self {
		Self { shape, rows }
	}

	/// Number of columns and rows.
	pub fn dimensions(&self) -> Dimensions {
		self.shape.dimensions
	}

	/// Number of public inputs, without the constant one.
	pub fn public_inputs(&self) -> usize {
		self.shape.dimensions.public_inputs
	}

	/// Number of witnesses.
	pub fn witnesses(&self) -> usize {
		self.shape.dimensions.witnesses
	}

	/// Number of columns, the constant one included.
	pub fn columns(&self) -> usize {
		self.shape.dimensions.columns()
	}

	/// Number of constraints.
	pub fn constraints(&self) -> usize {
		self.shape.dimensions.constraints
	}

	/// Number of non-zero entries in the three matrices together.
	pub fn non_zeros(&self) -> usize {
		self.shape.non_zeros
	}

	/// The circuit's parts, in order, each with its cost.
	pub fn sections(&self) -> &[Section] {
		&self.shape.sections
	}

	/// A, B and C as `ark-groth16` takes them: rows of coefficient and column.
	pub fn as_ark(&self) -> &[Matrix<Fr>] {
		&self.rows
	}

	/// The digest that [`measure`](super::measure) computes without keeping the rows.
	pub fn digest(&self) -> Digest {
		let [a, b, c] = &self.rows;
		let mut hasher = MatricesHasher::new();
		for ((a, b), c) in a.iter().zip(b).zip(c) {
			hasher.update([a, b, c]);
		}
		hasher.finish(&self.shape.dimensions)
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
		assignment.public_inputs == self.public_inputs()
			&& assignment.values.len() == self.columns()
			&& assignment.values()[super::linear::ONE] == Fr::ONE
	}
}

/// States the matrices to `ark-groth16`'s key generation, row by row: the rows there are these
/// rows, in this order.
impl ConstraintSynthesizer<Fr> for &Matrices {
	fn generate_constraints(self, system: ConstraintSystemRef<Fr>) -> Result<(), SynthesisError> {
		for _ in 0..self.public_inputs() {
			let _ = system.new_input_variable(|| Err(SynthesisError::AssignmentMissing))?;
		}
		for _ in 0..self.witnesses() {
			let _ = system.new_witness_variable(|| Err(SynthesisError::AssignmentMissing))?;
		}
		let variable = |column: usize| match column.checked_sub(self.public_inputs() + 1) {
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

/// Field elements that are secret: wiped when dropped, and where they stood when they move to grow.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SecretElements(Vec<Fr>);

impl SecretElements {
	pub(crate) fn with_capacity(capacity: usize) -> Self {
		Self(Vec::with_capacity(capacity))
	}

	pub(crate) fn len(&self) -> usize {
		self.0.len()
	}

	pub(crate) fn as_slice(&self) -> &[Fr] {
		&self.0
	}

	pub(crate) fn as_mut_slice(&mut self) -> &mut [Fr] {
		&mut self.0
	}

	pub(crate) fn push(&mut self, value: Fr) {
		if self.0.len() == self.0.capacity() {
			self.reserve(2 * self.0.len().max(512));
		}
		self.0.push(value);
	}

	/// Appends zeroes up to a length.
	pub(crate) fn pad(&mut self, length: usize) {
		self.reserve(length);
		self.0.resize(length.max(self.0.len()), Fr::ZERO);
	}

	fn reserve(&mut self, capacity: usize) {
		if self.0.capacity() < capacity {
			// Growing in place would leave a copy behind.
			let mut larger = Vec::with_capacity(capacity);
			larger.extend_from_slice(&self.0);
			self.0.zeroize();
			self.0 = larger;
		}
	}
}

impl From<Vec<Fr>> for SecretElements {
	fn from(elements: Vec<Fr>) -> Self {
		Self(elements)
	}
}

impl FromIterator<Fr> for SecretElements {
	fn from_iter<I: IntoIterator<Item = Fr>>(elements: I) -> Self {
		let elements = elements.into_iter();
		let mut secret = Self::with_capacity(elements.size_hint().0);
		elements.for_each(|element| secret.push(element));
		secret
	}
}

impl Drop for SecretElements {
	fn drop(&mut self) {
		self.0.zeroize();
	}
}

/// An assignment, and what the rows of A, B and C have for values under it: `A·z`, `B·z`, `C·z`.
/// As secret as the assignment.
pub(crate) struct Evaluations {
	pub(crate) assignment: Assignment,
	pub(crate) a: SecretElements,
	pub(crate) b: SecretElements,
	pub(crate) c: SecretElements,
}

impl Evaluations {
	/// With room for what the dimensions say, and for the padding to a power of two that follows.
	pub(super) fn new(public_inputs: usize, dimensions: &Dimensions) -> Self {
		let rows = (dimensions.constraints + dimensions.public_inputs + 1).next_power_of_two();
		let room = || SecretElements::with_capacity(rows);
		let assignment = Assignment::new(public_inputs, dimensions.columns());
		Self { assignment, a: room(), b: room(), c: room() }
	}
}

/// Values of a circuit's columns. Holds the client's secrets: wiped when dropped, printed as sizes.
#[derive(Clone, PartialEq, Eq)]
pub struct Assignment {
	public_inputs: usize,
	values: SecretElements,
}

impl Assignment {
	fn new(public_inputs: usize, capacity: usize) -> Self {
		let mut values = SecretElements::with_capacity(capacity);
		values.pad(public_inputs + 1);
		values.as_mut_slice()[super::linear::ONE] = Fr::ONE;
		Self { public_inputs, values }
	}

	pub(super) fn push(&mut self, value: Fr) {
		self.values.push(value);
	}

	pub(super) fn public_slot(&mut self, index: usize) -> Option<&mut Fr> {
		self.values.as_mut_slice()[..=self.public_inputs].get_mut(index)
	}

	/// The public inputs, without the constant one.
	pub fn public_inputs(&self) -> &[Fr] {
		&self.values()[1..=self.public_inputs]
	}

	/// All columns: the constant one, public inputs, witnesses.
	pub fn values(&self) -> &[Fr] {
		self.values.as_slice()
	}

	#[cfg(test)]
	pub(crate) fn values_mut(&mut self) -> &mut [Fr] {
		self.values.as_mut_slice()
	}

	pub(super) fn evaluate(&self, row: &[(Fr, usize)]) -> Fr {
		let zero = Fr::ZERO;
		row.iter().map(|(c, column)| *c * self.values().get(*column).unwrap_or(&zero)).sum()
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
