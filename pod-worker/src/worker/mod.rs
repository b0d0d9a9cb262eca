// SPDX-License-Identifier: Apache-2.0

//! The worker's loop. After every finalised block, and whenever a delivery arrives, it compares
//! what the chain says with what it should be doing, and drives each of its jobs one step on:
//!
//! | the chain says | the worker |
//! |---|---|
//! | open, and it can do it in time | locks it |
//! | locked by this pod, input delivered | acknowledges |
//! | being proved by this pod | infers, proves, verifies its own proof, submits |
//! | locked by this pod, but the client let the window pass | has the lock undone |
//! | locked or being proved, and the pod cannot do it | gives it back, or up for the smaller slash |
//!
//! It takes only jobs whose opening is finalised, so that on every fork a job's number means the
//! same job. From there on it acts on best blocks: its own calls follow one another by nonce, so no
//! fork holds an acknowledgement without the lock, or a result without the acknowledgement.
//!
//! It keeps nothing else than the deliveries, and each of them until its job's end is finalised. So
//! a restart or a fork at any moment loses nothing: the next block tells it where it was.

use crate::{
	config::WorkConfig,
	deliveries::Deliveries,
	error::{Error, Result},
	metrics::Metrics,
	models::{ServedModel, ServedModels},
};
use proofpod_client::{
	amount::{Amount, POD},
	chain::{calls, At, Call, Chain, ChainError, Inclusion, PodView, View},
	keys::Signer,
	settlement::Expected,
	AccountId, Job,
};
use proofpod_primitives::{
	job::{Phase, StoredState, Undone},
	pod::{PodState, PrivacyTier},
	Balance, JobId, Tick, Ticks,
};
use proofpod_zkml::progress::Monitor;
use std::{
	collections::{BTreeMap, BTreeSet},
	sync::{
		atomic::{AtomicBool, Ordering},
		Arc, Mutex, MutexGuard, PoisonError,
	},
	time::Duration,
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Ticks after which a job that this pod could not lock is worth another attempt.
const RETRY_TICKS: Ticks = 20;
/// A tick that never comes.
const NEVER: Tick = Tick(u32::MAX);
/// Left on the account, beside a job's bond, for fees.
const FEE_RESERVE: Balance = POD / 10;
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
	/// Time between two blocks.
	block_time: Duration,
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
		Arc::new(Self {
			account,
			chain,
			signer,
			models,
			deliveries,
			metrics,
			work,
			block_time,
			beating: AtomicBool::new(false),
			capped: AtomicBool::new(false),
			proving: Semaphore::new(1),
			driven: Default::default(),
			taken: Default::default(),
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
				let claim = Claim {
					prove_time: model.map_or(Duration::ZERO, |model| model.prove_time),
					prove_by: lock.prove_by,
					window: job.request.windows.prove,
				};
				held.insert(*id, claim);
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
		guard(&self.declined).retain(|_, until| now < *until);
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

	/// Locks what the pod can finish beside the jobs that it holds.
	async fn take_jobs(
		self: &Arc<Self>,
		view: &View,
		pod: &PodView,
		jobs: &[(JobId, Job)],
		opened: &BTreeSet<JobId>,
		mut held: BTreeMap<JobId, Claim>,
		driven: &BTreeSet<JobId>,
	) -> Result<()> {
		if !pod.state.takes_jobs() || self.spare(view, self.signer.account()).await? == 0 {
			return Ok(());
		}
		let (now, profile) = (pod.now, &pod.record.profile);
		self.warn_of_losses(pod, jobs);
		let risk = self.work.max_bond.map_or(Balance::MAX, |limit| limit.0);
		let mut free = self.spare(view, self.account).await?.min(pod.headroom);
		// Locks that are on their way count as if they were there.
		for (id, taken) in guard(&self.taken).iter() {
			if held.insert(*id, taken.claim).is_none() {
				free = free.saturating_sub(taken.bond);
			}
		}
		for (id, job) in jobs {
			if held.len() >= self.work.jobs as usize {
				break;
			}
			let wanted = opened.contains(id)
				&& matches!(job.phase(now), Phase::Open { .. })
				&& !driven.contains(id)
				&& !guard(&self.declined).contains_key(id)
				&& job.terms.bond <= free.min(risk)
				&& job.request.windows.acknowledge <= self.work.max_acknowledge_window
				&& self.suits_tier(job)
				&& !job.barred.contains(&self.account)
				&& !self.has_failed(job)
				&& job.request.requirements.admit(
					&self.account,
					&profile.regions,
					pod.reputation,
					// Whether somebody attests it is the chain's to say.
					|tag| tag.attested_by.is_some() || profile.tags.contains(&tag.tag),
				);
			let Some(claim) = wanted.then(|| self.claim(job, now)).flatten() else { continue };
			if self.can_finish(&claim, &held, now) {
				let bond = job.terms.bond;
				free = free.saturating_sub(bond);
				held.insert(*id, claim);
				guard(&self.taken).insert(*id, Taken { claim, bond });
				self.spawn_drive(*id);
			}
		}
		Ok(())
	}

	/// Says once, and again when it comes back, that losses keep the pod from jobs: only its owner
	/// can change that.
	fn warn_of_losses(&self, pod: &PodView, jobs: &[(JobId, Job)]) {
		let kept_from = |job: &Job| {
			matches!(job.phase(pod.now), Phase::Open { .. })
				&& is_lost_to(job.terms.bond, pod.headroom, pod.record.lost)
		};
		let capped = jobs.iter().any(|(_, job)| kept_from(job));
		if capped && !self.capped.swap(capped, Ordering::Relaxed) {
			tracing::warn!(
				lost = %Amount(pod.record.lost),
				left = %Amount(pod.headroom),
				"what this pod's jobs have lost counts against its cap, and it cannot take some jobs: \
				 find out why they failed; then its owner's account sends `proofpod pods bond 0`, or \
				 `proofpod pods operator` with the same operator or another"
			);
		}
		self.capped.store(capped, Ordering::Relaxed);
	}

	/// What an account can spend beside fees.
	async fn spare(&self, view: &View, account: AccountId) -> Result<Balance> {
		Ok(view.balance(account).await?.free.saturating_sub(FEE_RESERVE))
	}

	/// What the job would ask of this pod if it locked it now; nothing when the model is not served
	/// or the price too low.
	fn claim(&self, job: &Job, now: Tick) -> Option<Claim> {
		let model = self.models.get(&job.request.model)?;
		let prove_by = now.after(job.request.windows.acknowledge).after(job.request.windows.prove);
		(job.price_at(now) >= model.min_price).then_some(Claim {
			prove_time: model.prove_time,
			prove_by,
			window: job.request.windows.prove,
		})
	}

	/// Whether all proofs, made one after the other, fit the new job's window and what is left of
	/// the others' time, with the configured margin.
	fn can_finish(&self, new: &Claim, held: &BTreeMap<JobId, Claim>, now: Tick) -> bool {
		let proofs: Duration = held.values().map(|claim| claim.prove_time).sum();
		let needed = proofs.saturating_add(new.prove_time).saturating_mul(self.work.time_margin);
		// A tick lasts a block at least.
		let fits = |ticks: Ticks| needed <= self.block_time.saturating_mul(ticks);
		fits(new.window) && held.values().all(|claim| fits(claim.prove_by.since(now)))
	}

	/// Whether this pod is the last that did not prove the job. Clients that name their pods let
	/// them try again; what failed once would cost a bond each time.
	fn has_failed(&self, job: &Job) -> bool {
		let overdue = match &job.state {
			StoredState::Proving(lock) => Some(lock.pod),
			_ => None,
		};
		let failed = job.failure.as_ref().map(|failure| failure.pod);
		overdue.or(failed) == Some(self.account)
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
			let view = self.chain.at(At::Best).await?.settled().await?;
			let Some(job) = view.job(id).await? else { return Ok(()) };
			let now = view.tick().await?;
			let Some(model) = self.models.get(&job.request.model) else {
				return self.give_back(id, &job, now, self.unserved(id)).await;
			};
			match job.phase(now) {
				Phase::Open { undone: Some(Undone::Lapsed(lock)) } if lock.pod == self.account => {
					self.submit(&calls::jobs::poke(id)).await?;
					self.decline(id, NEVER, "its client did not deliver the input in time");
					self.metrics.step("lapsed");
					return Ok(());
				},
				Phase::Open { .. } => {
					if guard(&self.declined).contains_key(&id) {
						return Ok(());
					}
					match self.submit(&calls::jobs::lock(id, model.min_price)).await {
						Ok(()) => {
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
					if self.deliveries.opened(id)?.is_none() {
						return Ok(());
					}
					self.submit(&calls::jobs::acknowledge(id)).await?;
					tracing::info!(job = %id, "acknowledged");
					self.metrics.step("acknowledged");
				},
				Phase::Proving(lock) if lock.pod == self.account => {
					self.deliveries.expect(id, &job, lock, model.input_len(), "proving");
					return self.prove_and_submit(id, &job, model.clone()).await;
				},
				_ => return Ok(()),
			}
		}
	}

	async fn prove_and_submit(&self, id: JobId, job: &Job, model: Arc<ServedModel>) -> Result<()> {
		let missing = || Error::Proving {
			job: id,
			reason: "it was acknowledged, but the journal no longer has its input".into(),
		};
		let (delivery, secrets) = match self.deliveries.opened(id) {
			Ok(Some(opened)) => opened,
			Ok(None) => return self.discard(id, missing()).await,
			Err(error @ Error::Journal(_)) => return Err(error),
			Err(error) => return self.discard(id, error).await,
		};
		let (genesis, request, pod) = (self.chain.genesis(), job.request.clone(), self.account);
		let turn = self.proving.acquire().await.map_err(|error| Error::Task(error.to_string()))?;
		// A worker that ends no longer waits for the proof: nobody needs it then.
		let unwanted = Arc::new(AtomicBool::new(false));
		let _given_up = GivenUp(unwanted.clone());
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
				.prove(&binding, &delivery.input, &secrets, Monitor::none().cancelled_by(&unwanted))
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
		Ok(())
	}

	fn unserved(&self, id: JobId) -> Error {
		Error::Proving { job: id, reason: "this pod does not serve its model any more".into() }
	}

	/// Parts with a job that this pod cannot do: for the lapse fee before the acknowledgement, for
	/// the smaller slash after it.
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

/// Whether a job with this bond would fit what a pod may still take, had it lost nothing.
fn is_lost_to(bond: Balance, headroom: Balance, lost: Balance) -> bool {
	bond > headroom && bond <= headroom.saturating_add(lost)
}

/// What a job takes that is being locked.
struct Taken {
	claim: Claim,
	/// Not yet held on the chain.
	bond: Balance,
}

/// What a job asks of this pod.
#[derive(Clone, Copy)]
struct Claim {
	/// How long its proof takes here.
	prove_time: Duration,
	/// Last tick for the result.
	prove_by: Tick,
	/// Ticks that the job allows for the proof.
	window: Ticks,
}

/// Sets a flag when dropped.
struct GivenUp(Arc<AtomicBool>);

impl Drop for GivenUp {
	fn drop(&mut self) {
		self.0.store(true, Ordering::Relaxed);
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

#[cfg(test)]
mod tests {
	use super::is_lost_to;

	#[test]
	fn losses_are_named_only_for_jobs_that_they_keep_away() {
		assert!(is_lost_to(10, 9, 1));
		assert!(!is_lost_to(10, 10, 1), "it fits");
		assert!(!is_lost_to(11, 9, 1), "it would not fit anyway");
		assert!(!is_lost_to(10, 9, 0));
	}
}
