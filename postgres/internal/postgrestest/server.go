//go:build unix

// Package postgrestest starts private servers for tests, in a folder
// of their own, reached by a socket in it, and gone with the process that started them.
package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// Server is a server that this process started.
type Server struct {
	// folder is of the server's user; data and the socket are in it.
	folder   string
	bin      string
	settings []string
	account  *syscall.Credential
	// input ends the server when it is closed, which the end of this process does, too.
	input   io.Closer
	command *exec.Cmd
}

// patience is how long a server may take to start or to end.
const patience = 2 * time.Minute

// Start makes a database cluster and starts a server on it. Settings are such as
// "fsync=off".
func Start(ctx context.Context, settings ...string) (*Server, error) {
	s, err := prepare(settings)
	if err != nil {
		return nil, err
	}
	err = s.run(ctx, "initdb", "--pgdata="+s.data(), "--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync")
	if err == nil {
		err = s.Run(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.folder))
	}
	return s, nil
}

// Standby makes a copy of a server and starts it as its standby. The name is what
// synchronous_standby_names knows it by.
func (s *Server) Standby(ctx context.Context, name string, settings ...string) (*Server, error) {
	standby, err := prepare(settings)
	if err != nil {
		return nil, err
	}
	err = standby.run(ctx, "pg_basebackup", "--pgdata="+standby.data(), "--checkpoint=fast", "--no-sync", "--write-recovery-conf",
		"--dbname=host="+s.folder+" user=postgres application_name="+name)
	if err == nil {
		err = standby.Run(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(standby.folder))
	}
	return standby, nil
}

// prepare makes the folder of a server.
func prepare(settings []string) (*Server, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	s := &Server{bin: bin, settings: settings}
	if s.account, err = account(); err != nil {
		return nil, err
	}
	// The name of a socket may not be long.
	if s.folder, err = os.MkdirTemp("", "salebot-pg-"); err != nil {
		return nil, err
	}
	if s.account != nil {
		if err := os.Chown(s.folder, int(s.account.Uid), int(s.account.Gid)); err != nil {
			return nil, errors.Join(err, os.RemoveAll(s.folder))
		}
	}
	return s, nil
}

// programs finds the folder with the programs of PostgreSQL, those of Debian too, which
// are not in the path.
func programs() (string, error) {
	folders, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", err
	}
	if path, lookErr := exec.LookPath("initdb"); lookErr == nil {
		folders = append([]string{filepath.Dir(path)}, folders...)
	}
	for _, folder := range slices.Backward(folders) {
		if _, err := os.Stat(filepath.Join(folder, "initdb")); err == nil {
			return folder, nil
		}
	}
	return "", errors.New("the server of PostgreSQL is not installed: package postgresql of Debian")
}

// account is the user that a server runs as; nil for the own one. A server refuses to run
// as root.
func account() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // the own one
	}
	for _, name := range []string{"postgres", "nobody"} {
		found, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(found.Uid, 10, 32)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.ParseUint(found.Gid, 10, 32)
		if err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("there is no user that a server could run as")
}

func (s *Server) data() string { return filepath.Join(s.folder, "data") }

// program makes a command of PostgreSQL that runs as the server's user.
func (s *Server) program(ctx context.Context, name string, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, name, args...) //nolint:gosec // the programs of PostgreSQL
	command.Dir = s.folder
	command.SysProcAttr = &syscall.SysProcAttr{Credential: s.account, Setpgid: true}
	return command
}

func (s *Server) run(ctx context.Context, name string, args ...string) error {
	output, err := s.program(ctx, filepath.Join(s.bin, name), args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, output)
	}
	return nil
}

// keeper runs a server until its own input ends.
const keeper = `"$@" </dev/null >>log 2>&1 & server=$!; read -r _; kill -QUIT $server 2>/dev/null; wait $server`

