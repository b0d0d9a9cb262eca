// SPDX-License-Identifier: Apache-2.0

//! `proofpod job`.

use super::{
	output::{pairs, table},
	parse_account, parse_tag, Global, Output, RecordArgs, SignerArgs, StoreArgs,
};
use anyhow::{bail, ensure, Context, Result};
use clap::{Args, Subcommand};
use proofpod_client::{
	amount::Amount,
	chain::{calls, At, Chain, Inclusion, View},
	job::{ClientModel, JobClient, JobReport, Offer, Progress},
	AccountId, Job, Outcome, Receipt, Requirements,
};
use proofpod_primitives::{
	job::{Phase, PriceRamp, RequiredTag, Windows},
	pod::{PrivacyTier, Region},
	BlockNumber, JobId, ModelId, Tick, Ticks,
};
use serde::Serialize;
use std::{path::PathBuf, process::ExitCode};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
	/// Have a record predicted: open a job, deliver the input, wait, decrypt and verify
	Run(Run),
	/// Go on with an open job, or read the result of one that has ended
	Resume(Resume),
	/// What the chain says of a job
	Status {
		/// The job
		job: JobId,
	},
	/// Jobs that are not over, or all
	List(List),
	/// Withdraw a job that no pod has
	Cancel {
		/// The job
		job: JobId,
		#[command(flatten)]
		signer: SignerArgs,
	},
}

/// A model by its folder or by its identity on the chain.
#[derive(Clone, Debug)]
enum ModelArgument {
	Folder(PathBuf),
	Registered(ModelId),
}

fn parse_region(text: &str) -> Result<Region, String> {
	let region = <[u8; 2]>::try_from(text.as_bytes()).ok().map(Region);
	region
		.filter(Region::is_well_formed)
		.ok_or_else(|| "expected two capital letters such as CH (ISO 3166-1 alpha-2)".into())
}

fn parse_required_tag(text: &str) -> Result<RequiredTag<AccountId>, String> {
	let (tag, issuer) = match text.split_once('@') {
		Some((tag, issuer)) => (tag, Some(parse_account(issuer)?)),
		None => (text, None),
	};
	Ok(RequiredTag { tag: parse_tag(tag)?, attested_by: issuer })
}

fn parse_tier(text: &str) -> Result<PrivacyTier, String> {
	match text {
		"local" => Ok(PrivacyTier::Local),
		"sealed" => Ok(PrivacyTier::Sealed),
		_ => Err("expected local or sealed".into()),
	}
}

fn parse_model(text: &str) -> Result<ModelArgument, String> {
	match text.starts_with("0x") {
		true => text.parse().map(ModelArgument::Registered).map_err(|error| format!("{error}")),
		false => Ok(ModelArgument::Folder(text.into())),
	}
}

impl ModelArgument {
	/// The model, if it does not take the chain to know it.
	fn local(&self) -> Result<Option<ClientModel>> {
		match self {
			Self::Folder(path) => {
				Ok(Some(ClientModel::from_directory(&super::model_directory(path)?)?))
			},
			Self::Registered(_) => Ok(None),
		}
	}

	async fn load(&self, view: &View) -> Result<ClientModel> {
		match (self.local()?, self) {
			(Some(model), _) => Ok(model),
			(None, Self::Registered(id)) => Ok(ClientModel::from_chain(view, *id).await?),
			(None, Self::Folder(path)) => bail!("{} is no model's folder", path.display()),
		}
	}
}

