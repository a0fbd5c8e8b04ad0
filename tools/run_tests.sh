#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the tests of a build folder, two at a time, and ends with a line of counts.
#   tools/run_tests.sh BUILD [ctest arguments]
set -uo pipefail
cd "$(dirname "$0")/.."
build=$1
shift
results=$(realpath "$build")/test-results.xml
rm -f "$results"
ctest --test-dir "$build" -j2 --output-on-failure --output-junit "$results" "$@" </dev/null
status=$?

count() { sed -n "s/^[[:space:]]*$1=\"\([0-9]*\)\".*/\1/p" "$results" | head -n 1; }
if [ ! -e "$results" ]; then
  echo "run_tests.sh: ctest left no results" >&2
  exit 1
fi
tests=$(count tests)
failed=$(count failures)
skipped=$(($(count skipped) + $(count disabled)))
[ "$skipped" -eq 0 ] || echo "$skipped skipped (what they need is not on this machine)"
echo "$((tests - failed - skipped)) passed, $failed failed"
[ "$((tests - skipped))" -gt 0 ] || { echo "run_tests.sh: no test ran" >&2; exit 1; }
exit $status
