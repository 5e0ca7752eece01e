// Package emulator is the engine of the emulator: a Salebot project in memory that
// answers API requests. It has two faces: salebottest for users' tests, and the
// command salebot emulator with its page.
//
// A request goes through these files:
//
//   - handler.go: the address, the key, the limit, the faults, the log
//   - folder request: what the request says, in whatever form it came
//   - folder faults: what is to go wrong with it; limit.go if it is one too many
//   - routes.go: the actions, each carried out in the file of its area (clients.go,
//     messages.go, callbacks.go, lookup.go, orders.go, …)
//   - answers.go, forms.go, reply.go: how it is answered, if that is a setting
//
// state.go holds the project, project.go its form in files. webhook.go, event.go
// and sender.go deliver messages to the webhook. network.go are the connections in
// memory. The files whose names begin with control are for the page.
//
// State, answers and deliveries are one package because they need each other. An answer
// is written from the state, under the settings that are kept with it. A change of the
// state makes deliveries, whose events show the state. Apart, each would have to export
// most of its fields to the others.
package emulator
