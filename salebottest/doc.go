// Package salebottest is a test double for Salebot: an emulator that keeps the
// state of a project, and the answers of the API as fixtures.
//
// The shortest test that sends a message and looks at what the person got:
//
//	emulator := salebottest.New(t, salebottest.WithPerson(salebottest.Person{ID: 25554}))
//	client := emulator.Client(t)
//	_, err := client.Message(ctx, salebot.MessageRequest{ClientID: 25554, Message: "Hello"})
//	...
//	emulator.AssertMessage(t, 25554, "Hello")
//
// Client talks to the emulator over in-memory connections, which also work
// inside a testing/synctest bubble, where scheduled sends, delays and retries
// take no time. NewServer listens on loopback, for programs that need a real
// address, and Start does so outside of tests.
//
// The emulator answers what the evidence about Salebot says. Where that is silent
// or split its answer is a setting; see Answers. Faults are planned with Fail,
// for example a gateway's page, a connection that is cut after the request was
// carried out, or a Retry-After.
//
// For unit tests with github.com/jarcoal/httpmock there are fixtures; see
// RegisterFixture.
package salebottest
