// SPDX-License-Identifier: Apache-2.0

//! Fetching of a registered model's files from the places that its owner named. A place is a
//! folder, `file://` or `https://`; it is not trusted: every file must have the digest that the
//! manifest gives.

use crate::{
	files::{self, FileError},
	http,
};
use proofpod_primitives::{blake2_256, Digest};
use std::{path::PathBuf, time::Duration};

/// How long one file may take.
const TIMEOUT: Duration = Duration::from_secs(600);

/// Why a file was not fetched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
	/// The model's owner named no place.
	#[error("the model names no place where its {file} lies: ask its owner for the files and give their folder instead")]
	NoPlaces {
		/// The file.
		file: String,
	},
	/// None of the places has the file.
	#[error("cannot fetch {file} from any of the model's places: {reasons}")]
	NoneHasIt {
		/// The file.
		file: String,
		/// What every place said.
		reasons: String,
	},
}

/// Fetches a file of at most `limit` bytes with this digest from the first place that has it.
///
/// # Errors
/// When none has it; the error says what each of them said.
pub async fn fetch(
	places: &[String],
	file: &str,
	digest: Digest,
	limit: u64,
) -> Result<Vec<u8>, FetchError> {
	if places.is_empty() {
		return Err(FetchError::NoPlaces { file: file.into() });
	}
	let mut reasons = Vec::new();
	for place in places {
		let found = match fetch_from(place, file, limit).await {
			Ok(bytes) if blake2_256(&bytes) == digest.0 => return Ok(bytes),
			Ok(bytes) => {
				format!("expected digest {digest}, found {}", Digest(blake2_256(&bytes)))
			},
			Err(reason) => reason,
		};
		reasons.push(format!("{place}: {found}"));
	}
	Err(FetchError::NoneHasIt { file: file.into(), reasons: reasons.join("; ") })
}

async fn fetch_from(place: &str, file: &str, limit: u64) -> Result<Vec<u8>, String> {
	if let Some(folder) = place.strip_prefix("file://") {
		let path = PathBuf::from(folder).join(file);
		let read = tokio::task::spawn_blocking(move || files::read(&path, limit));
		let read = read.await.map_err(|error| error.to_string())?;
		return read.map_err(|error: FileError| error.to_string());
	}
	if !place.starts_with("https://") {
		return Err("only file:// and https:// places can be read".into());
	}
	let url = http::parse(&format!("{}/{file}", place.trim_end_matches('/')))?;
	let client = http::client(&url, TIMEOUT)?;
	let response = client.get(url).send().await.map_err(|error| http::cause(&error))?;
	if !response.status().is_success() {
		return Err(format!("answered {}", response.status().as_u16()));
	}
	let limit = usize::try_from(limit).unwrap_or(usize::MAX);
	http::body(response, limit).await.map_err(|error| match error {
		Some(error) => http::cause(&error),
		None => format!("expected at most {limit} bytes, found more"),
	})
}

#[cfg(test)]
mod tests {
	use super::*;

	fn place(folder: &tempfile::TempDir) -> String {
		format!("file://{}", folder.path().display())
	}

	#[tokio::test]
	async fn the_first_place_with_the_right_file_serves() {
		let (wrong, right) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
		std::fs::write(wrong.path().join("network.bin"), b"other").unwrap();
		std::fs::write(right.path().join("network.bin"), b"network").unwrap();
		let places =
			["s3://bucket/x".into(), "file:///nowhere".into(), place(&wrong), place(&right)];
		let digest = Digest(blake2_256(b"network"));
		assert_eq!(fetch(&places, "network.bin", digest, 100).await.unwrap(), b"network");
	}

	#[tokio::test]
	async fn every_place_that_does_not_serve_says_why() {
		let folder = tempfile::tempdir().unwrap();
		std::fs::write(folder.path().join("network.bin"), b"network").unwrap();
		let places = ["s3://bucket/x".into(), place(&folder)];
		let error = fetch(&places, "network.bin", Digest([0; 32]), 100).await.unwrap_err();
		let text = error.to_string();
		assert!(
			text.contains("s3://bucket/x: only file://") && text.contains("expected digest 0x00")
		);
		let error = fetch(&places, "network.bin", Digest([0; 32]), 3).await.unwrap_err();
		assert!(error.to_string().contains("at most 3 bytes"), "{error}");
		let error = fetch(&[], "network.bin", Digest([0; 32]), 3).await.unwrap_err();
		assert!(matches!(error, FetchError::NoPlaces { .. }));
	}
}
