// SPDX-License-Identifier: Apache-2.0

//! Rank-1 constraint systems: one description of a circuit, run in three ways.
//!
//! A circuit says which columns it has and which products hold, `⟨a, z⟩ · ⟨b, z⟩ = ⟨c, z⟩` over
//! the assignment `z = [1, public inputs…, witnesses…]`. Run over a [`Counter`] it gives its
//! [`Dimensions`]; run over a [`Shaper`] it hands out its rows, one constraint at a time; run over
//! an [`Assigner`] it gives the [`Evaluations`], the assignment and what every row has for value,
//! and writes no row out. All run the same code, so they agree on every column.

use super::{
	linear::{Linear, Row, Unseen, Value},
	matrices::{Assignment, Dimensions, Evaluations, Matrices, Section, Shape},
	CircuitError,
};
use ark_bls12_381::Fr;
use ark_ff::Field;

/// Most constraints of a circuit: a bound on the keys, which have some 700 bytes for each.
pub const MAX_CONSTRAINTS: usize = 1 << 24;

/// Most non-zero entries of a circuit's three matrices together, one after the other: a bound on
/// the time that a setup takes.
pub const MAX_NON_ZEROS: usize = 1 << 31;

/// Most non-zero entries of [`Matrices`] that are kept, 40 bytes each: a bound on memory.
pub const MAX_STORED_NON_ZEROS: usize = 1 << 27;

/// One constraint's rows of A, B and C: coefficients and columns, by ascending column, each column
/// at most once, no coefficient zero.
pub(crate) type Rows = [Vec<(Fr, usize)>; 3];

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

	/// How many columns and rows the circuit has: cheaper by far than its rows.
	fn dimensions(&self) -> Result<Dimensions, CircuitError> {
		let public_inputs = self.public_inputs();
		let mut counter = Counter::default();
		self.synthesise(&mut counter)?;
		check_public_inputs(public_inputs, counter.public_inputs)?;
		let Counter { witnesses, constraints, .. } = counter;
		check_constraints(constraints)?;
		Ok(Dimensions { public_inputs, witnesses, constraints })
	}

	/// Hands out the rows of every constraint in turn, none of which is kept here, and then says
	/// what they were. When the circuit is refused, `visit` may have seen its first constraints.
	fn visit(&self, visit: impl FnMut(Rows)) -> Result<Shape, CircuitError> {
		let mut shaper = Shaper::new(self.public_inputs(), visit);
		self.synthesise(&mut shaper)?;
		shaper.finish()
	}

	/// The circuit's matrices, all of them in memory.
	fn matrices(&self) -> Result<Matrices, CircuitError> {
		let mut matrices: [Vec<Vec<(Fr, usize)>>; 3] = Default::default();
		let mut stored = 0;
		let shape = self.visit(|rows| {
			stored += rows.iter().map(Vec::len).sum::<usize>();
			// Past the limit only the count goes on: the matrices are refused below.
			if stored <= MAX_STORED_NON_ZEROS {
				for (matrix, row) in matrices.iter_mut().zip(rows) {
					matrix.push(row);
				}
			}
		})?;
		check_non_zeros(stored, MAX_STORED_NON_ZEROS)?;
		Ok(Matrices::new(shape, matrices))
	}

	/// The assignment that the values in the circuit give, and what its rows have for values.
	/// `dimensions` are the circuit's own: what they say is reserved, so that nothing moves while
	/// it grows.
	fn evaluate(&self, dimensions: &Dimensions) -> Result<Evaluations, CircuitError> {
		let mut assigner = Assigner::new(self.public_inputs(), dimensions);
		self.synthesise(&mut assigner)?;
		assigner.finish()
	}

	/// The assignment that the values in the circuit give.
	fn assignment(&self) -> Result<Assignment, CircuitError> {
		Ok(self.evaluate(&self.dimensions()?)?.assignment)
	}
}

/// Counts.
#[derive(Default)]
struct Counter {
	public_inputs: usize,
	witnesses: usize,
	constraints: usize,
}

impl ConstraintSystem for Counter {
	type Linear = Unseen;

	const ASSIGNS: bool = false;

	fn public(&mut self, _: impl FnOnce() -> Fr) -> Unseen {
		self.public_inputs += 1;
		Unseen
	}

	fn witness(&mut self, _: impl FnOnce() -> Fr) -> Unseen {
		self.witnesses += 1;
		Unseen
	}

	fn enforce(&mut self, _: Unseen, _: Unseen, _: Unseen) {
		self.constraints += 1;
	}

	fn section(&mut self, _: impl FnOnce() -> String) {}
}

/// Writes down the rows, and hands them to `visit`.
struct Shaper<V> {
	visit: V,
	next_public: usize,
	shape: Shape,
}

impl<V: FnMut(Rows)> Shaper<V> {
	fn new(public_inputs: usize, visit: V) -> Self {
		let dimensions = Dimensions { public_inputs, witnesses: 0, constraints: 0 };
		let shape = Shape { dimensions, non_zeros: 0, sections: Vec::new() };
		Self { visit, next_public: 0, shape }
	}

	fn is_within_limits(&self) -> bool {
		self.shape.non_zeros <= MAX_NON_ZEROS
			&& self.shape.dimensions.constraints <= MAX_CONSTRAINTS
	}

