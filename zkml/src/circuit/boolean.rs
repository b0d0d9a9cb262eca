// SPDX-License-Identifier: Apache-2.0

//! Booleans, and the decomposition of a bounded number into them.

use super::{linear::Linear, system::ConstraintSystem};
use ark_bls12_381::Fr;
use ark_ff::{AdditiveGroup, Field};

/// Most bits of a decomposition: far below the field's 255, so that no two numbers of so many bits
/// are the same field element, and every decomposition is unique.
pub(crate) const MAX_BITS: u32 = 96;

/// `2^exponent`.
pub(crate) fn power_of_two(exponent: u32) -> Fr {
	Fr::from(2u64).pow([exponent.into()])
}

/// Requires `bit · (1 − bit) = 0`: in a field, that `bit` is 0 or 1. One constraint.
pub(crate) fn enforce_boolean<S: ConstraintSystem>(system: &mut S, bit: S::Linear) {
	let complement = bit.subtracted_from(Fr::ONE);
	system.enforce(bit, complement, S::Linear::constant(Fr::ZERO));
}

/// The `width` bits of `number`, least significant first: `width` constraints, `width − 1`
/// witnesses.
///
/// Relation: `0 ≤ number < 2^width`, and the result is its binary form. Every bit but the lowest
/// is a witness; the lowest is the combination `number − Σ_{i≥1} 2^i·b_i`, which saves both its
/// column and the constraint that would tie the bits to the number. All `width` bits are required
/// to be boolean.
///
/// Sound because the bits then sum to the number by construction, and `2^width ≤ 2^96` numbers are
/// distinct field elements: the bits are the number's only decomposition, and a number outside the
/// range has none.
///
/// `value` is the number as an integer; it is not looked at when columns have no values.
pub(crate) fn decompose<S: ConstraintSystem>(
	system: &mut S,
	number: &S::Linear,
	value: u128,
	width: u32,
) -> Vec<S::Linear> {
	debug_assert!((1..=MAX_BITS).contains(&width));
	let mut bits = Vec::with_capacity(width as usize);
	for position in 1..width {
		bits.push(system.witness(|| match (value >> position) & 1 {
			0 => Fr::ZERO,
			_ => Fr::ONE,
		}));
	}
	let mut weight = -Fr::ONE;
	let weighted = bits.iter().map(|bit| {
		weight.double_in_place();
		(weight, bit)
	});
	let lowest = S::Linear::combine(Fr::ZERO, std::iter::once((Fr::ONE, number)).chain(weighted));
	bits.insert(0, lowest);
	for bit in &bits {
		enforce_boolean(system, bit.clone());
	}
	bits
}

/// Bits of a non-negative number; 0 has none.
pub(crate) fn bit_length(number: i128) -> u32 {
	i128::BITS - number.leading_zeros()
}

/// Bits of the two's-complement numbers from `low` to `high`, without the sign.
pub(crate) fn magnitude_bits(low: i128, high: i128) -> u32 {
	bit_length(high.max(0)).max(bit_length(!low.min(-1)))
}

/// The `width` bits of `number` modulo `2^width`, least significant first, then one more: whether
/// `number ≥ 0`. `width + 1` constraints, `width` witnesses.
///
/// Relation: `−2^width ≤ number < 2^width`, and the result is the binary form of
/// `number + 2^width`, whose highest bit is the sign turned over. Sound as [`decompose`] is.
pub(crate) fn decompose_signed<S: ConstraintSystem>(
	system: &mut S,
	number: &S::Linear,
	value: i128,
	width: u32,
) -> Vec<S::Linear> {
	let raised = number.plus(&S::Linear::constant(power_of_two(width)));
	decompose(system, &raised, (value + (1 << width)) as u128, width + 1)
}

/// `Σ 2^i · bits[i]`.
pub(crate) fn compose<L: Linear>(bits: &[L]) -> L {
	let mut weight = Fr::ONE;
	L::combine(
		Fr::ZERO,
		bits.iter().map(|bit| {
			let term = (weight, bit);
			weight.double_in_place();
			term
		}),
	)
}

