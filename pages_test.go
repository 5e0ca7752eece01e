package salebot_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
	"github.com/salebot-go/salebot/internal/testkit"
)

// pagedList is a list of the numbers 1, 2, … total, in the order in which an
// iterator yields them, in pages of a size.
type pagedList struct{ total, size int }

func (l pagedList) numbers() []int64 {
	numbers := make([]int64, l.total)
	for i := range numbers {
		numbers[i] = int64(i + 1)
	}
	return numbers
}

// full is the number of pages that have something in them.
func (l pagedList) full() int { return (l.total + l.size - 1) / l.size }

// pager is an iterator as the laws see it.
type pager struct {
	name string
	// begin makes the iterator over a list; from is where an earlier one failed.
	begin func(ctx context.Context, c *salebot.Client, l pagedList, inFlight int, from *salebot.PageError) iter.Seq2[int64, error]
	// serve finds the page that a request asks for, and what is in it.
	serve func(l pagedList, query url.Values) (page int, numbers []int64)
	// answer writes a page.
	answer func(l pagedList, numbers []int64) string
	// bounded says that the number of pages is known beforehand, so that no empty
	// page is needed to end.
	bounded bool
	// startsAt reports whether a page begins at the position of an error.
	startsAt func(l pagedList, page int, from *salebot.PageError) bool
	// mayRepeat says which numbers may come again after resuming at a position.
	mayRepeat func(l pagedList, from *salebot.PageError, number int64) bool
}

func never(pagedList, *salebot.PageError, int64) bool { return false }

// pagers are all iterators over pages that there are.
var pagers = []pager{clientsPager, subscribersPager, historyPager("History, last day counted", true), historyPager("History, last day not counted", false)}

// brokenPage is what comes instead of a page.
type brokenPage struct {
	name   string
	status int
	body   string
	err    error
	is     error
}

var brokenPages = []brokenPage{
	{"server error", 500, "<html>oops</html>", nil, salebot.ErrServer},
	{"bad gateway", 502, "", nil, salebot.ErrServer},
	{"page of HTML", 200, "<!DOCTYPE html><html></html>", nil, salebot.ErrUnexpectedResponse},
	{"failure inside", 200, `{"status":"fail","message":"Something went wrong"}`, nil, salebot.ErrRejected},
	{"success false", 200, `{"success":false}`, nil, salebot.ErrRejected},
	{"empty body", 200, "", nil, salebot.ErrUnexpectedResponse},
	{"no data", 200, `{"status":"success"}`, nil, salebot.ErrUnexpectedResponse},
	{"data is null", 200, `{"status":"success","clients":null,"result":null}`, nil, salebot.ErrUnexpectedResponse},
	{"plain ok", 200, "ok", nil, salebot.ErrUnexpectedResponse},
	{"cut off", 200, `{"status":"success","clients":[{"id":1`, nil, salebot.ErrUnexpectedResponse},
	{"element without id", 200, `[{"id":null}]`, nil, salebot.ErrUnexpectedResponse},
	{"rate limited", 429, "", nil, salebot.ErrRateLimited},
	{"no right", 403, "WRONG_ACTION", nil, salebot.ErrForbidden},
	{"network", 0, "", clienttest.ErrCable, clienttest.ErrCable},
}

// pageServer serves a list and watches how it is read.
type pageServer struct {
	pager pager
	list  pagedList
	// delay is how long a page takes.
	delay func(page int) time.Duration
	// broken are the pages that fail.
	broken map[int]brokenPage
	// stuck is the page that is served whatever is asked for; -1 for none.
	stuck int

	mutex        sync.Mutex
	asked        []int
	active, most int
	// ended says that the good empty page behind the last was served.
	ended bool
}

func newPageServer(p pager, l pagedList) *pageServer {
	return &pageServer{pager: p, list: l, stuck: -1, broken: map[int]brokenPage{}, delay: func(int) time.Duration { return 20 * time.Millisecond }}
}

