package salebot

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/salebot-go/salebot/internal/answer"
	"github.com/salebot-go/salebot/internal/record"
	"github.com/salebot-go/salebot/internal/wire"
)

// ClientToLoad is a person to load into the project; make it with a function such as
// TelegramUser, or with UserOf. One without a messenger, such as the zero value, is
// refused: for Salebot it would be a person in VK.
type ClientToLoad struct {
	// PlatformID is the person's id in the messenger; for WhatsApp and telephony
	// the phone number. Required.
	PlatformID PlatformID
	// GroupID is the bot, as GetConnectedChannels returns it. Required, except for
	// telephony, which has none.
	GroupID GroupID

	clientType ClientType
	// hasType tells VK, whose number is zero, from nothing.
	hasType bool
}

// UserOf is a person in a messenger that has no function of its own here.
func UserOf(messenger ClientType, id PlatformID, bot GroupID) ClientToLoad {
	return ClientToLoad{PlatformID: id, GroupID: bot, clientType: messenger, hasType: true}
}

// TelegramUser is a person in Telegram; bot is the bot's user name without the @.
func TelegramUser(id PlatformID, bot GroupID) ClientToLoad {
	return UserOf(ClientTypeTelegram, id, bot)
}

// VKUser is a person in VK; community is the number of the VK community.
func VKUser(id PlatformID, community GroupID) ClientToLoad {
	return UserOf(ClientTypeVK, id, community)
}

// WhatsAppUser is a person in WhatsApp, known by the phone number.
func WhatsAppUser(phone PlatformID, bot GroupID) ClientToLoad {
	return UserOf(ClientTypeWhatsApp, phone, bot)
}

// ViberUser is a person in Viber.
func ViberUser(id PlatformID, bot GroupID) ClientToLoad { return UserOf(ClientTypeViber, id, bot) }

// FacebookUser is a person in Facebook.
func FacebookUser(id PlatformID, bot GroupID) ClientToLoad {
	return UserOf(ClientTypeFacebook, id, bot)
}

// InstagramUser is a person in Instagram.
func InstagramUser(id PlatformID, bot GroupID) ClientToLoad {
	return UserOf(ClientTypeInstagram, id, bot)
}

// OKUser is a person in Odnoklassniki; group is the Odnoklassniki group.
func OKUser(id PlatformID, group GroupID) ClientToLoad {
	return UserOf(ClientTypeOdnoklassniki, id, group)
}

// MAXUser is a person in MAX.
func MAXUser(id PlatformID, bot GroupID) ClientToLoad { return UserOf(ClientTypeMAX, id, bot) }

// EmailUser is a person with an e-mail address.
func EmailUser(address PlatformID, bot GroupID) ClientToLoad {
	return UserOf(ClientTypeEmail, address, bot)
}

// TelephonyUser is a person who calls by phone. Telephony has no bot.
func TelephonyUser(phone PlatformID) ClientToLoad { return UserOf(ClientTypeTelephony, phone, "") }

// ClientType returns the messenger; ClientTypeUnrecognized if there is none.
func (c ClientToLoad) ClientType() ClientType {
	if !c.hasType {
		return ClientTypeUnrecognized
	}
	return c.clientType
}

func (c ClientToLoad) check(field string) error {
	if err := requireText(field+"PlatformID", string(c.PlatformID)); err != nil {
		return err
	}
	switch {
	case !c.hasType:
		return invalid(field+"ClientType", "is missing: make the person with TelegramUser or its siblings")
	case c.clientType < 0:
		return invalid(field+"ClientType", "is not a messenger")
	case c.clientType == ClientTypeTelephony && c.GroupID != "":
		return invalid(field+"GroupID", "must be empty for telephony")
	case c.clientType != ClientTypeTelephony && c.GroupID == "":
		return invalid(field+"GroupID", "is required; GetConnectedChannels tells it")
	case c.clientType == ClientTypeTelegram && strings.HasPrefix(string(c.GroupID), "@"):
		return invalid(field+"GroupID", "is the bot's user name without the @")
	}
	return nil
}

// LoadedClient is what became of one ClientToLoad.
type LoadedClient struct {
	// ID is the client; 0 if it was not accepted.
	ID ClientID
	// PlatformID is the person's id as Salebot keeps it, which may differ from
	// the one that was sent. If the answer does not say, it is the one that was.
	PlatformID PlatformID
	// GroupID is the bot, likewise.
	GroupID GroupID
	// ClientType is the messenger, likewise.
	ClientType ClientType
	// Status is Salebot's word for what happened, "success" if it was accepted.
	Status string
	// Unread names the fields, as Salebot calls them, that came in a form which this
	// package does not understand; Raw has them as they came.
	Unread []string
	// Raw is the element as it came. It is nil unless the call was made with
	// WithRawItems.
	Raw json.RawMessage
}

