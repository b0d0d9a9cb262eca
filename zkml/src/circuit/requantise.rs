// SPDX-License-Identifier: Apache-2.0

//! Requantisation: round, shift, clamp, with or without a leak.
//!
//! # Relation
//!
//! That of [`network::Requantisation`](crate::network::Requantisation), for one element `x` within
//! its static bounds: with `t = x + 2^(s−1)` (`t = x` when `s = 0`),
//!
//! ```text
//! y = clamp(⌊t / 2^s⌋, low, high)               for t ≥ 0, or without a leak
//! y = clamp(⌊t / 2^(s + leak)⌋, low, high)      for t < 0
//! ```
//!
//! A leak matters only when `low < −1`, `high > 0` and `t` can have both signs; otherwise it is a
//! requantisation without, by one of the two shifts.
//!
//! # Constraints
//!
//! Only what the static bounds of `t` leave open is decided. `w` is the number of bits that hold
//! every number that the decomposition below may get, which are as small as the clamp allows.
//!
//! | case | constraints |
//! |---|---|
//! | the result is the same on the whole range | 0: `y` is a constant |
//! | nothing is shifted, nothing clamps | 1: `y` is a column that equals `x` |
//! | the result has two values | `w + 1` |
//! | nothing clamps, the quotient is in a range of `n` bits | `s + n` |
//! | one end clamps | `w + 2` |
//! | both ends clamp | `w + 3 + a` |
//! | with a leak, nothing clamps | `w + 2` |
//! | with a leak, `e` ends clamp | `w + 3 + e + a` |
//!
//! `a` is 0 when `high − low + 1` is a power of two, as for uint8 and int8; else the constraints of
//! [`enforce_at_most`]. With a leak the two halves, `high + 1` and `−low`, count in its place.
//!
//! # How
//!
//! *Two values*: the sign of `t` minus the place of the step is the result.
//!
//! *One end*: at the lower, `t' = t − low·2^s` is decomposed into `w` bits and `σ = [t' ≥ 0]`; the
//! bits from the `s`-th on are the quotient `v` when `σ = 1`, and `y = low + σ·v`. The upper end is
//! its mirror image: `high − ⌊t/2^s⌋ = ⌊((high + 1)·2^s − 1 − t) / 2^s⌋`.
//!
//! *Both ends*: two flags, `σ = [t' ≥ 0]` and `o = [t' ≥ B]` with `B = (high − low + 1)·2^s`, move
//! each of the three cases to a range that begins at 0:
//!
//! ```text
//! t' = X − (1 − σ)·2^w + o·B,       0 ≤ X < 2^w
//! y  = low + (σ − o)·v + (high − low)·o,       v = ⌊X / 2^s⌋ when that is small
//! ```
//!
//! and between the ends, `σ − o = 1`, the bits of `X` above those of `v` must be zero. With their
//! sum `h`, *one* constraint demands that and determines `o`:
//!
//! ```text
//! (σ − o) · (o·B + 2^128·(h + 1 − σ)) = 0
//! ```
//!
//! *Leak*: the same with four cases, `u = [t < low·2^(s + leak)]` being the flag of the lower end;
//! each sign has its own quotient from the same bits.
//!
//! # Why it is sound
//!
//! By induction over the layers `x` lies within its bounds, so what is decomposed is an integer of
//! `w ≤ 96` bits, and its decomposition is unique.
//!
//! For the flags: `σ` is boolean. The first factor of the constraint vanishes for `o = σ`, the
//! second for `o·B = −2^128·(h + 1 − σ)`. Were `h + 1 − σ` positive there, then
//! `t' = X − (1 − σ)·2^w − 2^128·(h + 1 − σ)` would lie between −2^136 and −2^127: no field element
//! within the bounds of `t'`, which have at most 97 bits. So `o` is 0 there, `σ` is 1 and `h` is 0.
//! What is left is `σ = o = 0` (`t' < 0` follows from `X < 2^w`), `σ = o = 1` (`t' ≥ B` from
//! `X ≥ 0`), and `σ = 1, o = 0`, where `h = 0` and the check on `v` say `t' < B`: three cases that
//! exclude each other, so `t'` determines the flags. The constraint's two factors never vanish
//! together, so that the solution is a simple root. With a leak the two flags' constraints can make
//! `t` only *more* negative, both of them, so that neither helps the other.
//!
//! Every other witness is a product of what is already determined. There is no witness that a
//! prover may choose: no inverse, no selector, no quotient that is not tied to its bits.

