// SPDX-License-Identifier: Apache-2.0

//! The steps of a job, in order.

use super::{
	clock::Clock,
	watch::{Stage, Watch},
	ClientModel, JobError, JobReport, Prediction, Progress,
};
use crate::{
	amount::Amount,
	chain::{calls, At, Blocks, Chain, ChainError, Inclusion, JobEvent},
	delivery::Retries,
	keys::Signer,
	secrets::{JobSecrets, SecretsStore},
	settlement::{self, Expected},
	JobRequest, Outcome, Receipt, Requirements,
};
use proofpod_primitives::{
	job::{PriceRamp, Windows},
	manifest::OutputVisibility,
	BlockNumber, JobId, Scalar,
};
use proofpod_verifier::decode_scalar;
use proofpod_zkml::commitment::{self, Secrets};
use rand::rngs::OsRng;
use std::time::Duration;
use zeroize::Zeroizing;

/// Longest wait for a block before the node is asked anyway.
const BLOCK_TIMEOUT: Duration = Duration::from_secs(30);
/// Blocks for which a job may be unknown, because the block that opened it was replaced.
const UNKNOWN_BLOCKS: u32 = 20;
/// Failed looks at the chain in a row before the client gives up.
const MAX_FAILURES: u32 = 20;

/// What a client offers for a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
	/// What it pays.
	pub price: PriceRamp,
	/// How long each step may take.
	pub windows: Windows,
	/// Which pods may do it.
	pub requirements: Requirements,
}

/// Runs jobs for one account.
#[derive(Clone, Debug)]
pub struct JobClient {
	/// The connection.
	pub chain: Chain,
	/// Who pays.
	pub signer: Signer,
	/// Where the keys are kept.
	pub store: SecretsStore,
	/// How hard to try with each block to deliver the input.
	pub retries: Retries,
	/// Whether the end must be finalised before the report is made.
	pub inclusion: Inclusion,
}

impl JobClient {
	/// A client with the usual patience.
	pub fn new(chain: Chain, signer: Signer, store: SecretsStore) -> Self {
		let pause = Duration::from_millis(500);
		let retries = Retries {
			attempts: 10,
			pause,
			max_pause: pause,
			timeout: Duration::from_secs(10),
			patience: Duration::from_secs(5),
		};
		Self { chain, signer, store, retries, inclusion: Inclusion::Best }
	}

	/// Runs a job from the record to the end. Whatever happens after the keys are kept, the job
	/// can be gone on with by [`Self::resume`].
	///
	/// # Errors
	/// See [`JobError`]. A job that ends without settling is no error: the report says so.
	pub async fn run(
		&self,
		model: &ClientModel,
		record: &[f32],
		offer: Offer,
		progress: &mut (dyn FnMut(Progress) + Send),
	) -> Result<JobReport, JobError> {
		let mut clock = Clock::start();
		let input =
			Zeroizing::new(model.interface.quantise_input(record).map_err(JobError::Input)?);
		self.check_funds(model, &offer).await?;
		self.forget_ended().await?;
		let secrets = draw_secrets(model, input);
		self.store.prepare(&secrets)?;
		clock.lap(|timings| &mut timings.prepare_ms);
		progress(Progress::Prepared);

		let (job, block) = self.open(model, &secrets, offer).await?;
		let secrets = self.store.assign(secrets.input_commitment, job)?;
		clock.lap(|timings| &mut timings.open_ms);
		progress(Progress::Opened { job, block });
		self.follow_and_finish(job, model, &secrets, Some(block), clock, progress).await
	}

	/// Goes on with a job of this client that is already open or has ended.
	///
	/// # Errors
	/// See [`JobError`].
	pub async fn resume(
		&self,
		job: JobId,
		model: &ClientModel,
		progress: &mut (dyn FnMut(Progress) + Send),
	) -> Result<JobReport, JobError> {
		let clock = Clock::start();
		let view = self.chain.at(At::Best).await?;
		let (record, receipt) = (view.job(job).await?, view.receipt(job).await?);
		let found = match (&record, &receipt) {
			(Some(record), _) => record.request.model,
			(_, Some(receipt)) => receipt.model,
			(None, None) => return Err(JobError::NoSuchJob { job }),
		};
		if found != model.id() {
			return Err(JobError::WrongModel { job, expected: model.id(), found });
		}
		let belongs = |secrets: &JobSecrets| match (&record, &receipt) {
			(Some(record), _) => secrets.input_commitment == record.request.input,
			(None, Some(receipt)) => match &receipt.outcome {
				Outcome::Settled { pod, statement, output, .. } => {
					let expected = self.expected(job, model, secrets);
					expected.statement(*pod, output).digest() == *statement
				},
				_ => secrets.job == Some(job),
			},
			(None, None) => false,
		};
		let secrets = self.store.claim(job, belongs)?.ok_or_else(|| JobError::NoSecrets {
			job,
			folder: self.store.folder().display().to_string(),
		})?;
		// The record says when it was opened in ticks, not in which block.
		self.follow_and_finish(job, model, &secrets, None, clock, progress).await
	}

