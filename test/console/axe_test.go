package console_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"testing"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// axePath is where the build of the console puts axe-core, which finds what keeps people with
// other senses, or without a mouse, from using a page.
const axePath = "../../internal/console/web/node_modules/axe-core/axe.min.js"

// axe says in a line each what is serious of what axe-core finds in the page.
const axe = `axe.run({runOnly: %s, resultTypes: ["violations"]}).then((r) => r.violations
	.filter((v) => v.impact === "serious" || v.impact === "critical")
	.flatMap((v) => v.nodes.slice(0, 4).map((n) => v.id + ": " + v.help + "\n  " + n.html.slice(0, 200) + "\n  " + n.failureSummary)))`

// accessible fails the test where axe-core finds anything serious in the page as it is now, in light
// and in dark.
func (b *browser) accessible(t *testing.T) {
	t.Helper()
	source, err := os.ReadFile(axePath)
	if errors.Is(err, fs.ErrNotExist) {
		return // the console was built elsewhere
	}
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	// Themes differ in their colours alone.
	for theme, rules := range map[string]string{"false": `["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]`, "true": `["color-contrast"]`} {
		b.do(t,
			// Colours that are on their way to others would be found wanting.
			chromedp.Evaluate(`document.documentElement.classList.toggle("dark", `+theme+`); document.getAnimations().forEach((a) => a instanceof CSSTransition && a.finish())`, nil),
			chromedp.Evaluate(string(source)+"\n;undefined", nil),
			chromedp.Evaluate(fmt.Sprintf(axe, rules), &found, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
		for _, f := range found {
			t.Errorf("axe, dark %s: %s", theme, f)
		}
	}
	b.do(t, chromedp.Evaluate(`document.documentElement.classList.remove("dark")`, nil))
}
