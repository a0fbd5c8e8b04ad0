#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Packs the program of build/release into build/package/brt-VERSION-SYSTEM.tar.gz. With
# BUNDLE_LIBTORCH=1 the libraries of LibTorch that it needs lie in the pack (hundreds of megabytes, in
# a file with "-libtorch" in its name).
set -euo pipefail
cd "$(dirname "$0")/.."
build=build/release
bundle=${BUNDLE_LIBTORCH:-0}

say() { sed -n "s/^$1:[A-Z]*=//p" "$build/CMakeCache.txt"; }

version=$(say CMAKE_PROJECT_VERSION)
name=brt-$version-$(uname -s | tr '[:upper:]' '[:lower:]')-$(uname -m)
[ "$bundle" = 0 ] || name=$name-libtorch
package=build/package/$name

bundle_libtorch() {
  local torch library
  torch=$(realpath "$(say Torch_DIR)/../../..")
  mkdir -p "$package/libtorch/lib"
  LD_LIBRARY_PATH=$torch/lib ldd "$package/libexec/brt/brt" | awk '{ print $3 }' |
    { grep "^$torch/lib/" || true; } | sort -u | while read -r library; do
    cp -L "$library" "$package/libtorch/lib/"
  done
  if [ ! -e "$package/libtorch/lib/libtorch_cpu.so" ]; then
    echo "package.sh: no libraries of LibTorch were found in $torch/lib" >&2
    exit 1
  fi
  for file in "$torch/build-version" "$torch/version.py" "$torch"/LICENSE* "$torch"/NOTICE* \
              "$torch"/../torch-*.dist-info/LICENSE* "$torch"/../torch-*.dist-info/licenses/*; do
    [ ! -f "$file" ] || cp "$file" "$package/libtorch/"
  done
  compgen -G "$package/libtorch/LICENSE*" >/dev/null ||
    echo "package.sh: $torch holds no LICENSE: add LibTorch's to the pack before you pass it on" >&2
}

rm -rf "$package"
cmake --install "$build" --prefix "$package" --strip >/dev/null
[ "$bundle" = 0 ] || bundle_libtorch
tar -C build/package --owner=0 --group=0 --sort=name -czf "$package.tar.gz" "$name"
tar -tzf "$package.tar.gz" | sed "s|^$name/||" | awk -F/ 'NF > 0 && $1 != "" { count[$1]++ }
  END { for (part in count) printf "  %-12s %d\n", part, count[part] }' | sort
echo "$package.tar.gz"
