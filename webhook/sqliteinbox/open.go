package sqliteinbox

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/salebot-go/salebot/webhook/internal/schedule"
)

// ErrDamaged says that the file is damaged; see Options.RefuseDamaged.
var ErrDamaged = errors.New("sqliteinbox: the file is damaged")

// Open opens the inbox in a file, and makes the file if there is none. Beside it
// there are others of the same name with an ending: -wal and -shm, which belong to
// the database, and .lock. A file that is in use gives ErrInUse.
//
// A file that was not closed, or is small, is checked from end to end. If it is
// damaged, what can be read of it is copied into a new file, the damaged one is kept
// under another name, and Recovery tells about it; a row that is damaged is kept in
// the table damaged. What cannot be noticed is a log that was cut exactly at the end
// of a commit, and a file of which an older copy was put in place.
func Open(path string, options Options) (*Inbox, error) {
	if path == "" {
		return nil, errors.New("sqliteinbox: the path is empty")
	}
	if err := options.complete(); err != nil {
		return nil, err
	}
	lock, err := lockFile(path)
	if err != nil {
		return nil, err
	}
	i, err := open(path, options, lock.marked)
	if err == nil {
		err = lock.mark()
	}
	if err != nil {
		if i != nil {
			err = errors.Join(err, i.reader.close(), i.writer.close())
		}
		return nil, errors.Join(err, lock.release())
	}
	i.lock = lock
	i.janitor.start(i)
	return i, nil
}

// magic is how every database of SQLite begins.
const magic = "SQLite format 3\x00"

// refuseForeign keeps a file that was named by mistake from being set aside as a
// damaged one.
func refuseForeign(path string) error {
	file, err := os.Open(path) //nolint:gosec // it is the file that the caller names
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("sqliteinbox: %w", err)
	}
	defer func() { _ = file.Close() }()
	var begin [len(magic)]byte
	n, err := io.ReadFull(file, begin[:])
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("sqliteinbox: %w", err)
	}
	if n == 0 || string(begin[:]) == magic {
		return nil
	}
	return ErrForeignFile
}

// open opens the file, after recovering it if that is necessary. ours says that it
// is known to be an inbox.
func open(path string, options Options, ours bool) (*Inbox, error) {
	if !ours {
		if err := refuseForeign(path); err != nil {
			return nil, err
		}
	}
	if err := finishRecovery(path); err != nil {
		return nil, fmt.Errorf("sqliteinbox: finishing a recovery: %w", err)
	}
	i, err := openSound(path, options, ours)
	if err == nil || !isDamage(err) {
		return i, err
	}
	if options.RefuseDamaged {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	recovery, recoverErr := recoverFile(path, options, err)
	if recoverErr != nil {
		return nil, fmt.Errorf("%w: %w; recovering it: %w", ErrDamaged, err, recoverErr)
	}
	i, err = openSound(path, options, false)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	i.recovery = recovery
	return i, nil
}

// errNotSound is the error of a file that can be opened but does not pass the check.
var errNotSound = errors.New("the file does not pass the integrity check")

func isDamage(err error) bool {
	switch code(err) {
	case codeCorrupt, codeNotADB, codeError:
		// The statements are sound; if one fails as such, a table is missing.
		return true
	}
	return errors.Is(err, errNotSound)
}

// openSound opens a file that should be sound, or makes it. filled says that a file
// that exists cannot be empty.
func openSound(path string, options Options, filled bool) (_ *Inbox, err error) {
	size, exists, err := fileSize(path)
	if err != nil {
		return nil, fmt.Errorf("sqliteinbox: %w", err)
	}
	log, _, err := fileSize(path + "-wal")
	if err != nil {
		return nil, fmt.Errorf("sqliteinbox: %w", err)
	}
	if size == 0 && (log > 0 || exists && filled) {
		// SQLite would take the file for new and delete its log.
		return nil, fmt.Errorf("sqliteinbox: %w: it is empty", errNotSound)
	}
	if !exists {
		if err = createPrivate(path); err != nil {
			return nil, fmt.Errorf("sqliteinbox: %w", err)
		}
	}
	i := &Inbox{path: path, options: options, schedule: schedule.New(), janitor: newJanitor(), recent: newRecent(), closed: make(chan struct{})}
	var connections []*connection
	defer func() {
		if err == nil {
			return
		}
		for _, c := range connections {
			_ = c.close()
		}
		if !isDamage(err) {
			err = fmt.Errorf("sqliteinbox: opening: %w", err)
		}
	}()
	c, err := connect(path)
	if err != nil {
		return nil, err
	}
	connections = append(connections, c)
	if err = prepareFile(c, path, size, options); err != nil {
		return nil, err
	}
	i.writer = &writer{connection: c, unflushed: i.janitor.note}
	if err = i.load(); err != nil {
		return nil, err
	}
	if _, err = c.exec(upsertSetting, settingClosed, int64(0)); err != nil {
		return nil, err
	}
	reader, err := connect(path)
	if err != nil {
		return nil, err
	}
	connections = append(connections, reader)
	if err = reader.script("PRAGMA busy_timeout = 5000; PRAGMA query_only = ON"); err != nil {
		return nil, err
	}
	i.reader = reader
	i.committer = newCommitter(i.writer.write)
	return i, nil
}

// fileSize is 0 for a file that does not exist.
func fileSize(path string) (size int64, exists bool, err error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0, false, nil
	case err != nil:
		return 0, false, err
	case !info.Mode().IsRegular():
		return 0, false, fmt.Errorf("%s is not a file", filepath.Base(path))
	}
	return info.Size(), true, nil
}

