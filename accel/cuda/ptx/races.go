package ptx

import "fmt"

// races finds accesses to shared memory that no barrier orders: two threads, one of which writes.
type races struct {
	period uint32 // since which barrier
	words  []word
}

// A word is what was done to four bytes in a period: by which thread, from 1 on, or by several.
type word struct{ period, writer, reader uint32 }

const several = ^uint32(0)

func newRaces(bytes int) *races { return &races{period: 1, words: make([]word, (bytes+3)/4)} }

func (r *races) next() { r.period++ }

func (r *races) read(place, n, thread int) {
	t := uint32(thread + 1)
	for i := place / 4; i < (place+n)/4; i++ {
		w := r.current(i)
		if w.writer != 0 && w.writer != t {
			panic(fmt.Sprintf("thread %d reads shared memory at %d, which thread %d wrote, and no barrier is between them", thread, place, w.writer-1))
		}
		if w.reader != t && w.reader != 0 {
			t = several
		}
		w.reader = t
	}
}

func (r *races) wrote(place, n, thread int) {
	t := uint32(thread + 1)
	for i := place / 4; i < (place+n)/4; i++ {
		w := r.current(i)
		if (w.writer != 0 && w.writer != t) || (w.reader != 0 && w.reader != t) {
			panic(fmt.Sprintf("thread %d writes shared memory at %d, which another thread used, and no barrier is between them", thread, place))
		}
		w.writer = t
	}
}

func (r *races) current(i int) *word {
	w := &r.words[i]
	if w.period != r.period {
		*w = word{period: r.period}
	}
	return w
}
