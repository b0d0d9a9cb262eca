// SPDX-License-Identifier: Apache-2.0

//! The worker's configuration file: TOML, every key explained in `pod-worker.example.toml`.

use crate::error::{Error, Result};
use proofpod_client::{account::parse_account, amount::Amount, AccountId};
use proofpod_primitives::{
	pod::{is_tag, Region, Regions, Tag, Tags},
	Ticks,
};
use serde::{Deserialize, Deserializer};
use std::{
	net::SocketAddr,
	path::{Path, PathBuf},
};

/// A commented configuration, which `pod-worker init` writes and a test parses.
pub const EXAMPLE: &str = include_str!("../pod-worker.example.toml");

/// Everything that an operator decides.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
	/// The chain.
	pub chain: ChainConfig,
	/// The pod as clients see it.
	pub pod: PodConfig,
	/// What the worker does with its machine.
	#[serde(default)]
	pub work: WorkConfig,
	/// Models that the pod serves.
	#[serde(rename = "model")]
	pub models: Vec<ModelConfig>,
}

/// `[chain]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainConfig {
	/// WebSocket address of a node.
	pub url: String,
	/// The chain that the operator means; the worker refuses any other.
	#[serde(default)]
	pub genesis: Option<proofpod_primitives::GenesisHash>,
}

/// `[pod]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PodConfig {
	/// File with the seed phrase of the account that signs, the pod's or its operator's; mode 0600.
	#[serde(default)]
	pub account_file: Option<PathBuf>,
	/// A well-known development account such as `//Bob`; only with `--dev`.
	#[serde(default)]
	pub account_dev: Option<String>,
	/// Address to listen on for sealed inputs.
	pub listen: SocketAddr,
	/// Address that clients use, when it differs from `listen`.
	#[serde(default)]
	pub endpoint: Option<String>,
	/// The pod's account, when `account_file` is its operator's.
	#[serde(default, deserialize_with = "some_account")]
	pub owner: Option<AccountId>,
	/// ISO 3166-1 alpha-2 codes of the countries in which a machine of the pod may read inputs.
	#[serde(deserialize_with = "regions")]
	pub regions: Regions,
	/// What the pod says of itself.
	#[serde(default, deserialize_with = "tags")]
	pub tags: Tags,
	/// Folder for the encryption key and the journal; one worker per folder.
	pub data: PathBuf,
}

/// `[work]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WorkConfig {
	/// Jobs that the pod holds at the same time.
	pub jobs: u32,
	/// Address for metrics and status.
	pub metrics: Option<SocketAddr>,
	/// How many times its own proving time a job must leave the worker.
	pub time_margin: u32,
	/// Most that the pod puts at risk for one job; none takes any job that it can bond.
	#[serde(deserialize_with = "some_amount")]
	pub max_bond: Option<Amount>,
	/// Most ticks that the pod keeps a place for a client that does not deliver.
	pub max_acknowledge_window: Ticks,
}

impl Default for WorkConfig {
	fn default() -> Self {
		Self { jobs: 4, metrics: None, time_margin: 3, max_bond: None, max_acknowledge_window: 200 }
	}
}

/// `[[model]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
	/// Folder with the model's artefacts, as `proofpod model setup` leaves it.
	pub directory: PathBuf,
	/// Least price at which the pod takes a job for this model, such as `"0.5 POD"`.
	#[serde(deserialize_with = "amount")]
	pub min_price: Amount,
	/// Whether the operator trusts whoever made the model's proving key: the pod then acknowledges a
	/// job before it has the proof.
	#[serde(default)]
	pub trusted_key: bool,
}

/// Amounts in the configuration are written as people write them.
fn amount<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Amount, D::Error> {
	let text = String::deserialize(deserializer)?;
	text.parse().map_err(serde::de::Error::custom)
}

fn some_amount<'de, D: Deserializer<'de>>(
	deserializer: D,
) -> std::result::Result<Option<Amount>, D::Error> {
	amount(deserializer).map(Some)
}

fn some_account<'de, D: Deserializer<'de>>(
	deserializer: D,
) -> std::result::Result<Option<AccountId>, D::Error> {
	let text = String::deserialize(deserializer)?;
	parse_account(&text).map(Some).map_err(serde::de::Error::custom)
}

/// At least one, at most as many as the chain takes.
fn regions<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Regions, D::Error> {
	let wrong = |found: &dyn std::fmt::Debug| {
		serde::de::Error::custom(format!(
			"expected one to four pairs of capital letters such as \"CH\", found {found:?}"
		))
	};
	let texts = Vec::<String>::deserialize(deserializer)?;
	let region = |text: &String| {
		let region = <[u8; 2]>::try_from(text.as_bytes()).ok().map(Region);
		region.filter(Region::is_well_formed).ok_or_else(|| wrong(text))
	};
	let regions = texts.iter().map(region).collect::<std::result::Result<Vec<_>, _>>()?;
	Regions::try_from(regions).ok().filter(|list| !list.is_empty()).ok_or_else(|| wrong(&texts))
}

