// SPDX-License-Identifier: Apache-2.0

//! Jobs on a running chain: real node, worker and command line.

use anyhow::{ensure, Context as _, Result};
use proofpod_client::{
	amount::POD,
	chain::{calls, At, Chain, Inclusion, JobEvent},
	delivery::{deliver, input_url, Retries},
	keys::Signer,
	sealing::{seal, Delivery, DeliveryContext},
	JobRequest, Outcome, Requirements,
};
use proofpod_primitives::{
	job::{Phase, PriceRamp, Windows},
	manifest::SetupProvenance,
	pod::TrackRecord,
	JobId, Scalar,
};
use proofpod_tests::{
	forgery,
	market::{Client, Market},
	network::{Blocks, Pod},
};
use proofpod_zkml::{
	artefacts::{ModelDirectory, PROVING_KEY_FILE},
	commitment::{commit_input, commit_output_key, Secrets},
	setup::write_proving_key,
};
use serde_json::Value;
use std::{
	future::Future,
	time::{Duration, Instant},
};

/// Longest wait for something that takes a few blocks.
const PATIENCE: Duration = Duration::from_secs(60);
/// Fast enough for many blocks, slow enough for two cores that run several tests.
const BLOCKS: Blocks = Blocks::EveryMillis(500);

async fn wait_until<F: Future<Output = Result<bool>>>(
	what: &str,
	mut holds: impl FnMut() -> F,
) -> Result<()> {
	let start = Instant::now();
	while !holds().await? {
		ensure!(start.elapsed() < PATIENCE, "waited in vain until {what}");
		tokio::time::sleep(Duration::from_millis(100)).await;
	}
	Ok(())
}

fn terminate(pod: &mut Pod) -> Result<()> {
	let status = pod.process.terminate(Duration::from_secs(15))?;
	ensure!(status.success(), "expected exit code 0, found {status}: {}", pod.process.output());
	ensure!(!pod.process.output().contains("panicked"), "{}", pod.process.output());
	Ok(())
}

#[test]
fn clients_get_the_integer_networks_prediction_verified_and_paid() -> Result<()> {
	let market = Market::start(BLOCKS)?;
	let mut pod = market.pod("//Bob")?;
	for record in [0, 5, 11] {
		let report = market.client.order(record, &["--min-price", "0.2", "--max-price", "1"])?;
		assert_eq!(report["settled"], true, "{report:#}");
		assert_eq!(report["verified_offline"], true, "{report:#}");
		assert_eq!(report["prediction"]["class"], market.client.expected_class(record)?);
		let price: u128 = report["price"].as_str().context("a price")?.parse()?;
		assert!((POD / 5..=POD).contains(&price), "{price}");
		let status = market.client.cli.run(["job", "status", &report["job_id"].to_string()])?;
		assert_eq!(status["state"], "settled", "{status:#}");
	}
	let pods = market.client.cli.run(["pods", "list"])?;
	assert!(pods.to_string().contains("\"settled\":3"), "{pods:#}");
	let live = market.client.cli.run(["job", "list"])?;
	assert_eq!(live.as_array().map(Vec::len), Some(0), "{live:#}");
	terminate(&mut pod)
}

#[tokio::test]
async fn forgeries_are_refused_and_the_honest_proofs_still_pay() -> Result<()> {
	let market = Market::start(BLOCKS)?;
	let chain = Chain::connect(&market.node.url).await?;
	let (client, pod) = (Signer::development("//Dave")?, Signer::development("//Eve")?);
	let refusals = forgery::attempt(&chain, &market.client.model, &client, &pod).await?;
	assert!(refusals["tampered_proof"].starts_with("Proofs.MalformedProof"), "{refusals:?}");
	assert!(refusals["proof_of_another_job"].starts_with("Proofs.InvalidProof"), "{refusals:?}");
	assert!(refusals["altered_output"].starts_with("Proofs.InvalidProof"), "{refusals:?}");
	let record = chain.at(At::Best).await?.pod(pod.account()).await?.context("the pod")?;
	assert_eq!((record.record.settled, record.live_jobs), (2, 0));
	Ok(())
}

