//go:build !race

package main

// everybody is how many people the campaign of the test has.
const everybody = 5000