func (s *pageServer) serve(call clienttest.MemoryCall) (status int, body string, err error) {
	page, numbers := s.pager.serve(s.list, call.Query)
	s.mutex.Lock()
	s.asked = append(s.asked, page)
	s.active++
	s.most = max(s.most, s.active)
	s.mutex.Unlock()
	err = clienttest.Elapse(call.Ctx, s.delay(page))
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.active--
	if err != nil {
		return 0, "", err
	}
	if broken, ok := s.broken[page]; ok {
		return broken.status, broken.body, broken.err
	}
	if s.stuck >= 0 {
		numbers = s.list.numbers()[s.stuck*s.list.size : (s.stuck+1)*s.list.size]
	}
	s.ended = s.ended || len(numbers) == 0
	return http.StatusOK, s.pager.answer(s.list, numbers), nil
}

// begin makes an iterator over the list of the server.
func (s *pageServer) begin(ctx context.Context, t testing.TB, inFlight int, from *salebot.PageError) iter.Seq2[int64, error] {
	t.Helper()
	return s.pager.begin(ctx, clienttest.New(t, clienttest.MemoryAPI(s.serve)), s.list, inFlight, from)
}

func (s *pageServer) requests() []int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return slices.Clone(s.asked)
}

// drain reads an iterator to its end. It notices what comes after an error.
func drain(t testing.TB, numbers iter.Seq2[int64, error]) (got []int64, failure error) {
	t.Helper()
	for number, err := range numbers {
		require.NoError(t, failure, "something came after the error")
		if err != nil {
			require.Zero(t, number)
			failure = err
			continue
		}
		got = append(got, number)
	}
	return got, failure
}

// requirePageError checks the one error of an iterator.
func requirePageError(t require.TestingT, err, is error) *salebot.PageError {
	var failure *salebot.PageError
	require.ErrorAs(t, err, &failure)
	require.ErrorIs(t, err, is)
	require.ErrorAs(t, err, new(*salebot.OpError), "%v", err)
	return failure
}

var clientsPager = pager{
	name: "Clients",
	begin: func(ctx context.Context, c *salebot.Client, l pagedList, inFlight int, from *salebot.PageError) iter.Seq2[int64, error] {
		request := salebot.ClientsRequest{PageSize: l.size, PagesInFlight: inFlight}
		if from != nil {
			request.Offset = from.Position
		}
		return clientNumbers(c.Clients(ctx, request))
	},
	serve: func(l pagedList, query url.Values) (int, []int64) {
		offset, limit := number(query, "offset"), number(query, "limit")
		// A stretch may begin anywhere; the page is the one in which it begins.
		return (offset + l.size - 1) / l.size, window(l.numbers(), offset, limit)
	},
	answer: func(_ pagedList, numbers []int64) string {
		return `{"status":"success","clients":` + idObjects(numbers) + `}`
	},
	startsAt: func(l pagedList, page int, from *salebot.PageError) bool {
		return (from.Position+l.size-1)/l.size == page
	},
	mayRepeat: never,
}

func number(query url.Values, name string) int {
	n, err := strconv.Atoi(query.Get(name))
	if err != nil {
		panic(name + " is no number: " + query.Encode())
	}
	return n
}

func window(numbers []int64, from, size int) []int64 {
	from = min(from, len(numbers))
	return numbers[from:min(from+size, len(numbers))]
}

func idObjects(numbers []int64) string {
	objects := make([]string, len(numbers))
	for i, number := range numbers {
		objects[i] = fmt.Sprintf(`{"id":%d}`, number)
	}
	return "[" + strings.Join(objects, ",") + "]"
}

// A server whose pages are smaller than was asked for, and even of changing
// sizes, is read whole.
func TestClientsOfServersWithOtherPages(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		total := rapid.IntRange(0, 120).Draw(r, "total")
		limit := rapid.IntRange(1, 30).Draw(r, "limit")
		offset := rapid.IntRange(0, 30).Draw(r, "offset")
		inFlight := rapid.IntRange(0, 8).Draw(r, "in flight")
		// The size of a page may depend on where it is, as it would on a server that
		// leaves some of its clients out.
		sizes := rapid.SliceOfN(rapid.IntRange(1, 30), 1, 4).Draw(r, "sizes")
		list := pagedList{total, 10}
		var (
			got     []int64
			failure error
		)
		testkit.Bubble(t, func(t *testing.T) {
			client := clienttest.New(t, clienttest.MemoryAPI(func(call clienttest.MemoryCall) (int, string, error) {
				offset, limit := number(call.Query, "offset"), number(call.Query, "limit")
				size := min(limit, sizes[offset%len(sizes)])
				return http.StatusOK, clientsPager.answer(list, window(list.numbers(), offset, size)), nil
			}))
			got, failure = drain(t, clientNumbers(client.Clients(t.Context(), salebot.ClientsRequest{
				Offset: offset, PageSize: limit, PagesInFlight: inFlight,
			})))
		})
		require.NoError(r, failure)
		require.Equal(r, list.numbers()[min(offset, total):], append([]int64{}, got...))
	})
}

