// SPDX-License-Identifier: Apache-2.0

//! The client's command line.

use crate::process::binary;
use anyhow::{ensure, Context as _, Result};
use serde_json::Value;
use std::{ffi::OsStr, path::PathBuf, process::Command};

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
