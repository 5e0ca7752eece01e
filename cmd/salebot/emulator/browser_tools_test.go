//go:build browser

package emulator_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/cmd/salebot/emulator"
	engine "github.com/salebot-go/salebot/internal/emulator"
	"github.com/salebot-go/salebot/internal/testkit"
)

// What a person does with a client: variables, deals, an operator's words, and an
// end to it.
func TestBrowserEditsAClient(t *testing.T) {
	t.Parallel()
	s := start(t, emulator.Options{}, browserShop()...)
	p := openTab(t, s.address+"/#25554", tabOptions{})
	p.waitText("#pane-client td", "Riga")
	p.run(chromedp.Focus(chromedp.CSS("#own-0")))
	p.press(enter)
	p.wait(`document.activeElement.matches(".editor textarea")`)
	// What happens meanwhile takes nothing away that is half written.
	p.typeText(".editor textarea", "Tar")
	s.call(t, "POST", "save_variables", "application/json", `{"client_id":25554,"variables":{"client.other":"x"}}`)
	p.waitText("#chats-total", "3 clients")
	p.press("t", "u", tabKey, enter)
	p.waitText("#pane-client td", "Tartu")
	p.wait(`document.activeElement.id === "own-0"`)
	require.Equal(t, "Tartu", s.Variables(25554)["client.city"])
	p.click("#add-own")
	p.typeText(".editor input", "age")
	p.typeText(".editor textarea", "33")
	p.screenshot("editor")
	p.click(".editor [type=submit]")
	p.waitText("#pane-client th", "age")
	require.Equal(t, "33", s.Variables(25554)["client.age"])
	p.clickText("#pane-client .edit button", "✎") // age is the first one
	p.clickText(".editor button", "Remove")
	p.wait(`!document.querySelector(".editor") && ![...document.querySelectorAll("#pane-client th")].some((e) => e.textContent === "age")`)

	deal := s.Orders(25554)[0]
	budget := fmt.Sprintf("#deal-%d-budget", deal.ID)
	p.run(chromedp.Focus(chromedp.CSS(budget)))
	p.typeText(budget, "25")
	s.call(t, "POST", "save_variables", "application/json", `{"client_id":25554,"variables":{"client.another":"x"}}`)
	p.waitText("#live", "Live")
	p.press("0", "0")
	p.wait(fmt.Sprintf(`document.querySelector(%q).value === "2500"`, budget))
	p.press(tabKey)
	require.Eventually(t, func() bool { return s.Orders(25554)[0].Budget == 2500 }, patience, 10*time.Millisecond)
	p.waitText("#pane-client th", "another")
	p.choose(fmt.Sprintf("#deal-%d-state", deal.ID), "37")
	require.Eventually(t, func() bool { return s.Orders(25554)[0].StateID == 37 }, patience, 10*time.Millisecond)
	p.choose(fmt.Sprintf("#deal-%d-status", deal.ID), "1")
	require.Eventually(t, func() bool { return s.Orders(25554)[0].Status == salebot.OrderStatusSuccessful }, patience, 10*time.Millisecond)
	p.click("#new-deal")
	p.waitText("#pane-client h4", fmt.Sprint("Deal ", int64(deal.ID)+1))
	p.noOverflow()
	p.screenshot("deals")

	p.choose("#write-as", "operator@example.com")
	p.wait(`document.querySelector("#write-text").placeholder === "Write as the employee"`)
	p.typeText("#write-text", "I take over.")
	p.press(enter)
	p.waitText(".message.out .from", "operator@example.com")

	p.expect("404")
	sure := p.answerDialog(true)
	p.click("#delete-client")
	<-sure
	p.waitText("#chats-total", "2 clients")
	_, known := s.LookupPerson(25554)
	require.False(t, known)
}

