package console_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/brookmere/brookmere/test/nodetest"
)

// walked notes in the page what gets the focus, and whether that can be seen.
const walked = `window.walk = {reached: new WeakSet(), unseen: []};
	window.expected = [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')];
	document.addEventListener("focusin", (e) => {
		const t = e.target, s = getComputedStyle(t);
		window.walk.reached.add(t);
		const seen = t.shadowRoot || t.closest(".palette") || (t.matches(".node, .edge") ? t.matches(":focus-visible") : s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0);
		if (!seen) window.walk.unseen.push(t.outerHTML.slice(0, 160));
	}); 0`

// missed is what the walk has not reached, though it is there and takes the focus.
const missed = `window.expected.filter((t) => t.isConnected && !t.disabled && t.tabIndex >= 0 && t.checkVisibility({visibilityProperty: true}) && !window.walk.reached.has(t)).map((t) => t.outerHTML.slice(0, 160))`

// mouseOnly is what a click is for, and no key: Preact keeps the listeners of an element in its l.
const mouseOnly = `[...document.querySelectorAll("#app *")].filter((t) => t.l && Object.keys(t.l).some((k) => /^(dbl)?click/i.test(k)))
	.filter((t) => !t.closest('a[href], button, input, select, textarea, summary, label, dialog, [role=option], [tabindex="0"]') && !t.querySelector("a[href], button"))
	.map((t) => t.outerHTML.slice(0, 160))`

// walk goes through a page by the Tab key alone.
func (b *browser) walk(t *testing.T) {
	t.Helper()
	b.do(t, chromedp.Evaluate(walked, nil), chromedp.Evaluate(`document.activeElement?.blur?.()`, nil))
	for range 200 {
		var left int
		b.do(t, chromedp.KeyEvent(kb.Tab), chromedp.Evaluate(missed+".length", &left))
		if left == 0 {
			break
		}
	}
	var never, unseen, mouse []string
	b.do(t, chromedp.Evaluate(missed, &never), chromedp.Evaluate(`window.walk.unseen`, &unseen), chromedp.Evaluate(mouseOnly, &mouse))
	for what, list := range map[string][]string{"Tab never reaches": never, "the focus is not seen on": unseen, "only a mouse does": mouse} {
		for _, html := range list {
			t.Errorf("%s %s", what, html)
		}
	}
}

// press is a key as a keyboard has it: its letter is not written where the page takes the key for something else.
// chromedp's KeyEvent writes it all the same.
func press(key string) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		if err := input.DispatchKeyEvent(input.KeyDown).WithKey(key).WithText(key).Do(ctx); err != nil {
			return err
		}
		return input.DispatchKeyEvent(input.KeyUp).WithKey(key).Do(ctx)
	})
}

