package ledger

import (
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"
)

// Lines are written while others wait, so what encoding/json would write of them is
// written by hand.

// lineSize is about the length of a line with that many records.
func lineSize(records int) int { return 64 + 448*records }

// appendLine appends the JSON of a line. Those of which a file has few are left to
// encoding/json.
func appendLine(to []byte, l *line) ([]byte, error) {
	switch {
	case l.Head != nil || l.Project != nil:
	case len(l.Begun) > 0 && len(l.Ended)+len(l.Forgotten) == 0:
		return appendRecords(append(to, `{"begun":[`...), l.Begun)
	case len(l.Ended) > 0 && len(l.Begun)+len(l.Forgotten) == 0:
		return appendRecords(append(to, `{"ended":[`...), l.Ended)
	}
	text, err := json.Marshal(l)
	return append(to, text...), err
}

// appendRecords appends records and the end of their line.
func appendRecords(to []byte, records []wireRecord) ([]byte, error) {
	for i := range records {
		if i > 0 {
			to = append(to, ',')
		}
		var err error
		if to, err = records[i].append(to); err != nil {
			return nil, err
		}
	}
	return append(to, "]}"...), nil
}

func (w *wireRecord) append(to []byte) ([]byte, error) {
	state, err := w.State.MarshalText()
	if err != nil {
		return nil, err
	}
	to = appendDigest(append(to, `{"key":`...), &w.Key)
	to = appendNumber(to, `,"number":`, int64(w.Number))
	to = strconv.AppendInt(append(to, `,"version":`...), w.Version, 10)
	if w.State != Begun {
		to = append(append(append(to, `,"state":"`...), state...), '"')
	}
	for _, d := range []struct {
		name   string
		digest *Digest
	}{{`,"content":`, &w.Content}, {`,"step":`, &w.Step}} {
		if !d.digest.IsZero() {
			to = appendDigest(append(to, d.name...), d.digest)
		}
	}
	if w.Holder != "" {
		if to, err = appendText(append(to, `,"holder":`...), w.Holder); err != nil {
			return nil, err
		}
	}
	if to, err = appendTime(to, `,"write_by":"`, w.WriteBy); err != nil {
		return nil, err
	}
	if w.Scheduled {
		to = append(to, `,"scheduled":true`...)
	}
	if w.MessageID != nil {
		to = strconv.AppendInt(append(to, `,"after_message":`...), *w.MessageID, 10)
	}
	if to, err = appendTime(to, `,"after_time":"`, w.Server); err != nil {
		return nil, err
	}
	to = appendIDs(appendNumber(to, `,"status":`, int64(w.Status)), w.IDs)
	if to, err = appendTime(to, `,"begun_at":"`, w.BegunAt); err != nil {
		return nil, err
	}
	if to, err = appendTime(to, `,"ended_at":"`, w.EndedAt); err != nil {
		return nil, err
	}
	return append(to, '}'), nil
}

func appendDigest(to []byte, d *Digest) []byte {
	to = append(to, '"')
	if !d.IsZero() {
		to = hex.AppendEncode(to, d[:])
	}
	return append(to, '"')
}

// appendNumber leaves out a zero.
func appendNumber(to []byte, name string, n int64) []byte {
	if n == 0 {
		return to
	}
	return strconv.AppendInt(append(to, name...), n, 10)
}

func appendIDs(to []byte, ids []int64) []byte {
	for i, id := range ids {
		name := ","
		if i == 0 {
			name = `,"ids":[`
		}
		to = strconv.AppendInt(append(to, name...), id, 10)
	}
	if len(ids) > 0 {
		to = append(to, ']')
	}
	return to
}

// appendTime leaves out a time that is zero.
func appendTime(to []byte, name string, t time.Time) ([]byte, error) {
	if t.IsZero() {
		return to, nil
	}
	to, err := t.AppendText(append(to, name...))
	return append(to, '"'), err
}

// appendText appends a text, which usually needs no escapes.
func appendText(to []byte, text string) ([]byte, error) {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			quoted, err := json.Marshal(text)
			return append(to, quoted...), err
		}
	}
	return append(append(append(to, '"'), text...), '"'), nil
}
