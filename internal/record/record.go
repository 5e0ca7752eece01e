// Package record has the vocabulary in which the records of Salebot's answers are
// described and read. A record has fields: a required one, the id of the record
// itself, without which there is no record, and optional ones, of which each may
// be odd. A field may come under one of several names, in a fixed order.
//
// An odd field costs nothing but itself: it stays at its zero value and its name
// is listed with the record. Names match exactly, unlike in encoding/json. Of two
// members with the same name the later counts.
package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"sync"

	"github.com/salebot-go/salebot/internal/wire"
)

var (
	errMissing   = errors.New("is missing or has no value")
	errNotObject = errors.New("want an object")
)

// Field is one field of a record.
type Field[R any] struct {
	names []string
	need  need
	// kept says that an odd value stays in the field.
	kept bool
	// read writes a value, and nothing if it returns an error. It takes null for
	// the zero value. set is false for values that stand for none.
	read func(target *R, value []byte) (set bool, err error)
}

// need says what a record needs of a field.
type need uint8

const (
	optional need = iota
	// readable fields may be missing, and make the record none if they are odd.
	readable
	required
)

// Required makes a field one without which there is no record.
func Required[R any](field Field[R]) Field[R] {
	field.need = required
	return field
}

// Kept makes a field one that can hold an odd value: read writes it along with its
// error.
func Kept[R any](field Field[R]) Field[R] {
	field.kept = true
	return field
}

// Readable makes a field one that may be missing, but not odd.
func Readable[R any](field Field[R]) Field[R] {
	field.need = readable
	return field
}

// Meta is what a record has besides its fields.
type Meta[R any] struct {
	// Unread is where the names of odd fields are listed.
	Unread func(*R) *[]string
	// Raw is where the record is kept as it came.
	Raw func(*R) *json.RawMessage
	// Start, if there is one, prepares a record whose zero value is not what an
	// empty object means.
	Start func(*R)
	// Finish, if there is one, draws the conclusions. Its error means that there is
	// no record.
	Finish func(*R) error
}

// Type is the form of a record. Make it with New.
type Type[R any] struct {
	fields  []Field[R]
	names   []name
	byName  map[string]int
	meta    Meta[R]
	readers sync.Pool // of *reader[R]
}

// name is one name of a field.
type name struct {
	text  string
	field int
	// alternative says that the field has other names.
	alternative bool
}

// maxNames is the number of bits in a set of names.
const maxNames = 64

// New makes the form of a record. It is for variables of a package: it panics if
// two fields share a name.
func New[R any](meta Meta[R], fields ...Field[R]) *Type[R] {
	t := &Type[R]{fields: fields, byName: map[string]int{}, meta: meta}
	for i, field := range fields {
		for _, text := range field.names {
			if _, again := t.byName[text]; again || len(t.names) == maxNames {
				panic("record: too many fields, or two with the name " + text)
			}
			t.byName[text] = len(t.names)
			t.names = append(t.names, name{text: text, field: i, alternative: len(field.names) > 1})
		}
	}
	return t
}

// Options say how records are read.
type Options struct {
	// Raw keeps each record as it came.
	Raw bool
	// Strict makes an error of each odd field.
	Strict bool
}

// maxKept bounds the memory that is kept for the next list.
const maxKept = 4096

// List reads the records of a list.
func (t *Type[R]) List(list []byte, options Options) ([]R, error) {
	r := t.reader(options)
	defer t.release(r)
	if err := wire.Records(list, r); err != nil {
		return nil, err
	}
	records := make([]R, len(r.records))
	copy(records, r.records)
	return records, nil
}

// One reads a single record.
func (t *Type[R]) One(object []byte, options Options) (record R, err error) {
	r := t.reader(options)
	defer t.release(r)
	r.single = true
	if err := wire.Record(object, r); err != nil {
		return record, err
	}
	return r.records[0], nil
}

func (t *Type[R]) reader(options Options) *reader[R] {
	r, ok := t.readers.Get().(*reader[R])
	if !ok {
		r = &reader[R]{Type: t, values: make([][]byte, len(t.names)), causes: make([]error, len(t.names))}
	}
	r.options = options
	return r
}