/// A power cut after the lock, another after the delivery, and garbage in between.
#[tokio::test]
async fn a_pod_that_is_killed_finishes_its_job_after_the_restart() -> Result<()> {
	let market = Market::start(BLOCKS)?;
	let mut pod = market.pod("//Bob")?;
	let chain = Chain::connect(&market.node.url).await?;
	let signer = Signer::development("//Charlie")?;
	let manifest = ModelDirectory::at(&market.client.model).manifest()?.manifest;
	let input = vec![3i8; manifest.input_len as usize];
	let secrets = Secrets::random(&mut rand::rngs::OsRng);
	let request = JobRequest {
		model: manifest.id(),
		input: commit_input(&input, &secrets.salt),
		output_key: Some(commit_output_key(&secrets.output_key)),
		price: PriceRamp { min: POD, max: POD, ramp: 0 },
		windows: Windows { lock: 200, acknowledge: 200, prove: 400, failover: 0 },
		requirements: Requirements::default(),
	};
	let open = calls::jobs::open(request.clone());
	let opened = chain.submit(&open, &signer, Inclusion::Best).await?.job_events()?;
	let job = opened
		.into_iter()
		.find_map(|event| match event {
			JobEvent::Opened { job, .. } => Some(job),
			_ => None,
		})
		.context("no job was opened")?;

	let lock = || async {
		let view = chain.at(At::Finalised).await?;
		let job = view.job(job).await?.context("the job is gone")?;
		anyhow::Ok(match job.phase(view.tick().await?) {
			Phase::Locked(lock) => Some(*lock),
			_ => None,
		})
	};
	wait_until("the pod locked the job", || async { Ok(lock().await?.is_some()) }).await?;
	let lock = lock().await?.context("the lock")?;
	pod.process.kill()?;
	pod.restart()?;

	// Nobody but the client can deliver for the job, or for one that the pod does not hold.
	let context = DeliveryContext {
		genesis: chain.genesis(),
		job,
		pod: lock.pod.0,
		key_epoch: lock.key_epoch,
		input: request.input,
	};
	let record = chain.at(At::Best).await?.pod(lock.pod).await?.context("the pod's record")?;
	let key = record.profile.encryption_key;
	let (salt, output_key) = secrets.to_bytes();
	let sealed =
		|input: &[i8]| seal(&key, &context, &Delivery { input: input.to_vec(), salt, output_key });
	let honest = sealed(&input)?;
	assert_eq!(post(&pod, JobId(job.0 + 1), &honest).await?, (409, "PW-DEL-004".into()));
	wait_until("the pod knows its job again", || async {
		Ok(post(&pod, job, b"garbage").await? == (422, "PW-DEL-001".into()))
	})
	.await?;
	let other = sealed(&vec![4i8; input.len()])?;
	assert_eq!(post(&pod, job, &other).await?, (422, "PW-DEL-002".into()));

	deliver(&pod.endpoint, job, &honest, Retries::default()).await?;
	pod.process.kill()?;
	pod.restart()?;
	wait_until("the job is settled", || async {
		Ok(chain.at(At::Finalised).await?.receipt(job).await?.is_some())
	})
	.await?;
	let receipt = chain.at(At::Finalised).await?.receipt(job).await?.context("the receipt")?;
	assert!(matches!(receipt.outcome, Outcome::Settled { price: POD, .. }), "{receipt:?}");

	wait_until("the worker has counted the settlement", || async {
		let metrics = reqwest::get(format!("{}/metrics", pod.metrics)).await?.text().await?;
		Ok(metrics.contains("pod_worker_steps_total{kind=\"settled\"} 1"))
	})
	.await?;
	terminate(&mut pod)
}

/// Posts to the pod as it is, without a client's patience; gives status and code.
async fn post(pod: &Pod, job: JobId, body: &[u8]) -> Result<(u16, String)> {
	let url = input_url(&pod.endpoint, job)?;
	let answer = reqwest::Client::new().post(url).body(body.to_vec()).send().await?;
	let status = answer.status().as_u16();
	let text: Value = answer.json().await?;
	Ok((status, text["code"].as_str().unwrap_or_default().into()))
}

