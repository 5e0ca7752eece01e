package sqlite

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Recovery tells what was done about a damaged file.
type Recovery struct {
	// Problem is what was found.
	Problem string
	// SetAside is the path under which the damaged file was kept.
	SetAside string
	// Events, DeadLetters and Seen are the numbers of rows that were sound and are
	// in the new file: events to be handled, dead letters, and messages that are
	// remembered. They are 0 if the recovery was begun by another process, which
	// was interrupted.
	Events, DeadLetters, Seen int
	// Damaged is the number of rows that could be read but not trusted; they are in
	// the table damaged. What could not even be read cannot be counted: events that
	// were accepted may be lost, and so may what is remembered of messages, without
	// which they may be accepted again.
	Damaged int
}

// Endings of the files of a recovery that is under way.
const (
	recoveringSuffix = ".recovering"
	recoveredSuffix  = ".recovered"
	damagedSuffix    = ".damaged-"
)

// companions are the endings of the files that belong to a database, the one of the
// database itself last: a log must not come to lie beside another database.
var companions = []string{"-wal", "-shm", ""}

// recoverFile copies what can be read of a damaged file into a new one, and puts
// that in its place. It can be interrupted at any moment: until the new file is
// complete nothing happens to the damaged one, and from then on finishRecovery goes
// on where it stopped.
func recoverFile(path string, config inboxConfig, problem error) (*Recovery, error) {
	recovery := &Recovery{Problem: problem.Error()}
	fresh := path + recoveringSuffix
	for _, suffix := range companions {
		if err := remove(fresh + suffix); err != nil {
			return nil, err
		}
	}
	if err := createPrivate(fresh); err != nil {
		return nil, err
	}
	if err := salvage(path, fresh, recovery); err != nil {
		return nil, err
	}
	if err := disk.rename(fresh, path+recoveredSuffix); err != nil {
		return nil, err
	}
	aside, err := putInPlace(path)
	if err != nil {
		return nil, err
	}
	recovery.SetAside = aside
	config.logger.Error("webhook inbox was damaged and has been recovered",
		slog.String("problem", recovery.Problem), slog.String("set_aside", filepath.Base(aside)), slog.Int("events", recovery.Events),
		slog.Int("dead_letters", recovery.DeadLetters), slog.Int("damaged", recovery.Damaged))
	return recovery, nil
}

func remove(path string) error {
	if err := disk.remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// interrupted is the problem of a recovery that another process began.
const interrupted = "a recovery was interrupted when the new file was complete, and has been finished; what was found damaged is in the log of the process that began it"

// finishRecovery completes a recovery that was interrupted after the new file was
// ready. It returns nil if there was none.
func finishRecovery(path string, config inboxConfig) (*Recovery, error) {
	if _, exists, err := fileSize(path + recoveredSuffix); err != nil || !exists {
		return nil, err
	}
	aside, err := putInPlace(path)
	if err != nil {
		return nil, err
	}
	config.logger.Error("webhook inbox was damaged and its recovery was interrupted; it has been finished", slog.String("set_aside", filepath.Base(aside)))
	return &Recovery{Problem: interrupted, SetAside: aside}, nil
}

// lastSetAside is the path of the damaged file that was set aside last; "" if there is
// none.
func lastSetAside(path string) (string, error) {
	directory := filepath.Dir(path)
	entries, err := disk.list(directory)
	if err != nil {
		return "", err
	}
	// The names end with the time, and the entries are sorted.
	for _, entry := range slices.Backward(entries) {
		ending, found := strings.CutPrefix(entry.Name(), filepath.Base(path)+damagedSuffix)
		if found && !strings.Contains(ending, "-") {
			return filepath.Join(directory, entry.Name()), nil
		}
	}
	return "", nil
}

// putInPlace sets the damaged file aside and gives the recovered one its name.
func putInPlace(path string) (aside string, err error) {
	directory := filepath.Dir(path)
	if err := syncDirectory(directory); err != nil {
		return "", err
	}
	aside = path + damagedSuffix + time.Now().UTC().Format("20060102T150405.000000000")
	for _, suffix := range companions {
		err := disk.rename(path+suffix, aside+suffix)
		if errors.Is(err, os.ErrNotExist) {
			err = nil
			if suffix == "" {
				// A process that was interrupted had set the file aside already.
				aside, err = lastSetAside(path)
			}
		}
		if err != nil {
			return "", err
		}
	}
	if err := syncDirectory(directory); err != nil {
		return "", err
	}
	if err := disk.rename(path+recoveredSuffix, path); err != nil {
		return "", err
	}
	if err := syncDirectory(directory); err != nil {
		// The next process finds a file that is sound.
		return "", fmt.Errorf("the damaged file is %s now: %w", filepath.Base(aside), err)
	}
	return aside, nil
}

// salvage copies what can be read of one file into another, which is complete and
// flushed when it returns. An error is one of the new file; those of the damaged
// one are what is expected.
func salvage(path, fresh string, recovery *Recovery) (err error) {
	target, err := connect(fresh)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.close()) }()
	if err = target.script(fmt.Sprintf("PRAGMA page_size = %d; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON", pageSize)); err != nil {
		return err
	}
	if err = inboxFormat.create(target, nothing); err != nil {
		return err
	}
	if err = target.script("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	source, err := connect(path)
	if err != nil {
		// Nothing has been read of it yet: that is no damage.
		return err
	}
	s := salvager{source: source, target: target, recovery: recovery}
	// Cells are checked, so that nothing is read from outside of them. With
	// writable_schema a file is read that is shorter than it says; nothing is
	// written to it.
	_ = source.script("PRAGMA busy_timeout = 5000; PRAGMA cell_size_check = ON; PRAGMA writable_schema = ON")
	err = s.tables()
	// Closing the last connection would write the log into the damaged file;
	// whether that works does not matter.
	_ = source.close()
	if err != nil {
		return err
	}
	return target.script("COMMIT")
}

