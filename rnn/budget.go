package rnn

import "fmt"

// A BudgetError says that the state budget is too small, even if most states are computed again.
type BudgetError struct {
	Have, Need int64 // bytes
	What       string
	Fix        string
	Device     bool // Have is what Store.Device leaves, not what StateBudget does
}

// Error implements error.
func (e *BudgetError) Error() string {
	return fmt.Sprintf("rnn: hidden states may take %d bytes, but %s needs %d: raise the budget or %s", e.Have, e.What, e.Need, e.Fix)
}
