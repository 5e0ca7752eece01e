package ledger

import (
	"errors"
	"fmt"
	"os"
)

// ReadFile returns the records of the ledger in a file, in any order, and does not
// change it. It may be read while a process has it open: the records are then those of
// a moment. A file that is damaged is ErrDamaged.
func ReadFile(path string) ([]Record, error) {
	records, err := readFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return records, nil
}

func readFile(path string) ([]Record, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("ledger: not a regular file")
	}
	file, err := os.Open(path) //nolint:gosec // the caller names the file
	if err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	defer func() { _ = file.Close() }()
	read := &File{table: newTable(DefaultRetention, "")}
	if _, err := read.log.read(file, read.apply); err != nil {
		return nil, err
	}
	var records []Record
	for _, of := range read.table.byKey {
		records = append(records, of...)
	}
	return records, nil
}
