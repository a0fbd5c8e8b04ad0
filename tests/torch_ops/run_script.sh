#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs a Python script of this repository on the shared library; exit 77 (skipped) where Python has
# no torch.
#   run_script.sh PYTHON SCRIPT LIBRARY
set -euo pipefail
cd "$(dirname "$0")/../.."
if ! "$1" -c 'import torch' 2>/dev/null; then
  echo "skipped: $1 cannot import the torch that brt was built with"
  exit 77
fi
exec "$1" -W ignore "$2" "$3"
