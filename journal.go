package salebot

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/salebot-go/salebot/internal/filelock"
)

// JournalState is what a journal knows about an item.
type JournalState uint8

const (
	// JournalNew items are not in the journal. It is the zero value.
	JournalNew JournalState = iota
	// JournalBegun items were about to be sent: they may have been executed.
	JournalBegun
	// JournalAccepted items were executed.
	JournalAccepted
	// JournalNotExecuted items were refused, or never left.
	JournalNotExecuted
)

// JournalEntry is what became of an item.
type JournalEntry struct {
	Key   string
	State JournalState
}

// Journal remembers the items of a bulk run beyond the end of the process. Its
// methods may be called from several goroutines at once.
type Journal interface {
	// State tells what is known about an item.
	State(ctx context.Context, key string) (JournalState, error)
	// Begin records that items are about to be sent. When it returns they must be
	// safe: they are sent next, and after a crash that is all that is known.
	Begin(ctx context.Context, keys []string) error
	// End records what became of items. If it is lost, they count as begun.
	End(ctx context.Context, entries []JournalEntry) error
}

// Errors of journals.
var (
	// ErrOtherJob says that a journal belongs to another job.
	ErrOtherJob = errors.New("the journal belongs to another job")
	// ErrDamagedJournal says that a line of a journal cannot be read.
	ErrDamagedJournal = errors.New("the journal is damaged")
	// ErrJournalInUse says that another process has the journal open.
	ErrJournalInUse = errors.New("the journal is in use")
)

// FileJournal is a Journal in a file. The file has a line of JSON for each step,
// is only ever appended to, and is flushed to the disk before items are sent. In
// memory it keeps some 20 bytes for each item. Make it with OpenFileJournal.
type FileJournal struct {
	mutex  sync.Mutex
	file   *os.File
	states map[journalKey]JournalState
	failed error
}

// journalKey stands for a key, of which a journal may have millions.
type journalKey [16]byte

func keyOf(key string) journalKey {
	sum := sha256.Sum256([]byte(key))
	return journalKey(sum[:16])
}

// journalLine is a line of the file: the first names the job, the others a step.
type journalLine struct {
	Job   *string  `json:"job,omitempty"`
	Begin []string `json:"begin,omitempty"`
	Done  []string `json:"accepted,omitempty"`
	Not   []string `json:"not_executed,omitempty"`
}

// OpenFileJournal opens the journal of a job, and creates it if there is none.
// The job is any text that tells this work from other work, such as the name of
// a campaign: a journal of another job is refused with ErrOtherJob. A line that a
// crash left unfinished at the end is taken off; any other damage is
// ErrDamagedJournal. On Unix systems a journal that another process has open is
// ErrJournalInUse.
func OpenFileJournal(path, job string) (*FileJournal, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the caller names the file
	if err != nil {
		return nil, fmt.Errorf("salebot: journal: %w", err)
	}
	j := &FileJournal{file: file, states: map[journalKey]JournalState{}}
	if err := j.load(job); err != nil {
		return nil, fmt.Errorf("salebot: journal %s: %w", path, errors.Join(err, filelock.Unlock(file), file.Close()))
	}
	return j, nil
}

func (j *FileJournal) load(job string) error {
	switch err := filelock.Lock(j.file); {
	case errors.Is(err, filelock.ErrHeld):
		return ErrJournalInUse
	case err != nil:
		return err
	}
	reader := bufio.NewReaderSize(j.file, 64<<10)
	var whole int64
	for number := 1; ; number++ {
		line, err := reader.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			// What follows the last line break was cut off by a crash before it was
			// flushed, so nothing was sent because of it.
			if number == 1 && !isTornHead(line) {
				// The file is none of ours, or of a journal without beginning.
				return fmt.Errorf("%w: line 1", ErrDamagedJournal)
			}
			break
		}
		if err != nil {
			return err
		}
		whole += int64(len(line))
		if err := j.replay(number, line, job); err != nil {
			return err
		}
	}
	if err := j.file.Truncate(whole); err != nil {
		return err
	}
	if _, err := j.file.Seek(whole, io.SeekStart); err != nil {
		return err
	}
	if whole > 0 {
		return nil
	}
	if err := j.append(journalLine{Job: new(storedText(job))}, true); err != nil {
		return err
	}
	return syncFolder(j.file.Name())
}

