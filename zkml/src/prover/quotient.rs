// SPDX-License-Identifier: Apache-2.0

//! The quotient polynomial `h = (a·b − c)/t` of a satisfied circuit.
//!
//! `a`, `b`, `c` are the polynomials of degree below `n` that have the values of `A·z`, `B·z`,
//! `C·z` on the `n`-th roots of unity, and `t = xⁿ − 1`: the reduction of Groth16 (eprint 2016/260)
//! as libsnark and `ark-groth16` lay it out, where `A` has after its own rows one more for the
//! constant one and for every public input, which holds that column's value.
//!
//! # Six transforms
//!
//! From `a·b = c + h·(xⁿ − 1)`, and `xⁿ = gⁿ` on the coset of `g`: modulo `xⁿ − gⁿ` the product
//! `a·b` is `c + h·(gⁿ − 1)`, whose degree is below `n`. So `h = (p − c)/(gⁿ − 1)` with `p`
//! interpolated from the coset's values of `a·b`; `c` itself need not be evaluated there. Three
//! transforms interpolate `a`, `b`, `c`, two evaluate `a` and `b` on the coset, one interpolates
//! `p`.
//!
//! Transforms from values to coefficients (Gentleman and Sande's butterflies) leave these in
//! bit-reversed order, and those back to values (Cooley and Tukey's) take them so: nothing is ever
//! permuted. The quotient's coefficients stay in that order too.

use crate::circuit::{Evaluations, SecretElements};
use ark_bls12_381::Fr;
use ark_ff::{AdditiveGroup, BigInt, FftField, Field, PrimeField};
use rayon::prelude::*;

/// Elements below which one thread does what remains of a transform.
const SERIAL: usize = 1 << 12;

/// The evaluation domain of a circuit, with what its transforms take.
pub(crate) struct Domain {
	/// The logarithm of its size.
	log_size: u32,
	/// For every power of two `m` below the size, from `m` on, the powers 0…m−1 of the `2m`-th root.
	roots: Vec<Fr>,
}

impl Domain {
	/// The smallest domain with so many elements, when the field has one.
	pub(crate) fn new(elements: usize) -> Option<Self> {
		let size = elements.checked_next_power_of_two()?.max(2);
		let log_size = size.trailing_zeros();
		if log_size > Fr::TWO_ADICITY {
			return None;
		}
		let mut roots = vec![Fr::ONE; size];
		let root = Fr::get_root_of_unity(size as u64)?;
		let top = size / 2;
		powers(root, &mut roots[top..]);
		for index in (1..top).rev() {
			roots[index] = roots[2 * index];
		}
		Some(Self { log_size, roots })
	}

	/// Number of its elements.
	pub(crate) fn size(&self) -> usize {
		1 << self.log_size
	}

	/// The index that stands at a place in bit-reversed order, and the other way round.
	pub(crate) fn reversed(&self, index: usize) -> usize {
		index.reverse_bits() >> (usize::BITS - self.log_size)
	}

	/// The coefficients of the quotient, in bit-reversed order. The evaluations are of a circuit
	/// whose constraints, public inputs and the constant one have room in the domain.
	pub(crate) fn quotient(&self, evaluations: &mut Evaluations) -> SecretElements {
		let Evaluations { assignment, a, b, c } = evaluations;
		let take = |elements: &mut SecretElements| {
			let mut taken = std::mem::replace(elements, SecretElements::with_capacity(0));
			taken.pad(self.size());
			taken
		};
		let inputs = a.len();
		let (mut a, mut b, mut c) = (take(a), take(b), take(c));
		for (row, value) in a.as_mut_slice()[inputs..]
			.iter_mut()
			.zip(std::iter::once(&Fr::ONE).chain(assignment.public_inputs()))
		{
			*row = *value;
		}
		// The interpolations leave out the division by the size: it is in these factors.
		let generator = Fr::GENERATOR;
		let size = Fr::from(self.size() as u64);
		let per_size = size.inverse().unwrap_or(Fr::ZERO);
		let onto_coset = Powers::new(self.log_size, generator, per_size);
		rayon::join(
			|| self.coset_values(a.as_mut_slice(), &onto_coset),
			|| self.coset_values(b.as_mut_slice(), &onto_coset),
		);
		a.as_mut_slice()
			.par_iter_mut()
			.zip(b.as_slice())
			.for_each(|(product, factor)| *product *= factor);
		drop(b);
		rayon::join(|| self.interpolate(a.as_mut_slice()), || self.interpolate(c.as_mut_slice()));
		// 1 / (n·(gⁿ − 1)): the generator is no root of unity.
		let vanishing = generator.pow([self.size() as u64]) - Fr::ONE;
		let scale = (size * vanishing).inverse().unwrap_or(Fr::ZERO);
		let off_coset = Powers::new(self.log_size, generator.inverse().unwrap_or(Fr::ZERO), scale);
		a.as_mut_slice().par_iter_mut().zip(c.as_slice()).enumerate().for_each(
			|(place, (product, c))| {
				*product = *product * off_coset.at(place) - scale * c;
			},
		);
		a
	}

