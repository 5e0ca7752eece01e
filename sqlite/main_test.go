package sqlite_test

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// role is the environment variable by which the test binary is told to be one of
// the processes that tests start.
const role = "SQLITEINBOX_TEST_ROLE"

// roles are these processes.
var roles = map[string]func() error{
	"receive":   receive,
	"duplicate": duplicate,
}

func TestMain(m *testing.M) {
	if run := roles[os.Getenv(role)]; run != nil {
		if err := run(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func textLogger(to io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(to, nil)) }
