package schedule

import (
	"cmp"
	"container/heap"
	"slices"
	"time"
)

// item is an entry in its lane. It has no pointer in it, so that the garbage collector
// need not look at a long backlog.
type item struct {
	sequence int64
	// due is counted from the beginning of the schedule; 0 for at once.
	due      time.Duration
	attempts int
}

// lane holds entries whose order has to be kept. What may happen to it is up to
// its head.
type lane struct {
	key   laneKey
	queue *queue
	items []item
	state laneState
	// at is the end of the delay or of the lease.
	at    time.Time
	token uint64
	// index is the place in the heap of the state.
	index int
}

type laneState uint8

const (
	// idle lanes are in no heap.
	idle laneState = iota
	// ready lanes are in queue.ready, the following two in queue.timed.
	ready
	delayed
	leased
	// settling lanes are in no heap: their lease is being ended.
	settling
)

// busy says that someone works on the head.
func (s laneState) busy() bool { return s == leased || s == settling }

func (l *lane) heap() *laneHeap {
	switch l.state {
	case ready:
		return &l.queue.ready
	case delayed, leased:
		return &l.queue.timed
	case idle, settling:
	}
	return nil
}

// enter puts a lane that is in no heap into the one of a state.
func (l *lane) enter(state laneState, at time.Time) {
	l.state, l.at = state, at
	heap.Push(l.heap(), l)
}

// release takes the lane out of its heap.
func (l *lane) release() {
	if h := l.heap(); h != nil {
		heap.Remove(h, l.index)
	}
	l.state = idle
}

// insert puts an entry in its place unless it is there, and reports whether it is the
// head now. A head that someone works on stays where it is.
func (l *lane) insert(it item) (added, head bool) {
	if last := len(l.items) - 1; last >= 0 && l.items[last].sequence < it.sequence {
		l.items = append(l.items, it)
		return true, false
	}
	first := 0
	if l.state.busy() {
		first = 1
		if l.items[0].sequence == it.sequence {
			return false, false
		}
	}
	at, found := slices.BinarySearchFunc(l.items[first:], it.sequence, func(i item, sequence int64) int { return cmp.Compare(i.sequence, sequence) })
	if found {
		return false, false
	}
	at += first
	l.items = slices.Insert(l.items, at, it)
	return true, at == 0
}

// sort puts the head behind an older entry that was added while it was leased.
func (l *lane) sort() {
	for i := 1; i < len(l.items) && l.items[i].sequence < l.items[i-1].sequence; i++ {
		l.items[i], l.items[i-1] = l.items[i-1], l.items[i]
	}
}

// laneHeap implements heap.Interface.
type laneHeap struct {
	lanes  []*lane
	before func(a, b *lane) bool
}

func olderHead(a, b *lane) bool { return a.items[0].sequence < b.items[0].sequence }

func earlier(a, b *lane) bool { return a.at.Before(b.at) }

func (h *laneHeap) Len() int           { return len(h.lanes) }
func (h *laneHeap) Less(i, j int) bool { return h.before(h.lanes[i], h.lanes[j]) }
func (h *laneHeap) Swap(i, j int) {
	h.lanes[i], h.lanes[j] = h.lanes[j], h.lanes[i]
	h.lanes[i].index, h.lanes[j].index = i, j
}

func (h *laneHeap) Push(x any) {
	l := x.(*lane)
	l.index = len(h.lanes)
	h.lanes = append(h.lanes, l)
}

func (h *laneHeap) Pop() any {
	last := len(h.lanes) - 1
	l := h.lanes[last]
	h.lanes[last] = nil
	h.lanes = h.lanes[:last]
	return l
}
