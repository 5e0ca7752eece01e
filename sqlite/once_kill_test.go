package sqlite_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/ledger"
	"github.com/salebot-go/salebot/salebottest"
	"github.com/salebot-go/salebot/sqlite"
)

// What a test tells the process that is killed at a step.
const (
	onceForm    = "SQLITE_TEST_ONCE_FORM"
	onceLedger  = "SQLITE_TEST_ONCE_LEDGER"
	onceServer  = "SQLITE_TEST_ONCE_SERVER"
	onceWorkers = "SQLITE_TEST_ONCE_WORKERS"
	onceStep    = "SQLITE_TEST_ONCE_STEP"
	onceNumber  = "SQLITE_TEST_ONCE_NUMBER"
)

// The steps of a call and of a piece of work at which a process is killed.
const (
	beforeRecord = "before the record"
	afterRecord  = "between the record and the sending"
	afterAnswer  = "while the answer is on its way"
	beforeEnd    = "between the answer and its record"
	afterEnd     = "after the record of the answer"
	beforeDone   = "before the record that the work is done"
)

const (
	oncePeople = 3
	// onceWindow is how long a request may be written after its record, and onceDelay
	// how long the history takes.
	onceWindow = 500 * time.Millisecond
	onceDelay  = 50 * time.Millisecond
	onceBound  = 2 * time.Minute
)

func init() { roles["once"] = onceVictim }

// halting is what stops a process when it comes to a step for the nth time. From
// there on it takes no other step.
type halting struct {
	step   string
	number int
	mutex  sync.Mutex
}

func (h *halting) at(step string) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if step != h.step {
		return
	}
	if h.number--; h.number == 0 {
		_, _ = fmt.Fprintln(os.Stdout, "at the step")
		_, _ = io.Copy(io.Discard, os.Stdin)
	}
}

// haltingLedger is the ledger of such a process.
type haltingLedger struct {
	ledger.Ledger
	*halting
}

func (l haltingLedger) Begin(ctx context.Context, records ...ledger.Record) ([]ledger.Record, error) {
	if records[0].IsWork() {
		return l.Ledger.Begin(ctx, records...)
	}
	l.at(beforeRecord)
	begun, err := l.Ledger.Begin(ctx, records...)
	l.at(afterRecord)
	return begun, err
}

func (l haltingLedger) End(ctx context.Context, records ...ledger.Record) ([]ledger.Record, error) {
	if records[0].IsWork() {
		l.at(beforeDone)
		return l.Ledger.End(ctx, records...)
	}
	l.at(beforeEnd)
	ended, err := l.Ledger.End(ctx, records...)
	l.at(afterEnd)
	return ended, err
}

// haltingTransport is its network.
type haltingTransport struct {
	inner http.RoundTripper
	*halting
}

func (t haltingTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := t.inner.RoundTrip(request)
	if strings.HasSuffix(request.URL.Path, "/message") {
		t.at(afterAnswer)
	}
	return response, err
}

func openOnce(form, path string) (ledger.Ledger, io.Closer, error) {
	if form == "file" {
		l, err := ledger.OpenFile(path)
		return l, l, err
	}
	l, err := sqlite.OpenLedger(path)
	return l, l, err
}

// onceCampaign sends two messages to everybody.
func onceCampaign(ctx context.Context, key, server string, workers int, opts ...salebot.Option) (*salebot.BulkReport, error) {
	client, err := salebot.New(key, append([]salebot.Option{
		salebot.WithBaseURL(server), salebot.WithSendWindow(onceWindow), salebot.WithHistoryDelay(onceDelay), salebot.WithTimeout(onceBound),
	}, opts...)...)
	if err != nil {
		return nil, err
	}
	defer client.CloseIdleConnections()
	var people []salebot.ClientID
	for id := range salebot.ClientID(oncePeople) {
		people = append(people, id+1)
	}
	return salebot.ForEach(ctx, client, salebot.Items(people), salebot.BulkOptions{Name: "spring", Workers: workers},
		func(id salebot.ClientID) salebot.ClientID { return id },
		func(ctx context.Context, id salebot.ClientID) error {
			for _, text := range []string{"one", "two"} {
				if _, err := client.Message(ctx, salebot.MessageRequest{ClientID: id, Message: text}); err != nil {
					return err
				}
			}
			return nil
		})
}

// onceVictim is the process that is killed.
func onceVictim() error {
	l, closer, err := openOnce(os.Getenv(onceForm), os.Getenv(onceLedger))
	if err != nil {
		return err
	}
	number, _ := strconv.Atoi(os.Getenv(onceNumber))
	workers, _ := strconv.Atoi(os.Getenv(onceWorkers))
	halt := &halting{step: os.Getenv(onceStep), number: number}
	transport := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // it is net/http's own
	_, err = onceCampaign(context.Background(), os.Getenv(salebot.EnvAPIKey), os.Getenv(onceServer), workers,
		salebot.WithLedger(haltingLedger{l, halt}, "shop"), salebot.WithTransport(haltingTransport{transport, halt}))
	return errors.Join(err, closer.Close())
}

// onceCase is one death.
type onceCase struct {
	form, step      string
	number, workers int
	// beside says that another process runs the campaign at the same time.
	beside bool
}

