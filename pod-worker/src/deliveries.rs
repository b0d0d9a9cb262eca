// SPDX-License-Identifier: Apache-2.0

//! Sealed inputs: which jobs the pod expects one for, whether what arrives is the right one, and
//! where it waits until the job is over.
//!
//! A delivery is opened and checked against the job's commitments *before* it is stored. So nobody
//! but the client can put anything into the journal, or replace what the client delivered.

use crate::{
	error::{Error, Result},
	journal::Journal,
	keyring::Keyring,
};
use proofpod_client::{
	sealing::{self, Delivery, DeliveryContext, SealingError, MAX_SEALED_SIZE},
	AccountId, Job, Lock,
};
use proofpod_primitives::{
	EncryptionKey, GenesisHash, InputCommitment, JobId, OutputKeyCommitment,
};
use proofpod_zkml::commitment::{commit_input, commit_output_key, Secrets};
use std::{
	collections::{BTreeMap, BTreeSet},
	sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;

/// Why a delivery was not taken.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
	/// The pod does not hold the job.
	#[error(
		"job {job} is not locked by this pod, as far as its node knows: try again in a few seconds"
	)]
	NotLocked {
		/// The job.
		job: JobId,
	},
	/// The delivery is not what the job's record promises.
	#[error("{0}")]
	Unusable(Error),
	/// The pod cannot store it.
	#[error("the pod could not store the delivery; try again")]
	Internal,
}

impl Refusal {
	/// The stable code.
	pub fn code(&self) -> &'static str {
		match self {
			Self::NotLocked { .. } => "PW-DEL-004",
			Self::Unusable(error) => error.code(),
			Self::Internal => "PW-DAT-003",
		}
	}
}

/// What the worker must know of a job that it holds.
#[derive(Clone, Debug)]
struct Held {
	input: InputCommitment,
	output_key: Option<OutputKeyCommitment>,
	key_epoch: u32,
	/// The pod's key that was published when it locked the job.
	key: EncryptionKey,
	step: &'static str,
}

/// The pod's deliveries.
pub struct Deliveries {
	genesis: GenesisHash,
	pod: AccountId,
	keys: Keyring,
	journal: Arc<Journal>,
	held: Mutex<BTreeMap<JobId, Held>>,
	arrived: Notify,
}

impl Deliveries {
	/// Deliveries to `pod`, sealed to one of `keys`, kept in `journal`.
	pub fn new(genesis: GenesisHash, pod: AccountId, keys: Keyring, journal: Arc<Journal>) -> Self {
		Self { genesis, pod, keys, journal, held: Default::default(), arrived: Notify::new() }
	}

	fn held(&self) -> MutexGuard<'_, BTreeMap<JobId, Held>> {
		self.held.lock().unwrap_or_else(PoisonError::into_inner)
	}

	/// Most bytes of a delivery.
	pub fn max_size(&self) -> usize {
		MAX_SEALED_SIZE
	}

	/// From now on, this job's delivery is welcome.
	pub fn expect(&self, id: JobId, job: &Job, lock: &Lock, step: &'static str) {
		let held = Held {
			input: job.request.input,
			output_key: job.request.output_key,
			key_epoch: lock.key_epoch,
			key: lock.encryption_key,
			step,
		};
		self.held().insert(id, held);
	}

	/// From now on, deliveries are welcome for no other jobs than these. What was delivered stays.
	pub fn expect_only(&self, held: impl Fn(JobId) -> bool) {
		self.held().retain(|job, _| held(*job));
	}

	/// Whether a delivery for this job is welcome.
	pub fn expects(&self, job: JobId) -> bool {
		self.held().contains_key(&job)
	}

	/// Jobs for which a delivery is kept.
	///
	/// # Errors
	/// When the journal cannot be read.
	pub fn kept(&self) -> Result<Vec<JobId>> {
		self.journal.jobs()
	}

	/// Forgets what was delivered for a job. Only for one whose end is finalised: until then, a
	/// fork may need it again.
	///
	/// # Errors
	/// When the journal cannot be written.
	pub fn forget(&self, job: JobId) -> Result<()> {
		self.journal.forget(job)
	}

	/// Jobs that the pod holds, and the step of each, for the operator.
	pub fn status(&self) -> BTreeMap<JobId, &'static str> {
		self.held().iter().map(|(job, held)| (*job, held.step)).collect()
	}

	/// Takes what a client delivered: opens it, checks it, stores it, wakes the worker.
	///
	/// # Errors
	/// When the pod does not hold the job, the delivery does not open the job's commitments, or
	/// the journal cannot be written.
	pub fn accept(&self, job: JobId, sealed: &[u8]) -> Result<(), Refusal> {
		let held = self.held().get(&job).cloned().ok_or(Refusal::NotLocked { job })?;
		self.check(job, &held, sealed).map_err(Refusal::Unusable)?;
		self.journal.store_delivery(job, sealed).map_err(|error| {
			tracing::error!(code = error.code(), %job, %error, "cannot store a delivery");
			Refusal::Internal
		})?;
		self.arrived.notify_one();
		Ok(())
	}

	/// What was delivered for a job that the pod holds, opened and checked again.
	///
	/// # Errors
	/// When the journal cannot be read, or what it holds does not belong to the job.
	pub fn opened(&self, job: JobId) -> Result<Option<(Delivery, Secrets)>> {
		let Some(held) = self.held().get(&job).cloned() else { return Ok(None) };
		match self.journal.delivery(job)? {
			Some(sealed) => self.check(job, &held, &sealed).map(Some),
			None => Ok(None),
		}
	}

	/// Whether the pod can open what is sealed for this lock.
	pub fn can_open(&self, lock: &Lock) -> bool {
		self.keys.get(&lock.encryption_key).is_some()
	}

	/// Deletes retired keys. Only those that no lock on the finalised chain pins, once the newest key
	/// is published there.
	///
	/// # Errors
	/// When a file cannot be deleted.
	pub fn forget_keys(
		&self,
		published: &EncryptionKey,
		pinned: &BTreeSet<EncryptionKey>,
	) -> Result<()> {
		if *published != self.keys.public() {
			return Ok(());
		}
		self.keys.forget(|key| pinned.contains(key))
	}

	/// Waits until a delivery arrives.
	pub async fn arrival(&self) {
		self.arrived.notified().await;
	}

	fn check(&self, job: JobId, held: &Held, sealed: &[u8]) -> Result<(Delivery, Secrets)> {
		let context = DeliveryContext {
			genesis: self.genesis,
			job,
			pod: self.pod.0,
			key_epoch: held.key_epoch,
			input: held.input,
		};
		let key = self.keys.get(&held.key).ok_or(Error::KeyGone { job })?;
		let delivery = sealing::open(&key, &context, sealed)
			.map_err(|error| Error::Delivery { job, error })?;
		let secrets = Secrets::from_bytes(&delivery.salt, &delivery.output_key)
			.map_err(|_| Error::Delivery { job, error: SealingError::Malformed })?;
		if commit_input(&delivery.input, &secrets.salt) != held.input {
			return Err(Error::Commitment { job, what: "input" });
		}
		let output_key = commit_output_key(&secrets.output_key);
		if held.output_key.is_some_and(|commitment| commitment != output_key) {
			return Err(Error::Commitment { job, what: "output key" });
		}
		Ok((delivery, secrets))
	}
}
