package wire

import "strings"

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
	key, from, ok = w.Key()
	if !ok {
		return "", 0, 0, false
	}
	if to = w.Skip(); to <= from {
		return "", 0, 0, false
	}
	return key, from, to, true
}

// Key returns the key of the next member and where its value begins. One of Skip
// and Leave has to follow. ok is false after the last member.
func (w *Walker) Key() (key string, from int, ok bool) {
	w.space()
	if w.peek() == ',' {
		w.at++
		w.space()
	}
	if w.peek() != quote {
		return "", 0, false
	}
	start := w.at
	w.skipString()
	key = Unquote(w.text[start:w.at])
	w.space()
	w.at++ // the colon
	w.space()
	if w.at >= len(w.text) {
		return "", 0, false
	}
	return key, w.at, true
}

// Skip goes over the value at hand and returns where it ends.
func (w *Walker) Skip() (to int) {
	w.skipValue()
	w.at = min(w.at, len(w.text))
	return w.at
}

// Leave goes on behind the value at hand, an object whose members inner went
// through to the last one.
func (w *Walker) Leave(inner Walker) (to int) {
	w.at = min(inner.at+1, len(w.text))
	return w.at
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
	for w.at++; ; w.at++ {
		i := strings.IndexByte(w.text[min(w.at, len(w.text)):], quote)
		if i < 0 {
			w.at = len(w.text)
			return
		}
		w.at += i
		if !w.escaped() {
			w.at++
			return
		}
	}
}

// escaped says whether an odd number of backslashes is before the quote at hand.
func (w *Walker) escaped() bool {
	odd := false
	for i := w.at - 1; i >= 0 && w.text[i] == '\\'; i-- {
		odd = !odd
	}
	return odd
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
