#!/bin/sh
# Builds the pause program for amd64 and arm64 from src-c/pause.c.
#   sh scripts/build-pause.sh [target folder, default bin/]
# On Debian it needs: gcc gcc-aarch64-linux-gnu (on an arm64 machine: gcc gcc-x86-64-linux-gnu).
# An architecture without a compiler is left as it is, with a note; CC_AMD64 and CC_ARM64 name others.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
target=${1:-$here/bin}
mkdir -p "$target"

build() {
  arch=$1
  compiler=$2
  shift 2
  if ! command -v "$compiler" >/dev/null 2>&1; then
    echo "build-pause: no $compiler, so pause-$arch is not built" >&2
    return 0
  fi
  # One loadable segment without any padding, and nothing that varies from one build to the next.
  "$compiler" -std=c11 -Wall -Wextra -Werror -Os "$@" \
    -ffreestanding -fno-asynchronous-unwind-tables -fno-unwind-tables -fno-ident -fno-pic -fno-stack-protector \
    -static -no-pie -nostdlib -s \
    -Wl,--build-id=none -Wl,-z,noseparate-code -Wl,-z,noexecstack -Wl,--orphan-handling=discard \
    -o "$target/pause-$arch" "$here/src-c/pause.c"
  "$compiler" -dumpfullversion >"$target/pause-$arch.gcc-version"
}

build amd64 "${CC_AMD64:-x86_64-linux-gnu-gcc}" -fcf-protection=none -mgeneral-regs-only
build arm64 "${CC_ARM64:-aarch64-linux-gnu-gcc}" -mgeneral-regs-only -mno-outline-atomics
