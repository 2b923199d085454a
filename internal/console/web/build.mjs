// Builds the console into ../dist, or, with --tests, the tests of its pure parts into .tests.
import { build } from "esbuild";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";

const limit = 250 * 1024; // bytes of all files, compressed

// The editor needs no grammars: see there.
const alias = { "@codemirror/language": "./src/editor/language.ts", "@lezer/common": "./src/editor/language.ts" };

// The borders of countries, at a fifth of a degree: see src/dashboards/outlines.ts, which reads the text that they are here.
const step = 0.2;
const atlas = {
  name: "atlas",
  setup(b) {
    b.onResolve({ filter: /^atlas:borders$/ }, (a) => ({ path: a.path, namespace: "atlas" }));
    b.onLoad({ filter: /.*/, namespace: "atlas" }, async () => {
      const { arcs, transform } = JSON.parse(await readFile("node_modules/world-atlas/countries-110m.json", "utf8"));
      let text = "";
      const put = (v) => {
        let n = v < 0 ? -2 * v - 1 : 2 * v;
        for (; n >= 32; n >>= 5) text += String.fromCharCode(95 + (n & 31));
        text += String.fromCharCode(63 + n);
      };
      for (const arc of arcs) {
        let x = 0, y = 0, at = [0, 0];
        arc.forEach(([dx, dy], i) => {
          x += dx; y += dy;
          const now = [x, y].map((v, j) => Math.round((v * transform.scale[j] + transform.translate[j]) / step));
          if (i > 0 && now[0] === at[0] && now[1] === at[1]) return;
          put(now[0] - at[0]); put(now[1] - at[1]);
          at = now;
        });
        text += " ";
      }
      return { contents: `export const step = ${step}; export default ${JSON.stringify(text.trim())};`, loader: "js" };
    });
  },
};

if (process.argv.includes("--tests")) {
  await rm(".tests", { recursive: true, force: true });
  const tests = (await readdir("test")).filter((name) => name.endsWith(".test.ts"));
  await build({
    entryPoints: tests.map((name) => "test/" + name), outdir: ".tests", outExtension: { ".js": ".mjs" },
    bundle: true, alias, plugins: [atlas], format: "esm", platform: "node", target: "node20", jsx: "automatic", jsxImportSource: "preact", logLevel: "warning",
  });
} else {
  const out = "../dist";
  await mkdir(out, { recursive: true });
  for (const name of await readdir(out)) if (name !== "README.md") await rm(out + "/" + name, { recursive: true });
  const built = await build({
    entryPoints: { app: "src/main.tsx" }, metafile: true, outdir: out, bundle: true, alias, plugins: [atlas], splitting: true, format: "esm",
    chunkNames: "part-[hash]", minify: true, target: "es2022", jsx: "automatic", jsxImportSource: "preact",
    legalComments: "none", logLevel: "warning",
  });
  // What the first script imports is named in the page, so that a browser does not wait for the script to ask for it.
  const first = built.metafile.outputs[out + "/app.js"].imports.filter((i) => i.kind === "import-statement");
  const links = first.map((i) => `<link rel="modulepreload" href="/console/${i.path.slice(out.length + 1)}">\n`).join("");
  // A browser that prefers dark is shown dark before a script runs.
  const css = await readFile(out + "/app.css", "utf8"), dark = /:root\.dark(\{[^}]*\})/.exec(css)[1];
  await writeFile(out + "/app.css", css + `@media (prefers-color-scheme:dark){:root:not(.light)${dark}}`);
  await writeFile(out + "/index.html", (await readFile("src/index.html", "utf8")).replace("<script", links + "<script"));
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
