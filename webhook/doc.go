// Package webhook receives what Salebot posts to a project's webhook: every message of
// every conversation, in both directions, and notices among them.
//
//	handler, err := webhook.New(func(ctx context.Context, event *webhook.Event) error {
//		_, err := client.Message(ctx, salebot.MessageRequest{ClientID: event.Client.ID, Message: "You said: " + event.Text})
//		return err
//	}, webhook.WithSecretInPath(secret), webhook.WithInbox(inbox))
//	...
//	http.Handle("/salebot/", handler)
//
// The address to enter in Salebot is then https://<host>/salebot/<secret>.
//
// # Receive messages of people
//
// [New] makes an [http.Handler] that calls a function with each [Event]. By default that
// is only what people write, so that a bot can't answer itself: Salebot also posts the
// messages of the flow, of operators and of your own program, and writes notices into
// the conversation as if the client had written them.
//
//   - [WithOutgoing] adds the messages of the bot's side.
//   - [WithServiceEvents] adds notices and callbacks, and [WithServiceTexts] says which
//     texts those are: add to the open set [KnownServiceTexts], or take from it.
//   - [WithFilter] decides by a function of yours.
//   - [Event.Kind] tells what came, for a switch: a text, a contact, a file, a callback, a
//     notice. [Event.Files] and [Event.Contact] have the attachments.
//   - [Event.WrittenByOperator] finds out whether a person took over.
//
// # Keep strangers out
//
// Salebot signs nothing. [WithSecretInPath], [WithSecretInQuery] or [WithSecretInHeader]
// accept requests with a secret, several at once while you change it.
// [WithAllowedAddresses] also checks where requests come from. [New] fails if nothing
// keeps strangers out; [WithoutSecret] says that something else does.
//
// # Lose nothing
//
// A [Handler] answers 200 only when the event is in its [Inbox]. The function is called at
// least once for each event, with one event of a client at a time, in the order in which
// the inbox took them. Salebot may send an event twice; duplicates are recognized by the
// number of the message and its state of delivery, and handled once.
//
// A [MemoryInbox], the default, forgets what it holds when the process ends. The module
// github.com/salebot-go/salebot/sqlite has an inbox in a file that survives the death of
// the process and a loss of power. For an inbox of your own, the package
// [github.com/salebot-go/salebot/webhook/schedule] decides what to hand out next, and
// [github.com/salebot-go/salebot/webhook/inboxtest] checks the rest.
//
// What is sent while no receiver runs is lost to the webhook. [Handler.CatchUp] fetches
// what the histories of the clients still tell of it.
//
// # Handle failures
//
// If the function returns an error or panics, the event is tried again
// ([WithRetryPolicy], [RetryAfter]), and the later events of its client wait. After the
// last attempt it becomes a dead letter: see [Inbox].DeadLetters, [Handler.Redrive] and
// [WithDeadLetterFunc]. It becomes one at once if
//
//   - the error is [Permanent];
//   - a message may have been sent although the call failed, because a person must not
//     get an answer twice ([WithRunOnce] and [WithRepeatUnknown] change that);
//   - it is older than [WithMaxAge];
//   - nothing in it says in a known way who wrote it ([ErrNotUnderstood]). Such an event is
//     never taken for a person's message, and never acknowledged and forgotten.
//
// A field in an unknown form costs nothing but itself: it stays zero, and Event.Unread
// names it.
//
// # Answer once
//
// An event can reach the function more than once: after a failure, or after the death of
// the process. With a ledger on the client, [WithRunOnce] keeps the calls of the function
// from being made twice:
//
//	webhook.New(answer, webhook.WithRunOnce(client, "answering bot"), ...)
//
// A call whose words may differ when the function runs again needs a name
// (salebot.WithStep).
//
// # Watch it
//
// [WithLogger] logs refusals, failures and dead letters. [WithHook] observes each request
// and each attempt. [Handler.Stats] counts. [Handler.Health] is what GET and HEAD are
// answered by.
//
// # End it
//
// With an inbox that lasts, call [Handler.Stop] after http.Server.Shutdown: it waits for
// the functions that run. With one in memory, call [Handler.Shutdown], which handles
// everything that is left.
//
// # Read other requests
//
// [Decode] reads a body without a Handler. A block "API request" of a flow sends what its
// author put together, which is not an event: [DecodeFlat] and [DecodeFlatRequest] read
// that, [Placeholders] finds what the flow did not fill in, and [Protect] keeps strangers
// from the handler that does.
package webhook
