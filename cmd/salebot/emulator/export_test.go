package emulator

import (
	"context"
	"strings"
)

// FollowWith is Follow with another way of saving.
func (s *Store) FollowWith(ctx context.Context, save func() error) { s.follow(ctx, save) }

// Endpoints lists the operations of the control API.
func Endpoints() []string {
	operations := []string{"GET " + eventsPath, "GET " + openAPIPath}
	for _, e := range endpoints {
		operations = append(operations, e.method+" "+controlPath+e.path)
	}
	return operations
}

// Parameters returns the parameters in the query of an operation.
func Parameters(operation string) []string {
	for _, e := range endpoints {
		if operation == e.method+" "+controlPath+e.path {
			return strings.Fields(e.query)
		}
	}
	return nil
}

// MostListeners bounds the open event streams.
const MostListeners = mostListeners