	fn finish(self) -> Result<Shape, CircuitError> {
		check_public_inputs(self.shape.dimensions.public_inputs, self.next_public)?;
		check_constraints(self.shape.dimensions.constraints)?;
		check_non_zeros(self.shape.non_zeros, MAX_NON_ZEROS)?;
		Ok(self.shape)
	}
}

impl<V: FnMut(Rows)> ConstraintSystem for Shaper<V> {
	type Linear = Row;

	const ASSIGNS: bool = false;

	fn public(&mut self, _: impl FnOnce() -> Fr) -> Row {
		self.next_public += 1;
		Row::column(self.next_public)
	}

	fn witness(&mut self, _: impl FnOnce() -> Fr) -> Row {
		let Dimensions { public_inputs, witnesses, .. } = &mut self.shape.dimensions;
		*witnesses += 1;
		Row::column(*public_inputs + *witnesses)
	}

	fn enforce(&mut self, a: Row, b: Row, c: Row) {
		let rows = [a, b, c].map(Row::into_terms);
		let non_zeros = rows.iter().map(Vec::len).sum::<usize>();
		self.shape.dimensions.constraints += 1;
		self.shape.non_zeros += non_zeros;
		if let Some(section) = self.shape.sections.last_mut() {
			section.constraints += 1;
			section.non_zeros += non_zeros;
		}
		// Past a limit only the count goes on: `finish` refuses.
		if self.is_within_limits() {
			(self.visit)(rows);
		}
	}

	fn section(&mut self, name: impl FnOnce() -> String) {
		self.shape.sections.push(Section {
			name: name(),
			origin: None,
			constraints: 0,
			non_zeros: 0,
		});
	}
}

/// Computes the assignment and the value of every row, and checks every constraint on the way: a
/// multiplication each, against the microseconds that proving it costs.
struct Assigner {
	next_public: usize,
	evaluations: Evaluations,
	violated: Option<usize>,
}

impl Assigner {
	fn new(public_inputs: usize, dimensions: &Dimensions) -> Self {
		let evaluations = Evaluations::new(public_inputs, dimensions);
		Self { next_public: 0, evaluations, violated: None }
	}

	fn finish(self) -> Result<Evaluations, CircuitError> {
		check_public_inputs(self.evaluations.assignment.public_inputs().len(), self.next_public)?;
		match self.violated {
			Some(constraint) => Err(CircuitError::Unsatisfied { constraint }),
			None => Ok(self.evaluations),
		}
	}
}

impl ConstraintSystem for Assigner {
	type Linear = Value;

	const ASSIGNS: bool = true;

	fn public(&mut self, value: impl FnOnce() -> Fr) -> Value {
		let value = value();
		self.next_public += 1;
		if let Some(slot) = self.evaluations.assignment.public_slot(self.next_public) {
			*slot = value;
		}
		Value(value)
	}

	fn witness(&mut self, value: impl FnOnce() -> Fr) -> Value {
		let value = value();
		self.evaluations.assignment.push(value);
		Value(value)
	}

	fn enforce(&mut self, a: Value, b: Value, c: Value) {
		let Evaluations { a: rows_of_a, b: rows_of_b, c: rows_of_c, .. } = &mut self.evaluations;
		if a.0 * b.0 != c.0 {
			self.violated.get_or_insert(rows_of_c.len());
		}
		rows_of_a.push(a.0);
		rows_of_b.push(b.0);
		rows_of_c.push(c.0);
	}

	fn section(&mut self, _: impl FnOnce() -> String) {}
}

fn check_public_inputs(expected: usize, found: usize) -> Result<(), CircuitError> {
	match expected == found {
		true => Ok(()),
		false => Err(CircuitError::PublicInputs { expected, found }),
	}
}

fn check_constraints(found: usize) -> Result<(), CircuitError> {
	match found <= MAX_CONSTRAINTS {
		true => Ok(()),
		false => Err(CircuitError::TooLarge { what: "constraints", limit: MAX_CONSTRAINTS, found }),
	}
}

fn check_non_zeros(found: usize, limit: usize) -> Result<(), CircuitError> {
	match found <= limit {
		true => Ok(()),
		false => Err(CircuitError::TooLarge { what: "non-zero matrix entries", limit, found }),
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
		let dimensions = Cubic { x: 0, y: 0 }.dimensions().unwrap();
		assert_eq!(dimensions, matrices.dimensions());
		let evaluations = Cubic { x: 3, y: 35 }.evaluate(&dimensions).unwrap();
		assert_eq!(evaluations.assignment, assignment);
		let rows = [evaluations.a, evaluations.b, evaluations.c];
		for (matrix, values) in matrices.as_ark().iter().zip(&rows) {
			let expected: Vec<Fr> = matrix.iter().map(|row| assignment.evaluate(row)).collect();
			assert_eq!(values.as_slice(), expected);
		}
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
		assert!(wrong(Miscounted.dimensions().err().unwrap()));
		assert!(wrong(Miscounted.matrices().err().unwrap()));
		let dimensions = Dimensions { public_inputs: 1, witnesses: 0, constraints: 0 };
		assert!(wrong(Miscounted.evaluate(&dimensions).err().unwrap()));
	}
}
