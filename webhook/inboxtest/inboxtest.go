// Package inboxtest checks that a webhook.Inbox keeps the laws of its interface. Check
// an inbox of your own like this:
//
//	func TestInbox(t *testing.T) {
//		inboxtest.Run(t, func(t testing.TB) inboxtest.Store {
//			path := filepath.Join(t.TempDir(), "inbox")
//			return inboxtest.Store{
//				Open:    func(t testing.TB) webhook.Inbox { return openInbox(t, path) },
//				Durable: true,
//			}
//		})
//	}
//
// What a store cannot do, such as to fail when it is told to, it leaves out, and the
// laws about it are not checked; Run logs which.
package inboxtest

import (
	"testing"
	"testing/synctest"

	"github.com/salebot-go/salebot/webhook"
)

// Store is a place in which an inbox keeps its entries, empty at first. Each check
// gets one of its own.
type Store struct {
	// Open opens the inbox; required. Of a durable store it is called again after
	// Close and Crash.
	Open func(t testing.TB) webhook.Inbox
	// Durable says that the store has its entries again when it is opened again.
	Durable bool
	// Crash ends an inbox as if its process had died at this moment, also while
	// calls are under way; what they return from then on does not count. Open is
	// called afterwards. May be nil.
	Crash func(t testing.TB, inbox webhook.Inbox)
	// SetFailing lets the store of an open inbox refuse every change, as a full or
	// broken disk does, or ends that. May be nil.
	SetFailing func(t testing.TB, inbox webhook.Inbox, failing bool)
	// OpenSmall opens an inbox, in a place of its own, that keeps at most so many
	// entries. May be nil.
	OpenSmall func(t testing.TB, entries int) webhook.Inbox
}

// Option changes how Run checks.
type Option func(*suite)

// VirtualTime runs each check in a bubble of testing/synctest, so that nothing has
// to be waited for. The inbox must not use anything in it for which such a bubble
// cannot tell that it waits, such as a network.
func VirtualTime() Option { return func(s *suite) { s.virtual = true } }

// suite is one run.
type suite struct {
	newStore func(t testing.TB) Store
	virtual  bool
}

// check is one law.
type check struct {
	name string
	run  func(t *testing.T, store Store)
	// needs says what the store has to be able to do; nil for nothing.
	needs func(Store) bool
}

// Run checks all laws, each as a subtest, on stores that newStore makes.
func Run(t *testing.T, newStore func(t testing.TB) Store, opts ...Option) {
	t.Helper()
	s := suite{newStore: newStore}
	for _, opt := range opts {
		opt(&s)
	}
	for _, c := range checks() {
		t.Run(c.name, func(t *testing.T) {
			if s.virtual {
				synctest.Test(t, func(t *testing.T) { s.check(t, c) })
			} else {
				s.check(t, c)
			}
		})
	}
}

func (s *suite) check(t *testing.T, c check) {
	t.Helper()
	store := s.newStore(t)
	if c.needs != nil && !c.needs(store) {
		t.Log("not checked: the store cannot do what this needs")
		return
	}
	c.run(t, store)
}

func checks() []check {
	durable := func(s Store) bool { return s.Durable }
	crashes := func(s Store) bool { return s.Durable && s.Crash != nil }
	fails := func(s Store) bool { return s.SetFailing != nil }
	small := func(s Store) bool { return s.OpenSmall != nil }
	return []check{
		{"keeps what was put", keepsWhatWasPut, nil},
		{"drops duplicates", dropsDuplicates, nil},
		{"drops concurrent duplicates", dropsConcurrentDuplicates, nil},
		{"keeps the order of a client", keepsOrder, nil},
		{"lets clients overtake each other", letsClientsOvertake, nil},
		{"hands out to many at once", handsOutConcurrently, nil},
		{"releases with a delay", releasesWithDelay, nil},
		{"takes back leases that run out", takesBackLeases, nil},
		{"commits once", commitsOnce, nil},
		{"buries, redrives and discards", buriesAndRedrives, nil},
		{"redrives while a later entry is under way", redrivesWhileLaterIsUnderWay, nil},
		{"hands out an older entry first", olderEntryGoesFirst, nil},
		{"counts attempts from one after a redrive", countsFromOne, nil},
		{"counts attempts from one after a redrive and a restart", countsFromOneAfterRestart, durable},
		{"does everything at once", doesEverythingAtOnce, nil},
		{"does everything at once and closes", doesEverythingAtOnceAndCloses, nil},
		{"waits for entries", waitsForEntries, nil},
		{"keeps endpoints apart", keepsEndpointsApart, nil},
		{"refuses after close", refusesAfterClose, nil},
		{"refuses when full", refusesWhenFull, small},
		{"refuses when the store fails", refusesWhenFailing, fails},
		{"outlives close", outlivesClose, durable},
		{"remembers what it had seen", remembersSeen, durable},
		{"outlives a crash", outlivesCrash, crashes},
		{"outlives crashes at any moment", outlivesCrashesAnytime, crashes},
		{"serves a handler", servesHandler, nil},
		{"serves a slow consumer", servesSlowConsumer, nil},
		{"ends a handler in the middle", endsHandlerInTheMiddle, durable},
		{"drains a handler", drainsHandler, nil},
		{"answers 503 when the store fails", answersUnavailable, fails},
	}
}
