// SPDX-License-Identifier: Apache-2.0

//! What a client must not lose: the salt and the output key of every job, without which its result
//! cannot be read, and, until the client has seen the job's end finalised, the input, so that it
//! can be delivered again.
//!
//! One folder per chain, named after the first digits of its genesis hash:
//!
//! ```text
//! DIR/3f1a…/pending-0x….json   written before the job is opened, named after the input commitment
//! DIR/3f1a…/job-7.json         the same, once the chain has given the job its number
//! ```
//!
//! Files are private (mode 600), written in one step and synced before the job is opened; nothing
//! here ever replaces a key. A number can come to mean another job: after a fork, or when a
//! development chain starts anew; then the earlier job's secrets go back under their commitment. A
//! client that crashes at any point finds its key again with [`SecretsStore::claim`].

use crate::{
	files::{self, Existing, FileError},
	sealing::Delivery,
};
use proofpod_primitives::{GenesisHash, InputCommitment, JobId, ModelId, OutputKeyCommitment};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{
	fs,
	path::{Path, PathBuf},
};
use zeroize::{Zeroize, Zeroizing};

/// Version of the files' format.
const VERSION: u16 = 1;
/// Most bytes of a file.
const MAX_FILE: u64 = 1 << 20;
/// Hexadecimal digits of the genesis hash that name a chain's folder.
const FOLDER_DIGITS: usize = 16;

/// Why a job's secrets cannot be kept or found.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
	/// A file cannot be read or written.
	#[error(transparent)]
	File(#[from] FileError),
	/// A file does not hold a job's secrets.
	#[error("expected {} to hold a job's secrets (version {VERSION}), found something else: {reason}", path.display())]
	Malformed {
		/// The file.
		path: PathBuf,
		/// What does not fit, without the content.
		reason: String,
	},
	/// The file belongs to another chain or job than its name says.
	#[error("expected {} to belong to the chain and the job that its name says, found another", path.display())]
	Misplaced {
		/// The file.
		path: PathBuf,
	},
}

/// Bytes that are shown to nobody and wiped when dropped; hexadecimal digits in a file.
#[derive(Clone, PartialEq, Eq)]
struct Secret(Zeroizing<Vec<u8>>);

impl Serialize for Secret {
	fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
		serializer.serialize_str(&Zeroizing::new(hex::encode(&self.0[..])))
	}
}

impl<'de> Deserialize<'de> for Secret {
	fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
		let digits = Zeroizing::new(String::deserialize(deserializer)?);
		// The error of the decoder would name the digit.
		hex::decode(digits.as_bytes())
			.map(|bytes| Self(Zeroizing::new(bytes)))
			.map_err(|_| serde::de::Error::custom("expected hexadecimal digits"))
	}
}

/// The file's content.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
	version: u16,
	genesis: GenesisHash,
	model: ModelId,
	job: Option<JobId>,
	input_commitment: InputCommitment,
	output_key_commitment: Option<OutputKeyCommitment>,
	salt: Secret,
	output_key: Secret,
	input: Option<Secret>,
}

/// The secrets of one job. Wiped when dropped; never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct JobSecrets {
	/// The model.
	pub model: ModelId,
	/// The job, once the chain has given it a number.
	pub job: Option<JobId>,
	/// Commitment to the input, as it stands in the job's record.
	pub input_commitment: InputCommitment,
	/// Commitment to the output key; `None` when the model's output is public.
	pub output_key_commitment: Option<OutputKeyCommitment>,
	/// Opens the input commitment.
	pub salt: Zeroizing<[u8; 32]>,
	/// Unseals the output.
	pub output_key: Zeroizing<[u8; 32]>,
	/// The quantised input, until the job has ended.
	pub input: Option<Zeroizing<Vec<i8>>>,
}

impl std::fmt::Debug for JobSecrets {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		write!(f, "JobSecrets({:?}, {})", self.job, self.input_commitment)
	}
}

impl JobSecrets {
	/// What the pod gets, sealed; `None` when the input is no longer kept.
	pub fn delivery(&self) -> Option<Delivery> {
		let input = self.input.as_ref()?;
		Some(Delivery { input: input.to_vec(), salt: *self.salt, output_key: *self.output_key })
	}
}

/// The secrets of all of a client's jobs on one chain.
#[derive(Clone, Debug)]
pub struct SecretsStore {
	folder: PathBuf,
	genesis: GenesisHash,
}

impl SecretsStore {
	/// Opens the store in a folder, which is made if it does not exist.
	///
	/// # Errors
	/// When the folder cannot be made.
	pub fn open(root: &Path, genesis: GenesisHash) -> Result<Self, SecretsError> {
		let name = hex::encode(genesis)[..FOLDER_DIGITS].to_string();
		let folder = root.join(name);
		files::create_private_folder(&folder)?;
		Ok(Self { folder, genesis })
	}

