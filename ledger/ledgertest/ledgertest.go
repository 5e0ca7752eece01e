// Package ledgertest checks that a ledger keeps the promises of package ledger. Call
// Run in a test of your ledger. Call Kill too if it survives the end of its process,
// and Processes if several processes share it.
package ledgertest

import (
	"testing"
	"time"

	"github.com/salebot-go/salebot/ledger"
)

// Subject is the ledger under test.
type Subject struct {
	// New makes an empty store that keeps records for the retention, and returns a
	// function that opens a ledger on it. The suite closes what it opens. Required.
	New func(tb testing.TB, retention time.Duration) Open
	// Forgets says that nothing is left once the ledger is closed.
	Forgets bool
	// Shared says that several ledgers may have the store open at a time, as several
	// processes do. For others the second one to open must fail with ErrInUse, unless
	// Forgets.
	Shared bool
}

// Open opens a ledger, as a process does when it starts.
type Open func() (Closer, error)

// Closer is a ledger that can be closed.
type Closer interface {
	ledger.Ledger
	Close() error
}

// Run checks the ledger.
func Run(t *testing.T, subject Subject) {
	t.Helper()
	for name, law := range map[string]func(*testing.T, Subject){
		"binds one project":                 bindsOneProject,
		"begins what does not exist":        beginsWhatDoesNotExist,
		"begins all or none":                beginsAllOrNone,
		"lets one of many begin":            letsOneOfManyBegin,
		"takes over by version":             takesOverByVersion,
		"ends what was begun":               endsWhatWasBegun,
		"finds in order":                    findsInOrder,
		"finds equal content":               findsEqualContent,
		"keeps every field":                 keepsEveryField,
		"forgets a key":                     forgetsAKey,
		"does not confuse a forgotten one":  doesNotConfuseAForgottenOne,
		"takes records past their time off": takesRecordsPastTheirTimeOff,
		"keeps what is under way":           keepsWhatIsUnderWay,
		"keeps a key as a whole":            keepsAKeyAsAWhole,
		"knows its own holder":              knowsItsOwnHolder,
		"refuses when closed":               refusesWhenClosed,
		"is closed in the middle":           isClosedInTheMiddle,
		"opens again":                       opensAgain,
		"is opened twice":                   isOpenedTwice,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			law(t, subject)
		})
	}
}
