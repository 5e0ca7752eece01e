// Package ledger records the requests that must not be made twice: durably, before a
// request is sent, that it is about to be, and afterwards what became of it.
//
// A client of package salebot that has a ledger executes a call with an idempotency key
// once, however often and by whichever process it is tried. The same holds for a piece
// of work:
//
//	file, err := ledger.OpenFile("shop.ledger")
//	client, err := salebot.NewFromEnv(salebot.WithLedger(file, "shop"))
//	_, err = client.Message(ctx, request, salebot.WithIdempotencyKey("order 4711 paid"))
//
// Choose a ledger by what it has to survive:
//
//   - [NewMemory] serves one process and forgets when it ends: for tests.
//   - [OpenFile] serves one process at a time and survives its end and the machine's:
//     for scripts, bulk runs and services of one process.
//   - The module sqlite has a ledger in a database file that several processes of one
//     machine share, and one inside its inbox.
//   - The module postgres has one that processes on several machines share.
//
// A ledger holds no request: only keyed digests, ids, states and times. The package
// ledgertest checks a ledger of your own.
package ledger

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// DefaultRetention is how long a ledger keeps a record, unless it is opened with
// another time: 90 days. A key that is older is new.
const DefaultRetention = 90 * 24 * time.Hour

// Errors of ledgers.
var (
	// ErrTaken says that a record is not as the caller knew it: another call or
	// process has it, or has finished it.
	ErrTaken = errors.New("ledger: the record was taken or changed by another call")
	// ErrOtherProject says that the ledger belongs to another project.
	ErrOtherProject = errors.New("ledger: it belongs to another project")
	// ErrDamaged says that a ledger has a part that cannot be read. Nothing is sent
	// with it, because what it recorded there is not known.
	ErrDamaged = errors.New("ledger: it is damaged")
	// ErrInUse says that another process has the ledger open, and that it serves one
	// process only.
	ErrInUse = errors.New("ledger: another process has it open")
	// ErrClosed says that the ledger was closed.
	ErrClosed = errors.New("ledger: it is closed")
	// ErrBroken says that the ledger could not be written safely and has to be opened
	// again.
	ErrBroken = errors.New("ledger: it has to be opened again after a failed write")
)

// Ledger keeps records. Its methods may be called from several goroutines at once.
// Records are told apart by Key and Number.
//
// The methods know nothing of Salebot: what a record means and when a request may be
// sent is decided by package salebot. A ledger has to keep three promises. When Begin
// returns, the records of calls survive a crash of the process and of the machine. Of
// several callers that begin the same record at once, one succeeds. Alive does not call
// a holder dead that may still act.
type Ledger interface {
	// Bind ties the ledger to a project, by a name of the user's choice, and returns
	// what a client has to know. A ledger that belongs to another project returns
	// ErrOtherProject.
	Bind(ctx context.Context, project string) (Binding, error)
	// Find returns the records of a key, in the order of their numbers.
	Find(ctx context.Context, key Digest) ([]Record, error)
	// FindEqual returns the records of calls with this content, in any order.
	FindEqual(ctx context.Context, content Digest) ([]Record, error)
	// Begin records that requests are about to be sent, or that pieces of work are
	// about to begin: all of them or none. A record whose Version is zero must not
	// exist; any other must have that Version. They are stored with the state Begun,
	// the ledger's own holder and a new Version, and returned so. Otherwise the error
	// is ErrTaken. Records of calls are safe when Begin returns.
	Begin(ctx context.Context, records ...Record) ([]Record, error)
	// End records what became of requests or pieces of work: it takes State and Answer,
	// all records or none, and returns them as stored, with a new Version. The records
	// must have the Version that Begin or Find returned, or the error is ErrTaken. It
	// need not wait until that is safe: if it is lost, the records are as they were.
	End(ctx context.Context, records ...Record) ([]Record, error)
	// Forget removes all records of keys.
	Forget(ctx context.Context, keys ...Digest) error
	// Alive reports whether the holder of a record may still act on it: its process
	// lives and has the ledger open.
	Alive(ctx context.Context, holder string) (bool, error)
}

// Binding is what a client has to know of a ledger.
type Binding struct {
	// Secret keys the digests. It is random, made with the ledger and stored in it: who
	// has the ledger can check guesses of phones and texts. With a secret of the user's
	// own (salebot.WithLedgerSecret), only those who have it can.
	Secret []byte
	// Retention is how long records are kept.
	Retention time.Duration
}

