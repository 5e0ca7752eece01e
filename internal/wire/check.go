package wire

// Check reports whether text is one JSON value with space around it, nested at most
// depth deep. It accepts what json.Valid accepts.
func Check(text []byte, depth int) error {
	s := scanner[[]byte]{text: text, room: depth}
	s.space()
	err := s.value()
	if err == nil {
		err = s.end()
	}
	if err != nil {
		return s.where(err)
	}
	return nil
}

// EscapeControls escapes the control characters that stand inside the strings of a text
// as they are, as they come about if a text is pasted into JSON. The rest stays as it
// is.
func EscapeControls(text []byte) []byte {
	const hex = "0123456789abcdef"
	escaped := make([]byte, 0, len(text)+len(text)/8+16)
	inside, protected := false, false
	for _, b := range text {
		switch {
		case !inside:
			inside = b == quote
		case protected:
			protected = false
		case b == '\\':
			protected = true
		case b == quote:
			inside = false
		}
		if b >= ' ' || !inside {
			escaped = append(escaped, b)
			continue
		}
		switch b {
		case '\n':
			escaped = append(escaped, `\n`...)
		case '\r':
			escaped = append(escaped, `\r`...)
		case '\t':
			escaped = append(escaped, `\t`...)
		default:
			escaped = append(escaped, `\u00`...)
			escaped = append(escaped, hex[b>>4], hex[b&15])
		}
	}
	return escaped
}
