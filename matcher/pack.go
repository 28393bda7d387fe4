package matcher

import "encoding/binary"

// pack appends a program in a form that takes a third of the memory: its words as varints, the symbols of a test as the
// distances between them.
func pack(dst []byte, code []uint32) []byte {
	dst = binary.AppendUvarint(dst, uint64(code[0]))
	switch opOf(code) {
	case opAll, opAny:
		for rest := inside(code); len(rest) > 0; rest = nextAfter(rest) {
			dst = pack(dst, nodeOf(rest))
		}
		return dst
	case opCondition:
		return binary.AppendUvarint(binary.AppendUvarint(dst, uint64(code[1])), uint64(code[2]))
	}
	dst = binary.AppendUvarint(dst, uint64(code[1]))
	last := uint32(0)
	for _, sym := range termsOf(code) {
		dst = binary.AppendUvarint(dst, uint64(sym-last))
		last = sym
	}
	return dst
}

// unpack appends the program that was packed at the beginning of packed.
func unpack(code []uint32, packed []byte) []uint32 {
	code, _ = unpackNode(code, packed)
	return code
}

func unpackNode(code []uint32, packed []byte) (_ []uint32, rest []byte) {
	next := func() uint32 {
		word, n := binary.Uvarint(packed)
		packed = packed[n:]
		return uint32(word)
	}
	start := len(code)
	code = append(code, next())
	end := start + int(code[start]>>opBits)
	switch code[start] & opMask {
	case opAll, opAny:
		for len(code) < end {
			code, packed = unpackNode(code, packed)
		}
		return code, packed
	case opCondition:
		return append(code, next(), next()), packed
	}
	code = append(code, next())
	last := uint32(0)
	for len(code) < end {
		last += next()
		code = append(code, last)
	}
	return code, packed
}
