package sqliteinbox

import (
	"errors"
	"fmt"
)

// SchemaVersion is the version of the schema that this package writes; the file has
// it as PRAGMA user_version. A file with a newer one is refused.
const SchemaVersion = 1

// applicationID marks the files of this package, as PRAGMA application_id: "SBIN".
const applicationID = 0x5342494e

// schema is described in the package's documentation.
const schema = `
CREATE TABLE event (
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
CREATE TABLE dead_letter (
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
)

const (
	selectSetting = "SELECT value FROM setting WHERE name = ?"
	upsertSetting = "INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)

var (
	// ErrForeignFile says that the file is not one of this package. It is left as it
	// is.
	ErrForeignFile = errors.New("sqliteinbox: the file is something else than an inbox")
	// ErrNewerSchema says that a newer version of this package wrote the file.
	ErrNewerSchema = errors.New("sqliteinbox: the file was written by a newer version")
)

// setUp sets the properties of a connection.
func setUp(c *connection, maxPages int64) error {
	// A commit in WAL mode with synchronous FULL returns after the log was flushed.
	// fullfsync is what a flush needs on macOS and does nothing elsewhere.
	err := c.script(`
		PRAGMA busy_timeout = 5000;
		PRAGMA journal_mode = WAL;
		PRAGMA synchronous = FULL;
		PRAGMA fullfsync = ON;
		PRAGMA checkpoint_fullfsync = ON;
		PRAGMA cell_size_check = ON;
		PRAGMA journal_size_limit = 67108864;
		PRAGMA cache_size = -16384;
		PRAGMA temp_store = MEMORY;
	`)
	if err == nil && maxPages > 0 {
		err = c.script(fmt.Sprintf("PRAGMA max_page_count = %d", maxPages))
	}
	return err
}

// migrate makes the schema in an empty file, or brings that of an older version up
// to date.
func migrate(c *connection) error {
	application, err := c.number("PRAGMA application_id")
	if err != nil {
		return err
	}
	version, err := c.number("PRAGMA user_version")
	if err != nil {
		return err
	}
	objects, err := c.number("SELECT count(*) FROM sqlite_schema")
	switch {
	case err != nil:
		return err
	case objects == 0 && application == 0:
		return c.script(fmt.Sprintf("BEGIN IMMEDIATE; %s PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT;", schema, applicationID, SchemaVersion))
	case application != applicationID:
		return ErrForeignFile
	case version > SchemaVersion:
		return ErrNewerSchema
	case version < SchemaVersion:
		// There is no older version yet.
		return fmt.Errorf("%w: schema %d", ErrForeignFile, version)
	}
	return nil
}
