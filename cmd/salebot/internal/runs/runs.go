// Package runs keeps what became of each bulk run: a ledger for each, in a folder for
// each project, so that a run that was killed goes on and does nothing twice.
package runs

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/salebot-go/salebot/ledger"
)

// EnvFolder is the environment variable for the folder of all ledgers.
const EnvFolder = "SALEBOT_LEDGERS"

// extension ends the names of the files.
const extension = ".ledger"

// Folder is the folder of a project's ledgers.
func Folder(project string) (string, error) {
	if err := CheckName(project); err != nil {
		return "", err
	}
	if folder := os.Getenv(EnvFolder); folder != "" {
		return filepath.Join(folder, project), nil
	}
	if folder := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(folder) {
		return filepath.Join(folder, "salebot", project), nil
	}
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		folder, err := os.UserConfigDir()
		return filepath.Join(folder, "salebot", "ledgers", project), err
	}
	home, err := os.UserHomeDir()
	return filepath.Join(home, ".local", "state", "salebot", project), err
}

// maxName bounds the name of a run in bytes.
const maxName = 100

// CheckName reports what is wrong with the name of a run or a project, which is also
// the name of a file.
func CheckName(name string) error {
	if name == "" || len(name) > maxName || strings.HasPrefix(name, ".") {
		return fmt.Errorf("the name %.40q is empty, longer than %d bytes or begins with a dot", name, maxName)
	}
	for _, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(" ._-", r) {
			return fmt.Errorf("the name %q has %q in it: letters, digits, spaces, and . _ - can be used", name, r)
		}
	}
	return nil
}

// Run is a bulk run with its ledger.
type Run struct {
	// Ledger is where the run records what it does.
	Ledger *ledger.File
	// Known says that there was a ledger before.
	Known bool
	path  string
	named bool
}

// EndedError says that a run came to its end before, and that some of its items were
// refused.
type EndedError struct {
	Name            string
	Accepted, Other int
}

func (e *EndedError) Error() string {
	return fmt.Sprintf("the run %q came to its end before: %d were done and %d refused. --name %q tries the refused ones again, another --name begins from the start",
		e.Name, e.Accepted, e.Other, e.Name)
}

// marker is added to the name of a ledger whose run came to its end with refusals.
const marker = ".ended"

// Look returns what an earlier run with this name did, nil if there was none. named
// says that the user chose the name: a run with a name made by a Namer goes on only if
// it did not come to its end.
func Look(project, name string, named bool) (*Summary, error) {
	path, err := Path(project, name)
	if err != nil {
		return nil, err
	}
	summary, err := Summarize(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // there was none
	}
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path + marker); err == nil && !named {
		return nil, &EndedError{Name: name, Accepted: summary.Count(ledger.Accepted), Other: summary.Count(ledger.Refused)}
	}
	return summary, nil
}

// Open opens the ledger of a run, and creates it if there is none.
func Open(project, name string, named bool) (*Run, error) {
	path, err := Path(project, name)
	if err != nil {
		return nil, err
	}
	if err = os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	_, missing := os.Stat(path)
	opened, err := ledger.OpenFile(path)
	if errors.Is(err, ledger.ErrInUse) {
		return nil, fmt.Errorf("the run %q is under way: %w", name, err)
	}
	if err != nil {
		return nil, err
	}
	if err := os.Remove(path + marker); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, errors.Join(err, opened.Close())
	}
	return &Run{Ledger: opened, Known: missing == nil, path: path, named: named}, nil
}

// Ending is how a run ended.
type Ending int

// The endings.
const (
	// Unfinished runs go on when they are started again.
	Unfinished Ending = iota
	// Done runs did everything. If nobody named the run, the same command is a new run.
	Done
	// Refused runs came to their end, but some of their items were refused.
	Refused
)

// Close closes the ledger and keeps how the run ended.
func (r *Run) Close(ending Ending) error {
	err := r.Ledger.Close()
	if err != nil || r.named {
		return err
	}
	switch ending {
	case Done:
		done := strings.TrimSuffix(r.path, extension) + time.Now().UTC().Format(".20060102T150405.000") + extension
		if err := os.Rename(r.path, done); err != nil {
			return err
		}
		return sweep(filepath.Dir(r.path))
	case Refused:
		return os.WriteFile(r.path+marker, nil, 0o600)
	case Unfinished:
	}
	return nil
}

