package testkit

import (
	"flag"
	"io"
	"os"
	"strings"
	"sync"
)

// Runner is *testing.M.
type Runner interface{ Run() int }

// Screen returns a runner that reads along with what the tests print, and fails
// them if the key is in it. It sees what the runtime prints, too.
func Screen(tests Runner) Runner { return screen{tests} }

type screen struct{ tests Runner }

// Run implements Runner.
func (s screen) Run() int {
	if worker := flag.Lookup("test.fuzzworker"); worker != nil && worker.Value.String() == "true" {
		return s.tests.Run()
	}
	out, err := divert(&os.Stdout)
	if err != nil {
		return 2
	}
	errors, err := divertErrors()
	if err != nil {
		return 2
	}
	code := s.tests.Run()
	printed := out.end() + errors.end()
	if form := FindKey(printed); form != "" {
		// The text itself is not repeated.
		_, _ = os.Stderr.WriteString("FAIL: the tests printed the key (" + form + ")\n")
		return 1
	}
	return code
}

// diversion copies what is written to a file on to the file, and keeps it.
type diversion struct {
	place        **os.File
	file, writer *os.File
	kept         strings.Builder
	done         sync.WaitGroup
}

func divert(place **os.File) (*diversion, error) {
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	d := &diversion{place: place, file: *place, writer: writer}
	*place = writer
	d.done.Go(func() {
		_, _ = io.Copy(io.MultiWriter(d.file, &d.kept), reader)
		_ = reader.Close()
	})
	return d, nil
}

func (d *diversion) end() string {
	*d.place = d.file
	_ = d.writer.Close()
	d.done.Wait()
	return d.kept.String()
}
