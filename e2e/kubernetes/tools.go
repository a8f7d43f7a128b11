//go:build tools

// Package tools names what the cluster and the two suites are built from, as far as it is no program.
package tools

import (
	_ "k8s.io/kubernetes/test/e2e"
	_ "k8s.io/kubernetes/test/e2e_node"
)
