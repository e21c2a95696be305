package pipeline

import (
	"encoding/binary"
	"encoding/hex"
	"math/bits"

	"github.com/zeebo/xxh3"
)

// A Hash is 128 bits of xxh3. Of an identifier, it stands for the identifier: among a billion sequences, two have the same
// hash with a probability of 10⁻²¹.
type Hash struct{ Hi, Lo uint64 }

// hashID returns the hash of a sequence's identifier.
func hashID(id string) Hash {
	h := xxh3.HashString128(id)
	return Hash{h.Hi, h.Lo}
}

// hashBytes is hashID of an identifier that is no string.
func hashBytes(id []byte) Hash {
	h := xxh3.Hash128(id)
	return Hash{h.Hi, h.Lo}
}

// String returns 32 hexadecimal digits.
func (h Hash) String() string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], h.Hi)
	binary.BigEndian.PutUint64(b[8:], h.Lo)
	return hex.EncodeToString(b[:])
}

// Plus returns h + g modulo 2¹²⁸. A sum of hashes does not depend on the order of its terms.
func (h Hash) Plus(g Hash) Hash {
	lo, carry := bits.Add64(h.Lo, g.Lo, 0)
	hi, _ := bits.Add64(h.Hi, g.Hi, carry)
	return Hash{hi, lo}
}

func (h Hash) compare(g Hash) int {
	switch {
	case h.Hi != g.Hi:
		return less(h.Hi < g.Hi)
	case h.Lo != g.Lo:
		return less(h.Lo < g.Lo)
	}
	return 0
}

func less(yes bool) int {
	if yes {
		return -1
	}
	return 1
}
