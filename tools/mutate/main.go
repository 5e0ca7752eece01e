// Command mutate changes the code of packages, one small thing at a time, and
// tells which changes their tests do not notice:
//
//	go run ./tools/mutate [flags] PACKAGE...
//
// It removes statements, deferred calls and pairs of lock and unlock, returns zero
// values, negates conditions, drops operands, moves bounds and changes numbers. All
// changes of all packages are compiled in at once, and an environment variable
// chooses one, so that each costs a run of the tests that reach it and no
// compilation. A change that no test reaches is reported without a run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// config is what the flags say.
type config struct {
	// folder is where the packages are named from.
	folder  string
	tests   []string
	run     string
	skip    string
	race    bool
	timeout time.Duration
	longest time.Duration
	// files are those that are changed, sample is how many changes one is tried of.
	files  string
	sample int
	// at are the places of the changes that are tried.
	at string
}

func main() {
	var c config
	flag.StringVar(&c.folder, "C", ".", "folder of the module")
	tests := flag.String("tests", "", "packages whose tests are run, with commas; the packages themselves if empty")
	flag.StringVar(&c.run, "run", "", "tests to run, as for go test")
	flag.StringVar(&c.skip, "skip", "Kill|Alloc|Readme", "tests to leave out, as for go test")
	flag.BoolVar(&c.race, "race", false, "use the race detector, which locks need")
	flag.DurationVar(&c.timeout, "timeout", 0, "limit for the tests of one change; ten times what they take if 0")
	flag.DurationVar(&c.longest, "longest", 0, "leave out tests that take longer by themselves; 0 leaves none out")
	flag.StringVar(&c.files, "files", "", "pattern of the names of the files that are changed; all if empty")
	flag.StringVar(&c.at, "at", "", "pattern of the places, as file:line, whose changes are tried; all if empty")
	flag.IntVar(&c.sample, "sample", 1, "try every so many-th change only")
	flag.Parse()
	if *tests != "" {
		c.tests = strings.Split(*tests, ",")
	}
	if err := report(context.Background(), os.Stdout, c, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

func report(ctx context.Context, w io.Writer, c config, patterns []string) error {
	if len(patterns) == 0 {
		return errors.New("no packages")
	}
	folder, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	b, err := build(ctx, c, folder, patterns)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(w, "%d changes\n", len(b.mutants))
	at, err := regexp.Compile(c.at)
	if err != nil {
		return err
	}
	b.mutants = slices.DeleteFunc(b.mutants, func(m mutant) bool { return !at.MatchString(fmt.Sprintf("%s:%d", relative(m.File), m.Line)) })
	if c.sample > 1 {
		b.mutants = sample(b.mutants, c.sample)
		_, _ = fmt.Fprintf(w, "a sample: every %d. of them, %d in all\n", c.sample, len(b.mutants))
	}
	if err := b.measure(ctx); err != nil {
		return err
	}
	for _, p := range b.programs {
		for _, name := range p.leftOut {
			_, _ = fmt.Fprintln(w, "left out, as it takes long:", name)
		}
	}
	counts := map[string]*count{}
	for i := range b.mutants {
		m := &b.mutants[i]
		if counts[m.Package] == nil {
			counts[m.Package] = &count{}
		}
		became, err := b.try(ctx, m.ID)
		if err != nil {
			return err
		}
		counts[m.Package].add(became)
		if became != noticed {
			_, _ = fmt.Fprintf(w, "%s:%d: %s [%s]: %s\n", relative(m.File), m.Line, m.What, became, m.Source)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		_, _ = fmt.Fprintln(w, name+":", counts[name])
	}
	return nil
}

// sample returns every n-th change.
func sample(mutants []mutant, n int) (sampled []mutant) {
	for i := n / 2; i < len(mutants); i += n {
		sampled = append(sampled, mutants[i])
	}
	return sampled
}

// result is what became of a change.
type result string

const (
	noticed   result = "noticed"
	survived  result = "survived"
	unreached result = "not reached"
)

type count struct{ noticed, survived, unreached int }

func (c *count) add(r result) {
	switch r {
	case noticed:
		c.noticed++
	case survived:
		c.survived++
	case unreached:
		c.unreached++
	}
}

// String returns the counts and the share that was noticed.
func (c *count) String() string {
	all := c.noticed + c.survived + c.unreached
	return fmt.Sprintf("%d of %d changes noticed (%.1f %%), %d survived, %d not reached",
		c.noticed, all, 100*float64(c.noticed)/float64(all), c.survived, c.unreached)
}

// relative shortens the name of a file for the reader.
func relative(name string) string {
	here, err := os.Getwd()
	if err != nil {
		return name
	}
	short, err := filepath.Rel(here, name)
	if err != nil {
		return name
	}
	return short
}
