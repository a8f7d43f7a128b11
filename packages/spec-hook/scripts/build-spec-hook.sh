#!/bin/sh
# Builds the spec hook for amd64 and arm64 from src-c/spec-hook.c.
#   sh scripts/build-spec-hook.sh [target folder, default bin/]
# On Debian it needs: gcc gcc-aarch64-linux-gnu (on an arm64 machine: gcc gcc-x86-64-linux-gnu).
# An architecture without a compiler is left as it is, with a note; CC_AMD64 and CC_ARM64 name others.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
target=${1:-$here/bin}
program=containerd-shim-dockershim-v2

build() {
  arch=$1
  compiler=$2
  shift 2
  if ! command -v "$compiler" >/dev/null 2>&1; then
    echo "build-spec-hook: no $compiler, so the one for $arch is not built" >&2
    return 0
  fi
  mkdir -p "$target/$arch"
  # One loadable segment without any padding, and nothing that varies from one build to the next.
  "$compiler" -std=c11 -Wall -Wextra -Werror -Os "$@" \
    -ffreestanding -fno-tree-loop-distribute-patterns \
    -fno-asynchronous-unwind-tables -fno-unwind-tables -fno-ident -fno-pic -fno-stack-protector \
    -static -no-pie -nostdlib -s \
    -Wl,--build-id=none -Wl,-z,noseparate-code -Wl,-z,noexecstack -Wl,--orphan-handling=discard \
    -o "$target/$arch/$program" "$here/src-c/spec-hook.c"
  "$compiler" -dumpfullversion >"$target/$arch.gcc-version"
}

build amd64 "${CC_AMD64:-x86_64-linux-gnu-gcc}" -fcf-protection=none -mgeneral-regs-only
build arm64 "${CC_ARM64:-aarch64-linux-gnu-gcc}" -mgeneral-regs-only -mno-outline-atomics