// Accepted reports whether the client is in the project now.
func (l LoadedClient) Accepted() bool {
	return l.ID != 0 && (l.Status == "" || answer.IsSuccessWord(l.Status))
}

// outcome is what became of a person: a client with a word that is neither success nor
// failure, and a success without a client, leave it open.
func (l LoadedClient) outcome() Outcome {
	switch said := answer.IsSuccessWord(l.Status); {
	case l.Accepted():
		return OutcomeAccepted
	case l.ID == 0 && !said, answer.IsFailureWord(l.Status):
		return OutcomeRejected
	default:
		return OutcomeUnknown
	}
}

// loadedClient is how a LoadedClient travels.
var loadedClient = record.New(
	record.Meta[LoadedClient]{
		Unread: func(l *LoadedClient) *[]string { return &l.Unread },
		Raw:    func(l *LoadedClient) *json.RawMessage { return &l.Raw },
		Start:  func(l *LoadedClient) { l.ClientType = ClientTypeUnrecognized },
	},
	record.Readable(record.OwnID(func(l *LoadedClient) *ClientID { return &l.ID }, "id", "client_id")),
	record.Identifier(func(l *LoadedClient) *PlatformID { return &l.PlatformID }, "platform_id"),
	record.Identifier(func(l *LoadedClient) *GroupID { return &l.GroupID }, "group_id"),
	record.Value(func(l *LoadedClient, value []byte) error { return readClientType(&l.ClientType, value) }, "client_type"),
	record.Word(func(l *LoadedClient) *string { return &l.Status }, "status"),
)

// LoadClients gets the clients of people in a messenger, and creates those that the
// project does not have. The result is aligned with the request: the element at an
// index is about the person at the same index, whatever the order of the answer. An
// answer that does not say who is who is a DecodeError. If Salebot did not accept all
// of them, the error is a PartialError, and the whole result is returned along with it.
//
// Salebot action: load_clients. Class: Idempotent. Answer: observed. Errors:
// ErrInvalidRequest, PartialError and those of every call. The max number of people is
// not documented.
func (c *Client) LoadClients(ctx context.Context, clients []ClientToLoad, opts ...CallOption) ([]LoadedClient, error) {
	encode := func(*settings) (payload, error) { return encodeClientsToLoad(clients) }
	return call(ctx, c, "load_clients", opts, encode, func(body []byte, s *settings) ([]LoadedClient, error) {
		came, placed, err := decodeLoaded(body, s)
		if err != nil {
			return nil, err
		}
		loaded, err := pairLoaded(clients, came, placed)
		if err != nil {
			return nil, err
		}
		var refused []RefusedElement
		for i := range loaded {
			// The word may quote the address, which holds the key.
			loaded[i].Status = s.scrub.Text(loaded[i].Status)
			if !loaded[i].Accepted() {
				refused = append(refused, RefusedElement{Index: i, Status: loaded[i].Status})
			}
		}
		if len(refused) > 0 {
			return loaded, &PartialError{Refused: refused, Total: len(loaded)}
		}
		return loaded, nil
	})
}

// decodeLoaded reads the elements of an answer. placed says that the place of each in the
// answer is that of the person in the request: an object whose names do not count its
// members from 0 on has no such order, and the names may be ids.
func decodeLoaded(body []byte, s *settings) (came []LoadedClient, placed bool, err error) {
	err = answer.Data(body, []string{"items"}, func(list []byte) (found bool, err error) {
		came, err = loadedClient.List(list, s.reading())
		placed = list[0] == '[' || countsFromZero(list)
		return true, err
	})
	return came, placed, err
}

func countsFromZero(list []byte) bool {
	next := 0
	for name := range wire.Pairs(list) {
		if name != strconv.Itoa(next) {
			return false
		}
		next++
	}
	return true
}

func encodeClientsToLoad(clients []ClientToLoad) (payload, error) {
	if len(clients) == 0 {
		return payload{}, invalid("clients", "is empty")
	}
	list := []byte{'['}
	for i, client := range clients {
		if err := client.check("clients[" + strconv.Itoa(i) + "]."); err != nil {
			return payload{}, err
		}
		if i > 0 {
			list = append(list, ',')
		}
		var o wire.Object
		o.Text("platform_id", string(client.PlatformID))
		o.Text("group_id", string(client.GroupID))
		o.Int("client_type", int64(client.clientType))
		list = append(list, o.Bytes()...)
	}
	return payload{body: append(list, ']')}, nil
}

