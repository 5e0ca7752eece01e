package once

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Two requests are one if they differ in the order of their members, in space between
// them or in their schedule, and in nothing else.
func TestContentOfARequest(t *testing.T) {
	t.Parallel()
	const body = `{"client_id":1,"data":{"b":[1,2],"a":"x y"},"message":"paid now"}`
	for name, other := range map[string]struct {
		body            string
		same, scheduled bool
	}{
		"the same":       {body, true, false},
		"another order":  {`{"message":"paid now","data":{"b":[1,2],"a":"x y"},"client_id":1}`, true, false},
		"with space":     {` { "client_id" : 1, "data":{ "b": [1, 2], "a":"x y" },` + "\n" + `"message":"paid now"}`, true, false},
		"at a moment":    {`{"send_time":"2026-01-02 03:04:05","client_id":1,"data":{"b":[1,2],"a":"x y"},"message":"paid now"}`, true, true},
		"after a while":  {`{"client_id":1,"data":{"b":[1,2],"a":"x y"},"message":"paid now","time_shift":60}`, true, true},
		"another text":   {`{"client_id":1,"data":{"b":[1,2],"a":"x y"},"message":"paidnow"}`, false, false},
		"another member": {`{"client_id":1,"data":{"b":[1,2],"a":"x y"},"messages":"paid now"}`, false, false},
		"one more":       {`{"client_id":1,"data":{"b":[1,2],"a":"x y"},"message":"paid now","a":1}`, false, false},
		"a list":         {`[` + body + `]`, false, false},
		"no JSON":        {body + `}`, false, false},
		"nothing":        {``, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, _, _ := (&Call{Body: []byte(body)}).content()
			got, _, scheduled := (&Call{Body: []byte(other.body)}).content()
			require.Equal(t, other.same, want == got)
			require.Equal(t, other.scheduled, scheduled)
		})
	}
}

// Digests are told apart by where one text ends and the next begins, and by the secret;
// one after the other they do not depend on each other.
func TestDigest(t *testing.T) {
	t.Parallel()
	var one, other binding
	one.Secret, other.Secret = []byte("a secret of the one"), []byte("a secret of the other")
	first := one.digest("ab", "c")
	require.NotEqual(t, first, one.digest("a", "bc"))
	require.NotEqual(t, first, one.digest("ab"))
	require.Equal(t, first, one.digest("ab", "c"))
	require.NotEqual(t, first, other.digest("ab", "c"))
	// Records are found by it as long as they are kept.
	require.Equal(t, "edd4c709f7e3e7a77a25a3255279651b", first.String())
}

// The texts that digests are made of stay what they are.
func TestContentStays(t *testing.T) {
	t.Parallel()
	text, _, _ := (&Call{Body: []byte(`{"message":"a < b & \u2028 — я","time_shift":1,"data":{"b": [1, 2]},"client_id":1}`)}).content()
	require.Equal(t, `{"client_id":1,"data":{"b":[1,2]},"message":"a \u003c b \u0026 \u2028 — я"}`, text)
}