use super::{
	boolean::{
		bit_length, compose, decompose, decompose_signed, enforce_boolean, magnitude_bits,
		power_of_two, MAX_BITS,
	},
	linear::Linear,
	system::ConstraintSystem,
	CircuitError,
};
use crate::network::{Interval, Requantisation};
use ark_bls12_381::Fr;
use ark_ff::{AdditiveGroup, Field};

/// Exponent of a number beyond everything that is decomposed.
const BEYOND: u32 = 128;

/// How one element is requantised, from its static bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Requantiser {
	/// Added to the element before the shift.
	rounding: i128,
	shift: u32,
	form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
	/// The result is always this.
	Constant(i64),
	/// Nothing is shifted and nothing clamps.
	Copy,
	/// The result is `low`, or one more from `threshold` on.
	Step { low: i64, threshold: i128, width: u32 },
	/// Nothing clamps; the quotient is `low` and at most `quotient` bits more.
	Shift { low: i64, quotient: u32 },
	/// One end clamps, and the result moves away from it by at most `quotient` bits.
	OneEnd { end: i64, upper: bool, quotient: u32, width: u32 },
	/// Both ends clamp.
	BothEnds { low: i64, high: i64, width: u32 },
	/// The sign decides the shift.
	Leaky(Leaky),
}

/// The two halves of a requantisation with a leak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Leaky {
	/// Ends of the clamp.
	low: i64,
	high: i64,
	/// Which of them clamp.
	under: bool,
	over: bool,
	/// Bits of the quotient that is not negative.
	quotient: u32,
	/// What negative numbers are shifted by.
	shift: u32,
	width: u32,
}

impl Requantiser {
	/// The cheapest form for an element within `bounds`, shifted by `shift`.
	///
	/// # Errors
	/// [`CircuitError::TooWide`] when it would need more than [`MAX_BITS`] bits.
	pub(crate) fn new(
		bounds: Interval,
		requantisation: &Requantisation,
		shift: u8,
	) -> Result<Self, CircuitError> {
		let leak = u32::from(requantisation.leak);
		let mut shift = u32::from(shift);
		// Room for a quotient of nine bits and a sign.
		if shift + 10 > MAX_BITS {
			return Err(CircuitError::TooWide { found: shift + 10 });
		}
		// No number has more bits: shifting it further changes nothing.
		let leaky_shift = (shift + leak).min(shift.max(i64::BITS));
		let rounding = match shift {
			0 => 0,
			_ => 1i128 << (shift - 1),
		};
		let low_end = i128::from(bounds.low) + rounding;
		let high_end = i128::from(bounds.high) + rounding;
		let range = (low_end, high_end);
		let (low, high) = (i64::from(requantisation.low), i64::from(requantisation.high));
		let straddles = low_end < 0 && high_end >= 0;
		let form = if leak > 0 && low < -1 && high > 0 && straddles {
			leaky(range, (low, high), shift, leaky_shift)
		} else {
			if leak > 0 && low < -1 && (high <= 0 || high_end < 0) {
				shift = leaky_shift;
			}
			plain(range, (low, high), shift)
		};
		match form.width(shift) {
			found if found > MAX_BITS => Err(CircuitError::TooWide { found }),
			_ => Ok(Self { rounding, shift, form }),
		}
	}

	/// The constraints that [`Self::apply`] adds: the table of the module's documentation.
	#[cfg(test)]
	pub(crate) fn constraints(&self) -> usize {
		let width = self.form.width(self.shift) as usize;
		match self.form {
			Form::Constant(_) => 0,
			Form::Copy => 1,
			Form::Step { .. } | Form::Shift { .. } => width,
			Form::OneEnd { .. } => width + 1,
			Form::BothEnds { low, high, .. } => {
				width + 1 + at_most_constraints((high - low) as u64)
			},
			Form::Leaky(Leaky { low, high, under, over, .. }) => {
				let limits =
					[(under, !low), (over, high)].into_iter().filter(|(clamps, _)| *clamps);
				let checks = limits.map(|(_, limit)| at_most_constraints(limit as u64));
				width + 1 + usize::from(under || over) + checks.sum::<usize>()
			},
		}
	}

