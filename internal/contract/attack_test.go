package contract_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/testkit"
	"github.com/salebot-go/salebot/ledger"
	"github.com/salebot-go/salebot/salebottest"
)

// fullLedger is on a disk that is full.
type fullLedger struct{ ledger.Ledger }

func (fullLedger) Begin(context.Context, ...ledger.Record) ([]ledger.Record, error) {
	return nil, fmt.Errorf("ledger: %w", syscall.ENOSPC)
}

// attack is what somebody does, by mistake or not, after the message "paid" was sent
// under the key "4711" and once as the piece of work "notice" of the key "4711".
type attack struct {
	// do returns the error of the call that must not go out.
	do func(t *testing.T, s *attacked) error
	// want is nil if the error has only words.
	want error
	says string
}

type attacked struct {
	*salebottest.Emulator
	file   *ledger.File
	path   string
	client *salebot.Client
}

func (s *attacked) pay(ctx context.Context, client *salebot.Client, text string, opts ...salebot.CallOption) error {
	_, err := client.Message(ctx, salebot.MessageRequest{ClientID: 1, Message: text}, opts...)
	return err
}

// inside runs something as the piece of work of another key.
func (s *attacked) inside(ctx context.Context, fn func(context.Context) error) error {
	return s.client.RunOnce(ctx, salebot.Work{Name: "notice", Key: "4712"}, fn)
}

var attacks = map[string]attack{
	"the key of another request": {func(t *testing.T, s *attacked) error {
		t.Helper()
		return s.pay(t.Context(), s.client, "shipped", salebot.WithIdempotencyKey("4711"))
	}, salebot.ErrKeyReused, "another request"},
	"the key of another request, in another process": {func(t *testing.T, s *attacked) error {
		t.Helper()
		return s.pay(t.Context(), s.again(t, "shop"), "shipped", salebot.WithIdempotencyKey("4711"))
	}, salebot.ErrKeyReused, "another request"},
	"work that began before the records were kept": {func(t *testing.T, s *attacked) error {
		t.Helper()
		work := salebot.Work{Name: "notice", Key: "old", Since: time.Now().Add(-ledger.DefaultRetention - time.Hour)}
		return s.client.RunOnce(t.Context(), work, func(ctx context.Context) error { return s.pay(ctx, s.client, "old") })
	}, salebot.ErrWorkTooOld, "old"},
	"the ledger of another project": {func(t *testing.T, s *attacked) error {
		t.Helper()
		return s.pay(t.Context(), s.again(t, "another shop"), "paid", salebot.WithIdempotencyKey("4711"))
	}, ledger.ErrOtherProject, "another project"},
	"a full disk": {func(t *testing.T, s *attacked) error {
		t.Helper()
		full := s.Client(t, salebot.WithLedger(fullLedger{s.file}, "shop"))
		return s.pay(t.Context(), full, "shipped", salebot.WithIdempotencyKey("4712"))
	}, syscall.ENOSPC, "no space left"},
	"a full disk, in a piece of work": {func(t *testing.T, s *attacked) error {
		t.Helper()
		full := s.Client(t, salebot.WithLedger(fullLedger{s.file}, "shop"))
		return full.RunOnce(t.Context(), salebot.Work{Name: "notice", Key: "4712"}, func(ctx context.Context) error { return s.pay(ctx, full, "shipped") })
	}, syscall.ENOSPC, "no space left"},
	"a file that somebody changed": {func(t *testing.T, s *attacked) error {
		t.Helper()
		require.NoError(t, s.file.Close())
		text, err := os.ReadFile(s.path)
		require.NoError(t, err)
		text[len(text)/2] ^= 1
		require.NoError(t, os.WriteFile(s.path, text, 0o600))
		_, err = ledger.OpenFile(s.path)
		return err
	}, ledger.ErrDamaged, "line"},
	"a ledger that is closed": {func(t *testing.T, s *attacked) error {
		t.Helper()
		require.NoError(t, s.file.Close())
		return s.pay(t.Context(), s.client, "paid", salebot.WithIdempotencyKey("4711"))
	}, ledger.ErrClosed, "closed"},
	"a ledger that is closed in the middle of a piece of work": {func(t *testing.T, s *attacked) error {
		t.Helper()
		return s.inside(t.Context(), func(ctx context.Context) error {
			require.NoError(t, s.file.Close())
			return s.pay(ctx, s.client, "shipped")
		})
	}, ledger.ErrClosed, "closed"},
	"a ledger that is opened twice": {func(t *testing.T, s *attacked) error {
		t.Helper()
		_, err := ledger.OpenFile(s.path)
		return err
	}, ledger.ErrInUse, "has it open"},
	"work inside its own key": {func(t *testing.T, s *attacked) error {
		t.Helper()
		return s.inside(t.Context(), func(ctx context.Context) error {
			return s.inside(context.WithoutCancel(ctx), func(ctx context.Context) error { return s.pay(ctx, s.client, "shipped") })
		})
	}, salebot.ErrWorkNested, "inside"},
	"work inside its own key, two levels down and by a variant of the client": {func(t *testing.T, s *attacked) error {
		t.Helper()
		variant, err := s.client.With(salebot.WithTimeout(time.Minute))
		require.NoError(t, err)
		return s.inside(t.Context(), func(ctx context.Context) error {
			return s.client.RunOnce(ctx, salebot.Work{Name: "other", Key: "1"}, func(ctx context.Context) error {
				return variant.RunOnce(ctx, salebot.Work{Name: "notice", Key: "4712"}, func(ctx context.Context) error { return s.pay(ctx, variant, "shipped") })
			})
		})
	}, salebot.ErrWorkNested, "inside"},
	"a client without the ledger, in a piece of work": {func(t *testing.T, s *attacked) error {
		t.Helper()
		return s.inside(t.Context(), func(ctx context.Context) error { return s.pay(ctx, s.Client(t), "shipped") })
	}, salebot.ErrOtherLedger, "ledger"},
	"a call after the end of its work": {func(t *testing.T, s *attacked) error {
		t.Helper()
		var kept context.Context
		require.NoError(t, s.inside(t.Context(), func(ctx context.Context) error { kept = ctx; return nil }))
		return s.pay(kept, s.client, "shipped")
	}, salebot.ErrWorkEnded, "ended"},
	"a header of the call": {func(t *testing.T, s *attacked) error {
		t.Helper()
		return s.pay(t.Context(), s.client, "shipped", salebot.WithHeader("idempotency-key", "4711"))
	}, salebot.ErrInvalidRequest, "Idempotency-Key"},
	"a header of all calls": {func(t *testing.T, _ *attacked) error {
		t.Helper()
		_, err := salebot.New(testkit.Key, salebot.WithHeader("X-IDEMPOTENCY-KEY", "4711"))
		return err
	}, nil, "X-Idempotency-Key"},
	"a header of a middleware": {func(t *testing.T, s *attacked) error {
		t.Helper()
		client := s.Client(t, salebot.WithMiddleware(func(ctx context.Context, request *salebot.Request, next salebot.Next) (*salebot.Response, error) {
			return next(ctx, request.WithHeader("X-idempotency-Key", "4711"))
		}))
		return s.pay(t.Context(), client, "shipped")
	}, salebot.ErrInvalidRequest, "X-Idempotency-Key"},
}

