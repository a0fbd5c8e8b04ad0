#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Checks the format of every file and runs clang-tidy (.clang-tidy).
#   tools/lint.sh              the modules without LibTorch, and LibTorch files changed since origin/main
#                              (or since the commit before, where there is no origin/main)
#   tools/lint.sh --all        every file of src/ and apps/: LibTorch's headers make each a matter of
#                              half a minute
set -euo pipefail
cd "$(dirname "$0")/.."

tools/source_files.sh | xargs clang-format-19 --dry-run -Werror
echo "format: $(tools/source_files.sh | wc -l) files are as clang-format-19 writes them"

changed_files() {
  local base
  base=$(git merge-base HEAD origin/main 2>/dev/null || git rev-parse --verify -q HEAD~1 || true)
  [ -z "$base" ] || git diff --name-only --diff-filter=d "$base" -- 'src/*.cpp' 'apps/*.cpp'
  git ls-files --others --exclude-standard -- 'src/*.cpp' 'apps/*.cpp'
}

chosen_files() {
  if [ "${1:-}" = --all ]; then
    find src apps -name '*.cpp'
  else
    find src/{base,config,text,data,safetensors,checkpoint,kernels,engine,generate,compression,report,api} -name '*.cpp'
    changed_files
  fi | sort -u
}

cmake --preset tidy --log-level=ERROR
chosen_files "$@" >build/tidy/files.txt
echo "clang-tidy: $(wc -l <build/tidy/files.txt) files"
xargs -P "$(nproc)" -n 1 clang-tidy-19 -p build/tidy --quiet <build/tidy/files.txt 2>build/tidy/errors.txt ||
  { grep -v 'warnings generated\|warnings treated as errors' build/tidy/errors.txt >&2; exit 1; }
echo "clang-tidy: nothing to report"
