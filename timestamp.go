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
var ErrNoLocation = errors.New(prefix + "the time has no zone: give the project's location")

// Timestamp is a time as Salebot writes it. It is a moment (unix seconds), or a civil
// time without a zone, such as "2026-05-28 17:33:42.539976". A civil time becomes a
// moment only with the project's location. The zero value means "none".
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

// The layouts of times without their zone, as they were seen. Seconds may have a
// fraction in all of them.
var civilLayouts = []string{
	"2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02",
	"02.01.2006 15:04:05", "02.01.2006T15:04:05", "02.01.2006 15:04", "02.01.2006T15:04", "02.01.2006",
	"2006/01/02 15:04:05", "2006/01/02 15:04", "2006/01/02", "Mon, 02 Jan 2006 15:04:05",
}

// IsZero reports whether t is the zero Timestamp, which means no time.
func (t Timestamp) IsZero() bool { return t.kind == noTime }

// Moment returns the time if it is a moment by itself.
func (t Timestamp) Moment() (time.Time, bool) { return t.at, t.kind == moment }

// In returns the time in a location, by which a civil time is read. It returns
// ErrNoLocation if that location is needed and is nil, and an error for a text that is
// not a time. The zero Timestamp gives the zero time.
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

// String returns the time as Salebot would write it, exactly: a moment as unix
// seconds, with a fraction if it has one. A moment that this package would read as
// something else, such as the second 0, is written by RFC 3339.
func (t Timestamp) String() string {
	switch t.kind {
	case noTime:
		return ""
	case moment:
		if text, ok := unixText(t.at); ok {
			return text
		}
		return t.at.UTC().Format(time.RFC3339Nano)
	case civil:
		return t.at.Format("2006-01-02 15:04:05.999999999")
	default:
		return t.text
	}
}

// UnixTimestamp is the Timestamp of a moment, with the precision of a second. The
// zero time gives the zero Timestamp.
func UnixTimestamp(at time.Time) Timestamp {
	if at.IsZero() {
		return Timestamp{}
	}
	return Timestamp{kind: moment, at: time.Unix(at.Unix(), 0).UTC()}
}

// UnmarshalJSON reads unix time as a number or as text, a time as text, or null. The
// length of a number tells seconds, milliseconds, microseconds and nanoseconds apart. 0
// means no time. A text that is not a time is kept; In reports it.
func (t *Timestamp) UnmarshalJSON(value []byte) error {
	text, err := wire.Text(value)
	if err != nil {
		return err
	}
	*t = parseTimestamp(strings.TrimSpace(text))
	return nil
}

var errNoTime = errors.New("not a time")

// readTimestamp reads a time as a part of a record: a text that is not a time is odd,
// and is kept all the same.
func readTimestamp(target *Timestamp, value []byte) error {
	if seconds, _ := wire.Digits(value); seconds > 0 && seconds < secondsLimit {
		// Nearly all times come so.
		*target = Timestamp{kind: moment, at: time.Unix(seconds, 0).UTC()}
		return nil
	}
	*target = Timestamp{}
	err := target.UnmarshalJSON(value)
	if err == nil && target.kind == unread {
		err = errNoTime
	}
	return err
}

// MarshalJSON writes the time so that it is read back exactly: unix seconds as a
// number, everything else as text.
func (t Timestamp) MarshalJSON() ([]byte, error) {
	switch t.kind {
	case noTime:
		return []byte("null"), nil
	case moment:
		if text, ok := unixText(t.at); ok {
			return []byte(text), nil
		}
		if year := t.at.Year(); year < 1 || year > 9999 {
			return nil, fmt.Errorf("salebot: the year %d cannot be written", year)
		}
	case civil, unread:
	}
	return wire.AppendText(nil, t.String()), nil
}

func parseTimestamp(text string) Timestamp {
	if wire.IsUnset(text) || strings.HasPrefix(text, "0000-00-00") || strings.HasPrefix(text, "00.00.0000") {
		return Timestamp{}
	}
	if at, ok := parseUnix(text); ok {
		return at
	}
	plain, offset, zoned := cutZone(text)
	if day, hour, found := strings.Cut(plain, ", "); found && strings.Trim(day, "0123456789.-/") == "" {
		// So JavaScript writes a time for people in Russia.
		plain = day + " " + hour
	}
	for _, layout := range civilLayouts {
		at, err := time.Parse(layout, plain)
		switch {
		case err != nil:
			continue
		case at.IsZero():
			// So some languages write that there is no time.
			return Timestamp{}
		case zoned:
			return Timestamp{kind: moment, at: at.Add(-offset)}
		}
		return Timestamp{kind: civil, at: at}
	}
	return Timestamp{kind: unread, text: text}
}

