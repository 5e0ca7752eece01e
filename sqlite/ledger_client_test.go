package sqlite_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/ledger"
	"github.com/salebot-go/salebot/salebottest"
	"github.com/salebot-go/salebot/sqlite"
)

// What a client says and hears, none of which may be in a ledger.
const (
	secretKey    = "apikey0123456789"
	secretText   = "Your parcel is at the corner shop"
	secretAnswer = "the answer's own words"
	secretPhone  = "79990001122"
	secretOrder  = "order 4711 of Ann"
	secretStep   = "step of the answer"
	secretWork   = "notice of a payment"
)

// talkative answers every request in words of its own.
type talkative struct{ status int }

func (a talkative) RoundTrip(*http.Request) (*http.Response, error) {
	word := "success"
	if a.status == http.StatusBadRequest {
		word = "fail"
	}
	body := `{"status":"` + word + `","note":"` + secretAnswer + `"}`
	return &http.Response{StatusCode: a.status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader([]byte(body)))}, nil
}

// TestLedgerKeepsNoSecrets checks the files of a ledger, and of an inbox with one, while
// they are open and afterwards.
func TestLedgerKeepsNoSecrets(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	own := openLedger(t, filepath.Join(folder, "ledger.db"))
	inbox, err := sqlite.OpenInbox(filepath.Join(folder, "inbox.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = inbox.Close() }()
	inside, err := inbox.Ledger()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []*sqlite.Ledger{own, inside} {
		for status, wanted := range map[int]error{http.StatusOK: nil, http.StatusBadRequest: salebot.ErrRejected, http.StatusBadGateway: salebot.ErrOutcomeUnknown} {
			talk(t, l, status, wanted)
		}
	}
	wantNoSecrets(t, folder)
	for _, closer := range []io.Closer{own, inbox} {
		if err := closer.Close(); err != nil {
			t.Fatal(err)
		}
	}
	wantNoSecrets(t, folder)
}

// talk makes calls of all kinds that are recorded.
func talk(t *testing.T, l *sqlite.Ledger, status int, wanted error) {
	t.Helper()
	client, err := salebot.New(secretKey, salebot.WithTransport(talkative{status}), salebot.WithLedger(l, "shop"), salebot.WithoutRetries())
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	message := salebot.MessageRequest{ClientID: 25554, Message: secretText}
	work := salebot.Work{Name: secretWork, Key: secretOrder + http.StatusText(status)}
	for name, call := range map[string]func() error{
		"a key": func() error {
			_, err := client.Message(ctx, message, salebot.WithIdempotencyKey(secretOrder+http.StatusText(status)))
			return err
		},
		"a phone": func() error {
			_, err := client.WhatsAppMessage(ctx, salebot.WhatsAppMessageRequest{Phone: secretPhone, Message: secretText},
				salebot.WithIdempotencyKey(secretPhone+http.StatusText(status)))
			return err
		},
		"work": func() error {
			return client.RunOnce(ctx, work, func(ctx context.Context) error {
				_, err := client.Message(ctx, message, salebot.WithStep(secretStep))
				return err
			})
		},
		"a run": func() error {
			_, err := salebot.ForEach(ctx, client, salebot.Items([]string{secretOrder}), salebot.BulkOptions{Name: secretWork + http.StatusText(status)},
				func(order string) string { return order },
				func(ctx context.Context, _ string) error {
					_, err := client.Message(ctx, message)
					return err
				})
			if wanted != nil && errors.Is(err, salebot.ErrNotAllAccepted) {
				return wanted
			}
			return err
		},
	} {
		if err := call(); !errors.Is(err, wanted) {
			t.Errorf("%s with an answer of %d: %v, want %v", name, status, err, wanted)
		}
	}
}

// wantNoSecrets looks through all files of a folder.
func wantNoSecrets(t *testing.T, folder string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	size := 0
	for _, entry := range entries {
		content, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		size += len(content)
		for _, secret := range []string{secretKey, secretText, secretAnswer, secretPhone, secretOrder, secretStep, secretWork, "25554"} {
			for _, written := range []string{secret, hex.EncodeToString([]byte(secret)), base64.StdEncoding.EncodeToString([]byte(secret))} {
				if bytes.Contains(content, []byte(written)) {
					t.Errorf("%s has %q", entry.Name(), written)
				}
			}
		}
	}
	if size < 100_000 {
		t.Fatalf("%d bytes were looked through: the ledgers are not there", size)
	}
}

// TestLedgerThatCannotBeUsed checks that nothing is sent with a ledger that is closed,
// or damaged, and that the error says so.
func TestLedgerThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(t *testing.T, path string, l *sqlite.Ledger) error{
		"closed": func(t *testing.T, _ string, l *sqlite.Ledger) error {
			t.Helper()
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			return ledger.ErrClosed
		},
		"damaged": func(t *testing.T, path string, _ *sqlite.Ledger) error {
			t.Helper()
			sqlite.OpenDatabase(t, path).Execute(t, "UPDATE ledger_record SET state = 2")
			return sqlite.ErrDamaged
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			emulator := salebottest.New(t, salebottest.WithPerson(salebottest.Person{ID: 1}))
			path := filepath.Join(t.TempDir(), "ledger.db")
			l := openLedger(t, path)
			client := emulator.Client(t, salebot.WithLedger(l, "shop"))
			call := func(key string) error {
				_, err := client.Message(t.Context(), salebot.MessageRequest{ClientID: 1, Message: "paid"}, salebot.WithIdempotencyKey(key))
				return err
			}
			if err := call("first"); err != nil {
				t.Fatal(err)
			}
			want := spoil(t, path, l)
			err := call("first")
			var failure *salebot.OpError
			if !errors.Is(err, want) || !errors.As(err, &failure) || failure.Outcome == salebot.OutcomeAccepted {
				t.Errorf("%v, want %v", err, want)
			}
			emulator.AssertCalls(t, "message", 1)
		})
	}
}