// TestKeyboard goes through every page by keys alone: everything that a mouse does can be done, the focus is seen,
// and dialogs keep it and give it back.
func TestKeyboard(t *testing.T) {
	needsConsole(t)
	n := nodetest.Start(t, nodetest.Options{Data: ":memory:"})
	b := openBrowser(t, n.URL)
	p := newPipeline(t, n)
	p.dashboard(t, "board", `{"widgets": [{"type": "text", "properties": {"markdown": "A text"}}]}`)

	for page, text := range map[string]string{
		"pipeline": "orders-raw", "streams": "orders", "streams/orders": "behind: none", "deliveries": "orders-raw", "deliveries/orders-raw": "Last objects", "analytics": "No applications yet", "functions": "No functions yet",
		"apis": "No APIs yet", "queues": "No queues yet", "topics": "No topics yet", "tables": "customers", "tables/customers": "Lisbon", "objects": "lake", "objects/lake": "orders/", "lake": "shop", "lake/shop/orders": "Files",
		"jobs": "No jobs yet", "sql": "No result yet", "dashboards": "board", "dashboards/board": "A text", "generator": "None runs", "logs": "log group", "metrics": "namespaces", "alarms": "No alarms yet", "identity": "Roles",
	} {
		t.Run(strings.ReplaceAll(page, "/", " "), func(t *testing.T) {
			b.open(t, page, text)
			b.do(t, until(`document.querySelector("[aria-busy=true]") === null`, nil))
			b.walk(t)
		})
	}
	inside := func(t *testing.T) {
		t.Helper()
		for range 15 {
			var where string
			b.do(t, chromedp.KeyEvent(kb.Tab), chromedp.Evaluate(`document.activeElement.closest("dialog") || document.activeElement === document.body ? "" : document.activeElement.outerHTML.slice(0, 160)`, &where))
			if where != "" {
				t.Fatalf("the focus has left the dialog for %s", where)
			}
		}
	}
	t.Run("dialog", func(t *testing.T) {
		b.open(t, "streams/orders", "behind: none")
		b.do(t, chromedp.Focus(`//button[text()="Put a record"]`), chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible(".dialog"), until(`document.activeElement.tagName === "TEXTAREA"`, nil))
		inside(t)
		// To choose no file is not to close the dialog.
		b.do(t, chromedp.Evaluate(`document.querySelector("input[type=file]").dispatchEvent(new Event("cancel", {bubbles: true}))`, nil), chromedp.WaitVisible(".dialog"))
		b.do(t, chromedp.KeyEvent(kb.Escape), chromedp.WaitNotPresent(".dialog"), until(`document.activeElement.textContent === "Put a record"`, nil))
	})
	t.Run("palette", func(t *testing.T) {
		b.open(t, "streams/orders", "behind: none")
		b.do(t, chromedp.Focus(`//button[text()="Raw"]`), press("/"), chromedp.WaitVisible(".palette input"), until(`document.activeElement.matches(".palette input") && document.activeElement.value === ""`, nil))
		inside(t)
		b.do(t, chromedp.Focus(".palette input"), chromedp.KeyEvent(kb.Escape), chromedp.WaitNotPresent(".palette"), until(`document.activeElement.textContent === "Raw"`, nil))
	})
	t.Run("the way to the page", func(t *testing.T) {
		b.open(t, "streams", "orders")
		b.do(t, chromedp.KeyEvent(kb.Tab), until(`document.activeElement.textContent === "To the page"`, nil), chromedp.KeyEvent(kb.Enter), chromedp.KeyEvent(kb.Tab), until(`document.activeElement.closest("main") !== null`, nil))
	})
	t.Run("the command that does the same", func(t *testing.T) {
		b.open(t, "streams/orders", "behind: none")
		b.do(t, chromedp.Focus(`//button[text()="Make it on-demand"]`), chromedp.KeyEvent(kb.Enter))
		b.shows(t, "The same by a command:", "aws kinesis update-stream-mode --cli-input-json", `"StreamMode":"ON_DEMAND"`)
	})
	b.clean(t)
}

// TestRestart kills the node while pages are open: they say so, and go on when it is back.
func TestRestart(t *testing.T) {
	needsConsole(t)
	address, data := nodetest.Address(t), t.TempDir()
	start := func() *nodetest.Node {
		return nodetest.Start(t, nodetest.Options{Data: data, Args: []string{"--listen", address}})
	}
	n := start()
	p := newPipeline(t, n)
	b := openBrowser(t, n.URL)
	for page, text := range map[string]string{"streams/orders": "o0001", "deliveries/orders-raw": "Last objects", "tables/customers": "Lisbon", "pipeline": "resources"} {
		t.Run(strings.ReplaceAll(page, "/", " "), func(t *testing.T) {
			b.open(t, page, text)
			n.Kill()
			b.shows(t, "reconnecting")
			n = start()
			b.do(t, until(`document.querySelector(".top .live").innerText === "live" && document.querySelector(".problem") === null`, nil))
			if page == "streams/orders" { // the tail goes on behind what it has shown
				b.do(t, chromedp.Focus(`input[aria-label="Filter"]`, chromedp.ByQuery), input.InsertText("since"))
				p.put(t, "since", fmt.Sprintf(`{"order_id": "since", "amount": %d}`, 1))
				b.shows(t, "1 of 21 records match")
			}
		})
	}
	t.Run("a page that was not opened before", func(t *testing.T) { // with a script of its own, which no browser has kept
		b.open(t, "pipeline", "resources")
		n.Kill()
		b.shows(t, "reconnecting")
		b.do(t, chromedp.Click(`//nav//a[starts-with(.,"Dashboards")]`), until(`document.querySelector("main [aria-busy]") !== null`, nil))
		n = start()
		b.shows(t, "No dashboards yet")
	})
	b.mu.Lock() // what a browser says of a node that is not there
	b.problems = nil
	b.mu.Unlock()
}