	/// The chain's folder.
	pub fn folder(&self) -> &Path {
		&self.folder
	}

	fn pending_path(&self, input: InputCommitment) -> PathBuf {
		self.folder.join(format!("pending-{input}.json"))
	}

	/// The file of a job.
	pub fn job_path(&self, job: JobId) -> PathBuf {
		self.folder.join(format!("job-{job}.json"))
	}

	/// Keeps the secrets of a job that is about to be opened. Once this returns they are on the
	/// disk.
	///
	/// # Errors
	/// When they cannot be written: then the job must not be opened.
	pub fn prepare(&self, secrets: &JobSecrets) -> Result<(), SecretsError> {
		let path = self.pending_path(secrets.input_commitment);
		self.write(&path, secrets, None, Existing::Keep)
	}

	/// Files the secrets of an opened job under the number that the chain gave it. Doing it again
	/// changes nothing.
	///
	/// # Errors
	/// When they cannot be read or written.
	pub fn assign(&self, input: InputCommitment, job: JobId) -> Result<JobSecrets, SecretsError> {
		let (pending, path) = (self.pending_path(input), self.job_path(job));
		let secrets = match self.read(&pending) {
			Ok(secrets) => secrets,
			Err(SecretsError::File(error)) if error.is_missing() => {
				return self.expect(&path, input);
			},
			Err(error) => return Err(error),
		};
		self.make_room(&path, input)?;
		match self.write(&path, &secrets, Some(job), Existing::Keep) {
			Ok(()) => {},
			// A crash came between the two files: the second one is already there.
			Err(SecretsError::File(FileError::Exists { .. })) => {
				self.expect(&path, input)?;
			},
			Err(error) => return Err(error),
		}
		self.remove(&pending)?;
		self.expect(&path, input)
	}

	/// Puts the secrets of another job that lie under this number back under their commitment.
	fn make_room(&self, path: &Path, input: InputCommitment) -> Result<(), SecretsError> {
		let other = match self.read(path) {
			Ok(secrets) if secrets.input_commitment != input => secrets,
			Ok(_) => return Ok(()),
			Err(SecretsError::File(error)) if error.is_missing() => return Ok(()),
			Err(error) => return Err(error),
		};
		let pending = self.pending_path(other.input_commitment);
		match self.write(&pending, &other, None, Existing::Keep) {
			Ok(()) | Err(SecretsError::File(FileError::Exists { .. })) => self.remove(path),
			Err(error) => Err(error),
		}
	}

	fn expect(&self, path: &Path, input: InputCommitment) -> Result<JobSecrets, SecretsError> {
		let secrets = self.read(path)?;
		match secrets.input_commitment == input {
			true => Ok(secrets),
			false => Err(SecretsError::Misplaced { path: path.into() }),
		}
	}

	/// The secrets of a job, if they are here under its number.
	///
	/// # Errors
	/// When the file cannot be read or does not hold them.
	pub fn load(&self, job: JobId) -> Result<Option<JobSecrets>, SecretsError> {
		let path = self.job_path(job);
		match self.read(&path) {
			Ok(secrets) if secrets.job == Some(job) => Ok(Some(secrets)),
			Ok(_) => Err(SecretsError::Misplaced { path }),
			Err(SecretsError::File(error)) if error.is_missing() => Ok(None),
			Err(error) => Err(error),
		}
	}

	/// The secrets of a job, wherever they are: under its number, still pending after a crash, or
	/// under another number after the chain reorganised; then they are filed under this one.
	/// `belongs` says whether secrets are this job's, by their commitments.
	///
	/// # Errors
	/// When a file cannot be read or written.
	pub fn claim(
		&self,
		job: JobId,
		belongs: impl Fn(&JobSecrets) -> bool,
	) -> Result<Option<JobSecrets>, SecretsError> {
		if let Some(secrets) = self.load(job)?.filter(&belongs) {
			return Ok(Some(secrets));
		}
		if let Some(secrets) = self.pending()?.into_iter().find(&belongs) {
			return self.assign(secrets.input_commitment, job).map(Some);
		}
		for other in self.jobs()? {
			let Some(secrets) = self.load(other)?.filter(&belongs) else { continue };
			let secrets = JobSecrets { job: Some(job), ..secrets };
			self.make_room(&self.job_path(job), secrets.input_commitment)?;
			self.write(&self.job_path(job), &secrets, Some(job), Existing::Keep)?;
			return Ok(Some(secrets));
		}
		Ok(None)
	}

	/// Secrets of jobs that were about to be opened when the client stopped.
	///
	/// # Errors
	/// When a file cannot be read or does not hold them.
	pub fn pending(&self) -> Result<Vec<JobSecrets>, SecretsError> {
		self.names("pending-0x")?.into_iter().map(|(_, path)| self.read(&path)).collect()
	}

