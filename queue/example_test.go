package queue_test

import (
	"context"
	"fmt"
	"log"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"hookline/queue"
)

func Example() {
	options := &pebble.Options{FS: vfs.NewMem(), Logger: silent{}}
	queue.Tune(options)
	db, err := pebble.Open("data", options)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	q, err := queue.Open(db, queue.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer q.Close()

	receipt, err := q.Accept(context.Background(), queue.Message{
		Payload:    []byte(`{"issue": 7}`),
		Deliveries: []queue.Target{{Endpoint: 1}, {Endpoint: 2}},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(receipt.Deliveries, "deliveries")

	for _, endpoint := range []queue.EndpointID{1, 2} {
		d, ok := q.Take(endpoint)
		if !ok {
			continue
		}
		fmt.Printf("to %d: %s\n", d.Endpoint, d.Payload)
		if err := q.Settle(&d, queue.Outcome{Verdict: queue.Done, Attempted: true, Status: 200}); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// 2 deliveries
	// to 1: {"issue": 7}
	// to 2: {"issue": 7}
}

type silent struct{}

func (silent) Infof(string, ...any)              {}
func (silent) Errorf(string, ...any)             {}
func (silent) Fatalf(format string, args ...any) { log.Fatalf(format, args...) }
