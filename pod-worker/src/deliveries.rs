// SPDX-License-Identifier: Apache-2.0

//! Sealed inputs: which jobs the pod expects one for, whether what arrives is the right one, and
//! where it waits until the job is over.
//!
//! A delivery is opened and checked against the job's commitments *before* it is stored. So nobody
//! but the client can put anything into the journal, or replace what the client delivered.
//!
//! It belongs to a lock: it is sealed to the key, and names the epoch, under which the pod locked
//! the job. A pod that locks a job again, after it has changed its key, needs another one; what it
//! has of the earlier lock counts as nothing, and takes nothing's place.

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
	/// Values that the model takes.
	input_len: usize,
	output_key: Option<OutputKeyCommitment>,
	key_epoch: u32,
	/// The pod's key that was published when it locked the job.
	key: EncryptionKey,
	step: &'static str,
}

impl Held {
	/// Whether what is sealed for one lock can be opened for the other.
	fn is_sealed_like(&self, other: &Self) -> bool {
		(self.key_epoch, self.key) == (other.key_epoch, other.key)
	}
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

	/// From now on, this job's delivery is welcome, of an input of so many values.
	pub fn expect(&self, id: JobId, job: &Job, lock: &Lock, input_len: usize, step: &'static str) {
		let held = Held {
			input: job.request.input,
			input_len,
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
		// The pod may have lost the lock meanwhile, and have another.
		let now = self.held();
		if !now.get(&job).is_some_and(|now| now.is_sealed_like(&held)) {
			return Err(Refusal::NotLocked { job });
		}
		self.journal.store_delivery(job, sealed).map_err(|error| {
			tracing::error!(code = error.code(), %job, %error, "cannot store a delivery");
			Refusal::Internal
		})?;
		drop(now);
		self.arrived.notify_one();
		Ok(())
	}

	/// What was delivered for the lock that the pod holds, opened and checked again. Nothing where
	/// the journal has only what was sealed for an earlier lock: the client delivers anew.
	///
	/// # Errors
	/// When the journal cannot be read, or what it holds does not belong to the job.
	pub fn opened(&self, job: JobId) -> Result<Option<(Delivery, Secrets)>> {
		let Some(held) = self.held().get(&job).cloned() else { return Ok(None) };
		match self.journal.delivery(job)? {
			Some(sealed) => match self.check(job, &held, &sealed) {
				Err(Error::Delivery { error: SealingError::DoesNotOpen, .. }) => Ok(None),
				checked => checked.map(Some),
			},
			None => Ok(None),
		}
	}

	/// Whether the pod can open what is sealed for this lock.
	pub fn can_open(&self, lock: &Lock) -> bool {
		self.keys.get(&lock.encryption_key).is_some()
	}

	/// Deletes retired keys. Only those that no lock on the finalised chain pins, once the newest
	/// key is published there.
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
		let delivery = sealing::open(&key, &context, sealed).map_err(|error| Error::Delivery {
			job,
			key_epoch: held.key_epoch,
			error,
		})?;
		let secrets = Secrets::from_bytes(&delivery.salt, &delivery.output_key)
			.map_err(|_| SealingError::Malformed)
			.map_err(|error| Error::Delivery { job, key_epoch: held.key_epoch, error })?;
		if commit_input(&delivery.input, &secrets.salt) != held.input {
			return Err(Error::Commitment { job, what: "input" });
		}
		// The chain cannot see what a commitment holds.
		let (expected, found) = (held.input_len, delivery.input.len());
		if found != expected {
			return Err(Error::InputLength { job, expected, found });
		}
		let output_key = commit_output_key(&secrets.output_key);
		if held.output_key.is_some_and(|commitment| commitment != output_key) {
			return Err(Error::Commitment { job, what: "output key" });
		}
		Ok((delivery, secrets))
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::keyring::KeyChange;
	use proofpod_primitives::{
		job::{JobRequest, JobTerms, PriceRamp, Requirements, StoredState, Windows, JOB_RULES},
		ModelId, Tick,
	};
	use rand::rngs::OsRng;
	use std::path::Path;

	const JOB: JobId = JobId(7);

	fn account(byte: u8) -> AccountId {
		[byte; 32].into()
	}

	fn pod() -> AccountId {
		account(9)
	}

	fn deliveries(folder: &Path, change: KeyChange) -> Deliveries {
		let keys = Keyring::open(folder, None, change).unwrap();
		let journal = Arc::new(Journal::open(folder).unwrap());
		Deliveries::new(GenesisHash([1; 32]), pod(), keys, journal)
	}

	fn lock(deliveries: &Deliveries, key_epoch: u32) -> Lock {
		Lock {
			pod: pod(),
			price: 1,
			key_epoch,
			encryption_key: deliveries.keys.public(),
			acknowledge_by: Tick(20),
			prove_by: Tick(60),
		}
	}

	/// An input with its secrets, and the job that was opened for it.
	fn input() -> (Delivery, Job) {
		let secrets = Secrets::random(&mut OsRng);
		let (salt, output_key) = secrets.to_bytes();
		let delivery = Delivery { input: vec![1, -2, 3], salt, output_key };
		let request = JobRequest {
			model: ModelId([3; 32]),
			input: commit_input(&delivery.input, &secrets.salt),
			output_key: Some(commit_output_key(&secrets.output_key)),
			price: PriceRamp { min: 1, max: 1, ramp: 0 },
			windows: Windows { lock: 10, acknowledge: 10, prove: 40, failover: 0 },
			requirements: Requirements::default(),
		};
		let terms = JobTerms {
			bond: 1,
			missed_slash: 1,
			discard_slash: 1,
			client_share: 500,
			lapse_fee: 0,
			max_lapses: 4,
			deposit: 0,
			market_fee: 0,
		};
		let job = Job {
			rules: JOB_RULES,
			client: account(1),
			request,
			terms,
			opened: Tick(1),
			lapses: 0,
			failure: None,
			barred: Default::default(),
			state: StoredState::Open,
		};
		(delivery, job)
	}

	fn sealed(job: &Job, lock: &Lock, delivery: &Delivery) -> Vec<u8> {
		let context = DeliveryContext {
			genesis: GenesisHash([1; 32]),
			job: JOB,
			pod: pod().0,
			key_epoch: lock.key_epoch,
			input: job.request.input,
		};
		sealing::seal(&lock.encryption_key, &context, delivery).unwrap()
	}

	fn has_input(deliveries: &Deliveries) -> bool {
		deliveries.opened(JOB).unwrap().is_some()
	}

	#[test]
	fn delivery_for_an_earlier_lock_is_refused_and_changes_nothing() {
		let folder = tempfile::tempdir().unwrap();
		let (delivery, job) = input();
		let (old, stale) = {
			let pod = deliveries(folder.path(), KeyChange::None);
			let old = lock(&pod, 0);
			pod.expect(JOB, &job, &old, delivery.input.len(), "locked");
			let stale = sealed(&job, &old, &delivery);
			pod.accept(JOB, &stale).unwrap();
			assert!(has_input(&pod));
			(old, stale)
		};
		// It loses that lock, publishes another key, and locks the job again.
		let pod = deliveries(folder.path(), KeyChange::Rotate);
		let new = lock(&pod, 1);
		assert!(pod.can_open(&old) && old.encryption_key != new.encryption_key);
		pod.expect(JOB, &job, &new, delivery.input.len(), "locked");
		assert!(!has_input(&pod), "what was delivered then does not count, and is no failure");
		let refused = pod.accept(JOB, &stale).unwrap_err();
		assert_eq!(refused.code(), "PW-DEL-001");
		assert!(refused.to_string().contains("under key epoch 1"), "{refused}");
		assert!(!has_input(&pod));

		pod.accept(JOB, &sealed(&job, &new, &delivery)).unwrap();
		assert!(has_input(&pod));
		assert!(pod.accept(JOB, &stale).is_err());
		assert!(has_input(&pod), "it has not taken the other's place");
	}

	#[test]
	fn delivery_counts_for_a_later_lock_under_the_same_key() {
		let folder = tempfile::tempdir().unwrap();
		let (delivery, job) = input();
		let pod = deliveries(folder.path(), KeyChange::None);
		let first = lock(&pod, 0);
		let second = Lock { acknowledge_by: Tick(50), prove_by: Tick(90), ..first };
		pod.expect(JOB, &job, &first, delivery.input.len(), "locked");
		pod.accept(JOB, &sealed(&job, &first, &delivery)).unwrap();
		pod.expect(JOB, &job, &second, delivery.input.len(), "locked");
		assert!(has_input(&pod));
	}

	#[test]
	fn delivery_without_a_lock_or_of_another_input_is_refused() {
		let folder = tempfile::tempdir().unwrap();
		let ((delivery, job), (other, _)) = (input(), input());
		let pod = deliveries(folder.path(), KeyChange::None);
		let lock = lock(&pod, 0);
		let right = sealed(&job, &lock, &delivery);
		assert_eq!(pod.accept(JOB, &right).unwrap_err().code(), "PW-DEL-004");
		pod.expect(JOB, &job, &lock, delivery.input.len(), "locked");
		let wrong = pod.accept(JOB, &sealed(&job, &lock, &other)).unwrap_err();
		assert_eq!(wrong.code(), "PW-DEL-002");
		let longer = delivery.input.len() + 1;
		pod.expect(JOB, &job, &lock, longer, "locked");
		let too_short = pod.accept(JOB, &right).unwrap_err();
		assert_eq!(too_short.code(), "PW-DEL-002");
		assert!(too_short.to_string().contains(&format!("{longer} values")), "{too_short}");
		pod.expect(JOB, &job, &lock, delivery.input.len(), "locked");
		assert!(!has_input(&pod));
		pod.accept(JOB, &right).unwrap();
		pod.expect_only(|_| false);
		assert!(!has_input(&pod));
	}
}
