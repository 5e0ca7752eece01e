// Package emulator is the engine of the emulator: a Salebot project in memory that
// answers API requests. It has two faces: salebottest for users' tests, and the
// command salebot emulator with its page.
//
// A request goes through these files:
//
//   - handler.go: the address, the key, the limit, the faults, the log
//   - request.go, form.go, parameters.go, whole.go, wellformed.go: what the request
//     says, in whatever form it came; remarks.go for what was odd in it
//   - routes.go: the actions, each carried out in the file of its area (clients.go,
//     messages.go, callbacks.go, lookup.go, orders.go, …)
//   - answers.go, forms.go, reply.go: how it is answered, where that is a setting
//
// state.go holds the project, project.go its form in files. webhook.go, event.go
// and sender.go deliver messages to the webhook. faults.go and faultplan.go are
// what can go wrong. network.go are the connections in memory. The files whose
// names begin with control are for the page.
package emulator
