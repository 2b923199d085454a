// Tables of items: query and scan, look at an item, change it.
import { useEffect, useState } from "preact/hooks";
import { call } from "../aws/client.ts";
import { bytes, count, quoted, some } from "../format.ts";
import { inventory, type ItemTable } from "../inventory.ts";
import { Grid, type Column } from "../parts/grid.tsx";
import { JSONText } from "../parts/json.tsx";
import { Command, Dialog, Empty, Gone, Head, Loading, Problem } from "../parts/ui.tsx";
import { cellOf } from "../pipeline/filter.ts";
import { go, to } from "../route.ts";
import { filterInput, itemOf, plainItem, type Item } from "./attribute.ts";
import { Changes } from "./changes.tsx";

export function Tables(p: { name?: string }) {
  const inv = inventory.value;
  if (!inv) return <><Head title="Tables" /><Loading /></>;
  if (p.name) {
    const t = inv.tables.find((x) => x.TableName === p.name);
    return t ? <Items key={p.name} table={t} /> : <Gone title={p.name} what="table" back={[to("tables"), "Tables"]} />;
  }
  return (
    <>
      <Head title="Tables" sub={!inv.denied.tables && some(inv.tables.length, "table")} />
      <section class="panel scroll">
        {inv.tables.length === 0 ? <Empty of="tables" title="No tables yet" line="aws dynamodb create-table --table-name orders --attribute-definitions AttributeName=id,AttributeType=S --key-schema AttributeName=id,KeyType=HASH --billing-mode PAY_PER_REQUEST">A table keeps items by their keys.</Empty> : (
          <table>
            <thead><tr><th>name</th><th>key</th><th class="n">items</th><th class="n">size</th><th>indexes</th><th>stream</th><th>state</th></tr></thead>
            <tbody>{inv.tables.map((t) => (
              <tr key={t.TableName} class="link" onClick={() => go("tables", t.TableName)}>
                <td><a href={to("tables", t.TableName)}>{t.TableName}</a></td><td class="m">{t.KeySchema.map((k) => k.AttributeName).join(", ")}</td>
                <td class="n">{count(t.ItemCount ?? 0)}</td><td class="n">{bytes(t.TableSizeBytes ?? 0)}</td><td class="m dim">{(t.GlobalSecondaryIndexes ?? []).map((i) => i.IndexName).join(", ")}</td>
                <td class="sub">{t.LatestStreamArn ? "on" : ""}</td><td><span class={t.TableStatus === "ACTIVE" ? "badge" : "badge w"}>{t.TableStatus.toLowerCase()}</span></td>
              </tr>
            ))}</tbody>
          </table>
        )}
      </section>
      <Command line="brookmere tables ls" />
    </>
  );
}

