// Package wire reads and writes the JSON that Salebot speaks: numbers that come
// as text, flags that come as words, empty strings that mean null. It knows the
// syntax and nothing of the actions.
package wire
