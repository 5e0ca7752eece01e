package wire

// Walker goes through the members of a JSON object, and of objects inside it, and
// checks them on the way. It works on a string, so that what it delimits can be kept
// without a copy. Make it with Walk. Nothing that it has returned is certain to be
// part of a valid text until End has returned nil.
type Walker struct {
	scanner scanner[string]
	// first says that the object at hand was just entered.
	first bool
	err   error
}

// Walk begins before the first member of the object that a text is, which may be
// nested at most depth deep.
func Walk(text string, depth int) Walker {
	w := Walker{scanner: scanner[string]{text: text, room: depth}}
	w.scanner.space()
	if !w.Enter() {
		w.fail(errObject)
	}
	return w
}

// Enter goes into the value at hand if it is an object: the next keys are its own,
// and those of the outer object follow when Key has returned false.
func (w *Walker) Enter() bool {
	if w.err != nil || w.scanner.next() != '{' {
		return false
	}
	if err := w.scanner.enter(); err != nil {
		return w.fail(err)
	}
	w.first = true
	return true
}

// Key goes to the next member of the object at hand and returns its key. One of
// Value and Enter has to follow. ok is false at the end of the object, and of a
// text that is not valid.
func (w *Walker) Key() (key string, ok bool) {
	if w.err != nil {
		return "", false
	}
	more, err := w.scanner.another(w.first, '}', errObject)
	w.first = false
	if err != nil {
		return "", w.fail(err)
	}
	if !more {
		return "", false
	}
	from, to, ascii, err := w.scanner.key()
	if err != nil {
		return "", w.fail(err)
	}
	if ascii {
		return w.scanner.text[from+1 : to-1], true
	}
	return Unquote(w.scanner.text[from:to]), true
}

// Value goes over the value at hand and returns where it begins and ends. ok is false
// if it is not valid.
func (w *Walker) Value() (from, to int, ok bool) {
	if w.err != nil {
		return 0, 0, false
	}
	from = w.scanner.at
	if err := w.scanner.value(); err != nil {
		return 0, 0, w.fail(err)
	}
	return from, w.scanner.at, true
}

// Next is Key and Value.
func (w *Walker) Next() (key string, from, to int, ok bool) {
	if key, ok = w.Key(); ok {
		from, to, ok = w.Value()
	}
	return key, from, to, ok
}

// End says what is wrong with the text; nil if nothing is. It is for the end of the
// outermost object.
func (w *Walker) End() error {
	if w.err != nil {
		return w.err
	}
	if err := w.scanner.end(); err != nil {
		w.fail(err)
	}
	return w.err
}

// fail ends the walk.
func (w *Walker) fail(err error) bool {
	w.err = w.scanner.where(err)
	return false
}
