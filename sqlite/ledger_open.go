package sqlite

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/salebot-go/salebot/ledger"
)

// LedgerOption sets a property of a Ledger. OpenLedger and Inbox.Ledger check the
// options. If one is given twice, the later one counts. A nil option is ignored.
type LedgerOption func(*ledgerConfig) error

type ledgerConfig struct {
	retention time.Duration
	losses    bool
	logger    *slog.Logger
}

func newLedgerConfig(logger *slog.Logger, opts []LedgerOption) (ledgerConfig, error) {
	c := ledgerConfig{retention: ledger.DefaultRetention, logger: logger}
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(&c); err != nil {
			return ledgerConfig{}, err
		}
	}
	return c, nil
}

// WithLedgerRetention sets how long records are kept; the default is
// ledger.DefaultRetention. It is counted from the last change of any record of a key,
// since they are forgotten together. A record that is exactly as old is still known.
// They are deleted up to an hour later. Processes that share a file have to give the
// same time: each deletes what is too old for it.
func WithLedgerRetention(retention time.Duration) LedgerOption {
	return func(c *ledgerConfig) error {
		if retention <= 0 {
			return badOption("WithLedgerRetention", "must be positive")
		}
		c.retention = retention
		return nil
	}
}

// WithLedgerLogger logs why the ledger broke. By default nothing is logged; the ledger
// of an inbox uses the inbox's logger.
func WithLedgerLogger(logger *slog.Logger) LedgerOption {
	return func(c *ledgerConfig) error {
		if logger == nil {
			return badOption("WithLedgerLogger", "the logger is nil")
		}
		c.logger = logger
		return nil
	}
}

// WithLedgerLosses opens the ledger of an inbox whose file was damaged and recovered,
// although records may have been lost: what they told may be sent a second time.
// Without this option that is ErrDamaged.
func WithLedgerLosses() LedgerOption {
	return func(c *ledgerConfig) error {
		c.losses = true
		return nil
	}
}

// openPatience is how long OpenLedger waits for other processes that are opening the
// same file.
const openPatience = 5 * time.Second

// OpenLedger opens the ledger in a file, and creates the file if it does not exist. Several
// processes of one machine can have it open at the same time, and each knows at once when
// another one has died. Beside the file there are others of the same name with an
// ending: -wal and -shm, which belong to the database, .lock, .reserve, and one with
// .holder- for each process.
//
// A damaged file is ErrDamaged, since what it told is not known, and so is one that is
// gone although its lock is there. An inbox's file is ErrForeignFile: see Inbox.Ledger.
func OpenLedger(path string, opts ...LedgerOption) (*Ledger, error) {
	if path == "" {
		return nil, badOption("path", "is empty")
	}
	config, err := newLedgerConfig(slog.New(slog.DiscardHandler), opts)
	if err != nil {
		return nil, err
	}
	path, err = resolve(path)
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	lock, err := waitForLock(path, ledgerLock, openPatience)
	if err != nil {
		return nil, err
	}
	kept := &reserve{path: path + reserveSuffix}
	l, err := openLedger(path, config, kept, lock.marked)
	if isFull(err) && kept.spend() {
		l, err = openLedger(path, config, kept, lock.marked)
	}
	if err == nil {
		err = lock.mark()
	}
	if err = errors.Join(err, lock.release()); err != nil {
		if l != nil {
			err = errors.Join(err, l.Close())
		}
		return nil, err
	}
	return l, nil
}

// unbounded is a number of pages that no file reaches.
const unbounded = 1 << 50

