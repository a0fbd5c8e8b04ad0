#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Kernels compiled for one kind of CPU must not define functions that other files define too (inline functions
# and templates with external linkage): the linker keeps any one of them, and an older CPU would run it.
#   tools/check_kernel_symbols.sh build/release
set -euo pipefail

folder=$1/src/CMakeFiles/brt_kernels.dir/kernels
shopt -s nullglob
objects=("$folder"/*_avx*.o "$folder"/*_amx.cpp.o "$folder"/*_neon.cpp.o)
if [ ${#objects[@]} = 0 ] && [ "$(uname -m)" = x86_64 ]; then
  echo "kernel symbols: no object files in $folder; build first" >&2
  exit 1
fi
shared=0
for object in "${objects[@]}"; do
  if symbols=$(nm -C --defined-only "$object" | grep -E '^[0-9a-f]* [WVu] '); then
    printf '%s defines functions that may be shared:\n%s\n' "$object" "$symbols" >&2
    shared=1
  fi
done
[ "$shared" = 0 ] || exit 1
echo "kernel symbols: ${#objects[@]} object files for one kind of CPU share no function"
