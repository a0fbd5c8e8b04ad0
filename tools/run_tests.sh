#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the tests of a build folder, two processes at a time, one a suite, and ends with a line that
# counts their cases.
#   tools/run_tests.sh BUILD [ctest arguments]
set -uo pipefail
cd "$(dirname "$0")/.."
build=$1
shift
results=$(realpath "$build")/test-results
rm -rf "$results" "$results.xml"
ctest --test-dir "$build" -j2 --output-on-failure --output-junit "$results.xml" "$@" </dev/null
status=$?
tools/count_tests.py "$results.xml" "$results" && exit $status
