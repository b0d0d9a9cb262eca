// SPDX-License-Identifier: Apache-2.0

//! Measures the prover on networks that others have published figures for, and on this project's
//! own. `make bench` runs it.

mod measure;
mod networks;

use anyhow::{bail, ensure, Context as _, Result};
use clap::Parser;
use networks::{Benchmark, BENCHMARKS};
use serde_json::{json, Value};
use std::{fs, path::PathBuf, process::Command};

/// Measures setup, proofs and verification of many networks.
#[derive(Parser)]
struct Arguments {
	/// Networks to measure [default: all but the large ones]
	networks: Vec<String>,
	/// The large ones, too
	#[arg(long)]
	large: bool,
	/// Where the figures go
	#[arg(long, default_value = "target/bench/networks.json")]
	out: PathBuf,
	/// Measure one network in this process, and print its figures
	#[arg(long, hide = true)]
	alone: Option<String>,
}

fn main() -> Result<()> {
	let arguments = Arguments::parse();
	if let Some(name) = &arguments.alone {
		println!("{}", measure::measure(find(name)?)?);
		return Ok(());
	}
	let chosen: Vec<&Benchmark> = match arguments.networks.as_slice() {
		[] => BENCHMARKS.iter().filter(|b| arguments.large || !b.large).collect(),
		names => names.iter().map(|name| find(name)).collect::<Result<_>>()?,
	};
	let mut figures = Vec::new();
	for benchmark in chosen {
		let figure = in_a_process(benchmark)?;
		println!(
			"{}: {} constraints, proof in {:.0} ms",
			benchmark.name,
			figure["constraints"],
			figure["prove_ms"].as_f64().unwrap_or_default()
		);
		figures.push(figure);
	}
	let folder = arguments.out.parent().context("the output needs a folder")?;
	fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
	let text = serde_json::to_string_pretty(&json!({ "networks": figures }))?;
	fs::write(&arguments.out, text + "\n")
		.with_context(|| format!("cannot write {}", arguments.out.display()))
}

fn find(name: &str) -> Result<&'static Benchmark> {
	match BENCHMARKS.iter().find(|benchmark| benchmark.name == name) {
		Some(benchmark) => Ok(benchmark),
		None => {
			let names: Vec<_> = BENCHMARKS.iter().map(|benchmark| benchmark.name).collect();
			bail!("expected one of {}, found {name:?}", names.join(", "))
		},
	}
}

fn in_a_process(benchmark: &Benchmark) -> Result<Value> {
	let output = Command::new(std::env::current_exe()?)
		.args(["--alone", benchmark.name])
		.stderr(std::process::Stdio::inherit())
		.output()?;
	ensure!(output.status.success(), "{} ended with {}", benchmark.name, output.status);
	serde_json::from_slice(&output.stdout)
		.with_context(|| format!("{} did not print its figures", benchmark.name))
}
