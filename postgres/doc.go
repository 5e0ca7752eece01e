// Package postgres keeps in PostgreSQL what several processes on several machines have to
// share: the events of a webhook.Handler ([OpenInbox]), what a client must not send twice
// ([OpenLedger]), the pace of all clients together ([OpenPace]), and what is to be sent
// after a transaction of yours ([OpenOutbox]).
//
//	steps, err := postgres.Migrate(ctx, address) // once, before a new version starts
//	inbox, err := postgres.OpenInbox(ctx, address)
//	records, err := postgres.OpenLedger(ctx, address)
//	pace, err := postgres.OpenPace(ctx, address, "shop", 20, 5)
//	client, err := salebot.NewFromEnv(salebot.WithLedger(records, "shop"), salebot.WithLimiter(pace))
//	handler, err := webhook.New(answer, webhook.WithSecretInPath(secret),
//		webhook.WithInbox(inbox), webhook.WithRunOnce(client, "answering bot"))
//
// Each of them has connections of its own. Any number of processes may receive and handle events of one inbox. Duplicates are
// dropped whichever of them they come to. Of a client one event is handed out at a time,
// in the order of acceptance, whichever process gets it.
//
// # What is guaranteed
//
// Put returns when the transaction with the event was committed, and Commit when the one
// with the event's end was. What that is worth is up to the server: with its standard
// settings an acknowledged event survives its death and a loss of power, and with a
// synchronous standby (synchronous_standby_names) also the loss of the machine. With
// synchronous_commit = off, or a standby that is not synchronous and is promoted, events
// that were acknowledged can be lost.
//
// A process says four times in [WithLifetime] that it lives. If it does not, the others
// hand out what it had leased, and it can't settle that any more. An event can therefore
// reach the function more than once, as with every inbox: webhook.WithRunOnce keeps its
// calls from being made twice. [Settle] ends an event in one transaction with rows of
// your own.
//
// While the database cannot be reached nothing is acknowledged: the handler answers 503.
// Every error says what is wrong ([ErrReadOnly], [ErrNoSchema] and others), and work goes
// on by itself when the database is back. If a connection breaks while something is
// committed, it is not known whether it was: an event that comes again is a duplicate
// then, and one whose end was not heard of is found to be settled.
//
// # What is needed
//
// PostgreSQL 13 or later, with the tables that [Migrate] makes; nothing else in this
// package changes tables. Of systems that speak its protocol it needs functions in
// PL/pgSQL, SELECT … FOR UPDATE SKIP LOCKED, INSERT … ON CONFLICT, partial indexes, and
// for prompt delivery LISTEN and NOTIFY. Behind a pooler in transaction mode, see
// [WithListenAddress] or [WithoutListen].
//
// # Ledger and pace
//
// A ledger keeps keyed digests, ids, states and times: no request, no text and no phone.
// Begin is committed before a request is sent. What became of the request is recorded
// without waiting for the disk: if the server dies within a moment, it is not known, and
// is found out like after the death of a process. A process that dies is known to be dead
// after [WithLifetime]; others take over what it had begun then, and not before the last
// moment at which its request could be written.
//
// While the database is away, nothing is begun, and calls with an idempotency key fail
// without being sent. A pace fails, too, or each process keeps its part ([WithLocalShare]).
//
// The statements of this package hold no values. Bodies of events are stored in the
// tables event and dead_letter only, and requests in the table outgoing, until they are
// sent. The API key is stored nowhere.
package postgres
