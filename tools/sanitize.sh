#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds and runs the unit tests with sanitizers.
#   tools/sanitize.sh [ctest arguments]             faults of memory and undefined behaviour: all modules
#   tools/sanitize.sh --threads [ctest arguments]   data races: the modules that start threads of their own,
#                                                   the engine's team above all. Not those on OpenMP, whose
#                                                   library is not instrumented: every loop would be a race.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "${1:-}" = --threads ]; then
  shift
  cmake --preset tsan --log-level=ERROR
  cmake --build --preset tsan --target base_test kernels_test engine_test generate_test api_test
  # A forked child starts a team of its own, which the sanitizer does not like but can follow.
  export TSAN_OPTIONS=second_deadlock_stack=1:die_after_fork=0
  # The sanitizer's map of the memory has no room for everything that a randomised one may hold.
  exec setarch "$(uname -m)" --addr-no-randomize \
    tools/run_tests.sh build/tsan -L unit "$@"
fi

cmake --preset asan --log-level=ERROR
cmake --build --preset asan --target unit_tests
# LibTorch keeps some memory to the end and has one symbol in two of its libraries.
export ASAN_OPTIONS=detect_leaks=0:detect_odr_violation=0
export UBSAN_OPTIONS=print_stacktrace=1
# Of every kernel so many shapes between guard pages, on each target and in each type.
export BRT_RANDOM_SHAPES=10000
tools/run_tests.sh build/asan -L unit "$@"
