package commands

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
)

// What an export calls a messenger an import understands.
func TestMessengerNames(t *testing.T) {
	t.Parallel()
	for kind := range salebot.ClientType(100) {
		name := messengerName(kind)
		require.Regexp(t, `^[a-z_]+$|^\d+$`, name)
		named, err := messengerNamed(name)
		require.NoError(t, err, name)
		require.Equal(t, kind, named, name)
	}
	for _, name := range []string{"", "pigeon"} {
		_, err := messengerNamed(name)
		require.ErrorContains(t, err, "there is no messenger", name)
	}
}