// Whoever has gone on to another field keeps it, also if what was changed before is
// drawn late: nothing is typed into a wrong place.
func TestBrowserLeavesTheFocusToWhoHasGoneOn(t *testing.T) {
	t.Parallel()
	s := start(t, emulator.Options{}, browserShop()...)
	p := openTab(t, s.address+"/#25554", tabOptions{})
	s.call(t, "POST", "save_variables", "application/json", `{"client_id":25554,"variables":{"client.age":"33"}}`)
	p.waitText("#pane-client td", "33")
	p.click("#own-0")
	p.wait(`document.activeElement.matches(".editor textarea")`)
	// Each reading of the client waits until the test lets it go on.
	evaluate[any](p, `void (() => {
		const real = window.fetch;
		window.held = [];
		window.read = 0; // by what waited for it, too
		window.fetch = async (address, options) => {
			if (!address.endsWith("clients/25554") || options.method !== "GET" || !new Error().stack.includes("/client.js")) return real(address, options);
			await new Promise((go) => {
				held.push(go);
				if (window.letGo) go();
			});
			const answer = await real(address, options);
			const json = await answer.json();
			answer.json = async () => {
				setTimeout(() => { read++; });
				return json;
			};
			return answer;
		};
	})()`)
	p.clickText(".editor button", "Remove")
	p.wait("held.length === 1")
	evaluate[any](p, `void (() => {
		document.querySelector("#pane-client").dispatchEvent(new Event("focusout")); // asks for one more
		setTimeout(() => held[0]());
	})()`)
	p.wait(`held.length === 2 && !document.querySelector(".editor")`)
	budget := fmt.Sprintf("#deal-%d-budget", s.Orders(25554)[0].ID)
	p.typeText(budget, "25")
	evaluate[any](p, "void (letGo = true, held[1]())")
	p.wait("read === held.length")
	p.press("0", "0")
	p.wait(fmt.Sprintf(`document.querySelector(%q).value === "2500"`, budget))
}

// The keys that end an editor end it wherever the cursor is in it, and there is one
// editor at a time.
func TestBrowserEndsAnEditor(t *testing.T) {
	t.Parallel()
	s := start(t, emulator.Options{}, browserShop()...)
	p := openTab(t, s.address+"/#25554", tabOptions{})
	p.waitText("#pane-client td", "Riga")
	p.click("#own-0")
	p.wait(`document.activeElement.matches(".editor textarea")`)
	p.typeText(".editor textarea", "Tar")
	p.click("#add-own")
	p.wait(`document.querySelectorAll(".editor").length === 1 && document.activeElement.matches(".editor textarea")`)
	p.press("t", "u")
	p.wait(`document.activeElement.value === "Tartu"`)
	p.press(escape)
	p.wait(`!document.querySelector(".editor") && document.activeElement.id === "own-0"`)
	p.waitText("#pane-client td", "Riga")

	p.click("#add-own")
	p.typeText(".editor textarea", "33")
	p.typeText(".editor input", "age")
	p.press(enter)
	p.wait(`!document.querySelector(".editor") && document.activeElement.id === "add-own"`)
	p.waitText("#pane-client th", "age")
	require.Equal(t, "33", s.Variables(25554)["client.age"])
}

// answerDialog answers the next question of the page.
func (p *tab) answerDialog(accept bool) <-chan bool {
	ctx, cancel := context.WithCancel(p.ctx)
	answered := make(chan bool, 1)
	require.NoError(p.t, chromedp.Listen(ctx, func(event any) {
		if _, ok := event.(*page.EventJavascriptDialogOpening); ok {
			go func() {
				_, _ = chromedp.Call(p.ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: accept})
				cancel()
				answered <- true
			}()
		}
	}))
	return answered
}

