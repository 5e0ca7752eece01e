// Package action holds the table of Salebot's API actions: what each one is called, how
// its parameters travel, whether it may be repeated and how well its answer is known.
// Everything that differs from one action to the next and is not a Go type belongs
// here. The client, the emulator, the documentation and the tests read it from this
// table.
package action

import (
	"net/http"
	"slices"
)

// Class says what a second execution of an action does.
type Class uint8

const (
	// Once marks actions that a person may notice twice. It is the zero value,
	// so that forgetting the class is safe.
	Once Class = iota
	// Idempotent marks writes whose repetition changes nothing.
	Idempotent
	// Read marks actions that change nothing.
	Read
)

func (c Class) String() string {
	switch c {
	case Read:
		return "read"
	case Idempotent:
		return "idempotent"
	default:
		return "once"
	}
}

// Place says where the parameters of an action travel.
type Place uint8

const (
	// Object is a JSON object in the body.
	Object Place = iota
	// Array is a JSON array in the body.
	Array
	// Query is the query string.
	Query
	// Nowhere marks actions without parameters.
	Nowhere
)

func (p Place) String() string {
	switch p {
	case Array:
		return "JSON array"
	case Query:
		return "query"
	case Nowhere:
		return "none"
	default:
		return "JSON object"
	}
}

// Evidence grades what is known of the answer to a success.
type Evidence uint8

const (
	// Assumed means that the answer was never published.
	Assumed Evidence = iota
	// Documented means that the reference prints the answer.
	Documented
	// Observed means that programs in production rely on the answer.
	Observed
)

func (e Evidence) String() string {
	switch e {
	case Documented:
		return "documented"
	case Observed:
		return "observed"
	default:
		return "assumed"
	}
}

// Answer is the form of a success.
type Answer uint8

const (
	// Acknowledgement carries nothing but the success; an empty body counts.
	Acknowledgement Answer = iota
	// Confirmation is an acknowledgement that was observed to say "ok", so an
	// empty body does not count.
	Confirmation
	// Data is a JSON object or array that the caller needs.
	Data
	// Flat is an object whose keys are the user's own; a key called "status"
	// is data.
	Flat
)

// Subject is what an action looks up, and so what a plain 404 means.
type Subject uint8

const (
	// NoSubject marks actions that look nothing up.
	NoSubject Subject = iota
	// Client marks actions that fail if there is no such client.
	Client
	// Clients marks actions that answer with an empty list if there is no such
	// client.
	Clients
)

// Permission is what a scoped key needs for an action.
type Permission string

// The permissions of scoped keys.
const (
	ClientsRead       Permission = "clients_read"
	ClientsWrite      Permission = "clients_write"
	ClientsDelete     Permission = "clients_delete"
	CRMRead           Permission = "crm_read"
	CRMWrite          Permission = "crm_write"
	UnknownPermission Permission = "unknown"
)

// Row describes one action.
type Row struct {
	// Name is the last segment of the URL.
	Name string
	// GoMethod is the client's main method for it.
	GoMethod string
	// Methods are the HTTP methods that the API takes; the first is sent.
	Methods []string
	// Place is where the parameters travel with the first method.
	Place Place
	// Params are the names of the parameters.
	Params []string
	// Extra says that further top-level keys become variables.
	Extra bool
	// Values and Delimiter say which universal-webhook parameters it takes.
	Values, Delimiter bool
	Class             Class
	Answer            Answer
	Subject           Subject
	// PlainNotFound says that a 404 that says nothing else means an unknown client:
	// the reference documents it so. Elsewhere it means a wrong address.
	PlainNotFound bool
	Permission    Permission
	// Evidence grades the answer to a success.
	Evidence Evidence
	// BatchLimit is the documented number of elements a request may carry; 0
	// where none is documented.
	BatchLimit int
	// Legacy marks actions that left the current reference.
	Legacy bool
}

// Method is the HTTP method that the client sends.
func (r *Row) Method() string { return r.Methods[0] }

// FreshConnection says that the action must not travel on a reused
// connection: net/http itself repeats a GET there when the connection breaks.
func (r *Row) FreshConnection() bool {
	return r.Class == Once && r.Method() == http.MethodGet
}

// Accepts reports whether the API takes the HTTP method for the action.
func (r *Row) Accepts(method string) bool {
	return slices.Contains(r.Methods, method)
}

// Takes reports whether name is a parameter of the action.
func (r *Row) Takes(name string) bool {
	return slices.Contains(r.Params, name)
}

// Lookup returns the row of an action, or nil.
func Lookup(name string) *Row { return byName[name] }

// MustLookup returns the row of an action of the table.
func MustLookup(name string) *Row {
	row := byName[name]
	if row == nil {
		panic("action: no row for " + name)
	}
	return row
}

// All returns the rows in the order of the reference.
func All() []*Row {
	rows := make([]*Row, len(table))
	for i := range table {
		rows[i] = &table[i]
	}
	return rows
}

var byName = func() map[string]*Row {
	rows := make(map[string]*Row, len(table))
	for i := range table {
		rows[table[i].Name] = &table[i]
	}
	return rows
}()
