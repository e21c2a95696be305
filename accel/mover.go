package accel

// A Mover is a Stream that copies to and from the host's memory while it computes. It is optional: a caller asks for it by a type
// assertion, and without it copies with Vector.Read and Vector.Write after Sync.
type Mover[F Float] interface {
	// Begin begins copies, one after the other, which take effect after what was asked of the stream before, and beside what is asked
	// next. Until they are awaited nothing may write what they read, or use what they write. Sync waits for them too.
	Begin(list []Transfer[F]) Moved
	// Await has what is asked of the stream from now on take effect after the copies of a Begin, and those begun before it.
	Await(m Moved)
}

// A Transfer is a copy of all elements of a vector to host memory of the same length, or from it.
type Transfer[F Float] struct {
	V      Vector[F]
	Host   []F // of a Host, where the backend is one: copies from and to other memory may wait
	ToHost bool
}

// Moved names the copies of one Begin. 0 is none, and done.
type Moved uint64

// A Host is a Backend that lends memory of the host that it copies to and from by itself. It is optional.
type Host[F Float] interface {
	// NewHost returns n elements, whose values are whatever they were, and what gives them back. Nothing that is still queued on a
	// stream may use them then.
	NewHost(n int) (values []F, giveBack func(), err error)
}
