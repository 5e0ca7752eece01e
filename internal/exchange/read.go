package exchange

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	firstBuffer   = 4 << 10
	largestPooled = 1 << 20
)

// buffer holds a body and what bounds it.
type buffer struct {
	bytes.Buffer
	source io.LimitedReader
}

var buffers = sync.Pool{New: func() any {
	b := new(buffer)
	b.Grow(firstBuffer)
	return b
}}

func putBuffer(b *buffer) {
	b.source.R = nil
	if b.Cap() <= largestPooled {
		b.Reset()
		buffers.Put(b)
	}
}

// errAbandoned says that the body of an answer did not end in time.
var errAbandoned = errors.New("the answer did not end in time")

// readWithin is readAll for a body that may ignore the context it came with. One
// that does not end with the context is left to itself.
func readWithin(ctx context.Context, body io.ReadCloser, length, limit int64) (*buffer, error) {
	done := make(chan readResult, 1)
	go func() {
		var r readResult
		defer func() {
			r.panic = recover()
			done <- r
		}()
		r.buffer, r.err = readAll(body, length, limit)
	}()
	select {
	case r := <-done:
		return r.value()
	case <-ctx.Done():
	}
	// What has come already only has to be copied.
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case r := <-done:
		return r.value()
	case <-timer.C:
		go func() { _ = body.Close() }()
		return new(buffer), fmt.Errorf("%w: %w", errAbandoned, ctx.Err())
	}
}

// grace is how long the end of a body is waited for when the context has ended.
const grace = 100 * time.Millisecond

// readResult is what became of reading a body: bytes and an error, or a panic.
type readResult struct {
	buffer *buffer
	err    error
	panic  any
}

func (r readResult) value() (*buffer, error) {
	if r.panic != nil {
		panic(r.panic)
	}
	return r.buffer, r.err
}

// readAll reads a body of a length that was announced, or -1, to its end, so that
// the connection can be used again, and closes it. What came is returned even with
// an error.
func readAll(body io.ReadCloser, length, limit int64) (*buffer, error) {
	defer func() { _ = body.Close() }()
	b := buffers.Get().(*buffer)
	if length > 0 {
		// Only as much as is kept in the pool: the announcement may be wrong.
		b.Grow(int(min(length, limit, largestPooled-2*bytes.MinRead)) + bytes.MinRead)
	}
	b.source = io.LimitedReader{R: body, N: limit + 1}
	_, err := b.ReadFrom(&b.source)
	if int64(b.Len()) > limit {
		b.Truncate(int(limit))
		err = fmt.Errorf("%w of %d bytes", ErrTooLarge, limit)
	}
	return b, err
}
