// SPDX-License-Identifier: Apache-2.0

//! Delivery of a sealed input to the pod's endpoint: `POST {endpoint}/v1/jobs/{job}/input` with
//! the sealed bytes as `application/octet-stream`. The pod answers 202, or an error with a
//! [`Refusal`] as JSON.
//!
//! Posting the same bytes again is harmless: a pod answers 202 to a delivery that it already has.

use crate::http;
use proofpod_primitives::JobId;
use reqwest::{StatusCode, Url};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// Media type of a sealed input.
pub const CONTENT_TYPE: &str = "application/octet-stream";
/// Most bytes of an error's body that are read.
const MAX_ANSWER: usize = 64 << 10;
/// Most characters of a pod's message that are passed on.
const MAX_MESSAGE: usize = 300;

/// The body of a pod's error: a stable code for programs, a message for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
	/// Stable, such as `PW-DEL-004`.
	pub code: String,
	/// For people.
	pub message: String,
}

/// Why an input was not delivered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryError {
	/// The pod's endpoint is no usable URL.
	#[error("expected the pod's endpoint to be an http:// or https:// URL, found {endpoint:?}: {reason}")]
	Endpoint {
		/// What the pod published.
		endpoint: String,
		/// What is wrong with it.
		reason: String,
	},
	/// This machine cannot make HTTP requests.
	#[error("cannot make HTTP requests: {reason}")]
	Client {
		/// Why.
		reason: String,
	},
	/// The pod answers, but does not know yet that the job is its own: pods follow finalised
	/// blocks, and learn of their lock a few blocks after the client.
	#[error("the pod at {url} does not know yet that the job is its own ({code}): {message}")]
	NotYet {
		/// Where the input was posted.
		url: String,
		/// The pod's code.
		code: String,
		/// The pod's message, shortened.
		message: String,
	},
	/// The pod does not answer, or not now.
	#[error("the pod at {url} did not take the input in {attempts} attempts: {reason}")]
	Unavailable {
		/// Where the input was posted.
		url: String,
		/// Attempts made.
		attempts: u32,
		/// What happened at the last.
		reason: String,
	},
	/// The pod refuses the input: posting it again does not help.
	#[error("the pod at {url} refused the input ({status}, {code}): {message}")]
	Refused {
		/// Where the input was posted.
		url: String,
		/// The HTTP status.
		status: u16,
		/// The pod's code.
		code: String,
		/// The pod's message, shortened.
		message: String,
	},
}

/// How hard to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retries {
	/// Most posts.
	pub attempts: u32,
	/// Pause after the first failed one; doubled after each further one.
	pub pause: Duration,
	/// Longest pause.
	pub max_pause: Duration,
	/// How long one post may take, answer included.
	pub timeout: Duration,
	/// How long all of it may take before no further post is begun.
	pub patience: Duration,
}

impl Default for Retries {
	fn default() -> Self {
		Self {
			attempts: 5,
			pause: Duration::from_millis(300),
			max_pause: Duration::from_secs(3),
			timeout: Duration::from_secs(20),
			patience: Duration::from_secs(60),
		}
	}
}

/// Where a job's input is posted.
///
/// # Errors
/// When the endpoint is no `http://` or `https://` URL.
pub fn input_url(endpoint: &str, job: JobId) -> Result<Url, DeliveryError> {
	let bad = |reason| DeliveryError::Endpoint { endpoint: endpoint.into(), reason };
	let url = http::parse(endpoint).map_err(bad)?;
	if url.query().is_some() || url.fragment().is_some() {
		return Err(bad("found a query or a fragment".into()));
	}
	let text = format!("{}/v1/jobs/{job}/input", url.as_str().trim_end_matches('/'));
	http::parse(&text).map_err(bad)
}

