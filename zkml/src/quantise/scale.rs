// SPDX-License-Identifier: Apache-2.0

//! Choice of scales: the one of least squared error, where outliers may saturate when that serves the
//! rest.

use super::statistics::ValueStatistics;

/// Largest magnitude of the exponents that are chosen here; sums of them stay in a network's range.
pub(super) const LARGEST_EXPONENT: i32 = 40;
/// Exponents tried beyond the largest one without saturation.
const SATURATING_CANDIDATES: i32 = 3;
/// Steps between the ends of a clamp: what eight bits hold.
const STEPS: i64 = 255;
/// Beyond every number that is clamped to.
const FAR: f64 = (1i64 << 40) as f64;

/// `2^exponent`, exactly.
pub(super) fn scale(exponent: i32) -> f64 {
	f64::from_bits(((1023 + i64::from(exponent.clamp(-1022, 1023))) as u64) << 52)
}

/// The largest exponent with `magnitude · 2^exponent ≤ limit`, for a magnitude above 0.
pub(super) fn fitting_exponent(magnitude: f64, limit: f64) -> i32 {
	let mut exponent = LARGEST_EXPONENT;
	while exponent > -10 * LARGEST_EXPONENT && magnitude * scale(exponent) > limit {
		exponent -= 1;
	}
	exponent
}

/// `2^exponent · factor` with the factor above ½ and at most 1, for a positive number.
pub(super) fn split(number: f64) -> (i32, f64) {
	let (mut exponent, mut factor) = (0, number);
	while factor > 1.0 && exponent < 1000 {
		(exponent, factor) = (exponent + 1, factor / 2.0);
	}
	while factor <= 0.5 && exponent > -1000 {
		(exponent, factor) = (exponent - 1, factor * 2.0);
	}
	(exponent, factor)
}

/// Where a value is clamped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Ends {
	/// At these integers, whatever the scale.
	Integers(i64, i64),
	/// At these real numbers, possibly infinite, and at 256 integers that suit the numbers seen.
	Reals(f64, f64),
}

/// The integers that a value is clamped to, and their exponent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
	pub(super) exponent: i32,
	pub(super) low: i16,
	pub(super) high: i16,
}

fn integer(real: f64, step: f64) -> i64 {
	(real / step).round().clamp(-FAR, FAR) as i64
}

impl Ends {
	/// Nowhere, but where eight bits end.
	pub(super) const NONE: Self = Self::Reals(f64::NEG_INFINITY, f64::INFINITY);

	/// Whether one of them is a number that a scale may or may not hold.
	pub(super) fn are_numbers(&self) -> bool {
		let is_number = |end: &f64| *end != 0.0 && end.is_finite();
		matches!(self, Self::Reals(low, high) if is_number(low) || is_number(high))
	}

	/// The number closest to 0 between the ends: it stays representable, because padding needs it.
	fn anchor(&self) -> f64 {
		match self {
			Self::Integers(..) => 0.0,
			Self::Reals(low, high) => 0f64.max(*low).min(*high),
		}
	}

	/// The integers for steps of a size, given the smallest and largest number seen. Room that is
	/// left is shared evenly; when there is too little, both sides lose in proportion.
	fn at(&self, step: f64, seen: (f64, f64)) -> Option<(i16, i16)> {
		let (low, high) = match self {
			Self::Integers(low, high) => (*low, *high),
			Self::Reals(low, high) => {
				let (low, high) = (integer(*low, step), integer(*high, step));
				if high - low <= STEPS {
					(low, high)
				} else {
					let (from, to) = (integer(seen.0, step), integer(seen.1, step));
					let anchor = integer(self.anchor(), step);
					let start = match STEPS - (to - from) {
						room @ 0.. => from - room / 2,
						_ => anchor + STEPS * (from - anchor) / (to - from),
					};
					let start = start.clamp(low, high - STEPS);
					(start, start + STEPS)
				}
			},
		};
		let ends = (i16::try_from(low).ok()?, i16::try_from(high).ok()?);
		(low < high).then_some(ends)
	}

