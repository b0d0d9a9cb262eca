// SPDX-License-Identifier: Apache-2.0

//! Key generation (Groth16, eprint 2016/260, §3.2), as a stream.
//!
//! With the Lagrange polynomials' values at the secret point `τ` at hand, every entry of the
//! matrices contributes one product to its column's polynomial: constraints are stated one at a
//! time, added, and forgotten. Memory is 32 bytes for each row of the domain and 96 for each
//! column, whatever the number of non-zero entries, and less than the key's own size.
//!
//! The same randomness gives the key that `ark-groth16` generates, point for point.

use super::{
	key_file::{verifying_key_bytes, Counts, KeyWriter, Limbs, ProvingKey},
	SetupError,
};
use crate::{
	circuit::{Circuit, Dimensions, Plan, SecretElements, Shape},
	curve::{Affine, Arithmetic, Fastest, FixedBase, Fp, Group},
	network::QuantisedNetwork,
	progress::{Monitor, Step},
};
use ark_bls12_381::{Fr, G1Affine, G1Projective, G2Projective};
use ark_ec::CurveGroup;
use ark_ff::{AdditiveGroup, Field, UniformRand};
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use proofpod_primitives::{manifest::OutputVisibility, Digest};
use rand::{CryptoRng, RngCore};
use std::{fmt, io::Write, ops::Range};
use zeroize::Zeroize;

/// Points that are computed and written at once.
const BATCH: usize = 1 << 15;
/// Share of the progress that stating the constraints counts for.
const CONSTRAINTS_SHARE: f64 = 0.1;
/// What a multiple in G2 costs, in multiples in G1.
const G2_WEIGHT: usize = 3;

/// What a key generation made, besides the proving key's file.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
	/// Verifies: the canonical bytes that the chain registers.
	pub verifying: Vec<u8>,
	/// Digest of the proving key's file.
	pub proving: Digest,
	/// What the circuit costs.
	pub shape: Shape,
}

impl fmt::Debug for Keys {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.debug_struct("Keys")
			.field("verifying", &proofpod_verifier::verifying_key_id(&self.verifying))
			.field("proving", &self.proving)
			.finish_non_exhaustive()
	}
}

/// Generates the keys of a model's circuit from one machine's randomness, and writes the proving
/// key's file; take the operating system's generator.
///
/// # Errors
/// When the network is not valid or too large, when the verifier would refuse the key, when the
/// writer fails, or when the monitor cancels. What was written is no key then.
pub fn generate(
	network: &QuantisedNetwork,
	output: OutputVisibility,
	rng: &mut (impl RngCore + CryptoRng),
	writer: impl Write,
	monitor: Monitor,
) -> Result<Keys, SetupError> {
	let plan = Plan::new(network, output)?;
	generate_for(&plan.statement(network, None), rng, writer, monitor)
}

/// [`generate`] without a file.
///
/// # Errors
/// As for [`generate`].
pub fn generate_in_memory(
	network: &QuantisedNetwork,
	output: OutputVisibility,
	rng: &mut (impl RngCore + CryptoRng),
) -> Result<(ProvingKey, Keys), SetupError> {
	let mut file = Vec::new();
	let keys = generate(network, output, rng, &mut file, Monitor::none())?;
	Ok((ProvingKey::from_bytes(&file)?, keys))
}

/// Generates the keys of a circuit.
pub(super) fn generate_for(
	circuit: &impl Circuit,
	rng: &mut (impl RngCore + CryptoRng),
	writer: impl Write,
	monitor: Monitor,
) -> Result<Keys, SetupError> {
	monitor.step(Step::Constraints, 0.0)?;
	let dimensions = circuit.dimensions()?;
	let rows = dimensions.constraints + dimensions.public_inputs + 1;
	let domain =
		Radix2EvaluationDomain::<Fr>::new(rows).ok_or(SetupError::TooLarge { found: rows })?;
	let trapdoor = Trapdoor::draw(&domain, rng);
	let (polynomials, shape) =
		Polynomials::at(&trapdoor.tau, circuit, &dimensions, &domain, monitor)?;
	let (verifying, proving) =
		write(writer, &trapdoor, &polynomials, &dimensions, &domain, monitor)?;
	Ok(Keys { verifying, proving, shape })
}