var nameOfDone = regexp.MustCompile(`\.\d{8}T\d{6}\.\d{3}\.ledger$`)

// sweep removes the ledgers of runs that were done so long ago that their records count
// no more.
func sweep(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !nameOfDone.MatchString(entry.Name()) {
			continue
		}
		info, err := entry.Info()
		if err == nil && time.Since(info.ModTime()) > ledger.DefaultRetention {
			err = os.Remove(filepath.Join(folder, entry.Name()))
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Summary is what a ledger tells of a run.
type Summary struct {
	Name    string
	Path    string
	Records []ledger.Record
	Begun   time.Time
	Changed time.Time
}

// Count counts the items in a state. An item whose work is not done is unknown if one
// of its calls may have been executed.
func (s *Summary) Count(state ledger.State) int {
	items := map[ledger.Digest]ledger.State{}
	for i := range s.Records {
		r := &s.Records[i]
		if r.Number == 0 {
			items[r.Key] = r.State
		}
	}
	for i := range s.Records {
		r := &s.Records[i]
		if r.Number != 0 && items[r.Key] != ledger.Accepted && (r.State == ledger.Unknown || r.State == ledger.Begun) {
			items[r.Key] = ledger.Unknown
		}
	}
	count := 0
	for _, of := range items {
		if of == state {
			count++
		}
	}
	return count
}

// Sort puts the records into the order in which they were begun.
func (s *Summary) Sort() {
	slices.SortFunc(s.Records, func(a, b ledger.Record) int {
		return cmp.Or(a.BegunAt.Compare(b.BegunAt), bytes.Compare(a.Key[:], b.Key[:]), cmp.Compare(a.Number, b.Number))
	})
}

// List returns the runs of a project, the latest first.
func List(project string) ([]Summary, error) {
	folder, err := Folder(project)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []Summary
	for _, entry := range entries {
		name, isLedger := strings.CutSuffix(entry.Name(), extension)
		if !isLedger {
			continue
		}
		summary, err := Summarize(filepath.Join(folder, entry.Name()))
		if err != nil {
			return nil, err
		}
		summary.Name = name
		all = append(all, *summary)
	}
	slices.SortStableFunc(all, func(a, b Summary) int { return b.Changed.Compare(a.Changed) })
	return all, nil
}

// Summarize reads a ledger, also while another process has it open.
func Summarize(path string) (*Summary, error) {
	records, err := ledger.ReadFile(path)
	if err != nil {
		return nil, err
	}
	summary := &Summary{Name: strings.TrimSuffix(filepath.Base(path), extension), Path: path, Records: records}
	for i := range records {
		begun, ended := records[i].BegunAt, records[i].EndedAt
		if summary.Begun.IsZero() || begun.Before(summary.Begun) {
			summary.Begun = begun
		}
		for _, at := range []time.Time{begun, ended} {
			if at.After(summary.Changed) {
				summary.Changed = at
			}
		}
	}
	return summary, nil
}

// Path is the path of a run's ledger.
func Path(project, run string) (string, error) {
	folder, err := Folder(project)
	if err == nil {
		err = CheckName(run)
	}
	return filepath.Join(folder, run+extension), err
}

// Namer makes the name of a run that was given none: the same for the same work, so
// that the same command goes on.
type Namer struct {
	command string
	sum     hash.Hash
}

// NewNamer begins a name.
func NewNamer(command string) *Namer { return &Namer{command: command, sum: sha256.New()} }

// Write adds to what the work is. It never fails.
func (n *Namer) Write(text []byte) (int, error) { return n.sum.Write(text) }

// Add adds a part of what the work is.
func (n *Namer) Add(parts ...any) {
	for _, part := range parts {
		_, _ = fmt.Fprintf(n.sum, "%d:%v\x00", len(fmt.Sprint(part)), part)
	}
}

// Name is the name.
func (n *Namer) Name() string {
	return n.command + "-" + hex.EncodeToString(n.sum.Sum(nil)[:6])
}