// Where the pages are smaller than was asked for, they come in parallel all the
// same.
func TestClientsOfServersWithSmallPagesStayFast(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		list := pagedList{8000, 100}
		s := newPageServer(clientsPager, list)
		s.pager.serve = func(l pagedList, query url.Values) (int, []int64) {
			offset := number(query, "offset")
			return offset / l.size, window(l.numbers(), offset, min(l.size, number(query, "limit")))
		}
		client := clienttest.New(t, clienttest.MemoryAPI(s.serve))
		got, err := drain(t, clientNumbers(client.Clients(t.Context(), salebot.ClientsRequest{PagesInFlight: 8})))
		require.NoError(t, err)
		require.Equal(t, list.numbers(), got)
		require.Equal(t, 8, s.most)
		// The first page shows the server's size, the second confirms it, and the others
		// are read ahead. Only what is read ahead is in vain, at the change and at the end.
		inVain := 2*readAhead(8) + readAhead(1)
		require.LessOrEqual(t, len(s.requests()), list.full()-2+inVain)
	})
}

// Clients who arrive while a full scan runs are read too, once.
func TestClientsWhoArriveMeanwhile(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		var total atomic.Int64
		total.Store(10)
		client := clienttest.New(t, clienttest.MemoryAPI(func(call clienttest.MemoryCall) (int, string, error) {
			require.Equal(t, "1", call.Query.Get("reverse"))
			list := pagedList{int(total.Load()), 4}
			_, numbers := clientsPager.serve(list, call.Query)
			return http.StatusOK, clientsPager.answer(list, numbers), nil
		}))
		var got []int64
		for record, err := range client.Clients(t.Context(), salebot.ClientsRequest{PageSize: 4}) {
			require.NoError(t, err)
			got = append(got, int64(record.ID))
			if total.Load() < 23 {
				total.Add(1)
			}
		}
		require.Equal(t, pagedList{23, 4}.numbers(), got)
	})
}

// A mock that fails its test ends the goroutine that asked it. The iterator must
// not wait for that page for ever.
func TestClientsWhenAnAnswerEndsTheGoroutine(t *testing.T) {
	t.Parallel()
	for _, inFlight := range []int{1, 4} {
		testkit.Bubble(t, func(t *testing.T) {
			client := clienttest.New(t, clienttest.MemoryAPI(func(clienttest.MemoryCall) (int, string, error) {
				runtime.Goexit()
				return 0, "", nil
			}))
			got, err := drain(t, clientNumbers(client.Clients(t.Context(), salebot.ClientsRequest{PagesInFlight: inFlight})))
			require.ErrorContains(t, err, "Goexit")
			require.Empty(t, got)
		})
	}
}

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

