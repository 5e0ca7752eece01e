package openapi

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/internal/action"
)

// actionNames lists the actions of the table.
func actionNames() []string {
	var names []string
	for _, row := range action.All() {
		names = append(names, row.Name)
	}
	return names
}

// onlySeen reports whether the operation is one that the reference lacks, seen in
// use beside the main one. The table does not list its method.
func (o Operation) onlySeen() bool {
	return o.Alternative() && o.text(extMethodEvidence) == "observed"
}

// The description is written from Salebot's reference and not from the code. What
// both say has to be the same.
func TestDescriptionAgreesWithTheActionTable(t *testing.T) {
	t.Parallel()
	d := document(t)
	for _, o := range d.Operations() {
		row := action.Lookup(o.Action)
		require.NotNil(t, row, "%s is not in the action table", o.Action)
		for _, fact := range []struct {
			what                    string
			described, fromTheTable any
		}{
			{extMethod, o.GoMethod(), row.GoMethod},
			{extClass, o.Class(), row.Class.String()},
			{extPermission, o.text(extPermission), string(row.Permission)},
			{extEvidence, o.Evidence(), row.Evidence.String()},
			{extBatchLimit, o.BatchLimit(), row.BatchLimit},
			{extLegacy, o.Legacy(), row.Legacy},
			{extAlternative, o.Alternative(), o.Method != row.Method()},
			// Free keys of a read are what it looks for.
			{extVariables, o.Extensions[extVariables] == true, row.Extra && row.Class != action.Read},
			{extMapping + " value", slices.Contains(o.mapping(), "value"), row.Values && !o.onlySeen()},
			{extMapping + " delimiter", slices.Contains(o.mapping(), "delimiter"), row.Delimiter && !o.onlySeen()},
		} {
			require.Equal(t, fact.fromTheTable, fact.described, "%s %s: %s", o.Method, o.Action, fact.what)
		}
	}
	for _, row := range action.All() {
		var methods []string
		for _, o := range d.Of(row.Name) {
			if !o.onlySeen() {
				methods = append(methods, o.Method)
			}
		}
		require.ElementsMatch(t, row.Methods, methods, "methods of %s", row.Name)
	}
}
