// SPDX-License-Identifier: Apache-2.0

//! Proofs, one at a time, and what becomes of those that cannot be made: before the acknowledgement
//! the pod lets its lock lapse, after it the job is given up.

use super::{guard, Worker};
use crate::{
	error::{Error, Result},
	models::ServedModel,
};
use proofpod_client::{chain::calls, sealing::Delivery, settlement::Expected, Job};
use proofpod_primitives::{statement::OutputElements, JobId, ProofBytes, Tick};
use proofpod_zkml::{commitment::Secrets, progress::Monitor, prover::ProverError};
use std::sync::{
	atomic::{AtomicBool, Ordering},
	Arc,
};
use tokio::sync::{Notify, SemaphorePermit};

/// A result with its proof, which verifies.
#[derive(Clone)]
pub(super) struct Proof {
	proof: ProofBytes,
	output: OutputElements,
}

/// Sets a flag when dropped.
struct GivenUp(Arc<AtomicBool>);

impl Drop for GivenUp {
	fn drop(&mut self) {
		self.0.store(true, Ordering::Relaxed);
	}
}

/// The prover, in use. Whoever has waited for it is driven again when it is free.
struct Turn<'a> {
	permit: Option<SemaphorePermit<'a>>,
	ended: &'a Notify,
}

impl Drop for Turn<'_> {
	fn drop(&mut self) {
		drop(self.permit.take());
		self.ended.notify_one();
	}
}

impl Worker {
	/// Proves a job that this pod has locked, before it acknowledges it, and keeps the proof; whether
	/// there is one now.
	///
	/// This does not wait for its turn, and begins nothing that cannot end in time: a client that
	/// delivers at the last moment must not keep those waiting that were acknowledged, or came in time.
	/// A job that cannot be proved is left to lapse, as one whose input never came: it is not this
	/// pod's fault, and whoever made it so pays as much.
	pub(super) async fn prove_first(
		&self,
		id: JobId,
		job: &Job,
		now: Tick,
		model: Arc<ServedModel>,
		opened: (Delivery, Secrets),
	) -> Result<bool> {
		if guard(&self.unproved).contains(&id) {
			return Ok(false);
		}
		let lock = job.state.lock();
		if !lock.is_some_and(|lock| self.schedule.leaves_time(model.prove_time, lock, now)) {
			guard(&self.unproved).insert(id);
			tracing::info!(job = %id, "too late to prove before the acknowledgement");
			self.metrics.step("late");
			return Ok(false);
		}
		if self.owes_a_proof() {
			return Ok(false);
		}
		let Ok(permit) = self.proving.try_acquire() else { return Ok(false) };
		match self.prove(id, job, model, opened, permit).await {
			Ok(proof) => {
				guard(&self.proofs).insert(id, proof);
				Ok(true)
			},
			Err(error) => {
				self.report(Some(id), &error);
				tracing::info!(job = %id, "could not be proved, and is not acknowledged");
				Ok(false)
			},
		}
	}

	/// Whether an acknowledged job has no proof, as after a restart: its bond is at risk.
	fn owes_a_proof(&self) -> bool {
		let is_over =
			|id: &JobId| guard(&self.proofs).contains_key(id) || guard(&self.unproved).contains(id);
		self.deliveries.status().iter().any(|(id, step)| *step == "proving" && !is_over(id))
	}

	/// Submits the result of an acknowledged job, or gives the job up.
	pub(super) async fn submit_result(
		&self,
		id: JobId,
		job: &Job,
		model: Arc<ServedModel>,
	) -> Result<()> {
		let failed = |reason: &str| Error::Proving { job: id, reason: reason.into() };
		if guard(&self.unproved).contains(&id) {
			return self.discard(id, failed("its proof has failed before")).await;
		}
		let kept = guard(&self.proofs).get(&id).cloned();
		let proof = match kept {
			Some(proof) => proof,
			None => {
				let opened = match self.deliveries.opened(id) {
					Ok(Some(opened)) => opened,
					Ok(None) => {
						let gone = "it was acknowledged, but the journal no longer has its input";
						return self.discard(id, failed(gone)).await;
					},
					Err(error @ Error::Journal(_)) => return Err(error),
					Err(error) => return self.discard(id, error).await,
				};
				let permit = self.proving.acquire().await;
				let permit = permit.map_err(|error| Error::Task(error.to_string()))?;
				match self.prove(id, job, model, opened, permit).await {
					Ok(proof) => proof,
					Err(error) => return self.discard(id, error).await,
				}
			},
		};
		// Kept until the job has ended: the result may have to be submitted again.
		guard(&self.proofs).insert(id, proof.clone());
		self.submit(&calls::jobs::submit_result(id, proof.proof, proof.output)).await?;
		tracing::info!(job = %id, "settled");
		self.metrics.step("settled");
		Ok(())
	}

	/// Infers, proves, and verifies as the chain will. What fails once is not tried again while the pod
	/// has the job.
	async fn prove(
		&self,
		id: JobId,
		job: &Job,
		model: Arc<ServedModel>,
		opened: (Delivery, Secrets),
		permit: SemaphorePermit<'_>,
	) -> Result<Proof> {
		let _turn = Turn { permit: Some(permit), ended: &self.proved };
		let proved = self.prove_in_turn(id, job, model, opened).await;
		if let Err(error) = &proved {
			guard(&self.unproved).insert(id);
			if let Error::OwnProof { .. } = error {
				guard(&self.spoilt).insert(job.request.model);
				tracing::error!(
					model = %job.request.model,
					"under an honest key every proof verifies: the pod takes no more jobs of this model"
				);
			}
		}
		proved
	}

	async fn prove_in_turn(
		&self,
		id: JobId,
		job: &Job,
		model: Arc<ServedModel>,
		(delivery, secrets): (Delivery, Secrets),
	) -> Result<Proof> {
		let (genesis, request, pod) = (self.chain.genesis(), job.request.clone(), self.account);
		// A worker that ends no longer waits for the proof: nobody needs it then.
		let unwanted = Arc::new(AtomicBool::new(false));
		let _given_up = GivenUp(unwanted.clone());
		let own_proof = move |reason| Error::OwnProof { job: id, reason };
		let proved = tokio::task::spawn_blocking(move || -> Result<_> {
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
				.map_err(|error| match error {
					ProverError::Unverified(_) => own_proof(error.to_string()),
					_ => Error::Proving { job: id, reason: error.to_string() },
				})?;
			model
				.verify(&proved.proof, &expected.statement(pod, &proved.output).public_inputs())
				.map_err(own_proof)?;
			Ok((proved, start.elapsed()))
		})
		.await
		.map_err(|error| Error::Task(error.to_string()))?;
		let (proved, elapsed) = proved?;
		self.metrics.proving.observe(elapsed.as_secs_f64());
		tracing::info!(job = %id, milliseconds = elapsed.as_millis() as u64, "proved");
		let output = proved.output.try_into().map_err(|_| Error::Proving {
			job: id,
			reason: "the output has more elements than the chain takes".into(),
		})?;
		Ok(Proof { proof: proved.proof, output })
	}
}
