//go:build curl

package main

import (
	"bytes"
	"context"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The session that is shown goes as it is shown.
func TestDocumentedSession(t *testing.T) {
	t.Parallel()
	p := runEmulator(t, "--key", "emulator-key-1")
	for _, session := range blocks(t, "console") {
		for _, step := range strings.Split(session, "$ ")[1:] {
			command, want, _ := strings.Cut(step, "\n")
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			run := exec.CommandContext(ctx, "sh", "-c", strings.ReplaceAll(command, "http://127.0.0.1:8085", p.address))
			output, err := run.Output()
			cancel()
			require.NoError(t, err, command)
			require.Equal(t, want, string(bytes.TrimRight(output, "\n"))+"\n", command)
		}
	}
}
