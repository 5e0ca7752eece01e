//go:build unix

package main

import (
	"context"
	"errors"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
)

// pauseBeforeRestart is between the end of a process and its next start.
const pauseBeforeRestart = 500 * time.Millisecond

// keep runs a part and starts it again when it ends, as an orchestrator does.
func (g *stage) keep(ctx context.Context, name, part string, listener *os.File) {
	for {
		err := g.run(ctx, name, part, listener)
		if ctx.Err() != nil {
			return
		}
		log.Printf("%s has ended (%v) and is started again", name, err)
		sleep(ctx, pauseBeforeRestart)
	}
}

// run runs a part until it ends, or is to end because the context does.
func (g *stage) run(ctx context.Context, name, part string, listener *os.File) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	output, err := os.OpenFile(filepath.Join(g.folder, name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // the folder is ours
	if err != nil {
		return err
	}
	defer func() { _ = output.Close() }()
	command := exec.CommandContext(context.WithoutCancel(ctx), program, part) //nolint:gosec // it is this program
	command.Env, command.Stderr = g.environment, output
	if listener != nil {
		command.ExtraFiles = []*os.File{listener}
	}
	input, err := command.StdinPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = input.Close() })()
	g.note(name, command.Process.Pid)
	return command.Wait()
}

// note tells which process is which.
func (g *stage) note(name string, process int) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if g.processes[name] != process {
		log.Printf("%s is process %d", name, process)
	}
	g.processes[name] = process
}

// keepServer does with the database what keep does.
func (g *stage) keepServer(ctx context.Context) {
	for ; ctx.Err() == nil; sleep(ctx, pauseBeforeRestart) {
		if process, err := g.server.Process(); err == nil {
			g.note("database", process)
		}
		connection, err := pgx.Connect(ctx, g.server.Address())
		if err == nil {
			_ = connection.Close(ctx)
			continue
		}
		if ctx.Err() != nil {
			return
		}
		log.Print("the database cannot be reached and is started again")
		// What is left of it notices that its first process is gone.
		sleep(ctx, time.Second)
		limited, cancel := context.WithTimeout(ctx, 20*time.Second)
		if err := errors.Join(g.server.StopNow(), g.server.Run(limited)); err != nil {
			log.Print("the database: ", err)
		}
		cancel()
	}
}

func sleep(ctx context.Context, duration time.Duration) {
	timer := time.NewTimer(duration)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
