// SPDX-License-Identifier: Apache-2.0

//! A report as a picture: SVG 1.1 without scripts, fonts or anything else from outside.

use super::{AccuracyReport, LayerReport};
use std::fmt::Write;

const WIDTH: usize = 960;
/// Height of a layer's row, and of the heading.
const ROW: usize = 26;
const HEAD: usize = 96;
const FOOT: usize = 40;
/// Where the columns begin, and how wide their bars are.
const NAME: usize = 16;
const SCALE: usize = 330;
const BITS: usize = 440;
const RANGE: usize = 470;
const RANGE_BAR: f64 = 250.0;
const SATURATED: usize = 810;
const ERROR: usize = 830;
const ERROR_BAR: f64 = 60.0;
/// Most characters of a name.
const LONGEST_NAME: usize = 34;
/// The share of the range at which the error's bar is empty, and at which it is full, as powers of ten.
const ERROR_DECADES: (f64, f64) = (-5.0, 0.0);

/// The picture: one row per layer, with the range that the records use within the range that the
/// integers can stand for, the share that saturated, and the error in proportion to the range used.
pub fn picture(report: &AccuracyReport) -> String {
	let mut svg = String::new();
	// Writing to a string cannot fail.
	let _ = draw(&mut svg, report);
	svg
}

fn draw(svg: &mut String, report: &AccuracyReport) -> std::fmt::Result {
	let height = HEAD + ROW * report.layers.len() + FOOT;
	writeln!(
		svg,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
		 font-family=\"sans-serif\" font-size=\"12\" fill=\"#222\">\n\
		 <title>Accuracy of a quantised network</title>\n\
		 <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>"
	)?;
	text(svg, NAME, 28, "font-size=\"16\" font-weight=\"bold\"", &summary(report))?;
	text(svg, NAME, 48, "fill=\"#555\"", &errors(report))?;
	let heading = "fill=\"#555\" font-weight=\"bold\"";
	for (x, title) in
		[(NAME, "layer"), (RANGE, "range used, of what the bits hold"), (ERROR, "error")]
	{
		text(svg, x, HEAD - 12, heading, title)?;
	}
	for (x, title) in [(SCALE + 60, "scale"), (BITS + 16, "bits"), (SATURATED, "saturated")] {
		text(svg, x, HEAD - 12, &format!("{heading} text-anchor=\"end\""), title)?;
	}
	for (index, layer) in report.layers.iter().enumerate() {
		row(svg, layer, HEAD + ROW * index, index % 2 == 1)?;
	}
	let foot = "error: root mean square, as a share of the range used; the bar is logarithmic, \
	            from 0.001 % to 100 %";
	text(svg, NAME, height - 16, "fill=\"#555\" font-size=\"11\"", foot)?;
	svg.push_str("</svg>\n");
	Ok(())
}

fn summary(report: &AccuracyReport) -> String {
	match (report.float_accuracy, report.integer_accuracy) {
		(Some(float), Some(integer)) => format!(
			"{} records: {:.2} % right with real numbers, {:.2} % with integers",
			report.records,
			float * 100.0,
			integer * 100.0
		),
		_ => format!("{} records", report.records),
	}
}

fn errors(report: &AccuracyReport) -> String {
	format!(
		"disagreements: {} · output error: {:.3e} on average, {:.3e} at most",
		report.disagreements, report.mean_absolute_error, report.max_logit_error
	)
}

fn row(svg: &mut String, layer: &LayerReport, top: usize, shaded: bool) -> std::fmt::Result {
	if shaded {
		writeln!(
			svg,
			"<rect x=\"0\" y=\"{top}\" width=\"{WIDTH}\" height=\"{ROW}\" fill=\"#f5f6f8\"/>"
		)?;
	}
	let base = top + 17;
	let name = format!("{} · {}", shortened(&layer.node), layer.kind);
	text(svg, NAME, base, "", &name)?;
	text(svg, SCALE + 60, base, "text-anchor=\"end\"", &layer.scale())?;
	text(svg, BITS + 16, base, "text-anchor=\"end\"", &layer.bits.to_string())?;
	range(svg, layer, top)?;
	let saturated = format!("{:.2} %", layer.saturated * 100.0);
	let colour = if layer.saturated > 0.01 { "#c0392b" } else { "#222" };
	let style = format!("text-anchor=\"end\" fill=\"{colour}\"");
	text(svg, SATURATED, base, &style, &saturated)?;
	let span = layer.high - layer.low;
	if let Some(share) = layer.rms_error.filter(|_| span > 0.0).map(|error| error / span) {
		let (empty, full) = ERROR_DECADES;
		let filled = ((share.max(1e-9).log10() - empty) / (full - empty)).clamp(0.0, 1.0);
		bar(svg, ERROR as f64, top, ERROR_BAR, "#e3e6ea")?;
		bar(svg, ERROR as f64, top, ERROR_BAR * filled, "#d98324")?;
		let x = ERROR + ERROR_BAR as usize + 6;
		text(svg, x, base, "font-size=\"11\"", &format!("{:.2} %", share * 100.0))?;
	}
	Ok(())
}