// pageSize is the one of new files.
const pageSize = 4096

// alwaysChecked is the size up to which a file is checked whenever it is opened.
const alwaysChecked = 64 << 20

// prepareFile sets the connection up, makes the schema if the file is new, and
// checks the file if there is a reason to.
func prepareFile(c *connection, path string, size int64, options Options) error {
	if size == 0 {
		if err := c.script(fmt.Sprintf("PRAGMA page_size = %d", pageSize)); err != nil {
			return err
		}
	}
	if err := setUp(c, max(options.MaxFileBytes/pageSize, 16)); err != nil {
		return err
	}
	if err := migrate(c); err != nil {
		return err
	}
	if size == 0 {
		// The flushes of the database do not keep a new name in its directory.
		return syncDirectory(filepath.Dir(path))
	}
	closed, err := c.number(selectSetting, settingClosed)
	if err != nil {
		return err
	}
	if closed == 1 && size > alwaysChecked {
		return nil
	}
	verdict, err := c.text("PRAGMA quick_check(1)")
	if err == nil && verdict != "ok" {
		err = fmt.Errorf("%w: %.200s", errNotSound, verdict)
	}
	return err
}

// syncDirectory flushes a directory, where the system can.
func syncDirectory(path string) error {
	directory, err := os.Open(path) //nolint:gosec // it is the folder of the file that the caller names
	if err != nil {
		return err
	}
	defer func() { _ = directory.Close() }()
	if err := directory.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrInvalid) && !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return nil
}

const (
	selectEvents   = "SELECT " + rowColumns + " FROM event ORDER BY sequence"
	selectSequence = "SELECT max((SELECT coalesce(max(sequence), 0) FROM event), (SELECT coalesce(max(sequence), 0) FROM dead_letter))"
)

// load fills the schedule with the events that are still to be handled, and sets
// the damaged ones apart.
func (i *Inbox) load() error {
	reserved, err := i.writer.number(selectSetting, settingReserved)
	if err != nil {
		return err
	}
	highest, err := i.writer.number(selectSequence)
	if err != nil {
		return err
	}
	i.opened = max(reserved, highest)
	i.writer.sequence, i.writer.reserved = i.opened, i.opened
	var damaged []*damagedRow
	var remove []int64
	err = i.writer.query(selectEvents, func(values []driver.Value) error {
		r := readRow(values)
		if r.problem != "" {
			damaged = append(damaged, r.damaged("event"))
			remove = append(remove, r.sequence)
			return nil
		}
		i.schedule.Add(schedule.Entry{Endpoint: r.Endpoint, Lane: int64(r.ClientID), Sequence: r.sequence, Attempts: r.attempts, Due: r.due})
		return nil
	})
	if err != nil || len(damaged) == 0 {
		return err
	}
	committer := newCommitter(i.writer.write)
	return committer.do(context.Background(), &operation{apply: func(w *writer) error {
		for n, damage := range damaged {
			i.report(damage)
			if err := damage.insert(w.connection); err != nil {
				return err
			}
			if _, err := w.exec(deleteEvent, remove[n]); err != nil {
				return err
			}
		}
		return nil
	}})
}
