package probe

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/action"
	engine "github.com/salebot-go/salebot/internal/emulator"
)

// compareWithEmulators asks two emulators the same: one as it is, one with the settings
// that were found.
func (r *run) compareWithEmulators(ctx context.Context) error {
	found, err := r.report.Answers()
	if err != nil {
		return err
	}
	usual, err := r.askEmulator(ctx, engine.Answers{})
	if err != nil {
		return err
	}
	imitating, err := r.askEmulator(ctx, found)
	if err != nil {
		return err
	}
	for _, o := range r.report.all() {
		e := &o.Emulator
		e.Usual, e.UsualDifferences = judge(o, usual[o.Step])
		e.Imitating, e.Differences = judge(o, imitating[o.Step])
	}
	return nil
}

func judge(o, emulated *Observation) (string, []string) {
	if emulated == nil || o.Status == 0 {
		return notCompared, nil
	}
	found := differences(o, emulated)
	if len(found) == 0 {
		return same, nil
	}
	return differs, found
}

// askEmulator makes all steps with an emulator of a project that is like the one that was
// asked, and returns what it observed by the steps.
func (r *run) askEmulator(ctx context.Context, answers engine.Answers) (map[string]*Observation, error) {
	key := engine.Key{Value: "key-of-the-emulator", Permissions: r.permissions()}
	emulated, err := engine.Open(engine.WithProject(r.model()), engine.WithAnswers(answers), engine.WithKeys(key))
	if err != nil {
		return nil, fmt.Errorf("the emulator to compare with: %w", err)
	}
	defer emulated.Close()
	transport := emulated.Transport()
	defer transport.CloseIdleConnections()
	connect := func(chosen string, options ...salebot.Option) (*salebot.Client, error) {
		return salebot.New(cmp.Or(chosen, key.Value), append([]salebot.Option{
			salebot.WithBaseURL(engine.BaseURL), salebot.WithPlainHTTP(), salebot.WithTransport(transport),
			salebot.WithRetryPolicy(salebot.RetryPolicy{MaxHold: time.Nanosecond}),
		}, options...)...)
	}
	options := r.options
	options.Progress, options.Webhook = nil, nil
	asked, err := ask(ctx, connect, emulatorClock{emulated}, options)
	if err != nil {
		return nil, fmt.Errorf("the emulator to compare with: %w", err)
	}
	asked.summarize()
	observed := map[string]*Observation{}
	for _, o := range asked.report.all() {
		observed[o.Step] = o
	}
	return observed, nil
}

// emulatorClock is that of an emulator: nobody has to wait for it.
type emulatorClock struct{ emulated *engine.Emulator }

func (c emulatorClock) Now() time.Time { return c.emulated.Now() }

func (c emulatorClock) Sleep(_ context.Context, wait time.Duration) bool {
	c.emulated.Advance(wait)
	return true
}

// model is a project that is like the one that was asked, as far as answers show it: the
// same messengers, a client of the same kind.
func (r *run) model() engine.Project {
	group := salebot.GroupID("probe_bot")
	var channels []engine.Channel
	for i := range r.about.channels {
		c := &r.about.channels[i]
		channel := engine.Channel{Messenger: c.Messenger, ID: salebot.ChannelID(i + 1), GroupID: "probe_bot"}
		if r.groupIsNumber(c.Messenger) {
			channel.GroupID = salebot.GroupID(strconv.Itoa(100 + i))
		}
		if r.about.record != nil && c.GroupID == r.about.record.GroupID {
			group = channel.GroupID
		}
		channels = append(channels, channel)
	}
	id, kind := r.options.Client, salebot.ClientTypeTelegram
	if id == 0 {
		id = 1_000_001
	}
	if r.about.record != nil {
		kind = r.about.record.ClientType
	}
	platform := salebot.PlatformID("79000000002")
	if kind == salebot.ClientTypeEmail {
		platform = "somebody@example.com"
	}
	clients := []engine.PersonState{{
		Person: engine.Person{
			ID: id, ClientType: kind, PlatformID: platform, GroupID: group, Name: "Somebody",
			Variables: map[string]any{"client.phone": "79000000002", "client.email": "somebody@example.com", "client.city": "Riga"},
		},
		History: []engine.Message{{FromClient: true, Text: "Hello"}, {Text: "Hello"}},
	}}
	// The latest is the one that get_clients names first.
	clients = append([]engine.PersonState{{Person: engine.Person{
		ID: id + 1, ClientType: salebot.ClientTypeWhatsApp, PlatformID: "79000000003", GroupID: "probe_bot",
	}}}, clients...)
	if kind != salebot.ClientTypeVK {
		clients = append([]engine.PersonState{{Person: engine.Person{
			ID: id + 2, ClientType: salebot.ClientTypeVK, PlatformID: "79000000004", GroupID: "probe_bot",
		}}}, clients...)
	}
	return engine.Project{
		Channels: channels, Clients: clients,
		Blocks: []engine.Block{{ID: 1, Condition: "probe", Answer: "Hello", Description: "A block"}, {ID: 2, Condition: "empty", Answer: "Hello"}},
		Orders: []engine.Order{{ClientID: id, Name: "Deal", Budget: 1.5, Variables: map[string]any{"sum": "1"}}},
	}
}

