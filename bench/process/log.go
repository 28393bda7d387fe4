package process

import (
	"bytes"
	"encoding/json"
	"sync"
)

// log keeps what a server writes, and finds in it where the server listens.
type log struct {
	mu        sync.Mutex
	text      bytes.Buffer
	parsed    int
	listening chan [2]string
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(p)
	for {
		line, _, complete := bytes.Cut(l.text.Bytes()[l.parsed:], []byte{'\n'})
		if !complete {
			return len(p), nil
		}
		l.parsed += len(line) + 1
		var entry struct{ Msg, Listen, Operations string }
		if json.Unmarshal(line, &entry) == nil && entry.Msg == "serving" {
			l.listening <- [2]string{entry.Listen, entry.Operations}
		}
	}
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
