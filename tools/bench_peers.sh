#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measures brt beside other programs for the same model and writes docs/performance.md with its plot.
#   tools/bench_peers.sh BRT [option of bench/compare.py]...
#   tools/bench_peers.sh build/release/bin/brt --sizes small --modes train,decode --rounds 1
# MELIAD, LUCIDRAINS: where their Git repositories are cloned from, a URL or a path; default: GitHub. A peer
# that cannot be had is left out, and the page says why. All sizes and modes take some three hours on two
# cores. Results gather in build/peers/results.jsonl; of each size and mode the newest counts.
set -euo pipefail
cd "$(dirname "$0")/.."

brt=$1
shift
work=build/peers
python=$work/bin/python
torch_version=2.13.0
meliad=${MELIAD:-https://github.com/google-research/meliad}
meliad_commit=cc1aef50bdcda007e7ea15be9b9a89b95996d17a
lucidrains=${LUCIDRAINS:-https://github.com/lucidrains/block-recurrent-transformer-pytorch}
lucidrains_commit=9f28fcdb387d3169724b06d59ceca7024b8cb700

torch_works() { "$python" -c 'import torch; torch.ones(2) @ torch.ones(2)' 2>/dev/null; }

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

# checkout NAME SOURCE COMMIT FOLDER: a clone at that commit, of it the top and FOLDER; or a note why there is none.
checkout() {
  local name=$1 source=$2 commit=$3 folder=$4
  rm -f "$work/$name.missing"
  if [ "$(git -C "$work/$name" rev-parse HEAD 2>/dev/null)" != "$commit" ]; then
    rm -rf "${work:?}/$name"
    GIT_TERMINAL_PROMPT=0 git clone --quiet --no-checkout "$source" "$work/$name" &&
      git -C "$work/$name" sparse-checkout set "$folder" &&
      git -C "$work/$name" checkout --quiet "$commit" ||
      { rm -rf "${work:?}/$name"; echo "not to be had from $source" >"$work/$name.missing"; }
  fi
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
checkout meliad "$meliad" "$meliad_commit" transformer
checkout lucidrains "$lucidrains" "$lucidrains_commit" block_recurrent_transformer_pytorch
write_versions
python3 bench/compare.py --brt "$brt" "$@"
python3 bench/page.py "$work/results.jsonl" docs/performance.md