	/// Requantises `x`, whose integer is `value` (not looked at when columns have no values).
	/// The result is one new column, plus a constant.
	pub(crate) fn apply<S: ConstraintSystem>(
		&self,
		system: &mut S,
		x: &S::Linear,
		value: i64,
	) -> S::Linear {
		let t = offset(x, self.rounding);
		let value = i128::from(value) + self.rounding;
		let shift = self.shift;
		match self.form {
			Form::Constant(constant) => S::Linear::constant(Fr::from(constant)),
			Form::Copy => {
				let copy = system.witness(|| Fr::from(value));
				system.enforce_equal(t, copy.clone());
				copy
			},
			Form::Step { low, threshold, width } => {
				let above = offset(&t, -threshold);
				let mut bits = decompose_signed(system, &above, value - threshold, width);
				let step = bits.pop().unwrap_or(above);
				offset(&step, low.into())
			},
			Form::Shift { low, quotient } => {
				let above = (value >> shift) - i128::from(low);
				let column = system.witness(|| Fr::from(above));
				decompose(system, &column, above as u128, quotient);
				let result = offset(&column, low.into());
				if shift > 0 {
					let step = -power_of_two(shift);
					let remainder = S::Linear::combine(Fr::ZERO, [(Fr::ONE, &t), (step, &result)]);
					let rest = value - ((value >> shift) << shift);
					decompose(system, &remainder, rest as u128, shift);
				}
				result
			},
			Form::OneEnd { end, upper, quotient, width } => {
				let distance = distance(value, end, upper, shift);
				let sign = if upper { -Fr::ONE } else { Fr::ONE };
				// The distance is affine in `t`; its value at 0 is its constant.
				let origin = distance_constant(end, upper, shift);
				let number = S::Linear::combine(Fr::from(origin), std::iter::once((sign, &t)));
				let bits = decompose_signed(system, &number, distance, width);
				let moved = compose(part(&bits, shift, quotient));
				let moved = match bits.last() {
					Some(inside) => system.product(inside, &moved),
					None => moved,
				};
				S::Linear::combine(Fr::from(end), std::iter::once((sign, &moved)))
			},
			Form::BothEnds { low, high, width } => {
				let number = offset(&t, -(i128::from(low) << shift));
				let value = value - (i128::from(low) << shift);
				let result = saturate(system, &number, value, (high - low) as u64, shift, width);
				offset(&result, low.into())
			},
			Form::Leaky(leaky) => leaky.apply(system, &t, value, shift),
		}
	}
}

impl Form {
	/// Bits that are decomposed, signs included.
	fn width(&self, shift: u32) -> u32 {
		match self {
			Self::Constant(_) | Self::Copy => 0,
			Self::Shift { quotient, .. } => shift + quotient,
			Self::Step { width, .. }
			| Self::OneEnd { width, .. }
			| Self::BothEnds { width, .. }
			| Self::Leaky(Leaky { width, .. }) => width + 1,
		}
	}
}

/// The form without a leak, for `t` from the first number of `range` to the second.
fn plain(range: (i128, i128), clamp: (i64, i64), shift: u32) -> Form {
	let (low, high) = clamp;
	let quotients = (range.0 >> shift, range.1 >> shift);
	let clamped = |quotient: i128| quotient.clamp(low.into(), high.into()) as i64;
	let (smallest, largest) = (clamped(quotients.0), clamped(quotients.1));
	let levels = largest - smallest;
	let below = quotients.0 < low.into();
	let above = quotients.1 > high.into();
	let end_form = |end, upper| {
		// The distance falls with `t` at the upper end.
		let one = distance(range.0, end, upper, shift);
		let other = distance(range.1, end, upper, shift);
		let width = magnitude_bits(one.min(other), one.max(other));
		Form::OneEnd { end, upper, quotient: bit_length(levels.into()), width }
	};
	match (below, above) {
		_ if levels == 0 => Form::Constant(smallest),
		(false, false) if shift == 0 => Form::Copy,
		_ if levels == 1 => {
			let threshold = i128::from(largest) << shift;
			let width = magnitude_bits(range.0 - threshold, range.1 - threshold);
			Form::Step { low: smallest, threshold, width }
		},
		(false, false) => Form::Shift { low: smallest, quotient: bit_length(levels.into()) },
		(true, false) => end_form(low, false),
		(false, true) => end_form(high, true),
		(true, true) => {
			let origin = i128::from(low) << shift;
			let beyond = i128::from(levels + 1) << shift;
			let width = magnitude_bits(range.0 - origin, range.1 - origin - beyond);
			Form::BothEnds { low, high, width: width.max(shift + bit_length(levels.into())) }
		},
	}
}

