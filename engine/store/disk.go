package store

import (
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"hookline/queue"
)

// Disk says how much room a store leaves on its disk, in bytes. The zero value has the defaults and no ballast.
type Disk struct {
	// ReadOnlyBelow is the free space below which nothing new is taken in: [Low]. What waits goes on being delivered.
	//
	// Defaults to a tenth of the disk, at most 2 GiB; negative is never.
	ReadOnlyBelow int64

	// ScarceBelow is the free space below which bulk work stops as well, and what can be spared goes early: [Scarce].
	//
	// Defaults to 3 % of the disk, at most 512 MiB; negative is never.
	ScarceBelow int64

	// Ballast is the size of a file that only takes room, and is removed when a write finds the disk full all the same.
	//
	// Defaults to 0: there is none. [AutoBallast] is 1 % of the disk, at most 1 GiB.
	Ballast int64
}

// AutoBallast is the Ballast that depends on the size of the disk.
const AutoBallast = -1

// Level is how much room there is on the disk.
type Level uint8

const (
	Ample  Level = iota // enough
	Low                 // nothing new is taken in
	Scarce              // nor is anything done in bulk; or a write found the disk full
)

// String returns "ample", "low" or "scarce".
func (l Level) String() string { return [...]string{"ample", "low", "scarce"}[l] }

// Space is the room on the disk of a store.
type Space struct {
	Known       bool // false where the file system does not tell; Free and Total are 0 then, and Level is Ample
	Free, Total uint64
	Level       Level
	Ballast     uint64 // bytes of the ballast that are there; they are not free
	Full        uint64 // times that a write found the disk full, since Open
}

// ErrReadOnly is the error of changes that are refused because the disk has no room for more.
var ErrReadOnly = queue.ErrReadOnly

// refused carries ErrReadOnly in the form in which the queue refuses.
var refused = &queue.OverloadedError{RetryAfter: retryReadOnly, Cause: ErrReadOnly}

// retryReadOnly is when a client should come back that was refused for want of room: it takes people to make that.
const retryReadOnly = 30 * time.Second

// limits are what a Disk comes to on one of a given size.
type limits struct{ readOnly, scarce, ballast uint64 }

func (d Disk) limits(total uint64) limits {
	of := func(set int64, part, most uint64) uint64 {
		switch {
		case set > 0:
			return uint64(set)
		case set < 0:
			return 0
		}
		return min(part, most)
	}
	l := limits{readOnly: of(d.ReadOnlyBelow, total/10, 2<<30), scarce: of(d.ScarceBelow, total*3/100, 512<<20)}
	if d.Ballast == AutoBallast {
		l.ballast = min(total/100, 1<<30)
	} else {
		l.ballast = uint64(max(d.Ballast, 0))
	}
	return l
}

// level returns the level that follows on another at so much free space. One is left for a better one only when there is a
// quarter more than its bound, so that what a moment frees does not let in what fills the disk again at once.
func (l limits) level(now Level, free uint64) Level {
	below := func(bound uint64, already bool) bool { return free < bound || already && free < bound+bound/4 }
	switch {
	case below(l.scarce, now == Scarce):
		return Scarce
	case below(l.readOnly, now != Ample):
		return Low
	}
	return Ample
}

// enough is the free space at which a disk that was full is taken for one that is not any more.
func (l limits) enough(total uint64) uint64 {
	return max(l.readOnly+l.readOnly/4, ballastRoom*l.ballast, min(total/50, 64<<20))
}

// usage returns the free bytes for this process and all bytes of the disk of a directory.
func usage(fs vfs.FS, dir string) (free, total uint64, err error) {
	u, err := fs.GetDiskUsage(dir)
	return u.AvailBytes, u.TotalBytes, err
}
