package salebot

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/salebot-go/salebot/internal/answer"
	"github.com/salebot-go/salebot/internal/record"
	"github.com/salebot-go/salebot/internal/wire"
)

// The checks and encodings that several actions share.

func requireText(field, value string) error {
	if strings.TrimSpace(value) == "" {
		return invalid(field, "is required")
	}
	return checkText(field, value)
}

// checkText refuses what a person would get as question marks, such as a text in an
// older encoding: JSON has only Unicode.
func checkText(field, value string) error {
	if !utf8.ValidString(value) {
		return invalid(field, "is not valid UTF-8: convert it from its encoding first")
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
	errNoID     = errors.New("it has no id")
	errPositive = errors.New("want a positive whole number")
	errSeveral  = errors.New("want one number, and not several")
)

// decodeList reads the list of records of an answer, under one of the keys or as
// the whole body.
func decodeList[T any](body []byte, s *settings, form *record.Type[T], keys ...string) ([]T, error) {
	var items []T
	err := answer.Data(body, keys, func(list []byte) (bool, error) {
		read, err := form.List(list, s.reading())
		if err == nil {
			items = read
		}
		return len(read) > 0, err
	})
	if errors.Is(err, answer.ErrNull) && items != nil {
		// It is there, and empty.
		err = nil
	}
	return items, err
}

// reading says how the records of answers are read.
func (s *settings) reading() record.Options { return record.Options{Raw: s.rawItems, Strict: s.strict} }

// unmarshalRecord reads one record on behalf of encoding/json.
func unmarshalRecord[T any](target *T, form *record.Type[T], value []byte) error {
	read, err := form.One(value, record.Options{})
	if err == nil {
		*target = read
	}
	return err
}

// decodeNumbers reads the numbers of something in an answer: one, or a list. There
// may be none.
func decodeNumbers[T ~int64](body []byte, keys ...string) ([]T, error) {
	var numbers []T
	err := answer.Data(body, keys, func(value []byte) (found bool, err error) {
		numbers, err = readNumbers[T](value)
		return len(numbers) > 0, err
	})
	if errors.Is(err, answer.ErrNull) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return numbers, nil
}

// readNumbers reads one number, which may stand for none, or a list of them.
func readNumbers[T ~int64](value []byte) ([]T, error) {
	var numbers []T
	element := func(value []byte) error {
		n, err := record.Positive(value)
		if err == nil && n == 0 {
			err = errPositive
		}
		if err != nil {
			return fmt.Errorf("element %d: %w", len(numbers), err)
		}
		numbers = append(numbers, T(n))
		return nil
	}
	switch value[0] {
	case '[':
		return numbers, wire.Elements(value, element)
	case '{':
		// So PHP writes a list with gaps.
		return numbers, wire.Members(value, func(name string, value []byte) error {
			if name == "" || strings.Trim(name, "0123456789") != "" {
				return errPositive
			}
			return element(value)
		})
	}
	n, err := record.Positive(value)
	if err == nil && n != 0 {
		numbers = append(numbers, T(n))
	}
	return numbers, err
}

// decodeNumber reads the one number of an answer, which may come as a list of one; 0 if
// it has none.
func decodeNumber[T ~int64](body []byte, key string) (T, error) {
	numbers, err := decodeNumbers[T](body, key)
	switch {
	case err != nil, len(numbers) == 0:
		return 0, err
	case len(numbers) > 1:
		return 0, errSeveral
	}
	return numbers[0], nil
}

// decodeFlag reads the yes or no of an answer, which must be there.
func decodeFlag(body []byte, key string) (flag bool, err error) {
	err = answer.Data(body, []string{key}, func(value []byte) (known bool, err error) {
		flag, known, err = wire.Flag(value)
		return known, err
	})
	return flag, err
}

// isUnset reports whether a value stands for none: null, an empty text, or a word
// that says so.
func isUnset(value []byte) bool {
	text, err := wire.Text(value)
	return err == nil && wire.IsUnset(strings.TrimSpace(text))
}

// countUnread counts the odd fields of a result.
func countUnread(result any) int {
	switch result := result.(type) {
	case []ClientRecord:
		return countIn(result, func(r *ClientRecord) []string { return r.Unread })
	case []HistoryItem:
		return countIn(result, func(r *HistoryItem) []string { return r.Unread })
	case []LoadedClient:
		return countIn(result, func(r *LoadedClient) []string { return r.Unread })
	case []Block:
		return countIn(result, func(r *Block) []string { return r.Unread })
	case *ConnectedChannels:
		if result != nil {
			return len(result.Unread) + countIn(result.Channels, func(r *Channel) []string { return r.Unread })
		}
	case *InstagramSubscription:
		if result != nil {
			return len(result.Unread)
		}
	case *SentCallbacks:
		if result != nil {
			return len(result.Unread)
		}
	}
	return 0
}

// countIn counts the odd fields of records.
func countIn[T any](records []T, unread func(*T) []string) int {
	count := 0
	for i := range records {
		count += len(unread(&records[i]))
	}
	return count
}

// emptyIfNotFound turns an answer that says that nobody was found into an empty result.
func emptyIfNotFound[T any](found []T, err error) ([]T, error) {
	if errors.Is(err, ErrNotFound) {
		return []T{}, nil
	}
	if err == nil && found == nil {
		found = []T{}
	}
	return found, err
}
