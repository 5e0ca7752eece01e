package ledger

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"slices"
	"time"
)

// A ledger file has a change in each line: a JSON object, a tab, and a checksum over
// this line and all before it. So a changed, missing or foreign line is noticed. Only
// the last line may be unfinished.

const fileFormat = 1

// line is one line of the file; one of its members is set.
type line struct {
	Head      *head        `json:"ledger,omitempty"`
	Project   *string      `json:"project,omitempty"`
	Begun     []wireRecord `json:"begun,omitempty"`
	Ended     []wireRecord `json:"ended,omitempty"`
	Forgotten []Digest     `json:"forgotten,omitempty"`
}

type head struct {
	Format int    `json:"format"`
	Secret string `json:"secret"`
}

// wireRecord is a Record in the file.
type wireRecord struct {
	Key       Digest    `json:"key"`
	Number    int       `json:"number,omitempty"`
	Version   int64     `json:"version"`
	State     State     `json:"state,omitempty"`
	Content   Digest    `json:"content,omitzero"`
	Step      Digest    `json:"step,omitzero"`
	Holder    string    `json:"holder,omitempty"`
	WriteBy   time.Time `json:"write_by,omitzero"`
	Scheduled bool      `json:"scheduled,omitempty"`
	MessageID *int64    `json:"after_message,omitempty"`
	Server    time.Time `json:"after_time,omitzero"`
	Status    int       `json:"status,omitempty"`
	IDs       []int64   `json:"ids,omitempty"`
	BegunAt   time.Time `json:"begun_at,omitzero"`
	EndedAt   time.Time `json:"ended_at,omitzero"`
}

func wireOf(r *Record) wireRecord {
	w := wireRecord{
		Key: r.Key, Number: r.Number, Version: r.Version, State: r.State, Content: r.Content, Step: r.Step,
		Holder: r.Holder, WriteBy: utc(r.WriteBy), Scheduled: r.Scheduled,
		Server: utc(r.Anchor.Server),
		Status: r.Answer.Status, IDs: r.Answer.IDs, BegunAt: utc(r.BegunAt), EndedAt: utc(r.EndedAt),
	}
	if r.Anchor.Known {
		w.MessageID = &r.Anchor.MessageID
	}
	return w
}

// endOf is what an end changes of a record.
func endOf(r *Record) wireRecord {
	return wireRecord{
		Key: r.Key, Number: r.Number, Version: r.Version, State: r.State,
		Status: r.Answer.Status, IDs: r.Answer.IDs, EndedAt: utc(r.EndedAt),
	}
}

// utc leaves out the zone and the monotonic clock, which no other process knows.
func utc(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Round(0)
}

func (w *wireRecord) record() Record {
	r := Record{
		Key: w.Key, Number: w.Number, Version: w.Version, State: w.State, Content: w.Content, Step: w.Step,
		Holder: w.Holder, WriteBy: w.WriteBy, Scheduled: w.Scheduled,
		Anchor: Anchor{Server: w.Server},
		Answer: Answer{Status: w.Status, IDs: w.IDs}, BegunAt: w.BegunAt, EndedAt: w.EndedAt,
	}
	if w.MessageID != nil {
		r.Anchor.Known, r.Anchor.MessageID = true, *w.MessageID
	}
	return r
}

// fileLog is what has to be known to go on at the end of a file.
type fileLog struct {
	size int64
	// lines counts the lines, changes the records in them.
	lines, changes int
	sum            uint32
	// later puts off the next compaction after one that failed.
	later int
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sumDigits is the length of the checksum.
const sumDigits = 8

// encode returns the text of a line, for which it may use a buffer, and the log after
// it.
func (g *fileLog) encode(buffer []byte, l line) ([]byte, fileLog, error) {
	next := *g
	text, err := appendLine(slices.Grow(buffer[:0], lineSize(len(l.Begun)+len(l.Ended))), &l)
	if err != nil {
		return nil, next, fmt.Errorf("ledger: %w", err)
	}
	next.sum = crc32.Update(g.sum, castagnoli, text)
	text = append(appendSum(append(text, '\t'), next.sum), '\n')
	if len(text) > maxLine {
		return nil, next, errors.New("ledger: too many records at once: they could not be read again")
	}
	next.size += int64(len(text))
	next.lines++
	next.changes += len(l.Begun) + len(l.Ended) + len(l.Forgotten)
	return text, next, nil
}

// appendSum appends a checksum as it stands behind a line.
func appendSum(to []byte, sum uint32) []byte {
	return hex.AppendEncode(to, binary.BigEndian.AppendUint32(make([]byte, 0, sumDigits/2), sum))
}

// maxLine bounds a line, so that a file of something else does not fill the memory.
const maxLine = 64 << 20

// read reads a file from its beginning, hands each line on, and returns the length of
// what is whole.
func (g *fileLog) read(file *os.File, apply func(*line) error) (int64, error) {
	reader := bufio.NewReaderSize(file, 256<<10)
	if start, _ := reader.Peek(len(databaseStart)); string(start) == databaseStart {
		return 0, errDatabase
	}
	for {
		text, err := readLine(reader)
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, fmt.Errorf("ledger: %w", err)
		}
		if errors.Is(err, io.EOF) {
			// What follows the last line break was never flushed, so nothing was sent
			// because of it. It can only be the beginning of a line.
			if !isTorn(text, g.lines == 0) {
				return 0, g.damaged()
			}
			return g.size, nil
		}
		if err := g.replay(text, apply); err != nil {
			return 0, err
		}
	}
}

