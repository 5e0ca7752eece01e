// Package postgres keeps events in PostgreSQL.
package postgres
