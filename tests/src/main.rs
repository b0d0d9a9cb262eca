// SPDX-License-Identifier: Apache-2.0

//! The demo: a chain, a pod and a client on this machine, from an ONNX file to a decrypted,
//! verified and paid prediction; then forgeries that the chain refuses. `make demo` runs it.

use anyhow::{Context as _, Result};
use clap::Parser;
use proofpod_client::{chain::Chain, keys::Signer};
use proofpod_tests::{
	benchmarks, forgery,
	network::{repository, Blocks, Cli, Node, Pod},
	timing,
};
use proofpod_zkml::artefacts::ModelDirectory;
use serde_json::{json, Value};
use std::{
	path::{Path, PathBuf},
	process::ExitCode,
	time::Instant,
};

/// A chain, a pod and a client on this machine.
#[derive(Parser)]
struct Arguments {
	/// Leave the chain and the pod running, and print their addresses.
	#[arg(long)]
	keep: bool,
	/// Which held-out record each model predicts.
	#[arg(long, default_value_t = 3)]
	record: usize,
	/// Write the figures as a page of the book, too.
	#[arg(long, value_name = "FILE")]
	benchmarks: Option<PathBuf>,
	/// Where the report, the logs and the models go.
	#[arg(long, default_value = "target/demo")]
	out: PathBuf,
}

/// Models of the demo, each a folder of `models/`.
const MODELS: [&str; 2] = ["breast_cancer", "digits"];

#[tokio::main]
async fn main() -> ExitCode {
	match run(Arguments::parse()).await {
		Ok(()) => ExitCode::SUCCESS,
		Err(error) => {
			eprintln!("the demo failed: {error:#}");
			ExitCode::FAILURE
		},
	}
}

/// Prints progress with the time since the start.
struct Progress(Instant);

impl Progress {
	fn say(&self, text: impl std::fmt::Display) {
		println!("[{:5.1} s] {text}", self.0.elapsed().as_secs_f64());
	}
}

async fn run(arguments: Arguments) -> Result<()> {
	let progress = Progress(Instant::now());
	let out = repository().join(&arguments.out);
	if out.exists() {
		std::fs::remove_dir_all(&out).with_context(|| format!("cannot empty {}", out.display()))?;
	}
	std::fs::create_dir_all(&out)?;

	progress.say("starting a chain (Aura and GRANDPA, 3-second blocks)");
	let starting = {
		let out = out.clone();
		tokio::task::spawn_blocking(move || Node::start(&out, Blocks::Consensus))
	};
	let mut models = Vec::new();
	for name in MODELS {
		models.push(compile(&progress, name, &out)?);
	}
	let node = starting.await??;
	let cli = Cli { url: node.url.clone(), jobs: out.join("jobs") };
	progress.say(format!("the chain answers at {}", node.url));

	progress
		.say("registering both models (//Alice, //Ferdie), and a pod that tries them out (//Bob)");
	let registrations: Vec<_> = models
		.iter()
		.zip(["//Alice", "//Ferdie"])
		.map(|(model, publisher)| {
			let (cli, model) = (cli.clone(), model.clone());
			tokio::task::spawn_blocking(move || register(&cli, &model, publisher))
		})
		.collect();
	let folders: Vec<_> = models.iter().map(|model| model.folder.clone()).collect();
	let pod = Pod::start(&out.join("pod"), &node.url, "//Bob", &folders, "0.2")?;
	progress.say(format!("the pod takes jobs at {}", pod.endpoint));
	for (model, registration) in models.iter_mut().zip(registrations) {
		let (registered, register_ms) = registration.await??;
		progress.say(format!("{}: registered in {register_ms} ms", model.name));
		model.report["registered"] = registered;
		model.report["register_ms"] = register_ms.into();
	}

	progress.say("a client (//Charlie) orders a prediction from each model");
	progress.say("at the same time, a dishonest pod (//Eve) submits forgeries");
	let chain = Chain::connect(&node.url).await?;
	let orders: Vec<_> = models
		.iter()
		.map(|model| {
			let (cli, model, record) = (cli.clone(), model.clone(), arguments.record);
			tokio::task::spawn_blocking(move || order(&cli, &model, record))
		})
		.collect();
	let (client, dishonest) = (Signer::development("//Dave")?, Signer::development("//Eve")?);
	let refusals = forgery::attempt(&chain, &models[1].folder, &client, &dishonest).await?;
	for (forgery, refusal) in &refusals {
		progress.say(format!("{}: refused, {refusal}", forgery.replace('_', " ")));
	}
	let mut jobs = Vec::new();
	for order in orders {
		let mut job = order.await??;
		measure(&mut job, &pod, &node);
		progress.say(summary(&job));
		jobs.push(job);
	}

	let verification = timing::verification(&node.url, &models[1].folder).await?;
	progress.say(format!(
		"verification inside the runtime: {:.1} ms (native: {:.1} ms)",
		verification.runtime_ms, verification.native_ms
	));

	let report = json!({
		"jobs": jobs,
		"rejected": refusals,
		"models": models.iter().map(|model| &model.report).collect::<Vec<_>>(),
		"verify": verification,
		"total_ms": progress.0.elapsed().as_millis() as u64,
	});
	let path = out.join("report.json");
	std::fs::write(&path, serde_json::to_string_pretty(&report)?)?;
	if let Some(page) = &arguments.benchmarks {
		let measured = |file: &str| -> Result<Value> {
			match std::fs::read(repository().join("target/bench").join(file)) {
				Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Value::Null),
				bytes => serde_json::from_slice(&bytes?).with_context(|| file.to_string()),
			}
		};
		let (networks, peers) = (measured("networks.json")?, measured("peers.json")?);
		let path = repository().join(page);
		std::fs::write(&path, benchmarks::page(&report, &networks, &peers))?;
		let figures = benchmarks::figures(&report, &networks, &peers);
		let figures = serde_json::to_string_pretty(&figures)? + "\n";
		std::fs::write(path.with_extension("json"), figures)?;
		progress.say(format!("figures in {}", page.display()));
	}
	progress.say(format!("done; report in {}", path.display()));

	if arguments.keep {
		println!("\nchain   {} (process {})", node.url, node.process.id());
		println!("pod     {} (process {})", pod.endpoint, pod.process.id());
		println!("status  {}/status, {0}/metrics", pod.metrics);
		println!("models  {}", out.join("models").display());
		println!("end them with: kill {} {}", pod.process.id(), node.process.id());
		pod.process.detach();
		node.process.detach();
	}
	Ok(())
}