fn tags<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Tags, D::Error> {
	let wrong = |found: &dyn std::fmt::Debug| {
		serde::de::Error::custom(format!(
			"expected at most 16 tags of at most 32 lower-case letters, digits, '-', '.' and ':', \
			 found {found:?}"
		))
	};
	let texts = Vec::<String>::deserialize(deserializer)?;
	let tag = |text: &String| {
		let tag = Tag::try_from(text.clone().into_bytes()).ok();
		tag.filter(|tag| is_tag(tag)).ok_or_else(|| wrong(text))
	};
	let tags = texts.iter().map(tag).collect::<std::result::Result<Vec<_>, _>>()?;
	Tags::try_from(tags).map_err(|_| wrong(&texts))
}

/// What is wrong and where, without the parser's drawing of it.
fn in_one_line(text: &str, error: &toml::de::Error) -> String {
	let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
	let message = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
	format!("line {}: {message}", before.matches('\n').count() + 1)
}

impl Config {
	/// Reads and checks a configuration. Relative paths count from the file's own folder.
	pub fn load(path: &Path) -> Result<Self> {
		let text = std::fs::read_to_string(path)
			.map_err(|error| Error::ConfigUnreadable { path: path.into(), error })?;
		Self::parse(&text, path.parent().unwrap_or(Path::new(".")))
			.map_err(|reason| Error::ConfigInvalid { path: path.into(), reason })
	}

	fn parse(text: &str, base: &Path) -> std::result::Result<Self, String> {
		let mut config: Self = toml::from_str(text).map_err(|error| in_one_line(text, &error))?;
		if config.models.is_empty() {
			return Err("expected at least one [[model]], found none".into());
		}
		if config.work.jobs == 0 {
			return Err("work.jobs: expected at least 1, found 0".into());
		}
		if config.work.time_margin == 0 {
			return Err("work.time_margin: expected at least 1, found 0".into());
		}
		match (&config.pod.account_file, &config.pod.account_dev) {
			(Some(_), None) | (None, Some(_)) => {},
			_ => return Err("pod: expected exactly one of account_file and account_dev".into()),
		}
		if let Some(file) = &mut config.pod.account_file {
			*file = base.join(&*file);
		}
		config.pod.data = base.join(&config.pod.data);
		for model in &mut config.models {
			model.directory = base.join(&model.directory);
		}
		Ok(config)
	}
}

impl PodConfig {
	/// The URL that the pod publishes.
	pub fn published_endpoint(&self) -> String {
		self.endpoint.clone().unwrap_or_else(|| format!("http://{}", self.listen))
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn parse(text: &str) -> std::result::Result<Config, String> {
		Config::parse(text, Path::new("/etc/proofpod"))
	}

	#[test]
	fn example_is_a_valid_configuration() {
		let config = parse(EXAMPLE).unwrap();
		assert_eq!(config.models.len(), 1);
		assert!(config.models[0].directory.starts_with("/etc/proofpod"));
		assert_eq!(config.work.jobs, WorkConfig::default().jobs);
		assert!(!config.models[0].trusted_key);
		let trusting = parse(&EXAMPLE.replacen("# trusted_key", "trusted_key", 1)).unwrap();
		assert!(trusting.models[0].trusted_key);
		let limited = parse(&EXAMPLE.replacen("# max_bond", "max_bond", 1)).unwrap();
		assert_eq!(limited.work.max_bond, Some(Amount(10_000_000_000_000)));
		assert_eq!(
			limited.work.max_acknowledge_window,
			WorkConfig::default().max_acknowledge_window
		);
	}

	#[test]
	fn mistakes_are_named() {
		for (from, to, expected) in [
			("url =", "uri =", "unknown field `uri`"),
			("[[model]]", "[model]", "invalid type"),
			("regions = [\"CH\"]", "regions = [\"Swiss\"]", "pairs of capital letters"),
			("regions = [\"CH\"]", "regions = []", "pairs of capital letters"),
			("# tags = [", "tags = [\"GPU\", ", "lower-case letters"),
			("# owner = \"5", "owner = \"6", "no address"),
			("account_file =", "account_dev = \"//Bob\"\naccount_file =", "exactly one of"),
			("listen = \"", "listen = \"nowhere:", "line 17: invalid socket address"),
		] {
			assert!(EXAMPLE.contains(from), "{from}");
			let error = parse(&EXAMPLE.replacen(from, to, 1)).unwrap_err();
			assert!(error.contains(expected), "{from} -> {to}: {error}");
		}
	}
}
