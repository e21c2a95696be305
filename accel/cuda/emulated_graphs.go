package cuda

import "errors"

var errFault = errors.New("another stream has failed")

// A graph is what was put on a stream while it was captured.
type graph struct {
	of   *queue
	work []func() error
}

// An executable is a graph that can be launched.
type executable struct{ graph }

// capturable are the calls that the driver allows on the thread that captures.
var capturable = [calls]bool{cuLaunchKernel: true, cuMemcpyDtoDAsync_v2: true, cuMemsetD8Async: true, cuFuncSetAttribute: true, cuStreamEndCapture: true}

func emulateBeginCapture(e *emulator, a []uintptr) result {
	q, ok := held[*queue](e, a[0])
	switch {
	case !ok:
		return 400
	case a[1] != captureThread:
		return invalidValue
	}
	e.capture = &graph{of: q}
	return success
}

func emulateEndCapture(e *emulator, a []uintptr) result {
	q, ok := held[*queue](e, a[0])
	if !ok || e.capture == nil || e.capture.of != q {
		return invalidValue
	}
	g := e.capture
	e.capture = nil
	return answer(a[1], e.handle(g))
}

func emulateInstantiate(e *emulator, a []uintptr) result {
	g, ok := held[*graph](e, a[1])
	if !ok || a[2] != 0 {
		return invalidValue
	}
	return answer(a[0], e.handle(&executable{*g}))
}

func emulateGraphLaunch(e *emulator, a []uintptr) result {
	x, ok := held[*executable](e, a[0])
	if !ok {
		return 400
	}
	e.replays++
	for _, f := range x.work {
		if r := e.later(a[1], f); r != success {
			return r
		}
	}
	return success
}
