// SPDX-License-Identifier: Apache-2.0

//! Real processes of this workspace's binaries, each ended when its handle is dropped.

use anyhow::{bail, ensure, Context as _, Result};
use std::{
	ffi::OsStr,
	fs::File,
	net::{Ipv4Addr, TcpListener},
	path::{Path, PathBuf},
	process::{Child, Command, ExitStatus, Stdio},
	time::{Duration, Instant},
};

/// A port of the loopback interface that nobody listens on now. Below the ports that the system
/// gives to outgoing connections: a client that waits for one of those can connect to itself.
pub fn free_port() -> Result<u16> {
	for _ in 0..1000 {
		let port = rand::random::<u16>() % 12_000 + 20_000;
		if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
			return Ok(port);
		}
	}
	bail!("found no free port from 20000 to 31999")
}

/// The binary of this name, built beside the running one.
pub fn binary(name: &str) -> Result<PathBuf> {
	let this = std::env::current_exe()?;
	// Tests run from `deps/`, one level below the binaries.
	let found =
		this.ancestors().skip(1).take(2).map(|folder| folder.join(name)).find(|p| p.exists());
	found.with_context(|| format!("{name} is not built: run `make build`"))
}

/// A running process, its output in a log file.
pub struct Process {
	name: String,
	child: Child,
	log: PathBuf,
}

impl Process {
	/// Starts a binary of this workspace.
	pub fn spawn<I, S>(name: &str, arguments: I, log: &Path) -> Result<Self>
	where
		I: IntoIterator<Item = S>,
		S: AsRef<OsStr>,
	{
		Self::start(name, Command::new(binary(name)?).args(arguments), log)
	}

	/// Starts a command, and calls it by this name.
	pub fn start(name: &str, command: &mut Command, log: &Path) -> Result<Self> {
		let file = File::options().create(true).append(true).open(log)?;
		let child = command
			.stdin(Stdio::null())
			.stdout(file.try_clone()?)
			.stderr(file)
			.spawn()
			.with_context(|| format!("cannot start {name}"))?;
		Ok(Self { name: name.into(), child, log: log.into() })
	}

	/// The process's number.
	pub fn id(&self) -> u32 {
		self.child.id()
	}

	/// What it has printed.
	pub fn output(&self) -> String {
		std::fs::read_to_string(&self.log).unwrap_or_default()
	}

	/// An error if the process has ended, with the end of its log.
	pub fn ensure_running(&mut self) -> Result<()> {
		match self.child.try_wait()? {
			None => Ok(()),
			Some(status) => bail!("{} ended with {status}:\n{}", self.name, self.last_lines(20)),
		}
	}

	/// The end of its log.
	pub fn last_lines(&self, count: usize) -> String {
		let output = self.output();
		let lines: Vec<_> = output.lines().collect();
		lines[lines.len().saturating_sub(count)..].join("\n")
	}

	/// Lets the process stand still (SIGSTOP).
	pub fn pause(&self) -> Result<()> {
		self.signal("-STOP")
	}

	/// Lets it go on after [`pause`](Self::pause) (SIGCONT).
	pub fn resume(&self) -> Result<()> {
		self.signal("-CONT")
	}

	fn signal(&self, signal: &str) -> Result<()> {
		let sent = Command::new("kill").arg(signal).arg(self.id().to_string()).status()?;
		ensure!(sent.success(), "cannot signal {}", self.name);
		Ok(())
	}

	/// Asks the process to end (SIGTERM), and waits.
	pub fn terminate(&mut self, patience: Duration) -> Result<ExitStatus> {
		self.signal("-TERM")?;
		let start = Instant::now();
		while start.elapsed() < patience {
			if let Some(status) = self.child.try_wait()? {
				return Ok(status);
			}
			std::thread::sleep(Duration::from_millis(50));
		}
		bail!("{} did not end within {patience:?} of SIGTERM", self.name)
	}

	/// Ends the process at once, as a power cut would (SIGKILL).
	pub fn kill(&mut self) -> Result<()> {
		self.child.kill()?;
		self.child.wait()?;
		Ok(())
	}

	/// Leaves the process running when this handle goes.
	pub fn detach(self) {
		std::mem::forget(self);
	}
}

impl Drop for Process {
	fn drop(&mut self) {
		// A node asked to end removes its temporary folder.
		if let Ok(None) = self.child.try_wait() {
			let _ = self.terminate(Duration::from_secs(5));
		}
		let _ = self.child.kill();
		let _ = self.child.wait();
	}
}