// run kills a process at its step, runs the campaign to its end, and reports whether
// the process came to that step.
func (c onceCase) run(ctx context.Context, folder string) (killed bool, err error) {
	var people []salebottest.Person
	for id := range salebot.ClientID(oncePeople) {
		people = append(people, salebottest.Person{ID: id + 1})
	}
	server, err := salebottest.Start(salebottest.WithPeople(people...))
	if err != nil {
		return false, err
	}
	defer server.Close()
	path := filepath.Join(folder, fmt.Sprintf("%s %s %d %d %v", c.form, c.step, c.number, c.workers, c.beside))
	command := exec.CommandContext(ctx, os.Args[0])
	command.Env = append(os.Environ(), role+"=once", salebot.EnvAPIKey+"="+server.Key(), onceServer+"="+server.URL, onceLedger+"="+path,
		onceForm+"="+c.form, onceStep+"="+c.step, onceNumber+"="+strconv.Itoa(c.number), onceWorkers+"="+strconv.Itoa(c.workers))
	command.Stderr = os.Stderr
	if _, err := command.StdinPipe(); err != nil {
		return false, err
	}
	output, err := command.StdoutPipe()
	if err != nil {
		return false, err
	}
	if err := command.Start(); err != nil {
		return false, err
	}
	killed = bufio.NewScanner(output).Scan()
	var end func() error
	if killed {
		end = func() error {
			err := command.Process.Kill()
			_ = command.Wait() // it was killed
			return err
		}
	} else {
		end = command.Wait
	}
	if !c.beside {
		if err := end(); err != nil {
			return false, err
		}
		end = nil
	}
	return killed, errors.Join(c.finish(ctx, server, path, end), c.told(server))
}

// meeting is a ledger that tells when the campaign came to a record of another.
type meeting struct {
	ledger.Ledger
	once sync.Once
	met  func()
}

func (m *meeting) Alive(ctx context.Context, holder string) (bool, error) {
	alive, err := m.Ledger.Alive(ctx, holder)
	m.once.Do(m.met)
	return alive, err
}

// finish runs the campaign. If there is a process beside it, that ends when they meet.
func (c onceCase) finish(ctx context.Context, server *salebottest.Server, path string, end func() error) error {
	l, closer, err := openOnce(c.form, path)
	if err != nil {
		return err
	}
	var ended error
	if end != nil {
		m := &meeting{Ledger: l}
		m.met = func() { ended = end() }
		l = m
		defer m.once.Do(m.met)
	}
	report, err := onceCampaign(ctx, server.Key(), server.URL, c.workers, salebot.WithLedger(l, "shop"))
	if m, ok := l.(*meeting); ok {
		m.once.Do(m.met)
	}
	if err := errors.Join(err, ended, closer.Close()); err != nil {
		return fmt.Errorf("%w: %+v", err, report)
	}
	if report.Accepted != oncePeople || report.Unknown > 0 {
		return fmt.Errorf("%+v", report)
	}
	return nil
}

// told says if somebody did not get both messages once.
func (c onceCase) told(server *salebottest.Server) error {
	var wrong []error
	for id := range salebot.ClientID(oncePeople) {
		var got []string
		for _, message := range server.History(id + 1) {
			got = append(got, message.Text)
		}
		if !slices.Equal(got, []string{"one", "two"}) {
			wrong = append(wrong, fmt.Errorf("%d got %q", id+1, got))
		}
	}
	return errors.Join(wrong...)
}

// TestCampaignKillAtEveryStep kills a process at each step of a call, the first, the
// second and the last time that it comes there. Whoever runs the campaign then, or is
// running it meanwhile, sends nothing twice, loses nothing and leaves nothing unknown.
func TestCampaignKillAtEveryStep(t *testing.T) {
	t.Parallel()
	steps := []string{beforeRecord, afterRecord, afterAnswer, beforeEnd, afterEnd, beforeDone}
	var deaths atomic.Int64
	t.Cleanup(func() { t.Logf("deaths: %d", deaths.Load()) })
	for _, shape := range []onceCase{{form: "file"}, {form: "sqlite"}, {form: "sqlite", beside: true}} {
		for _, workers := range []int{1, 2, 16} {
			shape.workers = workers
			all := shape
			t.Run(fmt.Sprintf("%s, %d workers, two processes %v", shape.form, shape.workers, shape.beside), func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithTimeout(t.Context(), onceBound)
				defer cancel()
				folder := t.TempDir()
				// They mostly wait for the history.
				places := make(chan struct{}, 6)
				var group sync.WaitGroup
				for _, step := range steps {
					for _, number := range []int{1, 2, 2 * oncePeople} {
						group.Go(func() {
							places <- struct{}{}
							defer func() { <-places }()
							c := all
							c.step, c.number = step, number
							killed, err := c.run(ctx, folder)
							if err != nil {
								t.Errorf("%s, number %d: %v", step, number, err)
							}
							if want := step != beforeDone || number <= oncePeople; killed != want {
								t.Errorf("%s, number %d: killed %v", step, number, killed)
							}
							if killed {
								deaths.Add(1)
							}
						})
					}
				}
				group.Wait()
			})
		}
	}
}
