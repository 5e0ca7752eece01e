package emulator_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/cmd/salebot/emulator"
	engine "github.com/salebot-go/salebot/internal/emulator"
)

// openStore opens an emulator whose state is in a file.
func openStore(t *testing.T, path string, options ...engine.Option) (*engine.Emulator, *emulator.Store) {
	t.Helper()
	emulated, err := engine.Open(options...)
	require.NoError(t, err)
	t.Cleanup(emulated.Close)
	store, err := emulator.OpenStore(path, emulated, func(text string) { t.Error(text) })
	require.NoError(t, err)
	require.NoError(t, store.Load())
	return emulated, store
}

// What was changed is in the file at once, without a save: also what changes while
// the file is written anew, and what a snapshot or a reset replaces.
func TestEveryChangeIsInTheFileAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	seed := engine.WithPerson(engine.Person{ID: 1, ClientType: salebot.ClientTypeTelegram})
	emulated, store := openStore(t, path, seed)
	inFile := func() engine.Project {
		t.Helper()
		copied := filepath.Join(t.TempDir(), "copy.json")
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(copied, text, 0o600))
		again, other := openStore(t, copied)
		require.NoError(t, other.Close())
		return again.Snapshot()
	}
	require.Equal(t, emulated.Snapshot(), inFile())
	for round := range 5 {
		var work sync.WaitGroup
		work.Go(func() {
			for n := range 200 {
				_, err := emulated.Write(1, fmt.Sprintf("%d in round %d", n, round))
				if err != nil {
					t.Error(err)
				}
			}
		})
		for range 5 {
			require.NoError(t, store.Rewrite())
		}
		work.Wait()
		require.Equal(t, emulated.Snapshot(), inFile())
	}
	before := emulated.Snapshot()
	require.NoError(t, emulated.Reset())
	require.Empty(t, inFile().Clients[0].History)
	require.NoError(t, emulated.Restore(before))
	require.Equal(t, before, inFile())
	require.NoError(t, store.Rewrite())
	require.Equal(t, before, inFile())

	// After a start changes are added to the same file.
	require.NoError(t, store.Close())
	again, store := openStore(t, path)
	require.Equal(t, before, again.Snapshot())
	_, err := again.Write(1, "later")
	require.NoError(t, err)
	require.Equal(t, again.Snapshot(), inFile())
	require.NoError(t, store.Close())
	_, err = again.Write(1, "too late")
	require.NoError(t, err)
	require.ErrorContains(t, store.Save(), "not saved any more")
}

// A file that cannot be added to is noticed, and written anew when that is possible.
func TestAFileThatWasDeleted(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "folder")
	require.NoError(t, os.Mkdir(folder, 0o700))
	path := filepath.Join(folder, "state.json")
	emulated, store := openStore(t, path, engine.WithPerson(engine.Person{ID: 1}))
	require.NoError(t, os.RemoveAll(folder))
	_, err := emulated.Write(1, "written to nowhere")
	require.NoError(t, err)
	require.ErrorContains(t, store.Save(), "save the state")
	require.ErrorContains(t, store.Problem(), "save the state")
	require.NoError(t, os.Mkdir(folder, 0o700))
	require.NoError(t, store.Save())
	require.NoError(t, store.Problem())
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(string(text), "written to nowhere"))
	require.NoError(t, store.Close())
}
