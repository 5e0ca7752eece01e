package sqlite

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/salebot-go/salebot/ledger"
	"github.com/salebot-go/salebot/webhook/schedule"
)

// ErrDamaged says that the file is damaged; see WithRefuseDamaged. It is a
// ledger.ErrDamaged.
var ErrDamaged error = damagedError{}

type damagedError struct{}

func (damagedError) Error() string { return "sqlite: the file is damaged" }

func (damagedError) Is(target error) bool { return target == ledger.ErrDamaged }

// OpenInbox opens the inbox in a file, and creates it if it does not exist. A symbolic link
// stands for the file that it leads to. Other files of the same name with an ending
// belong to it: -wal and -shm are SQLite's, .lock keeps other processes away, and .reserve
// is room for a full disk. The error is ErrInUse if another inbox has the file open; see
// WithLockTimeout. It is a salebot.OptionError if an option is not valid.
//
// A file that was not closed, or is small, is checked from end to end. That takes some
// seconds for each gigabyte. If the file is damaged, what can be read is copied into a
// new file, the damaged one is kept under another name, and Recovery describes it. A row
// that is damaged is kept in the table damaged. Two kinds of damage can't be noticed: a
// log that was cut exactly at the end of a commit, and an older copy of the file in its
// place.
func OpenInbox(path string, opts ...InboxOption) (*Inbox, error) {
	if path == "" {
		return nil, badOption("path", "is empty")
	}
	config, err := newInboxConfig(opts)
	if err != nil {
		return nil, err
	}
	path, err = resolve(path)
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	lock, err := waitForLock(path, inboxLock, config.lockTimeout)
	if err != nil {
		return nil, err
	}
	i, err := openWithReserve(path, config, lock.marked)
	if err == nil {
		err = lock.mark()
	}
	if err != nil {
		if i != nil {
			err = errors.Join(err, i.closeConnections())
		}
		return nil, errors.Join(err, lock.release())
	}
	i.lock = lock
	i.start(i.forget)
	return i, nil
}

// openWithReserve opens the file, if the disk is full with what was kept for that.
func openWithReserve(path string, config inboxConfig, ours bool) (*Inbox, error) {
	kept := &reserve{path: path + reserveSuffix}
	i, err := open(path, config, ours)
	if isFull(err) && kept.spend() {
		i, err = open(path, config, ours)
	}
	if err != nil {
		return nil, err
	}
	if err := i.keep(kept); err != nil {
		return nil, errors.Join(fmt.Errorf("sqlite: opening: %w", err), i.closeConnections())
	}
	return i, nil
}

