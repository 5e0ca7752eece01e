package sqlite

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// SchemaVersion is the version of the schema that this package writes; the file has
// it as PRAGMA user_version. A file with a newer one is refused.
const SchemaVersion = 1

// applicationID marks the files of this package, as PRAGMA application_id: "SBIN".
const applicationID = 0x5342494e

// LedgerSchemaVersion is that of a ledger's own file; see SchemaVersion.
const LedgerSchemaVersion = 1

// ledgerApplicationID marks the files of ledgers: "SBLG".
const ledgerApplicationID = 0x53424c47

// eventColumns are the columns of the tables that hold events.
const eventColumns = `(
	sequence  INTEGER PRIMARY KEY,
	endpoint  TEXT    NOT NULL,
	client    INTEGER NOT NULL,
	message   INTEGER NOT NULL,
	failed    INTEGER NOT NULL,
	recovered INTEGER NOT NULL,
	accepted  INTEGER NOT NULL,
	attempts  INTEGER NOT NULL,
	due       INTEGER NOT NULL,
	reason    TEXT    NOT NULL,
	body      TEXT    NOT NULL,
	checksum  INTEGER NOT NULL
) STRICT;
`

// schema is described in the package's documentation. The index lets dead letters be
// counted without reading their bodies.
const schema = `
CREATE TABLE event ` + eventColumns + `
CREATE TABLE dead_letter ` + eventColumns + `
CREATE INDEX dead_letter_endpoint ON dead_letter (endpoint);
CREATE TABLE seen (
	message   INTEGER NOT NULL,
	failed    INTEGER NOT NULL,
	endpoint  TEXT    NOT NULL,
	client    INTEGER NOT NULL,
	sequence  INTEGER NOT NULL,
	accepted  INTEGER NOT NULL,
	checksum  INTEGER NOT NULL,
	PRIMARY KEY (message, failed, endpoint)
) STRICT, WITHOUT ROWID;
CREATE TABLE damaged (
	number    INTEGER PRIMARY KEY,
	found     INTEGER NOT NULL,
	origin    TEXT    NOT NULL,
	sequence  INTEGER NOT NULL,
	endpoint  TEXT    NOT NULL,
	problem   TEXT    NOT NULL,
	content   BLOB
) STRICT;
CREATE TABLE setting (
	name      TEXT PRIMARY KEY,
	value     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`

// The names in the table setting.
const (
	// settingReserved is the number up to which sequences may have been given.
	settingReserved = "reserved"
	// settingClosed is 1 while no process has the file open.
	settingClosed = "closed"
	// settingLongest is the longest delay with which an event was ever released, in
	// microseconds.
	settingLongest = "longest"
)

const (
	selectSetting = "SELECT value FROM setting WHERE name = ?"
	upsertSetting = "INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)

var (
	// ErrForeignFile says that the file is not an inbox, or a ledger, of this package,
	// whichever was to be opened. It is left unchanged.
	ErrForeignFile = errors.New("sqlite: the file holds something else")
	// ErrNewerSchema says that a newer version of this package wrote the file.
	ErrNewerSchema = errors.New("sqlite: the file was written by a newer version")
)

// setUp sets the properties of the connection for writing.
func setUp(c *connection) error {
	mode, err := c.text("PRAGMA journal_mode = WAL")
	if err != nil {
		return err
	}
	if mode != "wal" {
		// Some file systems have no shared memory. Without it the guarantees would
		// be others.
		return fmt.Errorf("the file system does not allow a write-ahead log (journal mode %s)", mode)
	}
	// A commit in WAL mode with synchronous FULL returns after the log was flushed.
	// fullfsync is what a flush needs on macOS and does nothing elsewhere. The log is
	// copied into the database when it has 40 MB: ten times as rarely as usual, since
	// most pages have been written again by then, and those who put events wait.
	return c.script(`
		PRAGMA synchronous = FULL;
		PRAGMA fullfsync = ON;
		PRAGMA checkpoint_fullfsync = ON;
		PRAGMA wal_autocheckpoint = ` + strconv.Itoa(usualCheckpoint) + `;
		PRAGMA journal_size_limit = 67108864;
		PRAGMA cache_size = -16384;
		PRAGMA temp_store = MEMORY;
	`)
}

// lockPatience is how long the leader of a group waits for another process that has
// the file locked, before a goroutine goes on with that.
const lockPatience = 20 * time.Millisecond

// setPatience sets how long a connection waits for another process that has the file
// locked.
func setPatience(c *connection, patience time.Duration) error {
	return c.script(fmt.Sprintf("PRAGMA busy_timeout = %d", patience.Milliseconds()))
}

// softPages is the number of pages above which there is no room for new events.
func softPages(maxFileBytes int64) int64 { return max(maxFileBytes/pageSize, 16) }

// limitPages bounds the file itself, above the bound for new events. A file that has
// reached that bound, perhaps because it was a higher one, can still grow a little.
func limitPages(c *connection, soft int64) error {
	pages, err := c.number("PRAGMA page_count")
	if err != nil {
		return err
	}
	const reserve = reserveBytes / pageSize
	return c.script(fmt.Sprintf("PRAGMA max_page_count = %d", max(soft+soft/8, pages)+reserve))
}

// format is what a file of this package holds.
type format struct {
	application, version int64
	schema               string
}

var (
	inboxFormat  = format{applicationID, SchemaVersion, schema}
	ledgerFormat = format{ledgerApplicationID, LedgerSchemaVersion, ledgerSchema}
)

// identify says whether a database is empty, and refuses one that is not of this
// format. It changes nothing.
func (f *format) identify(c *connection) (empty bool, err error) {
	application, err := c.number("PRAGMA application_id")
	if err != nil {
		return false, err
	}
	version, err := c.number("PRAGMA user_version")
	if err != nil {
		return false, err
	}
	objects, err := c.number("SELECT count(*) FROM sqlite_schema")
	switch {
	case err != nil:
		return false, err
	case objects == 0 && application == 0:
		return true, nil
	case application != f.application:
		return false, ErrForeignFile
	case version > f.version:
		return false, ErrNewerSchema
	case version < f.version:
		// There is no older version yet.
		return false, fmt.Errorf("%w: schema %d", ErrForeignFile, version)
	}
	return false, nil
}

// create makes the schema in an empty database, and fills it.
func (f *format) create(c *connection, fill func(*connection) error) error {
	if err := c.script("BEGIN IMMEDIATE; " + f.schema); err != nil {
		return err
	}
	if err := fill(c); err != nil {
		return err
	}
	return c.script(fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT", f.application, f.version))
}

// nothing is what a new inbox is filled with.
func nothing(*connection) error { return nil }
