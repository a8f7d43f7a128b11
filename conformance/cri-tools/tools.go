//go:build tools

// Package tools pins the version of critest and crictl that the conformance run is built from.
package tools

import (
	_ "sigs.k8s.io/cri-tools/cmd/crictl"
	_ "sigs.k8s.io/cri-tools/pkg/validate"
)
