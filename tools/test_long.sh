#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Reads a long document one token at a time, and evaluates one: memory stays flat, speed stays as it was.
#   tools/test_long.sh BUILD [TOKENS]    (10^6 tokens unless said otherwise)
set -euo pipefail
cd "$(dirname "$0")/.."
export BRT_LONG_TOKENS=${2:-1000000}
"$1/bin/generate_test" --gtest_also_run_disabled_tests --gtest_filter='LongStream.*'
"$1/bin/train_test" --gtest_also_run_disabled_tests --gtest_filter='LongDocument.*'