// Run starts the server again after it has ended, and waits until it can be used.
func (s *Server) Run(ctx context.Context) error {
	args := []string{"-c", keeper, "sh", filepath.Join(s.bin, "postgres"), "-D", s.data(), "-k", s.folder, "-c", "listen_addresses="}
	for _, setting := range s.settings {
		args = append(args, "-c", setting)
	}
	command := s.program(context.WithoutCancel(ctx), "sh", args...)
	input, err := command.StdinPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return err
	}
	s.input, s.command = input, command
	return s.await(ctx)
}

// await waits until the server takes connections.
func (s *Server) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		connection, err := pgx.Connect(ctx, s.Address())
		if err == nil {
			return connection.Close(ctx)
		}
		if !pause(ctx) {
			return errors.Join(fmt.Errorf("the server did not start: %w", err), s.halt())
		}
	}
}

func pause(ctx context.Context) bool {
	timer := time.NewTimer(20 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// halt ends the server's processes, if there are any, and waits for that.
func (s *Server) halt() error {
	if s.command == nil {
		return nil
	}
	err := s.input.Close()
	_ = s.command.Wait() // it was killed
	s.command = nil
	return err
}

// Address is the address of the server for pgx.
func (s *Server) Address() string { return s.AddressIn("postgres") }

// AddressIn is the address of one of its databases.
func (s *Server) AddressIn(database string) string {
	return "host=" + s.folder + " user=postgres dbname=" + database
}

// AddressOfBoth is the address of whichever of two servers takes changes.
func AddressOfBoth(a, b *Server) string {
	return "host=" + a.folder + "," + b.folder + " user=postgres dbname=postgres target_session_attrs=read-write"
}

// Kill ends all processes of the server in the hardest way, and waits for their end.
func (s *Server) Kill() error {
	id, err := s.Process()
	if err != nil {
		return err
	}
	// The others notice at once that the first one is gone.
	if err := syscall.Kill(id, syscall.SIGKILL); err != nil {
		return err
	}
	return s.halt()
}

// StopNow ends the server in its mode "immediate", without a last write.
func (s *Server) StopNow() error { return s.halt() }

// Process is the number of the server's first process.
func (s *Server) Process() (int, error) {
	content, err := os.ReadFile(filepath.Join(s.data(), "postmaster.pid"))
	if err != nil {
		return 0, err
	}
	first, _, _ := strings.Cut(string(content), "\n")
	return strconv.Atoi(first)
}

// Promote makes a standby take changes.
func (s *Server) Promote(ctx context.Context) error {
	return s.Execute(ctx, "SELECT pg_promote(true, 60)")
}

// Execute runs statements as the administrator.
func (s *Server) Execute(ctx context.Context, statements ...string) error {
	return s.ExecuteIn(ctx, "postgres", statements...)
}

// ExecuteIn runs statements in one of the databases.
func (s *Server) ExecuteIn(ctx context.Context, database string, statements ...string) error {
	connection, err := pgx.Connect(ctx, s.AddressIn(database))
	if err != nil {
		return err
	}
	for _, statement := range statements {
		if _, err = connection.Exec(ctx, statement); err != nil {
			err = fmt.Errorf("%.200s: %w", statement, err)
			break
		}
	}
	return errors.Join(err, connection.Close(ctx))
}

// Log returns what the server has logged.
func (s *Server) Log() (string, error) {
	content, err := os.ReadFile(filepath.Join(s.folder, "log"))
	return string(content), err
}

// Remove ends the server and removes its folder.
func (s *Server) Remove() error { return joinRemove(s.halt(), s.folder) }

// Folder is where the server's data, log and socket are.
func (s *Server) Folder() string { return s.folder }

// joinRemove removes the folder. The processes of a server that was killed notice it one
// after the other, and until then may write files into a folder that is being removed.
func joinRemove(err error, folder string) error {
	removed := os.RemoveAll(folder)
	for range 100 {
		if removed == nil {
			break
		}
		<-time.After(100 * time.Millisecond)
		removed = os.RemoveAll(folder)
	}
	return errors.Join(err, removed)
}

// Programs is the folder with the programs of PostgreSQL.
func (s *Server) Programs() string { return s.bin }
