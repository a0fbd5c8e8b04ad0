#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds and runs the unit tests with the address and undefined-behaviour sanitizers.
set -euo pipefail
cd "$(dirname "$0")/.."
cmake --preset asan --log-level=ERROR
cmake --build --preset asan --target unit_tests
# LibTorch keeps some memory to the end and has one symbol in two of its libraries.
export ASAN_OPTIONS=detect_leaks=0:detect_odr_violation=0
export UBSAN_OPTIONS=print_stacktrace=1
# Of every kernel so many shapes between guard pages, on each target and in each type.
export BRT_RANDOM_SHAPES=10000
tools/run_tests.sh build/asan -L unit "$@"
