package main

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/ledger"
	"github.com/salebot-go/salebot/salebottest"
)

// TestEverybodyIsRemindedOnceADay starts the program every ten minutes, on three days.
// Some runs meet failures, and each is a new process as far as the ledger knows.
func TestEverybodyIsRemindedOnceADay(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "reminders.ledger")
	synctest.Test(t, func(t *testing.T) {
		people := make([]salebottest.Person, 40)
		for n := range people {
			people[n] = salebottest.Person{ID: salebot.ClientID(n + 1)}
		}
		emulator := salebottest.New(t, salebottest.WithPeople(people...))
		const days = 3
		for day := range days {
			for start := range 4 {
				if start < 2 {
					// Nothing is executed of the first two, of which only the one says so, and
					// everything of the last.
					emulator.Fail(
						salebottest.Fault{Action: "message", After: 5, Times: 20, Status: 400},
						salebottest.Fault{Action: "message", After: 5, Times: 4, Reset: salebottest.ResetBefore},
						salebottest.Fault{Action: "message", After: 5, Times: 3, Status: 502, Execute: true})
				}
				records, err := ledger.OpenFile(path)
				require.NoError(t, err)
				client := emulator.Client(t, options(records)...)
				report, err := remind(t.Context(), client, time.Now(), 0, "The lesson begins at 18:00")
				require.NoError(t, records.Close())
				emulator.ClearFaults()
				require.Equal(t, len(people), report.Total())
				if start == 3 {
					require.NoError(t, err)
					require.Equal(t, len(people), report.Earlier)
				}
				time.Sleep(10 * time.Minute)
			}
			for _, person := range people {
				require.Len(t, emulator.Messages(person.ID), day+1, "client %d", person.ID)
			}
			time.Sleep(24 * time.Hour)
		}
	})
}
