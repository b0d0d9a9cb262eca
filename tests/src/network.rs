// SPDX-License-Identifier: Apache-2.0

//! A chain, pods and clients on this machine, each its own process on free loopback ports.

use crate::process::{binary, free_port, Process};
use anyhow::{bail, ensure, Context as _, Result};
use serde_json::Value;
use std::{
	ffi::OsStr,
	io::{Read, Write},
	net::{Ipv4Addr, TcpStream},
	path::{Path, PathBuf},
	process::Command,
	time::{Duration, Instant},
};

/// How long a process may take until it answers.
const START_PATIENCE: Duration = Duration::from_secs(60);

/// The repository's folder: `PROOFPOD_REPOSITORY`, or the package's own as cargo says at run time.
/// Checkouts that share a target folder also share what was fixed at compile time.
pub fn repository() -> PathBuf {
	if let Some(repository) = std::env::var_os("PROOFPOD_REPOSITORY") {
		return repository.into();
	}
	let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
	let package = package.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
	package.parent().map(Path::to_path_buf).unwrap_or_default()
}

/// How a development chain makes its blocks.
#[derive(Clone, Copy, Debug)]
pub enum Blocks {
	/// As validators do: Aura and GRANDPA, every 3 seconds.
	Consensus,
	/// One every so many milliseconds, for fast local work.
	EveryMillis(u32),
}

/// A development chain of one node.
pub struct Node {
	/// The process.
	pub process: Process,
	/// Its WebSocket address.
	pub url: String,
}

impl Node {
	/// Starts a node with a fresh chain and waits until it answers.
	pub fn start(folder: &Path, blocks: Blocks) -> Result<Self> {
		let mut arguments: Vec<String> = vec!["--dev".into(), "--tmp".into()];
		if let Blocks::EveryMillis(milliseconds) = blocks {
			arguments.extend(["--sealing".into(), milliseconds.to_string()]);
		}
		Self::start_with(folder, "node", &arguments)
	}

	/// Starts a node with these arguments, on free ports, and waits until it answers.
	pub fn start_with(folder: &Path, name: &str, arguments: &[String]) -> Result<Self> {
		let rpc = free_port()?;
		let p2p = free_port()?;
		let mut all: Vec<String> = arguments.to_vec();
		all.extend([
			"--rpc-port".into(),
			rpc.to_string(),
			"--listen-addr".into(),
			format!("/ip4/127.0.0.1/tcp/{p2p}"),
			"--no-prometheus".into(),
			"--no-mdns".into(),
		]);
		let mut process =
			Process::spawn("proofpod-node", &all, &folder.join(format!("{name}.log")))?;
		wait_for_http(&mut process, rpc)?;
		Ok(Self { process, url: format!("ws://127.0.0.1:{rpc}") })
	}
}

impl Node {
	/// Its address for other nodes.
	pub async fn address(&self) -> Result<String> {
		let request = serde_json::json!({
			"jsonrpc": "2.0",
			"id": 1,
			"method": "system_localListenAddresses",
			"params": [],
		});
		let url = self.url.replacen("ws", "http", 1);
		let answer: Value =
			reqwest::Client::new().post(url).json(&request).send().await?.json().await?;
		answer["result"]
			.as_array()
			.and_then(|addresses| {
				addresses.iter().filter_map(Value::as_str).find(|a| a.contains("/tcp/"))
			})
			.map(String::from)
			.with_context(|| format!("the node has no address: {answer}"))
	}
}

/// Waits until the node's RPC server answers. Of health it says no while a validator is alone.
fn wait_for_http(process: &mut Process, port: u16) -> Result<()> {
	let answers = || -> std::io::Result<bool> {
		let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
		stream.set_read_timeout(Some(Duration::from_secs(5)))?;
		stream
			.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
		let mut answer = [0; 9];
		stream.read_exact(&mut answer)?;
		Ok(&answer == b"HTTP/1.1 ")
	};
	let start = Instant::now();
	while !answers().unwrap_or(false) {
		process.ensure_running()?;
		if start.elapsed() > START_PATIENCE {
			bail!("no answer on port {port}:\n{}", process.last_lines(20));
		}
		std::thread::sleep(Duration::from_millis(100));
	}
	Ok(())
}

