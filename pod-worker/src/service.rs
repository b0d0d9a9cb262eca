// SPDX-License-Identifier: Apache-2.0

//! Starts a pod: keys, models, registration, HTTP, the worker; and stops it cleanly.

use crate::{
	config::Config,
	deliveries::Deliveries,
	error::{Error, Result},
	http,
	journal::Journal,
	metrics::Metrics,
	models::{ServedModel, ServedModels},
	worker::Worker,
};
use proofpod_client::{
	chain::{calls, At, Chain, Inclusion},
	keys::{self, Signer},
	sealing::DecryptionKey,
};
use proofpod_primitives::pod::{PodProfile, Region, ServedModel};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// Runs a pod until the token is cancelled. `dev` allows development accounts; `replace_key` lets a
/// registered pod start with a new encryption key when its own is lost.
///
/// # Errors
/// When the pod cannot start: keys, models, addresses, data folder, chain, registration. Once it
/// runs, only when the chain's runtime no longer fits it.
pub async fn run(
	config: Config,
	dev: bool,
	replace_key: bool,
	stop: CancellationToken,
) -> Result<()> {
	let signer = signer(&config, dev)?;
	let journal = Arc::new(Journal::open(&config.pod.data)?);
	let models = load_models(&config).await?;

	let chain = Chain::connect(&config.chain.url).await?;
	let genesis = chain.genesis();
	if let Some(expected) = config.chain.genesis.filter(|expected| *expected != genesis) {
		return Err(Error::WrongChain {
			expected: expected.to_string(),
			found: genesis.to_string(),
		});
	}

	let key = encryption_key(&config, replace_key, &chain, &signer).await?;
	let metrics = Arc::new(Metrics::default());
	let profile = profile(&config, &key, &models)?;
	let deliveries = Arc::new(Deliveries::new(genesis, signer.account(), key, journal));
	// Listening comes before registration: what the pod publishes must answer.
	let listener = http::bind(config.pod.listen).await?;
	let mut servers = tokio::task::JoinSet::new();
	servers.spawn(http::serve(listener, http::delivery_routes(deliveries.clone()), stop.clone()));
	if let Some(address) = config.work.metrics {
		let listener = http::bind(address).await?;
		let routes = http::operator_routes(metrics.clone(), deliveries.clone());
		servers.spawn(http::serve(listener, routes, stop.clone()));
	}

	let block_time = chain.block_time().await?;
	let worker = Worker::new(
		chain.clone(),
		signer.clone(),
		models,
		deliveries,
		metrics,
		config.work.clone(),
		block_time,
	);
	tokio::select! {
		() = stop.cancelled() => {},
		registered = register(&chain, &signer, profile) => {
			registered?;
			tracing::info!(
				account = %signer.account(),
				endpoint = config.pod.published_endpoint(),
				"the pod is registered and takes jobs"
			);
			worker.run(stop.clone()).await?;
		},
	}
	stop.cancel();
	// A client that stalls in the middle of a request must not keep the worker from ending.
	let finished = async {
		while let Some(server) = servers.join_next().await {
			server.map_err(|error| Error::Task(error.to_string()))??;
		}
		Ok::<_, Error>(())
	};
	tokio::time::timeout(STOP_PATIENCE, finished).await.unwrap_or(Ok(()))?;
	tracing::info!("stopped");
	Ok(())
}

fn signer(config: &Config, dev: bool) -> Result<Signer> {
	let signer =
		match (&config.pod.account_dev, &config.pod.account_file) {
			(Some(_), _) if !dev => return Err(Error::Key(
				"pod.account_dev is for development chains: use pod.account_file, or give --dev"
					.into(),
			)),
			(Some(uri), _) => Signer::development(uri),
			(None, Some(file)) => Signer::from_file(file),
			(None, None) => return Err(Error::Key("expected pod.account_file".into())),
		};
	signer.map_err(|error| Error::Key(error.to_string()))
}

