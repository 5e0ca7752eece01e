// Package salebot calls the API of the Salebot bot constructor: it starts the
// bot when something happened in your system, sends messages, reads and writes
// variables.
//
//	client, err := salebot.New(key)
//	...
//	_, err = client.Message(ctx, salebot.MessageRequest{ClientID: 25554, Message: "Hello"})
//
// # What a failure means
//
// Every error is an [OpError]. Its Outcome says what became of the request:
// [OutcomeNotSent], [OutcomeRejected], or [OutcomeUnknown] where it may have been
// executed. A call that a person would notice twice ([Once]) is repeated only
// where it provably was not executed; reads and harmless writes are repeated by
// themselves. Ask for the class of a failure with errors.Is and the sentinels of
// this package.
//
// # The key
//
// The API has the project's key in its address. This package keeps it out of
// errors, logs, hooks and printed values. Keep it out of browsers and mobile
// applications yourself: who has the key has the project.
//
// # Testing
//
// The package salebottest has an emulator of Salebot, in-process, and the
// answers of the API as fixtures for github.com/jarcoal/httpmock.
package salebot
