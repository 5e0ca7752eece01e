package emulator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"time"

	"github.com/salebot-go/salebot/cmd/salebot/internal/statefile"
	engine "github.com/salebot-go/salebot/internal/emulator"
)

// Store keeps the state of an emulator in a file, which it has for itself.
type Store struct {
	path     string
	emulator *engine.Emulator
	// report tells a person what went wrong.
	report func(text string)

	// changed is the notice of the first change after the state was loaded.
	changed <-chan struct{}

	mu   sync.Mutex      // one save at a time
	lock *statefile.Lock // nil once it is closed
}

// OpenStore returns a store. It fails where another emulator keeps its state in the
// file. Through report it tells of problems that do not stop it.
func OpenStore(path string, emulator *engine.Emulator, report func(text string)) (*Store, error) {
	if err := statefile.CheckPath(path); err != nil {
		return nil, fmt.Errorf("keep the state: %w", err)
	}
	lock, err := statefile.Take(path)
	if err != nil {
		return nil, err
	}
	return &Store{path: path, lock: lock, emulator: emulator, report: report}, nil
}

// Close lets another emulator have the file. It saves nothing, and nothing is saved
// afterwards: the file may belong to somebody else by then.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lock == nil {
		return nil
	}
	err := s.lock.Release()
	s.lock = nil
	return err
}

var errStoreClosed = errors.New("the state is not saved any more: the emulator stops")

// Load brings the emulator to the state in the file. Where there is none it makes
// one, so that a path that cannot be written to is noticed at once. A file that is
// no state file is an error. One that is damaged is renamed and reported, and the
// emulator stays as it is.
func (s *Store) Load() error {
	defer func() { s.changed = s.emulator.Changed() }()
	text, err := statefile.Load(s.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return s.Save()
	case err == nil:
		var state engine.Project
		// Not json.Unmarshal, which reads a large state once more beforehand.
		if err = state.UnmarshalJSON(text); err == nil {
			err = s.emulator.Restore(state)
		}
		if err == nil {
			return nil
		}
	case !errors.Is(err, statefile.ErrDamaged):
		return err
	}
	aside, failed := statefile.SetAside(s.path, time.Now())
	if failed != nil {
		return errors.Join(err, failed)
	}
	s.report(fmt.Sprintf("%v; it is kept as %s, and the emulator begins anew", err, aside))
	return nil
}

// Save writes the state to the file. When it returns without an error the state
// is on the disk.
func (s *Store) Save() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lock == nil {
		return errStoreClosed
	}
	state := s.emulator.Snapshot()
	return statefile.Save(s.path, func(w io.Writer) error { return json.NewEncoder(w).Encode(state) })
}

const (
	// savePause is the least time between two saves by themselves.
	savePause = 200 * time.Millisecond
	// saveShare bounds the share of the time that is spent on them, so that a
	// large state is saved less often.
	saveShare = 50
)

// Follow saves after changes, those since Load included, until ctx ends. Save once
// more afterwards, for the last of them.
func (s *Store) Follow(ctx context.Context) { s.follow(ctx, s.Save) }

func (s *Store) follow(ctx context.Context, save func() error) {
	last := ""
	changed := s.changed
	if changed == nil {
		changed = s.emulator.Changed()
	}
	for {
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
		// What belongs to the same occasion goes into the same save.
		if !sleep(ctx, savePause) {
			return
		}
		// The next notice is asked for before the save, so that it tells of what
		// changes while this one is written or afterwards.
		changed = s.emulator.Changed()
		start := time.Now()
		problem := ""
		if err := save(); err != nil && !errors.Is(err, errStoreClosed) {
			problem = err.Error()
		}
		if problem != last && problem != "" {
			s.report(problem)
		}
		last = problem
		if !sleep(ctx, saveShare*time.Since(start)) {
			return
		}
	}
}

func sleep(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
