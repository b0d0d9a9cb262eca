// SPDX-License-Identifier: Apache-2.0

//! What hides a job's input and output on the chain: salted commitments and sealing.
//!
//! All are outputs of [Poseidon](crate::poseidon) sponges, under domains of their own:
//!
//! * **input commitment**: the output of the `Input` sponge for `salt, packed input`. Binding because the hash resists
//!   collisions; hiding because the salt is a uniform field element of 255 bits: without it, an
//!   input of low entropy could be found by trying. The input is packed 31 bytes to a field
//!   element, little-endian, each byte `x + 128`; its length is in the hash's tag.
//! * **output key commitment**: the first output of the `OutputKey` sponge for the key. The key is
//!   uniform, so this hides it; the hash resists collisions, so it binds.
//! * **sealed output**: `sealed[i] = packed output[i] + pad[i]`. Pad 0 is the second output of that
//!   same sponge; the others are the outputs of the `Seal` sponge for the key.
//!
//! # Why the pads hide
//!
//! A sponge whose permutation behaves like a random one is indistinguishable from a random oracle
//! with an output of any length, up to about `2^(c/2)` calls, with the capacity `c` of 255 bits here
//! (Bertoni, Daemen, Peeters, Van Assche, *On the Indifferentiability of the Sponge Construction*,
//! Eurocrypt 2008; for keyed use Andreeva, Daemen, Mennink, Van Assche, *Security of Keyed Sponge
//! Constructions Using a Modular Proof Approach*, FSE 2015). The outputs for a uniform key of 255
//! bits that nobody else queries are then independent and uniform: the commitment, which is public,
//! says nothing about the pads, no pad about another, and the two domains are independent. Taking
//! key check and key stream from one sponge is the customary use of an extendable output function.
//! Each pad is a one-time pad over the field's additive group. That holds for **one job per key**:
//! two outputs under one key would disclose their difference. Hence [`Secrets`] are drawn anew for
//! every job.
//!
//! Whoever is given the output key (an auditor) can unseal the output, check the key against its
//! commitment, and learns nothing about the input.

use crate::poseidon::{sponge, Domain};
use ark_bls12_381::Fr;
use ark_ff::{PrimeField, UniformRand};
use proofpod_primitives::{InputCommitment, OutputKeyCommitment, Scalar};
use proofpod_verifier::{decode_scalar, encode_scalar};
use rand::{CryptoRng, RngCore};
use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// int8 values in one field element of a packed input.
pub const INPUT_PACKING: usize = 31;

/// Why bytes are not secrets, or a sealed output cannot be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitmentError {
	/// A secret is not the canonical encoding of a field element.
	#[error("the {what} is not a canonical scalar: expected 32 bytes, little-endian, below the group's order")]
	Secret {
		/// `salt` or `output key`.
		what: &'static str,
	},
	/// A sealed element is not the canonical encoding of a field element.
	#[error("sealed output element {index} is not a canonical scalar: expected 32 bytes, little-endian, below the group's order")]
	Sealed {
		/// Its place in the output.
		index: usize,
	},
}

/// What a client draws for one job and shares with the pod alone. Wiped when dropped, never
/// printed.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Secrets {
	/// Hides the input in its commitment.
	pub salt: Fr,
	/// Seals the output. For one job only.
	pub output_key: Fr,
}

impl Secrets {
	/// Draws fresh secrets; take the operating system's generator.
	pub fn random(rng: &mut (impl RngCore + CryptoRng)) -> Self {
		Self { salt: Fr::rand(rng), output_key: Fr::rand(rng) }
	}

	/// Salt and output key, each 32 bytes, little-endian.
	pub fn to_bytes(&self) -> ([u8; 32], [u8; 32]) {
		(encode_scalar(&self.salt).0, encode_scalar(&self.output_key).0)
	}

