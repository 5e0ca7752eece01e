package emulator

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"slices"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/secret"
)

// DefaultKey is the API key of an emulator that was given none.
const DefaultKey = "emulator-key"

// Permission is a right that an API key can have.
type Permission string

// The five permissions.
const (
	PermissionClientsRead   = Permission(action.ClientsRead)
	PermissionClientsWrite  = Permission(action.ClientsWrite)
	PermissionClientsDelete = Permission(action.ClientsDelete)
	PermissionCRMRead       = Permission(action.CRMRead)
	PermissionCRMWrite      = Permission(action.CRMWrite)
)

// Permissions returns all five permissions.
func Permissions() []Permission {
	return []Permission{
		PermissionClientsRead, PermissionClientsWrite, PermissionClientsDelete, PermissionCRMRead, PermissionCRMWrite,
	}
}

// Key is an API key of the emulated project.
type Key struct {
	// Value is the key itself; required.
	Value string `json:"value"`
	// Name is what the log of requests calls it. Empty means "key" and its place.
	Name string `json:"name,omitempty"`
	// Permissions are what the key may do; nil means everything, which is what
	// keys of the old kind may.
	Permissions []Permission `json:"permissions"`
}

// keyring knows the keys of a project.
type keyring struct {
	// main is a function, so that no printing of the emulator reaches the key.
	main func() string
	keys []knownKey
}

type knownKey struct {
	hash        [sha256.Size]byte
	name        string
	all         bool
	permissions []Permission
	scrubber    secret.Scrubber
}

func newKeyring(keys []Key) keyring {
	main := keys[0].Value
	ring := keyring{main: func() string { return main }}
	for i, key := range keys {
		name := key.Name
		if name == "" {
			name = fmt.Sprintf("key %d", i+1)
		}
		ring.keys = append(ring.keys, knownKey{
			hash: sha256.Sum256([]byte(key.Value)), name: name,
			all: key.Permissions == nil, permissions: slices.Clone(key.Permissions),
			scrubber: secret.NewScrubber(key.Value),
		})
	}
	return ring
}

// find takes the same time for every key, so that nobody can guess one letter by
// letter.
func (ring keyring) find(value string) (found knownKey, ok bool) {
	hash := sha256.Sum256([]byte(value))
	for i := range ring.keys {
		if subtle.ConstantTimeCompare(hash[:], ring.keys[i].hash[:]) == 1 {
			found, ok = ring.keys[i], true
		}
	}
	return found, ok
}

// scrub takes all keys out of a text.
func (ring keyring) scrub(text string) string {
	for i := range ring.keys {
		text = ring.keys[i].scrubber.Text(text)
	}
	return text
}

// may reports whether a key has a permission. For actions that are older than
// permissions every key will do.
func (k knownKey) may(permission action.Permission) bool {
	return k.all || permission == action.UnknownPermission || slices.Contains(k.permissions, Permission(permission))
}

// maskedKey is what the log says about a key. An unknown one may be the key of a
// real project that came here by mistake.
func maskedKey(owner knownKey, known bool, value string) string {
	if known {
		return owner.name
	}
	return fmt.Sprintf("unknown key of %d characters", len(value))
}

// Key returns the main API key.
func (e *Emulator) Key() string { return e.keys.main() }
