package testkit

import (
	"io"
	"os"
	"runtime/debug"
	"syscall"
)

// standardError is the descriptor that the runtime prints to, whatever os.Stderr
// is.
const standardError = 2

// errorDiversion holds back what is written to the descriptor of standard error,
// by println and by other processes too. A file and not a pipe takes it, since
// nobody would read the pipe of a process that crashes.
type errorDiversion struct {
	file, original *os.File
}

func divertErrors() (*errorDiversion, error) {
	file, err := os.CreateTemp("", "stderr")
	if err != nil {
		return nil, err
	}
	// The file needs no name any more.
	if err := os.Remove(file.Name()); err != nil {
		return nil, err
	}
	copied, err := syscall.Dup(standardError)
	if err != nil {
		return nil, err
	}
	syscall.CloseOnExec(copied)
	original := os.NewFile(uintptr(copied), "stderr")
	// What a crash prints stays visible.
	if err := debug.SetCrashOutput(original, debug.CrashOptions{}); err != nil {
		return nil, err
	}
	if err := syscall.Dup3(int(file.Fd()), standardError, 0); err != nil {
		return nil, err
	}
	return &errorDiversion{file, original}, nil
}

func (d *errorDiversion) end() string {
	if err := syscall.Dup3(int(d.original.Fd()), standardError, 0); err != nil {
		panic(err)
	}
	_ = debug.SetCrashOutput(nil, debug.CrashOptions{})
	if _, err := d.file.Seek(0, io.SeekStart); err != nil {
		panic(err)
	}
	text, err := io.ReadAll(d.file)
	if err != nil {
		panic(err)
	}
	_, _ = os.Stderr.Write(text)
	_ = d.file.Close()
	_ = d.original.Close()
	return string(text)
}
