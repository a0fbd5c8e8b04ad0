#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the fuzzers and runs each for a short while from a seed; what they find grows build/fuzz/corpus.
# Says how many inputs each took in a second of processor time, whatever else the machine does: 2,000 are wanted.
#   tools/fuzz.sh [NAME...]               runs those of fuzz/NAME_fuzz.cpp only
#   BRT_FUZZ_SECONDS=600 tools/fuzz.sh    runs each longer than the usual 10 seconds
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${BRT_FUZZ_SECONDS:-10}
if [ $# -eq 0 ]; then
  for source in fuzz/*_fuzz.cpp; do
    source=${source##*/}
    set -- "$@" "${source%_fuzz.cpp}"
  done
fi
cmake --preset fuzz --log-level=ERROR
cmake --build --preset fuzz
corpus=build/fuzz/corpus
# Zstandard and xz may ask for windows of 2 and 4 GiB, as `--long=31` does; no page of them is touched in vain.
largest_window_mib=4200
build/fuzz/bin/write_fuzz_seeds "$corpus"
cp recipes/*.toml "$corpus/recipe/"
TIMEFORMAT='%U %S'
for parser in "$@"; do
  echo "== $parser, $seconds s"
  log=build/fuzz/$parser.log
  if ! { time "build/fuzz/bin/${parser}_fuzz" "$corpus/$parser" -max_total_time="$seconds" -timeout=10 \
    -rss_limit_mb=2048 -malloc_limit_mb="$largest_window_mib" -artifact_prefix="build/fuzz/$parser-" \
    </dev/null >"$log" 2>&1; } 2>"$log.time"; then
    tail -n 40 "$log"
    echo "fuzz.sh: $parser failed; the input is named above, the whole log is $log" >&2
    exit 1
  fi
  read -r user_seconds system_seconds <"$log.time"
  runs=$(sed -n 's/^Done \([0-9]*\) runs.*/\1/p' "$log")
  awk -v runs="$runs" -v user="$user_seconds" -v kernel="$system_seconds" \
    'BEGIN { printf "%d inputs, %.0f a second of processor time (%.1f s user, %.1f s system)\n",
             runs, runs / (user + kernel), user, kernel }'
done