#[derive(Debug, Args)]
pub(crate) struct Run {
	/// Folder of the model, or the 0x… identity of a registered one
	#[arg(value_name = "DIR|MODEL", value_parser = parse_model)]
	model: ModelArgument,
	#[command(flatten)]
	record: RecordArgs,
	/// Highest price, which is held until the job ends: 1.5 (POD), "1.5 POD" or 1500planck
	#[arg(long)]
	max_price: Amount,
	/// Price at the opening, from which it rises [default: the highest]
	#[arg(long)]
	min_price: Option<Amount>,
	/// Ticks from the lowest to the highest price; a tick is a block that is not full
	#[arg(long, value_name = "TICKS", default_value_t = 20)]
	ramp: Ticks,
	/// Ticks within which a pod must lock the job: for another one after a lock that lapsed, more than
	/// the acknowledgement's
	#[arg(long, value_name = "TICKS", default_value_t = 100)]
	lock_window: Ticks,
	/// Ticks within which that pod must acknowledge the input, which most do when they have the proof
	#[arg(long, value_name = "TICKS", default_value_t = 40)]
	acknowledge_window: Ticks,
	/// Ticks within which it must prove
	#[arg(long, value_name = "TICKS", default_value_t = 200)]
	prove_window: Ticks,
	/// Ticks from the opening within which another pod may take over from one that has the input and
	/// does not prove; 0 ends the job instead. Every such pod reads the input, too
	#[arg(long, value_name = "TICKS", default_value_t = 0)]
	failover_window: Ticks,
	/// Only this pod may do it; give it again for others
	#[arg(long, value_name = "ACCOUNT", value_parser = parse_account)]
	pod: Vec<AccountId>,
	/// Only pods in this country may do it, such as CH; give it again for others
	#[arg(long, value_name = "COUNTRY", value_parser = parse_region)]
	region: Vec<Region>,
	/// Only pods that carry this tag may do it, such as `gpu:h100`, or with @ACCOUNT behind it only
	/// those for which that account attests it; give it again for more
	#[arg(long, value_name = "TAG[@ACCOUNT]", value_parser = parse_required_tag)]
	tag: Vec<RequiredTag<AccountId>>,
	/// How far the input may travel: `local` (to a pod of one's own, named with --pod) or `sealed`
	#[arg(long, value_name = "TIER", value_parser = parse_tier, default_value = "sealed")]
	tier: PrivacyTier,
	/// Least reputation of the pod, in thousandths
	#[arg(long, value_name = "THOUSANDTHS", default_value_t = 0)]
	min_reputation: u16,
	/// Wait until the result's block is finalised
	#[arg(long)]
	finalised: bool,
	#[command(flatten)]
	signer: SignerArgs,
	#[command(flatten)]
	store: StoreArgs,
}

impl Run {
	fn offer(&self) -> Result<Offer> {
		let (min, max) = (self.min_price.unwrap_or(self.max_price), self.max_price);
		ensure!(min.0 > 0, "expected a price above 0, found {min}");
		ensure!(min <= max, "expected --min-price to be at most --max-price ({max}), found {min}");
		let pods = self.pod.clone().try_into().map_err(|_| {
			anyhow::anyhow!("expected at most 8 times --pod, found {}", self.pod.len())
		})?;
		let regions = self.region.clone().try_into().map_err(|_| {
			anyhow::anyhow!("expected at most 8 times --region, found {}", self.region.len())
		})?;
		let tags = self.tag.clone().try_into().map_err(|_| {
			anyhow::anyhow!("expected at most 4 times --tag, found {}", self.tag.len())
		})?;
		ensure!(
			self.tier != PrivacyTier::Local || !self.pod.is_empty(),
			"expected --pod beside --tier local: name the pod that is your own"
		);
		ensure!(
			self.min_reputation <= 1000,
			"expected --min-reputation from 0 to 1000, found {}",
			self.min_reputation
		);
		Ok(Offer {
			price: PriceRamp { min: min.0, max: max.0, ramp: self.ramp },
			windows: Windows {
				lock: self.lock_window,
				acknowledge: self.acknowledge_window,
				prove: self.prove_window,
				failover: self.failover_window,
			},
			requirements: Requirements {
				pods,
				regions,
				min_reputation: self.min_reputation,
				tier: self.tier,
				tags,
			},
		})
	}
}

#[derive(Debug, Args)]
pub(crate) struct Resume {
	/// The job
	job: JobId,
	/// Folder of its model, or the 0x… identity of a registered one
	#[arg(value_name = "DIR|MODEL", value_parser = parse_model)]
	model: ModelArgument,
	/// Wait until the result's block is finalised
	#[arg(long)]
	finalised: bool,
	#[command(flatten)]
	signer: SignerArgs,
	#[command(flatten)]
	store: StoreArgs,
}

