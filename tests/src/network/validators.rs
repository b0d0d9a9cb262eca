// SPDX-License-Identifier: Apache-2.0

//! A network of four validators: enough that one may fail, and that two and two cannot finalise.
//!
//! It is the chain `staging`: the validators are also its council, and sessions last a minute.

use super::{Node, Place};
use crate::process::binary;
use anyhow::{ensure, Context as _, Result};
use proofpod_client::chain::{BlockHash, BlockRef};
use proofpod_primitives::BlockNumber;
use serde_json::{json, Value};
use std::{
	collections::BTreeMap,
	path::{Path, PathBuf},
	process::Command,
	time::{Duration, Instant},
};
use tempfile::TempDir;

/// The validators: development accounts.
const NAMES: [&str; 4] = ["Alice", "Bob", "Charlie", "Dave"];

/// Longest time for which a validator's best or finalised block may stand still: fifteen slots,
/// most of them for a machine that has other work.
const STANDSTILL: Duration = Duration::from_secs(45);

/// Pause between two looks at the nodes.
const POLL: Duration = Duration::from_millis(500);

/// How the nodes find each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
	/// Each knows the addresses of all, and connects to whom it likes.
	Bootnodes,
	/// Each connects to its reserved peers only, at first all: [`Validators::separate`] and
	/// [`Validators::join`] change them.
	Reserved,
}

/// How far a node's chain goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heads {
	/// The newest block of the longest chain.
	pub best: BlockRef,
	/// The newest finalised block.
	pub finalised: BlockRef,
}

struct Validator {
	name: String,
	node: Node,
	/// Its identity as a peer.
	peer: String,
	/// Its address, with that identity.
	address: String,
}

/// The running network. Validators are named by their number, 0 to 3, and those that were added by
/// the numbers after.
pub struct Validators {
	validators: Vec<Validator>,
	/// All that any of them was ever seen to finalise.
	finalised: BTreeMap<BlockNumber, BlockHash>,
	/// After the nodes that write into it.
	folder: TempDir,
}

impl Validators {
	/// All of the first four.
	pub const ALL: [usize; NAMES.len()] = [0, 1, 2, 3];

	/// Starts the network, each validator at a place.
	pub fn start(links: Links, places: [Place; NAMES.len()]) -> Result<Self> {
		let folder = tempfile::tempdir()?;
		let mut peers = Vec::new();
		for (name, place) in NAMES.iter().zip(&places) {
			let peer = node_key(&key_file(folder.path(), name))?;
			peers.push((format!("{}/p2p/{peer}", place.address()), peer));
		}
		let mut validators = Vec::new();
		for ((name, place), (address, peer)) in NAMES.iter().zip(places).zip(&peers) {
			let mut arguments = arguments(folder.path(), name);
			arguments.push(format!("--{}", name.to_lowercase()));
			let others = peers.iter().map(|(other, _)| other).filter(|other| *other != address);
			// Without a place for others, a peer that is no longer reserved is disconnected.
			arguments.extend(match links {
				Links::Bootnodes => "--bootnodes",
				Links::Reserved =>
					"--reserved-only --in-peers 0 --in-peers-light 0 --out-peers 0 --reserved-nodes",
			}.split(' ').map(String::from));
			arguments.extend(others.cloned());
			let node = Node::start_at(place, folder.path(), name, &arguments)?;
			let (name, peer, address) = (name.to_string(), peer.clone(), address.clone());
			validators.push(Validator { name, node, peer, address });
		}
		Ok(Self { validators, finalised: BTreeMap::new(), folder })
	}

	/// Starts another node, which is ready to validate, in a network with [`Links::Bootnodes`]. It
	/// has no session keys but those of the development account whose option is among `more`.
	pub fn add(&mut self, name: &str, place: Place, more: &[&str]) -> Result<usize> {
		let folder = self.folder.path();
		let peer = node_key(&key_file(folder, name))?;
		let address = format!("{}/p2p/{peer}", place.address());
		let mut arguments = arguments(folder, name);
		arguments.extend(more.iter().map(|argument| argument.to_string()));
		arguments.extend(["--name".into(), name.into(), "--bootnodes".into()]);
		arguments.extend(self.validators.iter().map(|other| other.address.clone()));
		let node = Node::start_at(place, folder, name, &arguments)?;
		self.validators.push(Validator { name: name.into(), node, peer, address });
		Ok(self.validators.len() - 1)
	}

	/// The node of a validator.
	pub fn node(&mut self, who: usize) -> &mut Node {
		&mut self.validators[who].node
	}

	/// How far the chains of these validators go.
	///
	/// # Errors
	/// When one does not answer, or has finalised another block than one of them did before.
	pub async fn heads<const N: usize>(&mut self, who: [usize; N]) -> Result<Vec<Heads>> {
		let mut all = Vec::with_capacity(N);
		for who in who {
			let Validator { name, node, .. } = &self.validators[who];
			let hash = hash_of(node.request("chain_getFinalizedHead", json!([])).await?)?;
			let finalised = BlockRef { number: number(node, json!([hash])).await?, hash };
			// The best block's number may be that of another one a moment later: by hash.
			let hash = hash_of(node.request("chain_getBlockHash", json!([])).await?)?;
			let best = BlockRef { number: number(node, json!([hash])).await?, hash };
			let seen = *self.finalised.entry(finalised.number).or_insert(finalised.hash);
			ensure!(
				seen == finalised.hash,
				"{name} finalised {finalised:?}, another validator {seen} at that height",
			);
			all.push(Heads { best, finalised });
		}
		Ok(all)
	}

