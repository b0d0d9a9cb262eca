// SPDX-License-Identifier: Apache-2.0

//! The worker's metrics, in one place: names, help and meaning (`docs/operators.md` lists them).

use prometheus_client::{
	encoding::{text::encode, EncodeLabelSet},
	metrics::{
		counter::Counter,
		family::Family,
		gauge::Gauge,
		histogram::{exponential_buckets, Histogram},
	},
	registry::Registry,
};

/// Label of an event's kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Kind {
	/// `locked`, `acknowledged`, `settled`, … or an error's code.
	pub kind: &'static str,
}

/// Counters, gauges and histograms of one worker.
pub struct Metrics {
	registry: Registry,
	/// Steps taken on the chain.
	pub steps: Family<Kind, Counter>,
	/// Errors by code.
	pub errors: Family<Kind, Counter>,
	/// Height of the finalised head that the worker has acted on.
	pub finalised: Gauge,
	/// Jobs that the pod holds.
	pub live_jobs: Gauge,
	/// Seconds per proof.
	pub proving: Histogram,
}

impl Default for Metrics {
	fn default() -> Self {
		let mut registry = Registry::with_prefix("pod_worker");
		let steps = Family::default();
		let errors = Family::default();
		let finalised = Gauge::default();
		let live_jobs = Gauge::default();
		let proving = Histogram::new(exponential_buckets(0.1, 2.0, 12));
		registry.register("steps", "Steps taken on the chain, by kind", steps.clone());
		registry.register("errors", "Errors, by code", errors.clone());
		registry.register(
			"finalised_block",
			"Height of the finalised head that was acted on",
			finalised.clone(),
		);
		registry.register("live_jobs", "Jobs that the pod holds", live_jobs.clone());
		registry.register("proving_seconds", "Seconds per proof", proving.clone());
		Self { registry, steps, errors, finalised, live_jobs, proving }
	}
}

impl Metrics {
	/// Counts a step.
	pub fn step(&self, kind: &'static str) {
		self.steps.get_or_create(&Kind { kind }).inc();
	}

	/// Counts an error.
	pub fn error(&self, code: &'static str) {
		self.errors.get_or_create(&Kind { kind: code }).inc();
	}

	/// The OpenMetrics text.
	pub fn text(&self) -> String {
		let mut text = String::new();
		// Writing to a string cannot fail.
		let _ = encode(&mut text, &self.registry);
		text
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn steps_and_errors_appear_in_the_text() {
		let metrics = Metrics::default();
		metrics.step("settled");
		metrics.error("PW-CHN-001");
		let text = metrics.text();
		assert!(text.contains("pod_worker_steps_total{kind=\"settled\"} 1"), "{text}");
		assert!(text.contains("pod_worker_errors_total{kind=\"PW-CHN-001\"} 1"), "{text}");
	}
}
