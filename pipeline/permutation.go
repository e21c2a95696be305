package pipeline

import "math/bits"

// A permutation is a keyed bijection of {0, …, n−1} that is computed, not stored: shuffling a billion sequences takes no
// memory and any of its places can be asked for at any time, in both directions.
//
// It is a Feistel network of six rounds over the smallest even number of bits that holds n, with cycle walking: a value
// that falls outside is sent through the network again until it falls inside. The domain is less than 4n, so that takes
// fewer than four turns on average; only below 64 indices it takes more, because a network of fewer than 8 bits would not
// be uniform.
type permutation struct {
	n    uint64
	half uint // bits in each half
	keys [6]uint64
}

// newPermutation returns the permutation of {0, …, n−1} that the key words select.
func newPermutation(n int, key ...uint64) permutation {
	p := permutation{n: uint64(n), half: max(4, uint(bits.Len64(uint64(max(n, 2)-1))+1)/2)}
	state := uint64(0)
	for _, k := range key {
		state = mix(state ^ k)
	}
	for i := range p.keys {
		state = mix(state)
		p.keys[i] = state
	}
	return p
}

// At returns where i goes.
func (p permutation) At(i int) int {
	x := uint64(i)
	for {
		if x = p.forward(x); x < p.n {
			return int(x)
		}
	}
}

// Inverse returns what goes to i: Inverse(At(i)) = i.
func (p permutation) Inverse(i int) int {
	x := uint64(i)
	for {
		if x = p.backward(x); x < p.n {
			return int(x)
		}
	}
}

func (p permutation) forward(x uint64) uint64 {
	mask := uint64(1)<<p.half - 1
	l, r := x>>p.half, x&mask
	for _, k := range p.keys {
		l, r = r, l^(mix(r^k)&mask)
	}
	return l<<p.half | r
}

func (p permutation) backward(x uint64) uint64 {
	mask := uint64(1)<<p.half - 1
	l, r := x>>p.half, x&mask
	for i := len(p.keys) - 1; i >= 0; i-- {
		l, r = r^(mix(l^p.keys[i])&mask), l
	}
	return l<<p.half | r
}

// mix is a bijection of 64 bits in which each bit of the input changes half of the output (the finaliser of SplitMix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
