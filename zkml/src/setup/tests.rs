// SPDX-License-Identifier: Apache-2.0

use super::{generate::generate_for, *};
use crate::{
	circuit::{self, Matrices},
	network::{self, QuantisedNetwork},
	progress::{Monitor, Progress, Step},
};
use ark_bls12_381::{Bls12_381, Fq};
use ark_ff::PrimeField;
use ark_groth16::{r1cs_to_qap::LibsnarkReduction, Groth16};
use ark_serialize::CanonicalSerialize;
use proofpod_primitives::{blake2_256, manifest::OutputVisibility};
use proofpod_verifier::Native;
use rand::{rngs::StdRng, SeedableRng};
use std::{
	fs::File,
	io::{Seek, SeekFrom, Write},
	sync::{
		atomic::{AtomicBool, Ordering},
		LazyLock, Mutex,
	},
};

static KEYS: LazyLock<(ProvingKey, Keys)> = LazyLock::new(|| {
	let rng = &mut StdRng::seed_from_u64(1);
	generate_in_memory(&network::tests::small(), OutputVisibility::Public, rng).unwrap()
});

fn bytes() -> Vec<u8> {
	KEYS.0.as_bytes().to_vec()
}

/// Opens a file with these bytes under their own digest.
fn open(bytes: &[u8]) -> Result<ProvingKey, SetupError> {
	open_as(bytes, &Digest(blake2_256(bytes)))
}

fn open_as(bytes: &[u8], digest: &Digest) -> Result<ProvingKey, SetupError> {
	let mut file = tempfile::tempfile().unwrap();
	file.write_all(bytes).unwrap();
	ProvingKey::open(&file, digest)
}

fn arks(matrices: &Matrices, seed: u64) -> ark_groth16::ProvingKey<Bls12_381> {
	Groth16::<Bls12_381, LibsnarkReduction>::generate_random_parameters_with_reduction(
		matrices,
		&mut StdRng::seed_from_u64(seed),
	)
	.unwrap()
}

/// The same randomness gives the key of `ark-groth16`, point for point.
#[test]
fn keys_are_those_of_arkworks() {
	let networks: [QuantisedNetwork; 2] = [network::tests::small(), circuit::tests::residual()];
	for (seed, network) in (0..).zip(networks) {
		for output in [OutputVisibility::Sealed, OutputVisibility::Public] {
			let matrices = circuit::matrices(&network, output).unwrap();
			let expected = arks(&matrices, seed);
			let rng = &mut StdRng::seed_from_u64(seed);
			let (key, keys) = generate_in_memory(&network, output, rng).unwrap();
			assert!(key.to_ark() == expected);
			let mut verifying = Vec::new();
			expected.vk.serialize_compressed(&mut verifying).unwrap();
			assert_eq!(
				(&keys.verifying, key.verifying_key().unwrap()),
				(&verifying, verifying.clone())
			);
			assert_eq!(keys.shape.dimensions, matrices.dimensions());
			assert_eq!(keys.shape.non_zeros, matrices.non_zeros());
			let mut file = Vec::new();
			assert_eq!(write_proving_key(&expected, &mut file).unwrap(), keys.proving);
			assert_eq!(file, key.as_bytes());
		}
	}
}

#[test]
fn the_chain_takes_the_verifying_key() {
	let (key, keys) = &*KEYS;
	let decoded = proofpod_verifier::VerifyingKey::<Native>::decode(&keys.verifying).unwrap();
	assert_eq!(decoded.public_inputs(), 3);
	assert_eq!(key.verifying_key().unwrap(), keys.verifying);
}

#[test]
fn a_written_key_opens() {
	let (key, keys) = &*KEYS;
	assert_eq!(keys.proving, Digest(blake2_256(key.as_bytes())));
	assert_eq!(key.digest(), keys.proving);
	assert_eq!(digest(key.as_bytes()).unwrap(), keys.proving);
	let opened = open_as(key.as_bytes(), &keys.proving).unwrap();
	assert_eq!(opened.as_bytes(), key.as_bytes());
	assert!(opened.to_ark() == key.to_ark());
}

#[test]
fn another_file_is_refused_before_anything_in_it_is_believed() {
	let digest = KEYS.1.proving;
	for place in [0, 9, 20, 40, 2000] {
		let mut other = bytes();
		other[place] ^= 1;
		let error = open_as(&other, &digest).unwrap_err();
		assert!(matches!(error, SetupError::Digest { expected, .. } if expected == digest));
	}
}

#[test]
fn other_kinds_and_versions_are_refused() {
	for place in [0, 7, 8, 9, 15] {
		let mut other = bytes();
		other[place] ^= 1;
		assert!(matches!(open(&other), Err(SetupError::Kind)), "byte {place}");
	}
	for length in [0, 7, 8, 39] {
		assert!(matches!(open(&bytes()[..length]), Err(SetupError::Kind)), "{length} bytes");
		assert!(matches!(ProvingKey::from_bytes(&bytes()[..length]), Err(SetupError::Kind)));
	}
}