// From a message to its request and its delivery, and back.
func TestBrowserTraces(t *testing.T) {
	t.Parallel()
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer receiver.Close()
	s := start(t, emulator.Options{}, append(browserShop(), engine.WithWebhook(engine.Webhook{URL: receiver.URL}))...)
	s.call(t, "POST", "message", "application/json", `{"client_id":25554,"message":"Where are you?"}`)
	for n := range 120 {
		s.call(t, "POST", "message", "application/json", fmt.Sprintf(`{"client_id":25555,"message":"number %d."}`, n))
	}
	require.NoError(t, s.WaitForDeliveries(t.Context()))
	p := openTab(t, s.address+"/#25554", tabOptions{})
	p.waitText(".message", "Where are you?")
	p.click(".message .trace")
	p.waitText(".traces", "request 1")
	p.screenshot("traces")
	p.clickText(".traces button", "request 1")
	p.wait(`document.activeElement.matches("#pane-requests details[data-number='1'][open] summary")`)
	p.waitText("#pane-requests details[open] .log-about", "Ann Lee: Where are you?")
	p.waitText("#pane-requests details[open]", "curl ")
	p.clickText(".traces button", "delivery 1")
	p.wait(`document.activeElement.matches("#pane-webhook details[data-number='1'][open] summary")`)
	p.waitText("#pane-webhook details[open]", "curl '"+receiver.URL)

	// Back to a message far up in a long chat.
	p.click("#tab-requests")
	p.clickText("#pane-requests .log-about", "number 30.")
	p.waitText("#pane-requests details[open]", "message 2256")
	p.clickText("#pane-requests details[open][data-number='32'] .log-links button", "message")
	p.waitText("#talk-title", "Борис Иванов")
	p.wait(`document.activeElement.innerText?.includes("number 30.")`)
	p.wait(`!document.querySelector("#newest").hidden`)
	p.click("#newest")
	p.waitText(".message", "number 119.")
}

// The address holds the tab, the filters and what is half written.
func TestBrowserAddressHoldsEverything(t *testing.T) {
	t.Parallel()
	s := start(t, emulator.Options{}, browserShop()...)
	s.call(t, "POST", "message", "application/json", `{"client_id":25554,"message":"hello"}`)
	s.call(t, "GET", "connected_channels", "", "")
	p := openTab(t, s.address, tabOptions{})
	p.clickText(".chat", "Ann Lee")
	p.waitText("#talk-title", "Ann Lee")
	p.typeText("#write-text", "half a sen")
	p.click("#tab-requests")
	p.waitText("#pane-requests summary", "connected_channels")
	p.choose("#pane-requests select", "message")
	p.typeText("#search", "ann")
	p.waitText("#chats-total", "1 client")
	p.wait(`location.hash === "#25554&draft=half+a+sen&tab=requests&action=message&q=ann"`)
	p.run(chromedp.Reload())
	p.waitText("#talk-title", "Ann Lee")
	p.wait(`document.querySelector("#write-text").value === "half a sen" && document.querySelector("#search").value === "ann"`)
	p.wait(`!document.querySelector("#pane-requests").hidden && document.querySelector("#pane-requests select").value === "message"`)
	p.waitText("#pane-requests summary", "hello")
	require.NotContains(t, p.text("#pane-requests .log"), "connected_channels")
	p.waitText("#chats-total", "1 client")

	// Each chat has a draft of its own.
	p.typeText("#search", " ")
	p.waitText("#chats-total", "3 clients")
	p.clickText(".chat", "Сара")
	p.waitText("#talk-title", "Сара")
	p.wait(`document.querySelector("#write-text").value === ""`)
	evaluate[any](p, "void history.back()")
	p.waitText("#talk-title", "Ann Lee")
	p.wait(`document.querySelector("#write-text").value === "half a sen"`)
}

// A tab says what came while the person looked elsewhere, and what failed of it.
func TestBrowserBadges(t *testing.T) {
	t.Parallel()
	s := start(t, emulator.Options{}, append(browserShop(), engine.WithWebhook(engine.Webhook{URL: "http://127.0.0.1:1/"}))...)
	p := openTab(t, s.address, tabOptions{})
	p.waitText("#live", "Live")
	s.call(t, "GET", "connected_channels", "", "")
	p.waitText("#badge-requests", "1")
	require.False(t, evaluate[bool](p, `document.querySelector("#badge-requests").classList.contains("bad")`))
	s.call(t, "GET", "get_variables", "", "")
	p.wait(`document.querySelector("#badge-requests").classList.contains("bad")`)
	_, err := s.Write(25554, "x")
	require.NoError(t, err)
	p.wait(`document.querySelector("#badge-webhook").classList.contains("bad")`)
	p.screenshot("badges")
	p.click("#tab-requests")
	p.wait(`document.querySelector("#badge-requests").hidden && !document.querySelector("#badge-webhook").hidden`)
}

