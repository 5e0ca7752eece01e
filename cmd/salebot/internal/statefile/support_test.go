package statefile

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// save writes a state file.
func save(path string, state, changes []string) (*File, error) {
	draft, err := NewDraft(path)
	if err != nil {
		return nil, err
	}
	for _, record := range state {
		if err := draft.Add([]byte(record)); err != nil {
			draft.Abandon()
			return nil, err
		}
	}
	if err := draft.End(); err != nil {
		draft.Abandon()
		return nil, err
	}
	var after [][]byte
	for _, record := range changes {
		after = append(after, []byte(record))
	}
	return draft.Replace(after)
}

func mustSave(t testing.TB, path string, state ...string) {
	t.Helper()
	f, err := save(path, state, nil)
	require.NoError(t, err)
	require.NoError(t, f.Close())
}

// load returns the records of a state file.
func load(path string) (records []string, err error) {
	f, err := Load(path, func(record []byte) error {
		records = append(records, string(record))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return records, f.Close()
}
