// SPDX-License-Identifier: GPL-3.0-or-later WITH Classpath-exception-2.0

//! The Proofpod chain's node.
//!
//! * [`cli`], [`command`]: what the command line offers, and its execution;
//! * [`chain_spec`]: the networks that the node knows by name;
//! * [`service`]: the running node: database, network, Aura and GRANDPA;
//! * [`development_keys`]: keeps well-known keys away from live chains;
//! * [`sole_root`]: warns of live chains that one key governs;
//! * [`equivocation`]: authors that make two blocks in one slot;
//! * [`sealing`]: blocks on demand or at any pace, for development chains;
//! * `benchmark`: measures weights, with the feature `runtime-benchmarks`;
//! * [`rpc`]: the JSON-RPC methods beyond the standard ones.

// The SDK's error types are what they are.
#![allow(clippy::result_large_err)]

#[cfg(feature = "runtime-benchmarks")]
mod benchmark;
mod chain_spec;
mod cli;
mod command;
mod development_keys;
mod equivocation;
mod rpc;
mod sealing;
mod service;
mod sole_root;

use std::process::ExitCode;

fn main() -> ExitCode {
	match command::run() {
		Ok(()) => ExitCode::SUCCESS,
		Err(error) => {
			eprintln!("Error: {error}");
			ExitCode::FAILURE
		},
	}
}