	/// The hash of the block that a validator's best chain has at a height.
	pub async fn block(&self, who: usize, height: BlockNumber) -> Result<BlockHash> {
		let node = &self.validators[who].node;
		hash_of(node.request("chain_getBlockHash", json!([height])).await?)
	}

	/// Waits until the best and the finalised block of these validators are at least this high.
	///
	/// # Errors
	/// As soon as the best or the finalised block of one of them has stood still for too long.
	pub async fn reach<const N: usize>(
		&mut self,
		who: [usize; N],
		height: BlockNumber,
	) -> Result<()> {
		let mut highest = vec![[(0, Instant::now()); 2]; N];
		loop {
			let heads = self.heads(who).await?;
			for ((who, heads), highest) in who.iter().zip(&heads).zip(&mut highest) {
				let numbers = [("best", heads.best.number), ("finalised", heads.finalised.number)];
				for ((what, number), (before, since)) in numbers.into_iter().zip(highest) {
					if number > *before {
						(*before, *since) = (number, Instant::now());
					}
					let Validator { name, node, .. } = &self.validators[*who];
					ensure!(
						since.elapsed() < STANDSTILL,
						"{name}'s {what} block {before} has stood for {STANDSTILL:?}:\n{}",
						node.process.last_lines(20),
					);
				}
			}
			if heads.iter().all(|h| h.best.number >= height && h.finalised.number >= height) {
				return Ok(());
			}
			tokio::time::sleep(POLL).await;
		}
	}

	/// Waits until each of these nodes has finalised the highest block that any was seen to
	/// finalise, and asks each for all of those blocks.
	///
	/// # Errors
	/// When one stands still before, or has another block at one of their heights.
	pub async fn ensure_one_chain<const N: usize>(&mut self, nodes: [usize; N]) -> Result<()> {
		let highest = self.finalised.last_key_value().map_or(0, |(height, _)| *height);
		self.reach(nodes, highest).await?;
		for (&height, &hash) in self.finalised.range(..=highest) {
			for who in nodes {
				let found = self.block(who, height).await?;
				let name = &self.validators[who].name;
				ensure!(found == hash, "finalised: {hash} at {height}, {name} has {found}");
			}
		}
		Ok(())
	}

	/// Ends a validator as a power cut would.
	pub fn kill(&mut self, who: usize) -> Result<()> {
		self.node(who).process.kill()
	}

	/// Starts a validator that was killed, with what its disk kept.
	pub fn restart(&mut self, who: usize) -> Result<()> {
		self.node(who).restart()
	}

	/// Ends the links between two groups of a network with [`Links::Reserved`].
	pub async fn separate(&self, left: [usize; 2], right: [usize; 2]) -> Result<()> {
		for (one, other) in pairs(left, right) {
			let peer = json!([self.validators[other].peer]);
			self.validators[one].node.request("system_removeReservedPeer", peer).await?;
		}
		Ok(())
	}

	/// Makes the links between two groups of a network with [`Links::Reserved`].
	pub async fn join(&self, left: [usize; 2], right: [usize; 2]) -> Result<()> {
		for (one, other) in pairs(left, right) {
			let address = json!([self.validators[other].address]);
			self.validators[one].node.request("system_addReservedPeer", address).await?;
		}
		Ok(())
	}
}

/// Each of one group with each of the other, in both directions.
fn pairs(left: [usize; 2], right: [usize; 2]) -> impl Iterator<Item = (usize, usize)> {
	left.into_iter()
		.flat_map(move |one| right.into_iter().flat_map(move |other| [(one, other), (other, one)]))
}

/// What the node of every validator is started with.
fn arguments(folder: &Path, name: &str) -> Vec<String> {
	let path = |file: PathBuf| file.to_string_lossy().into_owned();
	vec![
		"--chain".into(),
		"staging".into(),
		"--base-path".into(),
		path(folder.join(name)),
		"--node-key-file".into(),
		path(key_file(folder, name)),
		"--validator".into(),
	]
}

fn key_file(folder: &Path, name: &str) -> PathBuf {
	folder.join(format!("{name}.key"))
}

/// Writes a new key for a node's identity as a peer, and gives that identity.
fn node_key(file: &Path) -> Result<String> {
	let mut command = Command::new(binary("proofpod-node")?);
	let output = command.args(["key", "generate-node-key", "--file"]).arg(file).output()?;
	// The identity is not the output proper, which would be the key.
	let peer = String::from_utf8(output.stderr)?;
	ensure!(output.status.success(), "{command:?}: {peer}");
	Ok(peer.trim().into())
}

fn hash_of(answer: Value) -> Result<BlockHash> {
	serde_json::from_value(answer).context("expected a block's hash")
}

/// The number of a block.
async fn number(node: &Node, block: Value) -> Result<BlockNumber> {
	let header = node.request("chain_getHeader", block).await?;
	let number = header["number"].as_str().and_then(|hexadecimal| hexadecimal.strip_prefix("0x"));
	let number = number.with_context(|| format!("no number in {header}"))?;
	Ok(BlockNumber::from_str_radix(number, 16)?)
}
