// SPDX-License-Identifier: Apache-2.0

//! The demo's report as the page `docs/benchmarks.md`.

use serde_json::Value;
use std::fmt::Write as _;

/// The page, in Markdown.
pub fn page(report: &Value) -> String {
	let mut page = String::from(
		"# Benchmarks\n\n\
		 Written by `make bench`, which runs the demo: a real chain (Aura and GRANDPA, 3-second \
		 blocks), a real pod and real clients, all on one machine at the same time. Compare the \
		 figures with one another, not with those of another machine.\n\n",
	);
	let _ = writeln!(page, "Machine: {}.\n", machine());
	page += "## Models\n\n\
		| model | constraints | compile | keys | one inference | registration |\n\
		|---|---|---|---|---|---|\n";
	for model in list(&report["models"]) {
		let _ = writeln!(
			page,
			"| {} | {} | {} ms | {} ms | {} µs | {} ms |",
			text(&model["model"]),
			model["compiled"]["circuit"]["constraints"],
			model["compile_ms"],
			model["setup_ms"],
			model["infer_us"],
			model["register_ms"],
		);
	}
	page += "\nCompiling, key generation and registration are whole runs of the `proofpod` command; a \
		registration waits until its transaction is finalised.\n\n\
		## Jobs\n\n\
		| model | proof | block that settled it | blocks from opening to settlement | client's wait, in all | verified offline |\n\
		|---|---|---|---|---|---|\n";
	for job in list(&report["jobs"]) {
		let _ = writeln!(
			page,
			"| {} | {} ms | {} ms | {} | {} ms | {} |",
			text(&job["model"]),
			job["prove_ms"],
			job["settle_block_ms"],
			job["settle_blocks"],
			job["timings"]["total_ms"],
			job["verified_offline"],
		);
	}
	let verify = &report["verify"];
	let figure = |name: &str| verify[name].as_f64().unwrap_or_default();
	let (runtime, native) = (figure("runtime_ms"), figure("native_ms"));
	page +=
		"\nThe proof's time is the pod's: inference, witness, proof and its own verification. The \
		block's time is what the node took to make the whole block.\n\n\
		## Verification of one proof\n\n\
		| where | time |\n|---|---|\n";
	let _ = writeln!(
		page,
		"| in the runtime: WebAssembly with the SDK's host calls | {runtime:.1} ms |"
	);
	let _ = writeln!(page, "| native | {native:.1} ms |");
	let _ = writeln!(
		page,
		"\n{} public inputs; decoding and subgroup checks included; medians. The runtime's figure is \
		 that of a dry run over the node's RPC, less the same call for an unknown key. Ratio {:.2}.\n",
		verify["public_inputs"],
		runtime / native,
	);
	let total = report["total_ms"].as_f64().unwrap_or_default() / 1e3;
	let _ = writeln!(page, "The whole demo, forgeries included: {total:.0} s.");
	page
}

fn list(value: &Value) -> &[Value] {
	value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Value) -> &str {
	value.as_str().unwrap_or_default()
}

/// Cores and processor.
fn machine() -> String {
	let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
	let processors = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
	let model = processors.lines().find_map(|line| line.strip_prefix("model name"));
	let model = model.map_or("", |text| text.trim_start_matches([' ', '\t', ':']));
	format!("{cores} cores, {model}")
}
