// Package once keeps calls from being made twice. It decides, from what a ledger knows,
// whether a request is sent, its recorded answer returned, or neither. It knows nothing
// of HTTP; the client tells it what became of each attempt and lends it the history of
// a person.
package once

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"sync"
	"time"

	"github.com/salebot-go/salebot/internal/wait"
	"github.com/salebot-go/salebot/ledger"
)

// The errors of this package, which the root package exports.
var (
	ErrKeyReused   = errors.New("salebot: the idempotency key was used for another request")
	ErrNameReused  = errors.New("salebot: the name of the run was used for another action or request")
	ErrUnderWay    = errors.New("salebot: another call or process is working on it, or was a moment ago; ask again in some seconds")
	ErrWorkChanged = errors.New("salebot: the piece of work makes other calls than before, and nothing is sent until it makes the same; " +
		"name a call whose words may differ with WithStep, or make all calls again, with a new key or after ForgetWork")
	ErrWorkNested  = errors.New("salebot: a piece of work cannot run inside itself")
	ErrWorkEnded   = errors.New("salebot: the piece of work has ended")
	ErrWorkTooOld  = errors.New("salebot: the piece of work is older than the records of the ledger")
	ErrOtherLedger = errors.New("salebot: the piece of work belongs to another ledger or project")
)

// Keeper is a ledger that serves a client.
type Keeper struct {
	// Ledger is where the records are.
	Ledger ledger.Ledger
	// Project is the user's name for the project.
	Project string
	// Secret keys the digests; nil means the ledger's own.
	Secret []byte
	// SendWindow is how long after a record was written its request may be written.
	SendWindow time.Duration
	// HistoryDelay is how long Salebot takes, at most, to write a message down; zero
	// means that it is not known.
	HistoryDelay time.Duration

	mutex sync.Mutex
	bound *binding
	// ahead are records whose last moment is further away than any can be, and when
	// they were seen first.
	ahead map[aheadKey]time.Time
}

type aheadKey struct {
	key     ledger.Digest
	number  int
	version int64
}

// LongestSendWindow is the longest SendWindow that a client can have.
const LongestSendWindow = time.Hour

// lastMoment is when the request of a record can no longer be written. If a clock was
// changed, the record can name one that is years away; it is then counted from the
// first look at it.
func (k *Keeper) lastMoment(record *ledger.Record) time.Time {
	now := time.Now()
	if record.WriteBy.Sub(now) <= LongestSendWindow {
		return record.WriteBy
	}
	k.mutex.Lock()
	defer k.mutex.Unlock()
	at := aheadKey{record.Key, record.Number, record.Version}
	seen, ok := k.ahead[at]
	if !ok {
		seen = now
		if k.ahead == nil {
			k.ahead = map[aheadKey]time.Time{}
		}
		k.ahead[at] = seen
	}
	return seen.Add(LongestSendWindow)
}

// bind asks the ledger once for what a client has to know.
func (k *Keeper) bind(ctx context.Context) (*binding, error) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if k.bound != nil {
		return k.bound, nil
	}
	told, err := k.Ledger.Bind(ctx, k.Project)
	if err != nil {
		return nil, err
	}
	if k.Secret != nil {
		told.Secret = k.Secret
	}
	k.bound = &binding{Binding: told}
	return k.bound, nil
}

// same reports whether two keepers share their records.
func (k *Keeper) same(other *Keeper) bool {
	return k == other || k != nil && other != nil && k.Ledger == other.Ledger && k.Project == other.Project
}

// What a digest stands for comes first in it, so that no two kinds can be equal.
const (
	kindKey     = "key"
	kindWork    = "work"
	kindContent = "content"
	kindStep    = "step"
	kindUnseen  = "unseen"
)

// binding is what the ledger of a keeper told, and what makes the digests.
type binding struct {
	ledger.Binding
	digesters sync.Pool
}

// digester makes digests, one at a time.
type digester struct {
	mac  hash.Hash
	text []byte
}

// digest is a keyed hash of texts; each is preceded by its length.
func (b *binding) digest(parts ...string) ledger.Digest {
	d, ok := b.digesters.Get().(*digester)
	if !ok {
		d = &digester{mac: hmac.New(sha256.New, b.Secret)}
	}
	defer b.digesters.Put(d)
	d.mac.Reset()
	d.text = d.text[:0]
	for _, part := range parts {
		d.text = append(binary.BigEndian.AppendUint64(d.text, uint64(len(part))), part...)
	}
	_, _ = d.mac.Write(d.text)
	d.text = d.mac.Sum(d.text[:0])
	return ledger.Digest(d.text[:len(ledger.Digest{})])
}

func (k *Keeper) workKey(b *binding, kind, name, key string) ledger.Digest {
	return b.digest(kindWork, k.Project, kind, name, key)
}

// The waits between two looks at a record that another has.
const (
	firstLook = 5 * time.Millisecond
	lastLook  = 250 * time.Millisecond
)

// poller waits a little longer each time.
type poller struct{ delay time.Duration }

func (p *poller) wait(ctx context.Context) error {
	p.delay = min(max(2*p.delay, firstLook), lastLook)
	return sleep(ctx, p.delay)
}

// and is an error together with another one, in one line; more may be nil.
func and(err, more error) error {
	if more == nil {
		return err
	}
	return fmt.Errorf("%w: %w", err, more)
}

func sleep(ctx context.Context, d time.Duration) error {
	if !wait.For(ctx, d) {
		return ctx.Err()
	}
	return nil
}
