// Package salebot calls the API of the Salebot bot constructor. Use it to start the bot
// when something happens in your own system, to send messages, to read and write
// variables, and to work on clients and deals.
//
//	client, err := salebot.New(key)
//	...
//	_, err = client.Message(ctx, salebot.MessageRequest{ClientID: 25554, Message: "Hello"})
//
// Each method of [Client] calls one action of the API, and its documentation names the
// action. The sections below list the methods by what they are for. [New] and
// [NewFromEnv] make a client, [Client.With] makes a variant of one, and
// [Client.CloseIdleConnections] closes what it no longer needs. [Client.BaseURL]
// returns the address that it sends to, and [Client.Do] calls an action that has no
// method yet.
//
// # Start the bot
//
// A callback is a text that starts the bot for a person. It can carry variables.
//
//   - [Client.Callback] for a client that Salebot knows, by id, phone or email
//   - [Client.TGCallback], [Client.VKCallback], [Client.OKCallback],
//     [Client.MAXCallback], [Client.WhatsAppCallback] and [Client.EmailCallback]
//     for a person in a messenger
//   - [Client.SendCallbackByPlatformID] for several people in one bot
//   - [Client.SaveVariablesAndCallback] to write variables, wait until they can be
//     read, and only then start the bot
//   - [Client.UniversalWebhookURL] for a system that can post JSON but cannot use
//     this package
//
// # Send messages
//
//   - [Client.Message] and [Client.WhatsAppMessage], to one person; see [Buttons],
//     and [AttachmentType] for files
//   - [Client.Broadcast], to a list or to many clients
//   - [Client.GetHistory], [Client.History] and [Client.ClearHistory], for what was
//     said
//   - [Client.LatestMessageID] and [Client.FindSent], to look for a message whose
//     outcome is unknown
//
// # Variables
//
//   - [Client.GetVariables] and [Client.SaveVariables]
//   - [VariablesFor] to write and read a struct; [VariablesOf] to fake them in tests
//   - [Variables] to read them, one by one or into a struct; [EncodeVariables] to
//     write a struct; [ClientVariable] for the name of a client's own variable
//
// # Look up a client
//
//   - [Client.GetClientIDByPhone], [Client.GetClientIDByEmail],
//     [Client.GetClientIDByWhatsApp] and [Client.GetClientIDByOnlineChat]
//   - [Client.GetClientsByPlatformID], by the id in a messenger
//   - [Client.GetClientIDByVariable], [Client.GetLatestClientIDByVariable],
//     [Client.GetClientIDsByVariable] and [Client.GetClientIDsByVariables]
//   - [Client.FindClients], by conditions
//   - [NormalizePhone] for the spelling of a number
//
// # Manage clients
//
//   - [Client.LoadClients], to get or create the clients of people in a messenger
//   - [Client.AddToList] and [Client.RemoveFromList]
//   - [Client.AssignToUser], to hand a client to an employee
//   - [Client.DeleteClients]
//
// # Deals
//
//   - [Client.CreateOrder], [Client.GetOrders] and [Client.GetCurrentOrderID]
//   - [Client.GetOrderState], [Client.SetOrderState] and
//     [Client.MoveOrderToNextState]
//   - [Client.GetOrderVariables] and [Client.SetOrderVariables]
//   - [Client.GetOrderDetails] for the deals of a client with state and variables
//
// # The project
//
//   - [Client.GetConnectedChannels] and [Client.GetBlocks]
//   - [Client.CheckWhatsApp] and [Client.CheckInstagramSubscription]
//
// # Many at once
//
// To read all of a list, range over an iterator. It reads pages ahead, and can go
// on where an earlier one failed ([PageError]).
//
//   - [Client.Clients] reads all clients, or those of a list; [Client.GetClients]
//     reads one page; [Client.ClientsWithVariables] reads their variables too
//   - [Client.Subscribers] does so for subscribers; [Client.GetSubscribers] and
//     [Client.GetVKSubscribers] read one page
//   - [Client.History] reads the messages of a client
//
// To do something for many clients, use a bulk function. It reports what became of
// each item ([BulkReport]), and a run that was killed can be continued.
//
//   - [Client.BulkLoadClients], [Client.BulkSaveVariables],
//     [Client.BulkAddToList], [Client.BulkRemoveFromList],
//     [Client.BulkDeleteClients] and [Client.BulkSendCallbackByPlatformID]
//   - [Client.BulkBroadcast], to an audience from [CollectAudience]
//   - [ForEach], for any other call
//   - [Items] and [ClientIDs] make the sequences that these functions take
//
// # One piece of work, once
//
// With a ledger ([WithLedger]) a piece of work can be done once, however often
// it is asked for and by whichever process: see [Client.RunOnce], [Client.ForgetWork],
// [WithIdempotencyKey] and [WithStep]. [Rehearse] tries it without sending.
//
// # Errors
//
// The error of a call is an [OpError]. Its Outcome says what became of the
// request: [OutcomeNotSent], [OutcomeRejected], or [OutcomeUnknown] if it may have
// been executed. A call that a person would notice twice ([Once]) is repeated only
// if it was provably not executed. Reads and harmless writes are repeated by
// themselves. Ask for the class of a failure with [errors.Is]: [ErrClientNotFound],
// [ErrRateLimited], [ErrOutcomeUnknown] and the other sentinels.
//
// # Observe
//
// [WithHook] is told of every [Call] and [Attempt], for metrics and spans, and
// [WithLogger] writes a line about each call. [WithResponse] keeps the answer of a call
// as it came.
// The module [github.com/salebot-go/salebot/otel] makes spans and metrics of calls.
//
// [WithDump] shows requests and answers for debugging, without the key.
//
// # Shape requests
//
// [WithHeader] sends a header with every request, or with one, and [WithParameter] a
// parameter that is newer than this package. [WithRepeatAllowed] and
// [WithRepeatForbidden] say whether one call may be executed twice. A [Middleware] stands
// around each call ([WithMiddleware]) or each attempt ([WithAttemptMiddleware]).
// [NewTransport] is the transport to change for a proxy or for TLS.
//
// # The key
//
// The API has the project's key in its address. This package keeps it out of errors,
// logs, hooks and printed values. Keep it out of browsers and mobile applications
// yourself: whoever has the key has the project.
//
// # Test
//
// The package [github.com/salebot-go/salebot/salebottest] has an emulator of
// Salebot that runs in the process, and the answers of the API as fixtures for
// httpmock.
//
// # Receive
//
// The package [github.com/salebot-go/salebot/webhook] receives what Salebot posts
// to the project's webhook.
package salebot