/// A model that is ready for jobs.
#[derive(Clone)]
struct Model {
	name: &'static str,
	folder: PathBuf,
	held_out: PathBuf,
	report: Value,
}

/// Runs a command and times it.
fn timed(cli: &Cli, arguments: &[&str]) -> Result<(Value, u64)> {
	let start = Instant::now();
	let value = cli.run(arguments)?;
	Ok((value, start.elapsed().as_millis() as u64))
}

/// Compiles a model, makes its keys, and tries an inference: nothing here needs a chain.
fn compile(progress: &Progress, name: &'static str, out: &Path) -> Result<Model> {
	let source = repository().join("models").join(name);
	let folder = out.join("models").join(name);
	let held_out = source.join("held_out.json");
	let offline = Cli { url: "ws://127.0.0.1:9".into(), jobs: out.join("jobs") };
	let text = |path: &Path| path.to_string_lossy().into_owned();
	let (onnx, calibration) =
		(text(&source.join(format!("{name}.onnx"))), text(&source.join("calibration.json")));
	let (directory, records) = (text(&folder), text(&held_out));

	let (compiled, compile_ms) = timed(
		&offline,
		&["model", "compile", &onnx, "--calibration", &calibration, "--out", &directory],
	)?;
	let (_, setup_ms) = timed(&offline, &["model", "setup", &directory])?;
	let (inferred, _) =
		timed(&offline, &["model", "infer", &directory, "--input", &records, "--record", "0"])?;
	let network = ModelDirectory::at(&folder).load()?.network;
	let start = Instant::now();
	network.infer(&vec![0; network.input_len()])?;
	let infer_us = start.elapsed().as_micros() as u64;
	progress.say(format!(
		"{name}: compiled in {compile_ms} ms, keys made in {setup_ms} ms, one inference {infer_us} µs"
	));
	let report = json!({
		"model": name,
		"compile_ms": compile_ms,
		"setup_ms": setup_ms,
		"infer_us": infer_us,
		"compiled": compiled,
		"inferred": inferred,
	});
	Ok(Model { name, folder, held_out, report })
}

/// Registers a model.
fn register(cli: &Cli, model: &Model, publisher: &str) -> Result<(Value, u64)> {
	let directory = model.folder.to_string_lossy();
	timed(cli, &["model", "register", &directory, "--dev", "--signer", publisher])
}

/// Runs one job as a client would, and puts the true label beside the prediction.
fn order(cli: &Cli, model: &Model, record: usize) -> Result<Value> {
	let held_out: Value = serde_json::from_slice(&std::fs::read(&model.held_out)?)?;
	let label = &held_out["labels"][record];
	let report = cli.run([
		"job",
		"run",
		&model.folder.to_string_lossy(),
		"--input",
		&model.held_out.to_string_lossy(),
		"--record",
		&record.to_string(),
		"--min-price",
		"0.2",
		"--max-price",
		"1",
		"--dev",
		"--signer",
		"//Charlie",
	])?;
	Ok(json!({
		"model": model.name,
		"job_id": report["job_id"],
		"predicted": report["prediction"]["class"],
		"predicted_name": report["prediction"]["label"],
		"label": label,
		"settled": report["settled"],
		"verified_offline": report["verified_offline"],
		"price_planck": report["price"],
		"settle_blocks": report["settle_blocks"],
		"block": report["ended_block"],
		"timings": report["timings"],
		"client_report": report,
	}))
}

/// Adds what only the pod and the node know: how long the proof took, and the block that settled it.
fn measure(job: &mut Value, pod: &Pod, node: &Node) {
	let milliseconds = |log: &str, line: &str, before: &str| -> Option<u64> {
		let line = log.lines().find(|text| text.contains(line))?;
		let digits = line.split(before).nth(1)?;
		digits.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
	};
	let proved = format!(" proved job={} ", job["job_id"]);
	job["prove_ms"] = json!(milliseconds(&pod.process.output(), &proved, "milliseconds="));
	let prepared = format!("Prepared block for proposing at {} ", job["block"]);
	job["settle_block_ms"] = json!(milliseconds(&node.process.output(), &prepared, "("));
}

fn summary(job: &Value) -> String {
	let planck: f64 = job["price_planck"].as_str().and_then(|p| p.parse().ok()).unwrap_or(0.0);
	format!(
		"{}: job {} settled: predicted {} ({}), true label {}; paid {} POD; checked offline: {}; \
		 proved in {} ms, settled in a block made in {} ms, {} ms in all",
		job["model"].as_str().unwrap_or_default(),
		job["job_id"],
		job["predicted"],
		job["predicted_name"].as_str().unwrap_or("unnamed"),
		job["label"],
		planck / 1e12,
		job["verified_offline"],
		job["prove_ms"],
		job["settle_block_ms"],
		job["timings"]["total_ms"],
	)
}
