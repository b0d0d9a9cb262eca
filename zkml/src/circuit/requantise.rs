// SPDX-License-Identifier: Apache-2.0

//! Requantisation: round, shift, clamp, with or without ReLU.
//!
//! # Relation
//!
//! For an accumulator `acc` in `[low, high]` (the network's static bounds) and a shift `s`:
//!
//! ```text
//! q = ⌊(acc + 2^(s−1)) / 2^s⌋        without the rounding term when s = 0
//! y = clamp(q, 0, 255) with ReLU,  clamp(q, −128, 127) without
//! ```
//!
//! The signed clamp is the other one moved: `clamp(q, −128, 127) = clamp(q + 128, 0, 255) − 128`,
//! so there is one gadget, over `t = acc + 2^(s−1)` or `t = acc + 2^(s−1) + 128·2^s`.
//!
//! # Constraints
//!
//! Write `q_low`, `q_high` for the quotient at the bounds of `t`, `n` for the bits that hold
//! `q_high` and, when it is negative, `−q_low − 1`.
//!
//! | case | constraints |
//! |---|---|
//! | the clamp has one value on the whole range | 0: `y` is a constant |
//! | `0 ≤ q ≤ 255` always, `s = 0` | 1: `y = t` |
//! | `0 ≤ q ≤ 255` always, `s > 0` | `s + n` |
//! | `q ≥ 0` always, `e` bits above the eighth | `s + n + e` |
//! | `q ≤ 255` always | `k + 1` with `k = s + n + 1` |
//! | both ends clamp | `k + 1 + e` |
//!
//! # How
//!
//! `t + 2^(s+n)` (without the power when `t` is never negative) is decomposed into `k` bits:
//! the lowest `s` are the remainder, the next `n` the quotient's, the highest, `σ`, says that
//! `t ≥ 0`. Let `v` be the quotient's low eight bits, and `o` the disjunction of those above, up
//! to the highest that a non-negative quotient can have: a chain of `e − 1` products gives
//! `∏(1 − b) = 1 − o`. Then `w = v + o·(255 − v)` is `min(q, 255)` and `y = σ·w`.
//!
//! # Why it is sound
//!
//! By induction over the layers `acc` lies within its bounds, so `t + 2^(s+n)` is an integer of
//! `k ≤ 96` bits, whose decomposition is unique ([`decompose`]). Every other witness is a product
//! of what is already determined. There is no witness that a prover may choose: no inverse, no
//! selector, no quotient that is not tied to its bits.

use super::{
	boolean::{compose, decompose, power_of_two, MAX_BITS},
	linear::Linear,
	system::ConstraintSystem,
	CircuitError,
};
use crate::network::Interval;
use ark_bls12_381::Fr;
use ark_ff::{AdditiveGroup, Field};

/// Largest value of the clamp.
const CEILING: i128 = 255;
/// Bits below it.
const CEILING_BITS: u32 = 8;

/// How one element is requantised, from its static bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Requantisation {
	/// Added to the accumulator: the rounding term, and the move of a signed clamp.
	offset: i128,
	/// Added to the clamped quotient: −128 for a signed clamp, else 0.
	zero: i64,
	shift: u32,
	form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
	/// The clamp has this one value on the whole range.
	Constant(i64),
	/// Nothing is shifted and nothing clamps.
	Copy,
	/// The quotient has `quotient` bits, at most eight, and never clamps.
	Shift { quotient: u32 },
	/// A clamp at one end or both.
	Clamp {
		/// Bits of the quotient, below the sign.
		quotient: u32,
		/// Whether the quotient can be negative.
		signed: bool,
		/// Bits that a non-negative quotient can have above the eighth.
		overflow: u32,
	},
}

impl Requantisation {
	/// The cheapest form for an accumulator within `bounds`.
	///
	/// # Errors
	/// [`CircuitError::TooWide`] when it would need more than [`MAX_BITS`] bits.
	pub(crate) fn new(bounds: Interval, shift: u8, relu: bool) -> Result<Self, CircuitError> {
		let shift = u32::from(shift);
		if shift + CEILING_BITS > MAX_BITS {
			return Err(CircuitError::TooWide { found: shift + CEILING_BITS });
		}
		let rounding = match shift {
			0 => 0,
			_ => 1i128 << (shift - 1),
		};
		let (offset, zero) = match relu {
			true => (rounding, 0),
			false => (rounding + (128i128 << shift), -128),
		};
		let quotient_at = |acc: i64| (i128::from(acc) + offset) >> shift;
		let (low, high) = (quotient_at(bounds.low), quotient_at(bounds.high));
		let clamped = |quotient: i128| quotient.clamp(0, CEILING);
		let form = if clamped(low) == clamped(high) {
			Form::Constant(clamped(low) as i64)
		} else {
			let signed = low < 0;
			let below = if signed { bits(!low) } else { 0 };
			let quotient = bits(high).max(below);
			match (signed, high > CEILING) {
				(false, false) if shift == 0 => Form::Copy,
				(false, false) => Form::Shift { quotient },
				_ => {
					let overflow = bits(high).saturating_sub(CEILING_BITS);
					Form::Clamp { quotient, signed, overflow }
				},
			}
		};
		let plan = Self { offset, zero, shift, form };
		match plan.width() {
			found if found > MAX_BITS => Err(CircuitError::TooWide { found }),
			_ => Ok(plan),
		}
	}

