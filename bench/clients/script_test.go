package clients

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os/exec"
	"testing"
	"time"
)

// patience bounds every wait of these tests; what is waited for takes milliseconds.
const patience = 30 * time.Second

// script is a running script; see lines.cjs for what is said to and fro.
type script struct {
	t       *testing.T
	name    string
	input   io.WriteCloser
	answers chan line
	events  chan json.RawMessage
}

// line is what a script says.
type line struct {
	Answer json.RawMessage
	Error  *problem
	Event  json.RawMessage
}

// problem is an error that a client threw.
type problem struct {
	Message string
	Status  int
}

// start runs a script until the test ends.
func start(t *testing.T, name string, configuration any) *script {
	t.Helper()
	dir := installed(t)
	argument, err := json.Marshal(configuration)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command("node", name, string(argument))
	var errors bytes.Buffer
	command.Dir, command.Stderr = dir, &errors
	input, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	s := &script{t: t, name: name, input: input, answers: make(chan line, 1), events: make(chan json.RawMessage, 100)}
	ended := make(chan struct{})
	go s.listen(output, ended)
	t.Cleanup(func() {
		_ = input.Close()
		impatient := time.AfterFunc(patience, func() { _ = command.Process.Kill() })
		defer impatient.Stop()
		<-ended
		err := command.Wait()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if t.Failed() {
			t.Logf("%s said:\n%s", name, errors.Bytes())
		}
	})
	return s
}

// listen ends with the script's output.
func (s *script) listen(output io.Reader, ended chan<- struct{}) {
	defer close(ended)
	defer close(s.answers)
	lines := bufio.NewReader(output)
	for {
		text, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var l line
		if err := json.Unmarshal(text, &l); err != nil {
			s.t.Errorf("%s: a line that is no JSON: %s", s.name, text)
			continue
		}
		if l.Event != nil {
			s.events <- l.Event
			continue
		}
		s.answers <- l
	}
}

// try asks a question and returns the answer, or the error that the client threw.
func (s *script) try(question any) (json.RawMessage, *problem) {
	s.t.Helper()
	text, err := json.Marshal(question)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.input.Write(append(text, '\n')); err != nil {
		s.t.Fatalf("%s: %v", s.name, err)
	}
	select {
	case l, ok := <-s.answers:
		if !ok {
			s.t.Fatalf("%s ended", s.name)
		}
		return l.Answer, l.Error
	case <-time.After(patience):
		s.t.Fatalf("%s does not answer %s", s.name, text)
	}
	return nil, nil
}

// ask asks a question that has to be answered, and reads the answer.
func (s *script) ask(question, into any) {
	s.t.Helper()
	answer, failed := s.try(question)
	if failed != nil {
		s.t.Fatalf("%s: %+v was answered with an error: %+v", s.name, question, *failed)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal(answer, into); err != nil {
		s.t.Fatalf("%s: %s: %v", s.name, answer, err)
	}
}

// event returns the next that the script tells.
func (s *script) event(into any) {
	s.t.Helper()
	select {
	case text := <-s.events:
		if err := json.Unmarshal(text, into); err != nil {
			s.t.Fatalf("%s: %s: %v", s.name, text, err)
		}
	case <-time.After(patience):
		s.t.Fatalf("%s tells nothing", s.name)
	}
}

// call is a question to a client: a method of it.
type call struct {
	Method     string `json:"method"`
	Parameters any    `json:"parameters"`
}
