// SPDX-License-Identifier: Apache-2.0

//! Bytes that are text, as text in JSON: for `#[serde(with = "crate::text")]`.

use alloc::{string::String, vec::Vec};
use serde::{de::Error as _, ser::Error as _, Deserialize, Deserializer, Serialize, Serializer};

pub(crate) fn serialize<B: AsRef<[u8]>, S: Serializer>(
	bytes: &B,
	serializer: S,
) -> Result<S::Ok, S::Error> {
	core::str::from_utf8(bytes.as_ref()).map_err(S::Error::custom)?.serialize(serializer)
}

pub(crate) fn deserialize<'de, B: TryFrom<Vec<u8>>, D: Deserializer<'de>>(
	deserializer: D,
) -> Result<B, D::Error> {
	let text = String::deserialize(deserializer)?;
	let length = text.len();
	B::try_from(text.into_bytes())
		.map_err(|_| D::Error::custom(format_args!("a text of {length} bytes has a wrong length")))
}

/// Lists of them.
pub(crate) mod list {
	use super::*;

	#[derive(Serialize, Deserialize)]
	#[serde(transparent)]
	struct Text<B: AsRef<[u8]> + TryFrom<Vec<u8>>>(#[serde(with = "super")] B);

	pub(crate) fn serialize<B, L, S>(list: &L, serializer: S) -> Result<S::Ok, S::Error>
	where
		B: AsRef<[u8]> + TryFrom<Vec<u8>> + Clone,
		L: AsRef<[B]>,
		S: Serializer,
	{
		serializer.collect_seq(list.as_ref().iter().cloned().map(Text))
	}

	pub(crate) fn deserialize<'de, B, L, D>(deserializer: D) -> Result<L, D::Error>
	where
		B: AsRef<[u8]> + TryFrom<Vec<u8>>,
		L: TryFrom<Vec<B>>,
		D: Deserializer<'de>,
	{
		let list = Vec::<Text<B>>::deserialize(deserializer)?;
		let length = list.len();
		L::try_from(list.into_iter().map(|text| text.0).collect())
			.map_err(|_| D::Error::custom(format_args!("{length} texts are too many")))
	}
}