	/// From values on the domain to values on the coset; `factors` move the coefficients there.
	fn coset_values(&self, values: &mut [Fr], factors: &Powers) {
		self.interpolate(values);
		values
			.par_iter_mut()
			.enumerate()
			.with_min_len(SERIAL)
			.for_each(|(place, value)| *value *= factors.at(place));
		self.evaluate(values);
	}

	/// From values in natural order to `n` times the coefficients in bit-reversed order.
	fn interpolate(&self, values: &mut [Fr]) {
		if values.len() <= SERIAL {
			let mut half = values.len() / 2;
			while half > 0 {
				for pair in values.chunks_exact_mut(2 * half) {
					self.part(pair, false);
				}
				half /= 2;
			}
			return;
		}
		self.part(values, true);
		let (low, high) = values.split_at_mut(values.len() / 2);
		rayon::join(|| self.interpolate(low), || self.interpolate(high));
	}

	/// Gentleman and Sande's butterflies between the halves of a block.
	fn part(&self, block: &mut [Fr], parallel: bool) {
		let half = block.len() / 2;
		let (low, high) = block.split_at_mut(half);
		let roots = &self.roots[half..2 * half];
		(low[0], high[0]) = (add(&low[0], &high[0]), subtract(&low[0], &high[0]));
		// The inverse of the j-th power is the negative of the (m−j)-th.
		let butterfly = |low: &mut Fr, high: &mut Fr, root: &Fr| {
			let difference = subtract(high, low);
			*low = add(low, high);
			*high = difference * root;
		};
		let (low, high, roots) = (&mut low[1..], &mut high[1..], &roots[1..]);
		match parallel {
			true => low
				.par_iter_mut()
				.zip(high)
				.zip(roots.par_iter().rev())
				.with_min_len(SERIAL)
				.for_each(|((low, high), root)| butterfly(low, high, root)),
			false => low
				.iter_mut()
				.zip(high)
				.zip(roots.iter().rev())
				.for_each(|((low, high), root)| butterfly(low, high, root)),
		}
	}

	/// From coefficients in bit-reversed order to values in natural order.
	fn evaluate(&self, values: &mut [Fr]) {
		if values.len() <= SERIAL {
			let mut half = 1;
			while half < values.len() {
				for pair in values.chunks_exact_mut(2 * half) {
					self.merge(pair, false);
				}
				half *= 2;
			}
			return;
		}
		let (low, high) = values.split_at_mut(values.len() / 2);
		rayon::join(|| self.evaluate(low), || self.evaluate(high));
		self.merge(values, true);
	}

	/// Cooley and Tukey's butterflies between the halves of a block.
	fn merge(&self, block: &mut [Fr], parallel: bool) {
		let half = block.len() / 2;
		let (low, high) = block.split_at_mut(half);
		let roots = &self.roots[half..2 * half];
		(low[0], high[0]) = (add(&low[0], &high[0]), subtract(&low[0], &high[0]));
		let butterfly = |low: &mut Fr, high: &mut Fr, root: &Fr| {
			let product = *high * root;
			*high = subtract(low, &product);
			*low = add(low, &product);
		};
		let (low, high, roots) = (&mut low[1..], &mut high[1..], &roots[1..]);
		match parallel {
			true => low
				.par_iter_mut()
				.zip(high)
				.zip(roots)
				.with_min_len(SERIAL)
				.for_each(|((low, high), root)| butterfly(low, high, root)),
			false => low
				.iter_mut()
				.zip(high)
				.zip(roots)
				.for_each(|((low, high), root)| butterfly(low, high, root)),
		}
	}
}

/// `a + b`, without a branch: whether the sum passes the modulus cannot be foretold.
#[inline]
fn add(a: &Fr, b: &Fr) -> Fr {
	let (sum, _) = limbs(&a.0 .0, &b.0 .0, u64::carrying_add);
	let (reduced, below) = limbs(&sum, &Fr::MODULUS.0, u64::borrowing_sub);
	let mask = u64::from(below).wrapping_neg();
	Fr::new_unchecked(BigInt(std::array::from_fn(|limb| {
		reduced[limb] ^ (mask & (reduced[limb] ^ sum[limb]))
	})))
}

/// `a − b`, without a branch.
#[inline]
fn subtract(a: &Fr, b: &Fr) -> Fr {
	let (difference, below) = limbs(&a.0 .0, &b.0 .0, u64::borrowing_sub);
	let mask = u64::from(below).wrapping_neg();
	let correction = Fr::MODULUS.0.map(|limb| mask & limb);
	Fr::new_unchecked(BigInt(limbs(&difference, &correction, u64::carrying_add).0))
}

#[inline]
fn limbs(
	a: &[u64; 4],
	b: &[u64; 4],
	operation: impl Fn(u64, u64, bool) -> (u64, bool),
) -> ([u64; 4], bool) {
	let mut result = [0; 4];
	let mut carry = false;
	for limb in 0..4 {
		(result[limb], carry) = operation(a[limb], b[limb], carry);
	}
	(result, carry)
}

