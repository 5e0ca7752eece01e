package emulator

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"
)

// Duration is a time in files and in the control API: text such as "1.5s" or
// "2h", or a number of seconds.
type Duration time.Duration

// MarshalText writes a duration as text.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads a duration. A bare number is seconds.
func (d *Duration) UnmarshalText(text []byte) error {
	if seconds, err := strconv.ParseFloat(string(text), 64); err == nil {
		if math.Abs(seconds) >= float64(math.MaxInt64)/float64(time.Second) || math.IsNaN(seconds) {
			return fmt.Errorf("%q seconds are too many", text)
		}
		text = []byte(strconv.FormatFloat(seconds, 'f', -1, 64) + "s")
	}
	read, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is not a time; write it as 1.5s, 10m or 2h", text)
	}
	*d = Duration(read)
	return nil
}

// UnmarshalJSON reads a duration that is text or a number of seconds.
func (d *Duration) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		return nil
	}
	var written string
	if json.Unmarshal(text, &written) == nil {
		text = []byte(written)
	}
	return d.UnmarshalText(text)
}
