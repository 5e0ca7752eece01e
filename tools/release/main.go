// Command release carries out the release of all modules, in a copy of the
// repository:
//
//	go run ./tools/release [-into FOLDER] VERSION
//
// It sets the version, closes the changelogs, replaces what the modules require of
// each other by the version, and tags them, the root first. Then it proves the
// result: each library is required by a program of its own, and each command is
// installed, from a module cache that is empty and a proxy made of files. It
// pushes nothing, and prints what is to be pushed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"golang.org/x/mod/semver"
)

func main() {
	into := flag.String("into", "", "folder for the copy, which must not exist; a temporary one that is removed if empty")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, *into, flag.Args(), time.Now()); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, w io.Writer, into string, args []string, now time.Time) error {
	if len(args) != 1 || semver.Canonical(args[0]) != args[0] {
		return errors.New("usage: release [-into FOLDER] VERSION, with a version such as v0.1.0")
	}
	scratch, err := os.MkdirTemp("", "release")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	folder := into
	if folder == "" {
		folder = filepath.Join(scratch, "copy")
	}
	r := &release{
		commands: commands{output: w},
		version:  args[0],
		date:     now.Format(time.DateOnly),
		folder:   folder,
		scratch:  scratch,
		proxy:    proxy(filepath.Join(scratch, "proxy")),
	}
	if err = r.prepare(ctx); err != nil {
		return err
	}
	if err = r.prove(ctx); err != nil {
		return fmt.Errorf("the release is made and does not work: %w", err)
	}
	if into == "" {
		_, err = fmt.Fprintln(w, "the release works; -into FOLDER keeps the copy that is to be pushed")
		return err
	}
	_, err = fmt.Fprintf(w, "the release works; publish it with\n  git -C %s push origin HEAD --follow-tags\n", folder)
	return err
}
