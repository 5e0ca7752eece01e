package wire

import "errors"

// Visitor is shown the elements of a list by Records, one after another.
type Visitor interface {
	// Begin announces an element.
	Begin()
	// Member shows a member of an element that is an object. Both point into the
	// list, except for a name that is spelled with escapes.
	Member(name, value []byte)
	// End shows the whole element. Its error ends the walk.
	End(element []byte) error
}

// errList says that a value is none of the forms of a list.
var errList = errors.New("want a list")

// Records goes once over the elements of a JSON array and over the members of
// those that are objects. It takes an object whose names count its members, such
// as {"0": …, "1": …}, for the array of them: so PHP writes an array with gaps, and
// {} for an empty one if it is told to write objects.
// Nothing that it has shown is certain to be part of a valid text before it has
// returned nil.
func Records(list []byte, v Visitor) error {
	s := scanner[[]byte]{text: list, room: MaxDepth}
	s.space()
	closing := byte(']')
	switch s.next() {
	case '[':
	case '{':
		closing = '}'
	default:
		return errList
	}
	if err := s.enter(); err != nil {
		return s.where(err)
	}
	for first := true; ; first = false {
		more, err := s.another(first, closing, errArray)
		switch {
		case err != nil:
			return s.where(err)
		case !more:
			if err := s.end(); err != nil {
				return s.where(err)
			}
			return nil
		}
		if closing == '}' {
			from, to, _, err := s.key()
			if err != nil {
				return s.where(err)
			}
			if !allDigits(list[from+1 : to-1]) {
				return errList
			}
		}
		if err := visit(&s, v); err != nil {
			return err
		}
	}
}

// Record is Records for a single element.
func Record(element []byte, v Visitor) error {
	s := scanner[[]byte]{text: element, room: MaxDepth}
	s.space()
	if err := visit(&s, v); err != nil {
		return err
	}
	if err := s.end(); err != nil {
		return s.where(err)
	}
	return nil
}

// visit shows the element at hand.
func visit(s *scanner[[]byte], v Visitor) error {
	from := s.at
	v.Begin()
	var err error
	if s.next() == '{' {
		err = visitMembers(s, v)
	} else {
		err = s.value()
	}
	if err != nil {
		return s.where(err)
	}
	return v.End(s.text[from:s.at])
}

func visitMembers(s *scanner[[]byte], v Visitor) error {
	if err := s.enter(); err != nil {
		return err
	}
	for first := true; ; first = false {
		more, err := s.another(first, '}', errObject)
		if err != nil || !more {
			return err
		}
		from, to, ascii, err := s.key()
		if err != nil {
			return err
		}
		name := s.text[from+1 : to-1]
		if !ascii {
			name = []byte(Unquote(string(s.text[from:to])))
		}
		from = s.at
		if err := s.value(); err != nil {
			return err
		}
		v.Member(name, s.text[from:s.at])
	}
}
