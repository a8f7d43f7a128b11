#!/bin/sh
# Runs one of the project's tasks with the right Node and pnpm, installing what is missing first.
set -eu
ROOT=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
. "$ROOT/scripts/node-tools.sh"
cd "$ROOT"

task=${1:?"usage: with-tools.sh TASK [ARGUMENT ...]"}
shift

# Quick and silent when the lockfile is satisfied already.
pnpm install --frozen-lockfile --reporter=silent || pnpm install --frozen-lockfile

PATH="$ROOT/node_modules/.bin:$PATH"
export PATH TURBO_TELEMETRY_DISABLED=1 TURBO_NO_UPDATE_NOTIFIER=1

tasks() { turbo run --log-order=grouped --output-logs=errors-only "$@"; }
build() { tasks build; }

need_root() {
  [ "$(id -u)" -eq 0 ] && return
  say "$1 needs root, for a private Docker engine and network namespaces; run it with sudo"
  exit 1
}

case $task in
build) build ;;
lint) tasks lint:tree ;;
typecheck) tasks typecheck ;;
generate) turbo run generate ;;
check-packages) tasks check:package ;;
version-packages) changeset version ;;
docs:api) build && exec node api-docs/main.ts ;;
publish-dry-run) tasks check:package && node scripts/publish-dry-run.ts ;;
test) build && exec node scripts/run-tests.ts ;;
test:unit)
  # Two at a time keep a machine of any size busy: jest has threads of its own.
  turbo run test:unit --continue=always --concurrency=2 --log-order=grouped --log-prefix=none -- "$@"
  ;;
test:integration)
  need_root "the integration test run"
  build
  exec node scripts/run-tests.ts integration
  ;;
test:fuzz) build && exec node scripts/run-tests.ts fuzz ;;
test:model)
  need_root "the test run with a model"
  build
  exec node scripts/run-tests.ts model
  ;;
test:crash)
  need_root "the crash matrix"
  build
  [ "${1:-}" != --slice ] || export CRASH_SLICE=1
  exec node scripts/run-tests.ts crash
  ;;
test:faults)
  need_root "the fault test run"
  build
  [ "${1:-}" != --engine ] || export FAULTS=engine
  exec node scripts/run-tests.ts faults
  ;;
test:hostile)
  need_root "the hostile test run"
  build
  exec node scripts/run-tests.ts hostile
  ;;
test:soak)
  need_root "the soak"
  build
  exec node packages/shim-server/test/soak/churn/churn.ts "$@"
  ;;
test:nri)
  need_root "the test run with NRI plugins"
  build
  exec node scripts/run-tests.ts nri
  ;;
test:browser)
  build
  exec node scripts/run-tests.ts browser
  ;;
test:kubelet)
  need_root "the test run with a kubelet"
  build
  exec node scripts/run-tests.ts kubelet
  ;;
test:cluster)
  need_root "the test run on a cluster"
  build
  [ "${1:-}" != --vm ] || exec node e2e/tests-in-node.ts cluster
  [ "${1:-}" != --conformance ] || export CLUSTER=conformance
  exec node scripts/run-tests.ts cluster
  ;;
test:day)
  need_root "the day on a cluster"
  build
  [ "${1:-}" != --vm ] || exec node e2e/tests-in-node.ts day
  exec node scripts/run-tests.ts day
  ;;
test:reboot)
  need_root "the reboot of a node"
  build
  exec node e2e/reboot/reboot.ts
  ;;
demo)
  need_root "the demo"
  build
  exec node scripts/demo.ts "$@"
  ;;
demo:cluster)
  need_root "the demo with Kubernetes"
  build
  exec node scripts/demo-cluster.ts
  ;;
bench)
  need_root "the benchmark"
  build
  exec node bench/bench.ts "$@"
  ;;
lab) exec node lab/lab.ts "$@" ;;
node)
  need_root "a node"
  [ "${1:-}" != up ] || build
  exec node lab/node/node.ts "$@"
  ;;
check-install)
  need_root "the installation of packages, and their examples,"
  build
  exec node scripts/check-install.ts
  ;;
package) build && exec node packaging/package.ts ;;
cluster)
  need_root "a cluster"
  build
  exec node e2e/cluster.ts "$@"
  ;;
conformance)
  need_root "the conformance run"
  build
  exec node conformance/main.ts "$@"
  ;;
*)
  say "no task is called $task"
  exit 2
  ;;
esac
