package cpu

//go:generate internal/asm/generate
