// SPDX-License-Identifier: Apache-2.0

//! A pod that dies while it proves, and another one that takes its job over.

use anyhow::{ensure, Context as _, Result};
use proofpod_client::{
	chain::{At, Chain},
	keys::Signer,
	AccountId,
};
use proofpod_primitives::{job::Phase, JobId};
use proofpod_tests::{
	market::Client,
	network::{Links, Place, Pod, Validators},
};
use std::time::{Duration, Instant};

/// The job, the first on the chain.
const JOB: JobId = JobId(0);
/// For so long the pod runs between two looks at the chain: a small part of what a proof takes.
const SLICE: Duration = Duration::from_millis(5);
/// Longest wait for the acknowledgement.
const PATIENCE: Duration = Duration::from_secs(120);
/// Blocks to go on for afterwards.
const A_WHILE: u32 = 4;

/// Kills a pod when the chain of its node says that it is proving. Until then it runs in slices: it
/// stands still while the chain is asked, so that it cannot finish a proof unseen.
async fn kill_while_proving(pod: &mut Pod, chain: &Chain) -> Result<AccountId> {
	let start = Instant::now();
	loop {
		pod.process.pause()?;
		let view = chain.at(At::Best).await?;
		if let Some(job) = view.job(JOB).await? {
			if let Phase::Proving(lock) = job.phase(view.tick().await?) {
				pod.process.kill()?;
				return Ok(lock.pod);
			}
		}
		let output = pod.process.output();
		ensure!(start.elapsed() < PATIENCE, "the job is not being proved:\n{output}");
		pod.process.resume()?;
		tokio::time::sleep(SLICE).await;
	}
}

#[tokio::test]
async fn a_job_whose_pod_is_killed_while_proving_is_taken_over() -> Result<()> {
	let place = Place::loopback;
	let places = [place()?, place()?, place()?, place()?];
	let mut network = Validators::start(Links::Bootnodes, places)?;
	network.reach(Validators::ALL, 2).await?;
	let folder = tempfile::tempdir()?;
	let urls = [network.node(0).url.clone(), network.node(1).url.clone()];
	let client = Client::prepare(folder.path(), &urls[0], "digits_cnn")?;
	// It acknowledges and then proves, so that it is caught between the two.
	let mut first = client.pod_of(&urls[0], "//Eve", None)?.trust_keys()?.start()?;

	let ordering = client.clone();
	let order = std::thread::spawn(move || {
		let windows = ["--lock-window", "40", "--acknowledge-window", "20", "--prove-window", "20"];
		let mut more = vec!["--max-price", "1", "--failover-window", "200"];
		more.extend(windows);
		ordering.order(3, &more)
	});
	let killed = kill_while_proving(&mut first, &Chain::connect(&urls[0]).await?).await?;
	ensure!(!first.process.output().contains("proved"), "{}", first.process.output());
	let _second = client.pod(&urls[1], "//Ferdie")?;

	let waited = tokio::task::spawn_blocking(move || order.join());
	let report = waited.await?.map_err(|_| anyhow::anyhow!("the order panicked"))??;
	ensure!(report["settled"] == true && report["verified_offline"] == true, "{report:#}");
	ensure!(report["prediction"]["class"] == client.expected_class(3)?, "{report:#}");
	let ferdie = Signer::development("//Ferdie")?.account();
	ensure!(killed != ferdie && report["pod"] == ferdie.to_string(), "{report:#}");

	let chain = Chain::connect(&urls[1]).await?;
	let record = chain.at(At::Best).await?.pod(killed).await?.context("the first pod")?;
	ensure!((record.record.missed, record.live_jobs) == (1, 0), "{record:?}");
	let best = network.heads([0]).await?[0].best.number;
	network.reach(Validators::ALL, best + A_WHILE).await?;
	network.ensure_one_chain(Validators::ALL).await
}
