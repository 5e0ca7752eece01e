package webhook

import "net/http"

// Protect keeps strangers from a handler of your own, as a Handler keeps them from
// itself. The handler next gets the requests that have the secret and come from an
// allowed address. Their bodies are not compressed, and are bounded in size and in the
// time that they may take. It is for requests that are not the project's webhook, such
// as those of "API request" blocks, which DecodeFlatRequest reads.
//
// The options that say who and what is let in are used: WithSecretInPath,
// WithSecretInQuery, WithSecretInHeader, WithoutSecret, WithAllowedAddresses,
// WithMaxBodySize, WithReadTimeout, and WithLogger. The others are ignored. All methods
// of HTTP are let through. It fails as New does.
func Protect(next http.Handler, opts ...Option) (http.Handler, error) {
	if next == nil {
		return nil, badOption("Protect", "the handler is nil")
	}
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	return &protected{config: c, next: next}, nil
}

type protected struct {
	config

	next http.Handler
}

func (p *protected) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.limitReading(w, r)
	if refused := p.admit(r); refused != nil {
		p.answer(w, r, refused)
		return
	}
	if hasBody(r) {
		r.Body = http.MaxBytesReader(w, r.Body, p.maxBodySize)
	}
	p.next.ServeHTTP(w, r)
}
