package salebot

import (
	"fmt"
	"slices"
	"strings"
)

// pairLoaded puts what came in the order of what was sent, by what each element
// repeats of the person it is about. An element that repeats nothing that tells is
// about the person at its own place. An element that nobody was sent for, and two
// about one person, are an error: nothing is paired then.
func pairLoaded(sent []ClientToLoad, came []LoadedClient) ([]LoadedClient, error) {
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
		// Of several persons it may be about, its place tells the one.
		if p.taken[i] || !p.fits(i, i) {
			return nil, fmt.Errorf("element %d does not say which person it is about", i)
		}
		p.taken[i] = true
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
