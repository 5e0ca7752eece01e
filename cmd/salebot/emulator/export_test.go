package emulator

import "strings"

// Rewrite replaces the file by one without changes.
func (s *Store) Rewrite() error { return s.rewrite() }

// Endpoints lists the operations of the control API.
func Endpoints() []string {
	operations := []string{"GET " + eventsPath, "GET " + openAPIPath, "GET " + filesPath + "{file}/{name}"}
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