// again is the client of another process with the same file.
func (s *attacked) again(t *testing.T, project string) *salebot.Client {
	t.Helper()
	require.NoError(t, s.file.Close())
	file, err := ledger.OpenFile(s.path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = file.Close() })
	return s.Client(t, salebot.WithLedger(file, project))
}

// Whatever somebody does to have a message sent twice, or to lose the record of one, is
// told as what it is, and nothing is sent.
func TestAttacksOnRepetition(t *testing.T) {
	t.Parallel()
	for name, a := range attacks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			emulator := salebottest.New(t, salebottest.WithKey(testkit.Key), salebottest.WithPerson(salebottest.Person{ID: 1}))
			path := filepath.Join(t.TempDir(), "ledger")
			file, err := ledger.OpenFile(path)
			require.NoError(t, err)
			t.Cleanup(func() { _ = file.Close() })
			s := &attacked{emulator, file, path, emulator.Client(t, salebot.WithLedger(file, "shop"))}
			require.NoError(t, s.pay(t.Context(), s.client, "paid", salebot.WithIdempotencyKey("4711")))
			require.NoError(t, s.client.RunOnce(t.Context(), salebot.Work{Name: "notice", Key: "4711"},
				func(ctx context.Context) error { return s.pay(ctx, s.client, "paid") }))
			err = a.do(t, s)
			if a.want != nil {
				require.ErrorIs(t, err, a.want)
			}
			require.ErrorContains(t, err, a.says)
			require.NotErrorIs(t, err, salebot.ErrOutcomeUnknown)
			require.NotContains(t, err.Error(), testkit.Key)
			emulator.AssertCalls(t, "message", 2)
		})
	}
}