	async fn check_funds(&self, model: &ClientModel, offer: &Offer) -> Result<(), JobError> {
		let view = self.chain.at(At::Best).await?;
		let id = model.id();
		let record = view.model(id).await?.ok_or(JobError::ModelNotRegistered { model: id })?;
		if record.deprecated {
			return Err(JobError::ModelDeprecated { model: id });
		}
		let account = self.signer.account();
		let deposit = view.job_terms(offer.price.max).await?.deposit;
		let needed = offer.price.max.saturating_add(deposit);
		let free = view.balance(account).await?.free;
		match free >= needed {
			true => Ok(()),
			false => Err(JobError::Balance { account, needed: Amount(needed), free: Amount(free) }),
		}
	}

	async fn open(
		&self,
		model: &ClientModel,
		secrets: &JobSecrets,
		offer: Offer,
	) -> Result<(JobId, BlockNumber), JobError> {
		let request = JobRequest {
			model: model.id(),
			input: secrets.input_commitment,
			output_key: secrets.output_key_commitment,
			price: offer.price,
			windows: offer.windows,
			requirements: offer.requirements,
		};
		let included =
			self.chain.submit(&calls::jobs::open(request), &self.signer, Inclusion::Best).await;
		let included = match included {
			Ok(included) => included,
			Err(error) => {
				// Only when the job was certainly not opened: otherwise the keys stay.
				if matches!(
					error,
					ChainError::Refused { .. }
						| ChainError::Pallet { .. }
						| ChainError::Dispatch { .. }
						| ChainError::Incompatible { .. }
				) {
					self.store.abandon(secrets.input_commitment)?;
				}
				return Err(error.into());
			},
		};
		let opened = included.job_events()?.into_iter().find_map(|event| match event {
			JobEvent::Opened { job, .. } => Some(job),
			_ => None,
		});
		Ok((opened.ok_or(JobError::NoNumber)?, included.block.number))
	}

	async fn follow_and_finish(
		&self,
		job: JobId,
		model: &ClientModel,
		secrets: &JobSecrets,
		opened: Option<BlockNumber>,
		mut clock: Clock,
		progress: &mut (dyn FnMut(Progress) + Send),
	) -> Result<JobReport, JobError> {
		let receipt = self.follow(job, secrets, &mut clock, progress).await?;
		progress(Progress::Ended { outcome: receipt.outcome.name(), block: receipt.block });
		clock.skip();
		let mut report = JobReport::of(job, model.name(), &receipt);
		report.opened_block = opened;
		if let Outcome::Settled { output, .. } = &receipt.outcome {
			report.settle_blocks = opened.map(|opened| receipt.block.saturating_sub(opened));
			report.prediction = Some(read_output(model, secrets, output)?);
			clock.lap(|timings| &mut timings.decrypt_ms);
			// The prediction is the client's whether or not the node still has the proof's block.
			match self.verify(job, model, secrets, &receipt).await {
				Ok(()) => {
					clock.lap(|timings| &mut timings.verify_ms);
					report.verified_offline = true;
					progress(Progress::Verified);
				},
				Err(error) => report.unverified_because = Some(error.to_string()),
			}
		}
		report.finalised = self.is_final(job, &receipt).await?;
		// Only a final end makes sure that the input is not asked for again.
		if report.finalised {
			self.store.forget_input(job)?;
		}
		report.timings = clock.stop();
		Ok(report)
	}

	/// Checks the proof in the block that settled a job.
	async fn verify(
		&self,
		job: JobId,
		model: &ClientModel,
		secrets: &JobSecrets,
		receipt: &Receipt,
	) -> Result<(), JobError> {
		let block = self.chain.at(At::Number(receipt.block)).await?;
		let expected = self.expected(job, model, secrets);
		let key = model.verifying_key(&block).await?;
		settlement::check(&block, receipt, &expected, &key).await?;
		Ok(())
	}

	/// Drops the inputs of jobs whose end has become final since this client last looked.
	async fn forget_ended(&self) -> Result<(), JobError> {
		let view = self.chain.at(At::Finalised).await?;
		for job in self.store.jobs()? {
			if view.receipt(job).await?.is_some() {
				self.store.forget_input(job)?;
			}
		}
		Ok(())
	}

