#!/bin/sh
# Writes the assembly of package cpu into the folder $1 (default: the package).
set -eu
cd "$(dirname "$0")"
out=${1:-../..}
for set in gemm-avx2 gemm-avx512 lanes-avx2 lanes-avx512; do
	file=$(echo "$set" | tr - _)_amd64
	go run . -set "$set" -out "$out/$file.s" -stubs "$out/$file.go" -pkg cpu
done
