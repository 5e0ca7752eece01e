package wire

// String is text that may come as a number, a flag, an object or null.
type String string

// UnmarshalJSON implements json.Unmarshaler.
func (s *String) UnmarshalJSON(value []byte) error {
	text, err := LooseText(value)
	if err == nil {
		*s = String(text)
	}
	return err
}

// Boolean is a flag in any of its spellings, or none.
type Boolean int8

// UnmarshalJSON implements json.Unmarshaler.
func (b *Boolean) UnmarshalJSON(value []byte) error {
	flag, known, err := Flag(value)
	switch {
	case err != nil:
		return err
	case !known:
		*b = 0
	case flag:
		*b = 1
	default:
		*b = -1
	}
	return nil
}

// True reports whether the flag came and is set.
func (b Boolean) True() bool { return b > 0 }

// False reports whether the flag came and is not set.
func (b Boolean) False() bool { return b < 0 }

// Number is a whole number that may come as text or null.
type Number int64

// UnmarshalJSON implements json.Unmarshaler.
func (n *Number) UnmarshalJSON(value []byte) error {
	parsed, err := Int(value)
	if err == nil {
		*n = Number(parsed)
	}
	return err
}