// iteratorLaws hold for each iterator with any number of pages in flight.
var iteratorLaws = map[string]func(t *testing.T, p pager, inFlight int){
	"nothing is read before the first element is asked for": func(t *testing.T, p pager, inFlight int) {
		t.Helper()
		s := newPageServer(p, pagedList{10, 5})
		numbers := s.begin(t.Context(), t, inFlight, nil)
		elapseFor(t, time.Hour)
		require.Empty(t, s.requests())
		for _, err := range numbers {
			require.NoError(t, err)
			break
		}
		require.NotEmpty(t, s.requests())
	},
	"the order is kept": func(t *testing.T, p pager, inFlight int) {
		t.Helper()
		s := newPageServer(p, pagedList{97, 5})
		// The later a page is asked for, the sooner it comes, within a stretch.
		s.delay = func(page int) time.Duration { return time.Duration(1+7*(20-page)%13) * time.Millisecond }
		got, err := drain(t, s.begin(t.Context(), t, inFlight, nil))
		require.NoError(t, err)
		require.Equal(t, s.list.numbers(), got)
	},
	"each range begins anew": func(t *testing.T, p pager, inFlight int) {
		t.Helper()
		s := newPageServer(p, pagedList{23, 5})
		numbers := s.begin(t.Context(), t, inFlight, nil)
		for range 2 {
			got, err := drain(t, numbers)
			require.NoError(t, err)
			require.Equal(t, s.list.numbers(), got)
		}
		for number, err := range numbers {
			require.NoError(t, err)
			require.Equal(t, int64(1), number)
			break
		}
		got, err := drain(t, numbers)
		require.NoError(t, err)
		require.Equal(t, s.list.numbers(), got, "after a break")
	},
	"two at once do not disturb each other": func(t *testing.T, p pager, inFlight int) {
		t.Helper()
		s := newPageServer(p, pagedList{23, 5})
		numbers := s.begin(t.Context(), t, inFlight, nil)
		var both sync.WaitGroup
		var got [2][]int64
		for i := range got {
			both.Go(func() {
				for number, err := range numbers {
					if err == nil {
						got[i] = append(got[i], number)
					}
				}
			})
		}
		both.Wait()
		require.Equal(t, s.list.numbers(), got[0])
		require.Equal(t, s.list.numbers(), got[1])
	},
	"a break stops the requests": func(t *testing.T, p pager, inFlight int) {
		t.Helper()
		for taken := 1; taken <= 12; taken++ {
			s := newPageServer(p, pagedList{1000, 5})
			left := taken
			for _, err := range s.begin(t.Context(), t, inFlight, nil) {
				require.NoError(t, err)
				if left--; left == 0 {
					break
				}
			}
			require.Zero(t, s.active, "requests under way")
			before := len(s.requests())
			elapseFor(t, time.Hour)
			require.Len(t, s.requests(), before)
			require.LessOrEqual(t, before, (taken+4)/5+readAhead(inFlight), "read ahead of the %d that were taken", taken)
		}
	},
	"it reads ahead so far and not farther": func(t *testing.T, p pager, inFlight int) {
		t.Helper()
		s := newPageServer(p, pagedList{200, 5})
		for number, err := range s.begin(t.Context(), t, inFlight, nil) {
			require.NoError(t, err)
			elapseFor(t, time.Second)
			page := (int(number) - 1) / 5
			require.LessOrEqual(t, len(s.requests()), page+1+readAhead(inFlight), "at %d", number)
			if page+readAhead(inFlight) < s.list.full() {
				require.Len(t, s.requests(), page+1+readAhead(inFlight), "it could have read ahead at %d", number)
			}
		}
		require.Equal(t, inFlight, s.most, "requests under way")
	},
	"pages in flight take their time together": func(t *testing.T, p pager, inFlight int) {
		t.Helper()
		s := newPageServer(p, pagedList{48 * 5, 5})
		start := time.Now()
		got, err := drain(t, s.begin(t.Context(), t, inFlight, nil))
		require.NoError(t, err)
		require.Len(t, got, s.list.total)
		rounds := (s.list.full() + 1 + inFlight - 1) / inFlight
		require.LessOrEqual(t, time.Since(start), time.Duration(rounds)*20*time.Millisecond)
		require.LessOrEqual(t, s.most, inFlight)
	},
	"it ends with an empty page": func(t *testing.T, p pager, inFlight int) {
		t.Helper()
		for total := range 17 {
			s := newPageServer(p, pagedList{total, 5})
			got, err := drain(t, s.begin(t.Context(), t, inFlight, nil))
			require.NoError(t, err)
			require.Len(t, got, total)
			if !p.bounded {
				require.True(t, s.ended)
			}
			require.LessOrEqual(t, len(s.requests()), s.list.full()+1+readAhead(inFlight))
		}
	},
	"with one page ahead none is asked for in vain": func(t *testing.T, p pager, inFlight int) {
		t.Helper()
		if inFlight != 1 {
			return
		}
		for total := 1; total < 17; total++ {
			s := newPageServer(p, pagedList{total, 5})
			for _, err := range s.begin(t.Context(), t, 0, nil) {
				require.NoError(t, err)
				synctest.Wait()
			}
			want := s.list.full()
			if !p.bounded {
				want++
			}
			require.Len(t, s.requests(), want, "%d elements: %v", total, s.asked)
		}
	},
	"a broken page is the last thing, and resuming gives the rest": func(t *testing.T, p pager, inFlight int) {
		t.Helper()
		list := pagedList{23, 5}
		for i, broken := range brokenPages {
			for page := range list.full() {
				if i > 0 && page != (i+inFlight)%list.full() {
					continue
				}
				s := newPageServer(p, list)
				s.broken[page] = broken
				got, err := drain(t, s.begin(t.Context(), t, inFlight, nil))
				failure := requirePageError(t, err, broken.is)
				require.Equal(t, list.numbers()[:page*5], append([]int64{}, got...), "before %s on page %d", broken.name, page)
				require.Zero(t, s.active)
				delete(s.broken, page)
				rest, err := drain(t, s.begin(t.Context(), t, inFlight, failure))
				require.NoError(t, err)
				requireNothingLost(t, p, list, got, failure, rest)
			}
		}
	},
	"an error on the page behind the last is no end": func(t *testing.T, p pager, inFlight int) {
		t.Helper()
		if p.bounded {
			return
		}
		for _, total := range []int{0, 5, 8, 10} {
			s := newPageServer(p, pagedList{total, 5})
			for page := s.list.full(); page < 30; page++ {
				s.broken[page] = brokenPages[3]
			}
			got, err := drain(t, s.begin(t.Context(), t, inFlight, nil))
			_ = requirePageError(t, err, salebot.ErrRejected)
			require.Len(t, got, total)
		}
	},
	"a page that comes at the second try is no error": func(t *testing.T, p pager, inFlight int) {
		t.Helper()
		s := newPageServer(p, pagedList{23, 5})
		tries := map[string]int{}
		var mutex sync.Mutex
		api := clienttest.MemoryAPI(func(call clienttest.MemoryCall) (int, string, error) {
			mutex.Lock()
			tries[call.Query.Encode()]++
			first := tries[call.Query.Encode()] == 1
			mutex.Unlock()
			if first {
				return http.StatusBadGateway, "", nil
			}
			return s.serve(call)
		})
		got, err := drain(t, p.begin(t.Context(), clienttest.New(t, api), s.list, inFlight, nil))
		require.NoError(t, err)
		require.Equal(t, s.list.numbers(), got)
	},
	"a canceled context is the last thing, and resuming gives the rest": func(t *testing.T, p pager, inFlight int) {
		t.Helper()
		for taken := range 20 {
			s := newPageServer(p, pagedList{23, 5})
			ctx, cancel := context.WithCancel(t.Context())
			if taken == 0 {
				cancel()
			}
			var (
				got     []int64
				failure error
			)
			for number, err := range s.begin(ctx, t, inFlight, nil) {
				require.NoError(t, failure)
				if failure = err; err != nil {
					continue
				}
				if got = append(got, number); len(got) == taken {
					cancel()
				}
			}
			cancel()
			require.Zero(t, s.active)
			require.GreaterOrEqual(t, len(got), taken)
			require.Equal(t, s.list.numbers()[:len(got)], append([]int64{}, got...))
			if failure == nil {
				require.Equal(t, s.list.numbers(), got)
				require.GreaterOrEqual(t, (taken-1)/5+inFlight, s.list.full(), "it was all there before")
				continue
			}
			pageError := requirePageError(t, failure, context.Canceled)
			rest, err := drain(t, s.begin(t.Context(), t, inFlight, pageError))
			require.NoError(t, err)
			requireNothingLost(t, p, s.list, got, pageError, rest)
		}
	},
	"a deadline is the last thing": func(t *testing.T, p pager, inFlight int) {
		t.Helper()
		s := newPageServer(p, pagedList{1000, 5})
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Millisecond)
		defer cancel()
		got, err := drain(t, s.begin(ctx, t, inFlight, nil))
		_ = requirePageError(t, err, context.DeadlineExceeded)
		require.Equal(t, s.list.numbers()[:4*5*inFlight], got)
	},
	"a server that gives the same page for ever comes to an end": func(t *testing.T, p pager, inFlight int) {
		t.Helper()
		for _, size := range []int{5, 1} {
			s := newPageServer(p, pagedList{23, size})
			s.stuck = 0
			got, err := drain(t, s.begin(t.Context(), t, inFlight, nil))
			require.Equal(t, s.list.numbers()[:size], got, "each once")
			if p.bounded {
				require.NoError(t, err)
				continue
			}
			_ = requirePageError(t, err, salebot.ErrUnexpectedResponse)
		}
	},
	"a panic of the loop leaves nothing behind": func(t *testing.T, p pager, inFlight int) {
		t.Helper()
		s := newPageServer(p, pagedList{23, 5})
		require.PanicsWithValue(t, "enough", func() {
			for number, err := range s.begin(t.Context(), t, inFlight, nil) {
				require.NoError(t, err)
				if number == 7 {
					panic("enough")
				}
			}
		})
		require.Zero(t, s.active)
	},
}

