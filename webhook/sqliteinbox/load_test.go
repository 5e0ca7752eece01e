package sqliteinbox_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// loadBody is a body of the usual size; the message's number has to be put in.
const loadBody = `{"id":%019d,"client":{"id":%010d,"recepient":"6250000000","client_type":1,"name":"Анна Ли","avatar":null,` +
	`"created_at":"2026-05-28 17:33:42.539976","tag":null,"group":"MyBot","variables":{"tg_username":"annlee","class":"A","utm_source":null,` +
	`"city":"Санкт-Петербург","visits":"14","last_order":"A-17"}},` +
	`"message":"Здравствуйте! Где мой заказ?","attachments":["https://files.example/a.png"],"message_id":null,"project_id":424000,"is_input":1,"delivered":1,"error_message":null,"internal_id":"123456789"}`

// load posts events to an address from a process of its own, so that the work of
// sending does not count as the receiver's, and returns the events a second that
// were acknowledged.
func load(tb testing.TB, address string, senders int, duration time.Duration, first int64) (perSecond float64) {
	tb.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), role+"=load", fmt.Sprintf("LOAD=%s %d %d %d", address, senders, duration.Milliseconds(), first))
	command.Stderr = os.Stderr
	output, err := command.Output()
	if err != nil {
		tb.Fatalf("load: %v", err)
	}
	perSecond, err = strconv.ParseFloat(strings.TrimSpace(string(output)), 64)
	if err != nil {
		tb.Fatal(err)
	}
	return perSecond
}

// generateLoad is the process that sends.
func generateLoad() error {
	var (
		address         string
		senders, millis int
		first, answered atomic.Int64
		start           int64
	)
	if _, err := fmt.Sscanf(os.Getenv("LOAD"), "%s %d %d %d", &address, &senders, &millis, &start); err != nil {
		return err
	}
	first.Store(start)
	// More would wake each other up, at the cost of the receiver.
	runtime.GOMAXPROCS(1)
	var group sync.WaitGroup
	failures := make(chan error, senders)
	began := time.Now()
	end := began.Add(time.Duration(millis) * time.Millisecond)
	for range senders {
		group.Go(func() {
			n, err := sendUntil(address, end, &first)
			answered.Add(n)
			if err != nil {
				failures <- err
			}
		})
	}
	group.Wait()
	close(failures)
	_, _ = fmt.Fprintln(os.Stdout, float64(answered.Load())/time.Since(began).Seconds())
	return <-failures
}

// sendUntil posts one event after the other over one connection. It does no more
// than it has to, because it shares the processors with the receiver: a request
// differs from the one before by two numbers, and an answer is as long as the first
// one.
func sendUntil(address string, end time.Time, next *atomic.Int64) (sent int64, err error) {
	connection, err := net.Dial("tcp", address)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, connection.Close()) }()
	body := fmt.Sprintf(loadBody, 0, 0)
	request := fmt.Appendf(nil, "POST / HTTP/1.1\r\nHost: receiver\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	message := request[bytes.Index(request, []byte(`"id":`))+len(`"id":`):][:messageDigits]
	client := request[bytes.LastIndex(request, []byte(`"id":`))+len(`"id":`):][:clientDigits]
	reader := bufio.NewReader(connection)
	length := 0
	for time.Now().Before(end) {
		id := next.Add(1)
		// Numbers with leading zeros are no JSON.
		strconv.AppendInt(message[:0], id+1_000_000_000_000_000_000, 10)
		strconv.AppendInt(client[:0], id%1000+1_000_000_000, 10)
		if _, err := connection.Write(request); err != nil {
			return sent, err
		}
		answer, err := reader.Peek(max(length, len(acknowledged)))
		if err != nil {
			return sent, err
		}
		if !bytes.HasPrefix(answer, []byte(acknowledged)) {
			return sent, fmt.Errorf("%.40q", answer)
		}
		if length == 0 {
			if length, err = answerLength(reader); err != nil {
				return sent, err
			}
		}
		if _, err := reader.Discard(length); err != nil {
			return sent, err
		}
		sent++
	}
	return sent, nil
}

const (
	messageDigits, clientDigits = 19, 10
	acknowledged                = "HTTP/1.1 200 OK\r\n"
)

// answerLength is the length of the answer that the reader stands before.
func answerLength(reader *bufio.Reader) (int, error) {
	for {
		begin, err := reader.Peek(max(reader.Buffered(), 1))
		if err != nil {
			return 0, err
		}
		head, _, whole := bytes.Cut(begin, []byte("\r\n\r\n"))
		if !whole {
			if _, err := reader.Peek(reader.Buffered() + 1); err != nil {
				return 0, err
			}
			continue
		}
		_, text, _ := bytes.Cut(head, []byte("Content-Length: "))
		text, _, _ = bytes.Cut(text, []byte("\r\n"))
		length, err := strconv.Atoi(string(text))
		return len(head) + len("\r\n\r\n") + length, err
	}
}

// serve serves a handler on a port of this machine until the test ends.
func serve(tb testing.TB, handler http.Handler) (address string) {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	tb.Cleanup(func() {
		_ = server.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, io.EOF) {
			tb.Error(err)
		}
	})
	return listener.Addr().String()
}
