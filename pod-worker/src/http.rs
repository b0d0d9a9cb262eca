// SPDX-License-Identifier: Apache-2.0

//! The pod's two HTTP faces: delivery of sealed inputs for clients, status and metrics for the
//! operator. They listen on different addresses, so that only the first need be public.

use crate::{
	deliveries::{Deliveries, Refusal},
	error::{Error, Result},
	metrics::Metrics,
};
use axum::{
	body::Bytes,
	extract::{DefaultBodyLimit, Path, State},
	http::{header, StatusCode},
	response::{IntoResponse, Response},
	routing::{get, post},
	Json, Router,
};
use proofpod_primitives::JobId;
use serde_json::json;
use std::{net::SocketAddr, sync::Arc};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// What clients reach: `POST /v1/jobs/{job}/input` and `GET /healthz`.
pub fn delivery_routes(deliveries: Arc<Deliveries>) -> Router {
	let limit = deliveries.max_size();
	Router::new()
		.route("/v1/jobs/{job}/input", post(deliver))
		.layer(DefaultBodyLimit::max(limit))
		.route("/healthz", get(|| async { "ok\n" }))
		.with_state(deliveries)
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
	State(deliveries): State<Arc<Deliveries>>,
	Path(job): Path<String>,
	body: Bytes,
) -> Response {
	let Ok(job) = job.parse::<JobId>() else {
		return refuse(
			StatusCode::BAD_REQUEST,
			"PW-DEL-003",
			"expected a job's number in the path".into(),
		);
	};
	// Opening and hashing take milliseconds of computation: off the reactor.
	match tokio::task::spawn_blocking(move || deliveries.accept(job, &body)).await {
		Ok(Ok(())) => StatusCode::ACCEPTED.into_response(),
		Ok(Err(refusal)) => {
			let status = match refusal {
				Refusal::NotLocked { .. } => StatusCode::CONFLICT,
				Refusal::Unusable(_) => StatusCode::UNPROCESSABLE_ENTITY,
				Refusal::Internal => StatusCode::INTERNAL_SERVER_ERROR,
			};
			refuse(status, refusal.code(), refusal.to_string())
		},
		Err(_) => refuse(
			StatusCode::INTERNAL_SERVER_ERROR,
			"PW-TSK-001",
			"the pod could not process the delivery; try again".into(),
		),
	}
}

fn refuse(status: StatusCode, code: &'static str, message: String) -> Response {
	(status, Json(json!({ "code": code, "message": message }))).into_response()
}
