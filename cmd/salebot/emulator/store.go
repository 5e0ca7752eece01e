package emulator

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/salebot-go/salebot/cmd/salebot/internal/statefile"
	engine "github.com/salebot-go/salebot/internal/emulator"
	"github.com/salebot-go/salebot/internal/wait"
)

// Store keeps the state of an emulator in a file, which it has for itself. Each
// change is added to the file before it is answered. It implements
// engine.Journal.
type Store struct {
	path     string
	emulator *engine.Emulator
	// report tells a person what went wrong.
	report func(text string)
	// added asks Follow to bring what was added to the disk.
	added chan struct{}

	saving sync.Mutex // one new file at a time

	mu   sync.Mutex
	lock *statefile.Lock // nil once it is closed
	file *statefile.File // nil before the first one
	// problem is why the file does not have everything; nil if it has.
	problem error
	// pending are the changes since a new file was begun; nil while there is none.
	pending [][]byte
	drafted bool
}

// OpenStore returns a store. It fails if another emulator keeps its state in the
// file. Through report it tells of problems that do not stop it.
func OpenStore(path string, emulator *engine.Emulator, report func(text string)) (*Store, error) {
	if err := statefile.CheckPath(path); err != nil {
		return nil, fmt.Errorf("keep the state: %w", err)
	}
	lock, err := statefile.Take(path)
	if err != nil {
		return nil, err
	}
	return &Store{path: path, lock: lock, emulator: emulator, report: report, added: make(chan struct{}, 1)}, nil
}

// Close lets another emulator have the file. Nothing is saved afterwards: the file
// may belong to someone else by then.
func (s *Store) Close() error {
	s.saving.Lock()
	defer s.saving.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lock == nil {
		return nil
	}
	var err error
	if s.file != nil {
		err = s.file.Close()
	}
	err = errors.Join(err, s.lock.Release())
	s.lock, s.file = nil, nil
	return err
}

var errStoreClosed = errors.New("the state is not saved any more: the emulator stops")

// Load brings the emulator to the state in the file, and has its changes added to
// it from then on. If there is no file it makes one, so that a path that cannot be
// written to is noticed at once. A file that is something else is an error. One
// that is damaged is renamed and reported, and the emulator stays as it is.
func (s *Store) Load() error {
	replay := s.emulator.NewReplay()
	file, err := statefile.Load(s.path, replay.Take)
	switch {
	case err == nil:
		s.file = file
		replay.End(s)
		return nil
	case errors.Is(err, statefile.ErrDamaged):
		aside, failed := statefile.SetAside(s.path, time.Now())
		if failed != nil {
			return errors.Join(err, failed)
		}
		s.report(fmt.Sprintf("%v; it is kept as %s, and the emulator begins with an empty state or the seed", err, aside))
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	s.emulator.SetJournal(s)
	return s.Problem()
}

// Problem is why the file does not have every change; nil if it has them.
func (s *Store) Problem() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.problem
}

// Change implements engine.Journal.
func (s *Store) Change(record []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lock == nil {
		return
	}
	if s.drafted {
		s.pending = append(s.pending, slices.Clone(record))
	}
	if s.problem == nil {
		s.problem = s.file.Add(record)
	}
	s.wake()
}

func (s *Store) wake() {
	select {
	case s.added <- struct{}{}:
	default:
	}
}

// Replace implements engine.Journal. It writes a new file at once.
func (s *Store) Replace(state iter.Seq[[]byte]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lock == nil {
		return
	}
	// A file that is being written holds what is replaced.
	s.drafted, s.pending = false, nil
	draft, err := drafted(s.path, state)
	if err == nil {
		err = s.put(draft)
	}
	s.problem = err // also that of a draft: the file holds another state
	s.wake()
}

// drafted writes a whole state.
func drafted(path string, state iter.Seq[[]byte]) (*statefile.Draft, error) {
	draft, err := statefile.NewDraft(path)
	if err != nil {
		return nil, err
	}
	for record := range state {
		if err = draft.Add(record); err != nil {
			break
		}
	}
	if err == nil {
		err = draft.End()
	}
	if err != nil {
		draft.Abandon()
		return nil, err
	}
	return draft, nil
}

// put puts a draft in the place of the present file, with the changes that came
// since it was begun. The store is locked.
func (s *Store) put(draft *statefile.Draft) error {
	if s.file != nil {
		_ = s.file.Close()
	}
	s.file, s.problem = draft.Replace(s.pending)
	if s.problem != nil {
		draft.Abandon()
	}
	return s.problem
}

// Save makes sure that the whole state is on the disk. When it returns without an
// error it is there even after a power cut.
func (s *Store) Save() error {
	s.mu.Lock()
	file, problem, closed := s.file, s.problem, s.lock == nil
	s.mu.Unlock()
	switch {
	case closed:
		return errStoreClosed
	case problem == nil && file.InPlace():
		err := file.Sync()
		if err == nil || errors.Is(err, fs.ErrClosed) { // another file is there by now
			return nil
		}
	}
	return s.rewrite()
}

// rewrite replaces the file by one that has no changes, while the emulator goes on.
func (s *Store) rewrite() error {
	s.saving.Lock()
	defer s.saving.Unlock()
	s.mu.Lock()
	if s.lock == nil {
		s.mu.Unlock()
		return errStoreClosed
	}
	s.drafted = true
	s.mu.Unlock()
	draft, err := drafted(s.path, s.emulator.Records())
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil && !s.drafted:
		draft.Abandon() // Replace has written another one
	case err == nil:
		err = s.put(draft)
	}
	s.drafted, s.pending = false, nil
	if err != nil && s.problem == nil && !s.file.InPlace() {
		s.problem = err
	}
	return err
}

const (
	// syncPause is the time after a change until it is brought to the disk, with
	// all that happened by then.
	syncPause = 100 * time.Millisecond
	// leastRewritten is how long the changes are at least, in bytes, when the file
	// is written again; that of the state is the other bound.
	leastRewritten = 4 << 20
	// retryPause is the time between two attempts to write what could not be
	// written.
	retryPause = time.Second
)

// Follow brings changes to the disk and keeps the file short, until ctx ends. Save
// once more afterwards, for the last of them.
func (s *Store) Follow(ctx context.Context) {
	last := ""
	pause := syncPause
	for {
		if pause == syncPause {
			select {
			case <-s.added:
			case <-ctx.Done():
				return
			}
		}
		if !wait.For(ctx, pause) {
			return
		}
		problem, err := "", s.Save()
		if err == nil && s.grown() {
			err = s.rewrite()
		}
		pause = syncPause
		if err != nil && !errors.Is(err, errStoreClosed) {
			problem, pause = err.Error(), retryPause
		}
		if problem != last && problem != "" {
			s.report(problem)
		}
		last = problem
	}
}

// grown reports whether the changes are longer than the state that they change.
func (s *Store) grown() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return false
	}
	state, changes := s.file.Sizes()
	return changes > max(state, leastRewritten)
}
