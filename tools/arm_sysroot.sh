#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Unpacks Debian's 64-bit Arm packages of what brt needs, but for LibTorch, into a folder, for
# the cross compiler and for qemu. Nothing of the system is changed but the cross compiler and qemu
# (tools/packages-arm.txt), which are installed.
#   tools/arm_sysroot.sh FOLDER
set -euo pipefail
folder=$(mkdir -p "$1" && cd "$1" && pwd)
cd "$(dirname "$0")/.."
tools/install_dependencies.sh --arm
packages=(libc6-dev libstdc++-12-dev libfmt-dev libspdlog-dev nlohmann-json3-dev libtomlplusplus-dev
  libsentencepiece-dev libarchive-dev zlib1g-dev libzstd-dev liblzma-dev libbz2-dev libxxhash-dev
  libgtest-dev libcli11-dev libgoogle-perftools-dev)
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
# qemu shows programs the machine's own processor in /proc and /sys. LibTorch looks there for one of
# Arm and crashes without: this is a Neoverse N1.
mkdir -p "$folder/root/proc"
for ((i = 0; i < $(getconf _NPROCESSORS_CONF); ++i)); do
  printf '%s\t: %s\n' processor "$i" Features "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp" \
    "CPU implementer" 0x41 "CPU architecture" 8 "CPU variant" 0x3 "CPU part" 0xd0c "CPU revision" 1
  echo
  identification=$folder/root/sys/devices/system/cpu/cpu$i/regs/identification
  mkdir -p "$identification"
  echo 0x00000000413fd0c1 >"$identification/midr_el1"
done >"$folder/root/proc/cpuinfo"
echo "${packages[*]}" >"$folder/packages"