#[tokio::test]
async fn a_job_that_nobody_takes_can_be_cancelled_or_expires_and_is_refunded() -> Result<()> {
	let market = Market::start(BLOCKS)?;
	let chain = Chain::connect(&market.node.url).await?;
	let charlie = Signer::development("//Charlie")?.account();
	let before = chain.at(At::Best).await?.balance(charlie).await?;

	let client = market.client.clone();
	let order = std::thread::spawn(move || client.order(0, &["--max-price", "5"]));
	wait_until("the job is open", || async {
		Ok(!chain.at(At::Best).await?.jobs().await?.is_empty())
	})
	.await?;
	let view = chain.at(At::Best).await?;
	let (held, terms) = (view.balance(charlie).await?, view.job_terms(5 * POD).await?);
	assert_eq!(held.held - before.held, 5 * POD + terms.deposit, "price and deposit are held");
	let cli = &market.client.cli;
	cli.run(["job", "cancel", "0", "--dev", "--signer", "//Charlie"])?;
	let cancelled = order.join().map_err(|_| anyhow::anyhow!("the order panicked"))?;
	assert!(cancelled.is_err(), "a cancelled job is no success: {cancelled:?}");

	let expired = market.client.order(0, &["--max-price", "5", "--lock-window", "6"]);
	assert!(expired.is_err(), "an expired job is no success: {expired:?}");
	let status = cli.run(["job", "status", "1"])?;
	assert_eq!(status["state"], "expired", "{status:#}");

	let after = chain.at(At::Best).await?.balance(charlie).await?;
	assert_eq!(after.held, before.held, "nothing stays held");
	let fees = before.free - after.free;
	assert!(fees < POD, "only fees are gone: {fees}");
	Ok(())
}

/// Makes a proving key of the model's under which this held-out record has no proof, and the input that
/// workers try out at their start has one: the point of a witness that is zero in that one alone is
/// another.
fn spoil(market: &Market, record: &str) -> Result<()> {
	let Client { cli, model, held_out, .. } = &market.client;
	let directory = ModelDirectory::at(model);
	let honest = directory.proving_key()?.to_ark();
	let (input, secrets) = (
		vec![0i8; directory.manifest()?.manifest.input_len as usize],
		Secrets::from_bytes(&[7; 32], &[7; 32])?,
	);
	for witness in 0..honest.l_query.len() {
		let mut key = honest.clone();
		key.l_query[witness] = key.beta_g1;
		let (file, partial) = (directory.file(PROVING_KEY_FILE), directory.file("spoilt"));
		write_proving_key(&key, std::fs::File::create(&partial)?)?;
		std::fs::rename(&partial, &file)?;
		directory.record_keys(SetupProvenance::SingleParty)?;
		if directory.prover()?.prove(&Scalar([0; 32]), &input, &secrets).is_err() {
			continue;
		}
		let (folder, proof) = (model.to_string_lossy(), directory.file("proof.json"));
		let proof = proof.to_string_lossy();
		let arguments = ["--input", held_out, "--record", record, "--out", &proof];
		let proved = cli.run([["model", "prove", &folder].as_slice(), &arguments].concat());
		if proved.is_err_and(|error| error.to_string().contains("found one that does not")) {
			println!("witness {witness} of {}", honest.l_query.len());
			return Ok(());
		}
	}
	anyhow::bail!("no witness is zero in the one input and not in the other")
}

/// Whoever makes a model's proving key can make one under which an input has no proof, and order just
/// that. It gets the pod's lapse fee burned, and its own, instead of half of what the pod would lose by giving up.
#[tokio::test]
async fn a_job_without_a_proof_is_not_acknowledged() -> Result<()> {
	let market = Market::start(BLOCKS)?;
	let chain = Chain::connect(&market.node.url).await?;
	spoil(&market, "0")?;
	let folder = market.client.model.to_string_lossy().into_owned();
	let cli = &market.client.cli;
	cli.run(["model", "register", &folder, "--dev", "--signer", "//Charlie"])?;
	let mut pod = market.pod("//Bob")?;
	let bob = Signer::development("//Bob")?.account();
	let total = || async {
		let balance = chain.at(At::Best).await?.balance(bob).await?;
		anyhow::Ok(balance.free + balance.held)
	};
	let before = total().await?;

	let windows = ["--lock-window", "4", "--acknowledge-window", "12", "--failover-window", "300"];
	let ordered = market.client.order(0, &[["--max-price", "1"].as_slice(), &windows].concat());
	assert!(ordered.is_err(), "an expired job is no success: {ordered:?}");
	assert_eq!(cli.run(["job", "status", "0"])?["state"], "expired");
	let output = pod.process.output();
	assert!(output.contains("could not be proved, and is not acknowledged"), "{output}");
	wait_until("the pod has its bond back", || async {
		Ok(chain.at(At::Best).await?.pod(bob).await?.context("the pod")?.live_jobs == 0)
	})
	.await?;
	let record = chain.at(At::Best).await?.pod(bob).await?.context("the pod")?;
	let TrackRecord { unacknowledged, discarded, missed, .. } = record.record;
	assert_eq!((unacknowledged, discarded, missed), (1, 0, 0));
	let lost = before - total().await?;
	assert!((POD / 100..POD / 50).contains(&lost), "the lapse fee and fees: {lost}");

	// It has learnt from it: no further job of the model is its.
	assert!(market.client.order(1, &[["--max-price", "1"].as_slice(), &windows].concat()).is_err());
	let record = chain.at(At::Best).await?.pod(bob).await?.context("the pod")?;
	assert_eq!((record.record.unacknowledged, record.live_jobs), (1, 0));
	terminate(&mut pod)
}

