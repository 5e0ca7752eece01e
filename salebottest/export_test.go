package salebottest

import (
	"maps"
	"slices"
)

// RouteNames lists the actions that the emulator carries out.
func RouteNames() []string { return slices.Sorted(maps.Keys(routes)) }
