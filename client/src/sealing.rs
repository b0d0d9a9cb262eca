// SPDX-License-Identifier: Apache-2.0

//! Sealing of a job's input to the one pod that locked the job: HPKE (RFC 9180), base mode, with
//! DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and ChaCha20-Poly1305.
//!
//! The sealed bytes are `encapsulated key (32) ‖ ciphertext`; the plaintext is the SCALE encoding
//! of a [`Delivery`]; the associated data names chain, job, pod, epoch of the pod's key and input
//! commitment, so that a delivery cannot be replayed for another job, pod or key.

use codec::{Decode, DecodeAll, Encode};
use hpke::{
	aead::ChaCha20Poly1305, kdf::HkdfSha256, kem::X25519HkdfSha256, Deserializable, HpkeError,
	Kem as _, OpModeR, OpModeS, Serializable,
};
use proofpod_primitives::{AccountBytes, EncryptionKey, GenesisHash, InputCommitment, JobId};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// HPKE's `info`: separates this use of a pod's key from every other, and versions the format.
pub const INFO: &[u8] = b"proofpod/input/v1";
/// Bytes of the encapsulated key at the front of a sealed delivery.
pub const ENCAPSULATED_KEY_SIZE: usize = 32;
/// Bytes of the authentication tag at its end.
pub const TAG_SIZE: usize = 16;
/// Most bytes of a sealed delivery; a pod refuses more before it reads them.
pub const MAX_SEALED_SIZE: usize = 1 << 20;

/// Why a delivery cannot be sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealingError {
	/// The recipient's key is not usable for X25519.
	#[error("expected a pod's X25519 public key, found {key}, which no private key belongs to: the pod must publish another key")]
	PublicKey {
		/// The key found.
		key: EncryptionKey,
	},
	/// A private key's bytes are not usable for X25519.
	#[error("expected an X25519 private key of 32 bytes, found bytes that are none")]
	PrivateKey,
	/// There is more to seal than a pod accepts.
	#[error("expected a delivery of at most {MAX_SEALED_SIZE} bytes, found {found}")]
	TooLong {
		/// Bytes of the sealed delivery.
		found: usize,
	},
	/// There are fewer bytes than every sealed delivery has.
	#[error("expected at least {} bytes of sealed input, found {found}: the delivery is truncated", ENCAPSULATED_KEY_SIZE + TAG_SIZE)]
	TooShort {
		/// Bytes found.
		found: usize,
	},
	/// The encapsulated key is not a usable public key.
	#[error("expected an encapsulated X25519 key in the first {ENCAPSULATED_KEY_SIZE} bytes, found bytes that are none")]
	EncapsulatedKey,
	/// The ciphertext does not authenticate.
	#[error("the sealed input does not open: it was altered, or sealed to another key, key epoch, job, pod, chain or input commitment")]
	DoesNotOpen,
	/// The plaintext is no delivery.
	#[error("the sealed input opens, but does not hold an input, a salt and an output key")]
	Malformed,
}

/// What a client hands to the pod: everything that the proof needs. Wiped when dropped.
#[derive(Clone, PartialEq, Eq, Encode, Decode, Zeroize, ZeroizeOnDrop)]
pub struct Delivery {
	/// The quantised input.
	pub input: Vec<i8>,
	/// Opens the input commitment: a canonical scalar, little-endian.
	pub salt: [u8; 32],
	/// Opens the output key's commitment and unseals the output: a canonical scalar,
	/// little-endian.
	pub output_key: [u8; 32],
}

impl std::fmt::Debug for Delivery {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		write!(f, "Delivery({} values)", self.input.len())
	}
}

/// What a delivery is bound to: the associated data of its encryption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryContext {
	/// The chain.
	pub genesis: GenesisHash,
	/// The job.
	pub job: JobId,
	/// The pod that locked it.
	pub pod: AccountBytes,
	/// Epoch of the pod's key at the lock.
	pub key_epoch: u32,
	/// Commitment to the input, from the job's record.
	pub input: InputCommitment,
}

impl DeliveryContext {
	/// `genesis ‖ SCALE(job) ‖ pod ‖ SCALE(key epoch) ‖ input commitment`.
	pub fn associated_data(&self) -> Vec<u8> {
		(self.genesis, self.job, self.pod, self.key_epoch, self.input).encode()
	}
}

/// A pod's X25519 private key. Wiped when dropped; never shown.
#[derive(Clone)]
pub struct DecryptionKey(<X25519HkdfSha256 as hpke::Kem>::PrivateKey);

impl std::fmt::Debug for DecryptionKey {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		write!(f, "DecryptionKey(of {})", self.public())
	}
}

impl DecryptionKey {
	/// A new key, from the operating system's randomness.
	pub fn generate() -> Self {
		Self(X25519HkdfSha256::gen_keypair().0)
	}

	/// The key with these bytes.
	///
	/// # Errors
	/// When they are no key.
	pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, SealingError> {
		Deserializable::from_bytes(bytes).map(Self).map_err(|_| SealingError::PrivateKey)
	}