	/// Jobs whose secrets are here, by number.
	///
	/// # Errors
	/// When the folder cannot be read.
	pub fn jobs(&self) -> Result<Vec<JobId>, SecretsError> {
		let names = self.names("job-")?;
		let mut jobs: Vec<JobId> =
			names.into_iter().filter_map(|(name, _)| name.parse().ok()).collect();
		jobs.sort();
		Ok(jobs)
	}

	/// Drops the input of a job that has ended; the keys stay.
	///
	/// # Errors
	/// When the file cannot be read or written.
	pub fn forget_input(&self, job: JobId) -> Result<(), SecretsError> {
		let Some(mut secrets) = self.load(job)? else { return Ok(()) };
		if secrets.input.take().is_none() {
			return Ok(());
		}
		self.write(&self.job_path(job), &secrets, Some(job), Existing::Replace)
	}

	/// Drops the secrets of a job that the chain refused to open: no job has this commitment.
	///
	/// # Errors
	/// When the file cannot be removed.
	pub fn abandon(&self, input: InputCommitment) -> Result<(), SecretsError> {
		self.remove(&self.pending_path(input))
	}

	fn remove(&self, path: &Path) -> Result<(), SecretsError> {
		match fs::remove_file(path) {
			Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
				Err(FileError::io("remove", path)(error).into())
			},
			_ => Ok(files::sync_folder(path)?),
		}
	}

	/// What stands between a prefix and `.json` in the names of the folder's files.
	fn names(&self, prefix: &str) -> Result<Vec<(String, PathBuf)>, SecretsError> {
		let entries = fs::read_dir(&self.folder).map_err(FileError::io("read", &self.folder))?;
		let mut names = Vec::new();
		for entry in entries {
			let path = entry.map_err(FileError::io("read", &self.folder))?.path();
			let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
			let middle = name.strip_prefix(prefix).and_then(|name| name.strip_suffix(".json"));
			if let Some(middle) = middle {
				names.push((middle.to_string(), path.clone()));
			}
		}
		Ok(names)
	}

	fn write(
		&self,
		path: &Path,
		secrets: &JobSecrets,
		job: Option<JobId>,
		existing: Existing,
	) -> Result<(), SecretsError> {
		let secret = |bytes: &[u8]| Secret(Zeroizing::new(bytes.to_vec()));
		let input = secrets.input.as_ref().map(|input| {
			Secret(Zeroizing::new(input.iter().map(|value| value.to_le_bytes()[0]).collect()))
		});
		let stored = Stored {
			version: VERSION,
			genesis: self.genesis,
			model: secrets.model,
			job,
			input_commitment: secrets.input_commitment,
			output_key_commitment: secrets.output_key_commitment,
			salt: secret(&secrets.salt[..]),
			output_key: secret(&secrets.output_key[..]),
			input,
		};
		// Room for everything from the start: a buffer that grows would leave copies behind.
		let size = 1024 + stored.input.as_ref().map_or(0, |input| 2 * input.0.len());
		let mut text = Zeroizing::new(Vec::with_capacity(size));
		let malformed = |error: serde_json::Error| SecretsError::Malformed {
			path: path.into(),
			reason: error.to_string(),
		};
		serde_json::to_writer_pretty(&mut *text, &stored).map_err(malformed)?;
		text.push(b'\n');
		Ok(files::write_private(path, &text, existing)?)
	}

	fn read(&self, path: &Path) -> Result<JobSecrets, SecretsError> {
		let text = files::read_private(path, MAX_FILE)?;
		let malformed = |reason: String| SecretsError::Malformed { path: path.into(), reason };
		let stored: Stored = serde_json::from_slice(&text).map_err(|error| {
			// Line and column only: the parser's message can quote the content.
			malformed(format!("line {}, column {}", error.line(), error.column()))
		})?;
		if stored.version != VERSION {
			return Err(malformed(format!("version {}", stored.version)));
		}
		if stored.genesis != self.genesis {
			return Err(SecretsError::Misplaced { path: path.into() });
		}
		let scalar = |secret: Secret, name: &str| -> Result<Zeroizing<[u8; 32]>, SecretsError> {
			let mut bytes = Zeroizing::new([0u8; 32]);
			match secret.0.len() {
				32 => {
					bytes.copy_from_slice(&secret.0);
					Ok(bytes)
				},
				found => Err(malformed(format!("{name} of {found} bytes"))),
			}
		};
		let input = stored.input.map(|mut input| {
			let values =
				Zeroizing::new(input.0.iter().map(|byte| i8::from_le_bytes([*byte])).collect());
			input.0.zeroize();
			values
		});
		Ok(JobSecrets {
			model: stored.model,
			job: stored.job,
			input_commitment: stored.input_commitment,
			output_key_commitment: stored.output_key_commitment,
			salt: scalar(stored.salt, "a salt")?,
			output_key: scalar(stored.output_key, "an output key")?,
			input,
		})
	}
}

#[cfg(test)]
mod tests;
