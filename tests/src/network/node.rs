// SPDX-License-Identifier: Apache-2.0

//! One node of a chain.

use super::{Island, START_PATIENCE};
use crate::process::{binary, free_port, Process};
use anyhow::{bail, Context as _, Result};
use serde_json::{json, Value};
use std::{
	io::{Read, Write},
	net::{Ipv4Addr, SocketAddrV4, TcpStream},
	path::{Path, PathBuf},
	process::Command,
	time::{Duration, Instant},
};

/// How long a node may take for one request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// How a development chain makes its blocks.
#[derive(Clone, Copy, Debug)]
pub enum Blocks {
	/// As validators do: Aura and GRANDPA, every 3 seconds.
	Consensus,
	/// One every so many milliseconds, for fast local work.
	EveryMillis(u32),
}

/// Where a node runs, and the port on which other nodes reach it.
#[derive(Clone, Copy, Debug)]
pub struct Place {
	island: Option<Island>,
	port: u16,
}

impl Place {
	/// A free port of the loopback interface.
	pub fn loopback() -> Result<Self> {
		Ok(Self { island: None, port: free_port()? })
	}

	/// A free port of an island.
	pub fn on(island: Island) -> Result<Self> {
		Ok(Self { island: Some(island), port: free_port()? })
	}

	/// The address for other nodes, without the node's identity.
	pub fn address(&self) -> String {
		let ip = self.island.map_or(Ipv4Addr::LOCALHOST, |island| island.cable());
		format!("/ip4/{ip}/tcp/{}", self.port)
	}

	fn command(&self) -> Result<Command> {
		let node = binary("proofpod-node")?;
		Ok(match self.island {
			None => Command::new(node),
			Some(island) => island.command(node),
		})
	}

	/// Where the tests reach the node's RPC server.
	fn rpc(&self) -> Result<SocketAddrV4> {
		let ip = self.island.map_or(Ipv4Addr::LOCALHOST, |island| island.uplink());
		Ok(SocketAddrV4::new(ip, free_port()?))
	}
}

/// A node.
pub struct Node {
	/// The process.
	pub process: Process,
	/// Its WebSocket address.
	pub url: String,
	launch: Launch,
	http: reqwest::Client,
}

/// How a node is started, the first time and again.
struct Launch {
	place: Place,
	rpc: SocketAddrV4,
	arguments: Vec<String>,
	log: PathBuf,
}

impl Launch {
	/// Starts the process and waits until it answers.
	fn run(&self) -> Result<Process> {
		let mut command = self.place.command()?;
		command.args(&self.arguments);
		let mut process = Process::start("proofpod-node", &mut command, &self.log)?;
		wait_for_http(&mut process, self.rpc)?;
		Ok(process)
	}
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
		Self::start_at(Place::loopback()?, folder, name, arguments)
	}

	/// Starts a node with these arguments at this place, and waits until it answers.
	pub fn start_at(place: Place, folder: &Path, name: &str, arguments: &[String]) -> Result<Self> {
		let rpc = place.rpc()?;
		let mut all: Vec<String> = arguments.to_vec();
		all.extend([
			"--rpc-port".into(),
			rpc.port().to_string(),
			"--listen-addr".into(),
			place.address(),
			"--no-prometheus".into(),
			"--no-mdns".into(),
		]);
		if place.island.is_some() {
			// An island has no interface but the tests' and the other islands'.
			all.extend(["--unsafe-rpc-external".into(), "--rpc-cors".into(), "all".into()]);
		}
		let launch = Launch { place, rpc, arguments: all, log: folder.join(format!("{name}.log")) };
		let http = reqwest::Client::builder().no_proxy().timeout(REQUEST_TIMEOUT).build()?;
		Ok(Self { process: launch.run()?, url: format!("ws://{rpc}"), launch, http })
	}

	/// Starts the node again, after its process ended, with the same arguments and ports.
	pub fn restart(&mut self) -> Result<()> {
		self.process = self.launch.run()?;
		Ok(())
	}

	/// Its answer to a JSON-RPC request.
	pub async fn request(&self, method: &str, parameters: Value) -> Result<Value> {
		let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": parameters });
		let url = format!("http://{}", self.launch.rpc);
		let answer: Value = self.http.post(url).json(&request).send().await?.json().await?;
		let result = answer.get("result").cloned();
		result.with_context(|| format!("{method} {parameters}: {answer}"))
	}

	/// Its address for other nodes.
	pub async fn address(&self) -> Result<String> {
		let answer = self.request("system_localListenAddresses", json!([])).await?;
		answer
			.as_array()
			.and_then(|addresses| {
				addresses.iter().filter_map(Value::as_str).find(|a| a.contains("/tcp/"))
			})
			.map(String::from)
			.with_context(|| format!("the node has no address: {answer}"))
	}
}

/// Waits until the node's RPC server answers. Of health it says no while a validator is alone.
fn wait_for_http(process: &mut Process, address: SocketAddrV4) -> Result<()> {
	let answers = || -> std::io::Result<bool> {
		let mut stream = TcpStream::connect(address)?;
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
			bail!("no answer from {address}:\n{}", process.last_lines(20));
		}
		std::thread::sleep(Duration::from_millis(100));
	}
	Ok(())
}
