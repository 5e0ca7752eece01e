// Command canary reads files, or its standard input, and fails where one of
// them shows the API key of the tests, in any encoding.
package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/salebot-go/salebot/internal/testkit"
)

func main() {
	if err := run(os.Args[1:], os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "canary:", err)
		os.Exit(1)
	}
	fmt.Println("the key of the tests shows nowhere")
}

func run(paths []string, input io.Reader) error {
	if len(paths) == 0 {
		text, err := io.ReadAll(input)
		if err != nil {
			return err
		}
		return check("standard input", string(text))
	}
	for _, path := range paths {
		text, err := os.ReadFile(path) //nolint:gosec // to read the files that it is given is its purpose
		if err != nil {
			return err
		}
		if err := check(path, string(text)); err != nil {
			return err
		}
	}
	return nil
}

// check looks at the text as a whole, since an encoded key may be broken over
// lines, and names the line where it is on one.
func check(source, text string) error {
	form := testkit.FindKey(text)
	if form == "" {
		return nil
	}
	number := 0
	for line := range strings.Lines(text) {
		number++
		if testkit.FindKey(line) != "" {
			return fmt.Errorf("%s:%d shows the key (%s)", source, number, form)
		}
	}
	return fmt.Errorf("%s shows the key (%s)", source, form)
}
