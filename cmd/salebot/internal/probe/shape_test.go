package probe

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A shape says which kinds of values were where, and no value.
func TestShape(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]Shape{
		"":                          {"": kindNothing},
		" \n":                       {"": kindNothing},
		"ok":                        {"": `"ok"`},
		"true":                      {"": `"true"`},
		"Anna":                      {"": kindText},
		"<html>Anna</html>":         {"": kindPage},
		`"Anna"`:                    {"": kindText},
		`{}`:                        {"": kindEmptyObject},
		`[]`:                        {"": kindEmptyList},
		`{"status":`:                {"": kindText},
		`{"Anna":"Riga"}`:           {"": kindObject, "*": kindText},
		`{"status":"success"}`:      {"": kindObject, "status": `"success"`},
		`{"status":"Anna"}`:         {"": kindObject, "status": kindText},
		`{"name":"not found"}`:      {"": kindObject, "name": kindText},
		`[{"id":1},{"id":"2"},[3]]`: {"": kindList, "[]": kindList + " | " + kindObject, "[].id": kindNumber + " | " + kindDigits, "[][]": kindNumber},
		`{"clients":[{"created_at":"2026-01-02 03:04:05.6","updated_at":"1","name":"2026-01-02 03:04:05"}]}`: {
			"": kindObject, "clients": kindList, "clients[]": kindObject, "clients[].created_at": kindTime, "clients[].updated_at": kindDigits, "clients[].name": kindText,
		},
		`{"variables":{"a":"None","b":"79000000000","c":1.5,"d":null,"e":true,"f":{"status":"success"}}}`: {
			"": kindObject, "variables": kindObject,
			"variables.*": `"None" | fraction | null | object | text | true or false`, "variables.*.*": kindText,
		},
	} {
		require.Equal(t, want, shapeOf([]byte(body), reading{}), body)
	}
}

// The members of a flat answer have names that people chose, and texts of theirs.
func TestShapeOfFlatAnswers(t *testing.T) {
	t.Parallel()
	require.Equal(t, Shape{"": kindObject, "*": `"None" | text`}, shapeOf([]byte(`{"status":"success","name":"ok","tag":"None"}`), reading{free: true}))
}

// The words of a failure are shown if they are those of a program.
func TestShapeOfFailures(t *testing.T) {
	t.Parallel()
	r := reading{failure: true, asked: []string{"phone"}}
	for body, want := range map[string]string{
		`{"message":"Method not allowed"}`:          `"Method not allowed"`,
		`{"message":"Anna is not allowed"}`:         kindText,
		`{"message":"client 25554 was not found"}`:  kindText,
		`{"message":"parameter phone is required"}`: kindNamed,
		`{"message":""}`:                            kindEmptyText,
		`{"message":"5"}`:                           kindDigits,
	} {
		require.Equal(t, want, shapeOf([]byte(body), r)["message"], body)
	}
	require.Equal(t, kindText, shapeOf([]byte(`{"messages":[{"text":"not found"}]}`), r)["messages[].text"], "a list is of people's")
	require.Equal(t, kindText, shapeOf([]byte("79000000000 not found"), r)[""])
}

// What the key was taken out of is known all the same.
func TestKnownName(t *testing.T) {
	t.Parallel()
	require.Equal(t, "client_id", knownName("client_id"))
	require.Equal(t, "latest_client_id", knownName("laREDACTED_client_id"))
	require.Empty(t, knownName("Anna"))
	require.Empty(t, knownName("AnnaREDACTED"))
}

// An answer that is imitated has the shape of the one that came, and nothing of what it said.
func TestImitated(t *testing.T) {
	t.Parallel()
	r := reading{failure: true, asked: []string{"phone"}}
	for body, want := range map[string]string{
		"":                  " ",
		"not found":         "not found",
		"Anna":              unsaid,
		"phone of Anna":     "{problem}",
		"<html>Anna</html>": "<html></html>",
		`"Anna"`:            `"` + unsaid + `"`,
		`{"status":"fail","Anna":"Anna","code":401,"errors":["Anna",1.5,null,true],"message":"no phone"}`: `{"code":0,"errors":["…",0.5,null,true],"message":"{problem}","status":"fail","unknown_name":"…"}`,
	} {
		made := imitated([]byte(body), r)
		require.Equal(t, want, made, body)
		if body != "phone of Anna" && body != "" && body[0] != '{' {
			require.Equal(t, shapeOf([]byte(body), r), shapeOf([]byte(made), r), body)
		}
	}
}
