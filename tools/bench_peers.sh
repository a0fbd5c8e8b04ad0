#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measures brt beside other programs for the same model and writes docs/performance.md with its plot.
#   tools/bench_peers.sh BRT [option of bench/compare.py]...
#   tools/bench_peers.sh build/release/bin/brt --sizes small --modes train,decode --quick
#   tools/bench_peers.sh build/release/bin/brt --target avx2      all programs held to AVX2: a section of the page
# MELIAD, LUCIDRAINS: Git repositories, by URL or path, that are asked for the peers' sources before GitHub. A
# peer that cannot be had is left out, and the page says why. A plan with the expected minutes comes first: all
# sizes and modes are made to fit into an hour. Results gather in build/peers/results.jsonl; of each target, size
# and mode the newest counts.
set -euo pipefail
cd "$(dirname "$0")/.."

brt=$1
shift
work=build/peers
python=$work/bin/python
torch_version=2.13.0
meliad=https://github.com/google-research/meliad
meliad_commit=cc1aef50bdcda007e7ea15be9b9a89b95996d17a
lucidrains=https://github.com/lucidrains/block-recurrent-transformer-pytorch
lucidrains_commit=9f28fcdb387d3169724b06d59ceca7024b8cb700

# torch.compile wants functorch.
torch_works() { "$python" -c 'import torch, functorch; torch.ones(2) @ torch.ones(2)' 2>/dev/null; }

# The torch of the build, if this Python can import it: then brt and its peers share one library.
install_torch() {
  torch_works && return
  local site folder part
  site=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  folder=$(readlink -f "${LIBTORCH:-.deps/torch}")
  for part in torch torchgen functorch; do
    [ ! -d "$folder/../$part" ] || ln -sfn "$(dirname "$folder")/$part" "$site/$part"
  done
  torch_works && return
  rm -f "$site"/{torch,torchgen,functorch}
  "$python" -m pip install --quiet "torch==$torch_version" >&2
}

install_packages() {
  local wanted=bench/peers/requirements.txt
  cmp -s "$wanted" "$work/installed.txt" && torch_works && return
  echo "Making a Python environment for the peers in $work" >&2
  python3 -m venv "$work"
  "$python" -m pip install --quiet --requirement "$wanted" >&2
  install_torch
  cp "$wanted" "$work/installed.txt"
}

# export_files NAME SOURCE COMMIT PATHSPEC...: the files of a commit that the path specifications name, and nothing
# else: a source that lacks large files elsewhere will do.
export_files() {
  local name=$1 source=$2 commit=$3
  shift 3
  rm -rf "${work:?}/$name" "$work/$name.git"
  mkdir "$work/$name"
  GIT_TERMINAL_PROMPT=0 git clone --quiet --bare "$source" "$work/$name.git" &&
    git -C "$work/$name.git" archive --output "../$name.tar" "$commit" "$@" 2>"$work/$name.log" &&
    tar --extract --file "$work/$name.tar" --directory "$work/$name" || return 1
  rm -rf "$work/$name.git" "$work/$name.tar" "$work/$name.log"
}

# checkout NAME SOURCES COMMIT PATHSPEC...: from the first source, of some with spaces between, that has the files;
# or a note why there are none.
checkout() {
  local name=$1 sources=$2 commit=$3 source
  shift 3
  [ "$(cat "$work/$name.commit" 2>/dev/null)" != "$commit" ] || return 0
  rm -f "$work/$name.commit" "$work/$name.missing"
  for source in $sources; do
    if export_files "$name" "$source" "$commit" "$@"; then
      echo "$commit" >"$work/$name.commit"
      return
    fi
  done
  rm -rf "${work:?}/$name"
  echo "not to be had from ${sources// /, }" >"$work/$name.missing"
}

write_versions() {
  "$python" - "$work" "${meliad_commit:0:7}" "${lucidrains_commit:0:7}" >"$work/versions.json" <<'PYTHON'
import importlib.metadata, json, os, platform, sys
versions = {name: importlib.metadata.version(name) for name in ("jax", "flax", "optax", "numpy", "einops")}
versions["Python"] = platform.python_version()
for name, commit in zip(("meliad", "lucidrains"), sys.argv[2:]):
    if not os.path.exists(f"{sys.argv[1]}/{name}.missing"):
        versions[name] = commit
print(json.dumps(versions))
PYTHON
}

tools/install_dependencies.sh --bench
mkdir -p "$work"
install_packages
checkout meliad "${MELIAD:+$MELIAD }$meliad" "$meliad_commit" ':(glob)*.py' transformer
checkout lucidrains "${LUCIDRAINS:+$LUCIDRAINS }$lucidrains" "$lucidrains_commit" block_recurrent_transformer_pytorch
write_versions
python3 bench/compare.py --brt "$brt" "$@"
python3 bench/page.py "$work/results.jsonl" docs/performance.md