// elapseFor lets virtual time pass.
func elapseFor(t testing.TB, d time.Duration) {
	t.Helper()
	require.NoError(t, clienttest.Elapse(context.Background(), d))
	synctest.Wait()
}

// requireNothingLost checks what came before an error together with what came
// after it.
func requireNothingLost(t require.TestingT, p pager, l pagedList, got []int64, from *salebot.PageError, rest []int64) {
	known := map[int64]bool{}
	for _, number := range got {
		known[number] = true
	}
	both := slices.Clone(got)
	for _, number := range rest {
		if known[number] {
			require.True(t, p.mayRepeat(l, from, number), "%d came twice", number)
			continue
		}
		both = append(both, number)
	}
	require.Equal(t, l.numbers(), append([]int64{}, both...))
}

// readAhead is the number of pages beyond the one at hand: those under way, and with
// several of them as many as the processors can decode meanwhile.
func readAhead(inFlight int) int { return inFlight + min(inFlight-1, runtime.GOMAXPROCS(0)) }

func TestIteratorLaws(t *testing.T) {
	t.Parallel()
	for _, p := range pagers {
		for law, holds := range iteratorLaws {
			t.Run(p.name+"/"+law, func(t *testing.T) {
				t.Parallel()
				for inFlight := 1; inFlight <= 8; inFlight++ {
					t.Run(fmt.Sprintf("%d in flight", inFlight), func(t *testing.T) {
						t.Parallel()
						testkit.Bubble(t, func(t *testing.T) { holds(t, p, inFlight) })
					})
				}
			})
		}
	}
}

