package sqlite

import (
	"sync"

	"github.com/salebot-go/salebot/webhook"
)

// recentBytes bounds the bodies of events that are kept in memory until they are
// handed out for the first time.
const recentBytes = 8 << 20

// recent holds events that have just been put, because most are handed out at once
// and need not be read from the file then.
type recent struct {
	mu      sync.Mutex
	bytes   int
	entries map[int64]webhook.Entry
}

func newRecent() *recent { return &recent{entries: map[int64]webhook.Entry{}} }

// entrySize is what an entry takes besides its body, roughly.
const entrySize = 200

// add keeps an entry if there is room for it.
func (r *recent) add(sequence int64, entry webhook.Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if size := len(entry.Body) + entrySize; r.bytes+size <= recentBytes {
		r.bytes += size
		r.entries[sequence] = entry
	}
}

// take returns an entry and forgets it.
func (r *recent) take(sequence int64) (webhook.Entry, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	entry, ok := r.entries[sequence]
	if ok {
		r.bytes -= len(entry.Body) + entrySize
		delete(r.entries, sequence)
	}
	return entry, ok
}
