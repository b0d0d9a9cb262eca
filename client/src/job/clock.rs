// SPDX-License-Identifier: Apache-2.0

//! Durations of a job's steps.

use super::Timings;
use std::time::{Duration, Instant};

/// The clock of a job's steps.
pub(super) struct Clock {
	started: Instant,
	last: Instant,
	timings: Timings,
}

impl Clock {
	/// Starts now.
	pub(super) fn start() -> Self {
		let now = Instant::now();
		Self { started: now, last: now, timings: Timings::default() }
	}

	/// Writes down how long the step took that has just ended.
	pub(super) fn lap(&mut self, step: impl FnOnce(&mut Timings) -> &mut Option<u64>) {
		let now = Instant::now();
		*step(&mut self.timings) = Some(milliseconds(now - self.last));
		self.last = now;
	}

	/// Lets the next step begin now: what came before belongs to none.
	pub(super) fn skip(&mut self) {
		self.last = Instant::now();
	}

	/// What was written down, and the time since the start.
	pub(super) fn stop(mut self) -> Timings {
		self.timings.total_ms = milliseconds(self.started.elapsed());
		self.timings
	}
}

fn milliseconds(duration: Duration) -> u64 {
	u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