#[derive(Debug, Args)]
pub(crate) struct List {
	/// Only jobs of this client: the signer, or --client
	#[arg(long)]
	mine: bool,
	/// Only jobs of this account
	#[arg(long, value_name = "ACCOUNT", value_parser = parse_account, conflicts_with = "mine")]
	client: Option<AccountId>,
	/// Jobs that have ended, too
	#[arg(long)]
	all: bool,
	/// Whose jobs --mine means: a file (mode 600) with a seed phrase, or //Alice and the like
	#[arg(long, env = "PROOFPOD_SIGNER", value_name = "FILE|//NAME")]
	signer: Option<String>,
	#[command(flatten)]
	development: super::DevelopmentArgs,
}

pub(crate) async fn run(command: Command, global: &Global, output: &Output) -> Result<ExitCode> {
	match command {
		Command::Run(arguments) => run_job(arguments, global, output).await,
		Command::Resume(arguments) => resume(arguments, global, output).await,
		Command::Status { job } => status(job, global, output).await,
		Command::List(arguments) => list(arguments, global, output).await,
		Command::Cancel { job, signer } => cancel(job, signer, global, output).await,
	}
}

async fn run_job(arguments: Run, global: &Global, output: &Output) -> Result<ExitCode> {
	// Everything that can be wrong here is found before the node is asked.
	let offer = arguments.offer()?;
	let signer = arguments.signer.signer()?;
	let local = arguments.model.local()?;
	let early = match &local {
		Some(model) => Some(arguments.record.read(model.interface.input_len())?),
		None => None,
	};
	let chain = Chain::connect(&global.url).await?;
	let model = match local {
		Some(model) => model,
		None => arguments.model.load(&chain.at(At::Best).await?).await?,
	};
	let record = match early {
		Some(record) => record,
		None => arguments.record.read(model.interface.input_len())?,
	};
	let client = client(chain, signer, &arguments.store, arguments.finalised)?;
	let steps = output.steps();
	let mut progress = |progress: Progress| steps.done(&progress.to_string());
	let report = client.run(&model, &record.values, offer, &mut progress).await?;
	drop(steps);
	print_report(&report, record.label.map(|label| (label, &model)), output)
}

async fn resume(arguments: Resume, global: &Global, output: &Output) -> Result<ExitCode> {
	let signer = arguments.signer.signer()?;
	let local = arguments.model.local()?;
	let chain = Chain::connect(&global.url).await?;
	let model = match local {
		Some(model) => model,
		None => arguments.model.load(&chain.at(At::Best).await?).await?,
	};
	let client = client(chain, signer, &arguments.store, arguments.finalised)?;
	let steps = output.steps();
	let mut progress = |progress: Progress| steps.done(&progress.to_string());
	let report = client.resume(arguments.job, &model, &mut progress).await?;
	drop(steps);
	print_report(&report, None, output)
}

fn client(
	chain: Chain,
	signer: proofpod_client::keys::Signer,
	store: &StoreArgs,
	finalised: bool,
) -> Result<JobClient> {
	let store = store.open(&chain)?;
	let mut client = JobClient::new(chain, signer, store);
	if finalised {
		client.inclusion = Inclusion::Finalised;
	}
	Ok(client)
}

/// A report, and the record's true class when it is known.
#[derive(Serialize)]
struct Labelled<'a> {
	#[serde(flatten)]
	report: &'a JobReport,
	true_class: Option<usize>,
	true_label: Option<&'a str>,
}

