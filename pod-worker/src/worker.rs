// SPDX-License-Identifier: Apache-2.0

//! The worker's loop. After every finalised block, and whenever a delivery arrives, it compares
//! what the chain says with what it should be doing, and drives each of its jobs one step on:
//!
//! | the chain says | the worker |
//! |---|---|
//! | open, and it can do it in time | locks it |
//! | locked by this pod, input delivered | acknowledges |
//! | being proved by this pod | infers, proves, verifies its own proof, submits |
//! | locked by this pod, but the client let the window pass | gives the lock back |
//!
//! It takes only jobs whose opening is finalised, so that on every fork a job's number means the
//! same job. From there on it acts on best blocks: its own calls follow one another by nonce, so no
//! fork holds an acknowledgement without the lock, or a result without the acknowledgement.
//!
//! It keeps nothing else than the deliveries, so a restart at any moment loses nothing: the next
//! finalised block tells it where it was.

use crate::{
	config::WorkConfig,
	deliveries::Deliveries,
	error::{Error, Result},
	metrics::Metrics,
	models::{ServedModel, ServedModels},
};
use proofpod_client::{
	chain::{calls, At, Call, Chain, ChainError, Inclusion, View},
	keys::Signer,
	settlement::Expected,
	AccountId, Job,
};
use proofpod_primitives::{job::Phase, pod::PrivacyTier, JobId, ModelId};
use std::{
	collections::BTreeSet,
	sync::{Arc, Mutex, MutexGuard, PoisonError},
	time::Duration,
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Pause before asking a node again that did not answer.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// One pod at work.
pub struct Worker {
	chain: Chain,
	signer: Signer,
	account: AccountId,
	models: ServedModels,
	deliveries: Arc<Deliveries>,
	metrics: Arc<Metrics>,
	work: WorkConfig,
	/// Time between two blocks.
	block_time: Duration,
	/// A proof uses all cores: one at a time.
	proving: Semaphore,
	/// Jobs that a task is driving now.
	driven: Mutex<BTreeSet<JobId>>,
	/// Jobs that the chain did not let this pod lock: asking again would only cost fees.
	declined: Mutex<BTreeSet<JobId>>,
}

fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
	mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Worker {
	/// A worker for the signer's pod, which must be registered.
	pub fn new(
		chain: Chain,
		signer: Signer,
		models: ServedModels,
		deliveries: Arc<Deliveries>,
		metrics: Arc<Metrics>,
		work: WorkConfig,
		block_time: Duration,
	) -> Arc<Self> {
		Arc::new(Self {
			account: signer.account(),
			chain,
			signer,
			models,
			deliveries,
			metrics,
			work,
			block_time,
			proving: Semaphore::new(1),
			driven: Default::default(),
			declined: Default::default(),
		})
	}

	/// Works until the token is cancelled.
	///
	/// # Errors
	/// When the chain's runtime no longer fits this worker. A node that does not answer is no
	/// error: the worker waits for it.
	pub async fn run(self: Arc<Self>, stop: CancellationToken) -> Result<()> {
		while !stop.is_cancelled() {
			let followed = tokio::select! {
				() = stop.cancelled() => return Ok(()),
				followed = self.follow() => followed,
			};
			let Err(error) = followed;
			if let Error::Chain(ChainError::Incompatible { .. }) = error {
				return Err(error);
			}
			self.report(None, &error);
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
			};
			self.reconcile(&view).await?;
		}
	}

	/// Compares the chain's state with what the worker is doing.
	async fn reconcile(self: &Arc<Self>, finalised: &View) -> Result<()> {
		self.metrics.finalised.set(finalised.block().number.into());
		let view = self.chain.at(At::Best).await?;
		let now = view.block().number;
		let jobs = view.jobs().await?;
		let opened: BTreeSet<_> = finalised.jobs().await?.into_iter().map(|(id, _)| id).collect();
		let mut held = BTreeSet::new();
		for (id, job) in &jobs {
			let (lock, step) = match job.phase(now) {
				Phase::Locked(lock) => (lock, "locked"),
				Phase::Proving(lock) => (lock, "proving"),
				Phase::Open { lapsed: Some(lock) } => (lock, "lapsed"),
				_ => continue,
			};
			if lock.pod == self.account {
				held.insert(*id);
				self.deliveries.expect(*id, job, lock, step);
			}
		}
		let driven = guard(&self.driven).clone();
		// A job that is being driven may be further than this view.
		self.deliveries.retain(|id| held.contains(&id) || driven.contains(&id))?;
		guard(&self.declined).retain(|id| jobs.iter().any(|(live, _)| live == id));
		self.metrics.live_jobs.set(held.len() as i64);
		let mut busy: BTreeSet<_> = held.union(&driven).copied().collect();
		for id in held {
			self.spawn_drive(id);
		}
		let Some(pod) = view.pod(self.account).await? else { return Ok(()) };
		for (id, job) in &jobs {
			if busy.len() >= self.work.jobs as usize {
				break;
			}
			let eligible = opened.contains(id)
				&& matches!(job.phase(now), Phase::Open { .. })
				&& !guard(&self.declined).contains(id)
				&& self.can_finish(job, now, busy.len())
				&& job.request.requirements.admit(
					&self.account,
					pod.profile.region,
					pod.record.reputation(),
				) && self.suits_tier(job);
			if eligible && busy.insert(*id) {
				self.spawn_drive(*id);
			}
		}
		Ok(())
	}

	/// Whether the job's model is served, its price is right, and its deadline leaves enough time
	/// even behind the jobs that this pod already has.
	fn can_finish(&self, job: &Job, now: u32, queued: usize) -> bool {
		let Some(model) = self.models.get(&job.request.model) else { return false };
		let queue = u32::try_from(queued.saturating_add(1)).unwrap_or(u32::MAX);
		let needed = model.prove_time.saturating_mul(queue.saturating_mul(self.work.time_margin));
		let allowed = self.block_time.saturating_mul(job.request.windows.prove);
		job.price_at(now) >= model.min_price && needed <= allowed
	}

	/// A job that must stay on its owner's machine names that machine's pod.
	fn suits_tier(&self, job: &Job) -> bool {
		match job.request.requirements.tier {
			PrivacyTier::Local => !job.request.requirements.pods.is_empty(),
			PrivacyTier::Sealed => true,
		}
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
		loop {
			let view = self.chain.at(At::Best).await?;
			let Some(job) = view.job(id).await? else { return Ok(()) };
			let Some(model) = self.models.get(&job.request.model) else { return Ok(()) };
			match job.phase(view.block().number) {
				Phase::Open { lapsed: Some(lock) } if lock.pod == self.account => {
					self.submit(&calls::jobs::poke(id)).await?;
					self.decline(id, "its client did not deliver the input in time");
					self.metrics.step("lapsed");
					return Ok(());
				},
				Phase::Open { .. } => {
					if guard(&self.declined).contains(&id) {
						return Ok(());
					}
					match self.submit(&calls::jobs::lock(id, model.min_price)).await {
						Ok(()) => {
							tracing::info!(job = %id, model = model.name(), "locked");
							self.metrics.step("locked");
						},
						Err(Error::Chain(error)) if !error.is_transient() => {
							self.decline(id, &error.to_string());
							return Ok(());
						},
						Err(error) => return Err(error),
					}
				},
				Phase::Locked(lock) if lock.pod == self.account => {
					self.deliveries.expect(id, &job, lock, "locked");
					let Some((delivery, _)) = self.deliveries.opened(id)? else { return Ok(()) };
					if delivery.input.len() != model.manifest.input_len as usize {
						self.submit(&calls::jobs::release(id)).await?;
						self.decline(id, "the delivered input does not have the model's length");
						return Ok(());
					}
					self.submit(&calls::jobs::acknowledge(id)).await?;
					tracing::info!(job = %id, "acknowledged");
					self.metrics.step("acknowledged");
				},
				Phase::Proving(lock) if lock.pod == self.account => {
					self.deliveries.expect(id, &job, lock, "proving");
					return self.prove_and_submit(id, &job, model.clone()).await;
				},
				_ => return Ok(()),
			}
		}
	}

	async fn prove_and_submit(&self, id: JobId, job: &Job, model: Arc<ServedModel>) -> Result<()> {
		let Some((delivery, secrets)) = self.deliveries.opened(id)? else {
			// Acknowledged, so it was delivered once: the journal was lost. Giving up now costs
			// less than the deadline.
			let error =
				Error::Proving { job: id, reason: "the journal no longer has its input".into() };
			return self.discard(id, error).await;
		};
		let (genesis, request, pod) = (self.chain.genesis(), job.request.clone(), self.account);
		let turn = self.proving.acquire().await.map_err(|error| Error::Task(error.to_string()))?;
		let proved = tokio::task::spawn_blocking(move || {
			let start = std::time::Instant::now();
			let expected = Expected {
				genesis,
				job: id,
				manifest: &model.manifest,
				input: request.input,
				output_key: request.output_key,
			};
			// The binding does not depend on the output, which only the inference tells.
			let binding = expected.statement(pod, &[]).binding();
			let proved = model
				.prove(&binding, &delivery.input, &secrets)
				.map_err(|reason| Error::Proving { job: id, reason })?;
			model
				.verify(&proved.proof, &expected.statement(pod, &proved.output).public_inputs())
				.map_err(|reason| Error::OwnProof { job: id, reason })?;
			Ok((proved, start.elapsed()))
		})
		.await
		.map_err(|error| Error::Task(error.to_string()))?;
		drop(turn);
		let (proved, elapsed) = match proved {
			Ok(proved) => proved,
			Err(error) => return self.discard(id, error).await,
		};
		self.metrics.proving.observe(elapsed.as_secs_f64());
		tracing::info!(job = %id, milliseconds = elapsed.as_millis() as u64, "proved");
		let output = proved.output.try_into().map_err(|_| Error::Proving {
			job: id,
			reason: "the output has more elements than the chain takes".into(),
		})?;
		self.submit(&calls::jobs::submit_result(id, proved.proof, output)).await?;
		tracing::info!(job = %id, "settled");
		self.metrics.step("settled");
		self.deliveries.retain(|other| other != id)
	}

	/// Gives up a job that cannot be proved: the slash is smaller than for a missed deadline.
	async fn discard(&self, id: JobId, error: Error) -> Result<()> {
		self.report(Some(id), &error);
		self.submit(&calls::jobs::discard(id)).await?;
		tracing::warn!(job = %id, "discarded");
		self.metrics.step("discarded");
		Ok(())
	}

	/// Submits a call and waits until it is in a block: the next decision sees its effect.
	async fn submit(&self, call: &impl Call) -> Result<()> {
		self.chain.submit(call, &self.signer, Inclusion::Best).await?;
		Ok(())
	}

	fn decline(&self, id: JobId, reason: &str) {
		tracing::info!(job = %id, reason, "declined");
		self.metrics.step("declined");
		guard(&self.declined).insert(id);
	}

	fn report(&self, job: Option<JobId>, error: &Error) {
		self.metrics.error(error.code());
		match job {
			Some(job) => tracing::error!(code = error.code(), %job, "{error}"),
			None => tracing::error!(code = error.code(), "{error}"),
		}
	}

	/// Models that this worker serves.
	pub fn served(&self) -> impl Iterator<Item = &ModelId> {
		self.models.keys()
	}
}

/// A job's place among those that are being driven.
struct Place<'a> {
	worker: &'a Worker,
	id: JobId,
}

impl Drop for Place<'_> {
	fn drop(&mut self) {
		guard(&self.worker.driven).remove(&self.id);
	}
}
