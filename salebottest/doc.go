// Package salebottest is a test double for Salebot: an emulator that keeps the
// state of a project, and the answers of the API as fixtures.
//
// The shortest test sends a message and looks at what the person got:
//
//	emulator := salebottest.New(t, salebottest.WithPerson(salebottest.Person{ID: 25554}))
//	client := emulator.Client(t)
//	_, err := client.Message(ctx, salebot.MessageRequest{ClientID: 25554, Message: "Hello"})
//	...
//	emulator.AssertMessage(t, 25554, "Hello")
//
// # Start
//
// [New] is for tests. Its connections are in memory and work inside a
// testing/synctest bubble, where scheduled sends, delays and retries take no time.
// [NewServer] listens on loopback, for programs that need a real address. [Open]
// and [Start] are the same outside of tests, and return an error if an option
// cannot work. The options describe the project: [WithPeople], [WithChannels],
// [WithBlocks] for a small flow, [WithOrders], [WithKeys] with permissions.
//
// # Look at what happened
//
// [Emulator.AssertMessage], [Emulator.AssertCallback] and the other Assert methods
// check one thing and show what there is instead. [Emulator.Messages] is what the
// person got, [Emulator.History] the whole conversation, [Emulator.Requests] what your
// program sent, with notes on what was not understood. [Emulator.WaitForMessage],
// [Emulator.WaitForCalls] and [Emulator.WaitForDeliveries] wait for something that
// happens in the background.
//
// # Be the person
//
// [Emulator.Write] and [Emulator.Press] are what the person does,
// [Emulator.WriteAsEmployee] what an operator does. [Emulator.SetReachable] makes
// messages to the person fail.
//
// # Receive the webhook
//
// [WithWebhook] delivers every message to an address or to an http.Handler in the
// same process, on request late, twice, out of order or again after a failure; see
// [Webhook]. [Emulator.PostToWebhook] delivers a body of your own, such as one of
// [WebhookFixtures].
//
// # Let things go wrong
//
// [Emulator.Fail] plans faults: a status, a gateway's page, a Retry-After, a
// connection that is cut before or after the request was carried out, a delay.
// Faults can be chosen by chance and still be repeatable; see [Fault].
// [Emulator.RefuseConnections] lets no connection come about. [Answers.RateLimit]
// limits the requests of each key, and [Answers.HistoryDelay] shows messages in
// the history only after a while.
//
// # Time
//
// Inside a synctest bubble time.Sleep moves the emulator too. Elsewhere
// [Emulator.Advance] puts its clock forward and sends what has become due.
//
// # Answers that are not certain
//
// The emulator answers what the evidence about Salebot says. If there is no evidence, or
// if it is contradictory, the answer is a setting; see [Answers].
//
// # Fixtures
//
// For unit tests with github.com/jarcoal/httpmock there are the answers of the API
// as fixtures; see [RegisterFixture] and [Fixtures].
package salebottest
