// Package console_test opens the console of a running node in a browser.
package console_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/cdproto/profiler"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/brookmere/brookmere/internal/console"
)

// pageTime is how long a page may take to show what is waited for, on a machine that is busy.
const pageTime = 90 * time.Second

// browser is a tab, and what went wrong in it.
type browser struct {
	ctx context.Context
	url string

	mu       sync.Mutex
	problems []string
}

// openBrowser starts a browser without a window. A test without one is skipped.
func openBrowser(t *testing.T, node string) *browser {
	t.Helper()
	path := ""
	for _, name := range []string{os.Getenv("BROOKMERE_BROWSER"), "chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); name != "" && err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("there is no browser: install chromium, or name one by BROOKMERE_BROWSER")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.WindowSize(1440, 900),
		chromedp.WSURLReadTimeout(startTime))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx, chromedp.WithErrorf(func(format string, values ...any) {
		if !strings.HasPrefix(format, "unhandled node event") { // of dialogs, which chromedp does not know
			fmt.Fprintf(os.Stderr, format+"\n", values...)
		}
	}))
	t.Cleanup(cancel)
	b := &browser{ctx: ctx, url: node}
	own, err := url.Parse(node)
	if err != nil {
		t.Fatal(err)
	}
	chromedp.ListenTarget(ctx, func(ev any) {
		switch e := ev.(type) {
		case *runtime.EventExceptionThrown:
			b.problem("exception: " + e.ExceptionDetails.Error())
		case *runtime.EventConsoleAPICalled:
			if e.Type == runtime.APITypeError || e.Type == runtime.APITypeWarning {
				b.problem(fmt.Sprintf("console: %s", e.Args[0].Value))
			}
		case *log.EventEntryAdded: // a violation of the policy too
			if e.Entry.Level == log.LevelError {
				b.problem(fmt.Sprintf("%s %s:%d", e.Entry.Text, e.Entry.URL, e.Entry.LineNumber))
			}
		case *network.EventRequestWillBeSent:
			if u, err := url.Parse(e.Request.URL); err == nil && u.Host != own.Host && u.Scheme != "data" && u.Scheme != "blob" {
				b.problem("a request left for " + e.Request.URL)
			}
		}
	})
	// A page that a browser takes for hidden draws nothing, and asks for nothing.
	if err := chromedp.Run(ctx, network.Enable(), log.Enable(), emulation.SetFocusEmulationEnabled(true)); err != nil {
		t.Fatal(err)
	}
	return b
}

// startTime is how long a browser may take to start.
const startTime = 90 * time.Second

func (b *browser) problem(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.problems = append(b.problems, text)
}

// do runs actions within the time of a page, and keeps a picture of where they failed. One whose element the page has
// replaced since it was found is tried again.
func (b *browser) do(t *testing.T, actions ...chromedp.Action) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, pageTime)
	defer cancel()
	run := func() error {
		for i := 0; i < len(actions); {
			err := chromedp.Run(ctx, actions[i])
			switch {
			case err == nil:
				i++
			case isGone(err) && ctx.Err() == nil:
				time.Sleep(50 * time.Millisecond)
			default:
				return err
			}
		}
		return nil
	}
	if err := run(); err != nil {
		var text string
		_ = chromedp.Run(b.ctx, chromedp.Text("body", &text))
		b.picture(t, "failed-"+strings.ReplaceAll(t.Name(), "/", "-"))
		t.Fatalf("%v\nthe page says:\n%s\nproblems: %q", err, text, b.problems)
	}
}

// needsConsole skips a test where the program is built without the console.
func needsConsole(t *testing.T) {
	t.Helper()
	c, err := console.New(console.Node{})
	if err != nil {
		t.Fatal(err)
	}
	if !c.Built() {
		t.Skip("the console is not built: make console")
	}
}

// open goes to a page of the console and waits until it shows all of the texts.
func (b *browser) open(t *testing.T, page string, texts ...string) {
	t.Helper()
	b.do(t, chromedp.Navigate("about:blank"), chromedp.Navigate(b.url+"/console#/"+page))
	b.shows(t, texts...)
}

// shows waits until the page shows all of the texts.
func (b *browser) shows(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		b.do(t, until(fmt.Sprintf("document.body.innerText.includes(%q)", text), nil))
	}
}

// until waits until an expression is true, and keeps its value where value is not nil. It asks by a timer, since a
// browser that is short of time may draw no frames, and as long as the time of a page, which do bounds. It asks the
// page that is there at each time: chromedp's own Poll asks the one that was there when it began, and fails, with
// "Cannot find context with specified id", where that was still the one before. An expression that throws is not true
// yet: a page that is about to load has no body, and no elements.
func until(expression string, value any) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		var last error
		for {
			var is bool
			err := chromedp.Evaluate("Boolean("+expression+")", &is).Do(ctx)
			var thrown *runtime.ExceptionDetails
			switch {
			case err == nil && is && value == nil:
				return nil
			case err == nil && is:
				return chromedp.Evaluate(expression, value).Do(ctx)
			case errors.As(err, &thrown):
				last = err
			case err != nil && !isGone(err):
				return err
			}
			select {
			case <-ctx.Done():
				return errors.Join(fmt.Errorf("%w: never came: %s", ctx.Err(), expression), last)
			case <-time.After(50 * time.Millisecond):
			}
		}
	})
}

// isGone reports whether a browser says that a page, or an element, has gone while it was asked.
func isGone(err error) bool {
	var said *cdproto.Error
	return errors.As(err, &said) && said.Code == -32000
}

