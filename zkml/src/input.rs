// SPDX-License-Identifier: Apache-2.0

//! Input files: `{"input_data": [[…], …]}`, EZKL's format, one inner list per record. An optional
//! `"labels": [0, 1, …]` gives each record's class; other keys are ignored.

use serde_json::Value;

/// Most bytes of an input file.
pub const MAX_FILE_SIZE: usize = 16 << 20;

/// Why an input file is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
	/// The file is too large.
	#[error("expected an input file of at most {limit} bytes, found {found}")]
	FileSize {
		/// Most bytes.
		limit: usize,
		/// Bytes found.
		found: usize,
	},
	/// The file is not JSON.
	#[error("expected JSON such as {{\"input_data\": [[1.5, 2.0]]}}: {reason}")]
	Json {
		/// What the JSON parser found, with line and column.
		reason: String,
	},
	/// `input_data` is missing or is not a list of lists.
	#[error("expected \"input_data\" to be a list of records, each a list of numbers: {{\"input_data\": [[1.5, 2.0]]}}; found {found}")]
	Shape {
		/// What stands there.
		found: String,
	},
	/// There are no records.
	#[error("expected at least one record in \"input_data\", found none")]
	Empty,
	/// A record has the wrong number of values.
	#[error("record {record}: expected {expected} values, found {found}")]
	Length {
		/// The record, from 0.
		record: usize,
		/// Values that the model takes, or that the first record has.
		expected: usize,
		/// Values found.
		found: usize,
	},
	/// A value is not a number that the model can take.
	#[error("record {record}, value {index}: expected a finite number, found {found}")]
	Value {
		/// The record, from 0.
		record: usize,
		/// The value in the record, from 0.
		index: usize,
		/// What stands there.
		found: String,
	},
	/// The labels do not fit the records.
	#[error("expected \"labels\" to be a list of {expected} class numbers from 0, one per record; found {found}")]
	Labels {
		/// Number of records.
		expected: usize,
		/// What stands there.
		found: String,
	},
}

/// The records of an input file.
#[derive(Clone, PartialEq)]
pub struct InputFile {
	/// One list of numbers per record, all of the same length.
	pub records: Vec<Vec<f32>>,
	/// Every record's class, when the file says it.
	pub labels: Option<Vec<usize>>,
}

impl InputFile {
	/// Reads a file. With `expected`, every record must have that many values; without, as many as
	/// the first.
	///
	/// # Errors
	/// The first thing that does not fit, with its place.
	pub fn parse(bytes: &[u8], expected: Option<usize>) -> Result<Self, InputError> {
		if bytes.len() > MAX_FILE_SIZE {
			return Err(InputError::FileSize { limit: MAX_FILE_SIZE, found: bytes.len() });
		}
		let file: Value = serde_json::from_slice(bytes)
			.map_err(|error| InputError::Json { reason: error.to_string() })?;
		let Some(data) = file.get("input_data") else {
			return Err(InputError::Shape { found: "no \"input_data\"".into() });
		};
		let Value::Array(rows) = data else {
			return Err(InputError::Shape { found: kind(data) });
		};
		let mut records = Vec::with_capacity(rows.len());
		let mut expected = expected;
		for (record, row) in rows.iter().enumerate() {
			let Value::Array(row) = row else {
				return Err(InputError::Shape {
					found: format!("{} as record {record}", kind(row)),
				});
			};
			let wanted = *expected.get_or_insert(row.len());
			if row.len() != wanted || row.is_empty() {
				let found = row.len();
				return Err(InputError::Length { record, expected: wanted.max(1), found });
			}
			let values = row.iter().enumerate().map(|(index, value)| {
				number(value).ok_or_else(|| InputError::Value { record, index, found: kind(value) })
			});
			records.push(values.collect::<Result<_, _>>()?);
		}
		if records.is_empty() {
			return Err(InputError::Empty);
		}
		let labels = match file.get("labels") {
			None | Some(Value::Null) => None,
			Some(labels) => Some(parse_labels(labels, records.len())?),
		};
		Ok(Self { records, labels })
	}
}

/// A number that stays finite in 32 bits.
fn number(value: &Value) -> Option<f32> {
	let number = value.as_f64()? as f32;
	number.is_finite().then_some(number)
}

