#!/bin/sh
# Builds CNI plugins that speak 1.1.0 (GC, STATUS), which Debian's do not, for
# latest-plugins.integration.test.ts:
#
#     test/build-latest-plugins.sh DIR && CNI_LATEST_BIN_DIR=DIR <run the tests>
#
# Needs Go. DIR becomes the folder of the executables.
set -eu
version=v1.9.1
mkdir -p "$1"
GOBIN=$(cd "$1" && pwd)
export GOBIN CGO_ENABLED=0 GOFLAGS=-mod=mod
module=github.com/containernetworking/plugins/plugins
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
cd "$work"
for plugin in main/bridge main/ptp main/macvlan main/loopback ipam/host-local \
  meta/portmap meta/firewall meta/bandwidth meta/tuning; do
  go install "$module/$plugin@$version"
done