/// The range that the integers can stand for in grey, the range used in blue, and where 0 is.
fn range(svg: &mut String, layer: &LayerReport, top: usize) -> std::fmt::Result {
	let low = layer.lowest.min(layer.low);
	let span = layer.highest.max(layer.high) - low;
	if !(span > 0.0 && span.is_finite()) {
		return Ok(());
	}
	let place = |number: f64| RANGE as f64 + (number - low) / span * RANGE_BAR;
	let (from, to) = (place(layer.lowest), place(layer.highest));
	bar(svg, from, top, to - from, "#e3e6ea")?;
	let (from, to) = (place(layer.low), place(layer.high));
	bar(svg, from, top, (to - from).max(1.0), "#3b7dd8")?;
	if low <= 0.0 && low + span >= 0.0 {
		let (x, bottom) = (place(0.0), top + ROW - 3);
		writeln!(
			svg,
			"<line x1=\"{x:.1}\" y1=\"{}\" x2=\"{x:.1}\" y2=\"{bottom}\" stroke=\"#222\"/>",
			top + 3
		)?;
	}
	Ok(())
}

fn bar(svg: &mut String, x: f64, top: usize, width: f64, colour: &str) -> std::fmt::Result {
	let (y, height) = (top + 7, ROW - 14);
	writeln!(
		svg,
		"<rect x=\"{x:.1}\" y=\"{y}\" width=\"{width:.1}\" height=\"{height}\" fill=\"{colour}\"/>"
	)
}

fn text(svg: &mut String, x: usize, y: usize, style: &str, content: &str) -> std::fmt::Result {
	writeln!(svg, "<text x=\"{x}\" y=\"{y}\" {style}>{}</text>", escaped(content))
}

fn shortened(name: &str) -> String {
	match name.char_indices().nth(LONGEST_NAME) {
		Some((end, _)) => format!("{}…", &name[..end]),
		None => name.into(),
	}
}

/// Text for XML: markup escaped, and what XML does not allow replaced.
fn escaped(text: &str) -> String {
	let mut escaped = String::with_capacity(text.len());
	for character in text.chars() {
		match character {
			'<' => escaped.push_str("&lt;"),
			'>' => escaped.push_str("&gt;"),
			'&' => escaped.push_str("&amp;"),
			'"' => escaped.push_str("&quot;"),
			'\'' => escaped.push_str("&apos;"),
			'\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
			control if control.is_control() => escaped.push('\u{fffd}'),
			other => escaped.push(other),
		}
	}
	escaped
}

#[cfg(test)]
mod tests {
	use super::*;

	fn layer(node: &str) -> LayerReport {
		LayerReport {
			node: node.into(),
			kind: "relu".into(),
			finest: 3,
			coarsest: 2,
			factor: 1.0,
			low: 0.0,
			high: 20.0,
			lowest: 0.0,
			highest: 31.875,
			bits: 9,
			saturated: 0.02,
			rms_error: Some(0.05),
		}
	}

	fn report(layers: Vec<LayerReport>) -> AccuracyReport {
		AccuracyReport {
			records: 3,
			float_accuracy: Some(1.0),
			integer_accuracy: Some(0.5),
			disagreements: 1,
			max_logit_error: 0.5,
			mean_absolute_error: 0.1,
			worst: Vec::new(),
			layers,
		}
	}

	/// Checks that tags nest, attributes are quoted and names and text have no bare markup; gives the
	/// texts.
	fn texts(xml: &str) -> Vec<String> {
		let mut open = Vec::new();
		let mut texts = Vec::new();
		let mut rest = xml.trim_end();
		while let Some(start) = rest.find('<') {
			let text = &rest[..start];
			assert!(!text.contains('>'), "bare markup in {text:?}");
			for entity in text.split('&').skip(1) {
				let name = entity.split(';').next().unwrap();
				assert!(["lt", "gt", "amp", "quot", "apos"].contains(&name), "{entity:?}");
			}
			texts.push(text.to_string());
			let end = start + rest[start..].find('>').expect("a tag that ends");
			let tag = &rest[start + 1..end];
			assert_eq!(tag.matches('"').count() % 2, 0, "quotes in {tag:?}");
			assert!(!tag.contains('<'), "{tag:?}");
			let name = tag.trim_matches('/').split(' ').next().unwrap();
			if tag.starts_with('/') {
				assert_eq!(open.pop(), Some(name), "nesting");
			} else if !tag.ends_with('/') {
				open.push(name);
			}
			rest = &rest[end + 1..];
		}
		assert!(open.is_empty() && rest.is_empty(), "{open:?} {rest:?}");
		texts
	}

	#[test]
	fn pictures_are_well_formed_and_show_every_layer() {
		let svg = picture(&report(vec![layer("conv_1"), layer("fc <2> & \"co\" \u{0}\u{7}")]));
		let texts = texts(&svg);
		for wanted in [
			"conv_1 · relu",
			"fc &lt;2&gt; &amp; &quot;co&quot; \u{fffd}\u{fffd} · relu",
			"2^-3…-2",
			"2.00 %",
		] {
			assert!(texts.iter().any(|text| text == wanted), "{wanted}: {texts:?}");
		}
		assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 960 "));
		assert!(!svg.contains("NaN") && !svg.contains("inf"));
	}

	#[test]
	fn numbers_that_say_nothing_are_drawn_without_bars() {
		let flat = LayerReport { high: 0.0, highest: 0.0, rms_error: None, ..layer("flat") };
		let svg = picture(&report(vec![flat]));
		texts(&svg);
		assert!(!svg.contains("NaN") && !svg.contains("inf"));
	}

	#[test]
	fn long_names_are_shortened() {
		let svg = picture(&report(vec![layer(&"ä".repeat(100))]));
		assert!(svg.contains(&format!("{}…", "ä".repeat(LONGEST_NAME))));
		assert!(!svg.contains(&"ä".repeat(LONGEST_NAME + 1)));
	}
}
