#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Compares a Block-Recurrent Transformer with its sliding-window baseline on the books in data/: prepares
# the books, trains recipes/NAME-rec.toml and recipes/NAME-slide.toml, evaluates both on test books,
# continues the opening of one, and writes runs/NAME/report.html. What is already there is reused; a
# training that was interrupted goes on.
#   tools/compare_models.sh BRT NAME
# NAME: demo (`make demo`) or books (`make books`). Both models are trained and evaluated side by side,
# one thread each: on two cores that is faster than two threads on one model after the other.
set -euo pipefail
cd "$(dirname "$0")/.."

brt=$1
name=$2
data=data/prepared/books
runs=runs/$name
book=37006-Fire-Cloud-by-Samuel-Fletcher.txt  # a test book; its opening is the prompt
mkdir -p "$runs"

say() { printf '\n== %s\n' "$*" >&2; }

prepare() {
  local split
  for split in train validation test; do
    if [ ! -e "$data/$split" ] || [ "data/books-$split.tar.zst" -nt "$data/$split" ]; then
      say "Preparing the $split books"
      "$brt" prepare --input "data/books-$split.tar.zst" --output "$data" --split "$split"
    fi
  done
}

train() {  # model
  "$brt" train --config "recipes/$name-$1.toml" --run "$runs/$1"
}

train_both() {
  say "Training the Block-Recurrent Transformer and, in $runs/slide.log, its sliding-window baseline"
  trap 'kill -TERM $(jobs -p) 2>/dev/null' INT TERM  # both write a checkpoint and stop
  train slide 2>"$runs/slide.log" &
  local baseline=$!
  train rec &
  wait $! || { kill -TERM "$baseline"; wait "$baseline"; exit 1; }
  wait "$baseline" || { tail -n 3 "$runs/slide.log" >&2; exit 1; }
  trap - INT TERM
}

# Whether FILE is missing or older than the newest checkpoint of the model's run.
outdated() { [ ! -s "$1" ] || [ "$runs/$2/checkpoints/latest" -nt "$1" ]; }

evaluate() {  # model, carry mode
  local result=$runs/$1/evaluation/$2.json
  outdated "$result" "$1" || return 0
  say "Evaluating $1 on the test books (carry: $2)"
  mkdir -p "$runs/$1/evaluation"
  "$brt" eval --model "$runs/$1" --data "$data" --split test --carry "$2" --dtype auto \
    --threads 1 --json >"$result.part"
  mv "$result.part" "$result"
}

# The opening of the book's first chapter: 1,500 bytes, up to the end of a line.
write_prompt() {
  zstd -dcq data/books-test.tar.zst | tar -xOf - "$book" | sed -n '/^CHAPTER I\./,$p' >"$runs/opening.txt"
  head -c 1500 "$runs/opening.txt" | sed '$d' >"$1"
  rm -f "$runs/opening.txt"
}

continue_book() {  # model
  local sample=$runs/$1/sample.txt
  if outdated "$sample" "$1"; then
    say "Continuing the opening of a test book with $1"
    write_prompt "$runs/$1/sample-prompt.txt"
    "$brt" generate --model "$runs/$1" --prompt-file "$runs/$1/sample-prompt.txt" \
      --tokens 800 --temperature 0.8 --top-p 0.95 --seed 1 >"$sample.part"
    mv "$sample.part" "$sample"
  fi
}

prepare
train_both
for mode in carried reset; do evaluate slide "$mode"; done 2>>"$runs/slide.log" &
for mode in carried none reset; do evaluate rec "$mode"; done
wait $!
continue_book rec
continue_book slide

say "Writing the report"
"$brt" report --run "Block-Recurrent=$runs/rec" --run "Sliding window=$runs/slide" \
  --title "Block-Recurrent Transformer and sliding window on books" \
  --note "Trained by make $name on the books in data/ and tested on books that were not in training." \
  --output "$runs/report.html"

say "The opening of a test book, continued by the Block-Recurrent Transformer"
tail -n 3 "$runs/rec/sample-prompt.txt"
printf '\n  [ ... and on: ]\n\n'
cat "$runs/rec/sample.txt"
printf '\n'
say "The report is in $runs/report.html"
