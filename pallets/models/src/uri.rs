// SPDX-License-Identifier: Apache-2.0

//! Addresses of artefacts.

/// Schemes under which artefacts can be fetched.
const SCHEMES: [&[u8]; 3] = [b"https://", b"s3://", b"file://"];

/// Whether the bytes can be an artefact's address: a known scheme and something after it, all in
/// printable ASCII without spaces (other characters are percent-encoded, RFC 3986 §2.1).
pub fn is_artefact_uri(uri: &[u8]) -> bool {
	uri.iter().all(u8::is_ascii_graphic)
		&& SCHEMES
			.iter()
			.any(|scheme| uri.strip_prefix(*scheme).is_some_and(|rest| !rest.is_empty()))
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn known_schemes_with_a_path_are_accepted() {
		for uri in ["https://models.example/digits", "s3://bucket/digits", "file:///srv/digits"] {
			assert!(is_artefact_uri(uri.as_bytes()), "{uri}");
		}
	}

	#[test]
	fn anything_else_is_refused() {
		for uri in ["", "digits", "https://", "ftp://models.example", "s3://a b", "file:///é"] {
			assert!(!is_artefact_uri(uri.as_bytes()), "{uri}");
		}
	}
}