/// A pod with its worker.
pub struct Pod {
	/// The worker's process.
	pub process: Process,
	/// Where clients deliver.
	pub endpoint: String,
	/// Where metrics and status are.
	pub metrics: String,
	folder: PathBuf,
}

impl Pod {
	/// Starts a worker for a development account, serving these model folders at `min_price`.
	pub fn start(
		folder: &Path,
		node: &Node,
		account: &str,
		models: &[PathBuf],
		min_price: &str,
	) -> Result<Self> {
		std::fs::create_dir_all(folder)?;
		let (listen, metrics) = (free_port()?, free_port()?);
		let mut config = format!(
			"[chain]\nurl = \"{}\"\n\n[pod]\naccount_dev = \"{account}\"\nlisten = \"127.0.0.1:{listen}\"\n\
			 region = \"CH\"\ndata = \"data\"\n\n[work]\nmetrics = \"127.0.0.1:{metrics}\"\n",
			node.url
		);
		for model in models {
			config += &format!(
				"\n[[model]]\ndirectory = \"{}\"\nmin_price = \"{min_price}\"\n",
				model.display()
			);
		}
		std::fs::write(folder.join("pod.toml"), config)?;
		let process = Self::spawn(folder)?;
		Ok(Self {
			process,
			endpoint: format!("http://127.0.0.1:{listen}"),
			metrics: format!("http://127.0.0.1:{metrics}"),
			folder: folder.into(),
		})
	}

	/// Starts the worker again, after its process ended, with the same folder.
	pub fn restart(&mut self) -> Result<()> {
		self.process = Self::spawn(&self.folder)?;
		Ok(())
	}

	/// Starts the worker and waits until it takes jobs.
	fn spawn(folder: &Path) -> Result<Process> {
		let (config, log) = (folder.join("pod.toml"), folder.join("worker.log"));
		let arguments: [&OsStr; 4] =
			["run".as_ref(), "--dev".as_ref(), "--config".as_ref(), config.as_ref()];
		let ready = |log: &str| log.matches("takes jobs").count();
		// The log goes on over restarts.
		let before = ready(&std::fs::read_to_string(&log).unwrap_or_default());
		let mut process = Process::spawn("pod-worker", arguments, &log)?;
		let start = Instant::now();
		while ready(&process.output()) <= before {
			process.ensure_running()?;
			if start.elapsed() > START_PATIENCE {
				bail!("the pod is not ready:\n{}", process.last_lines(20));
			}
			std::thread::sleep(Duration::from_millis(50));
		}
		Ok(process)
	}
}

/// The `proofpod` command line.
#[derive(Clone, Debug)]
pub struct Cli {
	/// The node that it asks.
	pub url: String,
	/// Where it keeps the keys that decrypt its results.
	pub jobs: PathBuf,
}

impl Cli {
	/// Runs a command and gives its JSON, or its error's line.
	pub fn run<I, S>(&self, arguments: I) -> Result<Value>
	where
		I: IntoIterator<Item = S>,
		S: AsRef<OsStr>,
	{
		let mut command = Command::new(binary("proofpod")?);
		command.env("PROOFPOD_URL", &self.url).env("PROOFPOD_JOBS_DIR", &self.jobs).arg("--json");
		let arguments: Vec<_> = arguments.into_iter().map(|a| a.as_ref().to_owned()).collect();
		let output = command.args(&arguments).output()?;
		let text = String::from_utf8_lossy(&output.stderr);
		ensure!(output.status.success(), "proofpod {arguments:?}: {}", text.trim());
		serde_json::from_slice(&output.stdout)
			.with_context(|| format!("proofpod {arguments:?} did not print JSON"))
	}
}
