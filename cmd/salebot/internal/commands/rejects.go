package commands

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// reject is a row that was not imported.
type reject struct {
	line int
	err  error
}

// rejectsFile has a line for each row that was not imported: its number in the file and
// the reason. It is made with the first of them.
type rejectsFile struct {
	mu    sync.Mutex
	path  string
	file  *os.File
	known map[int]struct{}
	// count counts the rows, those of earlier runs included.
	count int
}

const rejectsHead = "line,reason\n"

// openRejects goes on with the file of an earlier run, without what a kill left
// unfinished. Any other file is left alone.
func openRejects(path string, goesOn bool) (*rejectsFile, error) {
	r := &rejectsFile{path: path, known: map[int]struct{}{}}
	file, err := os.OpenFile(path, os.O_RDWR, 0o600) //nolint:gosec // the user names the file
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	if !goesOn {
		discard(file)
		return nil, fmt.Errorf("%s is there already: remove it, or name another file by --rejects", path)
	}
	r.file = file
	lines := bufio.NewReader(file)
	whole := int64(0)
	for number := 0; ; number++ {
		line, failed := lines.ReadBytes('\n')
		if errors.Is(failed, io.EOF) {
			break
		}
		if failed != nil {
			return nil, errors.Join(failed, file.Close())
		}
		if number == 0 && string(line) != rejectsHead {
			discard(file)
			return nil, fmt.Errorf("%s is not a file of rejects", path)
		}
		whole += int64(len(line))
		text, _, _ := bytes.Cut(line, []byte(","))
		if n, notNumber := strconv.Atoi(string(text)); notNumber == nil {
			r.known[n] = struct{}{}
		}
	}
	r.count = len(r.known)
	if err = file.Truncate(whole); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if _, err = file.Seek(whole, io.SeekStart); err == nil && whole == 0 {
		_, err = file.WriteString(rejectsHead)
	}
	return r, err
}

// write adds rows, in one step, so that they are in the file before their batch is done.
// A row that an earlier try wrote is not written twice.
func (r *rejectsFile) write(rows []reject) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	slices.SortFunc(rows, func(a, b reject) int { return a.line - b.line })
	var text bytes.Buffer
	lines := csv.NewWriter(&text)
	for _, row := range rows {
		if _, known := r.known[row.line]; known {
			continue
		}
		r.known[row.line] = struct{}{}
		r.count++
		reason := strings.Join(strings.Fields(strings.TrimPrefix(Message(row.err), "salebot: ")), " ")
		_ = lines.Write([]string{strconv.Itoa(row.line), reason}) // a buffer takes all
	}
	lines.Flush()
	if text.Len() == 0 {
		return nil
	}
	if r.file == nil {
		file, err := os.OpenFile(r.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		r.file = file
		if _, err := file.WriteString(rejectsHead); err != nil {
			return err
		}
	}
	_, err := r.file.Write(text.Bytes())
	return err
}

func (r *rejectsFile) close() error {
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}