function Items(p: { table: ItemTable }) {
  const t = p.table;
  const [index, setIndex] = useState("");
  const schema = (index && t.GlobalSecondaryIndexes?.find((i) => i.IndexName === index)?.KeySchema) || t.KeySchema;
  // An index may have several attributes in each of its keys: a query needs all of the partition key.
  const hashes = schema.filter((k) => k.KeyType === "HASH").map((k) => k.AttributeName), range = schema.find((k) => k.KeyType === "RANGE")?.AttributeName;
  const [given, give] = useState<Record<string, string>>({});
  const key = hashes.some((h) => given[h]);
  const [from, setFrom] = useState("");
  const [filter, setFilter] = useState("");
  const [token, setToken] = useState<string>(); // of a statement that has more
  const first = given[hashes[0]!] ?? "", statement = /^\s*(select|insert|update|delete)\s/i.test(first);
  // A statement that writes runs when somebody asks for it, and not again whenever the list is to be fresh.
  const again = () => { if (!statement || /^\s*select\s/i.test(first)) void load(); };
  const [items, setItems] = useState<Item[]>([]);
  const [next, setNext] = useState<Item>();
  const [ran, setRan] = useState(false);
  const [error, setError] = useState<Error>();
  const [chosen, choose] = useState<number>(-1);
  const [editing, edit] = useState<Record<string, unknown> | null>(null);
  const typeOf = (name: string) => t.AttributeDefinitions.find((a) => a.AttributeName === name)?.AttributeType ?? "S";
  const load = async (start?: Item) => {
    setError(undefined);
    try {
      if (statement) {
        const r = await call<{ Items?: Item[]; NextToken?: string }>("dynamodb", "ExecuteStatement", { Statement: first, Limit: 200, NextToken: start ? token : undefined });
        setItems((have) => (start ? [...have, ...(r.Items ?? [])] : r.Items ?? []));
        setToken(r.NextToken);
        setNext(r.NextToken ? {} : undefined);
        if (!start) choose(-1);
        setRan(true);
        return;
      }
      const where = filterInput(filter);
      const input: Record<string, unknown> = { TableName: t.TableName, Limit: 200, ...(index ? { IndexName: index } : {}), ...(start ? { ExclusiveStartKey: start } : {}), ...where };
      if (key) {
        const named = hashes.filter((h) => given[h]), bound = range && from;
        input.KeyConditionExpression = named.map((_, i) => `#h${i} = :h${i}`).join(" AND ") + (bound ? " AND #r >= :r" : "");
        input.ExpressionAttributeNames = { ...where.ExpressionAttributeNames, ...Object.fromEntries(named.map((h, i) => [`#h${i}`, h])), ...(bound ? { "#r": range } : {}) };
        input.ExpressionAttributeValues = { ...where.ExpressionAttributeValues, ...Object.fromEntries(named.map((h, i) => [`:h${i}`, { [typeOf(h)]: given[h]! }])), ...(bound ? { ":r": { [typeOf(range!)]: from } } : {}) };
      }
      const r = await call<{ Items: Item[]; LastEvaluatedKey?: Item }>("dynamodb", key ? "Query" : "Scan", input);
      setItems((have) => (start ? [...have, ...r.Items] : r.Items));
      setNext(r.LastEvaluatedKey);
      if (!start) choose(-1);
    } catch (e) {
      setError(e as Error);
    }
    setRan(true);
  };
  useEffect(again, [index]);
  const keys = t.KeySchema.map((k) => k.AttributeName);
  const names = [...new Set([...keys, ...items.slice(0, 100).flatMap((i) => Object.keys(i).sort())])].slice(0, 20);
  const flat = items.map(plainItem);
  const columns = names.map((name): Column => {
    const sample = flat.slice(0, 40).map((x) => cellOf(x, name));
    const right = items.length > 0 && items.slice(0, 40).every((x) => !Object.hasOwn(x, name) || "N" in x[name]!);
    return { name, width: Math.min(300, Math.max(80, name.length * 7.4 + 26, Math.max(0, ...sample.map((s) => s.length)) * 7.4 + 26)), mono: true, right };
  });
  const grows = columns.filter((c) => !c.right).pop(); // numbers stay together
  if (grows) grows.grow = true;
  const one = flat[chosen];
  return (
    <>
      <Head title={t.TableName} back={[to("tables"), "Tables"]} sub={[keys.join(", "), some(t.ItemCount ?? 0, "item"), bytes(t.TableSizeBytes ?? 0), t.LatestStreamArn ? "stream on" : ""].filter(Boolean).join(" · ")}>
        <button class="primary" onClick={() => edit(Object.fromEntries(t.KeySchema.map((k) => [k.AttributeName, typeOf(k.AttributeName) === "N" ? 0 : ""])))}>Put an item</button>
      </Head>
      <div class="viewer">
        <div class="panel list">
          <form class="bar" onSubmit={(e) => (e.preventDefault(), void load())}>
            {(t.GlobalSecondaryIndexes?.length ?? 0) > 0 && <select aria-label="Index" value={index} onChange={(e) => setIndex(e.currentTarget.value)}><option value="">table</option>{t.GlobalSecondaryIndexes!.map((i) => <option>{i.IndexName}</option>)}</select>}
            {hashes.map((h, i) => (i === 0 || !statement) && <input key={h} class="field wide m" value={given[h] ?? ""} aria-label={h} placeholder={`${h} = … (empty: scan)` + (i === 0 ? ", or PartiQL" : "")} onInput={(e) => give({ ...given, [h]: e.currentTarget.value })} />)}
            {range && !statement && <input class="field wide m" value={from} aria-label={range} placeholder={`${range} from …`} onInput={(e) => setFrom(e.currentTarget.value)} />}
            {!statement && <input class="field wide m" value={filter} aria-label="Filter" placeholder="status = 'paid' and amount > 5" onInput={(e) => setFilter(e.currentTarget.value)} />}
            <button>{statement ? "Run" : key ? "Query" : "Scan"}</button>
          </form>
          <Problem error={error} />
          <Grid label="Items" columns={columns} count={flat.length} selected={chosen} onSelect={choose} cell={(r, c) => cellOf(flat[r], names[c]!)}
            onNeed={(last) => next && last >= flat.length - 20 && (setNext(undefined), void load(next))} empty={<div class="empty quiet">{error ? "" : !ran ? "Loading…" : statement ? "The statement gives no items." : filter && !error ? "No item of those that were read passes the filter." : key ? "No item has this key." : "The table is empty."}</div>} />
          <div class="bar foot"><span class="sub">{some(flat.length, "item")}{next && ", and more"}</span><span class="grow" /><Command line={`brookmere tables scan ${t.TableName}`} /></div>
        </div>
        {one && (
          <aside class="panel detail">
            <div class="bar"><b>{keys.map((k) => cellOf(one, k)).join(" / ")}</b><span class="grow" /><button onClick={() => edit(one)}>Edit</button><button class="plain" aria-label="Close" onClick={() => choose(-1)}>✕</button></div>
            <JSONText value={one} />
          </aside>
        )}
      </div>
      {t.LatestStreamArn && <Changes key={t.LatestStreamArn} arn={t.LatestStreamArn} />}
      {editing && <Edit table={t} value={editing} close={() => edit(null)} done={() => (edit(null), again())} />}
    </>
  );
}