// pairLoaded puts what came in the order of what was sent, by what each element repeats
// of the person it is about. An element that repeats nothing that tells is about the
// person at its own place, if it has one. An element that matches no person that was sent
// is an error, and so are two about one person: nothing is paired then.
func pairLoaded(sent []ClientToLoad, came []LoadedClient, placed bool) ([]LoadedClient, error) {
	if len(came) != len(sent) {
		return nil, fmt.Errorf("%d clients were sent and %d came back", len(sent), len(came))
	}
	p := pairing{sent: sent, came: came, byID: map[string][]int{}, groups: map[string]bool{}, taken: make([]bool, len(sent))}
	for i, person := range sent {
		id := idKey(person.PlatformID, person.clientType)
		p.byID[id] = append(p.byID[id], i)
		p.groups[groupKey(person.GroupID)] = true
	}
	loaded := make([]LoadedClient, len(sent))
	var unclear []int
	for i := range came {
		candidates := p.candidates(i)
		switch {
		case came[i].PlatformID != "" && len(candidates) == 0:
			return nil, fmt.Errorf("element %d is about nobody who was sent", i)
		case !p.alike(candidates):
			unclear = append(unclear, i)
			continue
		}
		to, ok := p.free(candidates)
		if !ok {
			return nil, fmt.Errorf("element %d is about a person whom an earlier one is about", i)
		}
		p.taken[to] = true
		loaded[to] = completed(came[i], sent[to])
	}
	for _, i := range unclear {
		// Of several people that it may be about, its place says which.
		if !placed || p.taken[i] || !p.fits(i, i) {
			return nil, fmt.Errorf("element %d does not say which person it is about", i)
		}
		loaded[i] = completed(came[i], sent[i])
	}
	return loaded, nil
}

// pairing is what is known about an answer to load_clients.
type pairing struct {
	sent []ClientToLoad
	came []LoadedClient
	// byID are the places of the persons with an id.
	byID   map[string][]int
	groups map[string]bool
	taken  []bool
}

// candidates are the persons that an element may be about, by the id that it
// repeats; none if it repeats none.
func (p *pairing) candidates(element int) []int {
	id := p.came[element].PlatformID
	if id == "" {
		return nil
	}
	var found []int
	for _, key := range []string{idKey(id, ClientTypeUnrecognized), idKey(id, ClientTypeWhatsApp), idKey(withoutSuffix(id), ClientTypeWhatsApp)} {
		for _, place := range p.byID[key] {
			if p.fits(element, place) && !slices.Contains(found, place) {
				found = append(found, place)
			}
		}
	}
	return found
}

// fits reports whether nothing that an element repeats speaks against a person. A
// bot that was not sent does not: Salebot has several names for one.
func (p *pairing) fits(element, place int) bool {
	came, sent := &p.came[element], &p.sent[place]
	switch {
	case came.ClientType != ClientTypeUnrecognized && came.ClientType != sent.clientType:
		return false
	case came.GroupID != "" && groupKey(came.GroupID) != groupKey(sent.GroupID) && p.groups[groupKey(came.GroupID)]:
		return false
	case came.PlatformID == "":
		return true
	}
	wanted := idKey(sent.PlatformID, sent.clientType)
	return idKey(came.PlatformID, sent.clientType) == wanted || idKey(withoutSuffix(came.PlatformID), sent.clientType) == wanted
}

// alike reports whether places hold one and the same person, who may have been sent
// several times.
func (p *pairing) alike(places []int) bool {
	for _, place := range places {
		if p.sent[place] != p.sent[places[0]] {
			return false
		}
	}
	return len(places) > 0
}

// free is the first of the places that no element is about yet.
func (p *pairing) free(places []int) (place int, ok bool) {
	for _, place := range places {
		if !p.taken[place] {
			return place, true
		}
	}
	return 0, false
}

// completed is an element with what it does not say about its person.
func completed(client LoadedClient, person ClientToLoad) LoadedClient {
	if client.PlatformID == "" {
		client.PlatformID = person.PlatformID
	}
	if client.GroupID == "" {
		client.GroupID = person.GroupID
	}
	if client.ClientType == ClientTypeUnrecognized {
		client.ClientType = person.clientType
	}
	return client
}

func groupKey(group GroupID) string { return strings.ToLower(strings.TrimPrefix(string(group), "@")) }

// withoutSuffix is an id without what follows an @, such as that of WhatsApp.
func withoutSuffix(id PlatformID) PlatformID {
	plain, _, _ := strings.Cut(string(id), "@")
	return PlatformID(plain)
}

// idKey is an id in the spelling by which two are compared. A WhatsApp id may come
// back with its suffix, and a phone number in another spelling.
func idKey(id PlatformID, messenger ClientType) string {
	text := strings.TrimSpace(string(id))
	if messenger == ClientTypeWhatsApp || messenger == ClientTypeTelephony || strings.HasSuffix(text, "@s.whatsapp.net") || strings.HasSuffix(text, "@c.us") {
		if phone, err := NormalizePhone(text); err == nil {
			return phone
		}
	}
	return strings.ToLower(text)
}