// cutZone splits the zone off a time: Z, UTC, GMT, or an offset such as +03:00,
// +0300 and +03. Other names of zones mean different things to different people.
func cutZone(text string) (plain string, offset time.Duration, ok bool) {
	for _, zone := range []string{"Z", "z", "UTC", "GMT"} {
		if plain, found := strings.CutSuffix(text, zone); found {
			return strings.TrimRight(plain, " "), 0, true
		}
	}
	// A date alone has signs too.
	at := strings.LastIndexAny(text, "+-")
	if at < len("2006-01-02") {
		return text, 0, false
	}
	hours, minutes, colon := strings.Cut(text[at+1:], ":")
	if !colon && len(hours) == 4 {
		hours, minutes = hours[:2], hours[2:]
	}
	if minutes == "" && !colon {
		minutes = "00"
	}
	h, hoursErr := strconv.ParseUint(hours, 10, 8)
	m, minutesErr := strconv.ParseUint(minutes, 10, 8)
	if hoursErr != nil || minutesErr != nil || len(hours) > 2 || len(minutes) != 2 || h > 23 || m > 59 {
		return text, 0, false
	}
	offset = time.Duration(h)*time.Hour + time.Duration(m)*time.Minute
	if text[at] == '-' {
		offset = -offset
	}
	return strings.TrimRight(text[:at], " "), offset, true
}

// The number of digits of a unix time gives its unit, for any time that matters to a
// program. Seconds have 11 at most until the year 5138, milliseconds 12 at least since
// 1973, and so on.
const (
	secondsDigits = 11
	secondsLimit  = 100_000_000_000
	// unixDigits are those of nanoseconds.
	unixDigits = 19
)

// parseUnix reads a unix time, which may have a fraction.
func parseUnix(text string) (Timestamp, bool) {
	if strings.ContainsAny(text, "eE") {
		digits, err := wire.Whole([]byte(text))
		if err != nil {
			return Timestamp{}, false
		}
		text = string(digits)
	}
	number, negative := strings.CutPrefix(text, "-")
	whole, fraction, point := strings.Cut(number, ".")
	if whole == "" || point && fraction == "" || strings.Trim(whole, "0123456789") != "" || strings.Trim(fraction, "0123456789") != "" {
		return Timestamp{}, false
	}
	if strings.Trim(whole, "0") == "" && strings.Trim(fraction, "0") == "" {
		return Timestamp{}, true
	}
	whole = strings.TrimLeft(whole, "0")
	if len(whole) > unixDigits {
		return Timestamp{}, false
	}
	// The seconds have so many digits; a fraction of a second follows.
	seconds := len(whole)
	for seconds > secondsDigits {
		seconds -= 3
	}
	digits := "0" + whole + fraction
	s, err := strconv.ParseInt(digits[:seconds+1], 10, 64)
	n, fractionErr := strconv.ParseInt((digits[seconds+1:] + "000000000")[:9], 10, 64)
	if err != nil || fractionErr != nil {
		return Timestamp{}, false
	}
	if negative {
		s, n = -s, -n
	}
	return Timestamp{kind: moment, at: time.Unix(s, n).UTC()}, true
}

// unixText is the opposite of parseUnix. ok is false if it would be read as another
// time, or as none.
func unixText(at time.Time) (text string, ok bool) {
	seconds, nanoseconds := at.Unix(), int64(at.Nanosecond())
	if seconds <= -secondsLimit || seconds >= secondsLimit || seconds == 0 && nanoseconds == 0 {
		return "", false
	}
	sign := ""
	if seconds < 0 {
		sign, seconds, nanoseconds = "-", -seconds, -nanoseconds
		if nanoseconds < 0 {
			seconds, nanoseconds = seconds-1, nanoseconds+1_000_000_000
		}
	}
	text = sign + strconv.FormatInt(seconds, 10)
	if nanoseconds != 0 {
		text += strings.TrimRight(fmt.Sprintf(".%09d", nanoseconds), "0")
	}
	return text, true
}

// The layouts of the constructor's own variables: date_of_creation and other dates, and
// the time of the day. See Value.Time, and the tags of Variables.Decode.
const (
	DateLayout = "02.01.2006"
	TimeLayout = "15:04"
)

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

// IsZero reports whether d is the zero Date, which means no day.
func (d Date) IsZero() bool { return d == Date{} }

// String returns the day as the API writes it: dd.mm.yyyy.
func (d Date) String() string { return fmt.Sprintf("%02d.%02d.%04d", d.Day, int(d.Month), d.Year) }

// MarshalText is String; the zero Date is an empty text.
func (d Date) MarshalText() ([]byte, error) {
	switch {
	case d.IsZero():
		return nil, nil
	case !d.valid():
		return nil, errNoDay
	}
	return []byte(d.String()), nil
}

// UnmarshalText reads a day as the API writes it, such as 05.10.2026, or as other systems
// do: 2026-10-05. An empty text is the zero Date.
func (d *Date) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*d = Date{}
		return nil
	}
	at, err := time.Parse(DateLayout, string(text))
	if err != nil {
		at, err = time.Parse(time.DateOnly, string(text))
	}
	if err != nil || !DateOf(at).valid() {
		return errNoDay
	}
	*d = DateOf(at)
	return nil
}

var errNoDay = errors.New(prefix + "not a day in the form dd.mm.yyyy or yyyy-mm-dd")

// Before reports whether d comes before other.
func (d Date) Before(other Date) bool { return d.utc().Before(other.utc()) }

// DaysUntil returns how many days after d the other one is; negative if it comes before.
func (d Date) DaysUntil(other Date) int {
	return int(other.utc().Sub(d.utc()) / (24 * time.Hour))
}

// AddDays returns the day n days later.
func (d Date) AddDays(n int) Date { return DateOf(d.utc().AddDate(0, 0, n)) }

func (d Date) valid() bool {
	return d.Year >= 1970 && d.Year <= 9999 && DateOf(d.utc()) == d
}

func (d Date) utc() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC) }
