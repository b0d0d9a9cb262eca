// SPDX-License-Identifier: Apache-2.0

//! The worker's loop. After every finalised block, and whenever a delivery arrives, it compares
//! what the chain says with what it should be doing, and drives each of its jobs one step on:
//!
//! | the chain says | the worker |
//! |---|---|
//! | open, and it can do it in time | locks it |
//! | locked by this pod, input delivered | infers, proves, verifies its own proof; acknowledges |
//! | being proved by this pod | submits |
//! | locked by this pod, but the client let the window pass | has the lock undone |
//! | locked or being proved, and the pod cannot do it | gives it back, or up, while that costs less |
//!
//! It acknowledges when it has the proof: whoever made the model's key may have made one under which
//! some inputs have no proof, and the pod's bond is at risk from the acknowledgement on. Where the
//! operator trusts the key, it acknowledges first, so that the proof may take all of its window.
//!
//! It takes only jobs whose opening is finalised, so that on every fork a job's number means the
//! same job. From there on it acts on best blocks: its own calls follow one another by nonce, so no
//! fork holds an acknowledgement without the lock, or a result without the acknowledgement.
//!
//! It keeps nothing else than the deliveries, and each of them until its job's end is finalised. So
//! a restart or a fork at any moment loses nothing: the next block tells it where it was.

mod proving;
mod taking;

use self::{
	proving::Proof,
	taking::{Claim, Schedule, Taken},
};
use crate::{
	config::WorkConfig,
	deliveries::Deliveries,
	error::{Error, Result},
	metrics::Metrics,
	models::ServedModels,
};
use proofpod_client::{
	chain::{calls, At, Call, Chain, ChainError, Inclusion, PodView, View},
	keys::Signer,
	AccountId, Job,
};
use proofpod_primitives::{
	job::{Phase, StoredState, Undone},
	pod::PodState,
	JobId, ModelId, Tick, Ticks,
};
use std::{
	collections::{BTreeMap, BTreeSet},
	sync::{
		atomic::{AtomicBool, Ordering},
		Arc, Mutex, MutexGuard, PoisonError,
	},
	time::Duration,
};
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

/// Ticks after which a job that this pod could not lock is worth another attempt.
const RETRY_TICKS: Ticks = 20;
/// A tick that never comes.
const NEVER: Tick = Tick(u32::MAX);
/// Pause before asking a node again that did not answer.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// One pod at work.
pub struct Worker {
	chain: Chain,
	/// Signs for the pod: its own account, or its operator's.
	signer: Signer,
	/// The pod's account.
	account: AccountId,
	models: ServedModels,
	deliveries: Arc<Deliveries>,
	metrics: Arc<Metrics>,
	work: WorkConfig,
	schedule: Schedule,
	/// Whether a heartbeat is on its way.
	beating: AtomicBool,
	/// Whether losses keep the pod from a job, as was said.
	capped: AtomicBool,
	/// A proof uses all cores: one at a time.
	proving: Semaphore,
	/// Jobs that a task is driving now.
	driven: Mutex<BTreeSet<JobId>>,
	/// What the jobs take that are being locked, until the chain shows them as this pod's.
	taken: Mutex<BTreeMap<JobId, Taken>>,
	/// Wakes the worker when a proof has ended.
	proved: Notify,
	/// Proofs of live jobs.
	proofs: Mutex<BTreeMap<JobId, Proof>>,
	/// Jobs that this pod holds, and whose proof has failed, or was too late to begin.
	unproved: Mutex<BTreeSet<JobId>>,
	/// Models of which a proof did not verify. The pod takes no more jobs of theirs.
	spoilt: Mutex<BTreeSet<ModelId>>,
	/// Jobs that this pod does not ask for before some tick: asking again would only cost fees.
	declined: Mutex<BTreeMap<JobId, Tick>>,
}

fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
	mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Worker {
	/// A worker for a registered pod, and who signs for it.
	pub fn new(
		chain: Chain,
		(account, signer): (AccountId, Signer),
		models: ServedModels,
		deliveries: Arc<Deliveries>,
		metrics: Arc<Metrics>,
		work: WorkConfig,
		block_time: Duration,
	) -> Arc<Self> {
		let schedule = Schedule { block_time, margin: work.time_margin };
		Arc::new(Self {
			account,
			chain,
			signer,
			models,
			deliveries,
			metrics,
			work,
			schedule,
			beating: AtomicBool::new(false),
			capped: AtomicBool::new(false),
			proving: Semaphore::new(1),
			driven: Default::default(),
			taken: Default::default(),
			proved: Notify::new(),
			proofs: Default::default(),
			unproved: Default::default(),
			spoilt: Default::default(),
			declined: Default::default(),
		})
	}

	/// Works until the token is cancelled.
	///
	/// # Errors
	/// When the chain's runtime no longer fits this worker. A node that does not answer is no
	/// error: the worker waits for it.
	pub async fn run(self: Arc<Self>, stop: CancellationToken) -> Result<()> {
		self.warn_of_slow_models();
		while !stop.is_cancelled() {
			let followed = tokio::select! {
				() = stop.cancelled() => return Ok(()),
				followed = self.follow() => followed,
			};
			let Err(error) = followed;
			if let Error::Chain(ChainError::Incompatible { .. }) = error {
				return Err(error);
			}
			match &error {
				// The next blocks end it; what the pod has delivered and promised stays.
				Error::Chain(error) if error.is_migration() => tracing::info!("{error}"),
				_ => self.report(None, &error),
			}
			tokio::select! {
				() = stop.cancelled() => {},
				() = tokio::time::sleep(RETRY_PAUSE) => {},
			}
		}
		Ok(())
	}

	/// Follows the chain until it cannot.
	async fn follow(self: &Arc<Self>) -> Result<std::convert::Infallible> {
		let mut blocks = self.chain.follow_finalised().await?;
		loop {
			let view = tokio::select! {
				block = blocks.next() => block?.view().await?,
				() = self.deliveries.arrival() => self.chain.at(At::Finalised).await?,
				() = self.proved.notified() => self.chain.at(At::Finalised).await?,
				// When finality stalls, what has failed is tried again all the same.
				() = tokio::time::sleep(self.schedule.block_time) => {
					self.chain.at(At::Finalised).await?
				},
			}
			.settled()
			.await?;
			self.reconcile(&view).await?;
		}
	}

	/// Compares the chain's state with what the worker is doing.
	async fn reconcile(self: &Arc<Self>, finalised: &View) -> Result<()> {
		self.metrics.finalised.set(finalised.block().number.into());
		let view = self.chain.at(At::Best).await?.settled().await?;
		let now = view.tick().await?;
		let jobs = view.jobs().await?;
		let finalised_jobs = finalised.jobs().await?;
		let opened: BTreeSet<_> = finalised_jobs.iter().map(|(id, _)| *id).collect();
		let mut held = BTreeMap::new();
		for (id, job) in &jobs {
			let (lock, step) = match job.phase(now) {
				Phase::Locked(lock) => (lock, "locked"),
				Phase::Proving(lock) => (lock, "proving"),
				Phase::Open { undone: Some(Undone::Lapsed(lock)) } => (lock, "lapsed"),
				_ => continue,
			};
			if lock.pod == self.account {
				let model = self.models.get(&job.request.model);
				let claim = model.and_then(|model| self.claim_of(*id, model, lock, step, now));
				held.insert(*id, claim.unwrap_or(Claim::NONE));
				if let Some(model) = model {
					self.deliveries.expect(*id, job, lock, model.input_len(), step);
				}
			}
		}
		let driven = guard(&self.driven).clone();
		// A job that is being driven may be further than this view.
		self.deliveries.expect_only(|id| held.contains_key(&id) || driven.contains(&id));
		self.forget_ended(finalised).await?;
		self.forget_keys(finalised, &finalised_jobs).await?;
		let live: BTreeSet<_> = jobs.iter().map(|(id, _)| *id).collect();
		guard(&self.declined).retain(|id, until| live.contains(id) && now < *until);
		guard(&self.proofs).retain(|id, _| live.contains(id));
		guard(&self.unproved).retain(|id| held.contains_key(id) || driven.contains(id));
		self.metrics.live_jobs.set(held.len() as i64);
		for id in held.keys() {
			self.spawn_drive(*id);
		}
		let Some(pod) = view.pod_view(self.account).await? else { return Ok(()) };
		self.beat(&pod);
		self.take_jobs(&view, &pod, &jobs, &opened, held, &driven).await
	}

	/// Says that the pod is there, when that is due: it costs nothing then.
	fn beat(self: &Arc<Self>, pod: &PodView) {
		let leaving = matches!(pod.state, PodState::Leaving { .. });
		if leaving || pod.now < pod.heartbeat_due || self.beating.swap(true, Ordering::Relaxed) {
			return;
		}
		let worker = self.clone();
		tokio::spawn(async move {
			match worker.submit(&calls::pods::heartbeat()).await {
				Ok(()) => worker.metrics.step("heartbeat"),
				Err(error) => worker.report(None, &error),
			}
			worker.beating.store(false, Ordering::Relaxed);
		});
	}

	/// Deletes encryption keys that no job of this pod needs any more.
	async fn forget_keys(&self, finalised: &View, jobs: &[(JobId, Job)]) -> Result<()> {
		let Some(pod) = finalised.pod(self.account).await? else { return Ok(()) };
		let pinned = jobs.iter().filter_map(|(_, job)| match &job.state {
			StoredState::Locked(lock) | StoredState::Proving(lock) => {
				(lock.pod == self.account).then_some(lock.encryption_key)
			},
			StoredState::Open => None,
		});
		self.deliveries.forget_keys(&pod.profile.encryption_key, &pinned.collect())
	}

	/// Forgets deliveries of jobs whose end is final: until then, a fork may need them again.
	async fn forget_ended(&self, finalised: &View) -> Result<()> {
		for id in self.deliveries.kept()? {
			if finalised.receipt(id).await?.is_some() {
				self.deliveries.forget(id)?;
			}
		}
		Ok(())
	}

	fn spawn_drive(self: &Arc<Self>, id: JobId) {
		if !guard(&self.driven).insert(id) {
			return;
		}
		let worker = self.clone();
		tokio::spawn(async move {
			// The guard frees the job's place even if the task panics.
			let _place = Place { worker: &worker, id };
			if let Err(error) = worker.drive(id).await {
				worker.report(Some(id), &error);
			}
		});
	}

	/// Drives one job as far as it goes without waiting for anybody else.
	async fn drive(&self, id: JobId) -> Result<()> {
		let mut proved = false;
		loop {
			let view = self.chain.at(At::Best).await?.settled().await?;
			let Some(job) = view.job(id).await? else { return Ok(()) };
			let now = view.tick().await?;
			let Some(model) = self.models.get(&job.request.model) else {
				return self.give_back(id, &job, now, self.unserved(id)).await;
			};
			match job.phase(now) {
				Phase::Open { undone: Some(Undone::Lapsed(lock)) } if lock.pod == self.account => {
					self.submit(&calls::jobs::poke(id)).await?;
					self.decline(id, NEVER, "it was not acknowledged in time");
					self.metrics.step("lapsed");
					return Ok(());
				},
				// The lock lapsed while the proof was made.
				Phase::Open { .. } if proved => return Ok(()),
				Phase::Open { .. } => {
					if self.has_declined(&id) {
						return Ok(());
					}
					match self.submit(&calls::jobs::lock(id, model.min_price)).await {
						Ok(()) => {
							// Once: should it come to nothing, the next time would, too.
							guard(&self.declined).insert(id, NEVER);
							tracing::info!(job = %id, model = model.name(), "locked");
							self.metrics.step("locked");
						},
						Err(Error::Chain(error)) if !error.is_transient() => {
							self.decline(id, now.after(RETRY_TICKS), &error.to_string());
							return Ok(());
						},
						Err(error) => return Err(error),
					}
				},
				Phase::Locked(lock) if lock.pod == self.account => {
					self.deliveries.expect(id, &job, lock, model.input_len(), "locked");
					if !self.deliveries.can_open(lock) {
						return self.give_back(id, &job, now, Error::KeyGone { job: id }).await;
					}
					// Nothing came that is of use. The pod waits for it until the lock lapses: to release
					// the lock would spare the client its share, and cost the pod the same. The disk may
					// be better at the next block.
					let Some(opened) = self.deliveries.opened(id)? else { return Ok(()) };
					if !model.trusted_key && !guard(&self.proofs).contains_key(&id) {
						proved = self.prove_first(id, &job, now, model.clone(), opened).await?;
						if proved {
							continue;
						}
						return Ok(());
					}
					self.submit(&calls::jobs::acknowledge(id)).await?;
					tracing::info!(job = %id, "acknowledged");
					self.metrics.step("acknowledged");
				},
				Phase::Proving(lock) if lock.pod == self.account => {
					self.deliveries.expect(id, &job, lock, model.input_len(), "proving");
					return self.submit_result(id, &job, model.clone()).await;
				},
				_ => return Ok(()),
			}
		}
	}

	fn unserved(&self, id: JobId) -> Error {
		Error::Proving { job: id, reason: "this pod does not serve its model any more".into() }
	}

	/// Parts with a job that this pod cannot do: for the lapse fee before the acknowledgement, for a
	/// slash after it, the smaller the sooner.
	async fn give_back(&self, id: JobId, job: &Job, now: Tick, why: Error) -> Result<()> {
		match job.phase(now) {
			Phase::Locked(lock) if lock.pod == self.account => {
				self.report(Some(id), &why);
				self.submit(&calls::jobs::release(id)).await?;
				self.decline(id, NEVER, "gave the lock back");
				Ok(())
			},
			Phase::Proving(lock) if lock.pod == self.account => self.discard(id, why).await,
			_ => Ok(()),
		}
	}

	/// Gives up a job that cannot be proved: the slash is smaller than for a missed deadline. Only
	/// once the acknowledgement is final, since a fork may yet change what is missing.
	async fn discard(&self, id: JobId, error: Error) -> Result<()> {
		self.report(Some(id), &error);
		let view = self.chain.at(At::Finalised).await?.settled().await?;
		let Some(job) = view.job(id).await? else { return Ok(()) };
		match job.phase(view.tick().await?) {
			Phase::Proving(lock) if lock.pod == self.account => {},
			_ => return Ok(()),
		}
		self.submit(&calls::jobs::discard(id)).await?;
		tracing::warn!(job = %id, "discarded");
		self.decline(id, NEVER, "could not be proved");
		self.metrics.step("discarded");
		Ok(())
	}

	/// Submits a call and waits until it is in a block: the next decision sees its effect.
	async fn submit(&self, call: &impl Call) -> Result<()> {
		self.chain.submit(call, &self.signer, Inclusion::Best).await?;
		Ok(())
	}

	/// Does not ask for this job before that tick.
	fn decline(&self, id: JobId, until: Tick, reason: &str) {
		tracing::info!(job = %id, reason, "declined");
		self.metrics.step("declined");
		guard(&self.declined).insert(id, until);
	}

	fn report(&self, job: Option<JobId>, error: &Error) {
		self.metrics.error(error.code());
		match job {
			Some(job) => tracing::error!(code = error.code(), %job, "{error}"),
			None => tracing::error!(code = error.code(), "{error}"),
		}
	}
}

/// A job's place among those that are being driven.
struct Place<'a> {
	worker: &'a Worker,
	id: JobId,
}

impl Drop for Place<'_> {
	fn drop(&mut self) {
		guard(&self.worker.taken).remove(&self.id);
		guard(&self.worker.driven).remove(&self.id);
	}
}