/// 1, `base`, `base²`, …
fn powers(base: Fr, powers: &mut [Fr]) {
	powers.par_chunks_mut(SERIAL).enumerate().for_each(|(chunk, powers)| {
		let mut power = base.pow([(chunk * SERIAL) as u64]);
		for slot in powers {
			*slot = power;
			power *= base;
		}
	});
}

/// `factor·base^i` for every index, asked for by its place in bit-reversed order: a table for the
/// places' lower halves and one for their upper halves.
struct Powers {
	low_bits: u32,
	low: Vec<Fr>,
	high: Vec<Fr>,
}

impl Powers {
	fn new(log_size: u32, base: Fr, factor: Fr) -> Self {
		let low_bits = log_size / 2;
		// Bit `b` of a place stands for `base^(2^(log_size − 1 − b))`.
		let table = |first: u32, bits: u32, factor: Fr| {
			let mut table = vec![factor];
			for bit in first..first + bits {
				let power = base.pow([1 << (log_size - 1 - bit)]);
				table.extend_from_within(..);
				let half = table.len() / 2;
				table[half..].iter_mut().for_each(|entry| *entry *= power);
			}
			table
		};
		let low = table(0, low_bits, Fr::ONE);
		let high = table(low_bits, log_size - low_bits, factor);
		Self { low_bits, low, high }
	}

	fn at(&self, place: usize) -> Fr {
		self.low[place & (self.low.len() - 1)] * self.high[place >> self.low_bits]
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{
		circuit::{self, Circuit, Plan, StatementWitness},
		commitment::Secrets,
		network,
	};
	use ark_ff::UniformRand;
	use ark_groth16::r1cs_to_qap::{LibsnarkReduction, R1CSToQAP};
	use ark_poly::{EvaluationDomain, GeneralEvaluationDomain};
	use proofpod_primitives::manifest::OutputVisibility;
	use rand::{rngs::StdRng, SeedableRng};

	#[test]
	fn transforms_are_those_of_arkworks() {
		let mut rng = StdRng::seed_from_u64(1);
		for log_size in [1, 2, 3, 8, 14] {
			let size = 1usize << log_size;
			let domain = Domain::new(size).unwrap();
			let theirs = GeneralEvaluationDomain::<Fr>::new(size).unwrap();
			let values: Vec<Fr> = (0..size).map(|_| Fr::rand(&mut rng)).collect();
			let coefficients = theirs.ifft(&values);
			let mut ours = values.clone();
			domain.interpolate(&mut ours);
			let natural: Vec<Fr> = (0..size).map(|index| ours[domain.reversed(index)]).collect();
			let scale = Fr::from(size as u64);
			let expected: Vec<Fr> = coefficients.iter().map(|c| *c * scale).collect();
			assert_eq!(natural, expected, "2^{log_size}");
			domain.evaluate(&mut ours);
			let expected: Vec<Fr> = values.iter().map(|value| *value * scale).collect();
			assert_eq!(ours, expected, "2^{log_size}");
		}
	}

	#[test]
	fn the_quotient_is_that_of_arkworks() {
		let network = network::tests::small();
		for output in [OutputVisibility::Sealed, OutputVisibility::Public] {
			let plan = Plan::new(&network, output).unwrap();
			let trace = network.infer(&[12, -34]).unwrap();
			let secrets = Secrets::random(&mut StdRng::seed_from_u64(2));
			let witness = StatementWitness::new(&plan, &trace, Fr::from(7u64), &secrets).unwrap();
			let statement = plan.statement(&network, Some(&witness));
			let dimensions = statement.dimensions().unwrap();
			let mut evaluations = statement.evaluate(&dimensions).unwrap();
			let matrices = circuit::matrices(&network, output).unwrap();
			let expected =
				LibsnarkReduction::witness_map_from_matrices::<Fr, GeneralEvaluationDomain<Fr>>(
					matrices.as_ark(),
					matrices.public_inputs() + 1,
					matrices.constraints(),
					evaluations.assignment.values(),
				)
				.unwrap();
			let domain =
				Domain::new(dimensions.constraints + dimensions.public_inputs + 1).unwrap();
			let ours = domain.quotient(&mut evaluations);
			let natural: Vec<Fr> =
				(0..domain.size()).map(|index| ours.as_slice()[domain.reversed(index)]).collect();
			assert_eq!(natural, expected);
		}
	}

	#[test]
	fn sums_and_differences_are_those_of_arkworks() {
		let mut rng = StdRng::seed_from_u64(3);
		let mut elements = vec![Fr::ZERO, Fr::ONE, -Fr::ONE, Fr::from(2u64), -Fr::from(2u64)];
		elements.extend((0..50).map(|_| Fr::rand(&mut rng)));
		for a in &elements {
			for b in &elements {
				assert_eq!((add(a, b), subtract(a, b)), (*a + b, *a - b));
			}
		}
	}

	#[test]
	fn domains_that_the_field_lacks_are_refused() {
		assert!(Domain::new(usize::MAX).is_none());
		assert!(Domain::new(1 << 33).is_none());
		assert_eq!(Domain::new(0).unwrap().size(), 2);
		assert_eq!(Domain::new(5).unwrap().size(), 8);
	}
}
