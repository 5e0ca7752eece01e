//go:build browser

package emulator_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"
)

// patience bounds each step in the browser. Steps wait for what they need and not
// for the time to pass, so that it is long only for a machine that is very busy.
const patience = time.Minute

var browser struct {
	once   sync.Once
	ctx    context.Context
	cancel context.CancelFunc
	err    error
}

// startBrowser starts Chromium, once for all tests.
func startBrowser(t *testing.T) context.Context {
	t.Helper()
	browser.once.Do(func() {
		options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
			chromedp.NoSandbox, chromedp.DisableGPU,
			chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		)
		for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
			if path, err := exec.LookPath(name); err == nil {
				options = append(options, chromedp.ExecPath(path))
				break
			}
		}
		var allocator context.Context
		allocator, browser.cancel = chromedp.NewExecAllocator(context.Background(), options...)
		browser.ctx, _ = chromedp.NewContext(allocator)
		browser.err = chromedp.Do(browser.ctx)
	})
	require.NoError(t, browser.err)
	return browser.ctx
}

func TestMain(m *testing.M) {
	code := m.Run()
	if browser.cancel != nil {
		browser.cancel()
	}
	os.Exit(code)
}

// tab is a page of the emulator in the browser.
type tab struct {
	t    *testing.T
	ctx  context.Context
	name string

	mu       sync.Mutex
	problems []string
	expected []string
}

// tabOptions say how the person sees the page.
type tabOptions struct {
	width, height int64
	dark          bool
	languages     string // of the browser, such as "ru-RU"
}

// openTab opens an address. When the test ends it fails if the page wrote an
// error or a warning to the console.
func openTab(t *testing.T, address string, options tabOptions) *tab {
	t.Helper()
	if options.width == 0 {
		options.width, options.height = 1440, 900
	}
	if options.languages == "" {
		options.languages = "en-US"
	}
	ctx, cancel := chromedp.NewContext(startBrowser(t), chromedp.WithNewBrowserContext())
	p := &tab{t: t, ctx: ctx, name: strings.NewReplacer("/", "-").Replace(t.Name())}
	t.Cleanup(func() {
		cancel()
		p.mu.Lock()
		defer p.mu.Unlock()
		require.Empty(t, p.problems, "the console stays empty")
	})
	require.NoError(t, chromedp.Listen(ctx, p.listen))
	scheme := "light"
	if options.dark {
		scheme = "dark"
	}
	call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	call(p, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{
		UserAgent: "salebot browser test", AcceptLanguage: options.languages,
	})
	p.run(chromedp.EmulateViewport(options.width, options.height), chromedp.Navigate(address))
	p.wait(`document.documentElement.dataset.ready && document.querySelector("#live").dataset.up === "true"`)
	return p
}

func call[P, R any](p *tab, command cdp.Command[P, R], parameters P) {
	p.t.Helper()
	_, err := chromedp.Call(p.ctx, command, parameters)
	require.NoError(p.t, err)
}

func (p *tab) listen(event any) {
	problem := ""
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		if e.Type != runtime.ConsoleAPICalledTypeError && e.Type != runtime.ConsoleAPICalledTypeWarning {
			return
		}
		for _, argument := range e.Args {
			problem += fmt.Sprint(string(argument.Value), " ", argument.Description, " ")
		}
	case *runtime.EventExceptionThrown:
		problem = e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			problem += " " + e.ExceptionDetails.Exception.Description
		}
	case *log.EventEntryAdded:
		if e.Entry.Level != log.EntryLevelError && e.Entry.Level != log.EntryLevelWarning {
			return
		}
		problem = e.Entry.Text + " " + e.Entry.URL
	default:
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, expected := range p.expected {
		if strings.Contains(problem, expected) {
			return
		}
	}
	p.problems = append(p.problems, problem)
}

// expect lets the console have a line.
func (p *tab) expect(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expected = append(p.expected, line)
}

// run carries out actions. An element that is drawn again between being found and being
// used is looked for once more, as a person would.
func (p *tab) run(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	err := chromedp.Do(ctx, actions...)
	for err != nil && strings.Contains(err.Error(), "Could not find node") && ctx.Err() == nil {
		err = chromedp.Do(ctx, actions...)
	}
	if err != nil {
		p.screenshot("failure")
		require.NoError(p.t, err)
	}
}

// wait waits until an expression is true.
func (p *tab) wait(expression string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	_, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`new Promise((done) => {
		const look = () => ((`+expression+`) ? done(true) : requestAnimationFrame(look));
		look();
	})`, chromedp.EvalAwaitPromise))
	if err != nil {
		p.screenshot("failure")
		p.mu.Lock()
		defer p.mu.Unlock()
		require.NoError(p.t, err, "waited for %s; console: %q", expression, p.problems)
	}
}

// waitText waits until an element has a text in it.
func (p *tab) waitText(selector, text string) {
	p.t.Helper()
	p.wait(fmt.Sprintf("[...document.querySelectorAll(%q)].some((e) => e.innerText.includes(%q))", selector, text))
}

