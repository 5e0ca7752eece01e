package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

const promptedKey = "typed-4f1c0e7a9b"

// A key that is typed at the prompt works and is not shown.
func TestPromptHidesTheKey(t *testing.T) {
	t.Parallel()
	p := runEmulator(t, "--key", promptedKey)
	s := startAtTerminal(t, p.address+"/api", "channels")
	s.enterHidden(t, promptedKey+"\n")
	require.NoError(t, s.command.Wait(), s.shown())
	require.True(t, s.echoes(t), "the terminal shows again what is typed")
	s.close(t)
	require.Contains(t, s.shown(), "API key of default")
	require.NotContains(t, s.shown()+s.stdout.String(), promptedKey)
}

// Ctrl-C at the prompt ends the program and leaves the terminal as it was.
func TestPromptEndsAtInterrupt(t *testing.T) {
	t.Parallel()
	s := startAtTerminal(t, "http://127.0.0.1:1/api", "channels")
	s.enterHidden(t, promptedKey[:5]+"\x03")
	var ended *exec.ExitError
	require.ErrorAs(t, s.command.Wait(), &ended, s.shown())
	require.Equal(t, 130, ended.ExitCode(), s.shown())
	require.True(t, s.echoes(t), "the terminal shows again what is typed")
	s.close(t)
	require.Contains(t, s.shown(), "nothing was done")
}

// Ctrl-C ends it too where it asks whether to go on.
func TestConfirmationEndsAtInterrupt(t *testing.T) {
	t.Parallel()
	p := runEmulator(t, "--key", promptedKey, "--seed", writeFile(t, "seed.yaml", "clients: [{id: 1, client_type: 1}, {id: 2, client_type: 1}]"))
	s := startAtTerminal(t, p.address+"/api", "clients", "delete", "1", "2")
	s.enterHidden(t, promptedKey+"\n")
	s.await(t, "Type 2 to go on")
	_, err := s.person.WriteString("\x03")
	require.NoError(t, err)
	var ended *exec.ExitError
	require.ErrorAs(t, s.command.Wait(), &ended, s.shown())
	require.Equal(t, 130, ended.ExitCode(), s.shown())
	_, clients := request(t, "GET", p.address+"/_emulator/clients", "", "")
	require.Contains(t, clients, `"total":2`)
}

// session is the command at a terminal of its own, which has all but its results.
type session struct {
	command  *exec.Cmd
	person   *os.File // the end of the terminal at which a person sits
	terminal *os.File // the other one
	stdout   bytes.Buffer

	mu     sync.Mutex
	screen bytes.Buffer
	closed chan struct{}
}

func startAtTerminal(t *testing.T, baseURL string, args ...string) *session {
	t.Helper()
	s := &session{closed: make(chan struct{})}
	var err error
	s.person, err = os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	number := ioctl(t, s.person, func(fd int) (int, error) {
		if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
			return 0, err
		}
		return unix.IoctlGetInt(fd, unix.TIOCGPTN)
	})
	s.terminal, err = os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	executable, err := os.Executable()
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	s.command = exec.CommandContext(ctx, executable, args...)
	s.command.Env = []string{runAsCommand + "=1", "HOME=" + t.TempDir(), "TERM=xterm", "SALEBOT_BASE_URL=" + baseURL, "GOCOVERDIR=" + os.Getenv("GOCOVERDIR")}
	s.command.Stdin, s.command.Stdout, s.command.Stderr = s.terminal, &s.stdout, s.terminal
	s.command.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true} // the terminal of its standard input
	require.NoError(t, s.command.Start())
	go s.watch()
	t.Cleanup(func() {
		cancel()
		_ = s.command.Wait()
		s.close(t)
		_ = s.person.Close()
	})
	return s
}

// watch keeps what the terminal shows until its other end is closed.
func (s *session) watch() {
	defer close(s.closed)
	part := make([]byte, 4096)
	for {
		n, err := s.person.Read(part)
		s.mu.Lock()
		s.screen.Write(part[:n])
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// close closes the terminal and waits for the last of what it shows.
func (s *session) close(t *testing.T) {
	t.Helper()
	_ = s.terminal.Close()
	<-s.closed
}

func (s *session) shown() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.screen.String()
}

// await waits until the terminal has shown a text.
func (s *session) await(t *testing.T, text string) {
	t.Helper()
	s.until(t, text+" is shown", func() bool { return strings.Contains(s.shown(), text) })
}

// enterHidden waits until the terminal does not show what is typed, and types.
func (s *session) enterHidden(t *testing.T, text string) {
	t.Helper()
	s.until(t, "what is typed is hidden", func() bool { return !s.echoes(t) })
	_, err := s.person.WriteString(text)
	require.NoError(t, err)
}

func (s *session) until(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !is(); <-tick.C {
		require.True(t, time.Now().Before(end), "%s; shown: %s", what, s.shown())
	}
}

// echoes reports whether the terminal shows what is typed.
func (s *session) echoes(t *testing.T) bool {
	t.Helper()
	settings := ioctl(t, s.terminal, func(fd int) (*unix.Termios, error) { return unix.IoctlGetTermios(fd, unix.TCGETS) })
	return settings.Lflag&unix.ECHO != 0
}

// ioctl asks something of a terminal. (Fd would make its file a blocking one.)
func ioctl[T any](t *testing.T, file *os.File, ask func(fd int) (T, error)) (answer T) {
	t.Helper()
	connection, err := file.SyscallConn()
	require.NoError(t, err)
	var failed error
	require.NoError(t, connection.Control(func(fd uintptr) { answer, failed = ask(int(fd)) }))
	require.NoError(t, failed)
	return answer
}
