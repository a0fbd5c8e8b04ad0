#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The installed tree works where it is moved to: links of its documents, the program with LibTorch
# and without, the library by pkg-config and by CMake.
#   package_test.sh BUILD LIBTORCH
set -euo pipefail
build=$(realpath "$1")
libtorch=$(realpath "$2")
for tool in cc pkg-config cmake; do
  command -v "$tool" >/dev/null || { echo "$tool is not on this machine"; exit 77; }
done

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0
fails() { echo "FAILED: $*"; failures=$((failures + 1)); }
# Runs a command; its exit code and all that it writes must be as expected.
expect() { # exit code, text, command...
  local code=0 said
  said=$("${@:3}" 2>&1) || code=$?
  [ "$code" = "$1" ] || fails "${*:3}: exit code $code, expected $1: $said"
  [[ "$said" == *"$2"* ]] || fails "${*:3}: \"$2\" is not in: $said"
}

cmake --install "$build" --prefix "$scratch/installed" --strip >/dev/null
mv "$scratch/installed" "$scratch/brt"
cd "$scratch/brt"

# Every link of every document leads to a file of the tree.
while IFS=: read -r document link; do
  target=$(dirname "$document")/$link
  [ -e "$target" ] || fails "$document links to $link, which is not packed"
done < <(grep -roE --include='*.md' '\]\([^)#]+' . | sed 's/\](//' | grep -v '://')

# What finds the library names no folder of the build.
source_folder=$(sed -n 's/^CMAKE_HOME_DIRECTORY:[A-Z]*=//p' "$build/CMakeCache.txt")
if grep -rlF "$source_folder" lib/cmake lib/pkgconfig bin; then
  fails "these files name $source_folder"
fi

unset LD_LIBRARY_PATH
expect 0 "brt $(sed -n 's/^Version: //p' lib/pkgconfig/brt.pc)" env LIBTORCH="$libtorch" bin/brt --version
expect 1 "holds no lib/libtorch_cpu.so" env LIBTORCH=/nowhere bin/brt --version
expect 0 "pass slide" env LIBTORCH="$libtorch" bin/brt selftest --golden tests/golden/slide
mkdir "$scratch/tools"  # a PATH without an installed torch
printf '#!/bin/sh\nexit 1\n' >"$scratch/tools/python3"
chmod +x "$scratch/tools/python3"
expect 1 "is not found" env -u LIBTORCH PATH="$scratch/tools:$PATH" bin/brt --version
ln -s "$libtorch" libtorch
expect 0 "LibTorch" env -u LIBTORCH bin/brt --version
ln -s "$scratch/brt/bin/brt" "$scratch/linked"
expect 0 "LibTorch" env -u LIBTORCH "$scratch/linked" --version
rm libtorch
mkdir -p libtorch/lib && touch libtorch/lib/libtorch_cpu.so && echo 1.2.3 >libtorch/build-version
expect 1 "holds LibTorch 1.2, this program was built with" env -u LIBTORCH bin/brt --version

export PKG_CONFIG_PATH=$PWD/lib/pkgconfig
# shellcheck disable=SC2046
cc -o "$scratch/by-pkg-config" examples/c/continue_text.c $(pkg-config --cflags --libs brt) ||
  fails "the example does not compile by pkg-config"
expect 2 "usage: " env LD_LIBRARY_PATH="$PWD/lib" "$scratch/by-pkg-config"

cmake -S examples/c -B "$scratch/by-cmake" -DCMAKE_PREFIX_PATH="$PWD" >"$scratch/log" 2>&1 &&
  cmake --build "$scratch/by-cmake" >>"$scratch/log" 2>&1 ||
  { cat "$scratch/log"; fails "the example does not compile by CMake"; }
expect 2 "usage: " "$scratch/by-cmake/continue_text"

[ "$failures" = 0 ] || exit 1
echo "the installed tree works where it is moved to"