/// The randomness of a key generation. Whoever has it can forge proofs: wiped when dropped.
struct Trapdoor {
	alpha: Fr,
	beta: Fr,
	gamma: Fr,
	delta: Fr,
	tau: Fr,
	g1: G1Projective,
	g2: G2Projective,
}

impl Trapdoor {
	/// Draws in the order of `ark-groth16`.
	fn draw(domain: &Radix2EvaluationDomain<Fr>, rng: &mut (impl RngCore + CryptoRng)) -> Self {
		let mut number = || loop {
			let number = Fr::rand(rng);
			if number != Fr::ZERO {
				break number;
			}
		};
		let (alpha, beta, gamma, delta) = (number(), number(), number(), number());
		let (g1, g2) = (G1Projective::rand(rng), G2Projective::rand(rng));
		let tau = domain.sample_element_outside_domain(rng);
		Self { alpha, beta, gamma, delta, tau, g1, g2 }
	}
}

impl Drop for Trapdoor {
	fn drop(&mut self) {
		for secret in
			[&mut self.alpha, &mut self.beta, &mut self.gamma, &mut self.delta, &mut self.tau]
		{
			secret.zeroize();
		}
	}
}

/// Every column's three polynomials at the secret point.
struct Polynomials {
	a: SecretElements,
	b: SecretElements,
	c: SecretElements,
}

impl Polynomials {
	fn at(
		tau: &Fr,
		circuit: &impl Circuit,
		dimensions: &Dimensions,
		domain: &Radix2EvaluationDomain<Fr>,
		monitor: Monitor,
	) -> Result<(Self, Shape), SetupError> {
		let lagrange = SecretElements::from(domain.evaluate_all_lagrange_coefficients(*tau));
		let [mut a, mut b, mut c] = [(); 3].map(|()| {
			let mut zeroes = SecretElements::with_capacity(dimensions.columns());
			zeroes.pad(dimensions.columns());
			zeroes
		});
		// The rows that make the public inputs' polynomials independent.
		let extra = lagrange.as_slice().iter().skip(dimensions.constraints);
		for (column, value) in a.as_mut_slice()[..=dimensions.public_inputs].iter_mut().zip(extra) {
			*column = *value;
		}
		let mut values = lagrange.as_slice().iter();
		let mut stated = 0;
		let mut cancelled = Ok(());
		let shape = circuit.visit(|rows| {
			let Some(value) = values.next().filter(|_| cancelled.is_ok()) else { return };
			for (columns, row) in [&mut a, &mut b, &mut c].into_iter().zip(rows) {
				let columns = columns.as_mut_slice();
				for (coefficient, column) in row {
					if coefficient == Fr::ONE {
						columns[column] += value;
					} else if coefficient == -Fr::ONE {
						columns[column] -= value;
					} else {
						columns[column] += coefficient * value;
					}
				}
			}
			stated += 1;
			if stated % (1 << 10) == 0 {
				let fraction = stated as f64 / dimensions.constraints as f64;
				cancelled = monitor.step(Step::Constraints, CONSTRAINTS_SHARE * fraction);
			}
		})?;
		cancelled?;
		Ok((Self { a, b, c }, shape))
	}
}