// Digest stands for a key or for the content of a request. It is a keyed hash.
type Digest [16]byte

// IsZero reports whether it stands for nothing.
func (d Digest) IsZero() bool { return d == Digest{} }

// String is the digest in hexadecimal digits.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// MarshalText is String; a zero digest is empty.
func (d Digest) MarshalText() ([]byte, error) {
	if d.IsZero() {
		return nil, nil
	}
	return hex.AppendEncode(nil, d[:]), nil
}

// UnmarshalText reads what MarshalText writes.
func (d *Digest) UnmarshalText(text []byte) error {
	*d = Digest{}
	if len(text) == 0 {
		return nil
	}
	if len(text) != hex.EncodedLen(len(d)) {
		return fmt.Errorf("ledger: a digest has %d hexadecimal digits", hex.EncodedLen(len(d)))
	}
	_, err := hex.Decode(d[:], text)
	return err
}

// State is what a ledger knows of a request or a piece of work.
type State uint8

const (
	// Begun means that the request is about to be sent, under way, or was when its
	// process ended; that the piece of work runs, or did. It is the zero value.
	Begun State = iota
	// Accepted means that the request was executed, or that the piece of work is done.
	Accepted
	// Refused means that the request was not executed, or that the piece of work has
	// ended without being done: it may be tried again.
	Refused
	// Unknown means that the request may have been executed.
	Unknown
)

var stateNames = [...]string{Begun: "begun", Accepted: "accepted", Refused: "refused", Unknown: "unknown"}

// String names the state in a word.
func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return fmt.Sprintf("state %d", uint8(s))
}

// MarshalText is String.
func (s State) MarshalText() ([]byte, error) {
	if int(s) >= len(stateNames) {
		return nil, fmt.Errorf("ledger: there is no state %d", uint8(s))
	}
	return []byte(s.String()), nil
}

// UnmarshalText reads what MarshalText writes.
func (s *State) UnmarshalText(text []byte) error {
	for state, name := range stateNames {
		if name == string(text) {
			*s = State(state)
			return nil
		}
	}
	return fmt.Errorf("ledger: there is no state %.20q", text)
}

// Record is what a ledger knows of one request, or of a piece of work.
type Record struct {
	// Key is the digest of the project and of an idempotency key or a piece of work.
	Key Digest
	// Number is 0 for a call with an idempotency key and for a piece of work; the
	// calls inside a piece of work are numbered from 1.
	Number int
	// Content is the digest of action, receiver and content, as a history shows them; zero
	// for a piece of work. Requests that look alike in a history have the same.
	Content Digest
	// Step is the digest of the name that the call was given, or else of what a history
	// does not show of it, such as the variables of a callback; zero if there is neither.
	Step Digest
	// State is what is known.
	State State
	// Version changes with each change of the record: no two changes have the same.
	// Zero means that it is not stored yet.
	Version int64
	// Holder names who began it; only the ledger that made the name can read it.
	Holder string
	// WriteBy is the latest moment at which the request may still be written; zero for
	// a piece of work.
	WriteBy time.Time
	// Scheduled says that the request asks for a later execution.
	Scheduled bool
	// Anchor says what came before the request.
	Anchor Anchor
	// Answer is what is kept of the answer.
	Answer Answer
	// BegunAt is when it was begun first, EndedAt when it ended last.
	BegunAt, EndedAt time.Time
}

// IsWork reports whether the record is that of a piece of work.
func (r *Record) IsWork() bool { return r.Content.IsZero() }

// Anchor is what was known of the receiver's history before a request, so that the
// request can be told from earlier ones.
type Anchor struct {
	// Known says that MessageID is known. It may be 0: the history was empty.
	Known bool
	// MessageID is the newest message of the history.
	MessageID int64
	// Server is the time by Salebot's own clock; zero if it is not known.
	Server time.Time
}

// IsZero reports whether nothing is known.
func (a Anchor) IsZero() bool { return !a.Known && a.Server.IsZero() }

// Answer is what is kept of an answer: no text and no body.
type Answer struct {
	// Status is the HTTP status; 0 if the request was found in the history.
	Status int
	// IDs are the numbers in the answer, in the order of the method's result.
	IDs []int64
}