/// The form with a leak, for `t` of both signs.
fn leaky(range: (i128, i128), clamp: (i64, i64), shift: u32, leaky_shift: u32) -> Form {
	let (low, high) = clamp;
	let over = range.1 >> shift > high.into();
	let under = range.0 >> leaky_shift < low.into();
	let quotient = bit_length((range.1 >> shift).min(high.into()));
	let upper = match over {
		true => (shift + quotient).max(bit_length(range.1 - (i128::from(high + 1) << shift))),
		false => bit_length(range.1),
	};
	let lower = match under {
		true => (leaky_shift + bit_length((!low).into()))
			.max(bit_length((i128::from(low) << leaky_shift) - 1 - range.0)),
		false => bit_length(!range.0),
	};
	let width = upper.max(lower);
	Form::Leaky(Leaky { low, high, under, over, quotient, shift: leaky_shift, width })
}

impl Leaky {
	fn apply<S: ConstraintSystem>(
		&self,
		system: &mut S,
		t: &S::Linear,
		value: i128,
		shift: u32,
	) -> S::Linear {
		let Self { low, high, under, over, quotient, shift: leaky_shift, width } = *self;
		let beyond = i128::from(high + 1) << shift;
		// Where negative numbers that do not clamp are moved from, and their quotient there.
		let (moved, first) = match under {
			true => (-(i128::from(low) << leaky_shift), i128::from(low)),
			false => (1i128 << width, (-1i128 << width) >> leaky_shift),
		};
		let negative = value < 0;
		let is_over = over && value >= beyond;
		let is_under = under && value < -moved;

		let positive = system.witness(|| Fr::from(u64::from(!negative)));
		enforce_boolean(system, positive.clone());
		let zero = S::Linear::constant(Fr::ZERO);
		let mut flag = |wanted: bool, set: bool| match wanted {
			true => system.witness(|| Fr::from(u64::from(set))),
			false => zero.clone(),
		};
		let (over_flag, under_flag) = (flag(over, is_over), flag(under, is_under));

		// t = X − (1 − σ)·moved + o·beyond − u·2^w
		let number = S::Linear::combine(
			Fr::from(moved),
			[
				(Fr::ONE, t),
				(-Fr::from(moved), &positive),
				(-Fr::from(beyond), &over_flag),
				(power_of_two(width), &under_flag),
			],
		);
		let number_value = value + if negative { moved } else { 0 }
			- if is_over { beyond } else { 0 }
			+ if is_under { 1 << width } else { 0 };
		let bits = decompose(system, &number, number_value as u128, width);

		let inside_upper =
			S::Linear::combine(Fr::ZERO, [(Fr::ONE, &positive), (-Fr::ONE, &over_flag)]);
		let inside_lower =
			S::Linear::combine(Fr::ONE, [(-Fr::ONE, &positive), (-Fr::ONE, &under_flag)]);
		let upper_bits = part(&bits, shift, width);
		let lower_bits = part(&bits, leaky_shift, width);
		if over {
			let stray = positive.subtracted_from(Fr::ONE);
			let flag = Flag { flag: &over_flag, step: Fr::from(beyond), stray: &stray };
			enforce_at_most(system, &inside_upper, flag, upper_bits, high as u64);
		}
		if under {
			let flag = Flag { flag: &under_flag, step: -power_of_two(width), stray: &positive };
			enforce_at_most(system, &inside_lower, flag, lower_bits, !low as u64);
		}

		let upper = compose(part(&bits, shift, quotient));
		let lower = match under {
			true => compose(part(&bits, leaky_shift, bit_length((!low).into()))),
			false => compose(lower_bits),
		};
		// What is added to the product of the upper half.
		let rest = if over || under {
			let lower = system.product(&inside_lower, &lower);
			S::Linear::combine(
				Fr::from(first),
				[(-Fr::from(first), &positive), (Fr::ONE, &lower), (Fr::from(high), &over_flag)],
			)
		} else {
			offset(&lower, first)
		};
		let choice = match over || under {
			true => upper,
			false => S::Linear::combine(Fr::ZERO, [(Fr::ONE, &upper), (-Fr::ONE, &rest)]),
		};
		let result = system.witness(|| rest.value() + inside_upper.value() * choice.value());
		let product = S::Linear::combine(Fr::ZERO, [(Fr::ONE, &result), (-Fr::ONE, &rest)]);
		system.enforce(inside_upper, choice, product);
		result
	}
}

