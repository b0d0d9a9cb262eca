// SPDX-License-Identifier: Apache-2.0

//! Pods: workers with a folder of their own.

use super::START_PATIENCE;
use crate::process::{binary, free_port, Process};
use anyhow::{bail, ensure, Result};
use proofpod_client::AccountId;
use std::{
	ffi::OsStr,
	path::{Path, PathBuf},
	process::Command,
	time::{Duration, Instant},
};

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

/// A worker's folder with its configuration, before the worker starts.
pub struct PodFolder {
	folder: PathBuf,
	endpoint: String,
	metrics: String,
}

impl PodFolder {
	/// Configures a worker that signs with a development account, serving these model folders at
	/// `min_price`; for the pod of that account, or of an owner.
	pub fn configure(
		folder: &Path,
		url: &str,
		account: &str,
		owner: Option<AccountId>,
		models: &[PathBuf],
		min_price: &str,
	) -> Result<Self> {
		std::fs::create_dir_all(folder)?;
		let (listen, metrics) = (free_port()?, free_port()?);
		let owner = owner.map_or_else(String::new, |owner| format!("owner = \"{owner}\"\n"));
		let mut config = format!(
			"[chain]\nurl = \"{url}\"\n\n[pod]\naccount_dev = \"{account}\"\n{owner}\
			 listen = \"127.0.0.1:{listen}\"\nregions = [\"CH\"]\ndata = \"data\"\n\n\
			 [work]\nmetrics = \"127.0.0.1:{metrics}\"\n"
		);
		for model in models {
			config += &format!(
				"\n[[model]]\ndirectory = \"{}\"\nmin_price = \"{min_price}\"\n",
				model.display()
			);
		}
		std::fs::write(folder.join("pod.toml"), config)?;
		Ok(Self {
			folder: folder.into(),
			endpoint: format!("http://127.0.0.1:{listen}"),
			metrics: format!("http://127.0.0.1:{metrics}"),
		})
	}

	/// Lets the worker trust the models' keys: it acknowledges before it proves.
	pub fn trust_keys(self) -> Result<Self> {
		let file = self.folder.join("pod.toml");
		let config = std::fs::read_to_string(&file)?;
		std::fs::write(&file, config.replace("min_price =", "trusted_key = true\nmin_price ="))?;
		Ok(self)
	}

	/// What the pod publishes, in a file for `proofpod pods register`.
	pub fn profile(&self) -> Result<PathBuf> {
		let output = Command::new(binary("pod-worker")?)
			.args(["profile", "--dev", "--config"])
			.arg(self.folder.join("pod.toml"))
			.output()?;
		let error = String::from_utf8_lossy(&output.stderr);
		ensure!(output.status.success(), "pod-worker profile: {error}");
		let file = self.folder.join("profile.json");
		std::fs::write(&file, output.stdout)?;
		Ok(file)
	}

	/// Starts the worker and waits until it takes jobs.
	pub fn start(self) -> Result<Pod> {
		let process = Pod::spawn(&self.folder, &[])?;
		let Self { folder, endpoint, metrics } = self;
		Ok(Pod { process, endpoint, metrics, folder })
	}
}

impl Pod {
	/// Starts a worker for a development account, serving these model folders at `min_price`.
	pub fn start(
		folder: &Path,
		url: &str,
		account: &str,
		models: &[PathBuf],
		min_price: &str,
	) -> Result<Self> {
		PodFolder::configure(folder, url, account, None, models, min_price)?.start()
	}

	/// Starts the worker again, after its process ended, with the same folder.
	pub fn restart(&mut self) -> Result<()> {
		self.restart_with(&[])
	}

	/// As [`restart`](Self::restart), with more options.
	pub fn restart_with(&mut self, options: &[&str]) -> Result<()> {
		self.process = Self::spawn(&self.folder, options)?;
		Ok(())
	}

	/// Starts the worker and waits until it takes jobs.
	fn spawn(folder: &Path, options: &[&str]) -> Result<Process> {
		let (config, log) = (folder.join("pod.toml"), folder.join("worker.log"));
		let mut arguments: Vec<&OsStr> =
			vec!["run".as_ref(), "--dev".as_ref(), "--config".as_ref(), config.as_ref()];
		arguments.extend(options.iter().map(OsStr::new));
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