/// A new witness in −128…127: 8 constraints, 8 witnesses.
///
/// Relation: `x + 128` has eight bits. The element itself is a column, so that whatever uses it
/// has one entry for it, not eight.
pub(crate) fn int8<S: ConstraintSystem>(system: &mut S, value: i64) -> S::Linear {
	let element = system.witness(|| Fr::from(value));
	let shifted = element.plus(&S::Linear::constant(Fr::from(128u64)));
	decompose(system, &shifted, (i128::from(value) + 128) as u128, 8);
	element
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::circuit::{adversary, system::Circuit, CircuitError};

	/// The public input is an int8 by way of [`int8`].
	struct Int8(i64);

	impl Circuit for Int8 {
		fn public_inputs(&self) -> usize {
			1
		}

		fn synthesise<S: ConstraintSystem>(&self, system: &mut S) -> Result<(), CircuitError> {
			let expected = system.public(|| Fr::from(self.0));
			let element = int8(system, self.0);
			system.enforce_equal(element, expected);
			Ok(())
		}
	}

	/// The public input has `width` bits, and they compose to it.
	struct Bits {
		number: i128,
		width: u32,
	}

	impl Circuit for Bits {
		fn public_inputs(&self) -> usize {
			1
		}

		fn synthesise<S: ConstraintSystem>(&self, system: &mut S) -> Result<(), CircuitError> {
			let number = system.public(|| Fr::from(self.number));
			let bits = decompose(system, &number, self.number as u128, self.width);
			assert_eq!(compose(&bits).value(), number.value());
			Ok(())
		}
	}

	/// The first public input is a number of `width` bits and a sign, the second is whether it is
	/// not negative.
	struct Sign {
		number: i128,
		positive: bool,
		width: u32,
	}

	impl Circuit for Sign {
		fn public_inputs(&self) -> usize {
			2
		}

		fn synthesise<S: ConstraintSystem>(&self, system: &mut S) -> Result<(), CircuitError> {
			let number = system.public(|| Fr::from(self.number));
			let expected = system.public(|| Fr::from(u64::from(self.positive)));
			let bits = decompose_signed(system, &number, self.number, self.width);
			system.enforce_equal(bits.last().unwrap().clone(), expected);
			Ok(())
		}
	}

	#[test]
	fn signs_are_those_of_the_numbers() {
		for width in [0u32, 1, 5, 40, 95] {
			let top = 1i128 << width;
			for number in [-top, -1, 0, top - 1] {
				let sign = |positive| Sign { number, positive, width };
				let matrices = sign(number >= 0).matrices().unwrap();
				assert_eq!(matrices.constraints(), width as usize + 1 + 1);
				sign(number >= 0).assignment().unwrap();
				assert!(sign(number < 0).assignment().is_err(), "{number} of {width} bits");
				if width <= 40 {
					adversary::assert_tight(&sign(number >= 0), 1);
				}
			}
			for number in [-top - 1, top] {
				let outside = Sign { number, positive: number >= 0, width };
				assert!(outside.assignment().is_err(), "{number} of {width} bits");
			}
		}
	}

	#[test]
	fn magnitudes_leave_the_sign_out() {
		for (low, high, bits) in
			[(0, 0, 0), (-1, 0, 0), (0, 1, 1), (-128, 127, 7), (-129, 127, 8), (5, 256, 9)]
		{
			assert_eq!(magnitude_bits(low, high), bits, "{low}..{high}");
		}
	}

	#[test]
	fn int8_costs_eight_constraints_and_eight_witnesses() {
		let matrices = Int8(0).matrices().unwrap();
		assert_eq!((matrices.constraints(), matrices.witnesses()), (8 + 1, 8));
	}

	#[test]
	fn int8_accepts_exactly_its_range() {
		for x in -128..=127 {
			Int8(x).assignment().unwrap();
		}
		for x in [-129, 128, 255, 256, i64::MIN, i64::MAX] {
			assert!(matches!(Int8(x).assignment(), Err(CircuitError::Unsatisfied { .. })), "{x}");
		}
	}

	#[test]
	fn int8_leaves_no_freedom() {
		for x in [-128, -1, 0, 1, 77, 127] {
			adversary::assert_tight(&Int8(x), 0);
		}
	}

	#[test]
	fn a_decomposition_costs_its_width() {
		for width in [1, 2, 31, MAX_BITS] {
			let matrices = Bits { number: 1, width }.matrices().unwrap();
			assert_eq!(matrices.constraints(), width as usize);
			assert_eq!(matrices.witnesses(), width as usize - 1);
		}
	}

	#[test]
	fn a_decomposition_accepts_exactly_its_range() {
		for width in [1u32, 2, 7, 40, 95] {
			let top = 1i128 << width;
			for number in [0, 1, top / 2, top - 1] {
				Bits { number, width }.assignment().unwrap();
			}
			for number in [-1, top, top + 1, -top] {
				let outside = Bits { number, width }.assignment();
				assert!(matches!(outside, Err(CircuitError::Unsatisfied { .. })), "{number}");
			}
		}
	}

	#[test]
	fn a_decomposition_leaves_no_freedom() {
		for (number, width) in [(0, 1), (1, 1), (0, 6), (63, 6), (41, 6), (0xdead_beef, 32)] {
			adversary::assert_tight(&Bits { number, width }, 1);
		}
	}
}