#[test]
fn counts_that_do_not_give_the_files_length_are_refused() {
	for place in [16, 24, 32] {
		let count = u64::from_le_bytes(bytes()[place..place + 8].try_into().unwrap());
		for other in [0, 1, count - 1, count + 1, 1 << 31, 1 << 40, u64::MAX / 96, u64::MAX] {
			let mut file = bytes();
			file[place..place + 8].copy_from_slice(&other.to_le_bytes());
			let error = open(&file).unwrap_err();
			assert!(matches!(error, SetupError::Length { .. }), "{place}, {other}: {error}");
		}
	}
}

#[test]
fn truncated_and_extended_files_are_refused() {
	let bytes = bytes();
	for length in (40..bytes.len()).step_by(9973).chain([bytes.len() - 96, bytes.len() - 1]) {
		assert!(matches!(open(&bytes[..length]), Err(SetupError::Length { .. })), "{length} bytes");
	}
	for more in [1, 96, 192] {
		let longer = [bytes.as_slice(), &vec![0; more]].concat();
		assert!(matches!(open(&longer), Err(SetupError::Length { .. })), "{more} bytes more");
	}
}

#[test]
fn coordinates_at_or_above_the_modulus_are_refused() {
	let bytes = bytes();
	let modulus: Vec<u8> = Fq::MODULUS.0.iter().flat_map(|limb| limb.to_le_bytes()).collect();
	let first = 40;
	for point in [0, 2, 3, 8, 9, 100] {
		for coordinate in [&modulus[..], &[0xff; 48]] {
			let place = first + 96 * point + 48;
			let mut other = bytes.clone();
			other[place..place + 48].copy_from_slice(coordinate);
			let error = open(&other).unwrap_err();
			assert!(matches!(error, SetupError::Point { offset } if offset <= place), "{error}");
		}
	}
	let mut other = bytes;
	let last = other.len() - 48;
	other[last..].copy_from_slice(&modulus);
	let offset = last + 48 - 192;
	assert!(matches!(open(&other), Err(SetupError::Point { offset: found }) if found == offset));
}

/// What the module's documentation says about a file that is overwritten under the map.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_changes_under_the_map_gives_no_wrong_proof() {
	use crate::{
		commitment::Secrets,
		prover::{Prover, ProverError},
	};
	use proofpod_primitives::Scalar;
	let mut file: File = tempfile::tempfile().unwrap();
	file.write_all(&bytes()).unwrap();
	let key = ProvingKey::open(&file, &KEYS.1.proving).unwrap();
	let prover = Prover::new(network::tests::small(), OutputVisibility::Public, key).unwrap();
	let secrets = Secrets::random(&mut StdRng::seed_from_u64(5));
	let prove = || prover.prove(&Scalar([0; 32]), &[1, 2], &secrets);
	prove().unwrap();
	for byte in [0xff, 0x00, 0x5a] {
		file.seek(SeekFrom::Start(0)).unwrap();
		file.write_all(&vec![byte; bytes().len()]).unwrap();
		assert!(matches!(prove(), Err(ProverError::Unverified(_))));
	}
	file.seek(SeekFrom::Start(0)).unwrap();
	file.write_all(&bytes()).unwrap();
	prove().unwrap();
}

#[test]
fn two_setups_give_different_keys() {
	let rng = &mut rand::rngs::OsRng;
	let (_, other) =
		generate_in_memory(&network::tests::small(), OutputVisibility::Public, rng).unwrap();
	assert_ne!(other.verifying, KEYS.1.verifying);
}

#[test]
fn a_setup_reports_its_progress_and_can_be_cancelled() {
	let network = network::tests::small();
	let plan = circuit::Plan::new(&network, OutputVisibility::Public).unwrap();
	let run = |monitor: Monitor| {
		let statement = plan.statement(&network, None);
		generate_for(&statement, &mut StdRng::seed_from_u64(1), std::io::sink(), monitor)
	};
	let seen = Mutex::new(Vec::new());
	let observer = |progress: Progress| seen.lock().unwrap().push(progress);
	run(Monitor::none().observed(&observer)).unwrap();
	let seen = seen.into_inner().unwrap();
	assert!(seen.is_sorted_by(|left, right| left.fraction <= right.fraction));
	assert_eq!(seen.first().map(|progress| progress.step), Some(Step::Constraints));
	assert!(seen.iter().filter(|progress| progress.step == Step::Points).count() >= 5);
	for last in 0..seen.len() - 1 {
		let (flag, count) = (AtomicBool::new(false), Mutex::new(0));
		let observer = |_| {
			let mut count = count.lock().unwrap();
			flag.store(*count == last, Ordering::Relaxed);
			*count += 1;
		};
		let result = run(Monitor::none().observed(&observer).cancelled_by(&flag));
		assert!(matches!(result, Err(SetupError::Cancelled(_))), "after report {last}");
		assert_eq!(*count.lock().unwrap(), last + 1);
	}
}

#[test]
fn writers_that_fail_are_named() {
	struct Full;
	impl Write for Full {
		fn write(&mut self, _: &[u8]) -> io::Result<usize> {
			Err(io::Error::from(io::ErrorKind::StorageFull))
		}
		fn flush(&mut self) -> io::Result<()> {
			Ok(())
		}
	}
	let network = network::tests::small();
	let rng = &mut StdRng::seed_from_u64(1);
	let error = generate(&network, OutputVisibility::Public, rng, Full, Monitor::none());
	assert!(matches!(error, Err(SetupError::Io(_))));
}
