package main

// switchboard is the file that each package gets.
const switchboard = `package %s

import (
	"cmp"
	"os"
	"strconv"
	"sync"
)

var (
	mutantActive, _ = strconv.Atoi(os.Getenv("SALEBOT_MUTANT"))
	mutantCover     = os.Getenv("SALEBOT_MUTANT_COVER")
	mutantSeen      sync.Map
)

func mutantOn(id int) bool {
	if mutantCover != "" {
		if _, seen := mutantSeen.LoadOrStore(id, true); !seen {
			file, err := os.OpenFile(mutantCover, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
			if err != nil {
				panic(err)
			}
			_, _ = file.WriteString(strconv.Itoa(id) + "\n")
			_ = file.Close()
		}
	}
	return id == mutantActive
}

func mutantLess[T cmp.Ordered](id int, a, b T) bool {
	if mutantOn(id) {
		return a <= b
	}
	return a < b
}

func mutantLessOrEqual[T cmp.Ordered](id int, a, b T) bool {
	if mutantOn(id) {
		return a < b
	}
	return a <= b
}

func mutantGreater[T cmp.Ordered](id int, a, b T) bool {
	if mutantOn(id) {
		return a >= b
	}
	return a > b
}

func mutantGreaterOrEqual[T cmp.Ordered](id int, a, b T) bool {
	if mutantOn(id) {
		return a > b
	}
	return a >= b
}

func mutantAdd[T ~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uintptr](id int, a T) T {
	if mutantOn(id) {
		return a + 1
	}
	return a
}
`
