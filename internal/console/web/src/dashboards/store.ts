// Dashboards in CloudWatch.
import { AwsError, call } from "../aws/client.ts";

/** load reads a dashboard's body; undefined where there is none of the name. */
export async function load(name: string): Promise<string | undefined> {
  try {
    return (await call<{ DashboardBody: string }>("cloudwatch", "GetDashboard", { DashboardName: name })).DashboardBody;
  } catch (e) {
    if (e instanceof AwsError && /ResourceNotFound|DashboardNotFound/.test(e.code)) return undefined;
    throw e;
  }
}

/** save writes a body, unless somebody else has changed the dashboard since it was read. before is what was read, if anything. */
export async function save(name: string, body: string, before: string | undefined) {
  const now = await load(name);
  if (now !== before) throw new Error(now === undefined ? "The dashboard was deleted meanwhile." : before === undefined ? "There is a dashboard of this name already." : "Somebody else has changed the dashboard meanwhile. Download what you have from Source, and open it again.");
  await call("cloudwatch", "PutDashboard", { DashboardName: name, DashboardBody: body });
}
