// SPDX-License-Identifier: Apache-2.0

//! Two network namespaces, joined by a cable that can be cut.
//!
//! ```text
//!   nodes of an island ──── cable ──── nodes of the other
//!           │                                 │
//!         uplink ──────── the test ──────── uplink
//! ```
//!
//! Nodes reach each other over the cable, the test reaches their RPC servers over the uplinks, and
//! nothing is forwarded from one to the other. All of it is in namespaces without names, which
//! the kernel removes with the processes in them: the machine's own network is left alone.

use crate::process::Process;
use anyhow::{bail, ensure, Context as _, Result};
use std::{
	ffi::{OsStr, OsString},
	fs::{read_link, read_to_string},
	net::Ipv4Addr,
	path::Path,
	process::Command,
	time::{Duration, Instant},
};

/// Set in the environment of a test that was given a network namespace of its own: the namespace from
/// which it was started.
const INSIDE: &str = "PROOFPOD_NETWORK_NAMESPACE";

/// How `unshare` can make that namespace: as root, or as whoever may be root in a namespace.
const WAYS: [&[&str]; 2] = [&["--net"], &["--user", "--map-root-user", "--net"]];

/// How long a process may take to enter a namespace.
const PATIENCE: Duration = Duration::from_secs(10);

/// What came of [`isolated`].
#[derive(Debug)]
pub enum Isolation {
	/// The caller runs in a namespace of its own.
	Inside,
	/// The test was run there, and passed.
	Passed,
	/// This machine does not allow it, for these reasons.
	Impossible(String),
}

/// Runs the test of this name again, in a process with a network namespace of its own, where it
/// makes [`Islands`]. To be called first by that test itself.
///
/// # Errors
/// When the test fails there, or the environment says that this process is there and it is not.
pub fn isolated(test: &str) -> Result<Isolation> {
	let ours = namespace("self")?;
	if let Some(outside) = std::env::var_os(INSIDE) {
		let devices = devices()?;
		ensure!(
			ours != outside && devices == ["lo"],
			"{INSIDE} is set, but this process is in no network namespace of its own: it has \
			 {devices:?}. Do not set it by hand",
		);
		run("ip", ["link", "set", "lo", "up"])?;
		return Ok(Isolation::Inside);
	}
	let mut reasons = Vec::new();
	for way in WAYS {
		let probe = ["ip", "link", "add", "probe", "type", "veth"];
		match run("unshare", way.iter().chain(&probe)) {
			Err(reason) => reasons.push(reason.to_string()),
			Ok(()) => {
				let output = Command::new("unshare")
					.args(way)
					.arg(std::env::current_exe()?)
					.args(["--exact", test, "--nocapture"])
					.env(INSIDE, &ours)
					.output()?;
				let text = String::from_utf8_lossy(&output.stdout);
				println!("{text}{}", String::from_utf8_lossy(&output.stderr));
				ensure!(output.status.success(), "{test}: {} in its namespace", output.status);
				ensure!(text.contains("1 passed"), "there is no test {test}");
				return Ok(Isolation::Passed);
			},
		}
	}
	Ok(Isolation::Impossible(reasons.join("; ")))
}

/// A network namespace, held by a process.
#[derive(Clone, Copy, Debug)]
pub struct Island {
	holder: u32,
	/// Which of the two.
	number: u8,
}

impl Island {
	/// Its address for the test.
	pub fn uplink(&self) -> Ipv4Addr {
		Ipv4Addr::new(10, 0, self.number, 2)
	}

	/// Its address for the other island.
	pub fn cable(&self) -> Ipv4Addr {
		Ipv4Addr::new(10, 1, 0, 1 + self.number)
	}

	/// A command that runs a program on the island. The program keeps the process's number.
	pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
		let mut command = Command::new("nsenter");
		command.arg(format!("--net=/proc/{}/ns/net", self.holder)).arg("--").arg(program);
		command
	}

	/// Runs `ip` on the island.
	fn ip<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Result<()> {
		finish(self.command("ip").args(arguments))
	}
}

/// Two islands and their cable. They last as long as this handle.
pub struct Islands {
	islands: [Island; 2],
	_holders: [Process; 2],
}

impl Islands {
	/// Makes two islands; the caller must be [`Isolation::Inside`].
	pub fn new(folder: &Path) -> Result<Self> {
		let holders = [hold(folder)?, hold(folder)?];
		let islands =
			[0, 1].map(|number: u8| Island { holder: holders[usize::from(number)].id(), number });
		let ids = islands.map(|island| island.holder.to_string());
		run(
			"ip",
			[
				"link", "add", "cable", "netns", &ids[0], "type", "veth", "peer", "name", "cable",
				"netns", &ids[1],
			],
		)?;
		for (island, id) in islands.iter().zip(&ids) {
			let uplink = format!("uplink{}", island.number);
			run(
				"ip",
				["link", "add", &uplink, "type", "veth", "peer", "name", "uplink", "netns", id],
			)?;
			let here = format!("{}/24", Ipv4Addr::new(10, 0, island.number, 1));
			run("ip", ["address", "add", &here, "dev", &uplink])?;
			run("ip", ["link", "set", &uplink, "up"])?;
			for (device, address) in [("uplink", island.uplink()), ("cable", island.cable())] {
				island.ip(["address", "add", &format!("{address}/24"), "dev", device])?;
				island.ip(["link", "set", device, "up"])?;
			}
			island.ip(["link", "set", "lo", "up"])?;
		}
		Ok(Self { islands, _holders: holders })
	}

	/// The island of this number, 0 or 1.
	pub fn island(&self, number: usize) -> Island {
		self.islands[number]
	}

	/// Cuts the cable: what is sent over it is lost, and nobody is told.
	pub fn cut(&self) -> Result<()> {
		self.islands[0].ip(["link", "set", "cable", "down"])
	}

	/// Mends the cable.
	pub fn mend(&self) -> Result<()> {
		self.islands[0].ip(["link", "set", "cable", "up"])
	}
}

/// A process that does nothing in a network namespace of its own.
fn hold(folder: &Path) -> Result<Process> {
	let mut command = Command::new("unshare");
	command.args(["--net", "--", "sleep", "infinity"]);
	let mut holder = Process::start("unshare", &mut command, &folder.join("islands.log"))?;
	let ours = namespace("self")?;
	let start = Instant::now();
	while namespace(&holder.id().to_string()).is_ok_and(|theirs| theirs == ours) {
		holder.ensure_running()?;
		ensure!(start.elapsed() < PATIENCE, "unshare made no network namespace");
		std::thread::sleep(Duration::from_millis(10));
	}
	Ok(holder)
}

/// The network namespace of a process, as the kernel names it.
fn namespace(process: &str) -> Result<OsString> {
	Ok(read_link(format!("/proc/{process}/ns/net"))?.into_os_string())
}

/// The network devices that this process sees.
fn devices() -> Result<Vec<String>> {
	let table = read_to_string("/proc/self/net/dev")?;
	let names = table.lines().filter_map(|line| line.split_once(':'));
	Ok(names.map(|(name, _)| name.trim().into()).collect())
}

fn run<S: AsRef<OsStr>>(program: &str, arguments: impl IntoIterator<Item = S>) -> Result<()> {
	finish(Command::new(program).args(arguments))
}

fn finish(command: &mut Command) -> Result<()> {
	let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
	if !output.status.success() {
		bail!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim());
	}
	Ok(())
}
