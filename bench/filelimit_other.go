//go:build !unix

package bench

func fileLimit() int64 { return 0 }
