package cuda

// A queue is a stream. On a device, streams run side by side: only events say what comes first. Here two orders that a device may
// take are tried: one in which each stream runs as late as can be, when it is waited for, and one in which all but the first run as early
// as can be (emulator.early). Where an event is missing, what comes out under one of them is wrong.
type queue struct {
	work       []func() error
	asked, ran int // operations put on it so far, and those of them that ran
	ahead      bool
}

// An event is a place in a queue.
type event struct {
	of *queue
	at int
}

// later puts work on a stream, or adds it to the graph that is captured from it.
func (e *emulator) later(stream uintptr, work func() error) result {
	q, ok := held[*queue](e, stream)
	if !ok {
		return 400
	}
	if g := e.capture; g != nil && g.of == q {
		g.work = append(g.work, work)
		return success
	}
	q.work, q.asked = append(q.work, work), q.asked+1
	if q.ahead {
		return e.run(q, q.asked)
	}
	return success
}

// run runs a queue up to a place.
func (e *emulator) run(q *queue, to int) result {
	for q.ran < to {
		f := q.work[0]
		q.work, q.ran = q.work[1:], q.ran+1
		if err := f(); err != nil {
			e.fault = err.Error()
			return launchFailed
		}
	}
	return success
}

func emulateStream(e *emulator, a []uintptr) result {
	e.streams++
	return answer(a[0], e.handle(&queue{ahead: e.early && e.streams > 1}))
}

func emulateSynchronize(e *emulator, a []uintptr) result {
	q, ok := held[*queue](e, a[0])
	if !ok {
		return 400
	}
	return e.run(q, q.asked)
}

func emulateRecord(e *emulator, a []uintptr) result {
	v, ok := held[*event](e, a[0])
	q, ok2 := held[*queue](e, a[1])
	if !ok || !ok2 {
		return 400
	}
	v.of, v.at = q, q.asked
	return success
}

// emulateWait has a stream wait for where an event is now: an event that is recorded again later is another place.
func emulateWait(e *emulator, a []uintptr) result {
	v, ok := held[*event](e, a[1])
	if !ok || a[2] != 0 {
		return 400
	}
	if e.waits++; e.waits == e.drop || v.of == nil {
		return success
	}
	of, at := v.of, v.at
	return e.later(a[0], func() error {
		if e.run(of, at) != success {
			return errFault
		}
		return nil
	})
}
