package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/salebot-go/salebot/internal/wire"
)

// UnmarshalJSON reads a project. Keys that it does not have are refused, so that
// a slip in a file is noticed.
func (state *Project) UnmarshalJSON(text []byte) error {
	type plain Project
	if string(text) == "null" {
		*state = Project{}
		return nil
	}
	// A project may have a million messages, and the decoder copies what it is given
	// at once. So it is given the clients one by one.
	decoder := strictDecoder(text)
	if err := want(decoder, '{'); err != nil {
		return err
	}
	var clients []PersonState
	var rest wire.Object
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return err
		}
		if name == "clients" {
			if clients, err = readClients(decoder); err != nil {
				return err
			}
			continue
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return err
		}
		rest.Raw(fmt.Sprint(name), value)
	}
	if err := want(decoder, '}'); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errShape
	}
	var read plain
	if err := strictDecoder(rest.Bytes()).Decode(&read); err != nil {
		return err
	}
	if clients != nil {
		read.Clients = clients
	}
	*state = Project(read)
	return nil
}

func strictDecoder(text []byte) *json.Decoder {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	// Numbers in variables may be beyond what a float holds.
	decoder.UseNumber()
	return decoder
}

var errShape = errors.New("a project is an object, and its clients are a list")

// want reads a bracket.
func want(decoder *json.Decoder, bracket json.Delim) error {
	token, err := decoder.Token()
	if err == nil && token != bracket {
		err = errShape
	}
	return err
}

func readClients(decoder *json.Decoder) ([]PersonState, error) {
	token, err := decoder.Token()
	switch {
	case err != nil || token == nil:
		return nil, err
	case token != json.Delim('['):
		return nil, errShape
	}
	clients := []PersonState{}
	for decoder.More() {
		var one PersonState
		if err := decoder.Decode(&one); err != nil {
			return nil, fmt.Errorf("clients[%d]: %w", len(clients), err)
		}
		clients = append(clients, one)
	}
	return clients, want(decoder, ']')
}