// permissions are all but those that the key turned out to lack.
func (r *run) permissions() []engine.Permission {
	permissions := engine.Permissions()
	for name, observations := range r.observed {
		for i := range observations {
			if observations[i].SDK.Error == "forbidden" {
				lacking := engine.Permission(action.MustLookup(name).Permission)
				permissions = slices.DeleteFunc(permissions, func(p engine.Permission) bool { return p == lacking })
			}
		}
	}
	return permissions
}

// groupIsNumber reports whether the group_id of a messenger came as a number.
func (r *run) groupIsNumber(messenger string) bool {
	for _, o := range r.observed["connected_channels"] {
		if o.Body.has(messenger+"[].group_id", kindNumber) {
			return true
		}
	}
	return false
}

// differences names what of an answer the emulator does not have, and the other way round.
func differences(o, emulated *Observation) []string {
	var found []string
	if o.Status != emulated.Status {
		found = append(found, fmt.Sprintf("status %d, the emulator has %d", o.Status, emulated.Status))
	}
	if kind, other := mediaType(o.ContentType), mediaType(emulated.ContentType); kind != other {
		found = append(found, fmt.Sprintf("type %q, the emulator has %q", kind, other))
	}
	if o.Status == http.StatusTooManyRequests && o.RetryAfter != emulated.RetryAfter {
		found = append(found, fmt.Sprintf("Retry-After %s, the emulator has %s", o.RetryAfter, emulated.RetryAfter))
	}
	for _, place := range unite(o.Body.places(), emulated.Body.places()) {
		mine, others := o.Body.kinds(place), emulated.Body.kinds(place)
		switch {
		case len(others) == 0 && expects(emulated.Body, place):
			found = append(found, fmt.Sprintf("%s is %s, the emulator has none", named(place), o.Body[place]))
		case len(mine) == 0 && expects(o.Body, place):
			found = append(found, fmt.Sprintf("%s is not there, the emulator has %s", named(place), emulated.Body[place]))
		case len(mine) > 0 && len(others) > 0 && !alike(place, mine, others):
			found = append(found, fmt.Sprintf("%s is %s, the emulator has %s", named(place), o.Body[place], emulated.Body[place]))
		}
	}
	return found
}

func named(place string) string {
	if place == "" {
		return "the answer"
	}
	return place
}

func mediaType(contentType string) string {
	kind, _, _ := strings.Cut(contentType, ";")
	return kind
}

func unite(a, b []string) []string {
	all := append(slices.Clone(a), b...)
	slices.Sort(all)
	return slices.Compact(all)
}

// expects reports whether a shape had an occasion to have something at a place: it has
// the object around it, or elements.
func expects(s Shape, place string) bool {
	if place == "" {
		return true
	}
	if list, isElement := strings.CutSuffix(place, "[]"); isElement {
		return s.has(list, kindList)
	}
	around := ""
	if dot := strings.LastIndexByte(place, '.'); dot >= 0 {
		around = place[:dot]
	}
	return s.has(around, kindObject)
}

// alike reports whether some kinds of both are of one family. What is null or empty in one
// of them is a matter of the project, not of Salebot.
func alike(place string, a, b []string) bool {
	for _, x := range a {
		for _, y := range b {
			f, g := family(place, x), family(place, y)
			if f == g || f == "" || g == "" {
				return true
			}
		}
	}
	return false
}

// family is what kinds have in common; "" has something in common with all.
func family(place, kind string) string {
	name := place[strings.LastIndexByte(place, '.')+1:]
	switch kind {
	case kindNull:
		return ""
	case kindEmptyText, kindText, kindNamed:
		return kindText
	case kindDigits:
		if strings.HasSuffix(name, "_at") || name == "id" {
			return kindDigits
		}
		return kindText
	case kindFraction:
		return kindNumber
	case kindEmptyList:
		return kindList
	case kindEmptyObject:
		return kindObject
	}
	if strings.HasPrefix(kind, `"`) && place != "" && name != "status" {
		return kindText
	}
	return kind
}
