package webhook

import "strconv"

// Origin says who wrote a message. The zero value is OriginUnknown.
type Origin uint8

const (
	// OriginUnknown is for bodies that do not tell the direction.
	OriginUnknown Origin = iota
	// OriginClient is a message of the person: is_input came as 1.
	OriginClient
	// OriginFunnel is a message that a block of the flow sent: is_input came as
	// 0, with the number of the block.
	OriginFunnel
	// OriginOperatorOrAPI is a message that an operator wrote or that a program
	// sent through the API, your own included: is_input came as 0, without a
	// block. Nothing in the body tells the two apart.
	OriginOperatorOrAPI
	// OriginCallback is the notice of a callback, which comes as if the client had
	// written it. It is recognized by the texts that Salebot itself uses for
	// callbacks, and in recovered events by the history. A callback with a text of
	// your own looks like a message of the client: name that text in ServiceTexts.
	OriginCallback
)

// String returns the origin in words.
func (o Origin) String() string {
	switch o {
	case OriginUnknown:
		return "unknown"
	case OriginClient:
		return "client"
	case OriginFunnel:
		return "funnel"
	case OriginOperatorOrAPI:
		return "operator or API"
	case OriginCallback:
		return "callback"
	}
	return "origin " + strconv.Itoa(int(o))
}