// open opens the file, after recovering it if that is necessary. ours says that it
// is known to be an inbox.
func open(path string, config inboxConfig, ours bool) (*Inbox, error) {
	if !ours {
		if err := refuseForeign(path); err != nil {
			return nil, err
		}
	}
	finished, err := finishRecovery(path, config)
	if err != nil {
		return nil, fmt.Errorf("sqlite: finishing a recovery: %w", err)
	}
	i, err := openSound(path, config, ours)
	if err == nil {
		i.recovery = finished
		return i, nil
	}
	if !isDamage(err) {
		return nil, err
	}
	if config.refuseDamaged {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	recovery, recoverErr := recoverFile(path, config, err)
	if recoverErr != nil {
		return nil, fmt.Errorf("%w: %w; recovering it: %w", ErrDamaged, err, recoverErr)
	}
	i, err = openSound(path, config, false)
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
func openSound(path string, config inboxConfig, filled bool) (*Inbox, error) {
	size, err := prepareFiles(path, filled)
	if err != nil {
		return nil, err
	}
	i := &Inbox{config: config, schedule: schedule.New(), recent: newRecent(), closed: make(chan struct{})}
	i.openFile = openFile{path: path, name: "webhook inbox", logger: config.logger, janitor: newJanitor()}
	i.condition = newCondition(i.name, config.logger, i.schedule.End)
	i.writer = &writer{condition: i.condition, limit: softPages(config.maxFileSize), uncounted: countInterval}
	if err = i.connect(size); err == nil {
		return i, nil
	}
	// The first error is the one that tells.
	_ = i.closeConnections()
	if isDamage(err) {
		return nil, err
	}
	return nil, fmt.Errorf("sqlite: opening: %w", err)
}

// prepareFiles looks at the files, and makes the one of the database if there is none. It
// returns its size.
func prepareFiles(path string, filled bool) (int64, error) {
	size, log, exists, err := fileSizes(path)
	switch {
	case err != nil:
		return 0, fmt.Errorf("sqlite: %w", err)
	case size == 0 && (log > 0 || exists && filled):
		// SQLite would take the file for new and delete its log.
		return 0, fmt.Errorf("%w: it is empty", errNotSound)
	case exists:
		return size, nil
	}
	if err = createPrivate(path); err != nil {
		return 0, fmt.Errorf("sqlite: %w", err)
	}
	return size, nil
}

// connect opens the connections of an inbox, and loads what is in its file.
func (i *Inbox) connect(size int64) (err error) {
	c, err := connect(i.path)
	if err != nil {
		return err
	}
	i.writer.connection = c
	if err = prepareFile(c, i.path, size); err != nil {
		return err
	}
	if err = i.openLog(); err != nil {
		return err
	}
	if err = i.load(); err != nil {
		return err
	}
	if _, err = c.exec(upsertSetting, settingClosed, int64(0)); err != nil {
		return err
	}
	if i.writer.files, err = newPresence(i.path); err != nil {
		return err
	}
	// Until here there was no bound: a full file can always be opened.
	if err = errors.Join(limitPages(c, i.writer.limit), setPatience(c, lockPatience)); err != nil {
		return err
	}
	if i.events, err = openReader(i.path, i.condition); err != nil {
		return err
	}
	i.overview, err = openReader(i.path, i.condition)
	return err
}

// pageSize is the one of new files.
const pageSize = 4096

// alwaysChecked is the size up to which a file is checked whenever it is opened.
const alwaysChecked = 64 << 20

// prepareFile sets the connection up, makes the schema if the file is new, and
// checks the file if there is a reason to.
func prepareFile(c *connection, path string, size int64) error {
	if err := setPatience(c, longestLock); err != nil {
		return err
	}
	if err := c.script(fmt.Sprintf("PRAGMA cell_size_check = ON; PRAGMA page_size = %d", pageSize)); err != nil {
		return err
	}
	// The mode of the log is a property of the file: first of all it has to be known
	// whose it is.
	empty, err := inboxFormat.identify(c)
	if err != nil {
		return err
	}
	if err = setUp(c); err != nil {
		return err
	}
	if empty {
		if err = inboxFormat.create(c, nothing); err != nil {
			return err
		}
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
	return quickCheck(c)
}

// quickCheck checks a file from end to end.
func quickCheck(c *connection) error {
	verdict, err := c.text("PRAGMA quick_check(1)")
	if err == nil && verdict != "ok" {
		err = fmt.Errorf("%w: %.200s", errNotSound, verdict)
	}
	return err
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
	longest, err := i.writer.number(selectSetting, settingLongest)
	if err != nil {
		return err
	}
	i.writer.longest = time.Duration(longest) * time.Microsecond
	latest := time.Now().Add(i.writer.longest)
	var damaged []*damagedRow
	var remove []int64
	err = i.writer.query(selectEvents, func(values []driver.Value) error {
		r := readRow(values)
		if r.problem != "" {
			damaged = append(damaged, r.damaged("event"))
			remove = append(remove, r.sequence)
			return nil
		}
		if r.due.After(latest) {
			// The clock was ahead when the event was released.
			r.due = latest
		}
		i.schedule.Add(schedule.Entry{Endpoint: r.Endpoint, Lane: int64(r.ClientID), Sequence: r.sequence, Attempts: r.attempts, Due: r.due})
		return nil
	})
	if err != nil || len(damaged) == 0 {
		return err
	}
	o := &operation{flush: true, apply: func(w *writer) error {
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
	}}
	i.writer.write([]*operation{o})
	return o.err
}
