// SPDX-License-Identifier: Apache-2.0

//! `proofpod pods`.

use super::{
	output::{pairs, table},
	parse_account, parse_tag, Global, Output, SignerArgs,
};
use anyhow::{anyhow, ensure, Context, Result};
use clap::Subcommand;
use proofpod_client::{
	amount::Amount,
	chain::{calls, At, Call, Chain, Inclusion, PodRecord, PodStatus},
	AccountId,
};
use proofpod_primitives::{
	pod::{PodProfile, PodState, Tag, Tags, TrackRecord},
	EncryptionKey, ModelId, Tick, Ticks,
};
use serde::Serialize;
use std::{
	path::{Path, PathBuf},
	process::ExitCode,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
	/// List the registered pods
	List,
	/// What the chain says of a pod
	Show {
		/// Its account
		#[arg(value_parser = parse_account)]
		pod: AccountId,
	},
	/// Register the signer as a pod; its worker may sign with another account
	Register {
		/// What the pod publishes, as `pod-worker profile` writes it
		#[arg(long, value_name = "FILE")]
		profile: PathBuf,
		/// The account that works for the pod; it may take and prove jobs, but not touch the bond
		#[arg(long, value_name = "ACCOUNT", value_parser = parse_account)]
		operator: Option<AccountId>,
		#[command(flatten)]
		signer: SignerArgs,
	},
	/// Name the account that works for the signer's pod; also forgets what its jobs have lost
	Operator {
		/// The account; without, only the pod's own works for it
		#[arg(value_name = "ACCOUNT", value_parser = parse_account)]
		operator: Option<AccountId>,
		#[command(flatten)]
		signer: SignerArgs,
	},
	/// Add to the bond, and so to what the pod may have at risk at once; also forgets what its jobs have
	/// lost
	Bond {
		/// How much, such as "50 POD"; 0 to add nothing
		amount: Amount,
		#[command(flatten)]
		signer: SignerArgs,
	},
	/// Take no more jobs; the bond can be withdrawn after the unbonding period
	Leave {
		#[command(flatten)]
		signer: SignerArgs,
	},
	/// Withdraw the bond of a pod that has left
	Withdraw {
		#[command(flatten)]
		signer: SignerArgs,
	},
	/// Say that a pod deserves tags, for clients that trust the signer
	Attest {
		/// The pod
		#[arg(value_parser = parse_account)]
		pod: AccountId,
		/// A tag such as `iso-27001`; give it again for others
		#[arg(long, required = true, value_parser = parse_tag)]
		tag: Vec<Tag>,
		/// For how long it holds, in ticks: blocks that had room for results
		#[arg(long, value_name = "TICKS")]
		ticks: Ticks,
		#[command(flatten)]
		signer: SignerArgs,
	},
	/// Take back what the signer attested to a pod
	Revoke {
		/// The pod
		#[arg(value_parser = parse_account)]
		pod: AccountId,
		#[command(flatten)]
		signer: SignerArgs,
	},
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
	/// What jobs have lost since the owner's account acted.
	lost: Amount,
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
			lost: Amount(pod.lost),
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
		Command::Show { pod } => show(pod, global, output).await?,
		Command::Register { profile, operator, signer } => {
			let profile = read_profile(&profile)?;
			submit(calls::pods::register(profile, operator), "registered", signer, global, output)
				.await?;
		},
		Command::Operator { operator, signer } => {
			let what = if operator.is_some() { "operator named" } else { "operator dismissed" };
			submit(calls::pods::set_operator(operator), what, signer, global, output).await?;
		},
		Command::Bond { amount, signer } => {
			submit(calls::pods::bond_more(amount.0), "bonded", signer, global, output).await?;
		},
		Command::Leave { signer } => {
			submit(calls::pods::leave(), "leaving", signer, global, output).await?;
		},
		Command::Withdraw { signer } => {
			submit(calls::pods::withdraw(), "bond withdrawn", signer, global, output).await?;
		},
		Command::Attest { pod, tag, ticks, signer } => {
			let count = tag.len();
			let tags = Tags::try_from(tag)
				.map_err(|_| anyhow!("expected at most 16 times --tag, found {count}"))?;
			let now = Chain::connect(&global.url).await?.at(At::Best).await?.tick().await?;
			let call = calls::pods::attest(pod, tags, now.after(ticks));
			submit(call, "attested", signer, global, output).await?;
		},
		Command::Revoke { pod, signer } => {
			submit(calls::pods::revoke(pod), "revoked", signer, global, output).await?;
		},
	}
	Ok(ExitCode::SUCCESS)
}

