import { effect } from "@preact/signals";
import { options, render, type ComponentType } from "preact";
import { useEffect, useErrorBoundary } from "preact/hooks";
import type { ComponentChildren } from "preact";
import { account, begin, keys, node, region } from "./aws/session.ts";
import { forget, look } from "./inventory.ts";
import { every } from "./parts/live.ts";
import { Empty, Head, Problem } from "./parts/ui.tsx";
import { marked } from "./format.ts";
import { lazy } from "./parts/lazy.tsx";
import { Pipeline } from "./pages/pipeline.tsx";
import { SignIn, whoAmI } from "./pages/signin.tsx";
import { mayMeasure, measure, quiet, restart } from "./rates.ts";
import { route, to } from "./route.ts";
import { applyTheme, onKey, Shell } from "./shell.tsx";
import "./style.css";

/** page is one of those that are loaded together, when the first of them is opened. */
const page = <P extends object>(of: (m: typeof import("./pages/all.ts")) => ComponentType<P>) => lazy(() => import("./pages/all.ts").then(of));
const Streams = page((m) => m.Streams);
const SQL = page((m) => m.SQL);
const Deliveries = page((m) => m.Deliveries);
const Lake = page((m) => m.Lake);
const Objects = page((m) => m.Objects);
const Tables = page((m) => m.Tables);
const Functions = page((m) => m.Functions);
const Queues = page((m) => m.Queues);
const Topics = page((m) => m.Topics);
const Logs = page((m) => m.Logs);
const Metrics = page((m) => m.Metrics);
const Alarms = page((m) => m.Alarms);
const Dashboards = lazy(() => import("./pages/dashboards.tsx").then((m) => m.Dashboards));
const Generator = page((m) => m.Generator);
const Analytics = page((m) => m.Analytics);
const Jobs = page((m) => m.Jobs);
const APIs = page((m) => m.APIs);
const Identity = page((m) => m.Identity);

function Page() {
  const [page, ...rest] = route.value;
  const [a] = rest;
  switch (page) {
    case "pipeline": return <Pipeline />;
    case "streams": return <Streams name={a} />;
    case "sql": return <SQL />;
    case "deliveries": return <Deliveries name={a} />;
    case "lake": return <Lake database={a} table={rest[1]} />;
    case "objects": return <Objects bucket={a} prefix={rest[1]} />;
    case "tables": return <Tables name={a} />;
    case "functions": return <Functions name={a} />;
    case "queues": return <Queues name={a} />;
    case "topics": return <Topics name={a} />;
    case "logs": return <Logs name={a} />;
    case "metrics": return <Metrics />;
    case "alarms": return <Alarms name={a} />;
    case "dashboards": return <Dashboards name={a} full={rest[1] === "full"} />;
    case "generator": return <Generator />;
    case "analytics": return <Analytics name={a} />;
    case "jobs": return <Jobs name={a} />;
    case "apis": return <APIs id={a} />;
    case "identity": return <Identity kind={a} name={rest[1]} />;
  }
  return <><Head title="Not here" /><section class="panel"><Empty title="There is no such page"><a href={to("pipeline")}>To the pipeline</a></Empty></section></>;
}

/** Safe shows why a page could not be drawn, rather than half of it, until another is opened. */
function Safe(p: { children: ComponentChildren }) {
  const [error, again] = useErrorBoundary((e) => console.error(e));
  useEffect(again, [route.value]);
  return error ? <><Head title="This page cannot be drawn"><button onClick={again}>Draw it again</button></Head><Problem error={error as Error} /></> : <>{p.children}</>;
}

function App() {
  const who = keys.value && keys.value.id + region.value + account.value;
  useEffect(() => {
    if (!who) return;
    forget();
    restart();
    let looks = 0, measures = 0;
    // Where nothing moves, every second look is enough, and every third measurement.
    const ends = [
      every(node.value?.remote ? 30_000 : 6000, async () => (quiet() && looks++ % 2 ? undefined : look().catch(() => undefined))), // it is said that the node does not answer
      every(1000, async () => (mayMeasure() && !(quiet() && measures++ % 3) ? measure() : undefined)),
    ];
    return () => ends.forEach((end) => end());
  }, [who]);
  if (!keys.value) return <SignIn />;
  const [page, , full] = route.value;
  if (page === "dashboards" && full === "full") return <main id="main"><Safe><Page /></Safe></main>;
  return <Shell><Safe><Page /></Safe></Shell>;
}

// No text that a page shows, whoever wrote it, hides a part of itself or turns what is around it. A choice in a list has its text as its value.
const vnode = options.vnode;
options.vnode = (v) => {
  const of = v.props as { children?: unknown }, clean = (x: unknown) => (typeof x === "string" ? marked(x) : x);
  if (typeof v.type === "string" && v.type !== "option") of.children = Array.isArray(of.children) ? of.children.map(clean) : clean(of.children);
  vnode?.(v);
};

applyTheme();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", applyTheme);
addEventListener("keydown", onKey);
effect(() => {
  const [page, name] = route.value;
  document.title = (name ?? page ?? "") + " · Brookmere";
});
const root = document.getElementById("app")!;
begin();
const show = () => {
  root.replaceChildren(); // what the page came with
  render(<App />, root);
};
if (keys.value && !account.value) void whoAmI().catch(() => undefined).then(show);
else show();
