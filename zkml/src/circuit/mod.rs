// SPDX-License-Identifier: Apache-2.0

//! The circuit of a model: what a job's proof proves, as rank-1 constraints.
//!
//! * `statement`: the statement as a whole: public inputs, commitments, network, sealing;
//! * `layers`: the network's nodes, one after the other;
//! * `requantise`: rounding, shift, clamp and leak of one element;
//! * `comparison`: comparisons, maxima, the place of the largest element;
//! * `trees`: decision trees;
//! * `boolean`: booleans, range checks, signs, int8 elements;
//! * `poseidon`: the hash;
//! * `system`, `linear`, `matrices`: the constraint system itself.
//!
//! # Cost
//!
//! Weights are constants, so everything linear is free: one matrix entry per weight. `w` is the
//! number of bits, without a sign, that the static bounds leave to what is decomposed.
//!
//! | node | constraints |
//! |---|---|
//! | Linear, Conv, Affine, Add, Gather | 0 |
//! | Requantise, per element | 0 to `w + 3` for uint8 and int8: the table of `requantise` |
//! | MaxPool, per pair of elements | `w + 2`, 10 for uint8; windows share the maxima of their rows |
//! | ArgMax of `n` | `n − 1` comparisons of `w + 1`, and `n − 2 + ⌈n/2⌉ − 1` |
//! | Trees | `c + 2·b` per feature in `c` regions of at most `2^b`; at most 1 per inner node |
//!
//! Whatever the bounds decide costs nothing. For a network with `n` int8 inputs whose output packs
//! into `e` field elements, sealed:
//!
//! ```text
//! 1 + 8·n + h(1 + ⌈n/31⌉, 1) + 1 + Σ nodes + 238 + p + e
//! ```
//!
//! `h(i, o)` is three times the [S-boxes](crate::poseidon::Width::boxes) of a sponge of `i` inputs
//! and `o` outputs, see `poseidon`; `p`, for the pads after the first, is `h(1, e − 1)`, or 0 for
//! `e = 1`. A public output costs `e` in place of the last three terms.
//!
//! # Rules
//!
//! Every witness is determined by the inputs, the secrets and the constraints that use it; the
//! tests change each of them and expect a refusal, and check by the rank of the constraints'
//! derivative that no combination of witnesses can move. No field element is decomposed unless its
//! bits are bounded far below the field's. Every int8 input has a witness: values saturate, they
//! never fail.

#[cfg(test)]
mod adversary;
mod boolean;
mod comparison;
mod layers;
mod linear;
mod matrices;
mod poseidon;
mod requantise;
mod statement;
mod system;
#[cfg(test)]
pub(crate) mod tests;
mod trees;

pub use matrices::{Assignment, Dimensions, Matrices, Section, Shape};
pub(crate) use matrices::{Evaluations, MatricesHasher, SecretElements};
pub(crate) use statement::{Plan, StatementWitness};
pub(crate) use system::Circuit;
pub use system::{MAX_CONSTRAINTS, MAX_NON_ZEROS, MAX_STORED_NON_ZEROS};

use crate::{
	commitment::Secrets,
	network::{NetworkError, PackingError, QuantisedNetwork, Trace},
};
use ark_bls12_381::Fr;
use proofpod_primitives::{manifest::OutputVisibility, Digest};

/// Why a network has no circuit, or a trace no assignment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CircuitError {
	/// The network is not valid.
	#[error(transparent)]
	Network(#[from] NetworkError),
	/// The output does not pack.
	#[error(transparent)]
	Packing(#[from] PackingError),
	/// An accumulator has more bits than the circuit decomposes.
	#[error("expected accumulators of at most {limit} bits with their shift, found {found}", limit = boolean::MAX_BITS)]
	TooWide {
		/// Bits needed.
		found: u32,
	},
	/// The circuit, or its stored matrices, would take too much memory or time.
	#[error("expected at most {limit} {what}, found {found}: use a smaller network")]
	TooLarge {
		/// What was counted.
		what: &'static str,
		/// Most of them.
		limit: usize,
		/// Found.
		found: usize,
	},
	/// A circuit allocates another number of public inputs than it says.
	#[error("expected {expected} public inputs, found {found}")]
	PublicInputs {
		/// Public inputs announced.
		expected: usize,
		/// Public inputs allocated.
		found: usize,
	},
	/// A trace does not belong to the network.
	#[error("expected a trace of this network's inference, found a value {value} of another shape or out of its bounds")]
	Trace {
		/// First value that does not fit.
		value: usize,
	},
	/// The assignment violates a constraint: the trace is not what inference gives.
	#[error("the trace violates constraint {constraint}: it is not what this network computes")]
	Unsatisfied {
		/// The constraint's row.
		constraint: usize,
	},
}

/// What a model's circuit costs, part by part, and the digest of its matrices, whose rows are not
/// kept. The same network gives the same digest on every machine.
///
/// # Errors
/// When the network is not valid, or too large.
pub fn measure(
	network: &QuantisedNetwork,
	output: OutputVisibility,
) -> Result<(Shape, Digest), CircuitError> {
	let mut hasher = MatricesHasher::new();
	let plan = Plan::new(network, output)?;
	let shape = plan.statement(network, None).visit(|rows| hasher.update(&rows))?;
	let digest = hasher.finish(&shape.dimensions);
	Ok((shape, digest))
}

/// The constraint matrices of a model, in memory. The same network gives the same matrices on every
/// machine.
///
/// # Errors
/// When the network is not valid, or too large.
pub fn matrices(
	network: &QuantisedNetwork,
	output: OutputVisibility,
) -> Result<Matrices, CircuitError> {
	Plan::new(network, output)?.statement(network, None).matrices()
}

/// The assignment for one inference: public inputs and witnesses.
///
/// `binding` ties the proof to one job; with a public output, the output key is not used. A trace
/// that inference did not give either is refused here or does not satisfy the matrices.
///
/// # Errors
/// When the network is not valid, or the trace does not fit.
pub fn assign(
	network: &QuantisedNetwork,
	trace: &Trace,
	output: OutputVisibility,
	binding: Fr,
	secrets: &Secrets,
) -> Result<Assignment, CircuitError> {
	let plan = Plan::new(network, output)?;
	let witness = StatementWitness::new(&plan, trace, binding, secrets)?;
	plan.assign(network, &witness)
}
