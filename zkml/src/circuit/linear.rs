// SPDX-License-Identifier: Apache-2.0

//! Linear combinations of a constraint system's columns, in the three forms that gadgets compute
//! with: written out, as a value, and as nothing at all, where constraints are only counted.

use ark_bls12_381::Fr;
use ark_ff::{AdditiveGroup, Field};

/// Column of the constant one, the first of every assignment.
pub(crate) const ONE: usize = 0;

/// What gadgets compute with: affine combinations of columns.
pub(crate) trait Linear: Clone + Send + Sync {
	/// A constant.
	fn constant(value: Fr) -> Self;

	/// `constant + Σ coefficient · term`.
	fn combine<'a>(constant: Fr, terms: impl IntoIterator<Item = (Fr, &'a Self)>) -> Self
	where
		Self: 'a;

	/// The combination's value when columns have values, zero otherwise.
	fn value(&self) -> Fr;

	/// Columns that it is written out with; 0 when it is not.
	fn terms(&self) -> usize {
		0
	}

	/// `self + other`.
	fn plus(&self, other: &Self) -> Self {
		Self::combine(Fr::ZERO, [(Fr::ONE, self), (Fr::ONE, other)])
	}

	/// `constant − self`.
	fn subtracted_from(&self, constant: Fr) -> Self {
		Self::combine(constant, [(-Fr::ONE, self)])
	}
}

/// A row of a constraint matrix: coefficients and columns, by ascending column, each column at
/// most once, no coefficient zero. A function of the affine function alone, so that one circuit
/// has one encoding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Row(Vec<(Fr, usize)>);

impl Row {
	/// One column.
	pub(crate) fn column(column: usize) -> Self {
		Self(vec![(Fr::ONE, column)])
	}

	/// Coefficients and columns.
	pub(crate) fn into_terms(self) -> Vec<(Fr, usize)> {
		self.0
	}

	fn normalise(&mut self) {
		// Gadgets mostly combine in ascending order already.
		if !self.0.is_sorted_by(|left, right| left.1 < right.1) {
			self.0.sort_unstable_by_key(|(_, column)| *column);
			self.0.dedup_by(|next, kept| {
				let same = next.1 == kept.1;
				if same {
					kept.0 += next.0;
				}
				same
			});
		}
		self.0.retain(|(coefficient, _)| *coefficient != Fr::ZERO);
	}
}

impl Linear for Row {
	fn constant(value: Fr) -> Self {
		Self::combine(value, [])
	}

	fn combine<'a>(constant: Fr, terms: impl IntoIterator<Item = (Fr, &'a Self)>) -> Self {
		let mut row = Self(vec![(constant, ONE)]);
		for (factor, term) in terms {
			if factor == Fr::ONE {
				row.0.extend_from_slice(&term.0);
			} else if factor != Fr::ZERO {
				row.0.extend(term.0.iter().map(|(c, column)| (factor * c, *column)));
			}
		}
		row.normalise();
		row
	}

	fn value(&self) -> Fr {
		Fr::ZERO
	}

	fn terms(&self) -> usize {
		self.0.len()
	}
}

/// A combination of which only the value is known.
#[derive(Clone, Copy)]
pub(crate) struct Value(pub(crate) Fr);

impl Linear for Value {
	fn constant(value: Fr) -> Self {
		Self(value)
	}

	fn combine<'a>(constant: Fr, terms: impl IntoIterator<Item = (Fr, &'a Self)>) -> Self {
		// Most values are bits: comparing them is much less than multiplying.
		Self(terms.into_iter().fold(constant, |sum, (factor, term)| match term.0 {
			zero if zero == Fr::ZERO => sum,
			one if one == Fr::ONE => sum + factor,
			_ if factor == Fr::ONE => sum + term.0,
			value => sum + factor * value,
		}))
	}

	fn value(&self) -> Fr {
		self.0
	}
}

/// A combination that nobody looks at.
#[derive(Clone, Copy)]
pub(crate) struct Unseen;

impl Linear for Unseen {
	fn constant(_: Fr) -> Self {
		Self
	}

	fn combine<'a>(_: Fr, _: impl IntoIterator<Item = (Fr, &'a Self)>) -> Self {
		Self
	}

	fn value(&self) -> Fr {
		Fr::ZERO
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn fr(value: i64) -> Fr {
		Fr::from(value)
	}

	#[test]
	fn rows_are_sorted_merged_and_free_of_zeroes() {
		let (x, y) = (Row::column(5), Row::column(2));
		let row = Row::combine(fr(7), [(fr(3), &x), (fr(-1), &y), (fr(2), &x)]);
		assert_eq!(row.into_terms(), vec![(fr(7), ONE), (fr(-1), 2), (fr(5), 5)]);
		let cancelled = Row::combine(fr(0), [(fr(3), &x), (fr(-3), &x)]);
		assert!(cancelled.into_terms().is_empty());
		let constants = Row::combine(fr(1), [(fr(2), &Row::constant(fr(4)))]);
		assert_eq!(constants.into_terms(), vec![(fr(9), ONE)]);
	}

	#[test]
	fn both_forms_compute_the_same_function() {
		let values = [fr(1), fr(10), fr(-4), fr(6)];
		let row = Row::combine(fr(3), [(fr(2), &Row::column(1)), (fr(-5), &Row::column(3))]);
		let row = row.plus(&Row::column(2)).subtracted_from(fr(100));
		let value =
			Value::combine(fr(3), [(fr(2), &Value(values[1])), (fr(-5), &Value(values[3]))]);
		let value = value.plus(&Value(values[2])).subtracted_from(fr(100));
		let evaluated: Fr = row.into_terms().iter().map(|(c, column)| *c * values[*column]).sum();
		assert_eq!(evaluated, value.value());
	}
}
