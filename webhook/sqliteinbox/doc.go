// Package sqliteinbox keeps events.
package sqliteinbox
