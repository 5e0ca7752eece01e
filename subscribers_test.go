package salebot_test

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
	"github.com/salebot-go/salebot/internal/testkit"
)

var subscribersPager = pager{
	name: "Subscribers",
	begin: func(ctx context.Context, c *salebot.Client, _ pagedList, inFlight int, from *salebot.PageError) iter.Seq2[int64, error] {
		request := salebot.SubscribersRequest{PagesInFlight: inFlight}
		if from != nil {
			request.StartPage = from.Position
		}
		return clientNumbers(c.Subscribers(ctx, request))
	},
	serve: func(l pagedList, query url.Values) (int, []int64) {
		page := number(query, "page")
		return page, window(l.numbers(), page*l.size, l.size)
	},
	answer:    func(_ pagedList, numbers []int64) string { return idObjects(numbers) },
	startsAt:  func(_ pagedList, page int, from *salebot.PageError) bool { return from.Position == page },
	mayRepeat: never,
}

// Nobody knows whether Salebot counts the pages of subscribers from 0 or from 1.
func TestSubscribersCountedFromOne(t *testing.T) {
	t.Parallel()
	for total := range 12 {
		for inFlight := 1; inFlight <= 4; inFlight++ {
			testkit.Bubble(t, func(t *testing.T) {
				s := newPageServer(subscribersPager, pagedList{total, 3})
				s.pager.serve = func(l pagedList, query url.Values) (int, []int64) {
					page := number(query, "page")
					return page, window(l.numbers(), max(page-1, 0)*l.size, l.size)
				}
				got, err := drain(t, s.begin(t.Context(), t, inFlight, nil))
				require.NoError(t, err)
				require.Equal(t, s.list.numbers(), append([]int64{}, got...))
				for page := 2; page <= s.list.full(); page++ {
					s.broken[page] = brokenPages[3]
					got, err := drain(t, s.begin(t.Context(), t, inFlight, nil))
					failure := requirePageError(t, err, salebot.ErrRejected)
					require.Equal(t, page, failure.Position)
					delete(s.broken, page)
					rest, err := drain(t, s.begin(t.Context(), t, inFlight, failure))
					require.NoError(t, err)
					require.Equal(t, s.list.numbers(), slices.Concat(got, rest))
				}
			})
		}
	}
}

func TestSubscribersRequests(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		var queries []string
		client := clienttest.New(t, clienttest.MemoryAPI(func(call clienttest.MemoryCall) (int, string, error) {
			require.Equal(t, "subscribers", call.Action)
			queries = append(queries, call.Query.Encode())
			return http.StatusOK, subscribersPager.answer(pagedList{}, window(pagedList{5, 2}.numbers(), number(call.Query, "page")*2, 2)), nil
		}))
		got, err := drain(t, clientNumbers(client.Subscribers(t.Context(), salebot.SubscribersRequest{StartPage: 1, GroupID: "my_bot"})))
		require.NoError(t, err)
		require.Equal(t, []int64{3, 4, 5}, got)
		require.Equal(t, []string{"group=my_bot&page=1", "group=my_bot&page=2", "group=my_bot&page=3"}, queries)
	})
}