	/// The range of least squared error over the numbers seen, in units of `factor`, with an exponent
	/// of at most `limit`; the coarsest of them.
	pub(super) fn range(&self, seen: &ValueStatistics, factor: f64, limit: i32) -> Option<Range> {
		let anchor = self.anchor();
		let span = (seen.low.min(anchor), seen.high.max(anchor));
		let step = |exponent: i32| factor * scale(-exponent);
		let at = |exponent: i32| self.at(step(exponent), span);
		let holds = |exponent: i32| {
			at(exponent).is_some_and(|(low, high)| {
				let step = step(exponent);
				i64::from(low) <= integer(span.0, step) && integer(span.1, step) <= high.into()
			})
		};
		let limit = limit.min(LARGEST_EXPONENT);
		// Numbers that are all the same say nothing about the scale.
		let mut first = if span.0 < span.1 { limit } else { limit.min(0) };
		while first >= -LARGEST_EXPONENT && !holds(first) {
			first -= 1;
		}
		if first < -LARGEST_EXPONENT {
			return None;
		}
		let mut best = None;
		let mut least = f64::INFINITY;
		for exponent in first..=limit.min(first + SATURATING_CANDIDATES) {
			let Some((low, high)) = at(exponent) else { continue };
			let error = seen.squared_error(step(exponent), low.into(), high.into());
			if error < least {
				(best, least) = (Some(Range { exponent, low, high }), error);
			}
		}
		best
	}
}

/// The exponent of least squared error for weights of eight bits, the coarsest of them, with that
/// error. `base` is the exponent that weights of 1 have; the result may be too far below it.
pub(super) fn weight_exponent(weights: &[f64], base: i32) -> (i32, f64) {
	let largest = weights.iter().fold(0f64, |largest, weight| largest.max(weight.abs()));
	let unit = scale(base);
	let first = if largest > 0.0 { base + fitting_exponent(largest * unit, 127.0) } else { base };
	let mut best = (first, f64::INFINITY);
	for exponent in first..=(first + SATURATING_CANDIDATES).min(base + LARGEST_EXPONENT) {
		let error = weight_error(weights, exponent);
		if error < best.1 {
			best = (exponent, error);
		}
	}
	best
}

/// Squared error of weights of eight bits.
pub(super) fn weight_error(weights: &[f64], exponent: i32) -> f64 {
	let error = |weight: &f64| {
		let difference = weight - f64::from(quantise_weight(*weight, exponent)) * scale(-exponent);
		difference * difference
	};
	weights.iter().map(error).sum()
}

/// The integer of a weight.
pub(super) fn quantise_weight(weight: f64, exponent: i32) -> i8 {
	(weight * scale(exponent)).round().clamp(-127.0, 127.0) as i8
}

#[cfg(test)]
mod tests {
	use super::*;

	fn seen(numbers: &[f32]) -> ValueStatistics {
		ValueStatistics::of(numbers)
	}

	#[test]
	fn scales_are_exact_powers_of_two() {
		for exponent in [-80, -1, 0, 1, 40, 100] {
			assert_eq!(scale(exponent), 2f64.powi(exponent));
		}
	}

	#[test]
	fn numbers_split_into_a_power_and_a_factor() {
		assert_eq!(split(1.0), (0, 1.0));
		assert_eq!(split(6.0), (3, 0.75));
		assert_eq!(split(1.0 / 9.0), (-3, 8.0 / 9.0));
	}

	#[test]
	fn clamps_at_integers_of_the_scale_end_there() {
		let relu6 = Ends::Reals(0.0, 6.0);
		let range = relu6.range(&seen(&[0.0, 1.7, 6.0]), 1.0, 20).unwrap();
		assert_eq!(range, Range { exponent: 5, low: 0, high: 192 });
		let far_below = relu6.range(&seen(&[0.0, 0.3]), 1.0, 20).unwrap();
		assert_eq!(far_below, Range { exponent: 9, low: 0, high: 255 });
		let above = Ends::Reals(2.0, 3.0).range(&seen(&[2.0, 2.6, 3.0]), 1.0, 20).unwrap();
		assert_eq!((above.low, above.high), (2 << above.exponent, 3 << above.exponent));
	}

	#[test]
	fn ranges_follow_the_numbers_and_hold_zero() {
		let skewed = Ends::NONE.range(&seen(&[-0.5, 7.3]), 1.0, 20).unwrap();
		assert_eq!(skewed, Range { exponent: 5, low: -18, high: 237 });
		let positive = Ends::NONE.range(&seen(&[90.0, 100.0]), 1.0, 20).unwrap();
		assert!(positive.low <= 0 && positive.high >= 200, "{positive:?}");
		let rectified = Ends::Reals(0.0, f64::INFINITY).range(&seen(&[0.0, 7.3]), 1.0, 20).unwrap();
		assert_eq!(rectified, Range { exponent: 5, low: 0, high: 255 });
	}

	#[test]
	fn exponents_stay_below_the_limit() {
		let range = Ends::NONE.range(&seen(&[-0.01, 0.02]), 1.0, 3).unwrap();
		assert_eq!(range.exponent, 3);
		assert_eq!(Ends::NONE.range(&seen(&[0.0, 1e20]), 1.0, 20), None);
	}
}
