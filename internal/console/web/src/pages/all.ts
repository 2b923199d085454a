// The pages that are opened after the first, in one file: they share most of their words, and are smaller together.
export { Analytics } from "./analytics.tsx";
export { APIs } from "./apis.tsx";
export { Deliveries } from "./deliveries.tsx";
export { Functions } from "./functions.tsx";
export { Generator } from "./generator.tsx";
export { Identity } from "./identity.tsx";
export { Jobs } from "./jobs.tsx";
export { Lake } from "./lake.tsx";
export { Logs } from "./logs.tsx";
export { Alarms, Metrics } from "./metrics.tsx";
export { Objects } from "./objects.tsx";
export { Queues } from "./queues.tsx";
export { SQL } from "./sql.tsx";
export { Streams } from "./streams.tsx";
export { Tables } from "./tables.tsx";
export { Topics } from "./topics.tsx";
