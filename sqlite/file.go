package sqlite

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// disk are the steps with files that SQLite does not make itself; tests let them fail.
var disk = steps{os.OpenFile, os.Stat, os.ReadDir, os.Rename, os.Remove, flushData, (*os.File).Sync}

type steps struct {
	open               func(path string, flags int, mode fs.FileMode) (*os.File, error)
	stat               func(path string) (fs.FileInfo, error)
	list               func(folder string) ([]fs.DirEntry, error)
	rename             func(from, to string) error
	remove             func(path string) error
	flush, flushFolder func(*os.File) error
}

// longestChain bounds the symbolic links that lead to a file.
const longestChain = 40

// resolve returns the path of a file without symbolic links, so that one file has one
// lock. There may be no file yet.
func resolve(path string) (string, error) {
	for range longestChain {
		resolved, err := filepath.EvalSymlinks(path)
		if err == nil {
			return filepath.Abs(resolved)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		folder, err := filepath.EvalSymlinks(filepath.Dir(path))
		if err != nil {
			return "", err
		}
		path = filepath.Join(folder, filepath.Base(path))
		target, err := os.Readlink(path)
		if err != nil {
			return filepath.Abs(path)
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(folder, target)
		}
		path = target
	}
	return "", fmt.Errorf("%s: too many links", path)
}

// magic is how every database of SQLite begins.
const magic = "SQLite format 3\x00"

// Places in the first page of a database: its PRAGMA application_id, and the page
// itself, which holds the table of what is in it.
const (
	applicationAt = 68
	pageAt        = 100
	// A page begins with its kind; the number of its rows is behind two more bytes.
	tableLeaf = 13
	cellsAt   = pageAt + 3
	headSize  = cellsAt + 2
)

// refuseForeign keeps a file that was named by mistake from being set aside as a
// damaged one, and another program's database from being opened at all: even to read
// one can write to it, because what is in its log is put in its place.
func refuseForeign(path string) error {
	file, err := disk.open(path, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	defer func() { _ = file.Close() }()
	var head [headSize]byte
	n, err := io.ReadFull(file, head[:])
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("sqlite: %w", err)
	}
	if n == 0 {
		return nil
	}
	if n < len(head) || string(head[:len(magic)]) != magic {
		return ErrForeignFile
	}
	application := binary.BigEndian.Uint32(head[applicationAt:])
	// A new inbox whose process died has nothing but its log.
	empty := application == 0 && head[pageAt] == tableLeaf && binary.BigEndian.Uint16(head[cellsAt:]) == 0
	if application != applicationID && !empty {
		return ErrForeignFile
	}
	return nil
}

// fileSizes returns the sizes of a database and of its log, and whether there is a database.
func fileSizes(path string) (size, log int64, exists bool, err error) {
	size, exists, err = fileSize(path)
	if err == nil {
		log, _, err = fileSize(path + "-wal")
	}
	return size, log, exists, err
}

// fileSize is 0 for a file that does not exist.
func fileSize(path string) (size int64, exists bool, err error) {
	info, err := disk.stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0, false, nil
	case err != nil:
		return 0, false, err
	case !info.Mode().IsRegular():
		return 0, false, fmt.Errorf("%s is not a file", filepath.Base(path))
	}
	return info.Size(), true, nil
}

// syncDirectory flushes a directory, where the system can.
func syncDirectory(path string) error {
	directory, err := disk.open(path, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer func() { _ = directory.Close() }()
	if err := disk.flushFolder(directory); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrInvalid) && !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return nil
}
