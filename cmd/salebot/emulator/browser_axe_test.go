//go:build browser

package emulator_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/cmd/salebot/emulator"
	engine "github.com/salebot-go/salebot/internal/emulator"
	"github.com/salebot-go/salebot/internal/emulator/faults"
)

// axePath is where the step special of .ci/run puts axe-core.
const axePath = "../../../.build/axe/package/axe.min.js"

// Nothing that axe-core looks for keeps a person from using the page: in both
// languages and colors, on a desk and on a telephone, in every pane and dialog.
func TestBrowserAccessible(t *testing.T) {
	t.Parallel()
	axe, err := os.ReadFile(axePath)
	require.NoError(t, err, "run: mkdir -p .build/axe && cd .build/axe && npm pack axe-core && tar xzf axe-core-*.tgz")
	for _, look := range []tabOptions{
		{width: 1440, height: 900, languages: "en-US"}, {width: 768, height: 1024, dark: true, languages: "ru-RU"}, {width: 390, height: 844, languages: "ru-RU"},
	} {
		t.Run(fmt.Sprintf("%s-%d", look.languages, look.width), func(t *testing.T) {
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
			p := openTab(t, s.address+"/#25554", look)
			p.waitText(".message", "Thank you")
			p.run(chromedp.Evaluate[chromedp.Void](string(axe) + "; void 0"))
			check := func(what string) {
				t.Helper()
				found, err := chromedp.Run(p.ctx, chromedp.Evaluate[[]string](`axe.run(document, { resultTypes: ["violations"] }).then((result) =>
					result.violations.flatMap((v) => v.nodes.map((n) => v.id + ": " + n.target.join(" ") + ": " + n.failureSummary)))`, chromedp.EvalAwaitPromise))
				require.NoError(t, err, what)
				require.Empty(t, found, what)
			}
			check("the conversation")
			narrow := look.width < 1081
			for _, name := range []string{"client", "flow", "requests", "webhook", "faults", "answers", "time"} {
				if narrow {
					p.click(".views [data-view=panel]")
				}
				p.click("#tab-" + name)
				p.wait(fmt.Sprintf(`document.querySelector("#pane-%s").childElementCount > 0`, name))
				if name == "requests" || name == "webhook" {
					p.click("#pane-" + name + " summary")
					p.wait(`document.querySelector("#pane-` + name + ` .details:not(:empty)")`)
				}
				if name == "client" {
					p.click("#add-own")
				}
				p.noOverflow()
				check(name)
				p.screenshot(name)
			}
			if narrow {
				p.click(".views [data-view=talk]")
			}
			p.click("#attach")
			check("the dialog of files")
			p.press(escape)
			if look.width <= 700 {
				p.click(".views [data-view=chats]")
				check("the chats")
			}
			p.click("#new-client")
			check("the dialog of clients")
		})
	}
}
