package salebot

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/salebot-go/salebot/internal/wire"
)

// ErrNoLocation says that a time without a zone cannot become a moment: the
// location of the project has to be given.
var ErrNoLocation = errors.New("salebot: the time has no zone: give the project's location")

// Timestamp is a time as Salebot writes it: a moment (unix seconds), or a civil
// time without a zone, such as "2026-05-28 17:33:42.539976", which becomes a
// moment only together with the project's location. The zero value means "none".
type Timestamp struct {
	kind timestampKind
	// at is the moment, or the civil time in UTC.
	at time.Time
	// text is what could not be read as a time.
	text string
}

type timestampKind uint8

const (
	noTime timestampKind = iota
	moment
	civil
	unread
)

// Layouts of civil times and of moments with a zone, as they were seen.
var (
	civilLayouts  = []string{"2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999", "02.01.2006 15:04:05", "02.01.2006 15:04", "2006-01-02", "02.01.2006"}
	momentLayouts = []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999 Z0700", "2006-01-02 15:04:05 UTC", "2006-01-02 15:04:05 GMT"}
)

// IsZero says whether there is no time at all.
func (t Timestamp) IsZero() bool { return t.kind == noTime }

// Moment returns the time where it is a moment by itself.
func (t Timestamp) Moment() (time.Time, bool) { return t.at, t.kind == moment }

// In returns the time in a location, by which a civil time is read. It returns
// ErrNoLocation where that location is needed and nil, and an error for a text
// that is not a time. The zero Timestamp gives the zero time.
func (t Timestamp) In(location *time.Location) (time.Time, error) {
	switch t.kind {
	case noTime:
		return time.Time{}, nil
	case moment:
		if location == nil {
			return t.at, nil
		}
		return t.at.In(location), nil
	case civil:
		if location == nil {
			return time.Time{}, ErrNoLocation
		}
		c := t.at
		return time.Date(c.Year(), c.Month(), c.Day(), c.Hour(), c.Minute(), c.Second(), c.Nanosecond(), location), nil
	default:
		return time.Time{}, fmt.Errorf("salebot: not a time: %.40q", t.text)
	}
}

// String returns the time as Salebot would write it.
func (t Timestamp) String() string {
	switch t.kind {
	case noTime:
		return ""
	case moment:
		return strconv.FormatInt(t.at.Unix(), 10)
	case civil:
		return t.at.Format("2006-01-02 15:04:05.999999")
	default:
		return t.text
	}
}

// UnixTimestamp is the Timestamp of a moment, with the precision of a second.
func UnixTimestamp(at time.Time) Timestamp {
	return Timestamp{kind: moment, at: time.Unix(at.Unix(), 0).UTC()}
}

// UnmarshalJSON reads unix seconds as a number or as text, a time as text, or
// null. A text that is no time is kept; In reports it.
func (t *Timestamp) UnmarshalJSON(value []byte) error {
	if seconds, ok := wire.Digits(value); ok {
		*t = Timestamp{kind: moment, at: time.Unix(seconds, 0).UTC()}
		return nil
	}
	text, err := wire.Text(value)
	if err != nil {
		return err
	}
	*t = parseTimestamp(strings.TrimSpace(text))
	return nil
}

// MarshalJSON writes unix seconds as a number and everything else as text.
func (t Timestamp) MarshalJSON() ([]byte, error) {
	switch t.kind {
	case noTime:
		return []byte("null"), nil
	case moment:
		return strconv.AppendInt(nil, t.at.Unix(), 10), nil
	default:
		return wire.AppendText(nil, t.String()), nil
	}
}

func parseTimestamp(text string) Timestamp {
	if wire.IsUnset(text) {
		return Timestamp{}
	}
	if at, ok := parseUnix(text); ok {
		return Timestamp{kind: moment, at: at}
	}
	for _, layout := range civilLayouts {
		if at, err := time.Parse(layout, text); err == nil {
			return Timestamp{kind: civil, at: at}
		}
	}
	for _, layout := range momentLayouts {
		if at, err := time.Parse(layout, text); err == nil {
			return Timestamp{kind: moment, at: at.UTC()}
		}
	}
	return Timestamp{kind: unread, text: text}
}

// parseUnix reads seconds, of which some servers give a fraction.
func parseUnix(text string) (time.Time, bool) {
	if strings.ContainsAny(text, " :T") {
		// To fail costs memory, and nearly all texts are civil times.
		return time.Time{}, false
	}
	whole, fraction, _ := strings.Cut(text, ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return time.Time{}, false
	}
	nanoseconds, err := strconv.ParseUint((fraction + "000000000")[:9], 10, 32)
	if err != nil || strings.Trim(fraction, "0123456789") != "" {
		return time.Time{}, false
	}
	if whole[0] == '-' {
		return time.Unix(seconds, -int64(nanoseconds)).UTC(), true
	}
	return time.Unix(seconds, int64(nanoseconds)).UTC(), true
}

// Date is a day without a zone. The zero value means "none".
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// DateOf returns the day of t in t's own location.
func DateOf(t time.Time) Date {
	year, month, day := t.Date()
	return Date{Year: year, Month: month, Day: day}
}

// IsZero says whether there is no day.
func (d Date) IsZero() bool { return d == Date{} }

// String returns the day as the API writes it: dd.mm.yyyy.
func (d Date) String() string { return fmt.Sprintf("%02d.%02d.%04d", d.Day, int(d.Month), d.Year) }

// Before says whether d comes before other.
func (d Date) Before(other Date) bool { return d.utc().Before(other.utc()) }

// AddDays returns the day n days later.
func (d Date) AddDays(n int) Date { return DateOf(d.utc().AddDate(0, 0, n)) }

func (d Date) valid() bool {
	return d.Year >= 1970 && d.Year <= 9999 && DateOf(d.utc()) == d
}

func (d Date) utc() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC) }
