package emulator

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	engine "github.com/salebot-go/salebot/internal/emulator"
)

// keyVariable is what stands for the key in commands that are shown.
const keyVariable = "$SALEBOT_API_KEY"

var harmless = regexp.MustCompile(`^[A-Za-z0-9/_?=&%.,:~+@-]*$`)

// curl writes a request as a command for a shell, which reads the key from its
// environment. Nothing in the request can become a command of its own.
func curl(address string, r engine.Request) string {
	rest := "/" + url.PathEscape(r.Action)
	if r.Query != "" {
		rest += "?" + r.Query
	}
	command := "curl "
	if strings.ContainsAny(rest, "[]{}") {
		command += "-g " // curl takes brackets for ranges otherwise
	}
	// --data makes it a POST by itself.
	if r.Method != http.MethodGet && (r.Method != http.MethodPost || len(r.Body) == 0) || r.Method == http.MethodGet && len(r.Body) > 0 {
		command += "-X " + quoted(r.Method) + " "
	}
	command += `"` + address + "/api/" + keyVariable
	if harmless.MatchString(rest) {
		command += rest + `"`
	} else {
		command += `"` + quoted(rest)
	}
	if len(r.Body) == 0 {
		return command
	}
	command += " \\\n  -H " + quoted(strings.TrimSpace("Content-Type: "+r.ContentType)) + " \\\n  "
	if body := string(r.Body); utf8.ValidString(body) && !strings.Contains(body, "\x00") {
		return command + "--data-raw " + quoted(body)
	}
	return "echo " + base64.StdEncoding.EncodeToString(r.Body) + " | base64 -d | " + command + "--data-binary @-"
}

// quoted writes a text so that a shell takes it as it is.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
