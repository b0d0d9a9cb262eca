// SPDX-License-Identifier: Apache-2.0

//! Rank-1 constraint systems: one description of a circuit, run in two ways.
//!
//! A circuit says which columns it has and which products hold, `⟨a, z⟩ · ⟨b, z⟩ = ⟨c, z⟩` over
//! the assignment `z = [1, public inputs…, witnesses…]`. Run over a [`Shaper`] it gives the
//! [`Matrices`]; run over an [`Assigner`] it gives the [`Assignment`] and writes no row out. Both
//! run the same code, so they agree on every column.

use super::{
	linear::{Linear, Row, Value},
	matrices::{Assignment, Matrices, Section},
	CircuitError,
};
use ark_bls12_381::Fr;
use ark_ff::{AdditiveGroup, Field};

/// Most non-zero entries of the three matrices together, 40 bytes each: a bound on memory.
pub const MAX_NON_ZEROS: usize = 1 << 27;

/// What a circuit is written against.
pub(crate) trait ConstraintSystem {
	/// Combinations of columns.
	type Linear: Linear;

	/// Whether columns have values. Without, no circuit may look at one.
	const ASSIGNS: bool;

	/// The next public input. All of them come before the first witness.
	fn public(&mut self, value: impl FnOnce() -> Fr) -> Self::Linear;

	/// The next witness; `value` is called only when columns have values.
	fn witness(&mut self, value: impl FnOnce() -> Fr) -> Self::Linear;

	/// Requires `a · b = c`.
	fn enforce(&mut self, a: Self::Linear, b: Self::Linear, c: Self::Linear);

	/// Names the constraints from here on, in the account of the circuit's size.
	fn section(&mut self, name: impl FnOnce() -> String);

	/// Requires `left = right`: one constraint.
	fn enforce_equal(&mut self, left: Self::Linear, right: Self::Linear) {
		self.enforce(left, Self::Linear::constant(Fr::ONE), right);
	}

	/// A new witness that equals `a · b`: one constraint, which determines it.
	fn product(&mut self, a: &Self::Linear, b: &Self::Linear) -> Self::Linear {
		let product = self.witness(|| a.value() * b.value());
		self.enforce(a.clone(), b.clone(), product.clone());
		product
	}
}

/// A circuit.
pub(crate) trait Circuit {
	/// Number of public inputs, without the constant.
	fn public_inputs(&self) -> usize;

	/// Allocates the columns and states the constraints. The order must not depend on any value.
	fn synthesise<S: ConstraintSystem>(&self, system: &mut S) -> Result<(), CircuitError>;

	/// The circuit's matrices.
	fn matrices(&self) -> Result<Matrices, CircuitError> {
		let mut shaper = Shaper::new(self.public_inputs());
		self.synthesise(&mut shaper)?;
		shaper.finish()
	}

	/// The assignment that the values in the circuit give.
	fn assignment(&self) -> Result<Assignment, CircuitError> {
		let mut assigner = Assigner::new(self.public_inputs());
		self.synthesise(&mut assigner)?;
		assigner.finish()
	}
}

/// Writes down the matrices.
struct Shaper {
	public_inputs: usize,
	next_public: usize,
	witnesses: usize,
	rows: [Vec<Vec<(Fr, usize)>>; 3],
	non_zeros: usize,
	sections: Vec<Section>,
}

impl Shaper {
	fn new(public_inputs: usize) -> Self {
		Self {
			public_inputs,
			next_public: 0,
			witnesses: 0,
			rows: Default::default(),
			non_zeros: 0,
			sections: Vec::new(),
		}
	}

	fn finish(self) -> Result<Matrices, CircuitError> {
		check_public_inputs(self.public_inputs, self.next_public)?;
		if self.non_zeros > MAX_NON_ZEROS {
			return Err(CircuitError::TooLarge { found: self.non_zeros });
		}
		Ok(Matrices::new(self.public_inputs, self.witnesses, self.rows, self.sections))
	}
}

impl ConstraintSystem for Shaper {
	type Linear = Row;

	const ASSIGNS: bool = false;

	fn public(&mut self, _: impl FnOnce() -> Fr) -> Row {
		self.next_public += 1;
		Row::column(self.next_public)
	}

	fn witness(&mut self, _: impl FnOnce() -> Fr) -> Row {
		self.witnesses += 1;
		Row::column(self.public_inputs + self.witnesses)
	}

	fn enforce(&mut self, a: Row, b: Row, c: Row) {
		let mut non_zeros = 0;
		for (matrix, row) in self.rows.iter_mut().zip([a, b, c]) {
			let row = row.into_terms();
			non_zeros += row.len();
			// Past the limit only the count goes on: `finish` refuses.
			if self.non_zeros <= MAX_NON_ZEROS {
				matrix.push(row);
			}
		}
		self.non_zeros += non_zeros;
		if let Some(section) = self.sections.last_mut() {
			section.constraints += 1;
			section.non_zeros += non_zeros;
		}
	}

