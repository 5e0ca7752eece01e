package ledger

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// digestOrNone draws a digest, and often the zero one.
func digestOrNone(t *rapid.T, name string) (d Digest) {
	copy(d[:], rapid.SliceOfN(rapid.Byte(), 0, len(d)).Draw(t, name))
	return d
}

func timeOrNone(t *rapid.T, name string) time.Time {
	if rapid.Bool().Draw(t, "no "+name) {
		return time.Time{}
	}
	return utc(time.Unix(rapid.Int64Range(-1<<40, 1<<38).Draw(t, name), rapid.Int64Range(0, 999_999_999).Draw(t, name+" fraction")))
}

func wireRecords(t *rapid.T) []wireRecord {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) wireRecord {
		return wireRecord{
			Key: digestOrNone(t, "key"), Number: rapid.IntRange(0, 3).Draw(t, "number"), Version: rapid.Int64().Draw(t, "version"),
			State: State(rapid.IntRange(0, len(stateNames)).Draw(t, "state")), Content: digestOrNone(t, "content"), Step: digestOrNone(t, "step"),
			Holder: rapid.OneOf(rapid.StringMatching("[0-9a-f]{0,16}"), rapid.String()).Draw(t, "holder"), WriteBy: timeOrNone(t, "write by"),
			Scheduled: rapid.Bool().Draw(t, "scheduled"), MessageID: rapid.Ptr(rapid.Int64(), true).Draw(t, "message"),
			Server: timeOrNone(t, "server"), Status: rapid.IntRange(0, 2).Draw(t, "status"),
			IDs:     rapid.SliceOfN(rapid.Int64(), 0, 3).Draw(t, "ids"),
			BegunAt: timeOrNone(t, "begun"), EndedAt: timeOrNone(t, "ended"),
		}
	}), 0, 3).Draw(t, "records")
}

// A line that is written by hand is the one that encoding/json writes, to the byte; what
// that refuses is refused.
func TestLinesAreThoseOfEncodingJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := line{}
		switch rapid.IntRange(0, 4).Draw(t, "kind") {
		case 0:
			l.Begun = wireRecords(t)
		case 1:
			l.Ended = wireRecords(t)
		case 2:
			l.Forgotten = []Digest{{}, digestOrNone(t, "forgotten")}
		case 3:
			l.Project = new(rapid.String().Draw(t, "project"))
		default:
			l.Begun, l.Ended, l.Forgotten = wireRecords(t), wireRecords(t), []Digest{{1}}
		}
		want, refused := json.Marshal(l)
		const before = "before"
		got, err := appendLine([]byte(before), &l)
		if refused != nil {
			require.Error(t, err)
			return
		}
		require.NoError(t, err)
		require.Equal(t, before+string(want), string(got))
	})
}
