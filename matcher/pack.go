package matcher

import "encoding/binary"

// packer puts programs into a form that takes a fourth of the memory: their words as varints, the symbols of a test as the
// distances between them, beginning at the symbol of the slot's presence.
type packer struct{ presence []uint32 }

// pack appends a program.
func (p packer) pack(dst []byte, code []uint32) []byte {
	dst = binary.AppendUvarint(dst, uint64(code[0]))
	switch opOf(code) {
	case opAll, opAny:
		for rest := inside(code); len(rest) > 0; rest = nextAfter(rest) {
			dst = p.pack(dst, nodeOf(rest))
		}
		return dst
	case opCondition:
		return binary.AppendUvarint(binary.AppendUvarint(dst, uint64(code[1])), uint64(code[2]))
	}
	dst = binary.AppendUvarint(dst, uint64(code[1]))
	last := p.presence[code[1]]
	for _, sym := range termsOf(code) {
		dst = binary.AppendUvarint(dst, uint64(sym-last))
		last = sym
	}
	return dst
}

// unpack appends the program that was packed at the beginning of packed.
func (p packer) unpack(code []uint32, packed []byte) []uint32 {
	code, _ = p.unpackNode(code, packed)
	return code
}

func (p packer) unpackNode(code []uint32, packed []byte) (_ []uint32, rest []byte) {
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
			code, packed = p.unpackNode(code, packed)
		}
		return code, packed
	case opCondition:
		return append(code, next(), next()), packed
	}
	code = append(code, next())
	last := p.presence[code[start+1]]
	for len(code) < end {
		last += next()
		code = append(code, last)
	}
	return code, packed
}