	fn section(&mut self, name: impl FnOnce() -> String) {
		self.sections.push(Section { name: name(), constraints: 0, non_zeros: 0 });
	}
}

/// Computes the assignment, and checks every constraint on the way: a multiplication each, against
/// the microseconds that proving it costs.
struct Assigner {
	public_inputs: usize,
	next_public: usize,
	assignment: Assignment,
	constraints: usize,
	violated: Option<usize>,
}

impl Assigner {
	fn new(public_inputs: usize) -> Self {
		let mut values = vec![Fr::ZERO; public_inputs + 1];
		values[super::linear::ONE] = Fr::ONE;
		Self {
			public_inputs,
			next_public: 0,
			assignment: Assignment::new(public_inputs, values),
			constraints: 0,
			violated: None,
		}
	}

	fn finish(self) -> Result<Assignment, CircuitError> {
		check_public_inputs(self.public_inputs, self.next_public)?;
		match self.violated {
			Some(constraint) => Err(CircuitError::Unsatisfied { constraint }),
			None => Ok(self.assignment),
		}
	}
}

impl ConstraintSystem for Assigner {
	type Linear = Value;

	const ASSIGNS: bool = true;

	fn public(&mut self, value: impl FnOnce() -> Fr) -> Value {
		let value = value();
		self.next_public += 1;
		if let Some(slot) = self.assignment.public_slot(self.next_public) {
			*slot = value;
		}
		Value(value)
	}

	fn witness(&mut self, value: impl FnOnce() -> Fr) -> Value {
		let value = value();
		self.assignment.push(value);
		Value(value)
	}

	fn enforce(&mut self, a: Value, b: Value, c: Value) {
		if a.0 * b.0 != c.0 {
			self.violated.get_or_insert(self.constraints);
		}
		self.constraints += 1;
	}

	fn section(&mut self, _: impl FnOnce() -> String) {}
}

fn check_public_inputs(expected: usize, found: usize) -> Result<(), CircuitError> {
	match expected == found {
		true => Ok(()),
		false => Err(CircuitError::PublicInputs { expected, found }),
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	/// `x³ + x + 5 = y` with `y` public.
	struct Cubic {
		x: u64,
		y: u64,
	}

	impl Circuit for Cubic {
		fn public_inputs(&self) -> usize {
			1
		}

		fn synthesise<S: ConstraintSystem>(&self, system: &mut S) -> Result<(), CircuitError> {
			let y = system.public(|| Fr::from(self.y));
			system.section(|| "cube".into());
			let x = system.witness(|| Fr::from(self.x));
			let square = system.product(&x, &x);
			let cube = system.product(&square, &x);
			system.section(|| "sum".into());
			let sum = S::Linear::combine(Fr::from(5u64), [(Fr::ONE, &cube), (Fr::ONE, &x)]);
			system.enforce_equal(sum, y);
			Ok(())
		}
	}

	#[test]
	fn a_true_statement_satisfies_the_matrices() {
		let circuit = Cubic { x: 3, y: 35 };
		let matrices = circuit.matrices().unwrap();
		let assignment = circuit.assignment().unwrap();
		assert_eq!((matrices.public_inputs(), matrices.witnesses()), (1, 3));
		assert_eq!((matrices.constraints(), matrices.non_zeros()), (3, 11));
		assert_eq!(assignment.public_inputs(), [Fr::from(35u64)]);
		assert!(matrices.is_satisfied(&assignment));
		let sections = matrices.sections();
		assert_eq!((sections[0].constraints, sections[1].constraints), (2, 1));
		assert_eq!(sections.iter().map(|s| s.non_zeros).sum::<usize>(), matrices.non_zeros());
	}

	#[test]
	fn a_false_statement_names_the_constraint() {
		let error = Cubic { x: 3, y: 36 }.assignment().unwrap_err();
		assert!(matches!(error, CircuitError::Unsatisfied { constraint: 2 }), "{error}");
	}

	/// Says one public input, allocates two.
	struct Miscounted;

	impl Circuit for Miscounted {
		fn public_inputs(&self) -> usize {
			1
		}

		fn synthesise<S: ConstraintSystem>(&self, system: &mut S) -> Result<(), CircuitError> {
			system.public(|| Fr::ONE);
			system.public(|| Fr::ONE);
			Ok(())
		}
	}

	#[test]
	fn a_wrong_number_of_public_inputs_is_refused() {
		let wrong = |error| matches!(error, CircuitError::PublicInputs { expected: 1, found: 2 });
		assert!(wrong(Miscounted.matrices().err().unwrap()));
		assert!(wrong(Miscounted.assignment().err().unwrap()));
	}
}
