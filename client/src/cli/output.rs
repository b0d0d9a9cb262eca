// SPDX-License-Identifier: Apache-2.0

//! Printing: text for people, one JSON document for programs, progress on standard error.

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use proofpod_zkml::progress::{Monitor, Progress};
use serde::Serialize;
use std::{
	io::{IsTerminal, Write},
	sync::{
		atomic::{AtomicBool, AtomicU8, Ordering},
		Arc,
	},
	time::{Duration, Instant},
};
use tokio::signal::unix::{signal, SignalKind};

/// Somebody pressed Ctrl-C.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("interrupted: nothing was written")]
pub(crate) struct Interrupted;

impl Interrupted {
	/// What shells report for a process that this signal ends.
	pub(crate) const EXIT_CODE: u8 = 130;
}

/// Becomes true with Ctrl-C, so that a computation may end in order. A second Ctrl-C does not wait.
fn interruption() -> Result<Arc<AtomicBool>> {
	let interrupted = Arc::new(AtomicBool::new(false));
	let flag = interrupted.clone();
	let mut signals = signal(SignalKind::interrupt()).context("cannot catch Ctrl-C")?;
	tokio::spawn(async move {
		while signals.recv().await.is_some() {
			if flag.swap(true, Ordering::Relaxed) {
				std::process::exit(Interrupted::EXIT_CODE.into());
			}
		}
	});
	Ok(interrupted)
}

/// Where results go.
pub(crate) struct Output {
	json: bool,
	started: Instant,
}

impl Output {
	pub(crate) fn new(json: bool) -> Self {
		Self { json, started: Instant::now() }
	}

	/// Prints a result: the value as JSON, or the text. A reader that has gone away is no failure.
	pub(crate) fn result(
		&self,
		value: &impl Serialize,
		text: impl FnOnce() -> String,
	) -> Result<()> {
		let line = match self.json {
			true => serde_json::to_string_pretty(value)?,
			false => text(),
		};
		match writeln!(std::io::stdout().lock(), "{line}") {
			Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
			_ => Ok(()),
		}
	}

	/// Prints why a command failed, in one line.
	pub(crate) fn failure(&self, error: &anyhow::Error) {
		let message = format!("{error:#}").split_whitespace().collect::<Vec<_>>().join(" ");
		let line = match self.json {
			true => serde_json::json!({ "error": { "message": message } }).to_string(),
			false => format!("error: {message}"),
		};
		// Nobody is left to tell when standard error is closed.
		let _ = writeln!(std::io::stderr().lock(), "{line}");
	}

	/// A computation that takes long: its steps are shown, and Ctrl-C stops it.
	pub(crate) fn computation<T, E: Into<anyhow::Error>>(
		&self,
		what: &str,
		compute: impl FnOnce(Monitor) -> Result<T, E>,
	) -> Result<T> {
		let interrupted = interruption()?;
		let steps = self.steps();
		steps.on_a_terminal(what);
		let observer = |progress| steps.progress(what, progress);
		let result = compute(Monitor::none().observed(&observer).cancelled_by(&interrupted));
		match result {
			Err(_) if interrupted.load(Ordering::Relaxed) => Err(Interrupted.into()),
			result => result.map_err(Into::into),
		}
	}

	/// A step that takes long: a spinner on a terminal, otherwise a line when a new step begins.
	pub(crate) fn steps(&self) -> Steps {
		let bar = std::io::stderr().is_terminal().then(|| {
			let bar = ProgressBar::new_spinner();
			let style = ProgressStyle::with_template("{spinner} [{elapsed}] {wide_msg}");
			bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
			bar.enable_steady_tick(Duration::from_millis(120));
			bar
		});
		Steps { bar, started: self.started, begun: Instant::now(), quarter: AtomicU8::new(NONE) }
	}
}

/// Progress of a long command, on standard error.
pub(crate) struct Steps {
	bar: Option<ProgressBar>,
	started: Instant,
	begun: Instant,
	/// The last quarter of a computation that was announced.
	quarter: AtomicU8,
}

/// No quarter yet.
const NONE: u8 = u8::MAX;
/// What takes less is not announced, but on a terminal.
const LONG: Duration = Duration::from_secs(1);

impl Steps {
	/// Says what has just happened.
	pub(crate) fn done(&self, what: &str) {
		let line = format!("[{:6.1} s] {what}", self.started.elapsed().as_secs_f64());
		match &self.bar {
			Some(bar) => bar.println(line),
			None => {
				let _ = writeln!(std::io::stderr().lock(), "{line}");
			},
		}
	}

	/// Says how far a computation is: on a terminal always, otherwise once per quarter of a long one.
	pub(crate) fn progress(&self, what: &str, progress: Progress) {
		let percent = progress.fraction * 100.0;
		let quarter = (progress.fraction * 4.0) as u8;
		let message = format!("{what}: {}, {percent:.0} %", progress.step);
		match &self.bar {
			Some(bar) => bar.set_message(message),
			None if self.begun.elapsed() < LONG => (),
			None if self.quarter.swap(quarter, Ordering::Relaxed) == quarter => (),
			None => self.done(&message),
		}
	}

	/// Says what happens now, to people only.
	fn on_a_terminal(&self, what: &str) {
		if let Some(bar) = &self.bar {
			bar.set_message(what.to_string());
		}
	}

	/// Says what happens now.
	pub(crate) fn now(&self, what: &str) {
		match &self.bar {
			Some(bar) => bar.set_message(what.to_string()),
			None => self.done(what),
		}
	}
}

impl Drop for Steps {
	fn drop(&mut self) {
		if let Some(bar) = &self.bar {
			bar.finish_and_clear();
		}
	}
}

/// Rows under headings, in columns.
pub(crate) fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
	let width = |column: usize| {
		let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
		cells.chain(headings.get(column).map(|heading| heading.len())).max().unwrap_or(0)
	};
	let widths: Vec<_> = (0..headings.len()).map(width).collect();
	let line = |cells: Vec<&str>| {
		let padded: Vec<_> =
			cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
		padded.join("  ").trim_end().to_string()
	};
	let mut lines = vec![line(headings.to_vec())];
	lines.extend(rows.iter().map(|row| line(row.iter().map(String::as_str).collect())));
	lines.join("\n")
}

/// Names and values, one pair per line.
pub(crate) fn pairs(pairs: &[(&str, String)]) -> String {
	let width = pairs.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
	let lines: Vec<_> =
		pairs.iter().map(|(name, value)| format!("{name:width$}  {value}")).collect();
	lines.join("\n")
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn columns_are_as_wide_as_their_widest_cell() {
		let rows = [vec!["1".into(), "long name".into()], vec!["234".into(), "x".into()]];
		assert_eq!(table(&["id", "name"], &rows), "id   name\n1    long name\n234  x");
		assert_eq!(table(&["id"], &[]), "id");
	}

	#[test]
	fn names_and_values_line_up() {
		assert_eq!(pairs(&[("a", "1".into()), ("bcd", "2".into())]), "a    1\nbcd  2");
	}
}
