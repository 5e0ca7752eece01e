package emulator_test

import (
	"context"
	"path/filepath"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/cmd/salebot/emulator"
	engine "github.com/salebot-go/salebot/internal/emulator"
	"github.com/salebot-go/salebot/internal/testkit"
)

// What changes while a save is under way, or right after the state was loaded, is
// in the next save.
func TestAChangeDuringASaveIsSavedToo(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		open := func(path string) (*engine.Emulator, *emulator.Store) {
			emulated, err := engine.Open()
			require.NoError(t, err)
			store, err := emulator.OpenStore(path, emulated, func(text string) { t.Error(text) })
			require.NoError(t, err)
			require.NoError(t, store.Load())
			return emulated, store
		}
		add := func(emulated *engine.Emulator) {
			_, err := emulated.AddPerson(engine.Person{ClientType: salebot.ClientTypeTelegram})
			require.NoError(t, err)
		}
		path := filepath.Join(t.TempDir(), "state.json")
		emulated, store := open(path)
		defer emulated.Close()
		add(emulated) // before Follow has begun
		ctx, cancel := context.WithCancel(t.Context())
		saves := make(chan int)
		go store.FollowWith(ctx, func() error {
			err := store.Save()
			people := len(emulated.People())
			if people < 4 {
				add(emulated)
			}
			saves <- people
			return err
		})
		for want := 1; want <= 4; want++ {
			require.Equal(t, want, <-saves)
		}
		cancel()
		synctest.Wait()
		require.NoError(t, store.Close())

		again, store := open(path)
		defer again.Close()
		require.Len(t, again.People(), 4)
		require.NoError(t, store.Close())
	})
}
