package ptx

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// An operand is a register, a place in memory, or several registers. Immediate values are in registers of their own.
type operand struct {
	register int
	offset   uint64 // of a place: register holds its base
	param    int    // of a place in the parameters: where it is
	place    place
	several  []int
}

// A place says what memory an operand is in.
type place uint8

const (
	nowhere place = iota
	anywhere
	inParams
)

var specialRegisters = map[string]bool{"%tid.x": true, "%ntid.x": true, "%ctaid.x": true, "%ctaid.y": true, "%ctaid.z": true}

// register returns the number of a register, which is made where it is new.
func (p *parser) register(name string) int {
	if r, ok := p.registers[name]; ok {
		return r
	}
	r := p.k.registers
	p.registers[name] = r
	p.k.registers++
	if specialRegisters[name] {
		p.k.specials[r] = name
	}
	return r
}

func (p *parser) constant(x uint64) int {
	r := p.register(fmt.Sprintf("constant %d", x))
	p.k.constants[r] = x
	return r
}

func (p *parser) operands(list string) ([]operand, error) {
	var all []operand
	for list != "" {
		end := strings.IndexByte(list, ',')
		if list[0] == '{' {
			if closed := strings.IndexByte(list, '}'); closed >= 0 {
				end = closed + strings.IndexByte(list[closed:]+",", ',')
			}
		}
		if end < 0 || end > len(list) {
			end = len(list)
		}
		o, err := p.operand(strings.TrimSpace(list[:end]))
		if err != nil {
			return nil, err
		}
		all = append(all, o)
		list = strings.TrimSpace(strings.TrimPrefix(list[end:], ","))
	}
	return all, nil
}

func (p *parser) operand(s string) (operand, error) {
	switch {
	case strings.HasPrefix(s, "["):
		return p.memoryOperand(strings.Trim(s, "[]"))
	case strings.HasPrefix(s, "{"):
		var o operand
		for _, name := range strings.Split(strings.Trim(s, "{}"), ",") {
			o.several = append(o.several, p.register(strings.TrimSpace(name)))
		}
		return o, nil
	}
	if x, ok := p.value(s); ok {
		return operand{register: p.constant(x)}, nil
	}
	if strings.HasPrefix(s, "%") && strings.Contains(s, ".") && !specialRegisters[s] {
		return operand{}, fmt.Errorf("the special register %s is not known", s)
	}
	return operand{register: p.register(s)}, nil
}

func (p *parser) memoryOperand(s string) (operand, error) {
	base, offset := s, int64(0)
	if at := strings.IndexByte(s, '+'); at > 0 {
		var err error
		if offset, err = strconv.ParseInt(s[at+1:], 0, 64); err != nil {
			return operand{}, fmt.Errorf("reading an offset: %w", err)
		}
		base = s[:at]
	}
	for _, q := range p.k.params {
		if q.name == base {
			return operand{place: inParams, param: q.place + int(offset)}, nil
		}
	}
	if x, ok := p.value(base); ok {
		return operand{place: anywhere, register: p.constant(x), offset: uint64(offset)}, nil
	}
	return operand{place: anywhere, register: p.register(base), offset: uint64(offset)}, nil
}

// value returns what an immediate operand or a symbol stands for.
func (p *parser) value(s string) (uint64, bool) {
	if address, ok := p.symbols[s]; ok {
		return address, true
	}
	for prefix, bits := range map[string]int{"0f": 32, "0d": 64} {
		if hex, ok := strings.CutPrefix(s, prefix); ok && len(hex) == bits/4 {
			x, err := strconv.ParseUint(hex, 16, bits)
			return x, err == nil
		}
	}
	if x, err := strconv.ParseInt(s, 0, 64); err == nil {
		return uint64(x), true
	}
	x, err := strconv.ParseUint(s, 0, 64)
	return x, err == nil
}

// typeBytes returns how many bytes a value of that type has in memory, 0 for unknown types.
func typeBytes(t string) int {
	switch t {
	case "b32", "u32", "s32", "f32":
		return 4
	case "b64", "u64", "s64", "f64":
		return 8
	}
	return 0
}

func float(x uint64) float32  { return math.Float32frombits(uint32(x)) }
func bits32(x float32) uint64 { return uint64(math.Float32bits(x)) }
func double(x uint64) float64 { return math.Float64frombits(x) }
func bits64(x float64) uint64 { return math.Float64bits(x) }
