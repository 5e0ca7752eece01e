package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/salebottest"
	"github.com/salebot-go/salebot/sqlite"
	"github.com/salebot-go/salebot/webhook"
)

// The environment of a process that is the bot.
const (
	botFile = "ANSWERINGBOT_TEST_FILE"
	secret  = "not-a-guess"
	// killsVariable is how often TestNobodyIsAnsweredTwice kills the bot.
	killsVariable = "SALEBOT_KILLS"
	fewKills      = 4
)

func TestMain(m *testing.M) {
	if path := os.Getenv(botFile); path != "" {
		if err := bot(path); err != nil {
			log.Fatal(err)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// bot serves until its input ends.
func bot(path string) error {
	log.SetOutput(io.Discard)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(os.Stdout, listener.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	// The emulator shows at once what it was sent. The window is short because after
	// each kill it is waited for.
	return serve(ctx, listener, path, secret, salebot.WithHistoryDelay(200*time.Millisecond), salebot.WithSendWindow(time.Second))
}

// botProcess is a process that is the bot.
type botProcess struct {
	command *exec.Cmd
	input   io.Closer
	address string
}

func start(t *testing.T, server *salebottest.Server, path string) *botProcess {
	t.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), botFile+"="+path, salebot.EnvAPIKey+"="+server.Key(), salebot.EnvBaseURL+"="+server.URL)
	command.Stderr = os.Stderr
	input, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	address, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		_ = command.Process.Kill()
		t.Fatalf("the bot did not start: %v", err)
	}
	return &botProcess{command: command, input: input, address: strings.TrimSpace(address)}
}

func (p *botProcess) kill(t *testing.T) {
	t.Helper()
	if err := p.command.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = p.command.Wait()
	_ = p.input.Close()
}

func (p *botProcess) end(t *testing.T) {
	t.Helper()
	_ = p.input.Close()
	if err := p.command.Wait(); err != nil {
		t.Errorf("the bot ended with %v", err)
	}
}

// post posts a message of a client to the bot.
func (p *botProcess) post(t *testing.T, id int, client salebot.ClientID, text string) {
	t.Helper()
	body := fmt.Sprintf(`{"id":%d,"client":{"id":%d,"recepient":"1"},"message":%q,"is_input":1,"delivered":1}`, id, client, text)
	response, err := http.Post("http://"+p.address+"/webhook/"+secret, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
}

// writer is a person whose messages are posted to the bot in their order, each until it
// is acknowledged.
type writer struct {
	id           salebot.ClientID
	acknowledged int
}

// atOnce bounds what a person writes while a process lives.
const atOnce = 30

// write posts until the context ends or the bot does not answer.
func (w *writer) write(ctx context.Context, client *http.Client, address string) {
	for end := w.acknowledged + atOnce; w.acknowledged < end && ctx.Err() == nil; {
		number := int64(w.id)*1_000_000 + int64(w.acknowledged) + 1
		body := fmt.Sprintf(`{"id":%d,"client":{"id":%d,"recepient":"1"},"message":"%d","is_input":1,"delivered":1}`, number, w.id, number)
		response, err := client.Post("http://"+address+"/webhook/"+secret, "application/json", strings.NewReader(body))
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return
		}
		w.acknowledged++
	}
}

// answers counts the answers of each number.
func (w *writer) answers(server *salebottest.Server) map[string]int {
	answers := map[string]int{}
	for _, message := range server.Messages(w.id) {
		number, _ := strings.CutPrefix(message.Text, "You wrote: ")
		answers[number]++
	}
	return answers
}

// TestNobodyIsAnsweredTwice kills the bot at random moments, while it receives, answers
// and looks for what became of its answers. In the end each message has one answer.
func TestNobodyIsAnsweredTwice(t *testing.T) {
	t.Parallel()
	kills := fewKills
	if text := os.Getenv(killsVariable); text != "" {
		var err error
		if kills, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	writers := make([]*writer, 8)
	people := make([]salebottest.Person, len(writers))
	for n := range writers {
		writers[n] = &writer{id: salebot.ClientID(n + 1)}
		people[n] = salebottest.Person{ID: writers[n].id}
	}
	server := salebottest.NewServer(t, salebottest.WithPeople(people...))
	path := filepath.Join(t.TempDir(), "bot.db")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	// Answers take a moment, so that the bot is often killed while one is under way.
	server.Fail(salebottest.Fault{Action: "message", Delay: 5 * time.Millisecond, Times: salebottest.Always})
	for life := 0; life <= kills; life++ {
		process := start(t, server, path)
		moment := time.Duration(20+rand.IntN(200)) * time.Millisecond
		if life%3 == 2 {
			// Long enough to find out what the last kill left.
			moment += 1500 * time.Millisecond
		}
		ctx, cancel := context.WithTimeout(t.Context(), moment)
		var group sync.WaitGroup
		for _, writer := range writers {
			group.Go(func() { writer.write(ctx, client, process.address) })
		}
		<-ctx.Done()
		if life < kills {
			process.kill(t)
		}
		group.Wait()
		cancel()
		if life == kills {
			waitForAnswers(t, server, writers)
			process.end(t)
		}
	}
	messages, twice, lost := 0, 0, 0
	for _, writer := range writers {
		answers := writer.answers(server)
		messages += writer.acknowledged
		for n := range writer.acknowledged {
			number := strconv.FormatInt(int64(writer.id)*1_000_000+int64(n)+1, 10)
			switch {
			case answers[number] == 0:
				lost++
			case answers[number] > 1:
				twice++
			}
		}
	}
	t.Logf("%d kills: %d messages, %d without an answer, %d answered twice", kills, messages, lost, twice)
	if lost > 0 || twice > 0 || messages == 0 {
		t.Error("the counts are wrong")
	}
}

// waitForAnswers waits until each person has an answer to all that was acknowledged.
func waitForAnswers(t *testing.T, server *salebottest.Server, writers []*writer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for _, writer := range writers {
		last := fmt.Sprintf("You wrote: %d", int64(writer.id)*1_000_000+int64(writer.acknowledged))
		if writer.acknowledged == 0 {
			continue
		}
		if _, err := server.WaitForMessage(ctx, writer.id, func(m salebottest.Message) bool { return m.Text == last }); err != nil {
			t.Errorf("client %d: %v", writer.id, err)
		}
	}
}

// TestWhoAsksForAnOperatorGetsOne posts the question twice, as Salebot may.
func TestWhoAsksForAnOperatorGetsOne(t *testing.T) {
	t.Parallel()
	const ann = salebot.ClientID(25554)
	server := salebottest.NewServer(t,
		salebottest.WithPerson(salebottest.Person{ID: ann}),
		salebottest.WithEmployees(salebottest.Employee{Email: "operator@example.com"}))
	process := start(t, server, filepath.Join(t.TempDir(), "bot.db"))
	for range 2 {
		process.post(t, 1, ann, "Operator")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := server.WaitForCalls(ctx, "message", 1); err != nil {
		t.Error("no message came: ", err)
	}
	process.end(t)
	server.AssertMessage(t, ann, "One of us will answer you soon")
	server.AssertCalls(t, "assign_to_user", 1)
	server.AssertCalls(t, "message", 1)
}

// TestARefusalIsNotTriedAgain has a person to whom the bot cannot write ask twice. The
// second question is taken although the answer to the first one was refused.
func TestARefusalIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	const ann = salebot.ClientID(25554)
	server := salebottest.NewServer(t, salebottest.WithPerson(salebottest.Person{ID: ann}))
	server.Fail(salebottest.Fault{Action: "message", Times: salebottest.Always, Body: `{"status":"error","error":"bot was blocked"}`})
	path := filepath.Join(t.TempDir(), "bot.db")
	process := start(t, server, path)
	for id := range 2 {
		process.post(t, id+1, ann, "Hello")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := server.WaitForCalls(ctx, "message", 2); err != nil {
		t.Error("not both were answered: ", err)
	}
	process.end(t)
	server.AssertCalls(t, "message", 2)
	inbox, err := sqlite.OpenInbox(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = inbox.Close() }()
	given := 0
	for _, err := range inbox.DeadLetters(ctx, webhook.DefaultEndpoint) {
		if err != nil {
			t.Fatal(err)
		}
		given++
	}
	if given != 2 {
		t.Errorf("%d events were given up, not 2", given)
	}
}
