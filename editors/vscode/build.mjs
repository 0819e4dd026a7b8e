// Bundles the client into dist/, and puts the grammar beside it.

import { copyFileSync } from "node:fs";
import { build } from "esbuild";

copyFileSync(new URL("../../grammars/tmLanguage.json", import.meta.url), new URL("tmLanguage.json", import.meta.url));
await build({
  entryPoints: ["src/extension.js"],
  bundle: true,
  minify: true,
  platform: "node",
  target: "node20",
  format: "cjs",
  external: ["vscode"],
  outfile: "dist/extension.js",
});
