// SPDX-License-Identifier: Apache-2.0

//! A chain on which a model is registered, and what clients order there.

use crate::network::{repository, Blocks, Cli, Node, Pod};
use anyhow::{Context as _, Result};
use serde_json::Value;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A running chain with the breast-cancer classifier on it.
pub struct Market {
	/// Everything that the processes leave.
	pub folder: TempDir,
	/// The chain.
	pub node: Node,
	/// How clients order.
	pub client: Client,
}

/// What a client needs for its orders.
#[derive(Clone)]
pub struct Client {
	/// The command line.
	pub cli: Cli,
	/// The model's folder.
	pub model: PathBuf,
	/// File with the held-out records.
	pub held_out: String,
}

impl Market {
	/// Starts a chain, makes the model's keys and registers it.
	pub fn start(blocks: Blocks) -> Result<Self> {
		let folder = tempfile::tempdir()?;
		let node = Node::start(folder.path(), blocks)?;
		let cli = Cli { url: node.url.clone(), jobs: folder.path().join("jobs") };
		let source = repository().join("models/breast_cancer");
		let file = |name: &str| source.join(name).to_string_lossy().into_owned();
		let model = folder.path().join("model");
		let (directory, calibration) = (text(&model), file("calibration.json"));
		let onnx = file("breast_cancer.onnx");
		cli.run(["model", "compile", &onnx, "--calibration", &calibration, "--out", &directory])?;
		cli.run(["model", "setup", &directory])?;
		cli.run(["model", "register", &directory, "--dev", "--signer", "//Alice"])?;
		let client = Client { cli, model, held_out: file("held_out.json") };
		Ok(Self { folder, node, client })
	}

	/// Starts a pod for a development account.
	pub fn pod(&self, account: &str) -> Result<Pod> {
		let folder = self.folder.path().join(account.trim_start_matches('/'));
		Pod::start(&folder, &self.node, account, std::slice::from_ref(&self.client.model), "0.2")
	}
}

impl Client {
	/// Orders a prediction of one held-out record, as `//Charlie`, with more arguments.
	pub fn order(&self, record: usize, more: &[&str]) -> Result<Value> {
		let (model, record) = (text(&self.model), record.to_string());
		let mut arguments = vec!["job", "run", &model, "--input", &self.held_out];
		arguments.extend(["--record", &record, "--dev", "--signer", "//Charlie"]);
		arguments.extend(more);
		self.cli.run(arguments)
	}

	/// The class that the integer network gives a held-out record on this machine.
	pub fn expected_class(&self, record: usize) -> Result<u64> {
		let (model, record) = (text(&self.model), record.to_string());
		let inferred = self.cli.run([
			"model",
			"infer",
			&model,
			"--input",
			&self.held_out,
			"--record",
			&record,
		])?;
		inferred["class"].as_u64().with_context(|| format!("no class in {inferred}"))
	}
}

fn text(path: &Path) -> String {
	path.to_string_lossy().into_owned()
}
