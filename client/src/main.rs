// SPDX-License-Identifier: Apache-2.0

//! `proofpod`: compile and register models, run jobs, read their results.
//!
//! Exit codes: 0 done, 1 failed (one line on standard error says why), 2 the command line is wrong,
//! 130 a computation was interrupted. With `--json`, standard output is one JSON document, and the
//! line of a failure is `{"error":{"message":…}}`.

mod cli;

use clap::Parser;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
	let command = cli::Proofpod::parse();
	cli::run(command).await
}
