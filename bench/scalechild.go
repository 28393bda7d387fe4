package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"time"

	"hookline/engine"
	"hookline/engine/registry"
	"hookline/engine/webhook"
)

// The two processes of [Scale] speak JSON over the child's standard input and output: an order, an
// answer when the engine is open, and an answer when the events are published. The child then sends
// what it owes until its input ends.

type scaleOrder struct {
	Dir       string
	Tenants   int
	PerTenant int
	Seed      uint64
	Budget    int64
}

type scaleOpened struct {
	Open    time.Duration
	OpenRSS int64
}

type scaleReport struct {
	scaleOpened
	Cold, Again []time.Duration // of Match
	Matched     map[int]int     // webhooks, by the tenants whose event was published
	Loads       uint64
	Evictions   uint64
	RSS         int64
	PeakRSS     int64
}

// ScaleChild is the measured side of [Scale].
func ScaleChild(in io.Reader, out io.Writer) (err error) {
	input := json.NewDecoder(in)
	answers := json.NewEncoder(out)
	var order scaleOrder
	if err := input.Decode(&order); err != nil {
		return fmt.Errorf("bench: reading the order: %w", err)
	}
	start := time.Now()
	e, err := scaleEngine(order.Dir, order.PerTenant, order.Budget, nil)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		err = errors.Join(err, e.Close(ctx))
	}()
	opened := scaleOpened{Open: time.Since(start), OpenRSS: resident("VmRSS")}
	if err := answers.Encode(opened); err != nil {
		return err
	}
	report, err := useEach(e, &order)
	if err != nil {
		return err
	}
	report.scaleOpened, report.PeakRSS = opened, resident("VmHWM")
	if err := answers.Encode(report); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, io.MultiReader(input.Buffered(), in))
	return err
}

// useEach has one event of each tenant matched, and those of the checked ones published.
func useEach(e *engine.Engine, order *scaleOrder) (*scaleReport, error) {
	workload, err := NewWorkload(WorkloadOptions{Seed: order.Seed, Projects: scaleProjects})
	if err != nil {
		return nil, err
	}
	u := &scaleUse{engine: e, workload: workload}
	report := &scaleReport{Matched: map[int]int{}}
	random := rand.New(rand.NewPCG(order.Seed, 3))
	sample := random.Perm(order.Tenants)
	if report.Cold, err = u.matchAll(sample[:min(scaleSample, order.Tenants)]); err != nil {
		return nil, err
	}
	for n := range order.Tenants {
		if !checkedTenant(n, order.Tenants) {
			_, err = u.match(n)
		} else {
			report.Matched[n], err = u.publish(n)
		}
		if err != nil {
			return nil, err
		}
	}
	report.RSS = resident("VmRSS")
	random.Shuffle(len(sample), func(i, j int) { sample[i], sample[j] = sample[j], sample[i] })
	if report.Again, err = u.matchAll(sample[:min(scaleSample, order.Tenants)]); err != nil {
		return nil, err
	}
	memory := e.Registry().Memory()
	report.Loads, report.Evictions = memory.Loads, memory.Evictions
	return report, nil
}

// scaleUse uses an engine as the measured process does.
type scaleUse struct {
	engine   *engine.Engine
	workload *Workload
	scratch  registry.Scratch
	body     []byte
}

func (u *scaleUse) publish(n int) (matched int, err error) {
	u.body = u.workload.Body(u.body[:0], int64(n))
	receipt, err := u.engine.Publish(context.Background(), webhook.Event{Tenant: scaleTenant(n), Body: u.body})
	return receipt.Matched, err
}

// match returns how long it took.
func (u *scaleUse) match(n int) (time.Duration, error) {
	u.body = u.workload.Body(u.body[:0], int64(n))
	start := time.Now()
	_, _, err := u.engine.Registry().Match(scaleTenant(n), u.body, start, &u.scratch)
	return time.Since(start), err
}

func (u *scaleUse) matchAll(tenants []int) ([]time.Duration, error) {
	var times []time.Duration
	for _, n := range tenants {
		took, err := u.match(n)
		if err != nil {
			return nil, err
		}
		times = append(times, took)
	}
	return times, nil
}

// resident is a line of /proc/self/status in bytes, or 0 on systems without it.
func resident(name string) int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(status) {
		fields := bytes.Fields(line)
		if len(fields) == 3 && string(fields[0]) == name+":" && string(fields[2]) == "kB" {
			n, err := strconv.ParseInt(string(fields[1]), 10, 64)
			if err != nil {
				return 0
			}
			return n << 10
		}
	}
	return 0
}

func megabytes(n int64) float64 { return round(float64(n) / 1e6) }

// scaleChild is the child as its parent sees it.
type scaleChild struct {
	command *exec.Cmd
	in      io.WriteCloser
	out     *json.Decoder
	errors  bytes.Buffer
	started time.Duration // from the start of the process until the engine was open
}

func startScaleChild(ctx context.Context, make func(context.Context) (*exec.Cmd, error), order scaleOrder) (*scaleChild, error) {
	command, err := make(ctx)
	if err != nil {
		return nil, fmt.Errorf("bench: the measured process: %w", err)
	}
	child := &scaleChild{command: command}
	command.Stderr = &child.errors
	if child.in, err = command.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	child.out = json.NewDecoder(bufio.NewReader(out))
	start := time.Now()
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("bench: starting the measured process: %w", err)
	}
	if err := json.NewEncoder(child.in).Encode(order); err != nil {
		return nil, errors.Join(err, child.end())
	}
	var opened scaleOpened
	if err := child.out.Decode(&opened); err != nil {
		return nil, errors.Join(fmt.Errorf("bench: the measured process did not open the engine: %w", err), child.end())
	}
	child.started = time.Since(start)
	return child, nil
}

// report waits for the events to be published.
func (child *scaleChild) report() (*scaleReport, error) {
	report := &scaleReport{}
	if err := child.out.Decode(report); err != nil {
		return nil, fmt.Errorf("bench: the measured process did not publish: %w", err)
	}
	return report, nil
}

// end tells the child to end and waits for it.
func (child *scaleChild) end() error {
	err := child.in.Close()
	if waited := child.command.Wait(); waited != nil {
		err = errors.Join(err, fmt.Errorf("bench: the measured process: %w\n%s", waited, child.errors.String()))
	}
	return err
}
