package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/ledger"
	"github.com/salebot-go/salebot/salebottest"
)

const ann = salebot.ClientID(25554)

// notice is that of the order 4711.
const notice = `{"client_id": "25554", "order": "4711", "amount": "1990.00"}`

func TestPaidStartsTheBot(t *testing.T) {
	t.Parallel()
	shop := newShop(t, filepath.Join(t.TempDir(), "test.ledger"))
	require.Equal(t, http.StatusOK, shop.post(t.Context(), notice))
	shop.emulator.AssertCallback(t, ann, "order_paid")
	shop.emulator.AssertVariable(t, ann, "amount", "1990.00")
}

// TestAShopThatRepeats does not wait for longer than a second and tries again, while
// the callback takes two.
func TestAShopThatRepeats(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.ledger")
	synctest.Test(t, func(t *testing.T) {
		shop := newShop(t, path)
		shop.emulator.Fail(salebottest.Fault{Action: "callback", Delay: 2 * time.Second})
		var group sync.WaitGroup
		for n := range 4 {
			group.Go(func() {
				<-time.After(time.Duration(n) * time.Second)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				shop.post(ctx, notice)
			})
		}
		group.Wait()
		shop.emulator.AssertCalls(t, "callback", 1)
		require.Equal(t, http.StatusOK, shop.post(t.Context(), notice))
		require.Equal(t, http.StatusOK, shop.post(t.Context(), strings.ReplaceAll(notice, "4711", "4712")))
		shop.emulator.AssertCalls(t, "callback", 2)
	})
}

// TestAnAnswerThatDidNotCome does not start the bot a second time, in this process or
// the next one.
func TestAnAnswerThatDidNotCome(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.ledger")
	synctest.Test(t, func(t *testing.T) {
		shop := newShop(t, path)
		shop.emulator.Fail(salebottest.Fault{Action: "callback", Reset: salebottest.ResetAfter})
		shop.post(t.Context(), notice)
		require.NoError(t, shop.records.Close())

		records, err := ledger.OpenFile(path)
		require.NoError(t, err)
		t.Cleanup(func() { _ = records.Close() })
		shop.handler = handler(shop.emulator.Client(t, options(records)...))
		shop.post(t.Context(), notice)
		shop.emulator.AssertCalls(t, "callback", 1)
	})
}

// TestACallbackThatWasLost starts the bot when the shop repeats its notice after the time
// that Salebot takes to write a callback down.
func TestACallbackThatWasLost(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.ledger")
	synctest.Test(t, func(t *testing.T) {
		shop := newShop(t, path)
		shop.emulator.Fail(salebottest.Fault{Action: "callback", Reset: salebottest.ResetBefore})
		require.Equal(t, http.StatusServiceUnavailable, shop.post(t.Context(), notice))
		time.Sleep(2 * time.Minute)
		require.Equal(t, http.StatusOK, shop.post(t.Context(), notice))
		shop.emulator.AssertCallback(t, ann, "order_paid")
	})
}

// TestAClientThatIsGone while it is not known whether the bot was started is no reason
// to tell the shop that nothing was done.
func TestAClientThatIsGone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.ledger")
	synctest.Test(t, func(t *testing.T) {
		shop := newShop(t, path)
		shop.emulator.Fail(salebottest.Fault{Action: "callback", Reset: salebottest.ResetAfter})
		require.Equal(t, http.StatusServiceUnavailable, shop.post(t.Context(), notice))
		shop.emulator.Fail(salebottest.Fault{Times: salebottest.Always, Status: http.StatusNotFound, Body: `{"error":"client_not_found"}`})
		require.Equal(t, http.StatusServiceUnavailable, shop.post(t.Context(), notice))
	})
}

// TestANoticeThatChanged is about another client than the one before, which began and
// did not end: the shop is told not to repeat it.
func TestANoticeThatChanged(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.ledger")
	synctest.Test(t, func(t *testing.T) {
		shop := newShop(t, path)
		shop.emulator.Fail(salebottest.Fault{Action: "callback", Reset: salebottest.ResetAfter})
		require.Equal(t, http.StatusServiceUnavailable, shop.post(t.Context(), notice))
		require.Equal(t, http.StatusConflict, shop.post(t.Context(), strings.ReplaceAll(notice, "25554", "25555")))
		shop.emulator.AssertCalls(t, "callback", 1)
	})
}

func TestPaidRefusesAnUnknownClient(t *testing.T) {
	t.Parallel()
	shop := newShop(t, filepath.Join(t.TempDir(), "test.ledger"))
	require.Equal(t, http.StatusUnprocessableEntity, shop.post(t.Context(), `{"client_id": 404, "order": "4711"}`))
}

// shop posts notices to the service.
type shop struct {
	emulator *salebottest.Emulator
	records  *ledger.File
	handler  http.Handler
}

func newShop(t *testing.T, path string) *shop {
	t.Helper()
	records, err := ledger.OpenFile(path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = records.Close() })
	emulator := salebottest.New(t, salebottest.WithPeople(salebottest.Person{ID: ann, Name: "Ann"}, salebottest.Person{ID: 25555, Name: "Bob"}))
	return &shop{emulator: emulator, records: records, handler: handler(emulator.Client(t, options(records)...))}
}

func (s *shop) post(ctx context.Context, body string) (status int) {
	recorder := httptest.NewRecorder()
	request := httptest.NewRequestWithContext(ctx, http.MethodPost, "/paid", strings.NewReader(body))
	s.handler.ServeHTTP(recorder, request)
	return recorder.Code
}
