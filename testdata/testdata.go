// Package testdata embeds the project's fixtures and golden requests, so that
// the tests of every module of the repository read the same files.
//
// Nothing but tests and test doubles should import it.
package testdata

import "embed"

// Fixtures holds the answers of the API, fixtures/<action>/<case>.http, and the
// bodies that the webhook delivers, fixtures/webhook and fixtures/webhook-flat.
// The format is described in fixtures/README.md.
//
//go:embed fixtures
var Fixtures embed.FS

// Requests holds the golden requests, requests/<action>/<case>.http. The format
// is described in requests/README.md.
//
//go:embed requests
var Requests embed.FS
