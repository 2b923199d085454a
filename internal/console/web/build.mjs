// Builds the console into ../dist, or, with --tests, the tests of its pure parts into .tests.
import { build } from "esbuild";
import { copyFile, mkdir, readdir, readFile, rm } from "node:fs/promises";
import { gzipSync } from "node:zlib";

const limit = 250 * 1024; // bytes of all files, compressed

if (process.argv.includes("--tests")) {
  await rm(".tests", { recursive: true, force: true });
  const tests = (await readdir("test")).filter((name) => name.endsWith(".test.ts"));
  await build({
    entryPoints: tests.map((name) => "test/" + name), outdir: ".tests", outExtension: { ".js": ".mjs" },
    bundle: true, format: "esm", platform: "node", target: "node20", jsx: "automatic", jsxImportSource: "preact", logLevel: "warning",
  });
} else {
  const out = "../dist";
  await mkdir(out, { recursive: true });
  for (const name of await readdir(out)) if (name !== "README.md") await rm(out + "/" + name, { recursive: true });
  await build({
    entryPoints: { app: "src/main.tsx" }, outdir: out, bundle: true, splitting: true, format: "esm",
    chunkNames: "part-[hash]", minify: true, target: "es2022", jsx: "automatic", jsxImportSource: "preact",
    legalComments: "none", logLevel: "warning",
  });
  await copyFile("src/index.html", out + "/index.html");
  let total = 0;
  for (const name of await readdir(out)) {
    if (name === "README.md") continue;
    const size = gzipSync(await readFile(out + "/" + name), { level: 9 }).length;
    total += size;
    console.log(`${name.padEnd(20)} ${(size / 1024).toFixed(1).padStart(7)} KiB`);
  }
  console.log(`${"all, by gzip".padEnd(20)} ${(total / 1024).toFixed(1).padStart(7)} KiB`);
  if (total > limit) throw new Error(`the console has ${total} bytes, more than ${limit}`);
}
