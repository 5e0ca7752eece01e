package once

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/internal/testkit"
	"github.com/salebot-go/salebot/ledger"
)

// A named call in other words was not executed if nothing was sent since. Everything that
// the person did not write for sure may be what it sent.
func TestACallInOtherWordsIsSentWhereNothingWas(t *testing.T) {
	t.Parallel()
	const later = time.Hour
	other := func(id int64) Item { return Item{ID: id, Text: "something else"} }
	for name, test := range map[string]struct {
		page      page
		delay     time.Duration
		after     time.Duration
		scheduled bool
		want      Decision
		text      string
	}{
		"nothing":                         {page{newest: 10, whole: true}, delay, later, false, Send, "thank you"},
		"what was there before":           {page{newest: 10, whole: true, items: []Item{other(10), message(9)}}, delay, later, false, Send, "thank you"},
		"the person":                      {page{newest: 10, whole: true, items: []Item{{ID: 11, FromPerson: true}}}, delay, later, false, Send, "thank you"},
		"something":                       {page{newest: 10, whole: true, items: []Item{other(11)}}, delay, later, false, Leave, "thank you"},
		"something of the API":            {page{newest: 10, whole: true, items: []Item{message(11)}}, delay, later, false, Leave, "thank you"},
		"a history that is cut":           {page{newest: 10}, delay, later, false, Leave, "thank you"},
		"no delay":                        {page{newest: 10, whole: true}, 0, later, false, Leave, "thank you"},
		"too early, so it waits":          {page{newest: 10, whole: true}, delay, time.Second, false, Send, "thank you"},
		"by a clock that was put forward": {page{newest: 10, whole: true, server: time.Unix(1_700_000_000, 0)}, delay, later, false, Leave, "thank you"},
		"words that Salebot rewrites":     {page{newest: 10, whole: true}, delay, later, false, Send, "thank you, #{name}"},
		"scheduled":                       {page{newest: 10, whole: true}, delay, later, true, Leave, "thank you"},
	} {
		testkit.Bubble(t, func(t *testing.T) {
			k, h := newKeeper(t), test.page
			items := h.items
			h.items = nil
			enter := func(text string, use func(*Guard)) {
				k.HistoryDelay = delay
				r, _, err := k.Start(t.Context(), Work{Kind: "work", Name: "n", Key: "k"})
				require.NoError(t, err)
				body := `{"client_id":1,"message":"` + text + `"}`
				if test.scheduled {
					body = `{"client_id":1,"message":"` + text + `","send_time":"2030-01-01 10:00"}`
				}
				g, err := k.Guard(t.Context(), r, Call{Action: "message", Body: []byte(body), Step: "price", Sent: &Sent{Client: 1, Text: text}}, &h)
				require.NoError(t, err)
				use(g)
				g.Release()
				_, err = r.Finish(t.Context(), false)
				require.NoError(t, err)
			}
			enter("paid", func(g *Guard) {
				_, err := g.Begin(t.Context(), time.Time{})
				require.NoError(t, err)
				require.NoError(t, g.End(t.Context(), ledger.Unknown, ledger.Answer{}))
			})
			pass(t, test.after)
			h.items = items
			enter(test.text, func(g *Guard) {
				k.HistoryDelay = test.delay
				begun := time.Now()
				decision, _, err := g.Enter(t.Context())
				require.NoError(t, err, name)
				require.Equal(t, test.want, decision, name)
				if test.after < delay {
					require.GreaterOrEqual(t, time.Since(begun), delay, name)
				}
			})
		})
	}
}
