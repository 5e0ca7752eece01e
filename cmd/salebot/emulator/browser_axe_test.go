//go:build browser

package emulator_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/cmd/salebot/emulator"
	engine "github.com/salebot-go/salebot/internal/emulator"
	"github.com/salebot-go/salebot/internal/emulator/faults"
)

// axePath is where the step special of .ci/run puts axe-core.
const axePath = "../../../.build/axe/package/axe.min.js"

// Nothing that axe-core looks for keeps a person from using the page, and nothing is
// wider than the window: in both languages and colors, on a desk, a tablet and a
// telephone, enlarged twice and four times, in every pane and dialog.
func TestBrowserAccessible(t *testing.T) {
	t.Parallel()
	axe, err := os.ReadFile(axePath)
	require.NoError(t, err, "run: mkdir -p .build/axe && cd .build/axe && npm pack axe-core && tar xzf axe-core-*.tgz")
	for _, language := range []string{"en-US", "ru-RU"} {
		for _, window := range []struct{ width, height int64 }{
			{1440, 900}, {768, 1024}, {390, 844}, // as they are
			{720, 450}, {360, 225}, // a desk, enlarged
		} {
			t.Run(fmt.Sprintf("%s-%dx%d", language, window.width, window.height), func(t *testing.T) {
				t.Parallel()
				s := start(t, emulator.Options{Save: func() error { return nil }}, append(browserShop(), engine.WithWebhook(engine.Webhook{URL: "http://127.0.0.1:1/"}))...)
				for _, text := range []string{"/start", "Prices", "Buy"} {
					_, err := s.Write(25554, text)
					require.NoError(t, err)
				}
				s.call(t, "POST", "callback", "application/json", `{"client_id":25554,"message":"paid","order_number":1}`)
				s.call(t, "POST", "mesage", "application/json", `{"client_id":25554,"message":"paid","time_shift":60}`)
				s.call(t, "POST", "message", "application/json", `{"client_id":25554,"message":"later","time_shift":600}`)
				require.NoError(t, s.Fail(faults.Fault{Status: 503, Times: -1}))
				p := openTab(t, s.address+"/#25554", tabOptions{width: window.width, height: window.height, languages: language})
				p.waitText(".message", "Thank you")
				p.run(chromedp.Evaluate[chromedp.Void](string(axe) + "; void 0"))
				p.accessibleEverywhere(window.width)
			})
		}
	}
}

// accessibleEverywhere goes through the panes and dialogs.
func (p *tab) accessibleEverywhere(width int64) {
	p.t.Helper()
	view := func(name string) {
		if width < 1081 && name != "chats" || width <= 700 {
			p.click(".views [data-view=" + name + "]")
		}
	}
	p.accessible("the conversation")
	p.click(".message .trace")
	p.wait(`document.querySelector(".traces")`)
	p.choose("#write-as", "operator@example.com")
	p.accessible("the words of an operator, and what led to a message")
	p.choose("#write-as", "")
	for _, name := range []string{"client", "flow", "requests", "webhook", "faults", "answers", "time"} {
		view("panel")
		p.click("#tab-" + name)
		p.wait(fmt.Sprintf(`document.querySelector("#pane-%s").childElementCount > 0`, name))
		switch name {
		case "requests", "webhook":
			p.click("#pane-" + name + " summary")
			p.wait(`document.querySelector("#pane-` + name + ` .details:not(:empty)")`)
		case "client":
			p.click("#new-deal")
			p.wait(`document.querySelectorAll("#pane-client h4").length > 1`)
			p.click("#add-own")
		}
		p.accessible(name)
		p.screenshot(name)
	}
	view("talk")
	p.click("#attach")
	p.accessible("the dialog of files")
	p.press(escape)
	view("chats")
	p.accessible("the chats")
	p.click("#new-client")
	p.accessible("the dialog of clients")
}

// accessible checks what is shown, in light and in dark colors.
func (p *tab) accessible(what string) {
	p.t.Helper()
	p.noOverflow()
	for scheme, options := range map[string]string{"light": `resultTypes: ["violations"]`, "dark": `runOnly: ["color-contrast"]`} {
		call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		ctx, cancel := context.WithTimeout(p.ctx, patience)
		found, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](`axe.run(document, { `+options+` }).then((result) =>
			result.violations.flatMap((v) => v.nodes.map((n) => v.id + ": " + n.target.join(" ") + ": " + n.failureSummary)))`, chromedp.EvalAwaitPromise))
		cancel()
		require.NoError(p.t, err, "%s, %s", what, scheme)
		require.Empty(p.t, found, "%s, %s", what, scheme)
	}
}
