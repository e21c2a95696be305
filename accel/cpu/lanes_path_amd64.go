//go:build amd64 && !noasm

package cpu

import "curvestream/accel"

func lanesAVX2F32(k *kernels[float32]) {
	k.axpy, k.scale, k.shift, k.mul, k.div = axpyAVX2F32, scaleAVX2F32, shiftAVX2F32, mulAVX2F32, divAVX2F32
	k.addSquares, k.dot, k.sum, k.expShifted = addSquaresAVX2F32, dotAVX2F32, sumAVX2F32, expShiftedAVX2F32
	k.setProduct, k.addProduct = setProductAVX2F32, addProductAVX2F32
	k.scaleSub, k.addTwo, k.quotient = scaleSubAVX2F32, addTwoAVX2F32, quotientAVX2F32
	k.crossEntropy = crossEntropyAVX2F32
	k.activate = [4]func(h []float32){accel.Tanh: tanhAVX2F32, accel.Logistic: logisticAVX2F32, accel.ReLU: reluAVX2F32}
	k.mulDerivative = [4]func(d, h []float32){
		accel.Tanh: mulTanhDerivativeAVX2F32, accel.Logistic: mulLogisticDerivativeAVX2F32, accel.ReLU: mulReLUDerivativeAVX2F32,
	}
	k.addSecond = [4]func(rd, d, h, ra []float32){accel.Tanh: addTanhSecondAVX2F32, accel.Logistic: addLogisticSecondAVX2F32}
	k.addScaled = [4]func(b []float32, alpha float32, a, h []float32){
		accel.Tanh: addTanhScaledAVX2F32, accel.Logistic: addLogisticScaledAVX2F32, accel.ReLU: addReLUScaledAVX2F32,
	}
	k.copyPanel, k.transpose = copyPanel, transposeBlocksF32
}

func lanesAVX2F64(k *kernels[float64]) {
	k.axpy, k.scale, k.shift, k.mul, k.div = axpyAVX2F64, scaleAVX2F64, shiftAVX2F64, mulAVX2F64, divAVX2F64
	k.crossEntropy = crossEntropyAVX2F64
	k.addSquares, k.dot, k.sum, k.expShifted = addSquaresAVX2F64, dotAVX2F64, sumAVX2F64, expShiftedAVX2F64
	k.setProduct, k.addProduct = setProductAVX2F64, addProductAVX2F64
	k.scaleSub, k.addTwo, k.quotient = scaleSubAVX2F64, addTwoAVX2F64, quotientAVX2F64
	k.activate = [4]func(h []float64){accel.Tanh: tanhAVX2F64, accel.Logistic: logisticAVX2F64, accel.ReLU: reluAVX2F64}
	k.mulDerivative = [4]func(d, h []float64){
		accel.Tanh: mulTanhDerivativeAVX2F64, accel.Logistic: mulLogisticDerivativeAVX2F64, accel.ReLU: mulReLUDerivativeAVX2F64,
	}
	k.addSecond = [4]func(rd, d, h, ra []float64){accel.Tanh: addTanhSecondAVX2F64, accel.Logistic: addLogisticSecondAVX2F64}
	k.addScaled = [4]func(b []float64, alpha float64, a, h []float64){
		accel.Tanh: addTanhScaledAVX2F64, accel.Logistic: addLogisticScaledAVX2F64, accel.ReLU: addReLUScaledAVX2F64,
	}
	k.copyPanel, k.transpose = copyPanel, transposeBlocksF64
}

func lanesAVX512F32(k *kernels[float32]) {
	k.axpy, k.scale, k.shift, k.mul, k.div = axpyAVX512F32, scaleAVX512F32, shiftAVX512F32, mulAVX512F32, divAVX512F32
	k.addSquares, k.dot, k.sum, k.expShifted = addSquaresAVX512F32, dotAVX512F32, sumAVX512F32, expShiftedAVX512F32
	k.setProduct, k.addProduct = setProductAVX512F32, addProductAVX512F32
	k.scaleSub, k.addTwo, k.quotient = scaleSubAVX512F32, addTwoAVX512F32, quotientAVX512F32
	k.crossEntropy = crossEntropyAVX512F32
	k.activate = [4]func(h []float32){accel.Tanh: tanhAVX512F32, accel.Logistic: logisticAVX512F32, accel.ReLU: reluAVX512F32}
	k.mulDerivative = [4]func(d, h []float32){
		accel.Tanh: mulTanhDerivativeAVX512F32, accel.Logistic: mulLogisticDerivativeAVX512F32, accel.ReLU: mulReLUDerivativeAVX512F32,
	}
	k.addSecond = [4]func(rd, d, h, ra []float32){accel.Tanh: addTanhSecondAVX512F32, accel.Logistic: addLogisticSecondAVX512F32}
	k.addScaled = [4]func(b []float32, alpha float32, a, h []float32){
		accel.Tanh: addTanhScaledAVX512F32, accel.Logistic: addLogisticScaledAVX512F32, accel.ReLU: addReLUScaledAVX512F32,
	}
	k.copyPanel, k.transpose = copyPanel, transposeBlocksF32
}

func lanesAVX512F64(k *kernels[float64]) {
	k.axpy, k.scale, k.shift, k.mul, k.div = axpyAVX512F64, scaleAVX512F64, shiftAVX512F64, mulAVX512F64, divAVX512F64
	k.crossEntropy = crossEntropyAVX512F64
	k.addSquares, k.dot, k.sum, k.expShifted = addSquaresAVX512F64, dotAVX512F64, sumAVX512F64, expShiftedAVX512F64
	k.setProduct, k.addProduct = setProductAVX512F64, addProductAVX512F64
	k.scaleSub, k.addTwo, k.quotient = scaleSubAVX512F64, addTwoAVX512F64, quotientAVX512F64
	k.activate = [4]func(h []float64){accel.Tanh: tanhAVX512F64, accel.Logistic: logisticAVX512F64, accel.ReLU: reluAVX512F64}
	k.mulDerivative = [4]func(d, h []float64){
		accel.Tanh: mulTanhDerivativeAVX512F64, accel.Logistic: mulLogisticDerivativeAVX512F64, accel.ReLU: mulReLUDerivativeAVX512F64,
	}
	k.addSecond = [4]func(rd, d, h, ra []float64){accel.Tanh: addTanhSecondAVX512F64, accel.Logistic: addLogisticSecondAVX512F64}
	k.addScaled = [4]func(b []float64, alpha float64, a, h []float64){
		accel.Tanh: addTanhScaledAVX512F64, accel.Logistic: addLogisticScaledAVX512F64, accel.ReLU: addReLUScaledAVX512F64,
	}
	k.copyPanel, k.transpose = copyPanel, transposeBlocksF64
}
