//go:build postgres

package postgres_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/postgres"
)

// TestMigrate checks that several processes may migrate at once, and that there is nothing
// left to do then.
func TestMigrate(t *testing.T) {
	t.Parallel()
	server := commonServer(t)
	schema := postgres.WithSchema(fmt.Sprintf("migrated_%d", schemas.Add(1)))
	files, err := fs.Glob(postgres.Migrations, "migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	var steps [4]int
	var group sync.WaitGroup
	for n := range steps {
		group.Go(func() {
			var err error
			if steps[n], err = postgres.Migrate(t.Context(), server.Address(), schema); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if sum := steps[0] + steps[1] + steps[2] + steps[3]; sum != len(files) {
		t.Errorf("steps %v, want %d together", steps, len(files))
	}
	openInbox(t, server, schema)
}

// TestMigrationsAreForOtherToolsToo checks that the files can be applied as they are, and
// that the tables are then found.
func TestMigrationsAreForOtherToolsToo(t *testing.T) {
	t.Parallel()
	server := commonServer(t)
	name := fmt.Sprintf("other_tool_%d", schemas.Add(1))
	if err := server.Execute(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	files, err := fs.Glob(postgres.Migrations, "migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := postgres.Migrations.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := server.ExecuteIn(t.Context(), name, string(text)); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}
	address := server.AddressIn(name)
	if steps, err := postgres.Migrate(t.Context(), address); err != nil || steps != 0 {
		t.Errorf("%d steps, %v; want none", steps, err)
	}
	inbox, err := postgres.OpenInbox(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	if err := inbox.Close(); err != nil {
		t.Error(err)
	}
}

// TestUnusableDatabases checks that each database which cannot be used is told from the
// others when it is opened, and what to do about it is said.
func TestUnusableDatabases(t *testing.T) {
	t.Parallel()
	server := commonServer(t)
	none := postgres.WithSchema(fmt.Sprintf("none_%d", schemas.Add(1)))
	schema := newSchema(t, server)
	role := fmt.Sprintf("nobody_%d", schemas.Add(1))
	if err := server.Execute(t.Context(), "CREATE ROLE "+role+" LOGIN"); err != nil {
		t.Fatal(err)
	}
	foreign := strings.ReplaceAll(server.Address(), "user=postgres", "user="+role)
	old := postgres.WithSchema(fmt.Sprintf("old_%d", schemas.Add(1)))
	if _, err := postgres.Migrate(t.Context(), server.Address(), old); err != nil {
		t.Fatal(err)
	}
	if err := server.Execute(t.Context(), postgres.SQL(old, "DELETE FROM salebot.migration WHERE version > 1")); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		address string
		opts    []postgres.InboxOption
		want    error
		says    string
	}{
		"no schema":      {server.Address(), []postgres.InboxOption{none}, postgres.ErrNoSchema, "Migrate"},
		"schema too old": {server.Address(), []postgres.InboxOption{old}, postgres.ErrSchemaTooOld, "Migrate"},
		"no rights":      {foreign, []postgres.InboxOption{schema}, postgres.ErrNoRights, "GRANT USAGE ON SCHEMA"},
		"server too old": {server.Address(), []postgres.InboxOption{schema, postgres.WithMinServer(1000)}, postgres.ErrServerTooOld, "1000 is needed"},
		"nobody there":   {"host=" + t.TempDir() + " user=postgres", nil, postgres.ErrUnreachable, "connect"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inbox, err := postgres.OpenInbox(t.Context(), test.address, test.opts...)
			if err == nil {
				_ = inbox.Close()
			}
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v, want %v that says %q", err, test.want, test.says)
			}
		})
	}
}

// TestOptions checks that bad options are refused before anything is connected to, and
// that no part of an address is in the error.
func TestOptions(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		address string
		opt     postgres.InboxOption
		option  string
	}{
		"no address":       {"", nil, "address"},
		"bad address":      {"postgres://user:pass%zzword@host", nil, "address"},
		"schema":           {"host=/nowhere", postgres.WithSchema("Robert'); --"), "WithSchema"},
		"timeout":          {"host=/nowhere", postgres.WithTimeout(0), "WithTimeout"},
		"lifetime":         {"host=/nowhere", postgres.WithLifetime(1), "WithLifetime"},
		"logger":           {"host=/nowhere", postgres.WithLogger(nil), "WithLogger"},
		"listen address":   {"host=/nowhere", postgres.WithListenAddress("postgres://%zz"), "WithListenAddress"},
		"poll":             {"host=/nowhere", postgres.WithPollInterval(0), "WithPollInterval"},
		"duplicate window": {"host=/nowhere", postgres.WithDuplicateWindow(0), "WithDuplicateWindow"},
		"max pending":      {"host=/nowhere", postgres.WithMaxPending(0), "WithMaxPending"},
		"max transactions": {"host=/nowhere", postgres.WithMaxTransactions(0), "WithMaxTransactions"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := postgres.OpenInbox(t.Context(), test.address, test.opt)
			option, ok := errors.AsType[*salebot.OptionError](err)
			if !ok || option.Option != test.option {
				t.Errorf("%v, want an OptionError of %s", err, test.option)
			}
			if strings.Contains(fmt.Sprint(err), "word") {
				t.Errorf("a part of the password is in the error: %v", err)
			}
		})
	}
}