/// Posts a sealed input until the pod takes it, refuses it, or the attempts are used up.
///
/// # Errors
/// See [`DeliveryError`].
pub async fn deliver(
	endpoint: &str,
	job: JobId,
	sealed: &[u8],
	retries: Retries,
) -> Result<(), DeliveryError> {
	let url = input_url(endpoint, job)?;
	let client =
		http::client(&url, retries.timeout).map_err(|reason| DeliveryError::Client { reason })?;
	let url_text = || url.to_string();
	let started = Instant::now();
	let mut pause = retries.pause;
	let mut attempt = 1;
	loop {
		let answer = client
			.post(url.clone())
			.header("content-type", CONTENT_TYPE)
			.body(sealed.to_vec())
			.send()
			.await;
		let error = match answer {
			Ok(response) if response.status().is_success() => return Ok(()),
			Ok(response) => {
				let status = response.status();
				let Refusal { code, message } = refusal(response).await;
				match status {
					StatusCode::NOT_FOUND | StatusCode::CONFLICT | StatusCode::TOO_EARLY => {
						DeliveryError::NotYet { url: url_text(), code, message }
					},
					StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => unavailable(
						&url,
						attempt,
						format!("{}, {code}: {message}", status.as_u16()),
					),
					_ if status.is_server_error() => unavailable(
						&url,
						attempt,
						format!("{}, {code}: {message}", status.as_u16()),
					),
					_ => {
						let status = status.as_u16();
						return Err(DeliveryError::Refused {
							url: url_text(),
							status,
							code,
							message,
						});
					},
				}
			},
			Err(error) => unavailable(&url, attempt, http::cause(&error)),
		};
		tracing::debug!(attempt, %error, "the pod did not take the input");
		if attempt >= retries.attempts || started.elapsed() + pause >= retries.patience {
			return Err(error);
		}
		tokio::time::sleep(pause).await;
		pause = (pause * 2).min(retries.max_pause);
		attempt += 1;
	}
}

fn unavailable(url: &Url, attempts: u32, reason: String) -> DeliveryError {
	DeliveryError::Unavailable { url: url.to_string(), attempts, reason }
}

/// What the pod says, made safe for a terminal: it is a stranger's text.
async fn refusal(response: reqwest::Response) -> Refusal {
	let body = http::body(response, MAX_ANSWER).await.unwrap_or_default();
	let refusal = serde_json::from_slice(&body).unwrap_or_else(|_| Refusal {
		code: "unknown".into(),
		message: "the answer does not say why".into(),
	});
	let clean = |text: String| {
		text.chars().filter(|c| !c.is_control()).take(MAX_MESSAGE).collect::<String>()
	};
	Refusal { code: clean(refusal.code), message: clean(refusal.message) }
}

#[cfg(test)]
mod tests {
	use super::*;
	use std::{
		io::{Read, Write},
		net::{TcpListener, TcpStream},
		sync::mpsc,
		thread,
	};

	/// A pod that gives these answers, one per connection, and reports the requests.
	fn pod(answers: Vec<&'static str>) -> (String, mpsc::Receiver<Vec<u8>>) {
		let listener = TcpListener::bind("127.0.0.1:0").unwrap();
		let endpoint = format!("http://{}", listener.local_addr().unwrap());
		let (sender, receiver) = mpsc::channel();
		thread::spawn(move || {
			for answer in answers {
				let (stream, _) = listener.accept().unwrap();
				sender.send(serve(stream, answer)).unwrap();
			}
		});
		(endpoint, receiver)
	}