// Whatever the sizes are and whatever fails, going on at the position of each
// error gives every element in its order.
func TestIteratorsLoseNothingByFailures(t *testing.T) {
	t.Parallel()
	for _, p := range pagers {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(r *rapid.T) {
				list := pagedList{rapid.IntRange(0, 60).Draw(r, "total"), rapid.IntRange(2, 9).Draw(r, "size")}
				inFlight := rapid.IntRange(0, 9).Draw(r, "in flight")
				delays := rapid.SliceOfN(rapid.IntRange(0, 50), 8, 8).Draw(r, "delays")
				s := newPageServer(p, list)
				s.delay = func(page int) time.Duration { return time.Duration(delays[page%8]) * time.Millisecond }
				failures := rapid.MapOfN(rapid.IntRange(0, list.full()), rapid.SampledFrom(brokenPages), 0, 5).Draw(r, "broken")
				maps.Copy(s.broken, failures)
				var (
					got  []int64
					from *salebot.PageError
				)
				for range len(failures) + 1 {
					var (
						rest    []int64
						failure error
					)
					testkit.Bubble(t, func(t *testing.T) {
						rest, failure = drain(t, s.begin(t.Context(), t, inFlight, from))
					})
					for _, number := range rest {
						if slices.Contains(got, number) {
							require.True(r, from != nil && p.mayRepeat(list, from, number), "%d came twice", number)
							continue
						}
						got = append(got, number)
					}
					require.LessOrEqual(r, s.most, max(inFlight, 1))
					if failure == nil {
						break
					}
					require.ErrorAs(r, failure, &from)
					before := len(s.broken)
					for page, broken := range s.broken {
						if page == list.full() && p.bounded || errors.Is(failure, broken.is) && p.startsAt(list, page, from) {
							delete(s.broken, page)
						}
					}
					require.Less(r, len(s.broken), before, "the error %v names a page that is not broken", failure)
				}
				require.Equal(r, list.numbers(), append([]int64{}, got...))
			})
		})
	}
}

