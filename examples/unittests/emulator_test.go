package unittests

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/salebottest"
)

// With the emulator a test looks at what the person got.

func TestGreetOnTheEmulator(t *testing.T) {
	t.Parallel()
	const ann = salebot.ClientID(25554)
	emulator := salebottest.New(t, salebottest.WithPerson(salebottest.Person{
		ID: ann, ClientType: salebot.ClientTypeWhatsApp, PlatformID: "79000000000",
	}))

	require.NoError(t, Greet(t.Context(), emulator.Client(t), "+7 900 000-00-00"))
	emulator.AssertMessage(t, ann, greeting)
}

func TestGreetOnTheEmulatorTellsWhenItMayHaveBeenSent(t *testing.T) {
	t.Parallel()
	const ann = salebot.ClientID(25554)
	emulator := salebottest.New(t, salebottest.WithPerson(salebottest.Person{
		ID: ann, ClientType: salebot.ClientTypeWhatsApp, PlatformID: "79000000000",
	}))
	emulator.Fail(salebottest.Fault{Action: "message", Reset: salebottest.ResetAfter})

	require.ErrorIs(t, Greet(t.Context(), emulator.Client(t), "+7 900 000-00-00"), salebot.ErrOutcomeUnknown)
	emulator.AssertMessage(t, ann, greeting)
	emulator.AssertCalls(t, "message", 1)
}
