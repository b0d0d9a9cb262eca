// SPDX-License-Identifier: Apache-2.0

//! Groth16 keys: generation, and the proving key's file.
//!
//! Whoever knows the randomness of a key generation can forge proofs for that circuit. Keys made
//! here come from one machine that draws it, uses it and forgets it: for development, or where
//! that machine is trusted. A proving key also bears on privacy: proofs made with a key that was
//! not generated honestly may not hide the witness.
//!
//! # The file
//!
//! Eight bytes `ppod-key`, a 16-bit version (1, little-endian), then the key in `ark-groth16`'s
//! uncompressed canonical serialisation: verifying key, `β` and `δ` in G1, and the five queries,
//! each after its 64-bit length. Uncompressed points are read a hundred times faster than
//! compressed ones, and their curve equation is not checked: the file is identified by its digest
//! (BLAKE2b-256 of all its bytes), no point is read before the digest was found right, and the
//! bytes are hashed again while they are read.

use crate::circuit::Matrices;
use ark_bls12_381::{Bls12_381, G1Affine, G2Affine};
use ark_groth16::{r1cs_to_qap::LibsnarkReduction, Groth16, ProvingKey, VerifyingKey};
use ark_relations::gr1cs::SynthesisError;
use ark_serialize::{
	CanonicalDeserialize, CanonicalSerialize, Compress, SerializationError, Validate,
};
use blake2::{digest::consts::U32, Blake2b, Digest as _};
use proofpod_primitives::Digest;
use proofpod_verifier::Native;
use rand::{CryptoRng, RngCore};
use rayon::prelude::*;
use std::{
	fmt,
	io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write},
};

const MAGIC: &[u8; 8] = b"ppod-key";
const VERSION: u16 = 1;
/// Bytes that are read from or written to a file at once.
const BUFFER: usize = 1 << 20;
/// Points that are decoded in parallel at once.
const BATCH: usize = 1 << 14;

/// Why keys cannot be made, written or read.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
	/// Key generation failed.
	#[error("key generation failed: {0}")]
	Generation(SynthesisError),
	/// The chain's verifier would refuse the verifying key.
	#[error("the verifying key is refused: {0}")]
	VerifyingKey(proofpod_verifier::Error),
	/// A file cannot be read or written.
	#[error("cannot read or write the proving key: {0}")]
	Io(#[from] io::Error),
	/// The file is another one.
	#[error("expected a proving key with digest {expected}, found {found}: fetch the file again")]
	Digest {
		/// Digest asked for.
		expected: Digest,
		/// Digest of the file's bytes.
		found: Digest,
	},
	/// The file does not start like a proving key's.
	#[error("expected a Proofpod proving key of version {VERSION}, found another kind or version of file")]
	Kind,
	/// A length in the file is larger than the file.
	#[error("the proving key names {found} points where at most {limit} can follow")]
	Length {
		/// Points that the rest of the file can hold.
		limit: u64,
		/// Points that the length names.
		found: u64,
	},
	/// Bytes follow the key.
	#[error("{found} bytes follow the proving key")]
	Trailing {
		/// Their number.
		found: u64,
	},
	/// A point's bytes do not decode.
	#[error("the proving key has a malformed point: {0}")]
	Point(SerializationError),
}

/// A circuit's keys.
pub struct Keys {
	/// Proves.
	pub proving: ProvingKey<Bls12_381>,
	/// Verifies: the canonical bytes that the chain registers.
	pub verifying: Vec<u8>,
}

impl fmt::Debug for Keys {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.debug_struct("Keys")
			.field("verifying", &proofpod_verifier::verifying_key_id(&self.verifying))
			.finish_non_exhaustive()
	}
}

/// Generates the keys of a circuit from one machine's randomness; take the operating system's
/// generator.
///
/// # Errors
/// When the circuit is too large for the field's roots of unity, or when the verifier would refuse
/// the key.
pub fn generate(
	matrices: &Matrices,
	rng: &mut (impl RngCore + CryptoRng),
) -> Result<Keys, SetupError> {
	let proving =
		Groth16::<Bls12_381, LibsnarkReduction>::generate_random_parameters_with_reduction(
			matrices, rng,
		)
		.map_err(SetupError::Generation)?;
	let verifying = verifying_key_bytes(&proving.vk)?;
	Ok(Keys { proving, verifying })
}