func TestIteratorsRefuseBadInput(t *testing.T) {
	t.Parallel()
	day := salebot.Date{Year: 2026, Month: time.May, Day: 28}
	history := salebot.HistoryRequest{ClientID: 1, StartDate: day, StopDate: day}
	for i, test := range []struct {
		field string
		begin func(context.Context, *salebot.Client) iter.Seq2[int64, error]
	}{
		{"PagesInFlight", func(ctx context.Context, c *salebot.Client) iter.Seq2[int64, error] {
			return clientNumbers(c.Clients(ctx, salebot.ClientsRequest{PagesInFlight: 65}))
		}},
		{"PagesInFlight", func(ctx context.Context, c *salebot.Client) iter.Seq2[int64, error] {
			return clientNumbers(c.Subscribers(ctx, salebot.SubscribersRequest{PagesInFlight: -1}))
		}},
		{"PagesInFlight", func(ctx context.Context, c *salebot.Client) iter.Seq2[int64, error] {
			request := history
			request.PagesInFlight = 65
			return messageNumbers(c.History(ctx, request))
		}},
		{"PageSize", func(ctx context.Context, c *salebot.Client) iter.Seq2[int64, error] {
			return clientNumbers(c.Clients(ctx, salebot.ClientsRequest{PageSize: 501}))
		}},
		{"PageSize", func(ctx context.Context, c *salebot.Client) iter.Seq2[int64, error] {
			return clientNumbers(c.Clients(ctx, salebot.ClientsRequest{PageSize: -1}))
		}},
		{"Offset", func(ctx context.Context, c *salebot.Client) iter.Seq2[int64, error] {
			return clientNumbers(c.Clients(ctx, salebot.ClientsRequest{Offset: -1}))
		}},
		{"List", func(ctx context.Context, c *salebot.Client) iter.Seq2[int64, error] {
			return clientNumbers(c.Clients(ctx, salebot.ClientsRequest{List: -1}))
		}},
		{"Offset", func(ctx context.Context, c *salebot.Client) iter.Seq2[int64, error] {
			return clientNumbers(c.Clients(ctx, salebot.ClientsRequest{Offset: -1}))
		}},
		{"StartPage", func(ctx context.Context, c *salebot.Client) iter.Seq2[int64, error] {
			return clientNumbers(c.Subscribers(ctx, salebot.SubscribersRequest{StartPage: -1}))
		}},
		{"ClientID", func(ctx context.Context, c *salebot.Client) iter.Seq2[int64, error] {
			return messageNumbers(c.History(ctx, salebot.HistoryRequest{StartDate: day, StopDate: day}))
		}},
		{"ClientID", func(ctx context.Context, c *salebot.Client) iter.Seq2[int64, error] {
			return messageNumbers(c.History(ctx, salebot.HistoryRequest{}))
		}},
		{"StopDate", func(ctx context.Context, c *salebot.Client) iter.Seq2[int64, error] {
			return messageNumbers(c.History(ctx, salebot.HistoryRequest{ClientID: 1, StopDate: salebot.Date{Year: 2026, Month: 2, Day: 31}}))
		}},
		{"StopDate", func(ctx context.Context, c *salebot.Client) iter.Seq2[int64, error] {
			return messageNumbers(c.History(ctx, salebot.HistoryRequest{ClientID: 1, StartDate: day, StopDate: day.AddDays(-1)}))
		}},
		{"DaysPerRequest", func(ctx context.Context, c *salebot.Client) iter.Seq2[int64, error] {
			request := history
			request.DaysPerRequest = -1
			return messageNumbers(c.History(ctx, request))
		}},
		{"WithTimeout", func(ctx context.Context, c *salebot.Client) iter.Seq2[int64, error] {
			return messageNumbers(c.History(ctx, history, salebot.WithTimeout(-1)))
		}},
		{"ctx", func(_ context.Context, c *salebot.Client) iter.Seq2[int64, error] {
			return clientNumbers(c.Clients(nil, salebot.ClientsRequest{})) //nolint:staticcheck // a nil context is what is tested
		}},
		{"ctx", func(_ context.Context, c *salebot.Client) iter.Seq2[int64, error] {
			return clientNumbers(c.Subscribers(nil, salebot.SubscribersRequest{})) //nolint:staticcheck // a nil context is what is tested
		}},
		{"ctx", func(_ context.Context, c *salebot.Client) iter.Seq2[int64, error] {
			return messageNumbers(c.History(nil, history)) //nolint:staticcheck // a nil context is what is tested
		}},
	} {
		t.Run(fmt.Sprint(i, " ", test.field), func(t *testing.T) {
			t.Parallel()
			client := clienttest.New(t, clienttest.MemoryAPI(func(clienttest.MemoryCall) (int, string, error) {
				return 0, "", errors.New("something was sent")
			}))
			got, err := drain(t, test.begin(t.Context(), client))
			require.Empty(t, got)
			var refusal *salebot.InvalidRequestError
			require.ErrorAs(t, err, &refusal)
			require.Equal(t, test.field, refusal.Field)
			_ = requirePageError(t, err, salebot.ErrInvalidRequest)
			_, err = drain(t, test.begin(t.Context(), new(salebot.Client)))
			require.ErrorAs(t, err, new(*salebot.PageError))
			require.ErrorAs(t, err, new(*salebot.OpError))
			require.NotErrorIs(t, err, salebot.ErrUnexpectedResponse)
		})
	}
}

