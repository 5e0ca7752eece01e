//go:build unix

package postgrestest

import (
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
)

// Cutter stands between clients and a server, and cuts a connection when it is told to:
// when the server has done what it was asked next, and before its answer comes.
type Cutter struct {
	folder   string
	server   string
	listener net.Listener
	armed    atomic.Bool
	running  sync.WaitGroup

	mutex       sync.Mutex
	connections []net.Conn
	// hung are those of Hang.
	hung map[net.Conn]bool
}

// NewCutter starts a cutter before a server.
func NewCutter(s *Server) (*Cutter, error) {
	folder, err := os.MkdirTemp("", "salebot-cut-")
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("unix", filepath.Join(folder, socket)) //nolint:noctx // nothing to wait for
	if err != nil {
		return nil, err
	}
	c := &Cutter{folder: folder, server: filepath.Join(s.folder, socket), listener: listener}
	c.running.Go(c.accept)
	return c, nil
}

// socket is the name of a server's socket in its folder.
const socket = ".s.PGSQL.5432"

// Address is the address of the server through the cutter.
func (c *Cutter) Address() string { return "host=" + c.folder + " user=postgres dbname=postgres" }

// Arm lets the next message to the server be the last one of its connection.
func (c *Cutter) Arm() { c.armed.Store(true) }

// Hang lets nothing more through the connections that there are, as if the machine of the
// server had lost its power. New ones reach the server.
func (c *Cutter) Hang() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.hung = map[net.Conn]bool{}
	for _, connection := range c.connections {
		c.hung[connection] = true
	}
}

func (c *Cutter) hangs(connection net.Conn) bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.hung[connection]
}

func (c *Cutter) accept() {
	for {
		client, err := c.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("unix", c.server) //nolint:noctx // nothing to wait for
		if err != nil {
			_ = client.Close()
			continue
		}
		c.mutex.Lock()
		c.connections = append(c.connections, client, server)
		c.mutex.Unlock()
		var cut atomic.Bool
		c.running.Go(func() { c.ask(client, server, &cut) })
		c.running.Go(func() { c.answer(client, server, &cut) })
	}
}

// ask hands on what the client says.
func (c *Cutter) ask(client, server net.Conn, cut *atomic.Bool) {
	defer func() { _ = server.Close() }()
	buffer := make([]byte, 1<<16)
	for {
		n, err := client.Read(buffer)
		if n > 0 && !c.hangs(client) {
			if c.armed.CompareAndSwap(true, false) {
				cut.Store(true)
			}
			if _, writeErr := server.Write(buffer[:n]); writeErr != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// answer hands on what the server says, or cuts the connection instead.
func (c *Cutter) answer(client, server net.Conn, cut *atomic.Bool) {
	defer func() { _ = client.Close() }()
	buffer := make([]byte, 1<<16)
	for {
		n, err := server.Read(buffer)
		if err != nil || cut.Load() {
			return
		}
		if c.hangs(client) {
			continue
		}
		if _, err := client.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// Close ends all connections.
func (c *Cutter) Close() error {
	err := c.listener.Close()
	c.mutex.Lock()
	for _, connection := range c.connections {
		_ = connection.Close()
	}
	c.mutex.Unlock()
	c.running.Wait()
	return joinRemove(err, c.folder)
}
