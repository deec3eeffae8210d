#!/usr/bin/env bash
# For any CI system: diagnose the runs below $1, keep the report in $2 in every format, fail on what is sick.
set -euo pipefail
runs=${1:-runs}
report=${2:-report}
mkdir -p "$report"
code=0
rldoctor diagnose "$runs" --format json --output "$report/report.json" || code=$?
for kind in junit:xml sarif:sarif md:md html:html csv:csv; do
  rldoctor show "$report/report.json" --format "${kind%%:*}" --output "$report/report.${kind##*:}" || true
done
rldoctor show "$report/report.json" || true
exit "$code"