	/// Bits of the decomposition.
	fn width(&self) -> u32 {
		match self.form {
			Form::Constant(_) | Form::Copy => 0,
			Form::Shift { quotient } => self.shift + quotient,
			Form::Clamp { quotient, signed, .. } => self.shift + quotient + u32::from(signed),
		}
	}

	/// The constraints that [`Self::apply`] adds: the table of the module's documentation.
	#[cfg(test)]
	pub(crate) fn constraints(&self) -> usize {
		let constraints = match self.form {
			Form::Constant(_) => 0,
			Form::Copy => 1,
			Form::Shift { .. } => self.width(),
			Form::Clamp { signed, overflow, .. } => self.width() + overflow + u32::from(signed),
		};
		constraints as usize
	}

	/// Requantises `acc`, whose integer is `value` (not looked at when columns have no values).
	/// The result is one new column, plus a constant for a signed clamp.
	pub(crate) fn apply<S: ConstraintSystem>(
		&self,
		system: &mut S,
		acc: &S::Linear,
		value: i64,
	) -> S::Linear {
		let shifted = S::Linear::combine(Fr::from(self.offset), std::iter::once((Fr::ONE, acc)));
		let value = i128::from(value) + self.offset;
		let clamped = self.clamp(system, shifted, value);
		S::Linear::combine(Fr::from(self.zero), std::iter::once((Fr::ONE, &clamped)))
	}

	/// `clamp(⌊number / 2^shift⌋, 0, 255)`.
	fn clamp<S: ConstraintSystem>(
		&self,
		system: &mut S,
		number: S::Linear,
		value: i128,
	) -> S::Linear {
		let shift = self.shift as usize;
		match self.form {
			Form::Constant(constant) => S::Linear::constant(Fr::from(constant)),
			Form::Copy => {
				let copy = system.witness(|| Fr::from(value));
				system.enforce_equal(number, copy.clone());
				copy
			},
			Form::Shift { quotient } => {
				let result = value >> self.shift;
				let column = system.witness(|| Fr::from(result));
				decompose(system, &column, result as u128, quotient);
				let step = -power_of_two(self.shift);
				let remainder = S::Linear::combine(Fr::ZERO, [(Fr::ONE, &number), (step, &column)]);
				let rest = value - (result << self.shift);
				decompose(system, &remainder, rest as u128, self.shift);
				column
			},
			Form::Clamp { quotient, signed, overflow } => {
				let bits = if signed {
					let middle = power_of_two(self.shift + quotient);
					let raised = number.plus(&S::Linear::constant(middle));
					let value = value + (1i128 << (self.shift + quotient));
					decompose(system, &raised, value as u128, self.width())
				} else {
					decompose(system, &number, value as u128, self.width())
				};
				let end = shift + quotient.min(CEILING_BITS) as usize;
				let low = compose(&bits[shift..end]);
				let high = &bits[end..end + overflow as usize];
				let sign = bits.last().filter(|_| signed);
				saturate(system, low, high, sign)
			},
		}
	}
}

/// `min(quotient, 255)` times the sign, when there is one: `e` constraints for `e ≥ 1` high bits,
/// and one for the sign.
fn saturate<S: ConstraintSystem>(
	system: &mut S,
	low: S::Linear,
	high: &[S::Linear],
	sign: Option<&S::Linear>,
) -> S::Linear {
	let result = match high.split_first() {
		None => low,
		Some((first, rest)) => {
			let mut none = first.subtracted_from(Fr::ONE);
			for bit in rest {
				none = system.product(&none, &bit.subtracted_from(Fr::ONE));
			}
			let overflowed = none.subtracted_from(Fr::ONE);
			let room = low.subtracted_from(Fr::from(CEILING));
			if sign.is_some() {
				low.plus(&system.product(&overflowed, &room))
			} else {
				// The product is `result − low`, so that the result is a column of its own.
				let result = system.witness(|| low.value() + overflowed.value() * room.value());
				let risen = S::Linear::combine(Fr::ZERO, [(Fr::ONE, &result), (-Fr::ONE, &low)]);
				system.enforce(overflowed, room, risen);
				result
			}
		},
	};
	match sign {
		Some(sign) => system.product(sign, &result),
		None => result,
	}
}

/// Bits of a non-negative number; 0 has none.
fn bits(number: i128) -> u32 {
	i128::BITS - number.leading_zeros()
}

#[cfg(test)]
mod tests;