/// The pod's encryption key. Its file is made at the first start only: a pod that is registered has
/// promised a key to clients, and must not publish another one by accident.
async fn encryption_key(
	config: &Config,
	replace: bool,
	chain: &Chain,
	signer: &Signer,
) -> Result<DecryptionKey> {
	let file = config.pod.data.join("encryption.key");
	let failed = |error: keys::KeyError| Error::Key(error.to_string());
	if file.exists() {
		return keys::load_encryption_key(&file).map_err(failed);
	}
	let registered = chain.at(At::Best).await?.pod(signer.account()).await?;
	if registered.is_some() && !replace {
		return Err(Error::Key(format!(
			"this pod is registered, but its encryption key is not in {}: restore the file, or start \
			 with --replace-key, which loses the inputs of the jobs that it holds",
			file.display()
		)));
	}
	keys::create_encryption_key(&file).map_err(failed)
}

async fn load_models(config: &Config) -> Result<ServedModels> {
	let configs = config.models.clone();
	tokio::task::spawn_blocking(move || {
		let mut models = ServedModels::new();
		for config in &configs {
			let model = ServedModel::load(config)?;
			let id = model.manifest.id();
			tracing::info!(
				model = model.name(),
				%id,
				milliseconds = model.prove_time.as_millis() as u64,
				"model loaded and tried out"
			);
			if models.insert(id, Arc::new(model)).is_some() {
				return Err(Error::Model {
					directory: config.directory.clone(),
					reason: format!("model {id} is configured twice: keep one [[model]] of it"),
				});
			}
		}
		Ok(models)
	})
	.await
	.map_err(|error| Error::Task(error.to_string()))?
}

fn profile(config: &Config, key: &DecryptionKey, models: &ServedModels) -> Result<PodProfile> {
	let unusable =
		|reason: &str| Error::ConfigInvalid { path: "pod".into(), reason: reason.into() };
	let region: [u8; 2] = config
		.pod
		.region
		.as_bytes()
		.try_into()
		.map_err(|_| unusable("region: expected two capital letters"))?;
	let profile = PodProfile {
		endpoint: config
			.pod
			.published_endpoint()
			.into_bytes()
			.try_into()
			.map_err(|_| unusable("endpoint: expected at most 256 bytes"))?,
		encryption_key: key.public(),
		regions: vec![Region(region)].try_into().unwrap_or_default(),
		tags: Default::default(),
		models: models
			.iter()
			.map(|(model, served)| ServedModel { model: *model, min_price: served.min_price })
			.collect::<Vec<_>>()
			.try_into()
			.map_err(|_| unusable("expected at most 64 [[model]] sections"))?,
	};
	if !profile.is_well_formed() {
		return Err(unusable("endpoint: expected an http:// or https:// URL"));
	}
	Ok(profile)
}

/// Registers the pod, or brings what it has published up to date.
async fn register(chain: &Chain, signer: &Signer, profile: PodProfile) -> Result<()> {
	let view = chain.at(At::Best).await?;
	for ServedModel { model, .. } in &profile.models {
		if view.model(*model).await?.is_none() {
			tracing::warn!(%model, "the model is not registered on this chain yet");
		}
	}
	match view.pod(signer.account()).await? {
		None => {
			chain
				.submit(&calls::pods::register(profile, None), signer, Inclusion::Finalised)
				.await?
		},
		Some(pod) if pod.profile != profile => {
			chain.submit(&calls::pods::update(profile), signer, Inclusion::Finalised).await?
		},
		Some(_) => return Ok(()),
	};
	Ok(())
}

/// Cancels the token when the process is asked to end (SIGTERM or SIGINT).
///
/// # Errors
/// When the signals cannot be caught.
pub fn stop_on_signals(stop: CancellationToken) -> Result<()> {
	use tokio::signal::unix::{signal, SignalKind};
	let catch = |kind| signal(kind).map_err(|error| Error::Task(error.to_string()));
	let (mut terminate, mut interrupt) =
		(catch(SignalKind::terminate())?, catch(SignalKind::interrupt())?);
	tokio::spawn(async move {
		tokio::select! {
			_ = terminate.recv() => {},
			_ = interrupt.recv() => {},
		}
		tracing::info!("asked to stop");
		stop.cancel();
	});
	Ok(())
}

/// How long a stopping worker waits for a proof that is being made.
pub const STOP_PATIENCE: Duration = Duration::from_secs(5);
