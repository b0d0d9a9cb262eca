// SPDX-License-Identifier: Apache-2.0

//! Sums of runs of points, by additions in affine coordinates whose inversions are shared
//! (Montgomery's trick): six multiplications for an addition, where mixed additions in extended
//! coordinates take ten.
//!
//! Every run is summed pairwise, as a tree, so that no two additions of a round depend on each
//! other. Many runs are summed at once, in batches of some thousand points that a core's cache
//! holds; batches are spread over all cores.
//!
//! Sums are right for all points: equal, opposite and infinite ones are handled where additions
//! meet them. The time taken depends on the points.

use super::{Affine, Arithmetic, Coordinate};
use rayon::prelude::*;
use zeroize::Zeroize;

/// Points that are summed at once, by one thread.
const BATCH: usize = 2048;

/// A point of a list, or its negative: `2·index`, and one more for the negative.
#[derive(Clone, Copy, Default)]
pub(super) struct Entry(u32);

impl Entry {
	/// The point at an index below 2^31, or its negative.
	pub(super) fn new(index: u32, negative: bool) -> Self {
		Self(2 * index + u32::from(negative))
	}

	fn index(self) -> usize {
		(self.0 / 2) as usize
	}

	fn is_negative(self) -> bool {
		self.0 % 2 == 1
	}
}

impl Zeroize for Entry {
	fn zeroize(&mut self) {
		self.0.zeroize();
	}
}

/// Sums of consecutive runs of entries, each run given by its end.
pub(super) fn sums<B: Arithmetic<F>, F: Coordinate>(
	points: &[Affine<F>],
	entries: &[Entry],
	ends: &[usize],
) -> Vec<Affine<F>> {
	// Long runs are cut, short ones put together, to batches of about one size.
	let mut pieces: Vec<usize> = Vec::with_capacity(ends.len());
	let mut piece_ends: Vec<usize> = Vec::with_capacity(ends.len());
	let mut batches = vec![(0, 0)];
	let mut start = 0;
	for end in ends {
		loop {
			let piece = (end - start).min(BATCH);
			pieces.push(piece);
			start += piece;
			if batches.last().is_some_and(|(_, batch_start)| start - batch_start >= BATCH) {
				batches.push((pieces.len(), start));
			}
			if start == *end {
				break;
			}
		}
		piece_ends.push(pieces.len());
	}
	batches.push((pieces.len(), start));
	let sums: Vec<Affine<F>> = batches
		.par_windows(2)
		.flat_map_iter(|batch| {
			let ((first, start), (last, end)) = (batch[0], batch[1]);
			batch_sums::<B, F>(points, &entries[start..end], pieces[first..last].to_vec())
		})
		.collect();
	if pieces.len() == ends.len() {
		return sums;
	}
	let entries: Vec<Entry> =
		(0..sums.len() as u32).map(|index| Entry::new(index, false)).collect();
	self::sums::<B, F>(&sums, &entries, &piece_ends)
}

/// Sums of consecutive runs of entries, each run given by its length.
fn batch_sums<B: Arithmetic<F>, F: Coordinate>(
	points: &[Affine<F>],
	entries: &[Entry],
	mut lengths: Vec<usize>,
) -> Vec<Affine<F>> {
	let mut values: Vec<Affine<F>> = entries
		.iter()
		.map(|entry| {
			let point = points[entry.index()];
			match entry.is_negative() {
				false => point,
				true => Affine { x: point.x, y: B::sub(&F::ZERO, &point.y) },
			}
		})
		.collect();
	let mut inversions: Vec<(F, F)> = Vec::with_capacity(values.len() / 2);
	while lengths.iter().any(|length| *length > 1) {
		// The product of all denominators, from the last pair to the first.
		inversions.clear();
		let mut product = F::ONE;
		let mut end = values.len();
		for length in lengths.iter().rev() {
			let start = end - length;
			for pair in (0..length / 2).rev() {
				let place = start + 2 * pair;
				let denominator = denominator::<B, F>(&values[place], &values[place + 1]);
				inversions.push((denominator, product));
				product = B::mul(&product, &denominator);
			}
			end = start;
		}
		// The pairs' sums, from the first to the last: none is written where one is still to be read.
		let mut inverse = B::inverse(&product);
		let (mut read, mut write) = (0, 0);
		for length in &mut lengths {
			for _ in 0..*length / 2 {
				let Some((denominator, product)) = inversions.pop() else { break };
				let reciprocal = B::mul(&inverse, &product);
				inverse = B::mul(&inverse, &denominator);
				values[write] = sum::<B, F>(&values[read], &values[read + 1], &reciprocal);
				(read, write) = (read + 2, write + 1);
			}
			if *length % 2 == 1 {
				values[write] = values[read];
				(read, write) = (read + 1, write + 1);
			}
			*length = length.div_ceil(2);
		}
		values.truncate(write);
	}
	// Runs without an entry have no value yet.
	let mut values = values.into_iter();
	let sum = |length| match length {
		0 => Affine::INFINITY,
		_ => values.next().unwrap_or(Affine::INFINITY),
	};
	lengths.into_iter().map(sum).collect()
}

/// The denominator of the slope of the line through two points; 1 where their sum needs none.
#[inline]
fn denominator<B: Arithmetic<F>, F: Coordinate>(left: &Affine<F>, right: &Affine<F>) -> F {
	if left.x != right.x {
		return match left.is_infinity() || right.is_infinity() {
			true => F::ONE,
			false => B::sub(&right.x, &left.x),
		};
	}
	match left.y == right.y && left.y != F::ZERO {
		true => B::add(&left.y, &left.y),
		false => F::ONE,
	}
}

/// The sum of two points, with the inverse of their [`denominator`].
#[inline]
fn sum<B: Arithmetic<F>, F: Coordinate>(
	left: &Affine<F>,
	right: &Affine<F>,
	reciprocal: &F,
) -> Affine<F> {
	if left.is_infinity() {
		return *right;
	}
	if right.is_infinity() {
		return *left;
	}
	let numerator = if left.x != right.x {
		B::sub(&right.y, &left.y)
	} else if left.y == right.y && left.y != F::ZERO {
		let square = B::square(&left.x);
		B::add(&B::add(&square, &square), &square)
	} else {
		return Affine::INFINITY;
	};
	let slope = B::mul(&numerator, reciprocal);
	let x = B::sub(&B::sub(&B::square(&slope), &left.x), &right.x);
	let y = B::sub(&B::mul(&slope, &B::sub(&left.x, &x)), &left.y);
	Affine { x, y }
}
