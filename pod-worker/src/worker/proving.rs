// SPDX-License-Identifier: Apache-2.0

//! Proofs, one at a time, and what becomes of those that cannot be made: before the acknowledgement
//! the pod lets its lock lapse, after it the job is given up.

use super::{guard, Worker, NEVER};
use crate::{
	error::{Error, Result},
	models::ServedModel,
};
use proofpod_client::{chain::calls, settlement::Expected, Job, Lock};
use proofpod_primitives::{statement::OutputElements, JobId, ProofBytes, Tick};
use proofpod_zkml::{progress::Monitor, prover::ProverError};
use std::sync::{
	atomic::{AtomicBool, Ordering},
	Arc,
};
use tokio::sync::SemaphorePermit;

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

impl Worker {
	/// Proves a job before it is acknowledged, and keeps the proof; whether there is one now.
	///
	/// This does not wait for its turn, and begins nothing that cannot end in time: a client that
	/// delivers at the last moment must not keep those waiting that were acknowledged, or came in time.
	/// A job that cannot be proved is left to lapse, as one whose input never came: it is not this
	/// pod's fault, and whoever made it so pays as much.
	pub(super) async fn prove_first(
		&self,
		id: JobId,
		job: &Job,
		lock: &Lock,
		now: Tick,
		model: Arc<ServedModel>,
	) -> Result<bool> {
		let in_time = self.fits(model.prove_time, lock.acknowledge_by.since(now));
		if !in_time || guard(&self.unproved).contains(&id) {
			return Ok(false);
		}
		let Ok(turn) = self.proving.try_acquire() else { return Ok(false) };
		match self.prove(id, job, model, turn).await {
			Ok(proof) => {
				guard(&self.proofs).insert(id, proof);
				Ok(true)
			},
			Err(error @ (Error::Proving { .. } | Error::OwnProof { .. } | Error::Task(_))) => {
				self.report(Some(id), &error);
				guard(&self.unproved).insert(id);
				self.decline(id, NEVER, "could not be proved, and was not acknowledged");
				Ok(false)
			},
			Err(error) => Err(error),
		}
	}

	/// Submits the result of an acknowledged job, or gives the job up.
	pub(super) async fn submit_result(
		&self,
		id: JobId,
		job: &Job,
		model: Arc<ServedModel>,
	) -> Result<()> {
		let kept = guard(&self.proofs).get(&id).cloned();
		let proof = match kept {
			Some(proof) => proof,
			None => {
				let turn = self.proving.acquire().await;
				let turn = turn.map_err(|error| Error::Task(error.to_string()))?;
				match self.prove(id, job, model, turn).await {
					Ok(proof) => proof,
					Err(error @ (Error::Journal(_) | Error::Task(_))) => return Err(error),
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

	/// Infers, proves, and verifies as the chain will, in this job's turn.
	async fn prove(
		&self,
		id: JobId,
		job: &Job,
		model: Arc<ServedModel>,
		turn: SemaphorePermit<'_>,
	) -> Result<Proof> {
		let failed = |reason: &str| Error::Proving { job: id, reason: reason.into() };
		let Some((delivery, secrets)) = self.deliveries.opened(id)? else {
			return Err(failed("the journal no longer has its input"));
		};
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
		drop(turn);
		self.proved.notify_one();
		if let Err(Error::OwnProof { .. }) = proved {
			guard(&self.spoilt).insert(job.request.model);
			tracing::error!(
				model = %job.request.model,
				"under an honest key every proof verifies: the pod takes no more jobs of this model"
			);
		}
		let (proved, elapsed) = proved?;
		self.metrics.proving.observe(elapsed.as_secs_f64());
		tracing::info!(job = %id, milliseconds = elapsed.as_millis() as u64, "proved");
		let output = proved
			.output
			.try_into()
			.map_err(|_| failed("the output has more elements than the chain takes"))?;
		Ok(Proof { proof: proved.proof, output })
	}
}
