package sqlite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// errGone says that a file of the inbox is not the one that was opened any more. What is
// written then goes to a file that nobody will find again.
var errGone = errors.New("a file was deleted or replaced while it was open")

// presenceInterval is how often the janitor looks whether the files are still there. An
// event is not acknowledged without a look either.
const presenceInterval = time.Second

// presence knows the files that were opened, in order to notice when a person or a
// program deletes or replaces one of them: an open file lives on without its name, and
// dies with the process. It looks at names only, since to open a file and to close it
// again would end the locks of this process.
type presence struct{ data, others []presentFile }

type presentFile struct {
	path string
	info os.FileInfo
}

// newPresence takes the files as they are now. Further ones hold events, too.
func newPresence(path string, further ...string) (*presence, error) {
	var p presence
	for _, file := range append([]string{path, path + "-wal"}, further...) {
		if err := addFile(&p.data, file); err != nil {
			return nil, err
		}
	}
	for _, suffix := range []string{"-shm", lockSuffix} {
		if err := addFile(&p.others, path+suffix); err != nil {
			return nil, err
		}
	}
	return &p, nil
}

func addFile(to *[]presentFile, path string) error {
	info, err := disk.stat(path)
	if err != nil {
		return err
	}
	*to = append(*to, presentFile{path, info})
	return nil
}

// check returns errGone if a file that holds events is not what it was.
func (p *presence) check() error { return checkFiles(p.data) }

// checkAll also looks at the files by which processes keep out of each other's way.
func (p *presence) checkAll() error { return errors.Join(checkFiles(p.data), checkFiles(p.others)) }

func checkFiles(files []presentFile) error {
	for _, f := range files {
		info, err := disk.stat(f.path)
		switch {
		case errors.Is(err, os.ErrNotExist), err == nil && !os.SameFile(info, f.info):
			return fmt.Errorf("%w: %s", errGone, filepath.Base(f.path))
		case err != nil:
			return fmt.Errorf("looking at %s: %w", filepath.Base(f.path), err)
		}
	}
	return nil
}