	/// Watches the job and delivers its input, until it has a receipt.
	async fn follow(
		&self,
		job: JobId,
		secrets: &JobSecrets,
		clock: &mut Clock,
		progress: &mut (dyn FnMut(Progress) + Send),
	) -> Result<Receipt, JobError> {
		let mut watch = Watch::new(self, job, secrets);
		let mut blocks = self.chain.follow_best().await?;
		let mut failures = 0;
		loop {
			match self.look(&mut blocks, &mut watch, clock, progress).await {
				Ok(Some(receipt)) => {
					if watch.stage == Stage::Proving {
						clock.lap(|timings| &mut timings.prove_ms);
						watch.stage = Stage::Ended;
					}
					if self.inclusion == Inclusion::Best || self.is_final(job, &receipt).await? {
						return Ok(receipt);
					}
				},
				Ok(None) => failures = 0,
				Err(JobError::Chain(error)) if error.is_migration() => {
					tracing::info!("{error}");
					failures = 0;
				},
				Err(JobError::Chain(error)) if is_passing(&error) && failures < MAX_FAILURES => {
					tracing::debug!(%error, "looking again");
					failures += 1;
					tokio::time::sleep(Duration::from_millis(500)).await;
				},
				Err(error) => return Err(error),
			}
		}
	}

	/// One look at the chain, when there is a new block or none came for long.
	async fn look(
		&self,
		blocks: &mut Blocks,
		watch: &mut Watch<'_>,
		clock: &mut Clock,
		progress: &mut (dyn FnMut(Progress) + Send),
	) -> Result<Option<Receipt>, JobError> {
		let view = match tokio::time::timeout(BLOCK_TIMEOUT, blocks.next()).await {
			Ok(block) => block?.view().await?,
			Err(_) => self.chain.at(At::Best).await?,
		};
		let view = view.settled().await?;
		if let Some(receipt) = view.receipt(watch.job).await? {
			return Ok(Some(receipt));
		}
		match view.job(watch.job).await? {
			Some(job) => watch.advance(&view, &job, clock, progress).await?,
			None => {
				watch.unknown += 1;
				if watch.unknown > UNKNOWN_BLOCKS {
					return Err(JobError::NoSuchJob { job: watch.job });
				}
			},
		}
		Ok(None)
	}

	async fn is_final(&self, job: JobId, receipt: &Receipt) -> Result<bool, JobError> {
		let view = self.chain.at(At::Finalised).await?;
		Ok(view.receipt(job).await?.as_ref() == Some(receipt))
	}

	fn expected<'a>(
		&self,
		job: JobId,
		model: &'a ClientModel,
		secrets: &JobSecrets,
	) -> Expected<'a> {
		Expected {
			genesis: self.chain.genesis(),
			job,
			manifest: &model.manifest,
			input: secrets.input_commitment,
			output_key: secrets.output_key_commitment,
		}
	}
}

/// Whether the next block may make it good: the connection broke, or the block that was looked at
/// has been replaced.
fn is_passing(error: &ChainError) -> bool {
	error.is_transient() || matches!(error, ChainError::NoSuchBlock { .. })
}

fn draw_secrets(model: &ClientModel, input: Zeroizing<Vec<i8>>) -> JobSecrets {
	let drawn = Secrets::random(&mut OsRng);
	let (salt, output_key) = drawn.to_bytes();
	JobSecrets {
		model: model.id(),
		job: None,
		input_commitment: commitment::commit_input(&input, &drawn.salt),
		output_key_commitment: match model.manifest.output {
			OutputVisibility::Sealed => Some(commitment::commit_output_key(&drawn.output_key)),
			OutputVisibility::Public => None,
		},
		salt: Zeroizing::new(salt),
		output_key: Zeroizing::new(output_key),
		input: Some(input),
	}
}

/// Unseals and unpacks a job's output.
fn read_output(
	model: &ClientModel,
	secrets: &JobSecrets,
	output: &[Scalar],
) -> Result<Prediction, JobError> {
	let packed = match model.manifest.output {
		OutputVisibility::Sealed => {
			let keys = Secrets::from_bytes(&secrets.salt, &secrets.output_key)?;
			commitment::unseal(output, &keys.output_key)?
		},
		OutputVisibility::Public => {
			output.iter().map(decode_scalar).collect::<Result<_, _>>().map_err(JobError::Output)?
		},
	};
	let logits = model.interface.output.unpack(&packed)?;
	Ok(model.prediction(logits))
}

impl ClientModel {
	/// What these logits mean.
	pub fn prediction(&self, logits: Vec<i64>) -> Prediction {
		let class = self.interface.class(&logits);
		Prediction {
			class,
			label: self.interface.classes.get(class).cloned(),
			output: self.interface.dequantise_output(&logits),
			logits,
		}
	}
}

#[cfg(test)]
mod tests;