// salvager copies the tables of a damaged file.
type salvager struct {
	source, target *connection
	recovery       *Recovery
	highest        int64
	// failure is an error of the new file, which ends everything.
	failure error
}

func (s *salvager) tables() error {
	s.rows("event", insertEvent, &s.recovery.Events)
	s.rows("dead_letter", insertDeadLetter, &s.recovery.DeadLetters)
	s.marks()
	s.damaged()
	s.ledger()
	if s.failure != nil {
		return s.failure
	}
	// What was lost may have had higher numbers, and so may the reservation that
	// cannot be read; a gap does no harm.
	reserved, _ := s.source.number(selectSetting, settingReserved)
	_, err := s.target.exec(upsertSetting, settingReserved, max(reserved, s.highest)+sequencesAtOnce)
	return err
}

// read runs a query on the damaged file. What cannot be read of it is the reason for
// all this, so that only an error of the new file, which visit leaves in failure,
// ends the salvage.
func (s *salvager) read(query string, visit func([]driver.Value), values ...driver.Value) error {
	return s.source.query(query, func(row []driver.Value) error {
		if s.failure == nil {
			visit(row)
		}
		return s.failure
	}, values...)
}

// rows copies one of the tables that have the columns of a row.
func (s *salvager) rows(table, insert string, count *int) {
	copied := map[int64]bool{}
	s.scan("SELECT "+rowColumns+" FROM "+table, "sequence", func(values []driver.Value) (key int64) {
		r := readRow(values)
		switch {
		case copied[r.sequence]:
			return r.sequence
		case r.problem != "":
			s.recovery.Damaged++
			s.failure = r.damaged(table).insert(s.target)
		default:
			*count++
			s.highest = max(s.highest, r.sequence)
			s.failure = r.insert(s.target, insert)
		}
		copied[r.sequence] = true
		return r.sequence
	})
}

// farthestLook bounds how far beyond an unreadable row a readable one is looked for.
const farthestLook = int64(1) << 40

// scan visits the rows of a table by its integer key, from the lowest to the
// highest, stepping over what cannot be read. Some are visited twice.
func (s *salvager) scan(query, key string, visit func([]driver.Value) int64) {
	forward := query + " WHERE " + key + " > ? ORDER BY " + key
	backward := query + " WHERE " + key + " < ? AND " + key + " > ? ORDER BY " + key + " DESC"
	for last := int64(-1 << 62); ; {
		err := s.read(forward, func(values []driver.Value) { last = max(last, visit(values)) }, last)
		if err == nil || s.failure != nil {
			return
		}
		// Look for a readable row farther on, and walk back from it to the gap.
		gap := last
		for ahead := int64(1); ahead < farthestLook && last == gap && s.failure == nil; ahead *= 2 {
			// An error behind the first row that is found is met again later.
			_ = s.read(forward+" LIMIT 1", func(values []driver.Value) { last = max(last, visit(values)) }, max(gap, 0)+ahead)
		}
		if last == gap {
			return
		}
		_ = s.read(backward, func(values []driver.Value) { visit(values) }, last, gap)
	}
}

// marks copies the table seen.
func (s *salvager) marks() {
	visit := func(values []driver.Value) {
		m := readMark(values)
		if m.problem != "" {
			s.recovery.Damaged++
			s.failure = m.damaged().insert(s.target)
			return
		}
		s.highest = max(s.highest, m.sequence)
		var fresh bool
		if fresh, s.failure = m.insert(s.target); fresh {
			s.recovery.Seen++
		}
	}
	const query = "SELECT message, failed, endpoint, client, sequence, accepted, checksum FROM seen ORDER BY message"
	if s.read(query, visit) != nil {
		// From the other end, up to the same gap; what is met twice is left out.
		_ = s.read(query+" DESC", visit)
	}
}

// damaged copies what was set apart before.
func (s *salvager) damaged() {
	_ = s.read("SELECT found, origin, sequence, endpoint, problem, content FROM damaged ORDER BY number", func(values []driver.Value) {
		_, s.failure = s.target.exec(insertDamaged, integer(values[0]), text(values[1]), integer(values[2]), text(values[3]), text(values[4]), []byte(text(values[5])))
	})
}
