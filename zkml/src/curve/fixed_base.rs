// SPDX-License-Identifier: Apache-2.0

//! Many multiples of one point, which is how keys are made.
//!
//! A table holds `d·2^(width·w)·P` for every digit `d` of every window `w`; a multiple is the sum
//! of one entry for each window, and very many such sums are made [at once](super::sums).

use super::{
	sums::{sums, Entry},
	windows::Windows,
	Affine, Arithmetic, Group,
};
use ark_bls12_381::Fr;
use ark_ff::PrimeField;
use rayon::prelude::*;
use std::{marker::PhantomData, ops::Neg};
use zeroize::Zeroize;

/// Bits of a scalar that counts with a sign.
const BITS: usize = 254;

/// The table of one point.
pub(crate) struct FixedBase<B, G: Group> {
	windows: Windows,
	table: Vec<Affine<G::Coordinate>>,
	arithmetic: PhantomData<B>,
}

impl<B: Arithmetic<G::Coordinate> + Sync, G: Group> FixedBase<B, G>
where
	Affine<G::Coordinate>: for<'a> From<&'a G::Affine>,
{
	/// A table for about so many multiples.
	pub(crate) fn new(point: G, multiples: usize) -> Self {
		// A table takes one addition for each entry, and saves one per multiple for each window.
		let cost = |width: &usize| {
			let windows = Windows::new(BITS, *width);
			windows.count * (windows.buckets() * 2 + multiples)
		};
		let windows = Windows::new(BITS, (2..=16).min_by_key(cost).unwrap_or(2));
		let mut bases = vec![point];
		for window in 1..windows.count {
			let mut base = bases[window - 1];
			for _ in 0..windows.width {
				base.double_in_place();
			}
			bases.push(base);
		}
		let table = bases
			.par_iter()
			.flat_map_iter(|base| {
				let mut multiples = Vec::with_capacity(windows.buckets());
				let mut multiple = *base;
				for _ in 0..windows.buckets() {
					multiples.push(multiple);
					multiple += base;
				}
				G::normalize_batch(&multiples)
			})
			.map(|point| Affine::from(&point))
			.collect();
		Self { windows, table, arithmetic: PhantomData }
	}

	/// The point's multiples.
	pub(crate) fn multiply(&self, scalars: &[Fr]) -> Vec<Affine<G::Coordinate>> {
		let windows = &self.windows;
		let mut entries = Vec::with_capacity(scalars.len() * windows.count);
		let mut ends = Vec::with_capacity(scalars.len());
		for scalar in scalars {
			let negated = scalar.neg().into_bigint();
			let mut magnitude = scalar.into_bigint();
			let negative = negated < magnitude;
			if negative {
				magnitude = negated;
			}
			for window in 0..windows.count {
				let digit = windows.digit(&magnitude.0, window);
				if digit != 0 {
					let index = window * windows.buckets() + digit.unsigned_abs() as usize - 1;
					entries.push(Entry::new(index as u32, negative != (digit < 0)));
				}
			}
			magnitude.0.zeroize();
			ends.push(entries.len());
		}
		let multiples = sums::<B, _>(&self.table, &entries, &ends);
		entries.iter_mut().for_each(Entry::zeroize);
		multiples
	}
}
