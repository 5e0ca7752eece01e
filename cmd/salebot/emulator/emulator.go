// Package emulator serves an emulated Salebot project to programs in any language
// and to people: the API itself under /api/, a control API under /_emulator/, and
// a page in the browser at /.
package emulator

import (
	"context"
	"net/http"
	"strings"

	engine "github.com/salebot-go/salebot/internal/emulator"
)

// Options say what a Handler serves.
type Options struct {
	// Emulator is the project; required.
	Emulator *engine.Emulator
	// Version is what the status tells.
	Version string
	// Keys are the API keys. They are never shown, also where a request has one in
	// its body.
	Keys []string
	// AllowedHosts are further names under which the page and the control API may
	// be opened, besides localhost and addresses in digits.
	AllowedHosts []string
	// Save writes the state to its file; nil if there is none.
	Save func() error
}

// Handler serves an emulated project.
type Handler struct {
	emulator *engine.Emulator
	control  http.Handler
	page     http.Handler
	health   http.Handler
}

// NewHandler returns a handler. It follows the emulator's changes until ctx ends.
func NewHandler(ctx context.Context, options Options) *Handler {
	c := &control{
		Emulator: options.Emulator,
		version:  options.Version,
		mask:     newMask(options.Keys),
		save:     options.Save,
		feed:     newFeed(),
		ended:    ctx.Done(),
	}
	g := newGuard(options.AllowedHosts)
	c.feed.describe = c.status
	go c.feed.follow(ctx, options.Emulator)
	control := c.handler()
	return &Handler{
		emulator: options.Emulator,
		health:   control,
		control:  g.protect(control),
		page:     g.protect(pageHandler()),
	}
}

// healthPath is where a container asks whether the emulator answers.
const healthPath = controlPath + "health"

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case isAPI(r.URL.Path):
		h.emulator.ServeHTTP(w, r)
	case r.URL.Path == healthPath && r.Method == http.MethodGet:
		// Whoever checks the health does so under any name, and learns nothing else.
		h.health.ServeHTTP(w, r)
	case strings.HasPrefix(r.URL.Path, controlPath):
		h.control.ServeHTTP(w, r)
	default:
		h.page.ServeHTTP(w, r)
	}
}

// isAPI reports whether a path is meant for the API. A base URL that ends in a slash
// makes it begin with two; what becomes of that is for the emulator to say, so that
// its log shows it.
func isAPI(path string) bool {
	rest := strings.TrimLeft(path, "/")
	return rest == "api" || strings.HasPrefix(rest, "api/")
}
