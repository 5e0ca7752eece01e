// Package webhook receives what Salebot posts to a project's webhook: every message
// of every conversation, in both directions, and notices among them.
//
//	handler, err := webhook.New(func(ctx context.Context, event *webhook.Event) error {
//		_, err := client.Message(ctx, salebot.MessageRequest{ClientID: event.Client.ID, Message: "You said: " + event.Text})
//		return err
//	}, webhook.WithSecretInPath(secret), webhook.WithInbox(inbox))
//	...
//	http.Handle("/salebot/", handler)
//
// The address that is given to Salebot is then https://<host>/salebot/<secret>.
//
// # What reaches the function
//
// Only messages of people do, unless more is asked for: not the messages of the
// flow, of operators and of your own program, which Salebot posts as well, and not
// service events. So a bot cannot answer itself. The rest is opted into by
// [WithOutgoing], [WithServiceEvents] and [WithFilter].
//
// # What is guaranteed
//
// Salebot signs nothing, may send an event once only, and may send it again. A
// [Handler] answers 200 when the event is in its [Inbox], so that nothing that was
// acknowledged is lost as long as the inbox keeps what it has. It recognizes
// duplicates by the number of the message and its state of delivery. The function
// is called at least once for each event, with one event of a client at a time and
// in the order in which the inbox took them; what fails is repeated, and after a
// number of attempts becomes a dead letter, which can be looked at and redriven. An
// event whose function may have sent something before it failed is not repeated by
// itself, so that nobody gets an answer twice.
//
// A [MemoryInbox], the default, forgets what it holds when the process ends. The
// module github.com/salebot-go/salebot/sqlite has an inbox in a file
// that survives the death of the process and the loss of power. An inbox of your own
// can be checked by the package inboxtest.
//
// What is sent while no receiver runs is lost to the webhook; [Handler.CatchUp]
// fetches what the histories of the clients still tell of it.
//
// # Requests that flows make
//
// A block "API request" of a flow sends what its author put together, which is not
// an event. [DecodeFlat] and [DecodeFlatRequest] read it, and [Protect] keeps strangers
// from the handler that does.
package webhook
