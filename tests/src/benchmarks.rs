// SPDX-License-Identifier: Apache-2.0

//! The page `docs/benchmarks.md`, from the demo's report and the figures of the prover, and the same
//! figures as JSON.

use serde_json::{json, Value};
use std::fmt::Write as _;

/// The page, in Markdown: the demo's report, the networks that `proofpod-bench` measured, and the
/// peers' figures on the same networks. What is null is left out.
pub fn page(report: &Value, networks: &Value, peers: &Value) -> String {
	let mut page = String::from(
		"# Benchmarks\n\n\
		 Written by `make bench`, with [the same figures as JSON](benchmarks.json). Compare the figures \
		 with one another, not with those of another machine.\n\n",
	);
	let _ = writeln!(page, "Machine: {}.\n", machine());
	prover(&mut page, list(&networks["networks"]));
	compared(&mut page, list(&networks["networks"]), peers);
	chain(&mut page, report);
	page
}

/// What the page is made from, for programs.
pub fn figures(report: &Value, networks: &Value, peers: &Value) -> Value {
	let model = |model: &Value| {
		json!({
			"model": model["model"],
			"constraints": model["compiled"]["circuit"]["constraints"],
			"compile_ms": model["compile_ms"],
			"setup_ms": model["setup_ms"],
			"infer_us": model["infer_us"],
			"register_ms": model["register_ms"],
		})
	};
	let job = |job: &Value| {
		json!({
			"model": job["model"],
			"prove_ms": job["prove_ms"],
			"settle_block_ms": job["settle_block_ms"],
			"settle_blocks": job["settle_blocks"],
			"total_ms": job["timings"]["total_ms"],
			"verified_offline": job["verified_offline"],
		})
	};
	json!({
		"machine": machine(),
		"networks": networks["networks"],
		"peers": peers,
		"chain": {
			"models": list(&report["models"]).iter().map(model).collect::<Vec<_>>(),
			"jobs": list(&report["jobs"]).iter().map(job).collect::<Vec<_>>(),
			"verify": report["verify"],
			"demo_ms": report["total_ms"],
		},
	})
}

/// Proofs of many networks.
fn prover(page: &mut String, networks: &[Value]) {
	if networks.is_empty() {
		return;
	}
	*page += "## The prover\n\n\
		Each network in a process of its own, from its weights to a verified proof: input commitment \
		and sealed output included, weights public. *Proof* is the whole of it: inference, witness, \
		Groth16 proof, and its verification by the prover; *witness* is the part before the proof; \
		*opening* maps the key and checks its digest, once. Medians of five, one for networks above 300,000 constraints. Weights that are *drawn* come \
		from a fixed seed: the architecture is the published one, and no accuracy is given. Peak \
		memory is the whole process while it proves.\n\n\
		| network | after | weights | constraints | non-zeros | setup | opening | witness | proof | verification | proving key | peak memory |\n\
		|---|---|---|---|---|---|---|---|---|---|---|---|\n";
	let ms = |value: &Value| duration(value.as_f64().unwrap_or_default());
	for network in networks {
		let _ = writeln!(
			page,
			"| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} MiB |",
			text(&network["name"]),
			text(&network["origin"]),
			text(&network["weights"]),
			network["constraints"],
			network["non_zeros"],
			ms(&network["setup_ms"]),
			ms(&network["open_ms"]),
			ms(&network["witness_ms"]),
			ms(&network["prove_ms"]),
			ms(&network["verify_ms"]),
			megabytes(&network["proving_key_bytes"]),
			network["prove_peak_mib"],
		);
	}
	*page += "\nA proof has 192 bytes, a verifying key 344 + 48 per public input and one.\n\n\
		### Accuracy\n\n\
		On labelled records that neither training nor calibration saw.\n\n\
		| network | records | 32-bit floats | 8-bit integers | the two disagree on |\n\
		|---|---|---|---|---|\n";
	let percent = |value: &Value| value.as_f64().map(|share| format!("{:.2} %", 100.0 * share));
	for network in networks {
		let accuracies =
			percent(&network["float_accuracy"]).zip(percent(&network["integer_accuracy"]));
		let Some((float, integer)) = accuracies else { continue };
		let _ = writeln!(
			page,
			"| {} | {} | {float} | {integer} | {} |",
			text(&network["name"]),
			network["records"],
			network["disagreements"],
		);
	}
	page.push('\n');
}