/// Writes the key; gives the verifying key's bytes and the file's digest.
fn write(
	writer: impl Write,
	trapdoor: &Trapdoor,
	polynomials: &Polynomials,
	dimensions: &Dimensions,
	domain: &Radix2EvaluationDomain<Fr>,
	monitor: Monitor,
) -> Result<(Vec<u8>, Digest), SetupError> {
	let Trapdoor { alpha, beta, gamma, delta, tau, g1, g2 } = trapdoor;
	let [a, b, c] = [&polynomials.a, &polynomials.b, &polynomials.c].map(SecretElements::as_slice);
	let (columns, inputs) = (dimensions.columns(), dimensions.public_inputs + 1);
	let h_length = domain.size() - 1;
	let g1_multiples = 2 * columns + dimensions.witnesses + h_length;
	let mut file = Queries {
		file: KeyWriter::new(writer, Counts::of(dimensions, domain.size()))?,
		monitor,
		total: g1_multiples + G2_WEIGHT * columns,
		written: 0,
	};

	let singles_g1 = G1Projective::normalize_batch(&[*g1 * alpha, *g1 * beta, *g1 * delta]);
	let singles_g2 = G2Projective::normalize_batch(&[*g2 * beta, *g2 * gamma, *g2 * delta]);
	file.file.points(&singles_g1.iter().map(Affine::from).collect::<Vec<_>>())?;
	file.file.points(&singles_g2.iter().map(Affine::from).collect::<Vec<_>>())?;

	// `Trapdoor::draw` gives no zero.
	let [per_gamma, per_delta] = [gamma, delta].map(|x| x.inverse().unwrap_or(Fr::ZERO));
	let combined = |columns: Range<usize>, factor: &Fr| -> SecretElements {
		columns.map(|j| (*beta * a[j] + *alpha * b[j] + c[j]) * factor).collect()
	};
	let base = FixedBase::<Fastest, _>::new(*g1, g1_multiples);
	let bases = base.multiply(combined(0..inputs, &per_gamma).as_slice());
	file.file.points(&bases)?;
	file.query(&base, columns, |range| a[range].iter().copied().collect())?;
	file.query(&base, columns, |range| b[range].iter().copied().collect())?;
	file.query(&base, dimensions.witnesses, |range| {
		combined(range.start + inputs..range.end + inputs, &per_delta)
	})?;
	let vanishing = domain.evaluate_vanishing_polynomial(*tau) * per_delta;
	file.query(&base, h_length, |range| {
		let first = vanishing * tau.pow([range.start as u64]);
		std::iter::successors(Some(first), |power| Some(*power * tau)).take(range.len()).collect()
	})?;
	drop(base);
	let base = FixedBase::<Fastest, _>::new(*g2, columns);
	file.query(&base, columns, |range| b[range].iter().copied().collect())?;

	let verifying = verifying_key_bytes(&proofpod_verifier::VerifyingKey {
		alpha_g1: singles_g1[0],
		beta_g2: singles_g2[0],
		gamma_g2: singles_g2[1],
		delta_g2: singles_g2[2],
		ic: bases.iter().map(G1Affine::from).collect(),
	})?;
	Ok((verifying, file.file.finish()?))
}

/// Writes queries as they are computed, and says how far it is.
struct Queries<'a, W: Write> {
	file: KeyWriter<W>,
	monitor: Monitor<'a>,
	/// Points of the key, those in G2 with their weight.
	total: usize,
	written: usize,
}

impl<W: Write> Queries<'_, W> {
	/// Writes `length` multiples of a base, by the scalars that `scalars` gives for any range.
	fn query<G: Group>(
		&mut self,
		base: &FixedBase<Fastest, G>,
		length: usize,
		scalars: impl Fn(Range<usize>) -> SecretElements,
	) -> Result<(), SetupError>
	where
		Fastest: Arithmetic<G::Coordinate>,
		G::Coordinate: Limbs,
		Affine<G::Coordinate>: for<'a> From<&'a G::Affine>,
	{
		let weight = match size_of::<G::Coordinate>() > size_of::<Fp>() {
			true => G2_WEIGHT,
			false => 1,
		};
		for start in (0..length).step_by(BATCH) {
			let fraction = self.written as f64 / self.total as f64;
			let fraction = CONSTRAINTS_SHARE + (1.0 - CONSTRAINTS_SHARE) * fraction;
			self.monitor.step(Step::Points, fraction)?;
			let range = start..(start + BATCH).min(length);
			self.written += weight * range.len();
			self.file.points(&base.multiply(scalars(range).as_slice()))?;
		}
		Ok(())
	}
}
