package attempt

import "sync/atomic"

const (
	// costPerRetry and refundPerSuccess let one retry be earned by ten definite
	// answers.
	costPerRetry     = 10
	refundPerSuccess = 1
)

// Budget bounds the retries of all the calls that share it, so that many
// clients do not hammer a server that is down. A nil budget bounds nothing.
type Budget struct {
	capacity int64
	tokens   atomic.Int64
}

// NewBudget returns a full budget of so many retries.
func NewBudget(retries int) *Budget {
	b := &Budget{capacity: int64(retries) * costPerRetry}
	b.tokens.Store(b.capacity)
	return b
}

// Take pays for one retry, or says that there is nothing left.
func (b *Budget) Take() bool {
	if b == nil {
		return true
	}
	for {
		tokens := b.tokens.Load()
		if tokens < costPerRetry {
			return false
		}
		if b.tokens.CompareAndSwap(tokens, tokens-costPerRetry) {
			return true
		}
	}
}

// Refund gives back a tenth of a retry.
func (b *Budget) Refund() {
	if b == nil {
		return
	}
	for {
		tokens := b.tokens.Load()
		if tokens >= b.capacity || b.tokens.CompareAndSwap(tokens, tokens+refundPerSuccess) {
			return
		}
	}
}
