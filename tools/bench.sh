#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measures training, evaluation and decoding of the recipes tiny and small with `brt bench`.
#   tools/bench.sh BRT
set -euo pipefail
cd "$(dirname "$0")/.."
brt=$1
"$brt" --version
for size in tiny small; do
  for what in train eval decode; do
    echo
    echo "== $what, recipes/$size.toml"
    "$brt" bench "$what" --config "recipes/$size.toml"
  done
done
