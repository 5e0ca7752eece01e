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
	place := `"` + address + "/api/" + keyVariable
	if harmless.MatchString(rest) {
		place += rest + `"`
	} else {
		place += `"` + quoted(rest)
	}
	return curlCommand(r.Method, place, strings.ContainsAny(rest, "[]{}"), r.ContentType, r.Body)
}

// curlCommand writes a request to a place that is quoted already; brackets says that
// it has some in it.
func curlCommand(method, place string, brackets bool, contentType string, body []byte) string {
	command := "curl "
	if brackets {
		command += "-g " // curl takes brackets for ranges otherwise
	}
	// --data makes it a POST by itself.
	if method != http.MethodGet && (method != http.MethodPost || len(body) == 0) || method == http.MethodGet && len(body) > 0 {
		command += "-X " + quoted(method) + " "
	}
	command += place
	if len(body) == 0 {
		return command
	}
	command += " \\\n  -H " + quoted(strings.TrimSpace("Content-Type: "+contentType)) + " \\\n  "
	if text := string(body); utf8.ValidString(text) && !strings.Contains(text, "\x00") {
		return command + "--data-raw " + quoted(text)
	}
	return "echo " + base64.StdEncoding.EncodeToString(body) + " | base64 -d | " + command + "--data-binary @-"
}

// quoted writes a text so that a shell takes it as it is.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
