// SPDX-License-Identifier: Apache-2.0

//! Chains, pods and clients on this machine, each its own process on free loopback ports, or in
//! network namespaces of their own.

mod cli;
mod council;
mod islands;
mod node;
mod pod;
mod validators;

pub use cli::Cli;
pub use council::{decide, submit};
pub use islands::{isolated, Island, Islands, Isolation};
pub use node::{Blocks, Node, Place};
pub use pod::{Pod, PodFolder};
pub use validators::{Heads, Links, Validators};

use std::{
	path::{Path, PathBuf},
	time::Duration,
};

/// How long a process may take until it answers.
const START_PATIENCE: Duration = Duration::from_secs(60);

/// The repository's folder: `PROOFPOD_REPOSITORY`, or the package's own as cargo says at run time.
/// Checkouts that share a target folder also share what was fixed at compile time.
pub fn repository() -> PathBuf {
	if let Some(repository) = std::env::var_os("PROOFPOD_REPOSITORY") {
		return repository.into();
	}
	let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
	let package = package.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
	package.parent().map(Path::to_path_buf).unwrap_or_default()
}
