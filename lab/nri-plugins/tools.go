//go:build tools

// Package tools names what is built of this module.
package tools

import (
	_ "github.com/containers/nri-plugins/cmd/mpolset"
	_ "github.com/containers/nri-plugins/cmd/plugins/memory-policy"
)