// readLine reads up to a line break, or what is left before the end.
func readLine(reader *bufio.Reader) ([]byte, error) {
	var text []byte
	for {
		part, err := reader.ReadSlice('\n')
		text = append(text, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return text, err
		}
		if len(text) > maxLine {
			return nil, ErrDamaged
		}
	}
}

// isTorn reports whether a text without its line break can be what a crash left of a
// line.
func isTorn(text []byte, first bool) bool {
	if len(text) == 0 {
		return true
	}
	if text[0] != '{' || bytes.IndexByte(text, 0) >= 0 {
		return false
	}
	if _, sum, ok := bytes.Cut(text, []byte("\t")); ok && len(sum) > sumDigits {
		return false // the line was whole, and its break was changed
	}
	const start = `{"ledger":{`
	return !first || bytes.HasPrefix([]byte(start), text) || bytes.HasPrefix(text, []byte(start))
}

// errDatabase says that the file belongs to another kind of ledger. To call it damaged
// could make somebody delete it.
var errDatabase = errors.New("ledger: the file is an SQLite database; the ledger in it is opened by OpenLedger of the module sqlite")

// databaseStart is how an SQLite database begins.
const databaseStart = "SQLite format 3\x00"

func (g *fileLog) damaged() error {
	return fmt.Errorf("%w: line %d", ErrDamaged, g.lines+1)
}

// replay checks a line and hands it on.
func (g *fileLog) replay(text []byte, apply func(*line) error) error {
	body, sum, ok := bytes.Cut(bytes.TrimSuffix(text, []byte("\n")), []byte("\t"))
	if !ok || len(sum) != sumDigits {
		return g.damaged()
	}
	got := crc32.Update(g.sum, castagnoli, body)
	if !bytes.Equal(sum, appendSum(nil, got)) {
		return g.damaged()
	}
	var l line
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if decoder.Decode(&l) != nil || (g.lines == 0) != (l.Head != nil) {
		return g.damaged()
	}
	if err := apply(&l); err != nil {
		return fmt.Errorf("%w: %w", g.damaged(), err)
	}
	g.sum = got
	g.size += int64(len(text))
	g.lines++
	g.changes += len(l.Begun) + len(l.Ended) + len(l.Forgotten)
	return nil
}

// The length from which a file is compacted: when it has this many changes more than
// wasteFactor times what is known.
const (
	wasteFactor = 4
	wasteFloor  = 10_000
)

// wasteful reports whether a file is much longer than what it tells.
func (g *fileLog) wasteful(t *table) bool {
	return g.changes > wasteFloor+g.later && g.changes > wasteFactor*t.count
}

// postpone puts the next compaction off.
func (g *fileLog) postpone() { g.later = g.changes }

// compactedBatch is how many records a line of a compacted file has.
const compactedBatch = 100

// writeTo writes a whole file.
func (t *table) writeTo(w io.Writer, secret []byte, project string, bound bool) (fileLog, error) {
	var log fileLog
	buffered := bufio.NewWriterSize(w, 256<<10)
	var text []byte
	put := func(l line) (err error) {
		var next fileLog
		if text, next, err = log.encode(text, l); err != nil {
			return err
		}
		log = next
		_, err = buffered.Write(text)
		return err
	}
	if err := put(line{Head: &head{Format: fileFormat, Secret: hex.EncodeToString(secret)}}); err != nil {
		return log, err
	}
	if bound {
		if err := put(line{Project: &project}); err != nil {
			return log, err
		}
	}
	batch := line{}
	for _, records := range t.byKey {
		for i := range records {
			batch.Begun = append(batch.Begun, wireOf(&records[i]))
		}
		if len(batch.Begun) >= compactedBatch {
			if err := put(batch); err != nil {
				return log, err
			}
			batch.Begun = batch.Begun[:0]
		}
	}
	if len(batch.Begun) > 0 {
		if err := put(batch); err != nil {
			return log, err
		}
	}
	return log, buffered.Flush()
}
