package salebot

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/answer"
	"github.com/salebot-go/salebot/internal/wire"
)

// The checks and encodings that several actions share.

func requireText(field, value string) error {
	if strings.TrimSpace(value) == "" {
		return invalid(field, "is required")
	}
	return nil
}

func requireClient(field string, client ClientID) error {
	switch {
	case client == 0:
		return invalid(field, "is required")
	case client < 0:
		return invalid(field, "must be positive")
	}
	return nil
}

func putText(o *wire.Object, name, value string) {
	if value != "" {
		o.Text(name, value)
	}
}

func putClientIDs(o *wire.Object, name, field string, clients []ClientID) error {
	list := []byte{'['}
	for i, client := range clients {
		if err := requireClient(field+"["+strconv.Itoa(i)+"]", client); err != nil {
			return err
		}
		if i > 0 {
			list = append(list, ',')
		}
		list = strconv.AppendInt(list, int64(client), 10)
	}
	o.Raw(name, append(list, ']'))
	return nil
}

func putPlatformIDs(o *wire.Object, name, field string, ids []PlatformID) error {
	list := []byte{'['}
	for i, id := range ids {
		if err := requireText(field+"["+strconv.Itoa(i)+"]", string(id)); err != nil {
			return err
		}
		if i > 0 {
			list = append(list, ',')
		}
		list = wire.AppendText(list, string(id))
	}
	o.Raw(name, append(list, ']'))
	return nil
}

// sendTimeLayout is how the API takes a moment: in the project's time zone,
// which it does not name.
const sendTimeLayout = "2006-01-02 15:04:05"

// putSchedule adds the delay or the moment of a call.
func putSchedule(o *wire.Object, s *settings, after time.Duration, at time.Time) error {
	switch {
	case after < 0:
		return invalid("After", "is negative")
	case after > 0 && !at.IsZero():
		return invalid("At", "cannot be combined with After")
	case after > 0:
		o.Seconds("time_shift", after)
	case !at.IsZero():
		if s.location == nil {
			return invalid("At", "needs the time zone of the project: see WithProjectLocation")
		}
		o.Text("send_time", at.In(s.location).Format(sendTimeLayout))
	}
	return nil
}

// The decodings that several actions share.

var (
	errNoID = errors.New("it has no id")
	errNull = errors.New("the data is null")
)

// decodeData finds the data of an answer: the member of an object under one of
// the keys, or the whole body where it is an array. It calls visit with it. A
// refusal counts more than data that cannot be read.
func decodeData(body []byte, keys []string, visit func(value []byte) error) error {
	trimmed := wire.Trim(body)
	switch {
	case len(trimmed) > 0 && trimmed[0] == '[':
		return visit(trimmed)
	case len(trimmed) == 0 || trimmed[0] != '{':
		return answer.Success(body, action.Data)
	}
	var (
		dataError error
		found     bool
		envelope  answer.Envelope
	)
	envelope.DataKeys = keys
	envelope.Data = func(_ string, value []byte) error {
		if !found {
			found, dataError = true, visit(value)
		}
		return nil
	}
	if err := wire.Members(trimmed, envelope.Member); err != nil {
		return err
	}
	switch verdict := envelope.Verdict(); {
	case verdict.Kind != answer.Accepted:
		return verdict
	case !found:
		return answer.ErrNoData
	}
	return dataError
}

// wireItem is an element as it travels; item checks it and makes the public
// type of it.
type wireItem[T, W any] interface {
	*W
	item(raw json.RawMessage) (T, error)
}

// decodeItems reads the list of an answer, under one of the keys or as the whole body.
func decodeItems[T, W any, P wireItem[T, W]](body []byte, s *settings, keys ...string) ([]T, error) {
	var items []T
	err := decodeData(body, keys, func(list []byte) error {
		if wire.IsNull(list) {
			return errNull
		}
		scratch := scratchFor[W]()
		borrowed := scratch.Get().(*[]W)
		defer func() {
			// What was decoded stays with the items; here it would only be kept alive.
			clear(*borrowed)
			*borrowed = (*borrowed)[:0]
			scratch.Put(borrowed)
		}()
		if err := json.Unmarshal(list, borrowed); err != nil {
			return err
		}
		arrived := *borrowed
		var raws []json.RawMessage
		if s.rawItems {
			raws = make([]json.RawMessage, 0, len(arrived))
			if err := wire.Elements(list, func(value []byte) error {
				raws = append(raws, bytes.Clone(value))
				return nil
			}); err != nil {
				return err
			}
		}
		items = make([]T, len(arrived))
		for i := range arrived {
			var raw json.RawMessage
			if s.rawItems {
				raw = raws[i]
			}
			item, err := P(&arrived[i]).item(raw)
			if err != nil {
				return fmt.Errorf("element %d: %w", i, err)
			}
			items[i] = item
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return items, nil
}

// scratches hold the slices into which lists are decoded before their elements are
// checked: by type of the element, since a page is as long as the next.
var scratches sync.Map // reflect.Type → *sync.Pool of *[]W

func scratchFor[W any]() *sync.Pool {
	key := reflect.TypeFor[W]()
	pool, ok := scratches.Load(key)
	if !ok {
		pool, _ = scratches.LoadOrStore(key, &sync.Pool{New: func() any { return new([]W) }})
	}
	return pool.(*sync.Pool)
}

// unmarshalItem reads one element on behalf of its public type.
func unmarshalItem[T, W any, P wireItem[T, W]](target *T, value []byte) error {
	var w W
	if err := json.Unmarshal(value, &w); err != nil {
		return err
	}
	item, err := P(&w).item(nil)
	if err == nil {
		*target = item
	}
	return err
}
