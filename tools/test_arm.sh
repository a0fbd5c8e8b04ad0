#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds what needs no LibTorch for 64-bit Arm and runs its tests under qemu: the kernels on every
# target, streams, state files, compression, the C example.
#   tools/test_arm.sh
set -euo pipefail
cd "$(dirname "$0")/.."
tools/arm_sysroot.sh build/arm/sysroot
cmake --preset arm --log-level=ERROR
cmake --build --preset arm
on_arm() { qemu-aarch64-static -L build/arm/sysroot/root "$@"; }
for program in base config kernels portable; do
  echo "== ${program}_test"
  # qemu keeps no limit of addresses, which one test of base sets.
  on_arm "build/arm/bin/${program}_test" --gtest_brief=1 --gtest_filter=-MachineMemory.*
done
echo "== examples/c/continue_text.c"
on_arm build/arm/bin/continue_text tests/portable/byte_model "The " 20
