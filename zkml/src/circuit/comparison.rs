// SPDX-License-Identifier: Apache-2.0

//! Comparisons of bounded integers, and what is built on them: the maxima of pooling windows, and
//! the place of the largest element.
//!
//! # Relations and constraints
//!
//! *`left > right`*: the sign of `left − right − 1`, `w + 1` constraints when that number has `w`
//! bits and a sign by the elements' bounds, none when the bounds decide.
//!
//! *Maximum of two*: `m = right + [left > right]·(left − right)`, one more constraint, and a column
//! of its own. For uint8: `w = 8`, 10 constraints. (Proving `m ≥ x_i` for all `n` elements of a
//! window and `∏ (m − x_i) = 0` takes `n·w + n − 1`, which is less only for `n > w + 1`, and makes
//! `m` a multiple root when elements are equal.)
//!
//! *Pooling*: first along the rows of a window, then over them, so that windows which overlap share
//! the maxima of their rows: at most `kernel − 1` maxima for each.
//!
//! *Place of the largest*: a knockout tournament, `n − 1` comparisons and, for each but the last,
//! one constraint for the winner. The winner's place costs one constraint where two winners meet,
//! and none where two elements do: the first round is half of all. Elements that can never win
//! do not take part.
//!
//! # Why it is sound
//!
//! By induction the elements lie within their bounds, so the difference's decomposition is unique
//! ([`decompose_signed`]) and determines the comparison; maxima and places are products of it. In a
//! tournament the right one wins only when it is strictly larger, and stands for later places: of
//! equals the first wins.

use super::{
	boolean::{decompose_signed, magnitude_bits},
	linear::Linear,
	system::ConstraintSystem,
};
use crate::{network::Interval, window::Window};
use ark_bls12_381::Fr;
use ark_ff::{AdditiveGroup, Field};
use std::collections::{btree_map::Entry, BTreeMap};

/// A bounded integer of a circuit.
#[derive(Clone)]
pub(crate) struct Element<L> {
	/// What it is in columns.
	pub(crate) linear: L,
	/// What it is; not looked at when columns have no values.
	pub(crate) value: i64,
	/// What it can be.
	pub(crate) bounds: Interval,
}

impl<L: Linear> Element<L> {
	/// A number that is known.
	pub(crate) fn constant(value: i64) -> Self {
		let bounds = Interval { low: value, high: value };
		Self { linear: L::constant(Fr::from(value)), value, bounds }
	}
}

/// Whether something holds.
pub(crate) enum Truth<L> {
	/// The bounds say so.
	Known(bool),
	/// A boolean that the elements determine.
	Bit(L),
}

/// The range of `left − right`.
fn difference(left: Interval, right: Interval) -> (i128, i128) {
	let minus = |left: i64, right: i64| i128::from(left) - i128::from(right);
	(minus(left.low, right.high), minus(left.high, right.low))
}

/// Bits of `left − right − 1`, without its sign.
fn larger_width(left: Interval, right: Interval) -> u32 {
	let (low, high) = difference(left, right);
	magnitude_bits(low - 1, high - 1)
}

/// Constraints of [`is_larger`].
pub(crate) fn larger_constraints(left: Interval, right: Interval) -> usize {
	let (low, high) = difference(left, right);
	match low > 0 || high <= 0 {
		true => 0,
		false => larger_width(left, right) as usize + 1,
	}
}

/// `left > right`.
pub(crate) fn is_larger<S: ConstraintSystem>(
	system: &mut S,
	left: &Element<S::Linear>,
	right: &Element<S::Linear>,
) -> Truth<S::Linear> {
	let (low, high) = difference(left.bounds, right.bounds);
	if low > 0 || high <= 0 {
		return Truth::Known(low > 0);
	}
	let number = S::Linear::combine(-Fr::ONE, [(Fr::ONE, &left.linear), (-Fr::ONE, &right.linear)]);
	let value = i128::from(left.value) - i128::from(right.value) - 1;
	let width = larger_width(left.bounds, right.bounds);
	match decompose_signed(system, &number, value, width).pop() {
		Some(sign) => Truth::Bit(sign),
		None => Truth::Known(false),
	}
}

/// `otherwise + bit·(chosen − otherwise)`: one constraint.
fn select<S: ConstraintSystem>(
	system: &mut S,
	bit: &S::Linear,
	chosen: &S::Linear,
	otherwise: &S::Linear,
) -> S::Linear {
	let step = S::Linear::combine(Fr::ZERO, [(Fr::ONE, chosen), (-Fr::ONE, otherwise)]);
	let result = system.witness(|| otherwise.value() + bit.value() * step.value());
	let moved = S::Linear::combine(Fr::ZERO, [(Fr::ONE, &result), (-Fr::ONE, otherwise)]);
	system.enforce(bit.clone(), step, moved);
	result
}

/// The larger of two that `right_is_larger` compares, which is a bit.
fn larger<S: ConstraintSystem>(
	system: &mut S,
	right_is_larger: &S::Linear,
	left: &Element<S::Linear>,
	right: &Element<S::Linear>,
) -> Element<S::Linear> {
	Element {
		linear: select(system, right_is_larger, &right.linear, &left.linear),
		value: left.value.max(right.value),
		bounds: Interval {
			low: left.bounds.low.max(right.bounds.low),
			high: left.bounds.high.max(right.bounds.high),
		},
	}
}

