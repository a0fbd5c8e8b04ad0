#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Packs the program of build/release into build/package/brt-VERSION-SYSTEM.tar.gz.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$(build/release/bin/brt --version | sed -n 's/^brt //p')
name=brt-$version-$(uname -s | tr '[:upper:]' '[:lower:]')-$(uname -m)
rm -rf "build/package/$name"
cmake --install build/release --prefix "build/package/$name" --strip >/dev/null
tar -C build/package --owner=0 --group=0 --sort=name -czf "build/package/$name.tar.gz" "$name"
tar -tzf "build/package/$name.tar.gz"
echo "build/package/$name.tar.gz"
