package salebot_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/salebottest"
)

// In a rehearsal reads are real, writes are checked, and nothing is sent.
func TestRehearse(t *testing.T) {
	t.Parallel()
	emulator := salebottest.New(t, salebottest.WithPerson(salebottest.Person{ID: ann, Variables: map[string]any{"client.city": "Kazan"}}))
	client := emulator.Client(t)
	ctx := salebot.Rehearse(t.Context())
	variables, err := client.GetVariables(ctx, ann)
	require.NoError(t, err)
	require.Equal(t, "Kazan", variables.Text("city"))
	_, err = client.Message(ctx, hello("paid"))
	require.NoError(t, err)
	_, err = client.Message(ctx, hello(""))
	requireField(t, err, "Message")
	order, err := client.CreateOrder(ctx, salebot.CreateOrderRequest{ClientID: ann, Name: "Boots"})
	require.NoError(t, err)
	require.NotZero(t, order)
	_, err = client.SetOrderState(ctx, salebot.SetOrderStateRequest{ClientID: ann, StateID: 1})
	require.NoError(t, err)
	loaded, err := client.LoadClients(ctx, []salebot.ClientToLoad{personOf(1), personOf(2)})
	require.NoError(t, err)
	require.Len(t, loaded, 2)
	require.NotZero(t, loaded[1].ID)
	_, err = client.SaveVariables(ctx, salebot.SaveVariablesRequest{ClientID: ann, Variables: map[string]any{"client.city": "Omsk"}})
	require.NoError(t, err)
	emulator.AssertVariable(t, ann, "client.city", "Kazan")
	require.Len(t, emulator.Requests(), 1)
}

// A campaign fails in the rehearsal and not in the run.
func TestForEachRehearsed(t *testing.T) {
	t.Parallel()
	emulator := salebottest.New(t, salebottest.WithPerson(salebottest.Person{ID: ann}))
	client := emulator.Client(t)
	run := func(options salebot.BulkOptions) (*salebot.BulkReport, error) {
		return salebot.ForEach(t.Context(), client, salebot.Items([]string{"hello", ""}), options,
			func(text string) string { return "item " + text },
			func(ctx context.Context, text string) error {
				_, err := client.Message(ctx, hello(text))
				return err
			})
	}
	report, err := run(salebot.BulkOptions{Rehearse: true})
	require.ErrorIs(t, err, salebot.ErrNotAllAccepted)
	require.Equal(t, []int{1, 1}, []int{report.NotTried, report.Rejected})
	for _, problem := range report.Problems {
		require.Equal(t, problem.Key == "item ", errors.Is(problem.Err, salebot.ErrInvalidRequest))
	}
	emulator.AssertCalls(t, "message", 0)
	_, err = run(salebot.BulkOptions{Rehearse: true, DryRun: true})
	requireField(t, err, "Rehearse")
}
