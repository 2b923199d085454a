import { effect } from "@preact/signals";
import { render } from "preact";
import { useEffect } from "preact/hooks";
import { account, begin, keys, region } from "./aws/session.ts";
import { forget, look } from "./inventory.ts";
import { every } from "./parts/live.ts";
import { Empty, Head } from "./parts/ui.tsx";
import { Deliveries } from "./pages/deliveries.tsx";
import { Functions } from "./pages/functions.tsx";
import { Lake } from "./pages/lake.tsx";
import { Pipeline } from "./pages/pipeline.tsx";
import { SignIn, whoAmI } from "./pages/signin.tsx";
import { SQL } from "./pages/sql.tsx";
import { Streams } from "./pages/streams.tsx";
import { Tables } from "./pages/tables.tsx";
import { mayMeasure, measure, restart } from "./rates.ts";
import { route, to } from "./route.ts";
import { applyTheme, onKey, Shell } from "./shell.tsx";
import "./style.css";

function Page() {
  const [page, ...rest] = route.value;
  const [a] = rest;
  switch (page) {
    case "pipeline": return <Pipeline />;
    case "streams": return <Streams name={a} />;
    case "sql": return <SQL />;
    case "deliveries": return <Deliveries name={a} />;
    case "lake": return <Lake database={a} table={rest[1]} />;
    case "tables": return <Tables name={a} />;
    case "functions": return <Functions name={a} />;
  }
  return <><Head title="Not here" /><section class="panel"><Empty title="There is no such page"><a href={to("pipeline")}>To the pipeline</a></Empty></section></>;
}

function App() {
  const who = keys.value && keys.value.id + region.value + account.value;
  useEffect(() => {
    if (!who) return;
    forget();
    restart();
    const ends = [
      every(6000, () => look().catch(() => undefined)), // it is said that the node does not answer
      every(1000, async () => (mayMeasure() ? measure() : undefined)),
    ];
    return () => ends.forEach((end) => end());
  }, [who]);
  if (!keys.value) return <SignIn />;
  return <Shell><Page /></Shell>;
}

applyTheme();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", applyTheme);
addEventListener("keydown", onKey);
effect(() => {
  const [page, name] = route.value;
  document.title = (name ?? page ?? "") + " · Brookmere";
});
const root = document.getElementById("app")!;
begin().then(async () => {
  if (keys.value && !account.value) await whoAmI().catch(() => undefined);
  render(<App />, root);
}, () => {
  root.textContent = "The node does not answer. Load the page again when it runs.";
});