/// The pod's own key registers it and is not needed again; its operator's takes the jobs, and another
/// encryption key takes the first one's place.
#[tokio::test]
async fn an_operator_works_for_a_pod_and_rotates_its_encryption_key() -> Result<()> {
	let market = Market::start(BLOCKS)?;
	let chain = Chain::connect(&market.node.url).await?;
	let (owner, operator) =
		(Signer::development("//Bob")?.account(), Signer::development("//Eve")?.account());
	let folder = market.client.pod_of(&market.node.url, "//Eve", Some(owner))?;
	let (profile, operator_text) = (folder.profile()?, operator.to_string());
	let profile = profile.to_string_lossy().into_owned();
	let cli = &market.client.cli;
	let mut register = vec!["pods", "register", "--profile", &profile];
	register.extend(["--operator", &operator_text, "--dev", "--signer", "//Bob"]);
	cli.run(register)?;
	let mut pod = folder.start()?;

	let before = chain.at(At::Best).await?.balance(owner).await?;
	let report = market.client.order(0, &["--max-price", "1"])?;
	assert_eq!((&report["settled"], &report["verified_offline"]), (&true.into(), &true.into()));
	let after = chain.at(At::Best).await?.balance(owner).await?;
	assert_eq!(after.held, before.held, "the job's bond is back");
	let paid = after.free - before.free;
	assert_eq!(paid, POD / 100 * 99, "the owner has the price but for the market's fee");

	let first = chain.at(At::Best).await?.pod(owner).await?.context("the pod")?;
	terminate(&mut pod)?;
	pod.restart_with(&["--rotate-key"])?;
	let report = market.client.order(5, &["--max-price", "1"])?;
	assert_eq!(report["settled"], true, "{report:#}");
	let shown = cli.run(["pods", "show", &owner.to_string()])?;
	assert_eq!(shown["state"], "live", "{shown:#}");
	assert_eq!(
		(&shown["pod"]["key_epoch"], &shown["pod"]["operator"]),
		(&1.into(), &operator_text.into())
	);
	// A client that wants more time to deliver than the operator gives is not served.
	let slow = ["--max-price", "1", "--acknowledge-window", "201", "--lock-window", "20"];
	let waiting = market.client.order(6, &slow);
	assert!(waiting.is_err(), "an expired job is no success: {waiting:?}");
	assert_eq!(cli.run(["job", "status", "2"])?["state"], "expired");
	let second = chain.at(At::Best).await?.pod(owner).await?.context("the pod")?;
	assert_ne!(first.profile.encryption_key, second.profile.encryption_key);
	wait_until("the old key is deleted", || async {
		Ok(pod.process.output().contains("deleted a retired encryption key"))
	})
	.await?;
	terminate(&mut pod)?;

	// The operator can neither dismiss itself nor touch the bond.
	let refused = cli.run(["pods", "leave", "--dev", "--signer", "//Eve"]);
	assert!(refused.is_err_and(|error| error.to_string().contains("Pods.NotRegistered")));
	cli.run(["pods", "operator", "--dev", "--signer", "//Bob"])?;
	let error = pod.restart().err().context("a dismissed operator's worker")?;
	assert!(error.to_string().contains("to be the operator of the pod"), "{error}");
	Ok(())
}