	/// Reads what [`Self::to_bytes`] gave.
	///
	/// # Errors
	/// When one of them is not below the group's order.
	pub fn from_bytes(salt: &[u8; 32], output_key: &[u8; 32]) -> Result<Self, CommitmentError> {
		let secret = |bytes: &[u8; 32], what| {
			decode_scalar(&Scalar(*bytes)).map_err(|_| CommitmentError::Secret { what })
		};
		Ok(Self { salt: secret(salt, "salt")?, output_key: secret(output_key, "output key")? })
	}
}

impl fmt::Debug for Secrets {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str("Secrets(..)")
	}
}

/// Commits to an input under a salt.
pub fn commit_input(input: &[i8], salt: &Fr) -> InputCommitment {
	InputCommitment(encode_scalar(&input_hash(input, salt)).0)
}

/// Commits to an output key.
pub fn commit_output_key(output_key: &Fr) -> OutputKeyCommitment {
	OutputKeyCommitment(encode_scalar(&output_key_hash(output_key)).0)
}

/// Seals a packed output under a job's output key.
pub fn seal(packed: &[Fr], output_key: &Fr) -> Vec<Scalar> {
	packed
		.iter()
		.zip(pads(output_key, packed.len()).iter())
		.map(|(element, pad)| encode_scalar(&(*element + pad)))
		.collect()
}

/// Opens what [`seal`] sealed under the same key. Another key gives other elements, which is no
/// error here: compare the key with its commitment first.
///
/// # Errors
/// When an element is not a canonical scalar.
pub fn unseal(sealed: &[Scalar], output_key: &Fr) -> Result<Vec<Fr>, CommitmentError> {
	sealed
		.iter()
		.zip(pads(output_key, sealed.len()).iter())
		.enumerate()
		.map(|(index, (element, pad))| {
			let element: Fr =
				decode_scalar(element).map_err(|_| CommitmentError::Sealed { index })?;
			Ok(element - pad)
		})
		.collect()
}

pub(crate) fn input_hash(input: &[i8], salt: &Fr) -> Fr {
	let mut elements = Zeroizing::new(Vec::with_capacity(1 + input.len().div_ceil(INPUT_PACKING)));
	elements.push(*salt);
	elements.extend(input.chunks(INPUT_PACKING).map(|chunk| {
		let mut bytes = chunk.iter().map(|x| x.cast_unsigned() ^ 0x80).collect::<Vec<u8>>();
		let element = Fr::from_le_bytes_mod_order(&bytes);
		bytes.zeroize();
		element
	}));
	sponge(Domain::Input.tag(input.len()), &elements, 1)[0]
}

/// The outputs that a key's own sponge gives: its commitment and the first pad.
pub(crate) const OUTPUT_KEY_OUTPUTS: usize = 2;

pub(crate) fn output_key_hash(output_key: &Fr) -> Fr {
	output_key_sponge(output_key)[0]
}

fn output_key_sponge(output_key: &Fr) -> Zeroizing<Vec<Fr>> {
	sponge(Domain::OutputKey.tag(1), &[*output_key], OUTPUT_KEY_OUTPUTS)
}

/// The pads of `count` elements.
pub(crate) fn pads(output_key: &Fr, count: usize) -> Zeroizing<Vec<Fr>> {
	let mut pads = Zeroizing::new(Vec::with_capacity(count));
	if count > 0 {
		pads.push(output_key_sponge(output_key)[1]);
	}
	if count > 1 {
		let others = count - 1;
		pads.extend_from_slice(&sponge(Domain::Seal.tag(others), &[*output_key], others));
	}
	pads
}

#[cfg(test)]
mod tests {
	use super::*;
	use ark_ff::{AdditiveGroup, BigInteger, Field};
	use proptest::prelude::*;
	use rand::{rngs::StdRng, SeedableRng};

	fn secrets(seed: u64) -> Secrets {
		Secrets::random(&mut StdRng::seed_from_u64(seed))
	}