fn parse_labels(labels: &Value, expected: usize) -> Result<Vec<usize>, InputError> {
	let refuse = |found| InputError::Labels { expected, found };
	let Value::Array(list) = labels else { return Err(refuse(kind(labels))) };
	if list.len() != expected {
		return Err(refuse(format!("{} labels", list.len())));
	}
	let label = |value: &Value| {
		let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
		number.map(|number| number as usize).ok_or_else(|| refuse(kind(value)))
	};
	list.iter().map(label).collect()
}

/// What a value is. Never the content of a record: messages end in logs.
fn kind(value: &Value) -> String {
	match value {
		Value::Null => "null",
		Value::Bool(_) => "true or false",
		Value::Number(_) => "a number out of range",
		Value::String(_) => "a text",
		Value::Array(_) => "a list",
		Value::Object(_) => "an object",
	}
	.into()
}

#[cfg(test)]
mod tests {
	use super::*;

	fn parse(text: &str) -> Result<InputFile, InputError> {
		InputFile::parse(text.as_bytes(), Some(2))
	}

	#[test]
	fn records_and_labels_are_read() {
		let file = parse(r#"{"input_data": [[1, -2.5], [0, 1e3]], "labels": [1, 0], "x": 1}"#);
		let file = file.unwrap_or_else(|error| panic!("{error}"));
		assert_eq!(file.records, vec![vec![1.0, -2.5], vec![0.0, 1000.0]]);
		assert_eq!(file.labels, Some(vec![1, 0]));
		assert_eq!(parse(r#"{"input_data": [[1, 2]]}"#).map(|file| file.labels), Ok(None));
	}

	fn refusal(text: &str) -> InputError {
		match parse(text) {
			Ok(_) => panic!("{text} should be refused"),
			Err(error) => error,
		}
	}

	#[test]
	fn wrong_files_are_refused_with_the_place() {
		assert!(matches!(refusal("{"), InputError::Json { .. }));
		assert!(matches!(refusal(r#"{"input_data": [[NaN, 1]]}"#), InputError::Json { .. }));
		assert!(matches!(refusal("[[1, 2]]"), InputError::Shape { .. }));
		assert!(matches!(refusal(r#"{"input_data": 3}"#), InputError::Shape { .. }));
		assert!(matches!(refusal(r#"{"input_data": [1, 2]}"#), InputError::Shape { .. }));
		assert_eq!(refusal(r#"{"input_data": []}"#), InputError::Empty);
		assert_eq!(
			refusal(r#"{"input_data": [[1, 2], [1]]}"#),
			InputError::Length { record: 1, expected: 2, found: 1 }
		);
		for (value, found) in
			[("\"0x1\"", "a text"), ("null", "null"), ("1e39", "a number out of range")]
		{
			assert_eq!(
				refusal(&format!(r#"{{"input_data": [[1, 2], [3, {value}]]}}"#)),
				InputError::Value { record: 1, index: 1, found: found.into() }
			);
		}
		for labels in ["[1, 2]", "[-1]", "[0.5]", "7", "[5000000000]"] {
			let text = format!(r#"{{"input_data": [[1, 2]], "labels": {labels}}}"#);
			assert!(matches!(refusal(&text), InputError::Labels { expected: 1, .. }), "{labels}");
		}
	}

	#[test]
	fn records_without_an_expected_length_must_agree() {
		let parse = |text: &str| InputFile::parse(text.as_bytes(), None);
		assert!(parse(r#"{"input_data": [[1, 2, 3], [4, 5, 6]]}"#).is_ok());
		assert_eq!(
			parse(r#"{"input_data": [[1, 2, 3], [4]]}"#).err(),
			Some(InputError::Length { record: 1, expected: 3, found: 1 })
		);
		assert_eq!(
			parse(r#"{"input_data": [[]]}"#).err(),
			Some(InputError::Length { record: 0, expected: 1, found: 0 })
		);
	}

	#[test]
	fn large_files_are_refused_before_they_are_parsed() {
		let bytes = vec![b' '; MAX_FILE_SIZE + 1];
		assert!(matches!(InputFile::parse(&bytes, None), Err(InputError::FileSize { .. })));
	}
}