	/// The key's bytes, wiped when dropped.
	pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
		let mut bytes = Zeroizing::new([0u8; 32]);
		self.0.write_exact(bytes.as_mut());
		bytes
	}

	/// The public key, which the pod publishes.
	pub fn public(&self) -> EncryptionKey {
		let mut bytes = [0u8; 32];
		X25519HkdfSha256::sk_to_pk(&self.0).write_exact(&mut bytes);
		EncryptionKey(bytes)
	}
}

/// Seals a delivery to a pod's key: `encapsulated key (32) ‖ ciphertext`.
///
/// # Errors
/// When the key is not usable, or the delivery too long.
pub fn seal(
	key: &EncryptionKey,
	context: &DeliveryContext,
	delivery: &Delivery,
) -> Result<Vec<u8>, SealingError> {
	let unusable = |_: HpkeError| SealingError::PublicKey { key: *key };
	let recipient =
		<X25519HkdfSha256 as hpke::Kem>::PublicKey::from_bytes(&key.0).map_err(unusable)?;
	let plaintext = Zeroizing::new(delivery.encode());
	let size = ENCAPSULATED_KEY_SIZE + plaintext.len() + TAG_SIZE;
	if size > MAX_SEALED_SIZE {
		return Err(SealingError::TooLong { found: size });
	}
	let (encapsulated, ciphertext) =
		hpke::single_shot_seal::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
			&OpModeS::Base,
			&recipient,
			INFO,
			&plaintext,
			&context.associated_data(),
		)
		.map_err(unusable)?;
	let mut sealed = Vec::with_capacity(size);
	sealed.extend_from_slice(&encapsulated.to_bytes());
	sealed.extend_from_slice(&ciphertext);
	Ok(sealed)
}

/// Opens a sealed delivery. The caller still has to check that the input opens the job's
/// commitments.
///
/// # Errors
/// When the bytes are too few or too many, do not authenticate under this key and context, or do
/// not hold a delivery.
pub fn open(
	key: &DecryptionKey,
	context: &DeliveryContext,
	sealed: &[u8],
) -> Result<Delivery, SealingError> {
	if sealed.len() > MAX_SEALED_SIZE {
		return Err(SealingError::TooLong { found: sealed.len() });
	}
	let (encapsulated, ciphertext) = sealed
		.split_at_checked(ENCAPSULATED_KEY_SIZE)
		.filter(|(_, ciphertext)| ciphertext.len() >= TAG_SIZE)
		.ok_or(SealingError::TooShort { found: sealed.len() })?;
	let encapsulated = <X25519HkdfSha256 as hpke::Kem>::EncappedKey::from_bytes(encapsulated)
		.map_err(|_| SealingError::EncapsulatedKey)?;
	let plaintext = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
		&OpModeR::Base,
		&key.0,
		&encapsulated,
		INFO,
		ciphertext,
		&context.associated_data(),
	)
	.map_err(|error| match error {
		HpkeError::DecapError => SealingError::EncapsulatedKey,
		_ => SealingError::DoesNotOpen,
	})?;
	let plaintext = Zeroizing::new(plaintext);
	Delivery::decode_all(&mut plaintext.as_slice()).map_err(|_| SealingError::Malformed)
}

#[cfg(test)]
mod tests {
	use super::*;

	fn context() -> DeliveryContext {
		DeliveryContext {
			genesis: GenesisHash([1; 32]),
			job: JobId(7),
			pod: [2; 32],
			key_epoch: 3,
			input: InputCommitment([4; 32]),
		}
	}

	fn delivery() -> Delivery {
		Delivery { input: vec![-128, -1, 0, 1, 127], salt: [5; 32], output_key: [6; 32] }
	}

	fn key(byte: u8) -> DecryptionKey {
		DecryptionKey::from_bytes(&[byte; 32]).unwrap()
	}

	#[test]
	fn the_pod_opens_what_was_sealed_to_it() {
		let key = DecryptionKey::generate();
		let sealed = seal(&key.public(), &context(), &delivery()).unwrap();
		assert_eq!(open(&key, &context(), &sealed), Ok(delivery()));
		let again = seal(&key.public(), &context(), &delivery()).unwrap();
		assert_ne!(sealed, again, "every sealing draws a key of its own");
	}

	#[test]
	fn another_key_does_not_open_it() {
		let sealed = seal(&key(1).public(), &context(), &delivery()).unwrap();
		assert_eq!(open(&key(2), &context(), &sealed), Err(SealingError::DoesNotOpen));
	}

	#[test]
	fn another_context_does_not_open_it() {
		let sealed = seal(&key(1).public(), &context(), &delivery()).unwrap();
		for other in [
			DeliveryContext { genesis: GenesisHash([9; 32]), ..context() },
			DeliveryContext { job: JobId(8), ..context() },
			DeliveryContext { pod: [9; 32], ..context() },
			DeliveryContext { key_epoch: 4, ..context() },
			DeliveryContext { input: InputCommitment([9; 32]), ..context() },
		] {
			assert_eq!(open(&key(1), &other, &sealed), Err(SealingError::DoesNotOpen), "{other:?}");
		}
	}