fn print_report(
	report: &JobReport,
	truth: Option<(usize, &ClientModel)>,
	output: &Output,
) -> Result<ExitCode> {
	let name =
		|(class, model): (usize, &'_ ClientModel)| model.interface.classes.get(class).cloned();
	let true_label = truth.and_then(name);
	let labelled = Labelled {
		report,
		true_class: truth.map(|(class, _)| class),
		true_label: true_label.as_deref(),
	};
	output.result(&labelled, || report_text(&labelled))?;
	if let Some(why) = &report.unverified_because {
		output.failure(&anyhow::anyhow!(
			"job {} is settled, but its proof could not be checked here: {why}",
			report.job_id
		));
		return Ok(ExitCode::FAILURE);
	}
	if report.settled {
		return Ok(ExitCode::SUCCESS);
	}
	let (job, outcome) = (report.job_id, &report.outcome);
	output.failure(&anyhow::anyhow!(
		"expected job {job} to settle, but it is {outcome}; its payment has been returned"
	));
	Ok(ExitCode::FAILURE)
}

fn report_text(labelled: &Labelled<'_>) -> String {
	let report = labelled.report;
	let mut lines = vec![
		("job", report.job_id.to_string()),
		("model", format!("{} ({})", report.model, report.model_id)),
		("outcome", format!("{} in block {}", report.outcome, report.ended_block)),
	];
	if let Some(prediction) = &report.prediction {
		let class = prediction.class.to_string();
		lines.push(("prediction", prediction.label.clone().unwrap_or(class)));
		if let Some(class) = labelled.true_class {
			let label = labelled.true_label.map_or(class.to_string(), str::to_owned);
			lines.push(("true label", label));
		}
		let values: Vec<_> = prediction.output.iter().map(|value| format!("{value:.4}")).collect();
		lines.push(("output", values.join(" ")));
		let proof = report.unverified_because.as_ref();
		let proof =
			proof.map_or("verified on this machine".into(), |why| format!("NOT verified: {why}"));
		lines.push(("proof", proof));
	}
	if let Some(pod) = report.pod {
		lines.push(("pod", pod.to_string()));
	}
	if let Some(price) = report.price {
		lines.push(("price", price.to_string()));
	}
	if let Some(compensation) = report.compensation {
		lines.push(("compensation", compensation.to_string()));
	}
	if !report.settled {
		lines.push(("payment", "returned".into()));
	}
	lines.push(("finalised", if report.finalised { "yes" } else { "not yet" }.into()));
	lines.push(("time", format!("{:.1} s", report.timings.total_ms as f64 / 1000.0)));
	pairs(&lines)
}

/// A job as the chain has it.
#[derive(Serialize)]
struct JobView {
	job_id: JobId,
	/// Phase of a live job, outcome of one that has ended.
	state: &'static str,
	block: BlockNumber,
	/// The market's clock, in which a live job's moments are counted.
	tick: Option<Tick>,
	model_id: ModelId,
	client: AccountId,
	pod: Option<AccountId>,
	/// Of the lock or the settlement.
	price: Option<Amount>,
	min_price: Option<Amount>,
	max_price: Option<Amount>,
	/// What of the client's deposit is held.
	deposit: Option<Amount>,
	opened: Option<Tick>,
	lock_by: Option<Tick>,
	acknowledge_by: Option<Tick>,
	prove_by: Option<Tick>,
	/// Until when another pod may take over.
	failover_until: Option<Tick>,
	lapses: Option<u8>,
	ended_block: Option<BlockNumber>,
}

impl JobView {
	fn live(job_id: JobId, job: &Job, block: BlockNumber, tick: Tick) -> Self {
		let phase = job.phase(tick);
		let lock = match phase {
			Phase::Open { .. } | Phase::Expired { .. } => None,
			Phase::Locked(lock) | Phase::Proving(lock) | Phase::Missed(lock) => Some(lock),
		};
		Self {
			job_id,
			state: phase.name(),
			block,
			tick: Some(tick),
			model_id: job.request.model,
			client: job.client,
			pod: lock.map(|lock| lock.pod),
			price: lock.map(|lock| Amount(lock.price)),
			min_price: Some(Amount(job.request.price.min)),
			max_price: Some(Amount(job.request.price.max)),
			deposit: Some(Amount(job.deposit_held())),
			opened: Some(job.opened),
			lock_by: Some(job.open_until()),
			acknowledge_by: lock.map(|lock| lock.acknowledge_by),
			prove_by: lock.map(|lock| lock.prove_by),
			failover_until: job.failover_until(),
			lapses: Some(job.lapses),
			ended_block: None,
		}
	}

	fn ended(job_id: JobId, receipt: &Receipt, block: BlockNumber) -> Self {
		let (pod, price) = match &receipt.outcome {
			Outcome::Settled { pod, price, .. } => (Some(*pod), Some(Amount(*price))),
			Outcome::Failed { pod, .. } => (Some(*pod), None),
			Outcome::Cancelled | Outcome::Expired => (None, None),
		};
		Self {
			job_id,
			state: receipt.outcome.name(),
			block,
			tick: None,
			model_id: receipt.model,
			client: receipt.client,
			pod,
			price,
			min_price: None,
			max_price: None,
			deposit: None,
			opened: None,
			lock_by: None,
			acknowledge_by: None,
			prove_by: None,
			failover_until: None,
			lapses: None,
			ended_block: Some(receipt.block),
		}
	}
}

async fn status(job: JobId, global: &Global, output: &Output) -> Result<ExitCode> {
	let chain = Chain::connect(&global.url).await?;
	let view = chain.at(At::Best).await?.settled().await?;
	let block = view.block().number;
	let found = match (view.job(job).await?, view.receipt(job).await?) {
		(Some(record), _) => JobView::live(job, &record, block, view.tick().await?),
		(None, Some(receipt)) => JobView::ended(job, &receipt, block),
		(None, None) => bail!("the chain knows no job {job}"),
	};
	output.result(&found, || {
		let tick = |tick: Option<Tick>| tick.map(|tick| format!("tick {tick}"));
		let amount = |amount: Option<Amount>| amount.map(|amount| amount.to_string());
		let lines = [
			("job", Some(found.job_id.to_string())),
			("state", Some(format!("{} (block {})", found.state, found.block))),
			("now", tick(found.tick)),
			("model", Some(found.model_id.to_string())),
			("client", Some(found.client.to_string())),
			("pod", found.pod.map(|pod| pod.to_string())),
			("price", amount(found.price)),
			("lowest price", amount(found.min_price)),
			("highest price", amount(found.max_price)),
			("deposit held", amount(found.deposit)),
			("opened", tick(found.opened)),
			("lock by", tick(found.lock_by)),
			("acknowledge by", tick(found.acknowledge_by)),
			("prove by", tick(found.prove_by)),
			("failover until", tick(found.failover_until)),
			("lapsed locks", found.lapses.filter(|lapses| *lapses > 0).map(|n| n.to_string())),
			("ended", found.ended_block.map(|block| format!("block {block}"))),
		];
		let lines: Vec<_> =
			lines.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
		pairs(&lines)
	})?;
	Ok(ExitCode::SUCCESS)
}

async fn list(arguments: List, global: &Global, output: &Output) -> Result<ExitCode> {
	let whose = match (arguments.mine, &arguments.signer) {
		(true, Some(signer)) => {
			let development = arguments.development.dev;
			let signer = proofpod_client::keys::Signer::from_argument(signer, development)?;
			Some(signer.account())
		},
		(true, None) => bail!("expected --signer with --mine, to know whose jobs are meant"),
		(false, _) => arguments.client,
	};
	let chain = Chain::connect(&global.url).await?;
	let view = chain.at(At::Best).await?.settled().await?;
	let (block, tick) = (view.block().number, view.tick().await?);
	let jobs = view.jobs().await?;
	let mut jobs: Vec<_> =
		jobs.iter().map(|(id, job)| JobView::live(*id, job, block, tick)).collect();
	if arguments.all {
		let receipts = view.receipts().await?;
		jobs.extend(receipts.iter().map(|(id, receipt)| JobView::ended(*id, receipt, block)));
		jobs.sort_by_key(|job| job.job_id);
	}
	jobs.retain(|job| whose.is_none_or(|client| job.client == client));
	output.result(&jobs, || match jobs.is_empty() {
		true => "no jobs".into(),
		false => {
			let rows: Vec<_> = jobs
				.iter()
				.map(|job| {
					let price = job.price.or(job.max_price);
					vec![
						job.job_id.to_string(),
						job.state.into(),
						price.map_or_else(String::new, |price| price.to_string()),
						job.model_id.to_string().chars().take(12).collect::<String>() + "…",
						job.client.to_string(),
						job.pod.map_or_else(String::new, |pod| pod.to_string()),
					]
				})
				.collect();
			table(&["job", "state", "price", "model", "client", "pod"], &rows)
		},
	})?;
	Ok(ExitCode::SUCCESS)
}

async fn cancel(
	job: JobId,
	signer: SignerArgs,
	global: &Global,
	output: &Output,
) -> Result<ExitCode> {
	let signer = signer.signer()?;
	let chain = Chain::connect(&global.url).await?;
	let included = chain
		.submit(&calls::jobs::cancel(job), &signer, Inclusion::Best)
		.await
		.with_context(|| format!("job {job} was not cancelled"))?;
	let block = included.block.number;
	let done = serde_json::json!({ "job_id": job, "cancelled": true, "block": block });
	output.result(&done, || format!("job {job} cancelled in block {block}, payment returned"))?;
	Ok(ExitCode::SUCCESS)
}
