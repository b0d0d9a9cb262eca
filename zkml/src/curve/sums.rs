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
	// First all points, from wherever they lie: the fewer instructions between two loads, the more
	// of them are under way at once.
	let mut values: Vec<Affine<F>> = entries.iter().map(|entry| points[entry.index()]).collect();
	for (value, entry) in values.iter_mut().zip(entries) {
		value.y = value.y.negated_if(entry.is_negative());
	}
	let halves = |lengths: &[usize]| lengths.iter().map(|length| length.div_ceil(2)).sum::<usize>();
	let mut halved = vec![Affine::INFINITY; halves(&lengths)];
	let mut denominators = vec![F::ONE; values.len() / 2];
	// Before each denominator the product of all that precede it.
	let mut products = vec![F::ONE; values.len() / 2 + 1];
	while lengths.iter().any(|length| *length > 1) {
		let mut pairs = 0;
		let mut rest = values.as_slice();
		for length in &lengths {
			let (run, after) = rest.split_at(*length);
			rest = after;
			for pair in run.chunks_exact(2) {
				let denominator = &mut denominators[pairs];
				set_denominator::<B, F>(denominator, &pair[0], &pair[1]);
				let (known, next) = products.split_at_mut(pairs + 1);
				B::mul(&mut next[0], &known[pairs], denominator);
				pairs += 1;
			}
		}
		// From the last pair to the first, so that each finds the inverse of the product up to it.
		let mut inverses = [F::ONE; 2];
		B::inverse(&mut inverses[pairs % 2], &products[pairs]);
		let half = halves(&lengths);
		let (mut read, mut write) = (values.len(), half);
		for length in lengths.iter_mut().rev() {
			if *length % 2 == 1 {
				(read, write) = (read - 1, write - 1);
				halved[write] = values[read];
			}
			for _ in 0..*length / 2 {
				(read, write, pairs) = (read - 2, write - 1, pairs - 1);
				let [even, odd] = &mut inverses;
				let (next, inverse) = if pairs % 2 == 0 { (even, odd) } else { (odd, even) };
				let mut reciprocal = F::ZERO;
				B::mul(&mut reciprocal, inverse, &products[pairs]);
				B::mul(next, inverse, &denominators[pairs]);
				add::<B, F>(&mut halved[write], &values[read], &values[read + 1], &reciprocal);
			}
			*length = length.div_ceil(2);
		}
		std::mem::swap(&mut values, &mut halved);
		values.truncate(half);
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
fn set_denominator<B: Arithmetic<F>, F: Coordinate>(
	denominator: &mut F,
	left: &Affine<F>,
	right: &Affine<F>,
) {
	let infinite = left.is_infinity() || right.is_infinity();
	if left.x != right.x && !infinite {
		B::sub(denominator, &right.x, &left.x);
	} else if !infinite && left.y == right.y && left.y != F::ZERO {
		B::add(denominator, &left.y, &left.y);
	} else {
		*denominator = F::ONE;
	}
}

/// Adds two points, with the inverse of their [denominator](set_denominator).
#[inline]
fn add<B: Arithmetic<F>, F: Coordinate>(
	sum: &mut Affine<F>,
	left: &Affine<F>,
	right: &Affine<F>,
	reciprocal: &F,
) {
	let mut numerator = F::ZERO;
	if left.is_infinity() {
		*sum = *right;
		return;
	} else if right.is_infinity() {
		*sum = *left;
		return;
	} else if left.x != right.x {
		B::sub(&mut numerator, &right.y, &left.y);
	} else if left.y == right.y && left.y != F::ZERO {
		let (mut square, mut double) = (F::ZERO, F::ZERO);
		B::square(&mut square, &left.x);
		B::add(&mut double, &square, &square);
		B::add(&mut numerator, &double, &square);
	} else {
		*sum = Affine::INFINITY;
		return;
	}
	let (mut slope, mut first, mut second) = (F::ZERO, F::ZERO, F::ZERO);
	B::mul(&mut slope, &numerator, reciprocal);
	B::square(&mut first, &slope);
	B::sub(&mut second, &first, &left.x);
	B::sub(&mut sum.x, &second, &right.x);
	B::sub(&mut first, &left.x, &sum.x);
	B::mul(&mut second, &slope, &first);
	B::sub(&mut sum.y, &second, &left.y);
}
