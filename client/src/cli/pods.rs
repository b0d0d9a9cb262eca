// SPDX-License-Identifier: Apache-2.0

//! `proofpod pods`.

use super::{output::table, Global, Output};
use anyhow::Result;
use clap::Subcommand;
use proofpod_client::{
	amount::Amount,
	chain::{At, Chain, PodRecord, PodStatus},
	AccountId,
};
use proofpod_primitives::{pod::TrackRecord, EncryptionKey, ModelId, Tick};
use serde::Serialize;
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
	/// List the registered pods
	List,
}

#[derive(Serialize)]
struct Pod {
	account: AccountId,
	endpoint: String,
	encryption_key: EncryptionKey,
	key_epoch: u32,
	operator: Option<AccountId>,
	regions: Vec<String>,
	tags: Vec<String>,
	models: Vec<Model>,
	bond: Amount,
	status: PodStatus,
	live_jobs: u32,
	/// Sum of the bonds of those jobs.
	exposure: Amount,
	last_seen: Tick,
	suspended_until: Tick,
	/// Thousandths.
	reputation: u16,
	record: TrackRecord,
}

/// A model that a pod says it serves.
#[derive(Serialize)]
struct Model {
	model: ModelId,
	min_price: Amount,
}

fn text(bytes: &[u8]) -> String {
	String::from_utf8_lossy(bytes).into_owned()
}

impl From<PodRecord> for Pod {
	fn from(pod: PodRecord) -> Self {
		Self {
			account: pod.account,
			endpoint: pod.endpoint(),
			encryption_key: pod.profile.encryption_key,
			key_epoch: pod.key_epoch,
			operator: pod.operator,
			regions: pod.profile.regions.iter().map(|region| text(&region.0)).collect(),
			tags: pod.profile.tags.iter().map(|tag| text(tag)).collect(),
			models: pod
				.profile
				.models
				.iter()
				.map(|served| Model { model: served.model, min_price: Amount(served.min_price) })
				.collect(),
			bond: Amount(pod.bond),
			status: pod.status,
			live_jobs: pod.live_jobs,
			exposure: Amount(pod.exposure),
			last_seen: pod.last_seen,
			suspended_until: pod.suspended_until,
			reputation: pod.record.reputation(),
			record: pod.record,
		}
	}
}

pub(crate) async fn run(command: Command, global: &Global, output: &Output) -> Result<ExitCode> {
	match command {
		Command::List => list(global, output).await?,
	}
	Ok(ExitCode::SUCCESS)
}

async fn list(global: &Global, output: &Output) -> Result<()> {
	let chain = Chain::connect(&global.url).await?;
	let view = chain.at(At::Best).await?;
	let (pods, now) = (view.pods().await?, view.tick().await?);
	let pods: Vec<Pod> = pods.into_iter().map(Pod::from).collect();
	output.result(&pods, || match pods.is_empty() {
		true => "no pod is registered".into(),
		false => {
			let rows: Vec<_> = pods
				.iter()
				.map(|pod| {
					let status = match pod.status {
						PodStatus::Leaving { .. } => "leaving",
						PodStatus::Active if now < pod.suspended_until => "suspended",
						PodStatus::Active => "active",
					};
					let settled = pod.record.settled.to_string();
					let reputation = format!("{}.{} %", pod.reputation / 10, pod.reputation % 10);
					vec![
						pod.account.to_string(),
						pod.regions.join(" "),
						status.into(),
						pod.models.len().to_string(),
						pod.live_jobs.to_string(),
						settled,
						reputation,
						pod.endpoint.clone(),
					]
				})
				.collect();
			let headings = [
				"account",
				"regions",
				"status",
				"models",
				"live",
				"settled",
				"reputation",
				"endpoint",
			];
			table(&headings, &rows)
		},
	})
}
