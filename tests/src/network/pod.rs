// SPDX-License-Identifier: Apache-2.0

//! Pods: workers with a folder of their own.

use super::{Node, START_PATIENCE};
use crate::process::{free_port, Process};
use anyhow::{bail, Result};
use std::{
	ffi::OsStr,
	path::{Path, PathBuf},
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
			 regions = [\"CH\"]\ndata = \"data\"\n\n[work]\nmetrics = \"127.0.0.1:{metrics}\"\n",
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
