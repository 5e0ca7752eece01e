package emulator

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/salebot-go/salebot/internal/text"
)

const (
	// largestFile and mostFileBytes bound what people upload, in bytes.
	largestFile   = 8 << 20
	mostFileBytes = 64 << 20
	// longestFileName is in characters.
	longestFileName = 100
)

// files are what people attached to messages. They are in memory alone, and the
// oldest go first.
type files struct {
	mu    sync.Mutex
	kept  []file
	bytes int
}

type file struct {
	id, name, kind string
	content        []byte
}

// filesPath is where they are served; their addresses are in messages, so that
// programs fetch them too.
const filesPath = controlPath + "files/"

func (f *files) add(name string, content []byte) file {
	random := make([]byte, 12)
	_, _ = rand.Read(random) // it never fails
	one := file{id: hex.EncodeToString(random), name: fileName(name), kind: http.DetectContentType(content), content: content}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.kept = append(f.kept, one)
	f.bytes += len(content)
	for f.bytes > mostFileBytes {
		f.bytes -= len(f.kept[0].content)
		f.kept = slices.Delete(f.kept, 0, 1)
	}
	return one
}

func (f *files) find(id string) (file, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := slices.IndexFunc(f.kept, func(one file) bool { return one.id == id })
	if at < 0 {
		return file{}, false
	}
	return f.kept[at], true
}

// fileName is the last part of a name, without what means something in an address or
// a header.
func fileName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || strings.ContainsRune(`"\/:*?<>|`, r) {
			return '_'
		}
		return r
	}, text.Shorten(path.Base(name), longestFileName))
	if strings.Trim(name, "._") == "" {
		return "file"
	}
	return name
}

// attachmentType is how a message shows a file.
func (f *file) attachmentType() string {
	for _, kind := range []string{"image", "video", "audio"} {
		if strings.HasPrefix(f.kind, kind+"/") {
			return kind
		}
	}
	return "file"
}

func (c *control) upload(r *call) (any, error) {
	content, err := io.ReadAll(http.MaxBytesReader(r.w, r.Body, largestFile))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, problem{http.StatusRequestEntityTooLarge, "the file is larger than 8 MiB"}
	}
	if err != nil || len(content) == 0 {
		return nil, badRequest("the file is empty or did not arrive whole")
	}
	one := c.files.add(r.query.Get("name"), content)
	return struct {
		URL  string `json:"url"`
		Type string `json:"type"`
	}{r.address() + filesPath + one.id + "/" + url.PathEscape(one.name), one.attachmentType()}, nil
}

// serveFile serves a file so that nothing in it is carried out: a picture is shown,
// anything else is saved.
func (c *control) serveFile(w http.ResponseWriter, r *http.Request) {
	one, known := c.files.find(r.PathValue("file"))
	if !known {
		refuse(w, http.StatusNotFound, "there is no such file any more")
		return
	}
	header := w.Header()
	header.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	header.Set("Cross-Origin-Resource-Policy", "cross-origin")
	header.Set("Content-Type", one.kind)
	if one.attachmentType() == "file" {
		header.Set("Content-Type", "application/octet-stream")
		header.Set("Content-Disposition", "attachment; filename*=UTF-8''"+url.PathEscape(one.name))
	}
	_, _ = w.Write(one.content)
}
