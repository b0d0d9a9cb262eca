// SPDX-License-Identifier: Apache-2.0

//! How far a long computation is, and how to stop it.

use std::{
	fmt,
	ops::Range,
	sync::{
		atomic::{AtomicBool, Ordering},
		Mutex, PoisonError,
	},
};

/// A part of a compilation, of a setup or of a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
	/// Compilation: what the calibration records show about the network of real numbers.
	Calibration,
	/// Compilation: the quantised network beside that of real numbers.
	Comparison,
	/// Compilation: what the circuit costs.
	Measurement,
	/// Setup: the circuit's polynomials at the secret point.
	Constraints,
	/// Setup: the key's points.
	Points,
	/// Proof: inference, commitments and assignment.
	Witness,
	/// Proof: the quotient polynomial.
	Quotient,
	/// Proof: the sum over the A query.
	A,
	/// Proof: the sum over the B query in G1.
	BG1,
	/// Proof: the sum over the B query in G2.
	BG2,
	/// Proof: the sum over the L query.
	L,
	/// Proof: the sum over the H query.
	H,
	/// Proof: its verification.
	Verification,
}

impl fmt::Display for Step {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(match self {
			Self::Calibration => "calibration",
			Self::Comparison => "comparison with real numbers",
			Self::Measurement => "size of the circuit",
			Self::Constraints => "constraints",
			Self::Points => "points of the key",
			Self::Witness => "inference and witness",
			Self::Quotient => "quotient polynomial",
			Self::A => "sum A",
			Self::BG1 => "sum B in G1",
			Self::BG2 => "sum B in G2",
			Self::L => "sum L",
			Self::H => "sum H",
			Self::Verification => "verification",
		})
	}
}

/// What a computation has done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
	/// What begins or goes on.
	pub step: Step,
	/// About how much of the whole is done, between 0 and 1; it never falls.
	pub fraction: f64,
}

/// A computation was stopped by whoever started it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;

/// Watches a computation, and may stop it between two of its steps.
#[derive(Clone, Copy, Default)]
pub struct Monitor<'a> {
	observer: Option<&'a (dyn Fn(Progress) + Sync)>,
	cancelled: Option<&'a AtomicBool>,
}

impl<'a> Monitor<'a> {
	/// Nobody watches, nobody stops.
	pub fn none() -> Self {
		Self::default()
	}

	/// Calls `observer` at every step, on the thread that computes.
	pub fn observed(self, observer: &'a (dyn Fn(Progress) + Sync)) -> Self {
		Self { observer: Some(observer), ..self }
	}

	/// Stops soon after the flag was set, with [`Cancelled`] for error.
	pub fn cancelled_by(self, flag: &'a AtomicBool) -> Self {
		Self { cancelled: Some(flag), ..self }
	}

	/// Reports, and asks whether to go on.
	pub(crate) fn step(&self, step: Step, fraction: f64) -> Result<(), Cancelled> {
		if self.is_cancelled() {
			return Err(Cancelled);
		}
		if let Some(observer) = self.observer {
			observer(Progress { step, fraction });
		}
		Ok(())
	}

	pub(crate) fn is_cancelled(&self) -> bool {
		self.cancelled.is_some_and(|flag| flag.load(Ordering::Relaxed))
	}
}

/// Progress of a step that does many things in parallel.
pub(crate) struct Counter<'a> {
	monitor: Monitor<'a>,
	step: Step,
	/// What of the whole the step is.
	share: Range<f64>,
	total: usize,
	done: Mutex<usize>,
}

impl<'a> Counter<'a> {
	pub(crate) fn new(monitor: Monitor<'a>, step: Step, share: Range<f64>, total: usize) -> Self {
		Self { monitor, step, share, total, done: Mutex::new(0) }
	}

	/// Says that the next of the things begins, and asks whether it should.
	pub(crate) fn next(&self) -> Result<(), Cancelled> {
		// Held while the observer is told, so that it sees the fraction grow.
		let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
		let part = *done as f64 / self.total.max(1) as f64;
		*done += 1;
		let Range { start, end } = self.share;
		self.monitor.step(self.step, start + (end - start) * part.min(1.0))
	}
}
