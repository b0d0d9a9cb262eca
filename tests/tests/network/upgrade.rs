// SPDX-License-Identifier: Apache-2.0

//! The council gives the chain another runtime while jobs are under way.

use crate::watch::until;
use anyhow::{ensure, Context as _, Result};
use proofpod_client::{
	chain::{
		runtime::{
			self, governance::Call as Governance,
			runtime_types::bounded_collections::bounded_vec::BoundedVec, system::Call as System,
		},
		At, Chain, View,
	},
	keys::Signer,
	Outcome,
};
use proofpod_primitives::{blake2_256, job::Phase, BlockNumber, JobId};
use proofpod_tests::{
	by_hand::ByHand,
	market::Client,
	network::{decide, submit, Links, Place, Validators},
	process::binary,
};
use std::collections::BTreeMap;

/// Blocks to go on for afterwards.
const A_WHILE: u32 = 4;

/// The version of the runtime that has run last at a block.
async fn version(view: &View) -> Result<u32> {
	let last = runtime::storage().system().last_runtime_upgrade();
	let last = view.client().storage().fetch(last, ()).await?.decode()?;
	Ok(last.spec_version)
}

/// What the rehearsal's migration is called: its pallet, and its versions from and to.
const MIGRATION: &[u8] = b"rehearsal\x02\x03";

/// Checks that the migration has run in several blocks after `since`, and to its end.
async fn ensure_migrated(chain: &Chain, since: BlockNumber) -> Result<()> {
	let view = chain.at(At::Finalised).await?;
	let historic = runtime::storage().migrations().historic();
	let migration = BoundedVec(MIGRATION.to_vec());
	let done = view.client().storage().try_fetch(historic, (migration,)).await?.is_some();
	ensure!(done, "the migration is not among those that were completed");
	let (mut advanced, mut completed) = (Vec::new(), false);
	for block in since + 1..=view.block().number {
		let events = chain.at(At::Number(block)).await?.client().events().fetch().await?;
		if events.has::<runtime::migrations::events::MigrationAdvanced>() {
			advanced.push(block);
		}
		completed |= events.has::<runtime::migrations::events::UpgradeCompleted>();
		let failed = events.has::<runtime::migrations::events::UpgradeFailed>();
		ensure!(!failed, "the migration failed in block {block}");
	}
	println!("the migration advanced in the blocks {advanced:?}");
	ensure!(advanced.len() >= 2 && completed, "it advanced in {advanced:?}, ended: {completed}");
	Ok(())
}

/// The word for what holds of a job.
async fn phase(view: &View, job: JobId) -> Result<&'static str> {
	let record = view.job(job).await?.with_context(|| format!("job {job} is gone"))?;
	Ok(match record.phase(view.tick().await?) {
		Phase::Open { .. } => "open",
		Phase::Locked(_) => "locked",
		Phase::Proving(_) => "proving",
		_ => "over",
	})
}

#[tokio::test]
async fn jobs_go_on_under_a_new_runtime() -> Result<()> {
	let code = std::fs::read(binary("proofpod_rehearsal.wasm")?)?;
	let place = Place::loopback;
	let places = [place()?, place()?, place()?, place()?];
	let mut network = Validators::start(Links::Bootnodes, places)?;
	network.reach(Validators::ALL, 2).await?;
	let folder = tempfile::tempdir()?;
	let url = network.node(0).url.clone();
	let orders = Client::prepare(folder.path(), &url, "breast_cancer")?;
	let chain = Chain::connect(&url).await?;

	// A worker that waits through it all, and a job that waits for a worker to come.
	let worker = orders.pod(&url, "//Eve")?;
	let late = orders.clone();
	let ferdie = Signer::development("//Ferdie")?.account().to_string();
	let waiting = std::thread::spawn(move || {
		late.order(0, &["--max-price", "1", "--pod", &ferdie, "--lock-window", "400"])
	});
	until(&chain, "a job is open", |view| async move { Ok(!view.jobs().await?.is_empty()) })
		.await?;
	let open = JobId(0);

	// One that is locked, and one that is acknowledged.
	let (client, dave) = (Signer::development("//Bob")?, Signer::development("//Dave")?);
	let pod = ByHand::new(&chain, &orders.model, &client, &dave).await?;
	let (locked, proving) = tokio::try_join!(pod.open(), pod.open())?;
	for job in [locked, proving] {
		pod.lock(job).await?;
	}
	pod.acknowledge(proving).await?;

	let view = chain.at(At::Finalised).await?;
	let (before, since) = (version(&view).await?, view.block().number);
	let code_hash = blake2_256(&code).into();
	let authorise = runtime::Call::System(System::authorize_upgrade { code_hash });
	let enact = Governance::enact { call: Box::new(authorise) };
	decide(&chain, runtime::Call::Governance(enact)).await?;
	submit(&chain, "//Charlie", &runtime::tx().system().apply_authorized_upgrade(code)).await?;
	until(&chain, "the new runtime has migrated its storage", |view| async move {
		let cursor = runtime::storage().migrations().cursor();
		let ongoing = view.client().storage().try_fetch(cursor, ()).await?.is_some();
		Ok(version(&view).await? == before + 1 && !ongoing)
	})
	.await?;
	ensure_migrated(&chain, since).await?;

	let view = chain.at(At::Finalised).await?;
	for (job, expected) in [(open, "open"), (locked, "locked"), (proving, "proving")] {
		let found = phase(&view, job).await?;
		ensure!(found == expected, "job {job}: expected {expected}, found {found}");
	}
	pod.acknowledge(locked).await?;
	for job in [locked, proving] {
		let proved = pod.prove(job)?;
		pod.submit(job, proved.proof, &proved).await?;
	}
	let _late_worker = orders.pod(&url, "//Ferdie")?;
	let settled = tokio::task::spawn_blocking(move || waiting.join()).await?;
	let settled = settled.map_err(|_| anyhow::anyhow!("the order panicked"))??;
	ensure!(settled["settled"] == true && settled["verified_offline"] == true, "{settled:#}");

	// The worker that was there before takes a new job.
	let eve = Signer::development("//Eve")?.account().to_string();
	let new = orders.clone();
	let order = move || new.order(5, &["--max-price", "1", "--pod", &eve]);
	let report = tokio::task::spawn_blocking(order).await??;
	ensure!(report["settled"] == true, "{report:#}\n{}", worker.process.output());
	let receipts = chain.at(At::Best).await?.receipts().await?;
	let mut settled = BTreeMap::new();
	for (job, receipt) in receipts {
		let Outcome::Settled { pod, .. } = receipt.outcome else {
			anyhow::bail!("job {job}: {receipt:?}");
		};
		settled.insert(job, pod);
	}
	let account = |who| Signer::development(who).map(|signer| signer.account());
	let expected = [
		(open, account("//Ferdie")?),
		(locked, dave.account()),
		(proving, dave.account()),
		(JobId(3), account("//Eve")?),
	];
	ensure!(settled == BTreeMap::from(expected), "{settled:?}");
	let best = network.heads([0]).await?[0].best.number;
	network.reach(Validators::ALL, best + A_WHILE).await?;
	network.ensure_one_chain(Validators::ALL).await
}