/// The same circuits by `ark-groth16`, the same networks by EZKL.
fn compared(page: &mut String, networks: &[Value], peers: &Value) {
	if networks.is_empty() {
		return;
	}
	*page += "### Beside `ark-groth16`\n\n\
		The same circuit, the same key, in turns in the same process. `Groth16::prove` synthesises the \
		circuit first; the second way is given the matrices.\n\n\
		| network | this prover | `Groth16::prove` | ratio | from matrices |\n|---|---|---|---|---|\n";
	let ms = |value: &Value| duration(value.as_f64().unwrap_or_default());
	for network in networks.iter().filter(|network| network["ark"].is_object()) {
		let ark = &network["ark"];
		let _ = writeln!(
			page,
			"| {} | {} | {} | {:.2} | {} |",
			text(&network["name"]),
			ms(&network["prove_ms"]),
			ms(&ark["prove_ms"]),
			ark["ratio"].as_f64().unwrap_or_default(),
			ms(&ark["from_matrices_ms"]),
		);
	}
	page.push('\n');
	let peer = |name: &Value| {
		let measured = |peer: &&Value| peer["name"] == *name && peer["seconds"].is_object();
		list(&peers["networks"]).iter().find(measured)
	};
	if networks.iter().all(|network| peer(&network["name"]).is_none()) {
		return;
	}
	let _ = writeln!(
		page,
		"### Beside EZKL {}\n\n\
		 The same architectures (`make bench-peers`): parameters fixed, input private, output public, \
		 calibrated for resources; other weights of the same kind. EZKL proves once per process and reads its \
		 key there; this prover has its key open. EZKL's proof ties to no input; this one's opens a \
		 commitment to it.\n\n\
		 | network | this prover | EZKL | times faster | keys: this, EZKL | times smaller | peak memory: this, EZKL | setup: this, EZKL |\n\
		 |---|---|---|---|---|---|---|---|",
		text(&peers["ezkl"]),
	);
	for network in networks {
		let Some(peer) = peer(&network["name"]) else { continue };
		let number = |value: &Value| value.as_f64().unwrap_or_default();
		let seconds = |step: &str| number(&peer["seconds"][step]) * 1e3;
		let (ours, theirs) = (number(&network["prove_ms"]), seconds("prove"));
		let keys = (&network["proving_key_bytes"], &peer["proving_key_bytes"]);
		let _ = writeln!(
			page,
			"| {} | {} | {} | {:.0} | {}, {} | {:.1} | {}, {} MiB | {}, {} |",
			text(&network["name"]),
			duration(ours),
			duration(theirs),
			theirs / ours,
			megabytes(keys.0),
			megabytes(keys.1),
			number(keys.1) / number(keys.0),
			network["prove_peak_mib"],
			(number(&peer["peak_bytes"]["prove"]) / f64::from(1 << 20)).round(),
			ms(&network["setup_ms"]),
			duration(seconds("setup")),
		);
	}
	page.push('\n');
}

/// Milliseconds for people: `76 ms`, `1.32 s`.
fn duration(milliseconds: f64) -> String {
	match milliseconds {
		..10.0 => format!("{milliseconds:.1} ms"),
		..1000.0 => format!("{milliseconds:.0} ms"),
		_ => format!("{:.2} s", milliseconds / 1e3),
	}
}

fn megabytes(bytes: &Value) -> String {
	format!("{:.1} MB", bytes.as_f64().unwrap_or_default() / 1e6)
}

/// The demo: a chain, a pod and clients.
fn chain(page: &mut String, report: &Value) {
	*page += "## The chain\n\n\
		The demo: a real chain (Aura and GRANDPA, 3-second blocks), a real pod and real clients, all \
		on one machine at the same time.\n\n\
		### Models\n\n\
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
	*page += "\nCompiling, key generation and registration are whole runs of the `proofpod` command; a \
		registration waits until its transaction is finalised.\n\n\
		### Jobs\n\n\
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
	*page +=
		"\nThe proof's time is the pod's: inference, witness, proof and its own verification. The \
		block's time is what the node took to make the whole block.\n\n\
		### Verification of one proof\n\n\
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
