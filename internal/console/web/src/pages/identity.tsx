// IAM: who there is, what policies say, and whether a call would be allowed, and why.
import { useState } from "preact/hooks";
import { members, query, text } from "../aws/client.ts";
import { account } from "../aws/session.ts";
import { moment, quoted, some } from "../format.ts";
import { JSONText } from "../parts/json.tsx";
import { useLive } from "../parts/live.ts";
import { Command, Empty, Head, Loading, Problem, useAct } from "../parts/ui.tsx";
import { go, to } from "../route.ts";

type Row = Record<string, string>;

async function list(action: string, of: string, input: Record<string, string> = {}): Promise<Row[]> {
  const out: Row[] = [];
  for (let marker: string | undefined; out.length < 2000;) {
    const doc: Document = await query("iam", action, { ...input, Marker: marker });
    out.push(...members(doc, of));
    if (text(doc, "IsTruncated") !== "true") break;
    marker = text(doc, "Marker");
  }
  return out;
}

/** names is a list of plain names in an answer. */
async function names(action: string, input: Record<string, string>): Promise<string[]> {
  const doc = await query("iam", action, input);
  return Array.from(doc.getElementsByTagName("PolicyNames")[0]?.children ?? [], (e) => e.textContent ?? "");
}

const kinds = { roles: "Role", users: "User", groups: "Group" } as const;
type Kind = keyof typeof kinds;

function parsed(s: string): unknown {
  try {
    return JSON.parse(decodeURIComponent(s));
  } catch {
    return s;
  }
}

export function Identity(p: { kind?: string; name?: string }) {
  if (p.kind && p.name && (p.kind in kinds || p.kind === "policies")) return p.kind === "policies" ? <Policy key={p.name} arn={p.name} /> : <Who key={p.kind + p.name} kind={p.kind as Kind} name={p.name} />;
  return <All />;
}

function All() {
  const live = useLive(async () => {
    const [roles, users, groups, policies] = await Promise.all([list("ListRoles", "Roles"), list("ListUsers", "Users"), list("ListGroups", "Groups"), list("ListPolicies", "Policies", { Scope: "Local" })]);
    return { roles, users, groups, policies };
  }, 8000, []);
  const v = live.value;
  const table = (title: string, kind: string, rows: Row[], name: string, line: string, none: string) => (
    <section class="panel scroll" key={kind}>
      <div class="bar"><b>{title}</b><span class="sub">{rows.length || ""}</span><span class="grow" /><Command line={line} /></div>
      {rows.length === 0 ? <div class="empty quiet">{none}</div> : <table><tbody>{rows.map((r) => {
        const id = kind === "policies" ? r.Arn! : r[name]!;
        return <tr key={id} class="link" onClick={() => go("identity", kind, id)}><td class="cut wide"><a href={to("identity", kind, id)}>{r[name]}</a></td><td class="m dim">{r.Path !== "/" ? r.Path : ""}</td><td class="sub">{r.Description}</td><td class="m dim n">{r.CreateDate ? moment(new Date(r.CreateDate)) : ""}</td></tr>;
      })}</tbody></table>}
    </section>
  );
  return (
    <>
      <Head title="Identity" sub={"account " + account.value} />
      <Problem error={live.error} />
      <Explain principals={[...(v?.users ?? []), ...(v?.roles ?? [])].map((r) => r.Arn!).filter(Boolean)} />
      {!v ? !live.error && <Loading /> : <>
        {table("Roles", "roles", v.roles, "RoleName", "aws iam list-roles", "No roles yet. Functions, deliveries and jobs act as one.")}
        {table("Users", "users", v.users, "UserName", "aws iam list-users", "No users yet.")}
        {table("Groups", "groups", v.groups, "GroupName", "aws iam list-groups", "No groups yet.")}
        {table("Policies", "policies", v.policies, "PolicyName", "aws iam list-policies --scope Local", "No policies of the account yet.")}
      </>}
    </>
  );
}

interface Decision { action: string; resource: string; decision: string; statements: string[] }

/** Explain asks what the policies of somebody say of a call. */
function Explain(p: { principals: string[]; of?: string }) {
  const [who, setWho] = useState(p.of ?? "");
  const [actions, setActions] = useState("kinesis:PutRecord, kinesis:DeleteStream");
  const [resource, setResource] = useState("*");
  const [found, setFound] = useState<Decision[]>();
  const { busy, error, act } = useAct();
  const by = p.of ?? (who || p.principals[0] || "");
  const ask = async () => {
    const input: Record<string, string> = { PolicySourceArn: by, "ResourceArns.member.1": resource || "*" };
    actions.split(/[\s,]+/).filter(Boolean).forEach((a, i) => (input[`ActionNames.member.${i + 1}`] = a));
    const doc = await query("iam", "SimulatePrincipalPolicy", input);
    setFound(Array.from(doc.getElementsByTagName("EvaluationResults")[0]?.children ?? [], (e) => {
      const one = (tag: string) => Array.from(e.children).find((c) => c.tagName === tag)?.textContent ?? "";
      return { action: one("EvalActionName"), resource: one("EvalResourceName"), decision: one("EvalDecision"), statements: Array.from(e.getElementsByTagName("MatchedStatements")[0]?.children ?? [], (s) => s.getElementsByTagName("SourcePolicyId")[0]?.textContent ?? "") };
    }));
  };
  const says: Record<string, string> = { allowed: "allowed", explicitDeny: "denied by a statement", implicitDeny: "denied: nothing allows it" };
  return (
    <section class="panel">
      <div class="bar"><b>May they?</b><span class="sub cut">what policies say of a call, before anybody makes it</span><span class="grow" /><button class="primary" disabled={!!busy || !by} onClick={() => act("ask", ask)}>Explain</button></div>
      <form class="pad" onSubmit={(e) => (e.preventDefault(), act("ask", ask))}>
        <div class="row2 three">
          {!p.of && <label>Who<select value={by} onChange={(e) => setWho(e.currentTarget.value)}>{p.principals.map((a) => <option value={a}>{a.split(":").pop()}</option>)}{!p.principals.length && <option value="">nobody yet</option>}</select></label>}
          <label>Actions<input class="field wide m" value={actions} onInput={(e) => setActions(e.currentTarget.value)} /></label>
          <label>Resource<input class="field wide m" value={resource} onInput={(e) => setResource(e.currentTarget.value)} /></label>
        </div>
        <button hidden />
        <Command line={`aws iam simulate-principal-policy --policy-source-arn ${by || "…"} --action-names ${actions.split(/[\s,]+/).filter(Boolean).join(" ")}${resource && resource !== "*" ? " --resource-arns " + quoted(resource) : ""}`} />
      </form>
      <Problem error={error} />
      {found && <table class="lined"><tbody>{found.map((d) => <tr><td class="m">{d.action}</td><td class="m dim cut">{d.resource}</td><td><span class={d.decision === "allowed" ? "badge g" : "badge b"}>{says[d.decision] ?? d.decision}</span></td><td class="sub">{d.statements.length ? "by " + [...new Set(d.statements)].join(", ") : d.decision === "implicitDeny" ? "add a statement that allows it to one of their policies" : ""}</td></tr>)}</tbody></table>}
    </section>
  );
}

