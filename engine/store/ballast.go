package store

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	// ballastName is the file's name in the data directory. Pebble passes over names that are none of its own.
	ballastName = "ballast"

	// ballastPiece is how much of the file is written at a time. There is one a second, so that the log, which shares the
	// disk, is not held up.
	ballastPiece = 4 << 20

	// ballastRoom is how many times its size must be free for a ballast to be made.
	ballastRoom = 4
)

// ballast is a file that takes room until somebody needs that. Its bytes are random: a file system that compresses, or
// leaves holes, must give them blocks.
type ballast struct {
	fs   vfs.FS
	path string

	mu   sync.Mutex // a piece may be under way when the file has to go
	made uint64     // its size
}

// find takes up the file that an earlier process left.
func (b *ballast) find() error {
	info, err := b.fs.Stat(b.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	b.made = uint64(info.Size())
	return nil
}

func (b *ballast) size() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.made
}

// grow brings the file nearer to a size, by one piece. There must be room for all that is missing, several times over.
func (b *ballast) grow(size, free uint64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.made > size {
		return b.drop() // the size was changed
	}
	if b.made == size || free < ballastRoom*(size-b.made) {
		return nil
	}
	piece := make([]byte, min(ballastPiece, size-b.made))
	var seed [32]byte
	seed[0] = byte(b.made / ballastPiece)
	rand.NewChaCha8(seed).Read(piece)
	f, err := b.fs.OpenReadWrite(b.path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(piece, int64(b.made))
	b.made += uint64(len(piece))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		err = errors.Join(err, b.drop())
	}
	return err
}

// remove gives the room back. It returns how much that is.
func (b *ballast) remove() (uint64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	freed := b.made
	return freed, b.drop()
}

func (b *ballast) drop() error {
	if b.made == 0 {
		return nil
	}
	b.made = 0
	if err := b.fs.Remove(b.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