/// The larger of two elements.
pub(crate) fn maximum<S: ConstraintSystem>(
	system: &mut S,
	left: &Element<S::Linear>,
	right: &Element<S::Linear>,
) -> Element<S::Linear> {
	// Where the bounds touch, either may be taken for the larger.
	if left.bounds.high <= right.bounds.low {
		return right.clone();
	}
	if right.bounds.high <= left.bounds.low {
		return left.clone();
	}
	// Of the two orders, the one whose difference takes fewer bits.
	let swap = larger_width(left.bounds, right.bounds) < larger_width(right.bounds, left.bounds);
	let (left, right) = if swap { (right, left) } else { (left, right) };
	match is_larger(system, right, left) {
		Truth::Known(true) => right.clone(),
		Truth::Known(false) => left.clone(),
		Truth::Bit(bit) => larger(system, &bit, left, right),
	}
}

/// The largest element of every window, plane by plane; none for a window of padding only, which a
/// valid network does not have.
pub(crate) fn max_pool<S: ConstraintSystem>(
	system: &mut S,
	window: &Window,
	elements: &[Element<S::Linear>],
) -> Vec<S::Linear> {
	let width = window.output().map_or(1, |[_, width]| width.max(1));
	let mut output = Vec::new();
	for plane in elements.chunks(window.plane().max(1)) {
		// By row of the plane and column of the output.
		let mut rows: BTreeMap<(usize, usize), Element<S::Linear>> = BTreeMap::new();
		for position in 0..window.positions() {
			let mut taps: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
			for (_, element) in window.taps(position) {
				taps.entry(element / window.input[1]).or_default().push(element);
			}
			let mut largest: Option<Element<S::Linear>> = None;
			for (row, taps) in taps {
				let of_row = match rows.entry((row, position % width)) {
					Entry::Occupied(known) => Some(known.get().clone()),
					Entry::Vacant(unknown) => {
						let elements = taps.iter().filter_map(|element| plane.get(*element));
						fold(system, elements).map(|largest| unknown.insert(largest).clone())
					},
				};
				largest = match (largest, of_row) {
					(Some(largest), Some(row)) => Some(maximum(system, &largest, &row)),
					(largest, row) => largest.or(row),
				};
			}
			output.extend(largest.map(|element| element.linear));
		}
	}
	output
}

/// The largest of some elements.
fn fold<'a, S: ConstraintSystem>(
	system: &mut S,
	mut elements: impl Iterator<Item = &'a Element<S::Linear>>,
) -> Option<Element<S::Linear>>
where
	S::Linear: 'a,
{
	let first = elements.next()?.clone();
	Some(elements.fold(first, |largest, element| maximum(system, &largest, element)))
}

/// The place of an element in a tournament.
#[derive(Clone)]
enum Place<L> {
	/// It has not met another.
	Known(usize),
	/// A combination of the comparisons so far.
	Linear(L),
}

impl<L: Linear> Place<L> {
	fn linear(self) -> L {
		match self {
			Self::Known(place) => L::constant(Fr::from(place as u64)),
			Self::Linear(linear) => linear,
		}
	}
}

/// The place of the largest element, the first of equals; for a single element, whether it is
/// positive; 0 for none.
pub(crate) fn arg_max<S: ConstraintSystem>(
	system: &mut S,
	elements: Vec<Element<S::Linear>>,
) -> S::Linear {
	if let [logit] = elements.as_slice() {
		return match is_larger(system, logit, &Element::constant(0)) {
			Truth::Known(positive) => S::Linear::constant(Fr::from(u64::from(positive))),
			Truth::Bit(positive) => positive,
		};
	}
	let candidates = candidates(elements.iter().map(|element| element.bounds));
	let mut round: Vec<_> = elements
		.into_iter()
		.enumerate()
		.filter(|(place, _)| candidates.contains(place))
		.map(|(place, element)| (element, Place::Known(place)))
		.collect();
	while round.len() > 1 {
		let last = round.len() == 2;
		let mut winners = Vec::with_capacity(round.len().div_ceil(2));
		let mut entries = round.into_iter();
		while let Some(left) = entries.next() {
			winners.push(match entries.next() {
				Some(right) => duel(system, left, right, last),
				None => left,
			});
		}
		round = winners;
	}
	let place = round.pop().map_or(Place::Known(0), |(_, place)| place);
	place.linear()
}

/// Places that can be that of the largest element.
fn candidates(bounds: impl Iterator<Item = Interval> + Clone) -> Vec<usize> {
	// What always wins against others: the first with the largest lower bound.
	let mut safe: Option<(usize, i64)> = None;
	for (place, bounds) in bounds.clone().enumerate() {
		if safe.is_none_or(|(_, low)| bounds.low > low) {
			safe = Some((place, bounds.low));
		}
	}
	let Some((safe, low)) = safe else { return Vec::new() };
	let wins = |(place, bounds): &(usize, Interval)| {
		*place == safe || bounds.high > low || (*place < safe && bounds.high == low)
	};
	bounds.enumerate().filter(wins).map(|(place, _)| place).collect()
}

/// An element in a tournament, and its place.
type Entrant<L> = (Element<L>, Place<L>);

/// The winner of two; of the last two only the place is computed.
fn duel<S: ConstraintSystem>(
	system: &mut S,
	left: Entrant<S::Linear>,
	right: Entrant<S::Linear>,
	last: bool,
) -> Entrant<S::Linear> {
	let bit = match is_larger(system, &right.0, &left.0) {
		Truth::Known(true) => return right,
		Truth::Known(false) => return left,
		Truth::Bit(bit) => bit,
	};
	let place = match (left.1, right.1) {
		(Place::Known(left), Place::Known(right)) => {
			let step = Fr::from(right as u64) - Fr::from(left as u64);
			S::Linear::combine(Fr::from(left as u64), [(step, &bit)])
		},
		(left, right) => select(system, &bit, &right.linear(), &left.linear()),
	};
	let element = if last { left.0 } else { larger(system, &bit, &left.0, &right.0) };
	(element, Place::Linear(place))
}

#[cfg(test)]
mod tests;