// release keeps a reader for the next list, without anything that it read.
func (t *Type[R]) release(r *reader[R]) {
	if cap(r.records) > maxKept {
		return
	}
	clear(r.records[:cap(r.records)])
	clear(r.values)
	clear(r.causes)
	*r = reader[R]{Type: t, records: r.records[:0], values: r.values, causes: r.causes}
	t.readers.Put(r)
}

// reader reads the records of one list; it is a wire.Visitor.
type reader[R any] struct {
	*Type[R]
	options Options
	single  bool
	records []R
	// target is the record at hand, the last of the records.
	target *R
	// next is the name that is expected next, as records are much alike.
	next int
	// set and odd are the names that have a value, or an odd one, a bit each.
	set, odd uint64
	// values are those of the fields that have several names, until all are there.
	values [][]byte
	// later says that values has some.
	later bool
	// causes says what is wrong with the odd fields.
	causes []error
}

// Begin prepares a record.
func (r *reader[R]) Begin() {
	var zero R
	r.records = append(r.records, zero)
	r.target = &r.records[len(r.records)-1]
	r.next, r.set, r.odd = 0, 0, 0
	if r.later {
		clear(r.values)
		r.later = false
	}
	if r.meta.Start != nil {
		r.meta.Start(r.target)
	}
}

// Member reads a field.
func (r *reader[R]) Member(text, value []byte) {
	at := r.next
	if at >= len(r.names) || string(text) != r.names[at].text {
		var known bool
		if at, known = r.byName[string(text)]; !known {
			return
		}
	}
	r.next = at + 1
	if r.names[at].alternative {
		r.values[at], r.later = value, true
		return
	}
	r.read(at, value)
}

// read reads the field of a name, and reports whether that has a value now.
func (r *reader[R]) read(at int, value []byte) bool {
	field := &r.fields[r.names[at].field]
	bit := uint64(1) << at
	r.set, r.odd = r.set&^bit, r.odd&^bit
	set, err := field.read(r.target, value)
	switch {
	case err != nil:
		r.odd |= bit
		r.causes[at] = err
		if !field.kept {
			_, _ = field.read(r.target, []byte("null"))
		}
		return false
	case set:
		r.set |= bit
	}
	return set
}

// End concludes a record.
func (r *reader[R]) End(element []byte) error {
	err := r.conclude(element)
	if err != nil && !r.single {
		return fmt.Errorf("element %d: %w", len(r.records)-1, err)
	}
	return err
}

func (r *reader[R]) conclude(element []byte) error {
	if element[0] != '{' {
		return errNotObject
	}
	if r.later {
		r.chooseNames()
	}
	for i := range r.fields {
		if err := r.check(i); err != nil {
			return err
		}
	}
	if r.odd != 0 {
		if r.options.Strict {
			return r.problem(bits.TrailingZeros64(r.odd))
		}
		unread := make([]string, 0, bits.OnesCount64(r.odd))
		for at := range r.names {
			if r.odd&(1<<at) != 0 {
				unread = append(unread, r.names[at].text)
			}
		}
		*r.meta.Unread(r.target) = unread
	}
	if r.options.Raw {
		*r.meta.Raw(r.target) = bytes.Clone(element)
	}
	if r.meta.Finish != nil {
		return r.meta.Finish(r.target)
	}
	return nil
}

// chooseNames reads the fields that have several names: the first name with a value
// counts. What comes under the others is not looked at.
func (r *reader[R]) chooseNames() {
	done := -1
	for at, name := range r.names {
		if !name.alternative || name.field == done || r.values[at] == nil {
			continue
		}
		if r.read(at, r.values[at]) {
			done = name.field
		}
	}
}

// check finds out whether a field makes the record none. An odd value of a required
// field under a name that comes before its good one also does, since it is not known
// which of them is meant.
func (r *reader[R]) check(field int) error {
	need := r.fields[field].need
	if need == optional {
		return nil
	}
	good := false
	for at := range r.names {
		if r.names[at].field != field {
			continue
		}
		if r.odd&(1<<at) != 0 {
			return r.problem(at)
		}
		good = good || r.set&(1<<at) != 0
	}
	if need == required && !good {
		return fmt.Errorf("field %q %w", r.fields[field].names[0], errMissing)
	}
	return nil
}

func (r *reader[R]) problem(at int) error {
	return fmt.Errorf("field %q: %w", r.names[at].text, r.causes[at])
}