	#[test]
	fn packing_is_31_shifted_bytes_little_endian() {
		let mut input = vec![-128i8; 33];
		(input[0], input[1], input[31]) = (-127, 127, 0);
		let salt = Fr::from(9u64);
		let elements = [salt, Fr::from(1u64 + 255 * 256), Fr::from(128u64)];
		assert_eq!(input_hash(&input, &salt), sponge(Domain::Input.tag(33), &elements, 1)[0]);
	}

	#[test]
	fn the_length_is_committed_to() {
		let salt = Fr::from(9u64);
		assert_ne!(commit_input(&[5, -128], &salt), commit_input(&[5], &salt));
		assert_ne!(commit_input(&[5; 31], &salt), commit_input(&[5; 32], &salt));
	}

	#[test]
	fn pads_differ_by_index_and_by_key() {
		let (a, b) = (secrets(1).output_key, secrets(2).output_key);
		let sealed = seal(&[Fr::ZERO; 3], &a);
		assert_ne!(sealed[0], sealed[1]);
		assert_ne!(sealed[1], sealed[2]);
		assert_ne!(seal(&[Fr::ZERO], &b)[0], sealed[0]);
		assert_ne!(commit_output_key(&a).0, sealed[0].0);
	}

	#[test]
	fn pads_continue_what_the_commitment_begins() {
		let key = secrets(1).output_key;
		let own = sponge(Domain::OutputKey.tag(1), &[key], 2);
		assert_eq!(commit_output_key(&key).0, encode_scalar(&own[0]).0);
		assert_eq!(pads(&key, 0).len(), 0);
		assert_eq!(pads(&key, 1)[..], own[1..]);
		for count in [2, 3, 10, 40] {
			let pads = pads(&key, count);
			assert_eq!(pads[0], own[1]);
			assert_eq!(pads[1..], sponge(Domain::Seal.tag(count - 1), &[key], count - 1)[..]);
			let distinct = pads.iter().chain(&own[..1]).collect::<std::collections::HashSet<_>>();
			assert_eq!(distinct.len(), count + 1);
		}
	}

	#[test]
	fn secrets_are_not_printed() {
		let secrets = secrets(3);
		let shown = format!("{secrets:?} {:#?}", Some(&secrets));
		assert!(!shown.contains(&secrets.salt.to_string()[..12]));
		assert_eq!(shown.matches("Secrets(..)").count(), 2);
	}

	#[test]
	fn secrets_must_be_canonical() {
		let mut order = [0u8; 32];
		order.copy_from_slice(&Fr::MODULUS.to_bytes_le());
		let (salt, key) = secrets(4).to_bytes();
		assert_eq!(Secrets::from_bytes(&salt, &key), Ok(secrets(4)));
		assert_eq!(
			Secrets::from_bytes(&order, &key),
			Err(CommitmentError::Secret { what: "salt" })
		);
		assert_eq!(
			Secrets::from_bytes(&salt, &[0xff; 32]),
			Err(CommitmentError::Secret { what: "output key" })
		);
		let sealed = [Scalar([0; 32]), Scalar(order)];
		assert_eq!(unseal(&sealed, &Fr::ONE), Err(CommitmentError::Sealed { index: 1 }));
	}

	proptest! {
		#[test]
		fn what_was_sealed_unseals(seed: u64, values in proptest::collection::vec(any::<u64>(), 0..6)) {
			let packed: Vec<Fr> = values.into_iter().map(|x| -Fr::from(x)).collect();
			let key = secrets(seed).output_key;
			prop_assert_eq!(unseal(&seal(&packed, &key), &key), Ok(packed));
		}

		#[test]
		fn commitments_depend_on_every_value_and_on_the_salt(
			input in proptest::collection::vec(any::<i8>(), 1..70),
			place: prop::sample::Index,
			difference in 1u8..,
		) {
			let salt = secrets(5).salt;
			let mut other = input.clone();
			let element = place.get_mut(&mut other);
			*element = element.wrapping_add(difference as i8);
			prop_assert_ne!(commit_input(&input, &salt), commit_input(&other, &salt));
			prop_assert_ne!(commit_input(&input, &salt), commit_input(&input, &secrets(6).salt));
		}
	}
}
