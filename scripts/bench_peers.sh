#!/usr/bin/env bash
# Measures EZKL on networks: a virtual environment with pinned versions, then bench_peers.py.
#
#   scripts/bench_peers.sh [--input private|hashed] NETWORKS OUT.json [NAME…]
#
# NETWORKS holds a folder NAME with NAME.onnx and calibration.json for each network; without it, the
# networks of models/benchmarks.py are drawn into it first.
set -euo pipefail
scripts="$(cd "$(dirname "$0")" && pwd)"

if [ $# -lt 2 ]; then
	sed -n 's/^#  *//p' "$0" | sed 1d >&2
	exit 2
fi
environment="${CARGO_TARGET_DIR:-$scripts/../target}/bench-peers"
versions="ezkl==23.0.5 $(tr '\n' ' ' <"$scripts/../models/requirements.txt")"

if [ "$(cat "$environment/versions" 2>/dev/null)" != "$versions" ]; then
	python3 -m venv --clear "$environment"
	# shellcheck disable=SC2086 # one word per package
	"$environment/bin/pip" install --quiet --disable-pip-version-check $versions
	echo "$versions" >"$environment/versions"
fi
exec "$environment/bin/python" "$scripts/bench_peers.py" "$@"
