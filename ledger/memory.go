package ledger

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Option sets a property of a ledger of this package. A nil option is ignored.
type Option func(*config) error

type config struct {
	retention time.Duration
}

// WithRetention sets how long records are kept; the default is DefaultRetention. It is
// counted from the last change of any record of a key, since they are forgotten
// together, and by the clock of this machine. A record that is exactly as old is still
// known.
func WithRetention(retention time.Duration) Option {
	return func(c *config) error {
		if retention <= 0 {
			return fmt.Errorf("ledger: WithRetention: %v is not positive", retention)
		}
		c.retention = retention
		return nil
	}
}

func configured(opts []Option) (config, error) {
	c := config{retention: DefaultRetention}
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(&c); err != nil {
			return c, err
		}
	}
	return c, nil
}

// Memory is a Ledger that is forgotten when the process ends. It serves one process,
// and protects from what goes wrong while it lives. Make it with NewMemory.
type Memory struct {
	mutex   sync.Mutex
	table   *table
	binding Binding
	project string
	bound   bool
	closed  bool
}

// NewMemory returns an empty ledger.
func NewMemory(opts ...Option) (*Memory, error) {
	c, err := configured(opts)
	if err != nil {
		return nil, err
	}
	return &Memory{
		table:   newTable(c.retention, memoryHolder),
		binding: Binding{Secret: newSecret(), Retention: c.retention},
	}, nil
}

func newSecret() []byte {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // it never fails
	return secret
}

// Bind implements Ledger. The first project that is named is the ledger's.
func (m *Memory) Bind(_ context.Context, project string) (Binding, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	switch {
	case m.closed:
		return Binding{}, ErrClosed
	case m.bound && project != m.project:
		return Binding{}, ErrOtherProject
	}
	m.project, m.bound = project, true
	return m.binding, nil
}

// Find implements Ledger.
func (m *Memory) Find(_ context.Context, key Digest) ([]Record, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.closed {
		return nil, ErrClosed
	}
	return m.table.find(key), nil
}

// FindEqual implements Ledger.
func (m *Memory) FindEqual(_ context.Context, content Digest) ([]Record, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.closed {
		return nil, ErrClosed
	}
	return m.table.findEqual(content), nil
}

// memoryHolder is the one holder that there is.
const memoryHolder = "memory"

// Begin implements Ledger.
func (m *Memory) Begin(_ context.Context, records ...Record) ([]Record, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.closed {
		return nil, ErrClosed
	}
	m.table.sweep()
	for _, key := range m.table.outdated(records) {
		m.table.forget(key)
	}
	begun, err := m.table.begun(records)
	if err == nil {
		m.table.store(begun...)
	}
	return begun, err
}

// End implements Ledger.
func (m *Memory) End(_ context.Context, records ...Record) ([]Record, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.closed {
		return nil, ErrClosed
	}
	ended, err := m.table.ended(records)
	if err == nil {
		m.table.store(ended...)
	}
	return ended, err
}

// Forget implements Ledger.
func (m *Memory) Forget(_ context.Context, keys ...Digest) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.closed {
		return ErrClosed
	}
	for _, key := range keys {
		m.table.forget(key)
	}
	return nil
}

// Alive implements Ledger: its holder lives as long as the process.
func (m *Memory) Alive(_ context.Context, holder string) (bool, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.closed {
		return false, ErrClosed
	}
	return holder == memoryHolder, nil
}

// Close forgets everything.
func (m *Memory) Close() error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.closed, m.table = true, nil
	return nil
}

// table holds the records of a ledger in memory. The records of a key are in the
// order of their numbers.
type table struct {
	retention time.Duration
	// holder is whose records are under way.
	holder string
	// version is the highest version that a record has, so that no two changes have the
	// same, even if a record was forgotten in between.
	version   int64
	byKey     map[Digest][]Record
	byContent map[Digest][]place
	// count is how many records there are.
	count int
	// swept is when records past their time were last looked for.
	swept time.Time
}

// place is where a record is found.
type place struct {
	key    Digest
	number int
}

func newTable(retention time.Duration, holder string) *table {
	return &table{retention: retention, holder: holder, byKey: map[Digest][]Record{}, byContent: map[Digest][]place{}, swept: time.Now()}
}

// expired reports whether a record is past its time. A record that is under way is
// not, however old it is.
func (t *table) expired(r *Record, now time.Time) bool {
	if r.State == Begun && r.Holder == t.holder {
		return false
	}
	last := r.BegunAt
	for _, later := range []time.Time{r.EndedAt, r.WriteBy} {
		// One that was begun again keeps the time at which it was begun first.
		if later.After(last) {
			last = later
		}
	}
	return now.Sub(last) > t.retention
}