	#[test]
	fn every_altered_byte_is_noticed() {
		let sealed = seal(&key(1).public(), &context(), &delivery()).unwrap();
		for index in 0..sealed.len() {
			let mut altered = sealed.clone();
			altered[index] ^= 1;
			assert!(open(&key(1), &context(), &altered).is_err(), "byte {index}");
		}
	}

	#[test]
	fn truncated_and_extended_deliveries_are_refused() {
		let sealed = seal(&key(1).public(), &context(), &delivery()).unwrap();
		for length in 0..ENCAPSULATED_KEY_SIZE + TAG_SIZE {
			assert_eq!(
				open(&key(1), &context(), &sealed[..length]),
				Err(SealingError::TooShort { found: length })
			);
		}
		for length in ENCAPSULATED_KEY_SIZE + TAG_SIZE..sealed.len() {
			assert_eq!(
				open(&key(1), &context(), &sealed[..length]),
				Err(SealingError::DoesNotOpen)
			);
		}
		let extended = [sealed.as_slice(), &[0]].concat();
		assert_eq!(open(&key(1), &context(), &extended), Err(SealingError::DoesNotOpen));
		let huge = vec![0; MAX_SEALED_SIZE + 1];
		assert_eq!(
			open(&key(1), &context(), &huge),
			Err(SealingError::TooLong { found: huge.len() })
		);
	}

	#[test]
	fn keys_of_low_order_are_refused() {
		let zero = EncryptionKey([0; 32]);
		assert_eq!(
			seal(&zero, &context(), &delivery()),
			Err(SealingError::PublicKey { key: zero })
		);
		let sealed = [vec![0; ENCAPSULATED_KEY_SIZE], vec![0; 64]].concat();
		assert_eq!(open(&key(1), &context(), &sealed), Err(SealingError::EncapsulatedKey));
	}

	#[test]
	fn inputs_that_no_pod_accepts_are_not_sealed() {
		let long = Delivery { input: vec![0; MAX_SEALED_SIZE], ..delivery() };
		assert!(matches!(
			seal(&key(1).public(), &context(), &long),
			Err(SealingError::TooLong { .. })
		));
	}

	#[test]
	fn authentic_rubbish_is_no_delivery() {
		let recipient =
			<X25519HkdfSha256 as hpke::Kem>::PublicKey::from_bytes(&key(1).public().0).unwrap();
		for plaintext in [&b""[..], &[255; 40], &[delivery().encode(), vec![0]].concat()] {
			let (encapsulated, ciphertext) =
				hpke::single_shot_seal::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
					&OpModeS::Base,
					&recipient,
					INFO,
					plaintext,
					&context().associated_data(),
				)
				.unwrap();
			let sealed = [encapsulated.to_bytes().as_slice(), &ciphertext].concat();
			assert_eq!(open(&key(1), &context(), &sealed), Err(SealingError::Malformed));
		}
	}

	#[test]
	fn nothing_secret_is_shown() {
		assert_eq!(format!("{:?}", delivery()), "Delivery(5 values)");
		assert_eq!(format!("{:?}", key(1)), format!("DecryptionKey(of {})", key(1).public()));
	}

	#[test]
	fn associated_data_is_the_documented_concatenation() {
		let expected =
			[&[1u8; 32][..], &7u64.to_le_bytes(), &[2; 32], &3u32.to_le_bytes(), &[4; 32]].concat();
		assert_eq!(context().associated_data(), expected);
	}

	/// RFC 9180, A.2.1: the suite is the one that other implementations know by these numbers.
	#[test]
	fn the_suite_opens_the_vector_of_the_rfc() {
		let bytes = |text: &str| hex::decode(text).unwrap();
		let private: [u8; 32] =
			bytes("8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb")
				.try_into()
				.unwrap();
		let private = DecryptionKey::from_bytes(&private).unwrap();
		assert_eq!(
			private.public().to_string(),
			"0x4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a"
		);
		let encapsulated = <X25519HkdfSha256 as hpke::Kem>::EncappedKey::from_bytes(&bytes(
			"1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a",
		))
		.unwrap();
		let plaintext = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
			&OpModeR::Base,
			&private.0,
			&encapsulated,
			b"Ode on a Grecian Urn",
			&bytes("1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28"),
			b"Count-0",
		)
		.unwrap();
		assert_eq!(plaintext, b"Beauty is truth, truth beauty");
	}

	/// `vectors/sealing.json`: a delivery sealed once, which this and other implementations must
	/// go on opening.
	#[test]
	fn a_delivery_sealed_by_another_implementation_opens() {
		let vector: serde_json::Value =
			serde_json::from_str(include_str!("../vectors/sealing.json")).unwrap();
		let field = |name: &str| hex::decode(vector[name].as_str().unwrap()).unwrap();
		let private: [u8; 32] = field("private_key").try_into().unwrap();
		let key = DecryptionKey::from_bytes(&private).unwrap();
		assert_eq!(key.public().0.to_vec(), field("public_key"));
		assert_eq!(context().associated_data(), field("associated_data"));
		assert_eq!(open(&key, &context(), &field("sealed")), Ok(delivery()));
	}
}
