// SPDX-License-Identifier: Apache-2.0

//! A chain on which a model is registered, and what clients order there.

use crate::network::{repository, Blocks, Cli, Node, Pod, PodFolder};
use anyhow::{Context as _, Result};
use proofpod_client::AccountId;
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
	/// Where the pods' folders are.
	folder: PathBuf,
}

impl Market {
	/// Starts a chain, makes the model's keys and registers it.
	pub fn start(blocks: Blocks) -> Result<Self> {
		let folder = tempfile::tempdir()?;
		let node = Node::start(folder.path(), blocks)?;
		let client = Client::prepare(folder.path(), &node.url, "breast_cancer")?;
		Ok(Self { folder, node, client })
	}

	/// Starts a pod for a development account.
	pub fn pod(&self, account: &str) -> Result<Pod> {
		self.client.pod(&self.node.url, account)
	}
}

impl Client {
	/// Makes the keys of one of the repository's models in this folder, and registers it on the chain
	/// of this node.
	pub fn prepare(folder: &Path, url: &str, name: &str) -> Result<Self> {
		let cli = Cli { url: url.into(), jobs: folder.join("jobs") };
		let source = repository().join("models").join(name);
		let file = |name: &str| text(&source.join(name));
		let model = folder.join("model");
		let (directory, calibration) = (text(&model), file("calibration.json"));
		let onnx = file(&format!("{name}.onnx"));
		cli.run(["model", "compile", &onnx, "--calibration", &calibration, "--out", &directory])?;
		cli.run(["model", "setup", &directory])?;
		cli.run(["model", "register", &directory, "--dev", "--signer", "//Alice"])?;
		Ok(Self { cli, model, held_out: file("held_out.json"), folder: folder.into() })
	}

	/// Starts a pod for a development account, which works through this node.
	pub fn pod(&self, url: &str, account: &str) -> Result<Pod> {
		self.pod_of(url, account, None)?.start()
	}

	/// The folder of a pod for a development account, or of an owner for which that account works.
	pub fn pod_of(&self, url: &str, account: &str, owner: Option<AccountId>) -> Result<PodFolder> {
		let folder = self.folder.join(account.trim_start_matches('/'));
		let models = std::slice::from_ref(&self.model);
		PodFolder::configure(&folder, url, account, owner, models, "0.2")
	}

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
