#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Unpacks Debian's 64-bit Arm packages of what the modules without LibTorch need into a folder, for
# the cross compiler and for qemu. Nothing of the system is changed but the cross compiler and qemu
# (tools/packages-arm.txt), which are installed.
#   tools/arm_sysroot.sh FOLDER
set -euo pipefail
folder=$(mkdir -p "$1" && cd "$1" && pwd)
cd "$(dirname "$0")/.."
tools/install_dependencies.sh --arm
packages=(libc6-dev libstdc++-12-dev libfmt-dev libspdlog-dev nlohmann-json3-dev libtomlplusplus-dev
  libsentencepiece-dev libarchive-dev zlib1g-dev libzstd-dev liblzma-dev libbz2-dev libxxhash-dev
  libgtest-dev)
if [ "$(cat "$folder/packages" 2>/dev/null)" = "${packages[*]}" ]; then
  exit 0
fi
mkdir -p "$folder"/apt/{state/lists,cache/archives}/partial "$folder/root"
touch "$folder/apt/status"
cat >"$folder/apt/apt.conf" <<END
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Dir::State "$folder/apt/state";
Dir::State::status "$folder/apt/status";
Dir::Cache "$folder/apt/cache";
END
export APT_CONFIG=$folder/apt/apt.conf
apt-get update -qq </dev/null
apt-get install -qq -y --download-only "${packages[@]}" </dev/null >/dev/null
for package in "$folder"/apt/cache/archives/*.deb; do
  dpkg-deb -x "$package" "$folder/root"
done
echo "${packages[*]}" >"$folder/packages"