/// The canonical bytes of a verifying key.
///
/// # Errors
/// When the verifier would refuse the key.
pub fn verifying_key_bytes(key: &VerifyingKey<Bls12_381>) -> Result<Vec<u8>, SetupError> {
	let key = proofpod_verifier::VerifyingKey::<Native> {
		alpha_g1: key.alpha_g1,
		beta_g2: key.beta_g2,
		gamma_g2: key.gamma_g2,
		delta_g2: key.delta_g2,
		ic: key.gamma_abc_g1.clone(),
	};
	let bytes = key.encode();
	proofpod_verifier::VerifyingKey::<Native>::decode(&bytes).map_err(SetupError::VerifyingKey)?;
	Ok(bytes)
}

/// Writes a proving key, as a stream, and returns the file's digest.
///
/// # Errors
/// When the writer fails.
pub fn write_proving_key(
	key: &ProvingKey<Bls12_381>,
	writer: impl Write,
) -> Result<Digest, SetupError> {
	let mut stream = Hashing::new(BufWriter::with_capacity(BUFFER, writer));
	stream.write_all(MAGIC)?;
	stream.write_all(&VERSION.to_le_bytes())?;
	key.serialize_uncompressed(&mut stream).map_err(from_serialisation)?;
	stream.flush()?;
	Ok(stream.digest())
}

/// Digest of a file's bytes, from its current position to its end.
///
/// # Errors
/// When the reader fails.
pub fn digest(reader: impl Read) -> Result<Digest, SetupError> {
	let mut stream = Hashing::new(reader);
	io::copy(&mut stream, &mut io::sink())?;
	Ok(stream.digest())
}

/// Reads the proving key that has this digest. Nothing is decoded unless the whole file matches,
/// and no length in it makes the reader allocate more than the file's own size.
///
/// # Errors
/// When the file is another one, or was not written by [`write_proving_key`].
pub fn read_proving_key(
	mut reader: impl Read + Seek,
	expected: &Digest,
) -> Result<ProvingKey<Bls12_381>, SetupError> {
	let start = reader.stream_position()?;
	let check = |found: Digest| match found == *expected {
		true => Ok(()),
		false => Err(SetupError::Digest { expected: *expected, found }),
	};
	check(digest(&mut reader)?)?;
	let remaining = reader.stream_position()?.saturating_sub(start);
	reader.seek(SeekFrom::Start(start))?;
	let stream = Hashing::new(BufReader::with_capacity(BUFFER, reader));
	let mut file = KeyFile { stream, remaining };
	let key = file.key()?;
	// The file may have been exchanged between the two passes.
	check(file.stream.digest())?;
	Ok(key)
}

/// A proving key's file, of which `remaining` bytes are not read yet.
struct KeyFile<R> {
	stream: Hashing<R>,
	remaining: u64,
}

impl<R: Read> KeyFile<R> {
	fn key(&mut self) -> Result<ProvingKey<Bls12_381>, SetupError> {
		let mut header = [0u8; MAGIC.len() + 2];
		self.read(&mut header)?;
		let (magic, version) = header.split_at(MAGIC.len());
		if magic != MAGIC || version != VERSION.to_le_bytes() {
			return Err(SetupError::Kind);
		}
		let key = ProvingKey {
			vk: VerifyingKey {
				alpha_g1: self.g1()?,
				beta_g2: self.g2()?,
				gamma_g2: self.g2()?,
				delta_g2: self.g2()?,
				gamma_abc_g1: self.points()?,
			},
			beta_g1: self.g1()?,
			delta_g1: self.g1()?,
			a_query: self.points()?,
			b_g1_query: self.points()?,
			b_g2_query: self.points()?,
			h_query: self.points()?,
			l_query: self.points()?,
		};
		match self.remaining {
			0 => Ok(key),
			found => Err(SetupError::Trailing { found }),
		}
	}

