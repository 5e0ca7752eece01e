package sqliteinbox_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
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
		address             string
		senders, millis     int
		first, acknowledged atomic.Int64
		start               int64
	)
	if _, err := fmt.Sscanf(os.Getenv("LOAD"), "%s %d %d %d", &address, &senders, &millis, &start); err != nil {
		return err
	}
	first.Store(start)
	var group sync.WaitGroup
	failures := make(chan error, senders)
	began := time.Now()
	end := began.Add(time.Duration(millis) * time.Millisecond)
	for range senders {
		group.Go(func() {
			n, err := sendUntil(address, end, &first)
			acknowledged.Add(n)
			if err != nil {
				failures <- err
			}
		})
	}
	group.Wait()
	close(failures)
	_, _ = fmt.Fprintln(os.Stdout, float64(acknowledged.Load())/time.Since(began).Seconds())
	return <-failures
}

// sendUntil posts one event after the other over one connection. It does no more
// than it has to, because it shares the processors with the receiver.
func sendUntil(address string, end time.Time, next *atomic.Int64) (sent int64, err error) {
	connection, err := net.Dial("tcp", address)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, connection.Close()) }()
	reader := bufio.NewReader(connection)
	body := fmt.Sprintf(loadBody, 0, 0)
	var request []byte
	for time.Now().Before(end) {
		id := next.Add(1)
		request = fmt.Appendf(request[:0], "POST / HTTP/1.1\r\nHost: receiver\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", len(body))
		// Numbers with leading zeros are no JSON.
		request = fmt.Appendf(request, loadBody, id+1_000_000_000_000_000_000, id%1000+1_000_000_000)
		if _, err := connection.Write(request); err != nil {
			return sent, err
		}
		status, length := "", 0
		for line := 0; ; line++ {
			text, err := reader.ReadString('\n')
			if err != nil {
				return sent, err
			}
			text = strings.TrimSpace(text)
			if line == 0 {
				status = text
			}
			if text == "" {
				break
			}
			if value, found := strings.CutPrefix(text, "Content-Length: "); found {
				length, _ = strconv.Atoi(value)
			}
		}
		if _, err := reader.Discard(length); err != nil {
			return sent, err
		}
		if status != "HTTP/1.1 200 OK" {
			return sent, fmt.Errorf("%s", status)
		}
		sent++
	}
	return sent, nil
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
