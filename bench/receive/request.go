package receive

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"time"
)

// Post returns what posts an event to a handler, without a server between them.
func Post(ctx context.Context, handler http.Handler, path string) (func(context.Context) error, error) {
	body := Body(1, 1)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, path, nil)
	if err != nil {
		return nil, err
	}
	reader := &replay{}
	request.Body, request.ContentLength = reader, int64(len(body))
	w := &discard{header: http.Header{}}
	return func(context.Context) error {
		reader.Reset(body)
		w.status = http.StatusOK
		handler.ServeHTTP(w, request)
		if w.status != http.StatusOK {
			return fmt.Errorf("answered %d", w.status)
		}
		return nil
	}, nil
}

// replay is a request body that can be read again, so that the request need not be
// made again.
type replay struct{ bytes.Reader }

func (*replay) Close() error { return nil }

// discard is a ResponseWriter that costs nothing.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header             { return d.header }
func (*discard) Write(text []byte) (int, error)    { return len(text), nil }
func (*discard) WriteString(s string) (int, error) { return len(s), nil }
func (d *discard) WriteHeader(status int)          { d.status = status }
func (*discard) SetReadDeadline(time.Time) error   { return nil }