	fn read(&mut self, buffer: &mut [u8]) -> Result<(), SetupError> {
		self.stream.read_exact(buffer)?;
		self.remaining = self.remaining.saturating_sub(buffer.len() as u64);
		Ok(())
	}

	fn g1(&mut self) -> Result<G1Affine, SetupError> {
		let mut bytes = [0; 96];
		self.read(&mut bytes)?;
		point(&bytes)
	}

	fn g2(&mut self) -> Result<G2Affine, SetupError> {
		let mut bytes = [0; 192];
		self.read(&mut bytes)?;
		point(&bytes)
	}

	fn points<P: CanonicalDeserialize + CanonicalSerialize + Default + Send>(
		&mut self,
	) -> Result<Vec<P>, SetupError> {
		let mut length = [0; 8];
		self.read(&mut length)?;
		let found = u64::from_le_bytes(length);
		let size = P::default().uncompressed_size();
		let limit = self.remaining / size as u64;
		if found > limit {
			return Err(SetupError::Length { limit, found });
		}
		let mut missing = found as usize;
		let mut points = Vec::with_capacity(missing);
		while missing > 0 {
			let batch = missing.min(BATCH);
			let mut bytes = vec![0; batch * size];
			self.read(&mut bytes)?;
			points.extend(
				bytes.par_chunks_exact(size).map(point).collect::<Result<Vec<P>, SetupError>>()?,
			);
			missing -= batch;
		}
		Ok(points)
	}
}

fn point<P: CanonicalDeserialize>(bytes: &[u8]) -> Result<P, SetupError> {
	P::deserialize_with_mode(bytes, Compress::No, Validate::No).map_err(from_serialisation)
}

fn from_serialisation(error: SerializationError) -> SetupError {
	match error {
		SerializationError::IoError(error) => SetupError::Io(error),
		error => SetupError::Point(error),
	}
}

/// Hashes what passes.
struct Hashing<T> {
	inner: T,
	hasher: Blake2b<U32>,
}

impl<T> Hashing<T> {
	fn new(inner: T) -> Self {
		Self { inner, hasher: Blake2b::new() }
	}

	fn digest(&self) -> Digest {
		Digest(self.hasher.clone().finalize().into())
	}
}

impl<R: Read> Read for Hashing<R> {
	fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
		let read = self.inner.read(buffer)?;
		self.hasher.update(&buffer[..read]);
		Ok(read)
	}
}