// isTornHead says whether a text can be what a crash left of the first line.
func isTornHead(text []byte) bool {
	const head = `{"job":"`
	text = bytes.TrimRight(text, "\x00")
	return strings.HasPrefix(head, string(text)) || bytes.HasPrefix(text, []byte(head))
}

// syncFolder makes the name of a new file safe, where the system has a way to.
func syncFolder(file string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	folder, err := os.Open(filepath.Dir(file))
	if err != nil {
		return nil //nolint:nilerr // a folder that may not be read
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// storedText is a text as it stands in the file, where JSON brings it back as it
// was: that carries valid UTF-8 only.
func storedText(text string) string {
	const mark = "\x00hex:"
	if utf8.ValidString(text) && !strings.HasPrefix(text, mark) {
		return text
	}
	return mark + hex.EncodeToString([]byte(text))
}

func (j *FileJournal) replay(number int, text []byte, job string) error {
	var line journalLine
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&line)
	if err == nil && decoder.InputOffset() < int64(len(bytes.TrimSpace(text))) {
		err = errors.New("surplus text")
	}
	if err != nil || text[0] != '{' || (number == 1) != (line.Job != nil) {
		return fmt.Errorf("%w: line %d", ErrDamagedJournal, number)
	}
	if line.Job != nil && *line.Job != storedText(job) {
		return ErrOtherJob
	}
	j.apply(line)
	return nil
}

func storedTexts(texts []string) []string {
	stored := make([]string, len(texts))
	for i, text := range texts {
		stored[i] = storedText(text)
	}
	return stored
}

// apply takes a line as it stands in the file.
func (j *FileJournal) apply(line journalLine) {
	for _, step := range []struct {
		keys  []string
		state JournalState
	}{{line.Begin, JournalBegun}, {line.Done, JournalAccepted}, {line.Not, JournalNotExecuted}} {
		for _, key := range step.keys {
			j.states[keyOf(key)] = step.state
		}
	}
}

// append writes a line. After a failure nothing more is written: half a line in
// the middle of the file would make it unreadable.
func (j *FileJournal) append(line journalLine, flush bool) error {
	if j.failed != nil {
		return j.failed
	}
	line.Begin, line.Done, line.Not = storedTexts(line.Begin), storedTexts(line.Done), storedTexts(line.Not)
	text, err := json.Marshal(line)
	if err != nil {
		return err
	}
	if _, err = j.file.Write(append(text, '\n')); err == nil && flush {
		err = j.file.Sync()
	}
	j.failed = err
	if err == nil {
		j.apply(line)
	}
	return err
}

// State implements Journal.
func (j *FileJournal) State(_ context.Context, key string) (JournalState, error) {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	return j.states[keyOf(storedText(key))], j.failed
}

// Begin implements Journal. The file is flushed to the disk before it returns.
func (j *FileJournal) Begin(_ context.Context, keys []string) error {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	return j.append(journalLine{Begin: keys}, true)
}

// End implements Journal. The file is not flushed: if the machine fails, the
// items count as begun.
func (j *FileJournal) End(_ context.Context, entries []JournalEntry) error {
	var line journalLine
	for _, entry := range entries {
		switch entry.State {
		case JournalAccepted:
			line.Done = append(line.Done, entry.Key)
		case JournalNotExecuted:
			line.Not = append(line.Not, entry.Key)
		case JournalNew, JournalBegun:
		}
	}
	if line.Done == nil && line.Not == nil {
		return nil
	}
	j.mutex.Lock()
	defer j.mutex.Unlock()
	return j.append(line, false)
}

// Close flushes and closes the file.
func (j *FileJournal) Close() error {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	if errors.Is(j.failed, os.ErrClosed) {
		return nil
	}
	err := errors.Join(j.file.Sync(), filelock.Unlock(j.file), j.file.Close())
	j.failed = os.ErrClosed
	return err
}
