#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Reads a long document one token at a time: memory stays flat, latency and numbers stay as they are.
# Compresses ten megabytes of zeros and of random bytes, and gets them back.
#   tools/test_long.sh BUILD [TOKENS]    (10^6 tokens unless said otherwise)
set -euo pipefail
cd "$(dirname "$0")/.."
log=$(realpath "$1")/test-long.log
BRT_LONG_TOKENS=${2:-1000000} "$1/bin/generate_test" --gtest_also_run_disabled_tests \
  --gtest_filter='LongStream.*:LongCompression.*' | tee "$log"
grep -q 'PASSED  \] 3 tests' "$log" || { echo "test_long.sh: not all of the 3 tests ran" >&2; exit 1; }
