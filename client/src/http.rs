// SPDX-License-Identifier: Apache-2.0

//! HTTP requests to machines that others run: bounded in time and in size, without redirects.

use reqwest::{redirect::Policy, Client, Response, Url};
use std::time::Duration;

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Reads an `http://` or `https://` URL that names a host.
pub(crate) fn parse(url: &str) -> Result<Url, String> {
	let url = Url::parse(url).map_err(|error| error.to_string())?;
	if !matches!(url.scheme(), "http" | "https") {
		return Err(format!("found the scheme {}", url.scheme()));
	}
	match url.has_host() {
		true => Ok(url),
		false => Err("found no host".into()),
	}
}

/// A client for this URL.
pub(crate) fn client(url: &Url, timeout: Duration) -> Result<Client, String> {
	let mut builder = Client::builder()
		.connect_timeout(CONNECT_TIMEOUT)
		.timeout(timeout)
		.redirect(Policy::none())
		.user_agent(concat!("proofpod/", env!("CARGO_PKG_VERSION")));
	if url.scheme() == "http" {
		// Works on machines without certificate authorities, where the default refuses to start.
		builder = builder.tls_certs_only([]);
	}
	if is_loopback(url) {
		builder = builder.no_proxy();
	}
	builder.build().map_err(|error| cause(&error))
}

fn is_loopback(url: &Url) -> bool {
	let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
	host == "localhost"
		|| host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The body, if it has at most `limit` bytes; `Err(None)` when it has more.
pub(crate) async fn body(
	mut response: Response,
	limit: usize,
) -> Result<Vec<u8>, Option<reqwest::Error>> {
	let mut bytes = Vec::new();
	while let Some(chunk) = response.chunk().await.map_err(Some)? {
		if bytes.len() + chunk.len() > limit {
			return Err(None);
		}
		bytes.extend_from_slice(&chunk);
	}
	Ok(bytes)
}

/// The last cause of an error, in one line: "Connection refused" rather than the layers above it.
pub(crate) fn cause(error: &reqwest::Error) -> String {
	if error.is_timeout() {
		return "no answer in time".into();
	}
	let mut last: &dyn std::error::Error = error;
	while let Some(source) = last.source() {
		last = source;
	}
	last.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}
