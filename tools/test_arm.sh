#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds what needs no LibTorch for 64-bit Arm and runs its unit tests under qemu, two processes at a
# time: kernels, streams, state files and compression on each target that Arm has, the C example, and
# all that has nothing to do with the processor.
#   tools/test_arm.sh               all of them
#   tools/test_arm.sh --minutes N   as far as N minutes reach: what failed until then is a failure, what
#                                   did not run is said
set -euo pipefail
cd "$(dirname "$0")/.."

tools/arm_sysroot.sh build/arm/sysroot
if [ "${1:-}" = --minutes ]; then
  minutes=$2
  if [ "$minutes" -lt 2 ]; then
    echo "test_arm.sh: no test ran, as there is no time left"
    exit 0
  fi
  log=build/arm/test.log
  status=0
  timeout --kill-after=30 "${minutes}m" "$0" 2>&1 | tee "$log" || status=$?
  if [ "$status" = 124 ] && ! grep -qE '\*\*\*(Failed|Exception|Timeout)' "$log"; then
    echo "test_arm.sh: the $minutes minutes are over: $(grep -c ' Passed ' "$log" || true) suites passed, the rest did not run"
    exit 0
  fi
  exit "$status"
fi

cmake --preset arm --log-level=ERROR
status=0
# What the processor matters most for comes first.
cmake --build --preset arm --target kernels_test portable_test
tools/run_tests.sh build/arm -R '^(kernels|portable)_test\.' || status=1
cmake --build --preset arm
# qemu keeps no limit of addresses, which one suite of base sets. StreamExactness would take an hour;
# portable_test has the same of smaller models.
tools/run_tests.sh build/arm \
  -E '^(kernels_test\.|portable_test\.|base_test\.MachineMemory$|engine_test\.Targets/StreamExactness$)' || status=1
exit "$status"
