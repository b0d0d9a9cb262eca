// SPDX-License-Identifier: Apache-2.0

//! The pod's two HTTP faces: delivery of sealed inputs for clients, status and metrics for the
//! operator. They listen on different addresses, so that only the first need be public.

use crate::{
	deliveries::{Deliveries, Refusal},
	error::{Error, Result},
	metrics::Metrics,
};
use axum::{
	body::{to_bytes, Body},
	extract::{Path, State},
	http::{header, StatusCode},
	response::{IntoResponse, Response},
	routing::{get, post},
	Json, Router,
};
use proofpod_primitives::JobId;
use serde_json::json;
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::Semaphore, time::timeout};
use tokio_util::sync::CancellationToken;

/// How long a delivery's body may take.
const BODY_TIMEOUT: Duration = Duration::from_secs(20);
/// Deliveries that are received at the same time.
const MAX_DELIVERIES: usize = 32;

#[derive(Clone)]
struct Reception {
	deliveries: Arc<Deliveries>,
	places: Arc<Semaphore>,
}

/// What clients reach: `POST /v1/jobs/{job}/input` and `GET /healthz`.
pub fn delivery_routes(deliveries: Arc<Deliveries>) -> Router {
	let places = Arc::new(Semaphore::new(MAX_DELIVERIES));
	Router::new()
		.route("/v1/jobs/{job}/input", post(deliver))
		.route("/healthz", get(|| async { "ok\n" }))
		.with_state(Reception { deliveries, places })
}

/// What the operator reaches: `GET /metrics`, `GET /status` and `GET /healthz`.
pub fn operator_routes(metrics: Arc<Metrics>, deliveries: Arc<Deliveries>) -> Router {
	let status = move || async move { Json(json!({ "jobs": deliveries.status() })) };
	let text = move || async move {
		let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
		([(header::CONTENT_TYPE, kind)], metrics.text())
	};
	Router::new()
		.route("/metrics", get(text))
		.route("/status", get(status))
		.route("/healthz", get(|| async { "ok\n" }))
}

/// Binds an address; the socket queues connections from here on.
pub async fn bind(address: SocketAddr) -> Result<TcpListener> {
	TcpListener::bind(address).await.map_err(|error| Error::Listen { address, error })
}

/// Serves until the token is cancelled.
pub async fn serve(listener: TcpListener, routes: Router, stop: CancellationToken) -> Result<()> {
	axum::serve(listener, routes)
		.with_graceful_shutdown(stop.cancelled_owned())
		.await
		.map_err(|error| Error::Task(format!("HTTP server: {error}")))
}

async fn deliver(
	State(Reception { deliveries, places }): State<Reception>,
	Path(job): Path<String>,
	body: Body,
) -> Response {
	let Ok(job) = job.parse::<JobId>() else {
		return refuse(
			StatusCode::BAD_REQUEST,
			"PW-DEL-003",
			"expected a job's number in the path".into(),
		);
	};
	// Before the body: strangers get no memory and no time for jobs that the pod does not hold.
	if !deliveries.expects(job) {
		return refusal(&Refusal::NotLocked { job });
	}
	let Ok(_place) = places.try_acquire() else {
		return refuse(
			StatusCode::SERVICE_UNAVAILABLE,
			"PW-DEL-005",
			"the pod is receiving too many deliveries; try again".into(),
		);
	};
	let body = match timeout(BODY_TIMEOUT, to_bytes(body, deliveries.max_size())).await {
		Ok(Ok(body)) => body,
		Ok(Err(_)) => {
			return refuse(
				StatusCode::PAYLOAD_TOO_LARGE,
				"PW-DEL-006",
				format!("expected a whole delivery of at most {} bytes", deliveries.max_size()),
			)
		},
		Err(_) => {
			return refuse(
				StatusCode::REQUEST_TIMEOUT,
				"PW-DEL-007",
				format!("expected the delivery within {} seconds", BODY_TIMEOUT.as_secs()),
			)
		},
	};
	// Opening and hashing take milliseconds of computation: off the reactor.
	match tokio::task::spawn_blocking(move || deliveries.accept(job, &body)).await {
		Ok(Ok(())) => StatusCode::ACCEPTED.into_response(),
		Ok(Err(refused)) => refusal(&refused),
		Err(_) => refuse(
			StatusCode::INTERNAL_SERVER_ERROR,
			"PW-TSK-001",
			"the pod could not process the delivery; try again".into(),
		),
	}
}

fn refusal(refusal: &Refusal) -> Response {
	let status = match refusal {
		Refusal::NotLocked { .. } => StatusCode::CONFLICT,
		Refusal::Unusable(_) => StatusCode::UNPROCESSABLE_ENTITY,
		Refusal::Internal => StatusCode::INTERNAL_SERVER_ERROR,
	};
	refuse(status, refusal.code(), refusal.to_string())
}

fn refuse(status: StatusCode, code: &'static str, message: String) -> Response {
	(status, Json(json!({ "code": code, "message": message }))).into_response()
}