// picture writes what the browser shows, where BROOKMERE_PICTURES names a directory.
func (b *browser) picture(t *testing.T, name string) {
	t.Helper()
	dir := os.Getenv("BROOKMERE_PICTURES")
	if dir == "" {
		return
	}
	for _, theme := range []string{"light", "dark"} {
		var png []byte
		on := fmt.Sprintf("document.documentElement.classList.toggle('dark', %v)", theme == "dark")
		if err := chromedp.Run(b.ctx, chromedp.Evaluate(on, nil), chromedp.CaptureScreenshot(&png)); err != nil {
			t.Errorf("picture of %s: %v", name, err)
			return
		}
		if err := os.WriteFile(filepath.Join(dir, name+"-"+theme+".png"), png, 0o644); err != nil {
			t.Error(err)
		}
	}
}

// forgive drops what a browser has reported so far of answers with a status that the page shows for itself.
func (b *browser) forgive(status int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.problems = slices.DeleteFunc(b.problems, func(p string) bool { return strings.Contains(p, fmt.Sprintf("with a status of %d ", status)) })
}

// clean fails the test where anything went wrong in the tab that the page did not show.
func (b *browser) clean(t *testing.T) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.problems {
		t.Error(p)
	}
	b.problems = nil
}

// TestPictures takes pictures of the pages of the node that BROOKMERE_CONSOLE names.
func TestPictures(t *testing.T) {
	node, pages := os.Getenv("BROOKMERE_CONSOLE"), cmp.Or(os.Getenv("BROOKMERE_PAGES"), "pipeline,streams")
	if node == "" {
		t.Skip("BROOKMERE_CONSOLE names no node")
	}
	tall, err := strconv.ParseInt(cmp.Or(os.Getenv("BROOKMERE_HEIGHT"), "900"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	b := openBrowser(t, node)
	for _, page := range strings.Split(pages, ",") {
		b.open(t, page)
		b.do(t, until(`document.querySelector("main") !== null && document.querySelector("[aria-busy=true]") === null`, nil))
		var paint float64 // ms from the request on, 0 where the browser has not told yet
		b.do(t, chromedp.Evaluate(`performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0`, &paint))
		t.Logf("%s: first paint after %.0f ms", page, paint)
		if dir := os.Getenv("BROOKMERE_PICTURES"); dir != "" {
			b.do(t, chromedp.Sleep(3*time.Second)) // rates need a few
		}
		for _, text := range strings.Split(cmp.Or(os.Getenv("BROOKMERE_WIDTHS"), "1440,1024,390"), ",") {
			wide, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			b.do(t, chromedp.EmulateViewport(wide, tall))
			b.picture(t, fmt.Sprintf("%s-%d", strings.ReplaceAll(page, "/", "-"), wide))
		}
	}
	b.clean(t)
}

// TestFrames tells how smooth a page of the node that BROOKMERE_CONSOLE names is, and what it costs the browser and the
// node: the page of BROOKMERE_PAGES, for ten seconds.
func TestFrames(t *testing.T) {
	node, page := os.Getenv("BROOKMERE_CONSOLE"), os.Getenv("BROOKMERE_PAGES")
	if node == "" || page == "" {
		t.Skip("BROOKMERE_CONSOLE names no node, or BROOKMERE_PAGES no page")
	}
	b := openBrowser(t, node)
	b.open(t, page)
	b.do(t, performance.Enable().WithTimeDomain(performance.EnableTimeDomainThreadTicks), chromedp.Sleep(5*time.Second))
	measured := func() map[string]float64 {
		values := map[string]float64{}
		b.do(t, chromedp.ActionFunc(func(ctx context.Context) error {
			list, err := performance.GetMetrics().Do(ctx)
			for _, m := range list {
				values[m.Name] = m.Value
			}
			return err
		}))
		return values
	}
	const length = 10 * time.Second
	before := measured()
	b.do(t, chromedp.Evaluate(`window.frames = [performance.now()]; (function next() { requestAnimationFrame((t) => { window.frames.push(t); next() }) })(); 0`, nil), chromedp.Sleep(length))
	after := measured()
	if dir := os.Getenv("BROOKMERE_PICTURES"); dir != "" { // where the time goes, for the browser's own tools
		var text []byte
		b.do(t, profiler.Enable(), profiler.Start(), chromedp.Sleep(length), chromedp.ActionFunc(func(ctx context.Context) error {
			profile, err := profiler.Stop().Do(ctx)
			if err == nil {
				text, err = json.Marshal(profile)
			}
			return err
		}))
		if err := os.WriteFile(filepath.Join(dir, "page.cpuprofile"), text, 0o644); err != nil {
			t.Error(err)
		}
	}
	var gaps []float64
	b.do(t, chromedp.Evaluate(`window.frames.slice(1).map((t, i) => t - window.frames[i]).sort((a, b) => b - a)`, &gaps))
	sum := 0.0
	for _, g := range gaps {
		sum += g
	}
	t.Logf("%.1f frames a second; the longest between two took %.0f ms, the 1 %% above %.0f ms", float64(len(gaps))/sum*1000, gaps[0], gaps[len(gaps)/100])
	for _, name := range []string{"TaskDuration", "ScriptDuration", "LayoutDuration", "RecalcStyleDuration"} {
		t.Logf("%s: %.1f %% of a core", name, (after[name]-before[name])/length.Seconds()*100)
	}
	t.Logf("%.0f MiB of JavaScript, %.0f nodes", after["JSHeapUsedSize"]/(1<<20), after["Nodes"])
}