func (p *tab) click(selector string) {
	p.t.Helper()
	p.run(chromedp.Click(chromedp.CSS(selector)))
}

// clickText clicks the element that has a text in it.
func (p *tab) clickText(selector, text string) {
	p.t.Helper()
	p.waitText(selector, text)
	evaluate[any](p, fmt.Sprintf("void [...document.querySelectorAll(%q)].find((e) => e.innerText.includes(%q)).click()", selector, text))
}

func (p *tab) press(keys ...string) {
	p.t.Helper()
	for _, key := range keys {
		p.run(chromedp.KeyEvent(key))
	}
}

func (p *tab) typeText(selector, text string) {
	p.t.Helper()
	evaluate[any](p, fmt.Sprintf("void (document.querySelector(%q).value = '')", selector))
	p.run(chromedp.SendKeys(chromedp.CSS(selector), text))
}

func (p *tab) choose(selector, value string) {
	p.t.Helper()
	evaluate[any](p, fmt.Sprintf(`(() => {
		const e = document.querySelector(%q);
		e.value = %q;
		e.dispatchEvent(new Event("change", { bubbles: true }));
	})()`, selector, value))
}

func (p *tab) text(selector string) string {
	p.t.Helper()
	return evaluate[string](p, fmt.Sprintf("document.querySelector(%q)?.innerText ?? ''", selector))
}

func evaluate[T any](p *tab, expression string) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		p.screenshot("failure")
		require.NoError(p.t, err, expression)
	}
	return value
}

// screenshot checks the looks of the page, and keeps a picture of it where
// SCREENSHOTS names a folder.
func (p *tab) screenshot(name string) {
	p.t.Helper()
	if name != "failure" {
		p.legible()
	}
	folder := os.Getenv("SCREENSHOTS")
	if folder == "" {
		return
	}
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.t.Log("no screenshot:", err)
		return
	}
	require.NoError(p.t, os.WriteFile(filepath.Join(folder, p.name+"-"+name+".png"), picture, 0o600))
}

// noOverflow checks that the page is not wider than the window.
func (p *tab) noOverflow() {
	p.t.Helper()
	wide := evaluate[[]string](p, `[...document.querySelectorAll("body *")].filter((e) => {
		const box = e.getBoundingClientRect();
		if (box.width === 0 || e.closest(".unseen, .skip, .tabs")) return false;
		for (let a = e.parentElement; a; a = a.parentElement) {
			if (["auto", "scroll", "hidden"].includes(getComputedStyle(a).overflowX) && a !== document.body) return false;
		}
		return box.right > innerWidth + 1;
	}).map((e) => e.tagName + "." + e.className)`)
	require.Empty(p.t, wide, "nothing is wider than the window")
	require.Empty(p.t, evaluate[[]string](p, `[...document.querySelectorAll(".pane, .messages, .list, .tabs")]
		.filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.id)`), "nothing has to be scrolled sideways")
	require.LessOrEqual(p.t, evaluate[int](p, "document.documentElement.scrollWidth"), evaluate[int](p, "innerWidth"))
}

// legible checks that each text stands out from its ground, as WCAG 2.2 asks for in
// level AA: 4.5 to 1.
func (p *tab) legible() {
	p.t.Helper()
	require.Empty(p.t, evaluate[[]string](p, `(() => {
		const parts = (color) => {
			const canvas = new OffscreenCanvas(1, 1).getContext("2d");
			canvas.fillStyle = color;
			canvas.fillRect(0, 0, 1, 1);
			return [...canvas.getImageData(0, 0, 1, 1).data];
		};
		const luminance = (color) => color.slice(0, 3).map((c) => c / 255)
			.map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
			.reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
		const ground = (e) => {
			for (; e; e = e.parentElement) {
				const color = parts(getComputedStyle(e).backgroundColor);
				if (color[3] === 255) return color;
			}
			return [255, 255, 255];
		};
		const found = new Set();
		for (const e of document.querySelectorAll("body *")) {
			const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) || e.matches("input, textarea, select");
			if (!own || !e.checkVisibility() || e.closest(".unseen, .skip, :disabled, [type=checkbox], noscript, option")) continue;
			const styles = [getComputedStyle(e)];
			if (e.placeholder) styles.push(getComputedStyle(e, "::placeholder"));
			for (const style of styles) {
				const [a, b] = [luminance(parts(style.color)), luminance(ground(e))].sort((x, y) => y - x);
				const ratio = (a + 0.05) / (b + 0.05);
				if (ratio < 4.5) found.add(ratio.toFixed(2) + " " + e.tagName + "." + e.className + " " + e.textContent.trim().slice(0, 20));
			}
		}
		return [...found];
	})()`))
}

var (
	enter, tabKey, escape = kb.Enter, kb.Tab, kb.Escape
	down, up, right       = kb.ArrowDown, kb.ArrowUp, kb.ArrowRight
)

func encode(t testing.TB, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	require.NoError(t, err)
	return string(text)
}
