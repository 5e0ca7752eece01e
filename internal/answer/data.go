package answer

import (
	"errors"
	"fmt"
	"slices"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/wire"
)

// ErrNull says that the member with the data is null.
var ErrNull = errors.New("the data is null")

// maxDataKeys bounds the keys of Data.
const maxDataKeys = 8

// dataWrappers are the keys under which the data may come if none of its own is there:
// as they are, or once more as an object with a key of their own.
var dataWrappers = [...]string{"result", "data"}

// Data finds the data of an answer: the whole body if it is an array, or else
// what the object has under the first of the keys. The order of the keys decides, never
// that of the answer. visit reports whether a value has any data; if it does not, the
// next key counts. If no key is left, the error is ErrNull. If no key is there at all,
// a wrapper counts. A refusal counts more than data that cannot be read.
func Data(body []byte, keys []string, visit func(value []byte) (found bool, err error)) error {
	trimmed := wire.Body(body)
	switch {
	case len(trimmed) > 0 && trimmed[0] == '[':
		_, err := visit(trimmed)
		return err
	case len(trimmed) == 0 || trimmed[0] != '{':
		if verdict := Success(body, action.Data); verdict.Kind != Accepted {
			return verdict
		}
		return ErrNoData
	}
	members, err := dataMembers(trimmed, keys)
	if err != nil {
		return err
	}
	err = firstData(keys, members.values[:], visit)
	for i, wrapper := range members.wrappers {
		switch {
		case !errors.Is(err, ErrNoData):
			return err
		case wrapper == nil:
		case wrapper[0] == '[':
			err = firstData(dataWrappers[i:], members.wrappers[i:i+1], visit)
		default:
			var inner dataIn
			if inner, err = dataMembers(wrapper, keys); err == nil {
				err = firstData(keys, inner.values[:], visit)
			}
		}
	}
	return err
}

// dataIn is what an object has where data may be.
type dataIn struct {
	// values are those of the keys.
	values [maxDataKeys][]byte
	// wrappers are lists, and objects that have one of the keys.
	wrappers [len(dataWrappers)][]byte
}

// dataMembers returns what an object has under each of the keys. The other members say
// whether it is a success.
func dataMembers(object []byte, keys []string) (found dataIn, err error) {
	var envelope Envelope
	err = wire.Members(object, func(key string, value []byte) error {
		at := slices.Index(dataWrappers[:], key)
		own := slices.Index(keys, key)
		switch {
		case at >= 0 && wrapsData(key, value, keys):
			found.wrappers[at] = value
		case own >= 0 && (key != "result" || value[0] == '[' || value[0] == '{' || wire.IsNull(value)):
			found.values[own] = value
		default:
			// A word or a flag under result says how the action went.
			return envelope.Member(key, value)
		}
		return nil
	})
	if err != nil {
		return found, err
	}
	if verdict := envelope.Verdict(); verdict.Kind != Accepted {
		return found, verdict
	}
	return found, nil
}

// wrapsData reports whether a value under a key that is not one of the data holds the
// data all the same.
func wrapsData(wrapper string, value []byte, keys []string) bool {
	if value[0] == '[' {
		return !slices.Contains(keys, wrapper)
	}
	return value[0] == '{' && hasKey(value, func(key string) bool { return key != wrapper && slices.Contains(keys, key) })
}

func hasKey(object []byte, wanted func(key string) bool) bool {
	for key := range wire.Pairs(object) {
		if wanted(key) {
			return true
		}
	}
	return false
}

// DataObject returns the object in which Data finds a key: the answer itself, or
// one in it.
func DataObject(body []byte, key string) []byte {
	object := wire.Body(body)
	if hasKey(object, func(other string) bool { return other == key }) {
		return object
	}
	for wrapper, value := range wire.Pairs(object) {
		if value[0] == '{' && slices.Contains(dataWrappers[:], wrapper) && wrapsData(wrapper, value, []string{key}) {
			return value
		}
	}
	return object
}

// firstData visits the values in the order of their keys until one has data.
func firstData(keys []string, values [][]byte, visit func(value []byte) (found bool, err error)) error {
	err := ErrNoData
	for i, value := range values {
		switch {
		case value == nil:
			continue
		case wire.IsNull(value):
			err = ErrNull
			continue
		}
		found, problem := visit(value)
		switch {
		case problem != nil:
			return fmt.Errorf("%s: %w", keys[i], problem)
		case found:
			return nil
		}
		err = ErrNull
	}
	return err
}
