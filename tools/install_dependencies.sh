#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what the build needs and is not there yet: system packages (tools/packages.txt) and
# LibTorch (.deps/torch). Does nothing, quickly, when all is there.
#   tools/install_dependencies.sh         what building and testing need
#   tools/install_dependencies.sh --dev   also what format, lint, sanitize and fuzz need
#   tools/install_dependencies.sh --arm   also what make test-arm needs
#   tools/install_dependencies.sh --arm-torch   also what make build-arm needs (.deps/arm)
#   tools/install_dependencies.sh --bench also what the peers of make bench need
set -euo pipefail
cd "$(dirname "$0")/.."

torch_version=2.13.0
lists=(tools/packages.txt)
case "${1:-}" in
  "") ;;
  --dev) lists+=(tools/packages-dev.txt) ;;
  --arm | --arm-torch) lists+=(tools/packages-arm.txt) ;;
  --bench) lists+=(tools/packages-bench.txt) ;;
  *) echo "install_dependencies.sh: unknown argument \"$1\"; known: --dev, --arm, --arm-torch, --bench" >&2; exit 2 ;;
esac

is_header() { [ -e "/usr/include/$1" ] || [ -e "/usr/local/include/$1" ]; }

# Whether a package's work can be done on a system whose packages are not Debian's.
found_without_dpkg() {
  case "$1" in
    ninja-build) command -v ninja ;;
    libcli11-dev) is_header CLI/CLI.hpp ;;
    libtomlplusplus-dev) is_header toml++/toml.h || is_header toml++/toml.hpp ;;
    nlohmann-json3-dev) is_header nlohmann/json.hpp ;;
    zlib1g-dev) is_header zlib.h ;;
    libbz2-dev) is_header bzlib.h ;;
    libgoogle-perftools-dev) pkg-config --exists libtcmalloc_minimal ;;
    lib*-dev)
      local library=${1#lib}
      library=${library%-dev}
      pkg-config --exists "$library" || pkg-config --exists "lib$library" ;;
    python3-pip) python3 -m pip --version ;;
    ca-certificates) true ;;
    *) command -v "$1" ;;
  esac >/dev/null 2>&1
}

missing_packages() {
  local wanted
  wanted=$(cat "${lists[@]}")
  if command -v dpkg-query >/dev/null; then
    # shellcheck disable=SC2086
    comm -23 <(sort <<<"$wanted") \
      <(dpkg-query -W -f='${db:Status-Status} ${Package}\n' $wanted 2>/dev/null | sed -n 's/^installed //p' | sort)
    return
  fi
  local package
  for package in $wanted; do
    found_without_dpkg "$package" || echo "$package"
  done
}

install_packages() {
  local missing
  missing=$(missing_packages | tr '\n' ' ')
  [ -n "$missing" ] || return 0
  if ! command -v apt-get >/dev/null; then
    echo "Missing, and there is no apt-get to install them (names as in Debian):" >&2
    printf '  %s\n' $missing >&2
    exit 1
  fi
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "Missing: $missing" >&2; echo "hint: install them as root, or install sudo" >&2; exit 1; }
    as_root=(sudo)
  fi
  echo "Installing: $missing" >&2
  "${as_root[@]}" apt-get update -qq </dev/null >&2
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends $missing </dev/null >&2
}

is_libtorch() { [ -e "$1/share/cmake/Torch/TorchConfig.cmake" ]; }

# The folder of an installed Python torch that serves: new enough, and built for the CPU (a CUDA
# build would make CMake ask for the CUDA toolkit). Looks without importing it.
installed_python_torch() {
  command -v python3 >/dev/null || return 0
  python3 - <<'PYTHON'
import importlib.util, pathlib, re
spec = importlib.util.find_spec("torch")
if spec and spec.origin:
    folder = pathlib.Path(spec.origin).parent
    text = (folder / "version.py").read_text() if (folder / "version.py").exists() else ""
    version = re.search(r"__version__ = '(\d+)\.(\d+)", text)
    if version and (int(version[1]), int(version[2])) >= (2, 13) and re.search(r"^cuda\b.*= None", text, re.M):
        print(folder)
PYTHON
}

# Sets `work` to a new folder in .deps, which goes when the script ends.
make_work_folder() {
  mkdir -p .deps
  work=$(mktemp -d .deps/fetch.XXXXXX)
  # shellcheck disable=SC2064
  trap "rm -rf '$PWD/$work'" EXIT
}

download_libtorch() {
  echo "Fetching LibTorch $torch_version (about 190 MB) into .deps" >&2
  local work
  make_work_folder
  python3 -m pip download "torch==$torch_version" --no-deps --only-binary :all: --dest "$work" </dev/null >&2
  python3 -m zipfile -e "$work"/torch-*.whl "$work/unpacked"
  if [ -e "$work/unpacked/torch/lib/libtorch_cuda.so" ]; then
    echo "install_dependencies.sh: pip gave a CUDA build of torch; the CPU build is needed" >&2
    echo "hint: point pip at an index of CPU wheels (PIP_INDEX_URL), or set LIBTORCH to an unpacked LibTorch" >&2
    exit 1
  fi
  local part
  for part in torch torchgen functorch; do  # the last two for Python only, see tools/bench_peers.sh
    rm -rf ".deps/$part"
    [ ! -d "$work/unpacked/$part" ] || mv "$work/unpacked/$part" .deps/
  done
}

install_libtorch() {
  if [ -n "${LIBTORCH:-}" ]; then
    is_libtorch "$LIBTORCH" && return 0
    echo "install_dependencies.sh: LIBTORCH=$LIBTORCH has no share/cmake/Torch/TorchConfig.cmake" >&2
    exit 1
  fi
  is_libtorch .deps/torch && return 0
  mkdir -p .deps
  local found
  found=$(installed_python_torch)
  if [ -n "$found" ] && is_libtorch "$found"; then
    ln -sfn "$found" .deps/torch
  else
    download_libtorch
  fi
}

# The wheel for 64-bit Arm. Indexes have a build for CUDA, of which only the part for the CPU is
# used (cmake/dependencies.cmake); to load it, two libraries of CUDA are needed.
download_arm_libtorch() {
  echo "Fetching LibTorch $torch_version for 64-bit Arm (about 430 MB) into .deps/arm" >&2
  local work glibc cuda
  make_work_folder
  local for_arm=(--no-deps --only-binary :all: --implementation cp --python-version 311)
  for glibc in 28 27 26 25 24 17; do
    for_arm+=(--platform "manylinux_2_${glibc}_aarch64")
  done
  python3 -m pip download "torch==$torch_version" "${for_arm[@]}" --dest "$work" </dev/null >&2
  python3 -m zipfile -e "$work"/torch-*.whl "$work/arm"
  rm -f "$work"/arm/torch/lib/libtorch_{cuda,python}*
  cuda=$(sed -n "s/^cuda\b.*= '\(.*\)'/\1/p" "$work/arm/torch/version.py")
  if [ -n "$cuda" ]; then
    python3 -m pip download "nvidia-cuda-runtime==$cuda.*" "nvidia-cuda-cupti==$cuda.*" "${for_arm[@]}" --dest "$work" </dev/null >&2
    local wheel
    for wheel in "$work"/nvidia*.whl; do
      python3 -m zipfile -e "$wheel" "$work/arm"
    done
  fi
  rm -rf .deps/arm
  mv "$work/arm" .deps/
}

install_packages
install_libtorch
if [ "${1:-}" = --arm-torch ] && ! is_libtorch .deps/arm/torch; then
  download_arm_libtorch
fi
