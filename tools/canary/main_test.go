package main

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/internal/testkit"
)

func TestCleanTextPasses(t *testing.T) {
	t.Parallel()
	require.NoError(t, run(nil, strings.NewReader("ok  \tgithub.com/salebot-go/salebot\t1.2s\n")))
}

func TestKeyIsFoundWithItsLine(t *testing.T) {
	t.Parallel()
	for form, text := range map[string]string{
		"raw":     testkit.Key,
		"escaped": testkit.EscapedKey,
		"base64":  base64.StdEncoding.EncodeToString([]byte("a" + testkit.Key)),
	} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "output.log")
			require.NoError(t, os.WriteFile(path, []byte("fine\nstill fine\nsee "+text+" here\n"), 0o600))
			err := run([]string{path}, nil)
			require.Error(t, err)
			assert.Contains(t, err.Error(), "output.log:3 shows the key")
			assert.Empty(t, testkit.FindKey(err.Error()))
		})
	}
}

func TestMissingFileFails(t *testing.T) {
	t.Parallel()
	require.Error(t, run([]string{filepath.Join(t.TempDir(), "none.log")}, nil))
}
