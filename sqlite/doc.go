// Package sqlite keeps two things in files that survive a crash of the process and a loss
// of power: the events of a webhook.Handler ([OpenInbox]), and the record of what a client
// must not send twice ([OpenLedger] and [Inbox.Ledger]). A bot that answers each message
// once keeps both in one file:
//
//	inbox, err := sqlite.OpenInbox("bot.db")
//	records, err := inbox.Ledger()
//	client, err := salebot.NewFromEnv(salebot.WithLedger(records, "shop"))
//	handler, err := webhook.New(answer, webhook.WithSecretInPath(secret),
//		webhook.WithInbox(inbox), webhook.WithRunOnce(client, "answering bot"))
//
// # Ledgers
//
// OpenLedger opens a ledger in a separate file, which several processes of one machine can
// share. Inbox.Ledger opens it in the inbox's file, for the process that has the inbox
// open. Both flush a record to the disk before its request is sent; requests at the same
// time share a flush. The outcome of the request is flushed within a second. A ledger keeps
// keyed digests, ids, states and times, but no requests, texts or phone numbers.
//
// Each process holds a lock of the operating system on its own file ledger.db.holder-….
// The lock, and not a clock, shows whether the process is alive. A process that was killed
// is known to be dead at once; one that is stopped, or waits for the disk, is alive. Others
// wait for what it has begun: kill it if they wait for too long. If its records are taken
// over, it can't end them any more.
//
// A damaged ledger is not opened, since its records are not reliable. Restore it, or remove
// it and accept that what it recorded may be sent again. If an inbox's file was damaged and
// recovered, its ledger is opened if no record was lost, and otherwise only with
// [WithLedgerLosses]. On a full disk nothing is begun, and so nothing is sent; ends are
// written to space that is reserved for them.
//
// # Inboxes
//
// OpenInbox keeps the events of a webhook.Handler in a file, so that they survive a crash
// of the process and a loss of power.
//
//	inbox, err := sqlite.OpenInbox("inbox.db")
//	...
//	defer inbox.Close()
//	handler, err := webhook.New(handle, webhook.WithSecretInPath(secret), webhook.WithInbox(inbox))
//
// The file is an SQLite database, written by an implementation in Go: neither a C compiler
// nor a server is needed, and the usual tools can read the file. Events that arrive at the
// same time share a flush of the disk.
//
// # What is guaranteed
//
// Put returns once the event is in the database's log and the log is flushed to the disk.
// An acknowledged event survives a crash of the process at any moment. It survives a loss
// of power if the disk really keeps what it reports as written. Commit returns once the
// operating system has the change: a crash of the process does not bring a committed event
// back. A loss of power may bring back the events of the last second; see
// [WithFlushSettled]. Order, duplicates and dead letters are as documented for
// webhook.Inbox; duplicates are recognized for at least [WithDuplicateWindow]. Only one
// process at a time can have the file open as an inbox.
//
// A wrong clock delays events only for so long: after the file is opened, an event waits
// at most as long as the longest delay with which one was ever released.
//
// If the file or its log is deleted or replaced while it is open, that is noticed within a
// second, and before the next event is acknowledged. The inbox is broken then.
//
// On a full disk, new events are refused with webhook.ErrFull, but the inbox can be opened
// and its events can be handled: the file inbox.db.reserve keeps 4 MiB for that. New events
// are accepted again once the reserve is restored.
//
// If the file is full ([WithMaxFileSize]), new events are refused with webhook.ErrFull; the
// others can be handed out, released, committed and buried. If a flush fails, or a damaged
// page is found while the file is open, all methods return [ErrBroken] from then on, also
// [Inbox.Health]: nothing is acknowledged that may be lost. Close the inbox and open it
// again, which checks the file.
//
// # What is not
//
// The file is on one disk and is lost with it. The guarantee does not hold on a disk, a
// virtual machine or a network file system that reports flushes which it did not do. Each
// row has a checksum, and a damaged file is recovered as far as possible when it is opened
// (see [Inbox.Recovery]). Some damage can't be noticed: a log that was cut exactly after a
// commit, or that ends early at a damaged part, looks like a shorter log, and an older copy
// of the file looks like the current one.
//
// The file is protected by locks. A POSIX system drops them as soon as the process that
// holds them closes any descriptor of the file. So a process with an open inbox must not
// open and close inbox.db, inbox.db-shm or inbox.db.lock itself, for example to copy them;
// other processes may. A file must not be opened under two names that are hard links.
//
// # Running it
//
// OpenInbox reads all events that wait. It checks a file that was not closed, or is not
// larger than 64 MiB. That takes milliseconds for a small file and some seconds for each
// gigabyte, or more on a slow disk. The file never shrinks; the space of handled events is
// reused. With [WithLockTimeout] a new process can be started before the old one has ended.
//
// To make a backup while the inbox is open, use SQLite's own tool. The copy is complete as
// of that moment:
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
// The file can be read while an inbox has it open. These queries list the events that
// wait, the dead letters with their reasons, and the number of messages on each day:
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
