#!/usr/bin/env bash
# What action.yml runs: annotations beside the lines of a change, and the same messages in words in the log and the summary.
set -euo pipefail

paths=()
while IFS= read -r path; do [ -z "$path" ] || paths+=("$path"); done <<<"${PATHS:-.}"
options=(--format text)
[ "${STRICT:-false}" = false ] || options+=(--strict)
[ -z "${MAX_PARAMS:-}" ] || options+=(--max-params "$MAX_PARAMS")
[ -z "${MAX_MACS:-}" ] || options+=(--max-macs "$MAX_MACS")

status=0
told=$(archspec check "${options[@]}" -- "${paths[@]}" 2>&1) || status=$?
printf '%s\n' "$told"
archspec check "${options[@]}" --format github -- "${paths[@]}" 2>/dev/null || true
[ -z "${GITHUB_STEP_SUMMARY:-}" ] || printf '### archspec\n\n```text\n%s\n```\n' "$told" >>"$GITHUB_STEP_SUMMARY"
if [ "${FMT:-false}" != false ]; then
  archspec fmt --check -- "${paths[@]}" || status=1
fi
exit "$status"
