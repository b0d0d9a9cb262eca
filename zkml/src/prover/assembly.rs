// SPDX-License-Identifier: Apache-2.0

//! A proof from a key and an assignment (Groth16, eprint 2016/260, §3.2).

use super::{milliseconds, quotient::Domain, Timings};
use crate::{
	circuit::Evaluations,
	curve::{multiply, Fastest, Group, Scalars},
	progress::{Cancelled, Monitor, Step},
	setup::ProvingKey,
};
use ark_bls12_381::{Fr, G1Projective, G2Projective};
use ark_ec::CurveGroup;
use ark_ff::UniformRand;
use proofpod_primitives::ProofBytes;
use proofpod_verifier::{Native, Proof};
use rand::rngs::OsRng;
use std::time::Instant;
use zeroize::Zeroize;

/// The two numbers that make a proof random. Wiped when dropped.
struct Blinding {
	r: Fr,
	s: Fr,
}

impl Drop for Blinding {
	fn drop(&mut self) {
		self.r.zeroize();
		self.s.zeroize();
	}
}

/// Proves what the evaluations say, which satisfy the circuit that the key is for, and whose
/// domain is given.
///
/// With `z` the assignment, `h` the quotient's coefficients, and `r`, `s` random:
/// `A = α + Σ zᵢAᵢ + rδ`, `B = β + Σ zᵢBᵢ + sδ` in G2 and G1, and
/// `C = Σ zᵢLᵢ + Σ hᵢHᵢ + sA + rB − rsδ`.
pub(super) fn prove(
	key: &ProvingKey,
	domain: &Domain,
	mut evaluations: Evaluations,
	timings: &mut Timings,
	monitor: Monitor,
) -> Result<ProofBytes, Cancelled> {
	// About the share of the time that is over when a step begins.
	let step = |step, fraction, slot: fn(&mut Timings) -> &mut u64| {
		monitor.step(step, fraction).map(|()| Lap { started: Instant::now(), slot })
	};
	let lap = step(Step::Quotient, 0.02, |timings| &mut timings.quotient_ms)?;
	let quotient = {
		let coefficients = domain.quotient(&mut evaluations);
		Scalars::permuted(coefficients.as_slice(), |place| domain.reversed(place))
	};
	lap.end(timings);

	let first_witness = evaluations.assignment.public_inputs().len() + 1;
	let scalars = Scalars::new(evaluations.assignment.values());
	drop(evaluations);
	let lap = step(Step::A, 0.2, |timings| &mut timings.a_ms)?;
	let a: G1Projective = multiply::<Fastest, _>(key.a(), &scalars, 0);
	lap.end(timings);
	let lap = step(Step::BG1, 0.25, |timings| &mut timings.b_g1_ms)?;
	let b_g1: G1Projective = multiply::<Fastest, _>(key.b_g1(), &scalars, 0);
	lap.end(timings);
	let lap = step(Step::BG2, 0.3, |timings| &mut timings.b_g2_ms)?;
	let b_g2: G2Projective = multiply::<Fastest, _>(key.b_g2(), &scalars, 0);
	lap.end(timings);
	let lap = step(Step::L, 0.4, |timings| &mut timings.l_ms)?;
	let l: G1Projective = multiply::<Fastest, _>(key.l(), &scalars, first_witness);
	lap.end(timings);
	drop(scalars);
	let lap = step(Step::H, 0.45, |timings| &mut timings.h_ms)?;
	let h: G1Projective = multiply::<Fastest, _>(key.h(), &quotient, 0);
	lap.end(timings);

	let [alpha, beta, delta] = key.singles_g1().each_ref().map(affine::<G1Projective>);
	let [beta_g2, _, delta_g2] = key.singles_g2().each_ref().map(affine::<G2Projective>);
	let Blinding { r, s } = &Blinding { r: Fr::rand(&mut OsRng), s: Fr::rand(&mut OsRng) };
	let a = a + alpha + delta * r;
	let b_g1 = b_g1 + beta + delta * s;
	let b_g2 = b_g2 + beta_g2 + delta_g2 * s;
	let c = l + h + a * s + b_g1 * r - delta * (*r * s);
	let proof = Proof::<Native> { a: a.into_affine(), b: b_g2.into_affine(), c: c.into_affine() };
	Ok(proof.encode())
}

fn affine<G: Group>(point: &crate::curve::Affine<G::Coordinate>) -> G::Affine {
	point.into()
}

/// The time that a step takes, and where it is written down.
struct Lap {
	started: Instant,
	slot: fn(&mut Timings) -> &mut u64,
}

impl Lap {
	fn end(self, timings: &mut Timings) {
		*(self.slot)(timings) = milliseconds(self.started.elapsed());
	}
}