// The largest settings are allowed.
func TestIteratorLimitsAreInclusive(t *testing.T) {
	t.Parallel()
	day := salebot.Date{Year: 2026, Month: time.May, Day: 28}
	for name, begin := range map[string]func(context.Context, *salebot.Client) iter.Seq2[int64, error]{
		"Clients": func(ctx context.Context, c *salebot.Client) iter.Seq2[int64, error] {
			return clientNumbers(c.Clients(ctx, salebot.ClientsRequest{PageSize: 500, PagesInFlight: 64}))
		},
		"ClientsWithVariables": func(ctx context.Context, c *salebot.Client) iter.Seq2[int64, error] {
			return clientNumbers(c.ClientsWithVariables(ctx, salebot.ClientsWithVariablesRequest{VariablesInFlight: 64}))
		},
		"Subscribers": func(ctx context.Context, c *salebot.Client) iter.Seq2[int64, error] {
			return clientNumbers(c.Subscribers(ctx, salebot.SubscribersRequest{PagesInFlight: 64}))
		},
		"History": func(ctx context.Context, c *salebot.Client) iter.Seq2[int64, error] {
			return messageNumbers(c.History(ctx, salebot.HistoryRequest{ClientID: 1, StartDate: day, StopDate: day, PagesInFlight: 64, DaysPerRequest: 1}))
		},
	} {
		client := clienttest.New(t, clienttest.Answering(http.StatusOK, `{"status":"success","clients":[],"subscribers":[],"result":[]}`))
		got, err := drain(t, begin(t.Context(), client))
		require.NoError(t, err, name)
		require.Empty(t, got, name)
	}
}

func clientNumbers(records iter.Seq2[salebot.ClientRecord, error]) iter.Seq2[int64, error] {
	return func(yield func(int64, error) bool) {
		for record, err := range records {
			if !yield(int64(record.ID), err) {
				return
			}
		}
	}
}

func messageNumbers(items iter.Seq2[salebot.HistoryItem, error]) iter.Seq2[int64, error] {
	return func(yield func(int64, error) bool) {
		for item, err := range items {
			if !yield(int64(item.ID), err) {
				return
			}
		}
	}
}

func TestPageErrorText(t *testing.T) {
	t.Parallel()
	inner := errors.New("inner")
	require.EqualError(t, &salebot.PageError{Position: 1500, Err: inner}, "salebot: page at 1500: inner")
	failure := &salebot.PageError{StopDate: salebot.Date{Year: 2026, Month: time.May, Day: 3}, Err: inner}
	require.EqualError(t, failure, "salebot: page up to 03.05.2026: inner")
	require.ErrorIs(t, failure, inner)
}

// An iterator goes on over an odd field.
func TestIteratorsGoOnOverOddFields(t *testing.T) {
	t.Parallel()
	client := clienttest.New(t, clienttest.MemoryAPI(func(call clienttest.MemoryCall) (int, string, error) {
		if call.Query.Get("offset") == "0" {
			return http.StatusOK, `{"clients":[{"id":1,"message_id":"abc"},{"id":2}]}`, nil
		}
		if call.Query.Get("offset") == "2" {
			return http.StatusOK, `{"clients":[{"id":3,"created_at":{}}]}`, nil
		}
		return http.StatusOK, `{"clients":[]}`, nil
	}))
	var ids []salebot.ClientID
	odd := 0
	for record, err := range client.Clients(t.Context(), salebot.ClientsRequest{PageSize: 2}) {
		require.NoError(t, err)
		ids = append(ids, record.ID)
		odd += len(record.Unread)
	}
	require.Equal(t, []salebot.ClientID{1, 2, 3}, ids)
	require.Equal(t, 2, odd)
}
