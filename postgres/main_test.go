//go:build postgres

package postgres_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/salebot-go/salebot/postgres"
	"github.com/salebot-go/salebot/postgres/internal/postgrestest"
)

// role is the environment variable by which the test program is told to be one of the
// processes that tests start.
const role = "SALEBOT_POSTGRES_TEST_ROLE"

// roles are these processes.
var roles = map[string]func() error{}

func TestMain(m *testing.M) {
	if run := roles[os.Getenv(role)]; run != nil {
		if err := run(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := m.Run()
	if common.server != nil {
		if err := common.server.Remove(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// common is the server of all tests that are not about a server. It flushes nothing: what
// those tests assert does not depend on it.
var common struct {
	once   sync.Once
	server *postgrestest.Server
	err    error
}

func commonServer(t testing.TB) *postgrestest.Server {
	t.Helper()
	common.once.Do(func() {
		common.server, common.err = postgrestest.Start(context.Background(), "fsync=off", "max_connections=400")
	})
	if common.err != nil {
		t.Fatal(common.err)
	}
	return common.server
}

// ownServer starts a server for one test that stops it or changes its settings, with the
// tables.
func ownServer(t testing.TB, settings ...string) *postgrestest.Server {
	t.Helper()
	server, err := postgrestest.Start(t.Context(), settings...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Remove() })
	if _, err := postgres.Migrate(t.Context(), server.Address()); err != nil {
		t.Fatal(err)
	}
	return server
}

// newCutter starts a cutter before a server.
func newCutter(t testing.TB, server *postgrestest.Server) *postgrestest.Cutter {
	t.Helper()
	cutter, err := postgrestest.NewCutter(server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cutter.Close() })
	return cutter
}

// schemas counts the schemas of this process.
var schemas atomic.Int64

// newSchema makes the tables in a schema of their own, and removes them at the end.
func newSchema(t testing.TB, server *postgrestest.Server) postgres.SharedOption {
	t.Helper()
	name := fmt.Sprintf("t%d_%d", os.Getpid(), schemas.Add(1))
	option := postgres.WithSchema(name)
	if _, err := postgres.Migrate(t.Context(), server.Address(), option); err != nil {
		t.Fatal(err)
	}
	return option
}
