// Puts a visual onto a dashboard: from the result of a query, or from chosen metrics.
import { useState } from "preact/hooks";
import { all, call } from "../aws/client.ts";
import { useLive } from "../parts/live.ts";
import { Dialog, Loading, Problem, useAct } from "../parts/ui.tsx";
import { go } from "../route.ts";
import { parse, room, write, type View, type Widget } from "./body.ts";
import { load, save } from "./store.ts";

export function Onto(p: { views?: View[]; title: string; make: (title: string, view: View, y: number) => Widget; close: () => void }) {
  const list = useLive(() => all<{ DashboardName: string }, string>((t) => call("cloudwatch", "ListDashboards", { NextToken: t }), "DashboardEntries", "NextToken"), 0, []);
  const names = (list.value ?? []).map((d) => d.DashboardName);
  const [chosen, choose] = useState<string>();
  const [fresh, setFresh] = useState("");
  const [title, setTitle] = useState(p.title);
  const [view, setView] = useState<View>(p.views?.[0] ?? "line");
  const { busy, error, act } = useAct();
  const on = chosen ?? names[0] ?? "";
  const name = on || fresh;
  const wrong = !on && fresh && !/^[\w-]{1,255}$/.test(fresh) ? "Letters, digits, - and _." : "";
  const put = async () => {
    const before = await load(name);
    if (!on && before !== undefined) throw new Error("There is a dashboard of this name already.");
    const body = parse(before ?? '{"widgets":[]}');
    await save(name, write({ ...body, widgets: [...body.widgets, p.make(title, view, room(body))] }), before);
    go("dashboards", name);
  };
  return (
    <Dialog title="To a dashboard" close={p.close}>
      {!list.value && !list.error && <Loading />}
      <Problem error={list.error ?? error} />
      <div class="row2">
        <label>Dashboard<select value={on} onChange={(e) => choose(e.currentTarget.value)}>{names.map((n) => <option>{n}</option>)}<option value="">a new one</option></select></label>
        {!on && <label>Its name<input class="field wide" value={fresh} onInput={(e) => setFresh(e.currentTarget.value)} /></label>}
      </div>
      <div class="row2">
        <label>Title<input class="field wide" value={title} autofocus onInput={(e) => setTitle(e.currentTarget.value)} /></label>
        {p.views && <label>Drawn as<select value={view} onChange={(e) => setView(e.currentTarget.value as View)}>{p.views.map((v) => <option>{v}</option>)}</select></label>}
      </div>
      {wrong && <div class="notice" role="status">{wrong}</div>}
      <div class="bar end"><span class="grow" /><button onClick={p.close}>Close</button><button class="primary" disabled={!!busy || !name || !!wrong || !list.value} onClick={() => act("put", put)}>Add</button></div>
    </Dialog>
  );
}
