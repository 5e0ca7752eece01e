package salebot

import (
	"strconv"
	"strings"
	"time"

	"github.com/salebot-go/salebot/internal/wire"
)

// The checks and encodings that several actions share.

func requireText(field, value string) error {
	if strings.TrimSpace(value) == "" {
		return invalid(field, "is required")
	}
	return nil
}

func requireClient(field string, client ClientID) error {
	switch {
	case client == 0:
		return invalid(field, "is required")
	case client < 0:
		return invalid(field, "must be positive")
	}
	return nil
}

func putText(o *wire.Object, name, value string) {
	if value != "" {
		o.Text(name, value)
	}
}

func putClientIDs(o *wire.Object, name, field string, clients []ClientID) error {
	list := []byte{'['}
	for i, client := range clients {
		if err := requireClient(field+"["+strconv.Itoa(i)+"]", client); err != nil {
			return err
		}
		if i > 0 {
			list = append(list, ',')
		}
		list = strconv.AppendInt(list, int64(client), 10)
	}
	o.Raw(name, append(list, ']'))
	return nil
}

func putPlatformIDs(o *wire.Object, name, field string, ids []PlatformID) error {
	list := []byte{'['}
	for i, id := range ids {
		if err := requireText(field+"["+strconv.Itoa(i)+"]", string(id)); err != nil {
			return err
		}
		if i > 0 {
			list = append(list, ',')
		}
		list = wire.AppendText(list, string(id))
	}
	o.Raw(name, append(list, ']'))
	return nil
}

// sendTimeLayout is how the API takes a moment: in the project's time zone,
// which it does not name.
const sendTimeLayout = "2006-01-02 15:04:05"

// putSchedule adds the delay or the moment of a call.
func putSchedule(o *wire.Object, s *settings, after time.Duration, at time.Time) error {
	switch {
	case after < 0:
		return invalid("After", "is negative")
	case after > 0 && !at.IsZero():
		return invalid("At", "cannot be combined with After")
	case after > 0:
		o.Seconds("time_shift", after)
	case !at.IsZero():
		if s.location == nil {
			return invalid("At", "needs the time zone of the project: see WithProjectLocation")
		}
		o.Text("send_time", at.In(s.location).Format(sendTimeLayout))
	}
	return nil
}
