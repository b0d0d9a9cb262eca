// SPDX-License-Identifier: Apache-2.0

//! The statement that a job's proof proves, as the list of public inputs, and the binding that
//! ties a proof to one job and one pod.
//!
//! | # | public input | who supplies it at verification |
//! |---|---|---|
//! | 0 | binding | the chain computes it |
//! | 1 | input commitment | the job's record |
//! | 2 | output key's commitment (sealed outputs only) | the job's record |
//! | 3… | (sealed) output | the pod's transaction |
//!
//! The proof attests: *there are an input, a salt and an output key that open the commitments, such
//! that the network, in exact integer arithmetic, maps the input to an output whose sealing under
//! that key is the one given.*

use crate::{
	blake2_256, AccountBytes, Digest, GenesisHash, InputCommitment, JobId, ModelId,
	OutputKeyCommitment, Scalar, MAX_OUTPUT_ELEMENTS,
};
use alloc::vec::Vec;
use bounded_collections::{BoundedVec, ConstU32};
use codec::Encode;

/// Separates bindings from every other use of the hash, and versions the statement.
pub const BINDING_DOMAIN: &str = "proofpod/job/v1";

/// A job's output as it stands on the chain: one scalar per element of the packed output.
pub type OutputElements = BoundedVec<Scalar, ConstU32<MAX_OUTPUT_ELEMENTS>>;

/// Everything that the public inputs of a job's proof are made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobStatement<'a> {
	/// The chain's identity.
	pub genesis: GenesisHash,
	/// The job.
	pub job: JobId,
	/// The model that the job runs.
	pub model: ModelId,
	/// The account that will be paid.
	pub pod: AccountBytes,
	/// Commitment to the input, from the job's record.
	pub input: InputCommitment,
	/// Commitment to the output key, from the job's record; `None` when the output is public.
	pub output_key: Option<OutputKeyCommitment>,
	/// The output, sealed unless the model's output is public.
	pub output: &'a [Scalar],
}

impl JobStatement<'_> {
	/// Ties a proof to one chain, job, model and pod.
	///
	/// `blake2_256(SCALE(("proofpod/job/v1", genesis hash, job id, model id, pod account)))`, of
	/// which the first 31 bytes are read as a little-endian number: always below the group order.
	pub fn binding(&self) -> Scalar {
		let hash =
			blake2_256(&(BINDING_DOMAIN, self.genesis, self.job, self.model, self.pod).encode());
		let mut scalar = [0u8; 32];
		for (to, from) in scalar.iter_mut().zip(hash.iter().take(31)) {
			*to = *from;
		}
		Scalar(scalar)
	}

	/// The public inputs, in the order of the circuit.
	pub fn public_inputs(&self) -> Vec<Scalar> {
		let mut inputs = Vec::with_capacity(self.output.len().saturating_add(3));
		inputs.push(self.binding());
		inputs.push(Scalar(self.input.0));
		inputs.extend(self.output_key.map(|commitment| Scalar(commitment.0)));
		inputs.extend_from_slice(self.output);
		inputs
	}

	/// Digest of the public inputs, under which a receipt names what was proved. It depends on the
	/// statement alone: a re-randomised proof of the same statement has the same digest.
	pub fn digest(&self) -> Digest {
		Digest(blake2_256(&(self.model, self.public_inputs()).encode()))
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use alloc::{string::String, vec};
	use proptest::prelude::*;
	use serde::{Deserialize, Serialize};

	fn statement(output: &[Scalar]) -> JobStatement<'_> {
		JobStatement {
			genesis: GenesisHash([1; 32]),
			job: JobId(7),
			model: ModelId([2; 32]),
			pod: [3; 32],
			input: InputCommitment([4; 32]),
			output_key: Some(OutputKeyCommitment([5; 32])),
			output,
		}
	}

	/// One line of `vectors/binding.json`, which other implementations test against.
	#[derive(Debug, PartialEq, Serialize, Deserialize)]
	struct Vector {
		genesis: GenesisHash,
		job: JobId,
		model: ModelId,
		pod: Scalar,
		binding: Scalar,
	}

	#[test]
	fn binding_matches_the_vector_file() {
		let vectors: Vec<Vector> =
			serde_json::from_str(include_str!("../vectors/binding.json")).unwrap();
		assert!(vectors.len() >= 4);
		for vector in vectors {
			let binding = JobStatement {
				genesis: vector.genesis,
				job: vector.job,
				model: vector.model,
				pod: vector.pod.0,
				..statement(&[])
			}
			.binding();
			assert_eq!(binding, vector.binding, "job {}", vector.job);
		}
	}

	#[test]
	fn binding_is_below_the_group_order() {
		assert_eq!(statement(&[]).binding().0[31], 0);
	}

	#[test]
	fn public_inputs_follow_the_documented_order() {
		let output = vec![Scalar([6; 32]), Scalar([7; 32])];
		let sealed = statement(&output);
		assert_eq!(
			sealed.public_inputs(),
			vec![
				sealed.binding(),
				Scalar([4; 32]),
				Scalar([5; 32]),
				Scalar([6; 32]),
				Scalar([7; 32])
			]
		);
		let public = JobStatement { output_key: None, ..sealed.clone() };
		assert_eq!(
			public.public_inputs(),
			vec![public.binding(), Scalar([4; 32]), Scalar([6; 32]), Scalar([7; 32])]
		);
	}

	proptest! {
		#[test]
		fn binding_depends_on_every_part(
			genesis: [u8; 32],
			job: u64,
			model: [u8; 32],
			pod: [u8; 32],
			byte in 0usize..32,
			bit in 0u8..8,
		) {
			let base = JobStatement {
				genesis: GenesisHash(genesis),
				job: JobId(job),
				model: ModelId(model),
				pod,
				..statement(&[])
			};
			let flipped = |mut bytes: [u8; 32]| {
				bytes[byte] ^= 1 << bit;
				bytes
			};
			let others = [
				JobStatement { genesis: GenesisHash(flipped(genesis)), ..base.clone() },
				JobStatement { job: JobId(job ^ (1 << bit)), ..base.clone() },
				JobStatement { model: ModelId(flipped(model)), ..base.clone() },
				JobStatement { pod: flipped(pod), ..base.clone() },
			];
			for other in others {
				prop_assert_ne!(other.binding(), base.binding());
				prop_assert_ne!(other.digest(), base.digest());
			}
		}
	}

	/// Prints the vector file: `cargo test -p proofpod-primitives -- --ignored --nocapture vectors`.
	#[test]
	#[ignore = "writes the vector file, run by hand when the statement's version changes"]
	fn write_vectors() {
		let cases = [(0u8, 0u64), (1, 1), (0x7f, 0xdead_beef), (0xff, u64::MAX)];
		let vectors: Vec<Vector> = cases
			.iter()
			.map(|(byte, job)| {
				let (genesis, model, pod) = ([*byte; 32], [byte ^ 0x55; 32], [byte ^ 0xaa; 32]);
				let binding = JobStatement {
					genesis: GenesisHash(genesis),
					job: JobId(*job),
					model: ModelId(model),
					pod,
					..statement(&[])
				}
				.binding();
				Vector {
					genesis: GenesisHash(genesis),
					job: JobId(*job),
					model: ModelId(model),
					pod: Scalar(pod),
					binding,
				}
			})
			.collect();
		let text: String = serde_json::to_string_pretty(&vectors).unwrap();
		std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/binding.json"), text + "\n")
			.unwrap();
	}
}