	fn serve(mut stream: TcpStream, answer: &str) -> Vec<u8> {
		let mut request = Vec::new();
		let mut buffer = [0; 4096];
		let wanted = loop {
			let read = stream.read(&mut buffer).unwrap();
			request.extend_from_slice(&buffer[..read]);
			let text = String::from_utf8_lossy(&request);
			if let Some(end) = text.find("\r\n\r\n") {
				let length = text
					.lines()
					.find_map(|line| {
						line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned)
					})
					.unwrap();
				break end + 4 + length.trim().parse::<usize>().unwrap();
			}
		};
		while request.len() < wanted {
			let read = stream.read(&mut buffer).unwrap();
			request.extend_from_slice(&buffer[..read]);
		}
		stream.write_all(answer.as_bytes()).unwrap();
		request
	}

	const ACCEPTED: &str =
		"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
	const UNKNOWN: &str = "HTTP/1.1 404 Not Found\r\ncontent-length: 44\r\nconnection: close\r\n\r\n{\"code\":\"unknown-job\",\"message\":\"not mine\"} ";
	const BAD: &str = "HTTP/1.1 400 Bad Request\r\ncontent-length: 52\r\nconnection: close\r\n\r\n{\"code\":\"does-not-open\",\"message\":\"wrong\\u001b key\"} ";

	const FULL: &str = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 33\r\nconnection: close\r\n\r\n{\"code\":\"full\",\"message\":\"later\"}";

	fn quick() -> Retries {
		Retries {
			attempts: 3,
			pause: Duration::from_millis(5),
			max_pause: Duration::from_millis(10),
			timeout: Duration::from_secs(5),
			patience: Duration::from_secs(30),
		}
	}

	#[tokio::test]
	async fn the_sealed_bytes_are_posted_to_the_jobs_path() {
		let (endpoint, requests) = pod(vec![ACCEPTED]);
		deliver(&endpoint, JobId(7), &[0, 1, 255], quick()).await.unwrap();
		let request = requests.recv().unwrap();
		let text = String::from_utf8_lossy(&request).to_lowercase();
		assert!(text.starts_with("post /v1/jobs/7/input http/1.1\r\n"), "{text}");
		assert!(text.contains("content-type: application/octet-stream"));
		assert!(request.ends_with(&[0, 1, 255]));
	}

	#[tokio::test]
	async fn a_pod_that_does_not_know_the_job_yet_is_asked_again() {
		let (endpoint, requests) = pod(vec![UNKNOWN, UNKNOWN, ACCEPTED]);
		deliver(&endpoint, JobId(7), &[1], quick()).await.unwrap();
		assert_eq!(requests.iter().take(3).count(), 3);
	}

	#[tokio::test]
	async fn attempts_are_bounded() {
		let (endpoint, _requests) = pod(vec![UNKNOWN; 3]);
		let error = deliver(&endpoint, JobId(7), &[1], quick()).await.unwrap_err();
		let DeliveryError::NotYet { code, message, .. } = &error else { panic!("{error}") };
		assert_eq!((code.as_str(), message.as_str()), ("unknown-job", "not mine"));

		let (endpoint, _requests) = pod(vec![FULL; 3]);
		let error = deliver(&endpoint, JobId(7), &[1], quick()).await.unwrap_err();
		let DeliveryError::Unavailable { attempts: 3, reason, .. } = &error else {
			panic!("{error}")
		};
		assert_eq!(reason, "503, full: later");
	}

	#[tokio::test]
	async fn no_post_is_begun_when_patience_is_over() {
		let (endpoint, requests) = pod(vec![FULL; 3]);
		let impatient = Retries { patience: Duration::ZERO, ..quick() };
		let error = deliver(&endpoint, JobId(7), &[1], impatient).await.unwrap_err();
		assert!(matches!(error, DeliveryError::Unavailable { attempts: 1, .. }), "{error}");
		assert_eq!(requests.try_iter().count(), 1);
	}

	#[tokio::test]
	async fn a_refusal_is_final_and_its_text_is_cleaned() {
		let (endpoint, _requests) = pod(vec![BAD]);
		let error = deliver(&endpoint, JobId(7), &[1], quick()).await.unwrap_err();
		let DeliveryError::Refused { status: 400, code, message, .. } = &error else {
			panic!("{error}")
		};
		assert_eq!((code.as_str(), message.as_str()), ("does-not-open", "wrong key"));
	}

	#[tokio::test]
	async fn nobody_listening_is_said_in_a_line() {
		let listener = TcpListener::bind("127.0.0.1:0").unwrap();
		let endpoint = format!("http://{}", listener.local_addr().unwrap());
		drop(listener);
		let error = deliver(&endpoint, JobId(7), &[1], quick()).await.unwrap_err().to_string();
		assert!(error.contains("Connection refused") && !error.contains('\n'), "{error}");
	}

	#[test]
	fn endpoints_lead_to_the_jobs_path() {
		for (endpoint, url) in [
			("http://127.0.0.1:4000", "http://127.0.0.1:4000/v1/jobs/7/input"),
			("https://pod.example/", "https://pod.example/v1/jobs/7/input"),
			("https://pod.example/a/b/", "https://pod.example/a/b/v1/jobs/7/input"),
		] {
			assert_eq!(input_url(endpoint, JobId(7)).unwrap().as_str(), url);
		}
		for endpoint in ["", "pod.example", "ftp://pod.example", "http://", "http://pod?x=1"] {
			let error = input_url(endpoint, JobId(7)).unwrap_err();
			assert!(matches!(error, DeliveryError::Endpoint { .. }), "{endpoint}: {error}");
		}
	}
}
