package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"time"

	"hookline/engine"
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
}

type scaleOpened struct {
	Open    time.Duration
	OpenRSS int64
}

type scaleReport struct {
	scaleOpened
	Times   []time.Duration // of Publish, by tenant
	Matched []int           // webhooks, by tenant
	RSS     int64
	PeakRSS int64
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
	e, err := scaleEngine(order.Dir, order.PerTenant)
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
	report, err := publishEach(e, &order)
	if err != nil {
		return err
	}
	report.scaleOpened, report.RSS, report.PeakRSS = opened, resident("VmRSS"), resident("VmHWM")
	if err := answers.Encode(report); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, io.MultiReader(input.Buffered(), in))
	return err
}

// publishEach publishes one event to each tenant.
func publishEach(e *engine.Engine, order *scaleOrder) (*scaleReport, error) {
	workload, err := NewWorkload(WorkloadOptions{Seed: order.Seed, Projects: scaleProjects})
	if err != nil {
		return nil, err
	}
	report := &scaleReport{}
	var body []byte
	for n := range order.Tenants {
		body = workload.Body(body[:0], int64(n))
		start := time.Now()
		receipt, err := e.Publish(context.Background(), webhook.Event{Tenant: scaleTenant(n), Body: body})
		if err != nil {
			return nil, err
		}
		report.Times = append(report.Times, time.Since(start))
		report.Matched = append(report.Matched, receipt.Matched)
	}
	return report, nil
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