// Remarks are in the language of the page.
func TestBrowserRemarks(t *testing.T) {
	t.Parallel()
	s := start(t, emulator.Options{}, browserShop()...)
	s.call(t, "POST", "mesage", "application/json", `{"client_id":25554,"message":"x"}`)
	s.call(t, "POST", "message", "application/json", `{"client_id":25554,"message":"x","foo":1,"attachment_type":"picture","attachment_url":"https://example.com"}`)
	p := openTab(t, s.address, tabOptions{languages: "ru-RU"})
	p.click("#tab-requests")
	p.waitText(".log-note", `Замечание: действия "mesage" нет; может быть, message?`)
	p.waitText(".log-note", `Замечание: "foo": такого параметра у message нет; есть client_id`)
	p.waitText(".log-note", `attachment_type "picture" в документации нет; есть image`)
	p.screenshot("russian")
	p.choose("#language", "en")
	p.waitText(".log-note", `Remark: there is no action "mesage"; did you mean message?`)
}

// A file of the person's own is attached, is seen as a picture, and is what a program
// gets; pictures of others are seen once the person says so.
func TestBrowserAttachments(t *testing.T) {
	t.Parallel()
	others := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/svg+xml")
		_, _ = fmt.Fprint(w, `<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><rect width="8" height="8"/></svg>`)
	}))
	defer others.Close()
	s := start(t, emulator.Options{}, browserShop()...)
	// One dot.
	picture := "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89\x00\x00\x00\rIDATx\x9cc\xf8\xff\xff?\x00\x05\xfe\x02\xfe\xa75\x81\x84\x00\x00\x00\x00IEND\xaeB`\x82"
	file := filepath.Join(t.TempDir(), "photo of me.png")
	require.NoError(t, os.WriteFile(file, []byte(picture), 0o600))
	p := openTab(t, s.address+"/#25554", tabOptions{})
	p.waitText("#talk-title", "Ann Lee")
	p.wait(`document.querySelector("#write").checkVisibility()`)
	p.click("#attach")
	p.wait(`document.querySelector("#attach-dialog").open`)
	p.click("#attach-form [type=submit]")
	p.waitText("#attach-form .problem", "Choose a file")
	p.run(chromedp.SetUploadFiles(chromedp.CSS("#attach-form [type=file]"), []string{file}))
	p.screenshot("dialog")
	p.click("#attach-form [type=submit]")
	p.waitText(".message.in .attachment", "photo of me.png")
	p.wait(`document.querySelector(".message.in img.picture")?.complete`)
	sent := s.History(25554)[0].Attachments[0]
	require.Equal(t, "image", sent.Type)
	response, err := http.Get(sent.URL)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, "image/png", response.Header.Get("Content-Type"))

	p.click("#attach")
	p.typeText("#attach-form [name=url]", others.URL+"/a.svg")
	p.press(enter)
	p.waitText(".message.in .attachment button", "Show pictures")
	require.Equal(t, 1, evaluate[int](p, `document.querySelectorAll("img").length`))
	p.clickText(".message.in .attachment button", "Show pictures")
	p.wait(`document.querySelectorAll(".message img.picture").length === 2`)
	p.screenshot("pictures")
}

// The flow is shown, and a block is tried.
func TestBrowserFlow(t *testing.T) {
	t.Parallel()
	s := start(t, emulator.Options{}, append(browserShop(), engine.WithBlocks(
		engine.Block{ID: 400, Fallback: true, Answer: "Sorry, #{name}?"},
		engine.Block{ID: 401, Condition: "call", Request: &engine.BlockRequest{URL: "http://127.0.0.1:1/call", Body: `{"name": "#{name}"}`}},
	))...)
	p := openTab(t, s.address+"/#&tab=flow", tabOptions{})
	p.waitText("#pane-flow", "Choose a chat to try a block")
	p.waitText("#pane-flow .block", "Sorry, #{name}?")
	p.wait(`document.querySelector("#try-400").disabled`)
	p.clickText(".chat", "Ann Lee")
	p.wait(`!document.querySelector("#try-400").disabled`)
	p.noOverflow()
	p.screenshot("flow")
	p.click("#try-400")
	p.waitText(".message.out", "Sorry, Ann Lee?")
	p.click("#try-401")
	p.click("#tab-webhook")
	p.waitText("#pane-webhook summary", "request of block 401")
	p.waitText("#pane-webhook summary", "POST http://127.0.0.1:1/call")
	p.click("#pane-webhook summary")
	p.waitText("#pane-webhook pre", `"name": "Ann Lee"`)
}

