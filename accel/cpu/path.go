package cpu

import "curvestream/accel"

func choosePath() string { return "portable" }

func kernelsFor[F accel.Float](path string) *kernels[F] { return portableKernels[F]() }
