package emulator_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	engine "github.com/salebot-go/salebot/internal/emulator"
)

func TestABareNumberIsSeconds(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]time.Duration{
		`2`: 2 * time.Second, `"2"`: 2 * time.Second, `1.5`: 1500 * time.Millisecond, `"1.5s"`: 1500 * time.Millisecond,
		`3600`: time.Hour, `"1h"`: time.Hour, `1e3`: 1000 * time.Second, `-1`: -time.Second, `null`: 0,
	} {
		var read engine.Duration
		require.NoError(t, json.Unmarshal([]byte(written), &read), written)
		require.Equal(t, want, time.Duration(read), written)
	}
	for _, bad := range []string{`"soon"`, `{}`, `true`, `[]`, `""`, `1e300`, `"NaN"`} {
		require.Error(t, json.Unmarshal([]byte(bad), new(engine.Duration)), bad)
	}
	text, err := json.Marshal(engine.Duration(90 * time.Second))
	require.NoError(t, err)
	require.Equal(t, `"1m30s"`, string(text))
}

func TestTheClockOfASeedIsInSeconds(t *testing.T) {
	t.Parallel()
	var state engine.Project
	require.NoError(t, json.Unmarshal([]byte(`{"clock_offset":3600}`), &state))
	require.Equal(t, time.Hour, time.Duration(state.ClockOffset))
}
