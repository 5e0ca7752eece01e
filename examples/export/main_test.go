package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/salebottest"
)

const everybody = 1203

func project(t *testing.T) *salebottest.Emulator {
	t.Helper()
	people := make([]salebottest.Person, everybody)
	for n := range people {
		people[n] = salebottest.Person{
			ID: salebot.ClientID(n + 1), ClientType: salebot.ClientTypeTelegram, PlatformID: salebot.PlatformID(fmt.Sprint(n)),
			Name: fmt.Sprintf("Анна, \"%d\"", n),
		}
	}
	return salebottest.New(t, salebottest.WithPeople(people...))
}

func requireComplete(t *testing.T, linesName, tableName string) {
	t.Helper()
	lines, err := os.ReadFile(linesName)
	require.NoError(t, err)
	require.Equal(t, everybody, bytes.Count(lines, []byte("\n")))
	for n := range everybody {
		require.Equal(t, 1, bytes.Count(lines, fmt.Appendf(nil, `"id":%d,`, n+1)), "client %d", n+1)
	}
	table, err := os.ReadFile(tableName)
	require.NoError(t, err)
	require.Equal(t, everybody+1, strings.Count(string(table), "\n"))
	require.Contains(t, string(table), `1203,Telegram,1202,"Анна, ""1202"""`)
}

func TestExport(t *testing.T) {
	t.Parallel()
	linesName, tableName := filepath.Join(t.TempDir(), "clients.jsonl"), filepath.Join(t.TempDir(), "clients.csv")
	var progress strings.Builder
	require.NoError(t, export(t.Context(), project(t).Client(t), linesName, tableName, &progress))
	requireComplete(t, linesName, tableName)
	require.Contains(t, progress.String(), "1203 clients, complete")
}

func TestAPageThatFailsIsNotTheEnd(t *testing.T) {
	t.Parallel()
	emulator := project(t)
	linesName, tableName := filepath.Join(t.TempDir(), "clients.jsonl"), filepath.Join(t.TempDir(), "clients.csv")
	emulator.Fail(salebottest.Fault{Action: "get_clients", After: 1, Status: 502, Times: salebottest.Always})
	client := emulator.Client(t, salebot.WithoutRetries())
	var progress strings.Builder
	require.ErrorIs(t, export(t.Context(), client, linesName, tableName, &progress), salebot.ErrServer)
	lines, err := os.ReadFile(linesName)
	require.NoError(t, err)
	require.Contains(t, progress.String(), fmt.Sprintf("stopped after %d clients\n", bytes.Count(lines, []byte("\n"))))
	require.NoFileExists(t, tableName)

	emulator.ClearFaults()
	require.NoError(t, export(t.Context(), client, linesName, tableName, io.Discard))
	requireComplete(t, linesName, tableName)
}

// The process may die in the middle of a line.
func TestKilledAndStartedAgain(t *testing.T) {
	t.Parallel()
	client := project(t).Client(t)
	linesName, tableName := filepath.Join(t.TempDir(), "clients.jsonl"), filepath.Join(t.TempDir(), "clients.csv")
	require.NoError(t, export(t.Context(), client, linesName, tableName, io.Discard))
	whole, err := os.Stat(linesName)
	require.NoError(t, err)
	for _, size := range []int64{0, 1, whole.Size() / 3, whole.Size() - 1} {
		require.NoError(t, os.Truncate(linesName, size))
		require.NoError(t, export(t.Context(), client, linesName, tableName, io.Discard))
		requireComplete(t, linesName, tableName)
	}
}
