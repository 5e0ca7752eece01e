package sqlite

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

// holderSuffix, with the name of a holder behind it, is added to the name of a ledger's
// file.
const holderSuffix = ".holder-"

// holderLock proves that a process lives that has a ledger open: a file of its own,
// with the lock that SQLite takes on a database. The lock works wherever the ledger
// itself does, and ends with the process however that ends. The file of a holder that
// ended is gone, or is not locked; so a missing one proves the same, and who has the
// ledger open looks for its own before it acknowledges anything.
type holderLock struct {
	name, path string
	connection *connection
}

func newHolderName() string {
	name := make([]byte, 8)
	_, _ = rand.Read(name) // it never fails
	return hex.EncodeToString(name)
}

// lockHolder takes the lock. Nothing is written, so that no journal is needed.
const lockHolder = "PRAGMA busy_timeout = 0; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE"

// takeHolder makes a holder. It is called by one process at a time.
func takeHolder(path string) (*holderLock, error) {
	h := &holderLock{name: newHolderName()}
	h.path = path + holderSuffix + h.name
	if err := createPrivate(h.path); err != nil {
		return nil, fmt.Errorf("sqlite: locking: %w", err)
	}
	c, err := connect(h.path)
	if err == nil {
		if err = c.script(lockHolder); err == nil {
			h.connection = c
			return h, nil
		}
		err = errors.Join(err, c.close())
	}
	return nil, errors.Join(fmt.Errorf("sqlite: locking: %w", err), disk.remove(h.path))
}

func (h *holderLock) release() error {
	// In this order also where a file that is open cannot be removed.
	return errors.Join(h.connection.close(), remove(h.path))
}

// holderAlive reports whether the lock of a holder is held.
func holderAlive(path, name string) (bool, error) {
	if raw, err := hex.DecodeString(name); err != nil || len(raw) == 0 {
		return false, nil //nolint:nilerr // it is not the name of a holder
	}
	locked := path + holderSuffix + name
	if _, err := disk.stat(locked); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return false, err
	}
	c, err := connectExisting(locked)
	if err != nil {
		return false, err
	}
	err = c.script(lockHolder)
	closed := c.close()
	switch code(err) {
	case codeBusy:
		return true, closed
	case codeCantOpen:
		// It was removed in between.
		return false, closed
	}
	return false, errors.Join(err, closed)
}

// removeDeadHolders removes the files of holders whose process died, and reports
// whether there were any. It is called by one process at a time.
func removeDeadHolders(path string) (found bool, err error) {
	entries, err := disk.list(filepath.Dir(path))
	if err != nil {
		return false, err
	}
	for _, entry := range entries {
		name, ok := strings.CutPrefix(entry.Name(), filepath.Base(path)+holderSuffix)
		if _, invalid := hex.DecodeString(name); !ok || invalid != nil {
			continue
		}
		alive, err := holderAlive(path, name)
		if err != nil {
			return found, err
		}
		if !alive {
			found = true
			if err := remove(path + holderSuffix + name); err != nil {
				return found, err
			}
		}
	}
	return found, nil
}
