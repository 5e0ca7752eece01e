// Package postgres keeps in PostgreSQL what processes on several machines share: the
// events of a webhook.Handler ([OpenInbox]), the record of what must not be sent twice
// ([OpenLedger]), the pace of all clients together ([OpenPace]), and requests that are
// sent after a transaction of yours ([OpenOutbox]).
//
//	steps, err := postgres.Migrate(ctx, address) // once, before a new version starts
//	inbox, err := postgres.OpenInbox(ctx, address)
//	records, err := postgres.OpenLedger(ctx, address)
//	pace, err := postgres.OpenPace(ctx, address, "shop", 20, 5)
//	client, err := salebot.NewFromEnv(salebot.WithLedger(records, "shop"), salebot.WithLimiter(pace))
//	outbox, err := postgres.OpenOutbox(ctx, address, client, "order paid", send)
//	handler, err := webhook.New(answer, webhook.WithSecretInPath(secret),
//		webhook.WithInbox(inbox), webhook.WithRunOnce(client, "answering bot"))
//
// docs/postgres.md begins with a whole program, and says which rights and how many
// connections it needs. At the end stop the handler first, then close the outbox, the
// pace, the ledger and the inbox.
//
// Each of them has its own connections. Any number of processes may receive and handle the
// events of one inbox. Duplicates are dropped, whichever process receives them. The events
// of a client are handed out one at a time, in the order in which they were accepted,
// whichever process handles them.
//
// # What is guaranteed
//
// Put returns once the transaction with the event is committed, and Commit once the event
// is recorded as done. How durable that is depends on the server. With its default
// settings an acknowledged event survives a crash of the server and a loss of power, and
// with a synchronous standby (synchronous_standby_names) also the loss of the machine.
// With synchronous_commit = off, or if an asynchronous standby is promoted, acknowledged
// events can be lost.
//
// A process reports four times in [WithLifetime] that it is alive. If it does not, other
// processes take over the events that it had leased, and it can't settle them any more. An
// event can therefore reach the function more than once, as with every inbox;
// webhook.WithRunOnce keeps the calls for it from being made twice. [Settle] ends an event
// in one transaction with rows of your own; it does not replace webhook.WithRunOnce.
//
// While the database can't be reached, nothing is acknowledged: the handler answers 503.
// Every error says what is wrong ([ErrReadOnly], [ErrNoSchema] and others), and work
// resumes by itself when the database is back. To open something fails meanwhile, so let a
// supervisor start such a process again. If a connection breaks during a commit, the result
// is unknown. Nothing is lost or doubled by that: if the event was stored and comes again,
// it is dropped as a duplicate, and if it was settled, it is not handed out again.
//
// # What is needed
//
// PostgreSQL 13 or later, with the tables that [Migrate] creates; nothing else in this
// package changes the schema. A schema is for one project: see [WithSchema]. A system that
// only speaks its protocol must have functions in PL/pgSQL, SELECT … FOR UPDATE SKIP
// LOCKED, INSERT … ON CONFLICT and partial indexes; for prompt delivery also LISTEN and
// NOTIFY. With a pooler in transaction mode, see [WithListenAddress] and [WithoutListen].
//
// # Ledger and pace
//
// A ledger keeps keyed digests, ids, states and times, but no requests, texts or phone
// numbers. Begin is committed before a request is sent. The outcome of the request is
// recorded without waiting for the disk. If the server crashes in that moment, the outcome
// is lost and is looked up, as after the crash of a process. A process counts as dead
// after [WithLifetime]. Then others take over what it had begun, but not before the last
// moment at which it could have written its request.
//
// While the database is down, calls with an idempotency key fail without being sent. So do
// all calls that wait for a pace, unless each process may use its share of the rate
// ([WithLocalShare]).
//
// SQL statements never contain values. Bodies of events are stored only in the tables
// event and dead_letter, and requests only in the table outgoing, until they are sent. The
// API key is not stored.
package postgres
