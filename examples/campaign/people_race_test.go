//go:build race

package main

// everybody is how many people the campaign of the test has: fewer, because the race
// detector makes each ten times as slow.
const everybody = 300