// over reports whether all records of a key are past their time. They go together: a
// piece of work that is still tried needs what its first calls came to.
func (t *table) over(key Digest, now time.Time) bool {
	return !slices.ContainsFunc(t.byKey[key], func(r Record) bool { return !t.expired(&r, now) })
}

// outdated returns the keys of records that have others of which all are past their
// time. They have to be forgotten before a new one makes them look younger.
func (t *table) outdated(records []Record) (keys []Digest) {
	now := time.Now()
	for i := range records {
		if key := records[i].Key; len(t.byKey[key]) > 0 && t.over(key, now) {
			keys = append(keys, key)
		}
	}
	return keys
}

func (t *table) find(key Digest) []Record {
	if t.over(key, time.Now()) {
		return nil
	}
	var found []Record
	for _, record := range t.byKey[key] {
		found = append(found, copied(record))
	}
	return found
}

func (t *table) findEqual(content Digest) []Record {
	now := time.Now()
	var found []Record
	for _, p := range t.byContent[content] {
		if record := t.lookup(p.key, p.number); record != nil && !t.over(p.key, now) {
			found = append(found, copied(*record))
		}
	}
	return found
}

func copied(r Record) Record {
	r.Answer.IDs = slices.Clone(r.Answer.IDs)
	return r
}

func (t *table) lookup(key Digest, number int) *Record {
	records := t.byKey[key]
	at, ok := slices.BinarySearchFunc(records, number, byNumber)
	if !ok {
		return nil
	}
	return &records[at]
}

func byNumber(r Record, number int) int { return cmp.Compare(r.Number, number) }

// begun returns the records as Begin stores them.
func (t *table) begun(records []Record) ([]Record, error) {
	now := time.Now()
	begun := make([]Record, len(records))
	for i, record := range records {
		record.BegunAt = now
		present := t.lookup(record.Key, record.Number)
		switch {
		case present == nil, t.over(record.Key, now):
			if record.Version != 0 {
				return nil, ErrTaken
			}
		case present.Version != record.Version:
			return nil, ErrTaken
		default:
			record.BegunAt = present.BegunAt
		}
		record.State, record.Holder, record.Answer, record.EndedAt = Begun, t.holder, Answer{}, time.Time{}
		t.version++
		record.Version = t.version
		begun[i] = record
	}
	return begun, nil
}

// ended returns the records as End stores them.
func (t *table) ended(records []Record) ([]Record, error) {
	ended := make([]Record, len(records))
	for i, record := range records {
		present := t.lookup(record.Key, record.Number)
		if present == nil || present.Version != record.Version {
			return nil, ErrTaken
		}
		ended[i] = *present
		ended[i].State, ended[i].Answer, ended[i].EndedAt = record.State, copied(record).Answer, time.Now()
		t.version++
		ended[i].Version = t.version
	}
	return ended, nil
}

// store takes records as they are.
func (t *table) store(records ...Record) {
	for _, record := range records {
		t.version = max(t.version, record.Version)
		all := t.byKey[record.Key]
		at, ok := slices.BinarySearchFunc(all, record.Number, byNumber)
		if ok {
			if all[at].Content != record.Content {
				t.unlink(&all[at])
				t.link(&record)
			}
			all[at] = record
			continue
		}
		t.byKey[record.Key] = slices.Insert(all, at, record)
		t.count++
		t.link(&record)
	}
}

func (t *table) link(r *Record) {
	if !r.IsWork() {
		t.byContent[r.Content] = append(t.byContent[r.Content], place{r.Key, r.Number})
	}
}

func (t *table) unlink(r *Record) {
	if r.IsWork() {
		return
	}
	left := slices.DeleteFunc(t.byContent[r.Content], func(p place) bool { return p == place{r.Key, r.Number} })
	if len(left) == 0 {
		delete(t.byContent, r.Content)
		return
	}
	t.byContent[r.Content] = left
}

func (t *table) forget(key Digest) {
	for _, record := range t.byKey[key] {
		t.unlink(&record)
		t.count--
	}
	delete(t.byKey, key)
}

// sweep forgets, now and then, what is past its time.
func (t *table) sweep() {
	now := time.Now()
	if passed := now.Sub(t.swept); passed >= 0 && passed < min(t.retention, time.Hour) {
		return
	}
	t.swept = now
	for key := range t.byKey {
		if t.over(key, now) {
			t.forget(key)
		}
	}
}
