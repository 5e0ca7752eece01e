package salebot_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
	"github.com/salebot-go/salebot/internal/testkit"
)

// aGeneration leads from the year 2000, in which virtual time begins, into one in which
// there is Salebot.
const aGeneration = 26 * 365 * 24 * time.Hour

// Without dates every message comes once, however many there are and however they are
// spread over the years.
func TestHistoryWithoutDates(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		location := rapid.SampledFrom([]*time.Location{time.UTC, clienttest.Moscow, time.FixedZone("", -11*60*60), time.FixedZone("", 13*60*60)}).Draw(r, "location")
		perDay := rapid.SliceOfN(rapid.SampledFrom([]int{0, 0, 1, 30, 900}), 1, 30).Draw(r, "messages of each day")
		// Days without messages in between.
		perDay = slices.Insert(perDay, rapid.IntRange(0, len(perDay)).Draw(r, "at"), make([]int, rapid.IntRange(0, 2000).Draw(r, "gap"))...)
		s := &historyServer{
			location: location, inclusive: rapid.Bool().Draw(r, "last day counted"), unix: rapid.Bool().Draw(r, "unix times"), limit: salebot.MaxHistory,
		}
		var (
			got     []int64
			failure error
		)
		known, inFlight := rapid.Bool().Draw(r, "location known"), rapid.IntRange(0, 4).Draw(r, "in flight")
		testkit.Bubble(t, func(t *testing.T) {
			time.Sleep(aGeneration)
			s.messages = messagesOf(location, salebot.DateOf(time.Now().In(location)), perDay...)
			var options []salebot.CallOption
			if known {
				options = append(options, salebot.WithProjectLocation(location))
			}
			request := salebot.HistoryRequest{ClientID: 25554, PagesInFlight: inFlight}
			got, failure = drain(t, messageNumbers(clienttest.New(t, clienttest.MemoryAPI(s.serve)).History(t.Context(), request, options...)))
		})
		require.NoError(r, failure)
		want := make([]int64, len(s.messages))
		for i, m := range s.messages {
			want[i] = m.id
		}
		require.Equal(r, want, append([]int64{}, got...), "%v", s.periods)
		if len(want) < salebot.MaxHistory {
			require.Len(r, s.periods, 1, "a short history takes one request")
		}
	})
}

// A history without a first day goes back to the first message, and one without a last day
// up to now; where an error ended it, it goes on.
func TestHistoryOfHalfAPeriod(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		time.Sleep(aGeneration)
		today := salebot.DateOf(time.Now().UTC())
		s := &historyServer{messages: messagesOf(time.UTC, today, slices.Repeat([]int{100}, 100)...), location: time.UTC, limit: salebot.MaxHistory}
		failing := 2
		client := clienttest.New(t, clienttest.MemoryAPI(func(call clienttest.MemoryCall) (int, string, error) {
			if failing--; failing == 0 {
				return 500, "", nil
			}
			return s.serve(call)
		}), salebot.WithoutRetries())
		read := func(request salebot.HistoryRequest) ([]int64, error) {
			request.ClientID = 25554
			return drain(t, messageNumbers(client.History(t.Context(), request)))
		}
		all, err := read(salebot.HistoryRequest{})
		var page *salebot.PageError
		require.ErrorAs(t, err, &page)
		require.Len(t, all, salebot.MaxHistory, "the newest ones came")
		rest, err := read(salebot.HistoryRequest{StopDate: page.StopDate})
		require.NoError(t, err)
		require.Equal(t, s.within(salebot.Date{}, today), append(all, rest[slices.Index(rest, all[len(all)-1])+1:]...))

		got, err := read(salebot.HistoryRequest{StopDate: today.AddDays(-10)})
		require.NoError(t, err)
		require.Equal(t, s.within(salebot.Date{}, today.AddDays(-10)), got)
		got, err = read(salebot.HistoryRequest{StartDate: today.AddDays(-10)})
		require.NoError(t, err)
		require.Equal(t, s.within(today.AddDays(-10), today), got)
		_, err = read(salebot.HistoryRequest{StartDate: today.AddDays(10)})
		requireField(t, err, "StartDate")
		got, err = read(salebot.HistoryRequest{StopDate: salebot.Date{Year: 1999, Month: time.May, Day: 28}})
		require.NoError(t, err)
		require.Empty(t, got)
	})
}
