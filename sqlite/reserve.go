package sqlite

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// reserveSuffix is added to the name of the database file.
const reserveSuffix = ".reserve"

// reserveSize is what an inbox keeps of the disk, so that on a disk without any room it
// can still be opened and worked off: a log that is emptied early and the largest event
// that becomes a dead letter find room in it.
const reserveSize = 4 << 20

// reserveInterval is how often it is tried to get the reserve back.
const reserveInterval = 10 * time.Second

// reserve is a file whose only purpose is to be deleted when the disk is full. While it
// is spent the inbox takes no new events: what they would take is needed to work off the
// others.
type reserve struct {
	path string
	// spent says that there is no such file.
	spent atomic.Bool
}

// spend deletes the reserve. It returns false if there is none.
func (r *reserve) spend() bool {
	r.spent.Store(true)
	return disk.remove(r.path) == nil
}

// fill makes the file unless it is there. If it can't be made, the reserve counts as
// spent.
func (r *reserve) fill() error {
	info, err := disk.stat(r.path)
	if err == nil && info.Size() == reserveSize {
		r.spent.Store(false)
		return nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := r.write(); err != nil {
		r.spend()
		return err
	}
	r.spent.Store(false)
	return nil
}

// save keeps for the next opening what room there is, up to the size of the reserve. It is
// called when the log has just been deleted, whose room is needed for the next one.
func (r *reserve) save() {
	if r.spent.Load() {
		_ = r.write()
	}
}

func (r *reserve) write() error {
	file, err := disk.open(r.path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	for written := 0; written < reserveSize && err == nil; written += noiseSize {
		_, err = file.Write(noise())
	}
	return errors.Join(err, file.Close())
}

// noise is what the reserve is filled with: zeros would take no room on a file system
// that compresses.
var noise = sync.OnceValue(func() []byte {
	block := make([]byte, noiseSize)
	_, _ = rand.NewChaCha8([32]byte{}).Read(block)
	return block
})

// noiseSize is more than file systems compress at once.
const noiseSize = 256 << 10

// isFull reports whether an error may come from a disk without room.
func isFull(err error) bool {
	switch code(err) {
	case codeFull, codeIOError, codeCantOpen:
		return true
	}
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// Log pages after which the log is copied into the database. It is done early while the
// reserve is spent, so that the log needs little room.
const (
	usualCheckpoint = 10_000
	earlyCheckpoint = 64
)
