package queue

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"sync"

	"github.com/cespare/xxhash/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// sideFile is a payload that has a file of its own. The file is written once, before anything refers to it, and never
// changed.
type sideFile struct {
	number   uint64 // never that of another payload; 0: the payload has no file
	size     int64
	checksum uint64 // XXH64 of the content
}

// A side file is named after its number, in as many digits as the largest needs.
const sideNameLen = 16

func sideName(number uint64) string { return fmt.Sprintf("%0*x", sideNameLen, number) }

// parseSideName returns false for a name that sideName does not give.
func parseSideName(name string) (number uint64, ok bool) {
	number, err := strconv.ParseUint(name, 16, 64)
	return number, err == nil && number > 0 && name == sideName(number)
}

// sideChunk is how much is written at a time: little enough to be in the processor's cache still after it was copied.
const sideChunk = 256 << 10

var sideChunks = sync.Pool{New: func() any { return new([sideChunk]byte) }}

// writeSide makes a file, whose content is durable when it returns and whose name is not yet. It returns the checksum.
//
// The payload is copied on its way: vfs.File.Write may change what it is given.
func writeSide(to vfs.FS, path string, payload []byte) (checksum uint64, err error) {
	file, err := to.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	chunk := sideChunks.Get().(*[sideChunk]byte)
	defer sideChunks.Put(chunk)
	var sum xxhash.Digest
	sum.Reset()
	for len(payload) > 0 {
		part := chunk[:copy(chunk[:], payload)]
		sum.Write(part)
		if _, err := file.Write(part); err != nil {
			return 0, err
		}
		payload = payload[len(part):]
	}
	return sum.Sum64(), file.Sync()
}

// readSide returns the content of a file, or errCorrupt if it is not what was written, or is not there.
func readSide(from vfs.FS, path string, f sideFile) (payload []byte, err error) {
	file, err := from.Open(path, vfs.SequentialReadsOption)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %w", errCorrupt, err)
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() != f.size {
		return nil, fmt.Errorf("%w: file %s has %d bytes, not %d", errCorrupt, path, info.Size(), f.size)
	}
	payload = make([]byte, f.size)
	if _, err := io.ReadFull(file, payload); err != nil {
		return nil, err
	}
	if xxhash.Sum64(payload) != f.checksum {
		return nil, fmt.Errorf("%w: file %s has another checksum than when it was written", errCorrupt, path)
	}
	return payload, nil
}