impl<W: Write> Write for Hashing<W> {
	fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
		let written = self.inner.write(bytes)?;
		self.hasher.update(&bytes[..written]);
		Ok(written)
	}

	fn flush(&mut self) -> io::Result<()> {
		self.inner.flush()
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{circuit, network};
	use proofpod_primitives::{blake2_256, manifest::OutputVisibility};
	use rand::{rngs::StdRng, SeedableRng};
	use std::{io::Cursor, sync::LazyLock};

	static KEYS: LazyLock<Keys> = LazyLock::new(|| {
		let matrices =
			circuit::matrices(&network::tests::small(), OutputVisibility::Public).unwrap();
		generate(&matrices, &mut StdRng::seed_from_u64(1)).unwrap()
	});

	fn written() -> (Vec<u8>, Digest) {
		let mut bytes = Vec::new();
		let digest = write_proving_key(&KEYS.proving, &mut bytes).unwrap();
		(bytes, digest)
	}

	fn read(bytes: &[u8]) -> Result<ProvingKey<Bls12_381>, SetupError> {
		read_proving_key(Cursor::new(bytes), &Digest(blake2_256(bytes)))
	}

	#[test]
	fn a_written_key_reads_back() {
		let (bytes, digest) = written();
		assert_eq!(digest, Digest(blake2_256(&bytes)));
		assert_eq!(super::digest(bytes.as_slice()).unwrap(), digest);
		assert_eq!(read_proving_key(Cursor::new(&bytes), &digest).unwrap(), KEYS.proving);
	}

	#[test]
	fn the_verifying_key_is_the_one_of_arkworks_and_the_chain_takes_it() {
		let mut expected = Vec::new();
		KEYS.proving.vk.serialize_compressed(&mut expected).unwrap();
		assert_eq!(KEYS.verifying, expected);
		let key = proofpod_verifier::VerifyingKey::<Native>::decode(&KEYS.verifying).unwrap();
		assert_eq!(key.public_inputs(), 3);
	}

	#[test]
	fn another_file_is_refused_before_anything_is_decoded() {
		let (mut bytes, digest) = written();
		// Were it decoded, this would be another error.
		bytes[0] ^= 1;
		let error = read_proving_key(Cursor::new(&bytes), &digest).unwrap_err();
		assert!(matches!(error, SetupError::Digest { expected, .. } if expected == digest));
	}

	#[test]
	fn other_kinds_and_versions_are_refused() {
		let (bytes, _) = written();
		for place in [0, 7, 8, 9] {
			let mut other = bytes.clone();
			other[place] ^= 1;
			assert!(matches!(read(&other), Err(SetupError::Kind)), "byte {place}");
		}
	}

	#[test]
	fn hostile_lengths_allocate_nothing() {
		let (bytes, _) = written();
		let places = {
			let key = &KEYS.proving;
			let mut place = 10 + 96 + 3 * 192;
			let mut places = vec![place];
			place += 8 + 96 * key.vk.gamma_abc_g1.len() + 2 * 96;
			for (length, size) in [
				(key.a_query.len(), 96),
				(key.b_g1_query.len(), 96),
				(key.b_g2_query.len(), 192),
				(key.h_query.len(), 96),
				(key.l_query.len(), 96),
			] {
				places.push(place);
				place += 8 + size * length;
			}
			assert_eq!(place, bytes.len());
			places
		};
		for place in places {
			for length in [u64::MAX, u64::MAX / 96, 1 << 40, bytes.len() as u64 / 96 + 1] {
				let mut other = bytes.clone();
				other[place..place + 8].copy_from_slice(&length.to_le_bytes());
				let error = read(&other).unwrap_err();
				assert!(matches!(error, SetupError::Length { found, .. } if found == length));
			}
		}
	}

	#[test]
	fn truncated_and_extended_files_are_refused() {
		let (bytes, _) = written();
		for length in (0..bytes.len()).step_by(997).chain([bytes.len() - 1]) {
			assert!(read(&bytes[..length]).is_err(), "{length} bytes");
		}
		let mut longer = bytes;
		longer.push(0);
		assert!(matches!(read(&longer), Err(SetupError::Trailing { found: 1 })));
	}

	/// Gives the right bytes once, others ever after.
	struct Exchanged {
		first: Cursor<Vec<u8>>,
		second: Cursor<Vec<u8>>,
		passes: u32,
	}

	impl Read for Exchanged {
		fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
			match self.passes {
				0 => self.first.read(buffer),
				_ => self.second.read(buffer),
			}
		}
	}

	impl Seek for Exchanged {
		fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
			if position == SeekFrom::Start(0) {
				self.passes += 1;
			}
			match self.passes {
				0 => self.first.seek(position),
				_ => self.second.seek(position),
			}
		}
	}

	#[test]
	fn a_file_exchanged_between_the_passes_is_refused() {
		let (bytes, digest) = written();
		let mut other = bytes.clone();
		*other.last_mut().unwrap() ^= 1;
		let file = Exchanged { first: Cursor::new(bytes), second: Cursor::new(other), passes: 0 };
		let error = read_proving_key(file, &digest).unwrap_err();
		assert!(matches!(error, SetupError::Digest { .. } | SetupError::Point(_)), "{error}");
	}

	#[test]
	fn two_setups_give_different_keys() {
		let matrices =
			circuit::matrices(&network::tests::small(), OutputVisibility::Public).unwrap();
		let other = generate(&matrices, &mut rand::rngs::OsRng).unwrap();
		assert_ne!(other.verifying, KEYS.verifying);
	}
}
