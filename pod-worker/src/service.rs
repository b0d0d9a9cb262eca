// SPDX-License-Identifier: Apache-2.0

//! Starts a pod: keys, models, registration, HTTP, the worker; and stops it cleanly.

use crate::{
	config::Config,
	deliveries::Deliveries,
	error::{Error, Result},
	http,
	journal::Journal,
	keyring::{KeyChange, Keyring},
	metrics::Metrics,
	models::{ServedModel, ServedModels},
	worker::Worker,
};
use proofpod_client::{
	chain::{calls, At, Chain, Inclusion},
	keys::Signer,
	AccountId,
};
use proofpod_primitives::pod::{self, PodProfile};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// What a pod needs before it registers and works.
struct Setup {
	signer: Signer,
	/// The pod's account: the signer's, or the one that it operates.
	pod: AccountId,
	chain: Chain,
	journal: Arc<Journal>,
	models: ServedModels,
	keys: Keyring,
	profile: PodProfile,
}

impl Setup {
	async fn prepare(config: &Config, dev: bool, change: KeyChange) -> Result<Self> {
		let signer = signer(config, dev)?;
		let pod = config.pod.owner.unwrap_or_else(|| signer.account());
		let journal = Arc::new(Journal::open(&config.pod.data)?);
		let models = load_models(config).await?;
		let chain = Chain::connect(&config.chain.url).await?;
		let genesis = chain.genesis();
		if let Some(expected) = config.chain.genesis.filter(|expected| *expected != genesis) {
			return Err(Error::WrongChain {
				expected: expected.to_string(),
				found: genesis.to_string(),
			});
		}
		let registered = chain.at(At::Best).await?.settled().await?.pod(pod).await?;
		let published = registered.map(|pod| pod.profile.encryption_key);
		let keys = Keyring::open(&config.pod.data, published, change)?;
		let profile = describe(config, &keys, &models)?;
		Ok(Self { signer, pod, chain, journal, models, keys, profile })
	}
}

/// What a pod with this configuration publishes. Makes its encryption key if it has none yet.
///
/// # Errors
/// As [`run`], before the pod starts.
pub async fn profile(config: &Config, dev: bool) -> Result<PodProfile> {
	Ok(Setup::prepare(config, dev, KeyChange::None).await?.profile)
}

/// Runs a pod until the token is cancelled. `dev` allows development accounts; `change` says what
/// becomes of its encryption key.
///
/// # Errors
/// When the pod cannot start: keys, models, addresses, data folder, chain, registration. Once it
/// runs, only when the chain's runtime no longer fits it.
pub async fn run(
	config: Config,
	dev: bool,
	change: KeyChange,
	stop: CancellationToken,
) -> Result<()> {
	let Setup { signer, pod, chain, journal, models, keys, profile } =
		Setup::prepare(&config, dev, change).await?;
	let metrics = Arc::new(Metrics::default());
	let deliveries = Arc::new(Deliveries::new(chain.genesis(), pod, keys, journal));
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
		(pod, signer.clone()),
		models,
		deliveries,
		metrics,
		config.work.clone(),
		block_time,
	);
	tokio::select! {
		() = stop.cancelled() => {},
		registered = register(&chain, pod, &signer, profile) => {
			registered?;
			tracing::info!(
				account = %pod,
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

fn describe(config: &Config, keys: &Keyring, models: &ServedModels) -> Result<PodProfile> {
	let unusable =
		|reason: &str| Error::ConfigInvalid { path: "pod".into(), reason: reason.into() };
	let profile = PodProfile {
		endpoint: config
			.pod
			.published_endpoint()
			.into_bytes()
			.try_into()
			.map_err(|_| unusable("endpoint: expected at most 256 bytes"))?,
		encryption_key: keys.public(),
		regions: config.pod.regions.clone(),
		tags: config.pod.tags.clone(),
		models: models
			.iter()
			.map(|(model, served)| pod::ServedModel { model: *model, min_price: served.min_price })
			.collect::<Vec<_>>()
			.try_into()
			.map_err(|_| unusable("expected at most 64 [[model]] sections"))?,
	};
	if !profile.is_well_formed() {
		return Err(unusable(
			"expected an http:// or https:// endpoint, and no region or tag twice",
		));
	}
	Ok(profile)
}

/// Registers the signer's pod, or brings what a pod has published up to date.
async fn register(
	chain: &Chain,
	pod: AccountId,
	signer: &Signer,
	profile: PodProfile,
) -> Result<()> {
	let view = chain.at(At::Best).await?.settled().await?;
	for pod::ServedModel { model, .. } in &profile.models {
		if view.model(*model).await?.is_none() {
			tracing::warn!(%model, "the model is not registered on this chain yet");
		}
	}
	let account = signer.account();
	match view.pod(pod).await? {
		None if account == pod => {
			chain
				.submit(&calls::pods::register(profile, None), signer, Inclusion::Finalised)
				.await?
		},
		None => {
			return Err(Error::Key(format!(
				"expected {pod} (pod.owner) to be a registered pod: its owner registers it with \
				 `proofpod pods register`, a profile that `pod-worker profile` writes, and \
				 --operator {account}"
			)))
		},
		Some(record) if account != pod && record.operator != Some(account) => {
			return Err(Error::Key(format!(
				"expected {account} to be the operator of the pod {pod}: its owner says so with \
				 `proofpod pods operator {account}`"
			)))
		},
		Some(record) if record.profile != profile => {
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