// openLedger opens the file. ours says that it is known to be a ledger.
func openLedger(path string, config ledgerConfig, kept *reserve, ours bool) (_ *Ledger, err error) {
	size, err := ledgerSize(path, ours)
	if err != nil {
		return nil, err
	}
	died, err := removeDeadHolders(path)
	if err != nil {
		return nil, fmt.Errorf("sqlite: opening: %w", err)
	}
	holder, err := takeHolder(path)
	if err != nil {
		return nil, err
	}
	f := &openFile{path: path, name: "ledger", logger: config.logger, janitor: newJanitor()}
	f.condition = newCondition(f.name, config.logger, func(error) {})
	f.writer = &writer{condition: f.condition, limit: unbounded}
	defer func() {
		if err == nil {
			return
		}
		if isDamage(err) {
			err = fmt.Errorf("%w: %w", ErrDamaged, err)
		} else {
			err = fmt.Errorf("sqlite: opening: %w", err)
		}
		err = errors.Join(err, f.closeConnections(), holder.release())
	}()
	c, err := connect(path)
	if err != nil {
		return nil, err
	}
	f.writer.connection = c
	if err = prepareLedger(c, path, size, died); err != nil {
		return nil, err
	}
	if err = f.openLog(); err != nil {
		return nil, err
	}
	if f.writer.files, err = newPresence(path, holder.path); err != nil {
		return nil, err
	}
	if err = setPatience(c, lockPatience); err != nil {
		return nil, err
	}
	if err = f.keep(kept); err != nil {
		return nil, err
	}
	l, err := newLedger(f, config)
	if err != nil {
		return nil, err
	}
	l.holder, l.alive = holder.name, func(name string) (bool, error) { return holderAlive(path, name) }
	l.end = func() error {
		f.condition.closed.Store(true)
		f.finish()
		err := f.closeConnections(l.reads)
		f.reserve.save()
		return errors.Join(err, holder.release())
	}
	f.start(l.sweep)
	// Between its begin and its end a call is sent.
	f.committer.prompt = true
	return l, nil
}

// ledgerSize returns the size of the file, and refuses one that cannot be a ledger, or not
// the one that it was.
func ledgerSize(path string, ours bool) (int64, error) {
	size, log, exists, err := fileSizes(path)
	switch {
	case err != nil:
		return 0, fmt.Errorf("sqlite: %w", err)
	case ours && !exists:
		return 0, fmt.Errorf("%w: it is gone; to begin with an empty one, remove %s", ErrDamaged, filepath.Base(path)+lockSuffix)
	case size == 0 && (log > 0 || ours):
		// SQLite would take the file for new and delete its log.
		return 0, fmt.Errorf("%w: it is empty", ErrDamaged)
	case !exists:
		err = createPrivate(path)
	case !ours && size > 0:
		return size, refuseOthers(path)
	}
	if err != nil {
		return 0, fmt.Errorf("sqlite: %w", err)
	}
	return size, nil
}

// refuseOthers refuses a file that is not a ledger. Unlike refuseForeign it reads by
// SQLite, which does not end the locks that this process has on the file, and
// immutable, so that nothing is written to it.
func refuseOthers(path string) error {
	c, err := connectWith(path, "immutable=1")
	if err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	_, err = ledgerFormat.identify(c)
	if code(err) == codeNotADB || code(err) == codeCorrupt {
		err = ErrForeignFile
	}
	return errors.Join(err, c.close())
}

// prepareLedger sets the connection up, makes the tables if the file is new, and checks
// the file if there is a reason to.
func prepareLedger(c *connection, path string, size int64, died bool) error {
	if err := setPatience(c, longestLock); err != nil {
		return err
	}
	if err := c.script(fmt.Sprintf("PRAGMA cell_size_check = ON; PRAGMA page_size = %d", pageSize)); err != nil {
		return err
	}
	empty, err := ledgerFormat.identify(c)
	if err != nil {
		return err
	}
	if err := setUp(c); err != nil {
		return err
	}
	if empty {
		if err := ledgerFormat.create(c, createLedgerSecret); err != nil {
			return err
		}
		return syncDirectory(filepath.Dir(path))
	}
	if size > alwaysChecked && !died {
		return nil
	}
	return quickCheck(c)
}

// newLedger reads what a ledger has to know of its file.
func newLedger(f *openFile, config ledgerConfig) (*Ledger, error) {
	reads, err := openReader(f.path, f.condition)
	if err != nil {
		return nil, err
	}
	l := &Ledger{file: f, reads: reads, retention: config.retention}
	err = f.writer.query(selectLedgerSetting, func(row []driver.Value) error {
		l.secret = []byte(text(row[0]))
		return nil
	}, settingSecret)
	if err == nil && len(l.secret) < secretSize {
		err = fmt.Errorf("%w: its secret is gone", ErrDamaged)
	}
	if err != nil {
		return nil, errors.Join(err, reads.close())
	}
	return l, nil
}
