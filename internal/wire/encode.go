package wire

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"
)

// Object writes a JSON object, member by member, in the order of the calls.
// The zero value is ready to use.
type Object struct {
	text []byte
}

// Text adds a member that holds text.
func (o *Object) Text(name, value string) {
	o.name(name)
	o.text = AppendText(o.text, value)
}

// Int adds a member that holds a whole number.
func (o *Object) Int(name string, value int64) {
	o.name(name)
	o.text = strconv.AppendInt(o.text, value, 10)
}

// True adds a member that holds true.
func (o *Object) True(name string) {
	o.name(name)
	o.text = append(o.text, "true"...)
}

// Bool adds a member that holds a flag.
func (o *Object) Bool(name string, value bool) {
	o.name(name)
	o.text = strconv.AppendBool(o.text, value)
}

// Seconds adds a member that holds a duration in seconds.
func (o *Object) Seconds(name string, value time.Duration) {
	o.name(name)
	o.text = AppendSeconds(o.text, value)
}

// Raw adds a member that holds JSON.
func (o *Object) Raw(name string, value []byte) {
	o.name(name)
	o.text = append(o.text, value...)
}

// Any adds a member that holds whatever encoding/json makes of value. Its error
// is returned and the member is left out.
func (o *Object) Any(name string, value any) error {
	text, err := Marshal(value)
	if err != nil {
		return err
	}
	o.Raw(name, text)
	return nil
}

// Bytes closes the object.
func (o *Object) Bytes() []byte {
	if len(o.text) == 0 {
		return []byte("{}")
	}
	return append(o.text, '}')
}

func (o *Object) name(name string) {
	if len(o.text) == 0 {
		if o.text == nil {
			o.text = make([]byte, 0, 128)
		}
		o.text = append(o.text, '{')
	} else {
		o.text = append(o.text, ',')
	}
	o.text = AppendText(o.text, name)
	o.text = append(o.text, ':')
}

// AppendSeconds appends a duration in seconds, exactly and without trailing
// zeros.
func AppendSeconds(text []byte, value time.Duration) []byte {
	if value < 0 {
		text = append(text, '-')
		value = -value
	}
	text = strconv.AppendInt(text, int64(value/time.Second), 10)
	fraction := value % time.Second
	if fraction == 0 {
		return text
	}
	text = append(text, '.')
	for unit := time.Second / 10; fraction > 0; unit /= 10 {
		text = append(text, byte('0'+fraction/unit)) //nolint:gosec // one digit
		fraction %= unit
	}
	return text
}

// AppendText appends text as a JSON string. What JSON can carry as it stands
// is not escaped; invalid UTF-8 becomes U+FFFD.
func AppendText(text []byte, value string) []byte {
	if plain(value) {
		text = append(text, quote)
		text = append(text, value...)
		return append(text, quote)
	}
	// Each generation of encoding/json has its own way with invalid UTF-8.
	encoded, err := Marshal(string([]rune(value)))
	if err != nil {
		// A string always has an encoding.
		panic("wire: " + err.Error())
	}
	return append(text, encoded...)
}

func plain(value string) bool {
	for i := range len(value) {
		if c := value[i]; c < ' ' || c == quote || c == '\\' || c == 0x7f || c == 0xe2 {
			// 0xe2 begins U+2028 and U+2029, which JavaScript readers dislike.
			return false
		}
	}
	return utf8.ValidString(value)
}

// Marshal is json.Marshal without HTML escapes.
func Marshal(value any) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n")), nil
}