function Edit(p: { table: ItemTable; value: Record<string, unknown>; close: () => void; done: () => void }) {
  const [text, setText] = useState(JSON.stringify(p.value, null, 2));
  const [error, setError] = useState<Error>();
  const keys = p.table.KeySchema.map((k) => k.AttributeName);
  let parsed: Record<string, unknown> | undefined;
  let wrong = "";
  try {
    parsed = JSON.parse(text) as Record<string, unknown>;
    if (parsed === null || typeof parsed !== "object" || Array.isArray(parsed)) wrong = "An item is an object of JSON.";
    else wrong = keys.filter((k) => parsed![k] === undefined || parsed![k] === "").map((k) => `The key ${k} is missing.`)[0] ?? "";
  } catch (e) {
    wrong = (e as Error).message;
  }
  const run = async (operation: "PutItem" | "DeleteItem") => {
    setError(undefined);
    try {
      const item = itemOf(parsed!);
      await call("dynamodb", operation, operation === "PutItem" ? { TableName: p.table.TableName, Item: item } : { TableName: p.table.TableName, Key: Object.fromEntries(keys.map((k) => [k, item[k]])) });
      p.done();
    } catch (e) {
      setError(e as Error);
    }
  };
  return (
    <Dialog title={"Item of " + p.table.TableName} close={p.close}>
      <label>Item, as JSON<textarea class="m" rows={14} value={text} spellcheck={false} autofocus onInput={(e) => setText(e.currentTarget.value)} /></label>
      <span class="hint">{wrong || 'Sets and bytes are written with their type: {"SS": ["a", "b"]}. Saving replaces the whole item.'}</span>
      <Problem error={error} />
      <Command line={`brookmere tables put ${p.table.TableName} ${quoted(wrong ? "…" : JSON.stringify(parsed))}`} />
      <div class="bar end"><button disabled={!!wrong} onClick={() => void run("DeleteItem")}>Delete</button><span class="grow" /><button onClick={p.close}>Close</button><button class="primary" disabled={!!wrong} onClick={() => void run("PutItem")}>Save</button></div>
    </Dialog>
  );
}
