#!/bin/sh
# Fails unless the assembly of package cpu is what the generator writes.
set -eu
cd "$(dirname "$0")"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
./generate.sh "$out"
for file in "$out"/*; do
	diff -q "$file" "../../$(basename "$file")" || {
		echo "accel/cpu/$(basename "$file") is out of date: run go generate ./accel/cpu" >&2
		exit 1
	}
done
