// Command platforms checks the types of packages as other platforms see them:
//
//	go run ./tools/platforms windows/386 darwin/arm64 -- work
//
// It reads sources and compiles nothing, which takes seconds. Files for another
// system and numbers that are too large for 32 bits are what it finds.
package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "platforms:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	separator := slices.Index(args, "--")
	if separator < 1 || separator == len(args)-1 {
		return errors.New("usage: platforms SYSTEM/PROCESSOR[ SYSTEM/PROCESSOR] -- PATTERN[ PATTERN]")
	}
	for _, platform := range args[:separator] {
		count, err := check(platform, args[separator+1:])
		if err != nil {
			return fmt.Errorf("%s: %w", platform, err)
		}
		fmt.Println(platform+":", count, "packages")
	}
	return nil
}

// check returns how many packages it checked, dependencies not counted.
func check(platform string, patterns []string) (int, error) {
	system, processor, ok := strings.Cut(platform, "/")
	if !ok {
		return 0, errors.New("not of the form SYSTEM/PROCESSOR")
	}
	loaded, err := packages.Load(&packages.Config{
		Mode: packages.LoadAllSyntax, // with the sources of the dependencies nothing is compiled
		Env:  append(os.Environ(), "GOOS="+system, "GOARCH="+processor, "CGO_ENABLED=0"),
	}, patterns...)
	if err != nil {
		return 0, err
	}
	var problems []error
	for _, one := range loaded {
		for _, problem := range one.Errors {
			problems = append(problems, problem)
		}
	}
	return len(loaded), errors.Join(problems...)
}