/// `clamp(⌊number / 2^shift⌋, 0, limit)`, where both ends clamp and the number moved by them has
/// `width` bits.
fn saturate<S: ConstraintSystem>(
	system: &mut S,
	number: &S::Linear,
	value: i128,
	limit: u64,
	shift: u32,
	width: u32,
) -> S::Linear {
	let beyond = i128::from(limit + 1) << shift;
	let (negative, is_over) = (value < 0, value >= beyond);
	let over = system.witness(|| Fr::from(u64::from(is_over)));
	let moved = S::Linear::combine(Fr::ZERO, [(Fr::ONE, number), (-Fr::from(beyond), &over)]);
	let moved_value = value - if is_over { beyond } else { 0 };
	let bits = decompose_signed(system, &moved, moved_value, width);
	let zero = S::Linear::constant(Fr::ZERO);
	let positive = bits.last().unwrap_or(&zero);
	let inside = S::Linear::combine(Fr::ZERO, [(Fr::ONE, positive), (-Fr::ONE, &over)]);
	let stray = positive.subtracted_from(Fr::ONE);
	let flag = Flag { flag: &over, step: Fr::from(beyond), stray: &stray };
	enforce_at_most(system, &inside, flag, part(&bits, shift, width - shift), limit);
	let quotient = compose(part(&bits, shift, bit_length(limit.into())));
	let limit = Fr::from(limit);
	let result = system.witness(|| match (negative, is_over) {
		(true, _) => Fr::ZERO,
		(_, true) => limit,
		_ => quotient.value(),
	});
	let product = S::Linear::combine(Fr::ZERO, [(Fr::ONE, &result), (-limit, &over)]);
	system.enforce(inside, quotient, product);
	result
}

/// A flag that says that a number lies beyond an end.
struct Flag<'a, L> {
	flag: &'a L,
	/// What it moves the number by; positive at the upper end.
	step: Fr,
	/// 1 where the number lies beyond the other end, else 0.
	stray: &'a L,
}

/// Requires that the flag is as it should be (see the module's documentation) and that the number
/// with these bits is at most `limit` where `inside` is 1.
///
/// The bits that are 0 in `limit`, from the top down, must be 0 as long as all bits that are 1 in
/// it are 1: one constraint for every run of zeros, the highest of which has the flag as well, and
/// one product for every 1 that a zero follows. For `2^m − 1` one constraint.
fn enforce_at_most<S: ConstraintSystem>(
	system: &mut S,
	inside: &S::Linear,
	flag: Flag<S::Linear>,
	bits: &[S::Linear],
	limit: u64,
) {
	let beyond = power_of_two(BEYOND);
	let mut prefix = inside.clone();
	let mut forbidden = vec![(flag.step, flag.flag), (beyond, flag.stray)];
	for (position, bit) in bits.iter().enumerate().rev() {
		if limit.checked_shr(position as u32).unwrap_or(0) & 1 == 0 {
			forbidden.push((beyond, bit));
			continue;
		}
		let ones = u64::MAX >> (63 - position);
		if limit & ones == ones {
			break;
		}
		if !forbidden.is_empty() {
			let sum = S::Linear::combine(Fr::ZERO, forbidden.drain(..));
			system.enforce(prefix.clone(), sum, S::Linear::constant(Fr::ZERO));
		}
		prefix = system.product(&prefix, bit);
	}
	if !forbidden.is_empty() {
		let sum = S::Linear::combine(Fr::ZERO, forbidden);
		system.enforce(prefix, sum, S::Linear::constant(Fr::ZERO));
	}
}

/// The constraints of [`enforce_at_most`].
#[cfg(test)]
fn at_most_constraints(limit: u64) -> usize {
	let limit = limit >> limit.trailing_ones();
	let runs = (limit & !(limit << 1)).count_ones() as usize;
	1 + match limit {
		0 => 0,
		_ => limit.count_ones() as usize + runs,
	}
}

/// How far a quotient lies from an end of the clamp, in units of `2^−shift` above its remainder:
/// negative beyond the end.
fn distance(t: i128, end: i64, upper: bool, shift: u32) -> i128 {
	match upper {
		true => distance_constant(end, upper, shift) - t,
		false => distance_constant(end, upper, shift) + t,
	}
}

/// The distance of 0.
fn distance_constant(end: i64, upper: bool, shift: u32) -> i128 {
	match upper {
		true => (i128::from(end + 1) << shift) - 1,
		false => -(i128::from(end) << shift),
	}
}

/// `number + constant`.
fn offset<L: Linear>(number: &L, constant: i128) -> L {
	L::combine(Fr::from(constant), std::iter::once((Fr::ONE, number)))
}

/// At most `len` bits from the `start`-th on.
fn part<L>(bits: &[L], start: u32, len: u32) -> &[L] {
	let from = bits.len().min(start as usize);
	&bits[from..bits.len().min(from + len as usize)]
}

#[cfg(test)]
mod tests;
