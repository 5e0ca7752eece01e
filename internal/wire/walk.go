package wire

// Walker goes through the members of a JSON object that Check has accepted; on
// any other text it ends early. It works on a string, so that what it delimits
// can be kept without a copy. Make it with Walk.
type Walker struct {
	text string
	at   int
}

// Walk begins before the first member of the object that starts at an offset of
// text.
func Walk(text string, at int) Walker {
	w := Walker{text: text, at: at}
	w.space()
	w.at++ // the opening brace
	return w
}

// Next returns the next member: its key, and where its value begins and ends in
// the text. ok is false after the last one.
func (w *Walker) Next() (key string, from, to int, ok bool) {
	w.space()
	if w.peek() == ',' {
		w.at++
		w.space()
	}
	if w.peek() != quote {
		return "", 0, 0, false
	}
	start := w.at
	w.skipString()
	key = Unquote(w.text[start:w.at])
	w.space()
	w.at++ // the colon
	w.space()
	from = w.at
	w.skipValue()
	if w.at > len(w.text) || from >= w.at {
		return "", 0, 0, false
	}
	return key, from, w.at, true
}

func (w *Walker) peek() byte {
	if w.at < len(w.text) {
		return w.text[w.at]
	}
	return 0
}

func (w *Walker) space() {
	for w.at < len(w.text) && isSpace(w.text[w.at]) {
		w.at++
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

func (w *Walker) skipValue() {
	switch w.peek() {
	case quote:
		w.skipString()
	case '{', '[':
		w.skipNested()
	default:
		for w.at < len(w.text) {
			if c := w.text[w.at]; c == ',' || c == '}' || c == ']' || isSpace(c) {
				return
			}
			w.at++
		}
	}
}

func (w *Walker) skipString() {
	for w.at++; w.at < len(w.text); w.at++ {
		switch w.text[w.at] {
		case '\\':
			w.at++
		case quote:
			w.at++
			return
		}
	}
	w.at = len(w.text)
}

func (w *Walker) skipNested() {
	for depth := 0; w.at < len(w.text); {
		switch w.text[w.at] {
		case quote:
			w.skipString()
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		w.at++
		if depth == 0 {
			return
		}
	}
}