// Several receivers, each with its choice of events.
func TestBrowserReceivers(t *testing.T) {
	t.Parallel()
	s := start(t, emulator.Options{}, browserShop()...)
	p := openTab(t, s.address+"/#&tab=webhook", tabOptions{})
	p.waitText("#pane-webhook", "No webhook is set")
	p.typeText("#webhook-url", "http://127.0.0.1:1/a")
	p.click("#webhook-0-out")
	p.click("#webhook-add")
	p.wait(`document.activeElement.id === "webhook-url-1"`)
	p.typeText("#webhook-url-1", "http://127.0.0.1:1/b")
	p.screenshot("form")
	p.click("#webhook-form [type=submit]")
	p.waitText("#webhook-form [type=submit]", "Saved")
	p.waitText("#webhook-form [type=submit]", "Save")
	webhook := s.Webhook()
	require.Equal(t, []engine.EventKind{engine.EventIn, engine.EventCallback}, webhook.Events)
	require.Equal(t, "http://127.0.0.1:1/b", webhook.Further[0].URL)
	require.Nil(t, webhook.Further[0].Events)
	_, err := s.Write(25554, "x")
	require.NoError(t, err)
	p.waitText("#pane-webhook summary", "POST http://127.0.0.1:1/b")
	p.clickText("#webhook-form button", "Remove")
	p.click("#webhook-form [type=submit]")
	require.Eventually(t, func() bool { return len(s.Webhook().Further) == 0 }, patience, 10*time.Millisecond)
}

// A thousand messages a second, many of them in the open chat: what is drawn stays
// bounded, and the person writes and reads all the same.
//
//nolint:paralleltest // it measures, and would measure the other tests too
func TestBrowserUnderLoad(t *testing.T) {
	s := start(t, emulator.Options{}, browserShop()...)
	p := openTab(t, s.address+"/#25554&tab=requests", tabOptions{})
	p.waitText("#talk-title", "Ann Lee")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan int)
	go func() {
		calls := 0
		ticker := time.NewTicker(10 * time.Millisecond)
		defer ticker.Stop()
		for ctx.Err() == nil {
			<-ticker.C
			for range 10 {
				post(ctx, s.address+"/api/"+testkit.EscapedKey+"/message", fmt.Sprintf(`{"client_id":%d,"message":"busy %d"}`, 25554+min(calls%10, 1), calls))
				calls++
			}
		}
		done <- calls
	}()
	begin := time.Now()
	require.Eventually(t, func() bool { return len(s.History(25554)) > 300 }, patience, 10*time.Millisecond)
	p.typeText("#write-text", "Prices")
	p.press(enter)
	// On the page the answer may be gone again among what came after it.
	require.Eventually(t, func() bool {
		return slices.ContainsFunc(s.History(25554), func(m engine.Message) bool { return m.Text == "Here are the prices." })
	}, patience, 10*time.Millisecond)
	p.typeText("#search", "Сара")
	p.waitText("#chats-total", "1 client")
	p.click("#tab-client")
	p.waitText("#pane-client", "Riga")
	require.LessOrEqual(t, evaluate[int](p, `document.querySelectorAll(".message").length`), 1000)
	// Whoever reads what is older stays there.
	evaluate[any](p, `void (document.querySelector("#messages").scrollTop = 0)`)
	p.wait(`!document.querySelector("#newest").hidden`)
	cancel()
	t.Logf("%d messages in %v", <-done, time.Since(begin).Round(time.Second))
	// What came at last may have led to the end again.
	evaluate[any](p, `void (document.querySelector("#messages").scrollTop = 0)`)
	p.click("#newest")
	last := s.History(25554)
	p.waitText(".message", last[len(last)-1].Text)
}
