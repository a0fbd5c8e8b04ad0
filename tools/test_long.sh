#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Reads a long document one token at a time, and evaluates one: memory stays flat, speed and numbers stay as they are.
# Compresses ten megabytes of zeros and of random bytes, and gets them back.
#   tools/test_long.sh BUILD [TOKENS]    (10^6 tokens unless said otherwise)
set -euo pipefail
cd "$(dirname "$0")/.."
build=$(realpath "$1")
export BRT_LONG_TOKENS=${2:-1000000}

# run PROGRAM FILTER COUNT: fails if not so many tests ran
run() {
  "$build/bin/$1" --gtest_also_run_disabled_tests --gtest_filter="$2" | tee "$build/test-long.log"
  grep -q "PASSED  \] $3 test" "$build/test-long.log" || { echo "test_long.sh: not all tests of $1 ran" >&2; exit 1; }
}
run engine_test 'LongStream.*' 1
run compression_test 'LongCompression.*' 2
run benchmark_test 'LongDocument.*' 1