function Who(p: { kind: Kind; name: string }) {
  const noun = kinds[p.kind];
  const live = useLive(async () => {
    const input = { [noun + "Name"]: p.name };
    const [doc, inline, attached, groups, keys] = await Promise.all([
      query("iam", "Get" + noun, input), names(`List${noun}Policies`, input), list(`ListAttached${noun}Policies`, "AttachedPolicies", input),
      p.kind === "users" ? list("ListGroupsForUser", "Groups", input) : [], p.kind === "users" ? list("ListAccessKeys", "AccessKeyMetadata", input) : [],
    ]);
    const policies = await Promise.all(inline.map(async (n) => ({ name: n, document: text(await query("iam", `Get${noun}Policy`, { ...input, PolicyName: n }), "PolicyDocument") })));
    const used = p.kind === "groups" ? members(doc, "Users").map((u) => u.UserName!) : [];
    return { facts: { arn: text(doc, "Arn"), made: text(doc, "CreateDate"), trust: text(doc, "AssumeRolePolicyDocument"), session: text(doc, "MaxSessionDuration") }, policies, attached, groups, keys, used };
  }, 8000, [p.kind, p.name]);
  const v = live.value;
  return (
    <>
      <Head title={p.name} back={[to("identity"), "Identity"]} sub={v?.facts.arn} />
      <Problem error={live.error} />
      {!v ? !live.error && <Loading /> : <>
        {p.kind !== "groups" && <Explain principals={[]} of={v.facts.arn} />}
        {p.kind === "users" && <section class="panel"><dl class="facts"><dt>groups</dt><dd>{v.groups.map((g) => g.GroupName).join(", ") || "none"}</dd><dt>keys</dt><dd class="m">{v.keys.map((k) => `${k.AccessKeyId} ${k.Status?.toLowerCase()}`).join(", ") || "none"}</dd></dl></section>}
        {v.used.length > 0 && <section class="panel"><dl class="facts"><dt>users</dt><dd>{v.used.join(", ")}</dd></dl></section>}
        {v.facts.trust && <section class="panel"><div class="bar"><b>Who may act as it</b></div><JSONText value={parsed(v.facts.trust)} /></section>}
        {v.policies.map((x) => <section class="panel" key={x.name}><div class="bar"><b>{x.name}</b><span class="sub">in this {noun.toLowerCase()}</span></div><JSONText value={parsed(x.document)} /></section>)}
        {v.attached.map((x) => <section class="panel" key={x.PolicyArn}><div class="bar"><b><a href={to("identity", "policies", x.PolicyArn!)}>{x.PolicyName}</a></b><span class="sub m">{x.PolicyArn}</span></div></section>)}
        {!v.policies.length && !v.attached.length && <section class="panel"><Empty title="It has no policies" line={`aws iam put-${noun.toLowerCase()}-policy --${noun.toLowerCase()}-name ${p.name} --policy-name main --policy-document file://policy.json`}>Nothing is allowed until one says so.</Empty></section>}
      </>}
    </>
  );
}

function Policy(p: { arn: string }) {
  const live = useLive(async () => {
    const doc = await query("iam", "GetPolicy", { PolicyArn: p.arn });
    const version = text(doc, "DefaultVersionId");
    return { name: text(doc, "PolicyName"), version, attached: text(doc, "AttachmentCount"), document: text(await query("iam", "GetPolicyVersion", { PolicyArn: p.arn, VersionId: version }), "Document") };
  }, 8000, [p.arn]);
  const v = live.value;
  return (
    <>
      <Head title={v?.name ?? p.arn.split("/").pop()!} back={[to("identity"), "Identity"]} sub={v && `${v.version} · attached to ${some(Number(v.attached), "identity", "identities")}`} />
      <Problem error={live.error} />
      {v ? <section class="panel"><div class="bar"><b>Document</b><span class="grow" /><Command line={`aws iam get-policy-version --policy-arn ${p.arn} --version-id ${v.version}`} /></div><JSONText value={parsed(v.document)} /></section> : !live.error && <Loading />}
    </>
  );
}
