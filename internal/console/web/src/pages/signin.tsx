// Signing in to a node that verifies signatures. Keys stay in this tab.
import { useState } from "preact/hooks";
import { xml } from "../aws/client.ts";
import { account, candidate, signIn } from "../aws/session.ts";
import { Problem } from "../parts/ui.tsx";

/** whoAmI asks the node whose the keys are. */
export async function whoAmI() {
  const doc = await xml("sts", "/?Action=GetCallerIdentity&Version=2011-06-15");
  account.value = doc.getElementsByTagName("Account")[0]?.textContent ?? "";
}

export function SignIn() {
  const [id, setID] = useState("");
  const [secret, setSecret] = useState("");
  const [token, setToken] = useState("");
  const [error, setError] = useState<Error>();
  const enter = async (e: Event) => {
    e.preventDefault();
    const keys = { id: id.trim(), secret: secret.trim(), token: token.trim() || undefined };
    candidate.value = keys;
    try {
      await whoAmI();
      signIn(keys);
    } catch (err) {
      setError(err as Error);
    }
    candidate.value = null;
  };
  const safe = globalThis.crypto?.subtle !== undefined;
  return (
    <form class="signin panel" onSubmit={enter}>
      <b>Sign in to this node</b>
      <p class="sub">With an access key of its configuration, or of IAM. It stays in this tab; requests are signed here.</p>
      {!safe && <div class="problem">Browsers sign only on pages that came by HTTPS or from this machine. Configure TLS, or use a tunnel to the node’s machine.</div>}
      <label>Access key id<input class="field m" autocomplete="username" value={id} onInput={(e) => setID(e.currentTarget.value)} required /></label>
      <label>Secret access key<input class="field m" type="password" autocomplete="current-password" value={secret} onInput={(e) => setSecret(e.currentTarget.value)} required /></label>
      <label>Session token, if there is one<input class="field m" value={token} onInput={(e) => setToken(e.currentTarget.value)} /></label>
      <Problem error={error} />
      <button class="primary" disabled={!safe}>Sign in</button>
    </form>
  );
}
