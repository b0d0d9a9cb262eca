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
use proofpod_primitives::{pod::TrackRecord, EncryptionKey, ModelId};
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
	region: String,
	models: Vec<ModelId>,
	bond: Amount,
	status: PodStatus,
	live_jobs: u32,
	/// Thousandths.
	reputation: u16,
	record: TrackRecord,
}

impl From<PodRecord> for Pod {
	fn from(pod: PodRecord) -> Self {
		Self {
			account: pod.account,
			endpoint: pod.endpoint(),
			encryption_key: pod.profile.encryption_key,
			key_epoch: pod.key_epoch,
			region: String::from_utf8_lossy(&pod.profile.region.0).into_owned(),
			models: pod.profile.models.to_vec(),
			bond: Amount(pod.bond),
			status: pod.status,
			live_jobs: pod.live_jobs,
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
	let pods = chain.at(At::Best).await?.pods().await?;
	let pods: Vec<Pod> = pods.into_iter().map(Pod::from).collect();
	output.result(&pods, || match pods.is_empty() {
		true => "no pod is registered".into(),
		false => {
			let rows: Vec<_> = pods
				.iter()
				.map(|pod| {
					let status = match pod.status {
						PodStatus::Active => "active",
						PodStatus::Leaving { .. } => "leaving",
					};
					let settled = pod.record.settled.to_string();
					let reputation = format!("{}.{} %", pod.reputation / 10, pod.reputation % 10);
					vec![
						pod.account.to_string(),
						pod.region.clone(),
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
				"region",
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
