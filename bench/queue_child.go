package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"

	"hookline/queue"
)

// A process of [Queue] and its parent speak JSON over the child's standard input and output: orders one way, an answer to
// each the other way. The child ends when its input does.

// queueOrder has one member that is not nil.
type queueOrder struct {
	Open  *openOrder
	Fill  *fillOrder
	Load  *loadOrder
	Drain *drainOrder
	Park  *parkOrder
	Look  *lookOrder
}

// queueAnswer has the member that belongs to the order, unless it has an Error.
type queueAnswer struct {
	Error string
	Open  openAnswer
	Fill  fillAnswer
	Load  loadSlice
	Drain drainAnswer
	Park  parkAnswer
	Look  lookAnswer
}

// openOrder opens the queue in a directory, and waits for a first delivery if First says so.
type openOrder struct {
	Dir   string
	Seed  uint64
	First bool
}

type openAnswer struct{ Took time.Duration }

// fillOrder accepts deliveries of endpoints that no consumer takes from.
type fillOrder struct {
	Deliveries, Endpoints, Fanout, Body int
}

type fillAnswer struct{ Took time.Duration }

// loadOrder accepts messages for a while, which consumers settle.
type loadOrder struct {
	For       time.Duration
	Producers int
	Body      int
	Large     int // bytes of the large ones beside them, 0: there are none
	Profile   string
}

// drainOrder takes what fillOrder has accepted and settles it.
type drainOrder struct {
	Deliveries, Endpoints int

	Verdict queue.Verdict
	Record  bool
	Profile string
}

type drainAnswer struct {
	Tenths  [10]tenth
	Took    time.Duration // until all was durable
	CPU     time.Duration
	Written writes
	P99     time.Duration // of a Take

	ended time.Time // for the parent: when it had the answer
}

type tenth struct{ Elapsed, CPU time.Duration }

// parkOrder parks and unparks a backlog of one endpoint.
type parkOrder struct{}

type parkAnswer struct{ Park, Unpark []time.Duration }

// lookOrder asks what there is, with Settled after the store has written all it has to tables and compacted them.
type lookOrder struct{ Settled bool }

type lookAnswer struct {
	Waiting      int64
	RSS, PeakRSS int64
	Tables       int64 // bytes of the tables that the deliveries take
}

// QueueChild is a measured side of [Queue].
func QueueChild(in io.Reader, out io.Writer) (err error) {
	orders, answers := json.NewDecoder(in), json.NewEncoder(out)
	side := &queueSide{}
	defer func() { err = errors.Join(err, side.close()) }()
	for {
		var order queueOrder
		if err := orders.Decode(&order); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("bench: reading an order: %w", err)
		}
		answer, err := side.obey(&order)
		if err != nil {
			answer.Error = err.Error()
		}
		if err := answers.Encode(answer); err != nil {
			return err
		}
	}
}

func (s *queueSide) obey(o *queueOrder) (a queueAnswer, err error) {
	switch {
	case o.Open != nil:
		a.Open, err = s.open(o.Open)
	case o.Fill != nil:
		a.Fill, err = s.fill(o.Fill)
	case o.Load != nil:
		a.Load, err = s.load(o.Load)
	case o.Drain != nil:
		a.Drain, err = s.drain(o.Drain)
	case o.Park != nil:
		a.Park, err = s.park()
	case o.Look != nil:
		a.Look, err = s.look(o.Look)
	}
	return a, err
}

// queueChild is a child as its parent sees it.
type queueChild struct {
	command *exec.Cmd
	in      io.WriteCloser
	orders  *json.Encoder
	answers *json.Decoder
	errors  bytes.Buffer
	begun   time.Time
	opened  openAnswer
	ready   time.Duration // from begun until the child had answered the order to open
}

// startQueueChild starts a process and has it open a directory.
func startQueueChild(ctx context.Context, make func(context.Context) (*exec.Cmd, error), open openOrder) (*queueChild, error) {
	command, err := make(ctx)
	if err != nil {
		return nil, fmt.Errorf("the measured process: %w", err)
	}
	child := &queueChild{command: command}
	command.Stderr = &child.errors
	if child.in, err = command.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	child.orders, child.answers = json.NewEncoder(child.in), json.NewDecoder(bufio.NewReader(out))
	child.begun = time.Now()
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("starting the measured process: %w", err)
	}
	answer, err := child.do(queueOrder{Open: &open})
	child.ready = time.Since(child.begun)
	child.opened = answer.Open
	if err != nil {
		return nil, errors.Join(err, child.end())
	}
	return child, nil
}

// do gives an order and waits for the answer.
func (child *queueChild) do(order queueOrder) (answer queueAnswer, err error) {
	if err = child.orders.Encode(order); err == nil {
		err = child.answers.Decode(&answer)
	}
	switch {
	case err != nil:
		return answer, fmt.Errorf("the measured process does not answer: %w", err)
	case answer.Error != "":
		return answer, fmt.Errorf("the measured process: %s", answer.Error)
	}
	return answer, nil
}

func (child *queueChild) load(o loadOrder) (loadSlice, error) {
	answer, err := child.do(queueOrder{Load: &o})
	return answer.Load, err
}

func (child *queueChild) look(o lookOrder) (lookAnswer, error) {
	answer, err := child.do(queueOrder{Look: &o})
	return answer.Look, err
}

// end tells the child to end and waits for it.
func (child *queueChild) end() error {
	err := child.in.Close()
	if waited := child.command.Wait(); waited != nil {
		err = errors.Join(err, fmt.Errorf("the measured process: %w\n%s", waited, child.errors.String()))
	}
	return err
}

// kill ends the child as kill -9 does.
func (child *queueChild) kill() error {
	err := child.command.Process.Kill()
	var exit *exec.ExitError
	if waited := child.command.Wait(); !errors.As(waited, &exit) {
		err = errors.Join(err, waited)
	}
	return err
}