/// Most bytes of a profile's file: the largest profile takes a fifth of it.
const MAX_PROFILE: u64 = 64 << 10;

fn read_profile(path: &Path) -> Result<PodProfile> {
	let bytes = proofpod_client::files::read(path, MAX_PROFILE)?;
	let profile: PodProfile = serde_json::from_slice(&bytes).with_context(|| {
		format!("{}: expected what `pod-worker profile` writes", path.display())
	})?;
	ensure!(
		profile.is_well_formed(),
		"{}: expected an http:// or https:// endpoint, regions of two capital letters, an X25519 key \
		 and tags of lower-case letters, digits, '-', '.' and ':'",
		path.display()
	);
	Ok(profile)
}

/// Submits a call and says what it did once that is final.
async fn submit(
	call: impl Call,
	what: &str,
	signer: SignerArgs,
	global: &Global,
	output: &Output,
) -> Result<()> {
	let signer = signer.signer()?;
	let chain = Chain::connect(&global.url).await?;
	let steps = output.steps();
	steps.now("waiting for finality");
	let block = chain.submit(&call, &signer, Inclusion::Finalised).await?.block.number;
	drop(steps);
	let done = serde_json::json!({ "account": signer.account(), "done": what, "block": block });
	output.result(&done, || format!("{what} in block {block}"))
}

/// A pod, and what holds of it.
#[derive(Serialize)]
struct Standing {
	state: PodState,
	now: Tick,
	headroom: Amount,
	heartbeat_due: Tick,
	pod: Pod,
}

async fn show(pod: AccountId, global: &Global, output: &Output) -> Result<()> {
	let chain = Chain::connect(&global.url).await?;
	let view = chain.at(At::Best).await?.settled().await?.pod_view(pod).await?;
	let view = view.ok_or_else(|| {
		anyhow!("{pod} is no registered pod: `proofpod pods list` shows those that are")
	})?;
	let standing = Standing {
		state: view.state,
		now: view.now,
		headroom: Amount(view.headroom),
		heartbeat_due: view.heartbeat_due,
		pod: view.record.into(),
	};
	output.result(&standing, || {
		let pod = &standing.pod;
		let operator = pod.operator.map_or_else(|| "none".into(), |account| account.to_string());
		pairs(&[
			("account", pod.account.to_string()),
			("operator", operator),
			("endpoint", pod.endpoint.clone()),
			("regions", pod.regions.join(" ")),
			("tags, by its own word", pod.tags.join(" ")),
			("models", pod.models.len().to_string()),
			("state", state_text(standing.state, standing.now)),
			("last seen", format!("{} ticks ago", standing.now.since(pod.last_seen))),
			("reputation", thousandths(pod.reputation)),
			("settled", pod.record.settled.to_string()),
			("missed", pod.record.missed.to_string()),
			("bond", pod.bond.to_string()),
			("at risk", format!("{} in {} jobs", pod.exposure, pod.live_jobs)),
			("lost", lost_text(pod.lost)),
			("may take", standing.headroom.to_string()),
		])
	})
}

fn lost_text(lost: Amount) -> String {
	match lost {
		Amount(0) => lost.to_string(),
		_ => format!(
			"{lost}, which it may not risk again until its owner sends `pods operator` or `pods bond 0`"
		),
	}
}

fn state_text(state: PodState, now: Tick) -> String {
	match state {
		PodState::Live => "live".into(),
		PodState::Silent => "silent".into(),
		PodState::Suspended { until } => format!("suspended for {} ticks", until.since(now)),
		PodState::Leaving { withdrawable_from } => {
			format!("leaving, bond withdrawable in {} ticks", withdrawable_from.since(now))
		},
	}
}

fn thousandths(reputation: u16) -> String {
	format!("{}.{} %", reputation / 10, reputation % 10)
}

async fn list(global: &Global, output: &Output) -> Result<()> {
	let chain = Chain::connect(&global.url).await?;
	let view = chain.at(At::Best).await?.settled().await?;
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
					let reputation = thousandths(pod.reputation);
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
