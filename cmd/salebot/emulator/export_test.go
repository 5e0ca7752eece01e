package emulator

// Endpoints lists the operations of the control API.
func Endpoints() []string {
	operations := []string{"GET " + eventsPath, "GET " + openAPIPath}
	for _, e := range endpoints {
		operations = append(operations, e.method+" "+controlPath+e.path)
	}
	return operations
}

// MostListeners bounds the open event streams.
const MostListeners = mostListeners
