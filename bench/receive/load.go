package receive

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const loadVariable = "SALEBOT_BENCH_LOAD"

// Load posts events to the receiver at an address from a process of its own, so that
// the work of sending does not count as the receiver's, and returns the events a
// second that were acknowledged. The numbers of the messages begin after first.
func Load(ctx context.Context, address string, senders int, duration time.Duration, first int64) (perSecond float64, err error) {
	program, err := os.Executable()
	if err != nil {
		return 0, err
	}
	command := exec.CommandContext(ctx, program) //nolint:gosec // this very program
	command.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d %d %d", loadVariable, address, senders, duration.Milliseconds(), first))
	command.Stderr = os.Stderr
	output, err := command.Output()
	if err != nil {
		return 0, fmt.Errorf("sending: %w", err)
	}
	return strconv.ParseFloat(strings.TrimSpace(string(output)), 64)
}

// RunLoad is the other side of Load. It does not return if this process was started
// for it; it has to be called first of all, from main or TestMain.
func RunLoad() {
	task := os.Getenv(loadVariable)
	if task == "" {
		return
	}
	if err := load(task); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func load(task string) error {
	var (
		address       string
		senders       int
		milliseconds  int64
		first         int64
		next, answers atomic.Int64
		group         sync.WaitGroup
		mu            sync.Mutex
		failed        error
	)
	if _, err := fmt.Sscan(task, &address, &senders, &milliseconds, &first); err != nil {
		return err
	}
	next.Store(first)
	// More would wake each other up, at the cost of the receiver.
	runtime.GOMAXPROCS(1)
	begin := time.Now()
	end := begin.Add(time.Duration(milliseconds) * time.Millisecond)
	for range senders {
		group.Go(func() {
			n, err := sendUntil(address, end, &next)
			answers.Add(n)
			if err != nil {
				mu.Lock()
				failed = errors.Join(failed, err)
				mu.Unlock()
			}
		})
	}
	group.Wait()
	fmt.Println(float64(answers.Load()) / time.Since(begin).Seconds())
	return failed
}

// acknowledged is how the answer to an event that was accepted begins.
const acknowledged = "HTTP/1.1 200 OK\r\n"

// sendUntil posts one event after the other over one connection. It does no more
// than it has to, because it shares the processors with the receiver: a request
// differs from the one before by two numbers, and an answer is as long as the first
// one.
func sendUntil(address string, end time.Time, next *atomic.Int64) (sent int64, err error) {
	connection, err := net.Dial("tcp", address) //nolint:noctx // it ends by itself
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, connection.Close()) }()
	body := Body(0, 0)
	request := fmt.Appendf(nil, "POST / HTTP/1.1\r\nHost: receiver\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	message, client := numberOf(request, firstMessage), numberOf(request, firstClient)
	reader := bufio.NewReader(connection)
	length := 0
	for time.Now().Before(end) {
		id := next.Add(1)
		strconv.AppendInt(message[:0], firstMessage+id, 10)
		strconv.AppendInt(client[:0], firstClient+id%1000, 10)
		if _, err := connection.Write(request); err != nil {
			return sent, err
		}
		answer, err := reader.Peek(max(length, len(acknowledged)))
		if err != nil {
			return sent, err
		}
		if !bytes.HasPrefix(answer, []byte(acknowledged)) {
			return sent, fmt.Errorf("answered: %.40q", answer)
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

// numberOf is where a number stands in a request as an id.
func numberOf(request []byte, number int64) []byte {
	text := fmt.Appendf(nil, `"id":%d`, number)
	at := bytes.Index(request, text)
	return request[at+len(`"id":`) : at+len(text)]
}

// answerLength is the length of the answer that the reader stands before.
func answerLength(reader *bufio.Reader) (int, error) {
	for {
		begin, err := reader.Peek(reader.Buffered())
		if err != nil {
			return 0, err
		}
		head, _, whole := bytes.Cut(begin, []byte("\r\n\r\n"))
		if !whole {
			_, err = reader.Peek(len(begin) + 1)
			if err != nil {
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
