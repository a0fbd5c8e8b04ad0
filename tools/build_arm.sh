#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the program brt for 64-bit Arm with LibTorch's wheel for it, and runs the golden cases in it
# under qemu: training and the engine.
#   tools/build_arm.sh
set -euo pipefail
cd "$(dirname "$0")/.."
tools/install_dependencies.sh --arm-torch
tools/arm_sysroot.sh build/arm/sysroot
cmake --preset arm-torch --log-level=ERROR
cmake --build --preset arm-torch
brt=(qemu-aarch64-static -L build/arm/sysroot/root build/arm-torch/bin/brt)
"${brt[@]}" --version
"${brt[@]}" selftest --golden tests/golden
"${brt[@]}" selftest --engine --golden tests/golden
