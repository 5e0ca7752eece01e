// Package sqlite keeps two things in files that survive the death of the process and a
// loss of power: the events of a webhook.Handler, see [OpenInbox], and what a client must
// not send twice, see [OpenLedger] and [Inbox.Ledger]. The bot that answers each message
// once has both in one file:
//
//	inbox, err := sqlite.OpenInbox("bot.db")
//	records, err := inbox.Ledger()
//	client, err := salebot.NewFromEnv(salebot.WithLedger(records, "shop"))
//	handler, err := webhook.New(answer, webhook.WithSecretInPath(secret),
//		webhook.WithInbox(inbox), webhook.WithRunOnce(client, "answering bot"))
//
// # Ledgers
//
// OpenLedger opens a ledger in a file of its own, which several processes of one machine
// share. Inbox.Ledger has it in the inbox's file, for the process that has the inbox.
// Both flush a record to the disk before its request is sent, once for all that come at
// the same time; what became of it is flushed within a second. A ledger keeps keyed
// digests, ids, states and times: no request, no text and no phone.
//
// Whether a process that began something still lives is told by a lock of the operating
// system, on a file ledger.db.holder-… of its own, and by no clock: a process that was
// killed is known to be dead at once, and one that is stopped, or waits for the disk, is
// alive. Others wait for what it has begun; end it if they wait in vain. If its records
// are taken over all the same, it can't end them any more.
//
// A ledger that is damaged is not opened, since what it told is not known; restore it, or
// remove it and know that what it held may be sent again. If an inbox's file was
// damaged and recovered, its ledger is opened if nothing of it was lost, and otherwise
// with [WithLedgerLosses] only. On a disk without room nothing is begun, and so nothing
// sent; ends are written with the room that is kept for that.
//
// # Inboxes
//
// OpenInbox keeps the events of a webhook.Handler in a file, so that they survive
// the death of the process and a loss of power.
//
//	inbox, err := sqlite.OpenInbox("inbox.db")
//	...
//	defer inbox.Close()
//	handler, err := webhook.New(handle, webhook.WithSecretInPath(secret), webhook.WithInbox(inbox))
//
// The file is a database of SQLite, by an implementation in Go: neither a C compiler
// nor a server is needed, and a person can look into the file with the tools there
// are. Many events that come at once share one flush of the disk.
//
// # What is guaranteed
//
// Put returns when the event is in the database's log and the log was flushed to the
// disk: what was acknowledged survives the death of the process at any moment, and
// the loss of power as far as the disk keeps what it says it has written. Commit
// returns when the operating system has the change: the death of the process does
// not bring a committed event back. The loss of power may, for the events of the
// last second; see [WithFlushSettled]. Order, duplicates and dead letters are as
// the interface webhook.Inbox says; duplicates are recognized for
// [WithDuplicateWindow] at least. One process at a time can have the file open
// as an inbox.
//
// A clock that is wrong holds nothing up: when the file is opened, no event waits for
// longer than the longest delay with which one was ever released.
//
// If the file or its log is deleted or replaced while it is open, that is noticed before
// the next event is acknowledged, and within a second otherwise. The inbox is broken
// then.
//
// On a disk without any room, new events are refused with webhook.ErrFull, but the inbox
// can be opened, and what it has can be worked off: 4 MiB in the file inbox.db.reserve
// are kept for that. New events are taken again once the reserve could be restored.
//
// A file that is full ([WithMaxFileSize]) refuses new events with webhook.ErrFull;
// those that it has can be handed out, released, committed and buried. When a flush
// fails, or a page turns out to be damaged while the file is open, every method returns
// [ErrBroken] from then on, [Inbox.Health] too: nothing is acknowledged that might not
// be kept. Close the inbox and open it again, which checks the file.
//
// # What is not
//
// The file is on one disk and is lost with it. A disk, a virtual machine or a
// network file system that reports a flush which it did not do takes the guarantee
// away. Each row has a checksum, and a damaged file is recovered as far as possible
// when it is opened (see [Inbox.Recovery]), but what is gone is gone, and some
// damage cannot be noticed: a log that is cut exactly behind a commit, or whose
// damaged part ends it early, looks like one that was never longer, and an older
// copy of the file looks like the truth.
//
// The file is protected by locks that a POSIX system drops as soon as the process that
// holds them closes any descriptor of the file. A process that has an inbox open must
// not open and close inbox.db, inbox.db-shm or inbox.db.lock by itself, for example in
// order to copy them; other processes may. A file must not be opened under two names
// that are hard links.
//
// # Running it
//
// OpenInbox reads all events that wait, and checks a file that was not closed or is not
// larger than 64 MiB: some milliseconds for a small one, some seconds for each gigabyte,
// more if the disk is slow. The file never shrinks; the room of what was handled is used
// again. With [WithLockTimeout] a new process can be started before the old one has
// ended.
//
// A backup is made with SQLite's own tool while the inbox is open. It is complete, and
// older than the truth by what comes after it:
//
//	sqlite3 inbox.db "VACUUM INTO 'backup.db'"
//
// # The schema
//
// Version 1, as PRAGMA user_version says. PRAGMA application_id is 0x5342494e. Times
// are microseconds since 1970.
//
//	event        the events that are still to be handled
//	  sequence   number of the event, in the order of acceptance
//	  endpoint   name of the handler (webhook.WithEndpoint)
//	  client     Salebot's number of the client; 0 if it is not known
//	  message    number of the message; 0 if there is none
//	  failed     1 if the message could not be delivered
//	  recovered  1 if the event was fetched from the history
//	  accepted   when the event came
//	  attempts   how often it was handed out; the first time is written later
//	  due        when it may be handed out again; 0 for at once
//	  reason     failure of the last attempt
//	  body       the body as it came
//	  checksum   CRC-32C of the other columns in their order: numbers as 8 bytes,
//	             lowest first; texts after their length as such a number
//	dead_letter  the events that were given up; the same columns, and due is when;
//	             with an index of the endpoints
//	seen         the messages that were accepted, whether they were handled or not:
//	             message, failed, endpoint, client, sequence, accepted, checksum
//	damaged      what was found damaged and set apart: found (when), origin (the
//	             table), sequence, endpoint, problem, content (as JSON)
//	setting      reserved: how far sequences may have been given; closed: 1 while no
//	             process has the file open; longest: the longest delay of a release
//
// It can be read while an inbox has it open. These say what waits, why something was
// given up, and how much came on each day:
//
//	SELECT sequence, client, datetime(accepted / 1000000, 'unixepoch'), attempts, json_extract(body, '$.message') FROM event ORDER BY sequence;
//	SELECT sequence, client, datetime(due / 1000000, 'unixepoch'), attempts, reason FROM dead_letter ORDER BY sequence;
//	SELECT date(accepted / 1000000, 'unixepoch'), count(*) FROM seen GROUP BY 1;
//
// A ledger has two more tables. In a file of its own they are version 1 and the
// application_id is 0x53424c47:
//
//	ledger_record   the requests and the pieces of work
//	  key, number   digest of its key, and its number in a piece of work
//	  content, step digests of the request and of its name; empty for none
//	  state         0 begun, 1 accepted, 2 refused, 3 unknown
//	  version       a number that changes with each change, at random
//	  holder        who began it: the name of an opening of the ledger
//	  write_by      when it may be written at the latest
//	  scheduled     1 if it asks for a later execution
//	  anchored      1 if message is known
//	  message       the newest message of the person before it
//	  server        the time by Salebot's clock before it
//	  status, ids   what is kept of the answer: status, and numbers with spaces between
//	  begun, ended  when it was begun first and ended last
//	  checksum      as above; a digest counts as a text
//	ledger_setting  secret: what keys the digests; project: the name of the project;
//	                swept: when old records were last deleted; lost: 1 if some were
//	                lost when the file was damaged
//
// Rows should not be changed by hand, since their checksums would be wrong; use
// [Inbox.Redrive] and [Inbox.Discard]. The log beside the file takes up
// to 40 MB, and more while a reader has a long transaction.
package sqlite
