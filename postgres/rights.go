package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// The rights on a table or a sequence.
const (
	reads   = "SELECT"
	adds    = "INSERT"
	changes = "UPDATE" // also to lock rows
	deletes = "DELETE"
	uses    = "USAGE"
)

// needs are what the user of the database must be allowed.
type needs struct {
	// objects are rights on tables and sequences, by the name of the object.
	objects map[string][]string
	// functions are those that are called, also by others.
	functions []string
}

// with adds needs to needs.
func (n needs) with(more needs) needs {
	all := needs{map[string][]string{}, slices.Concat(n.functions, more.functions)}
	for _, objects := range []map[string][]string{n.objects, more.objects} {
		for name, rights := range objects {
			for _, right := range rights {
				if !slices.Contains(all.objects[name], right) {
					all.objects[name] = append(all.objects[name], right)
				}
			}
		}
	}
	return all
}

// What each part of this package needs. Whoever says that it lives also takes over from
// those that died, whatever their parts were.
var (
	needsOfAll = needs{objects: map[string][]string{"migration": {reads}}}

	needsOfPresence = needsOfAll.with(needs{
		objects: map[string][]string{
			"holder": {reads, adds, changes, deletes}, "lane": {reads, changes, deletes}, "event": {reads, changes}, "outgoing": {reads, changes},
		},
		functions: []string{"report", "bury_dead", "leave", "abandon", "reclaim", "follow"},
	})

	needsOfInbox = needsOfPresence.with(needs{
		objects: map[string][]string{
			"event": {reads, adds, changes, deletes}, "lane": {reads, adds, changes, deletes}, "seen": {reads, adds, changes, deletes},
			"dead_letter": {reads, adds, changes, deletes}, "event_sequence": {uses}, "lease_sequence": {uses},
		},
		functions: []string{"put", "confirm", "known", "take", "advance", "next_due", "settle", "redrive", "oldest", "forget_seen"},
	})

	needsOfLedger = needsOfPresence.with(needs{
		objects:   map[string][]string{"record": {reads, adds, changes, deletes}, "setting": {reads, adds}},
		functions: []string{"bind", "over", "find", "find_equal", "begin_record", "begin_records", "end_records", "confirm_ends", "sweep"},
	})

	needsOfOutbox = needsOfPresence.with(needs{
		objects:   map[string][]string{"outgoing": {reads, changes, deletes}, "outgoing_sequence": {uses}},
		functions: []string{"take_outgoing"},
	})

	needsOfPace = needsOfAll.with(needs{
		objects:   map[string][]string{"pace": {reads, adds, changes}, "setting": {reads, adds}},
		functions: []string{"pace_secret", "grant_starts", "hold_starts"},
	})
)

// The tables that tell are those of the server itself, which everybody may read. What is
// not there is not missing: the version of the schema tells of it.
const missingRights = `SELECT kind, name, rights, quote_ident(current_user) FROM (
	SELECT 'SCHEMA' AS kind, NULL AS name, 'USAGE' AS rights FROM pg_catalog.pg_namespace n WHERE n.nspname = $1 AND NOT has_schema_privilege(n.oid, 'USAGE')
	UNION ALL
	SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, w.name, string_agg(w.need, ', ' ORDER BY w.place)
	FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS w (name, need, place)
	JOIN pg_catalog.pg_namespace n ON n.nspname = $1 JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
	WHERE NOT CASE c.relkind WHEN 'S' THEN has_sequence_privilege(c.oid, w.need) ELSE has_table_privilege(c.oid, w.need) END
	GROUP BY 1, 2
	UNION ALL
	SELECT 'FUNCTION', p.proname, 'EXECUTE' FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_proc p ON p.pronamespace = n.oid
	WHERE n.nspname = $1 AND p.proname = ANY ($4) AND NOT has_function_privilege(p.oid, 'EXECUTE')
) AS missing ORDER BY kind = 'FUNCTION', kind, rights DESC, name`

// missing is an object on which rights are missing; the name of the schema is null.
type missing struct {
	Kind         string
	Name         *string
	Rights, User string
}

// checkRights returns an error that says which rights the user lacks, and what gives them.
func (c *config) checkRights(ctx context.Context, q querier, n needs) error {
	var names, rights []string
	for name, needed := range n.objects {
		for _, right := range needed {
			names, rights = append(names, name), append(rights, right)
		}
	}
	rows, err := q.Query(ctx, missingRights, string(c.schema), names, rights, n.functions)
	if err != nil {
		return failure("opening", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[missing])
	if err != nil || len(all) == 0 {
		return failure("opening", err)
	}
	return fmt.Errorf("%w: the owner of the schema has to run: %s", ErrNoRights, strings.Join(c.schema.grants(all), "; "))
}

// grants are the statements that give what is missing: one for all objects of a kind that
// lack the same.
func (s schema) grants(all []missing) (statements []string) {
	for len(all) > 0 {
		first, number := all[0], 1
		for number < len(all) && all[number].Kind == first.Kind && all[number].Rights == first.Rights {
			number++
		}
		objects := make([]string, number)
		for at, m := range all[:number] {
			objects[at] = string(s)
			if m.Name != nil {
				objects[at] += "." + *m.Name
			}
		}
		statements = append(statements, fmt.Sprintf("GRANT %s ON %s %s TO %s", first.Rights, first.Kind, strings.Join(objects, ", "), first.User))
		all = all[number:]
	}
	return statements
}
