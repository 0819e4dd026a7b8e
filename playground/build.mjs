// Bundles the page into a folder: archspec/live/play, or the one that is named.

import { copyFileSync, mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const place = (path) => fileURLToPath(new URL(path, import.meta.url));
const folder = process.argv[2] ?? place("../archspec/live/play");

mkdirSync(folder, { recursive: true });
copyFileSync(place("src/index.html"), `${folder}/index.html`);
await build({
  entryPoints: [place("src/play.js"), place("src/play.css")],
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  banner: { js: "// Made by playground/build.mjs from playground/src, and CodeMirror 6 (MIT licence, Marijn Haverbeke and others)." },
  outdir: folder,
});
