// Python in the browser: loads Pyodide and archspec, which lie beside this file, and answers requests by archspec/live/answers.py.

import { loadPyodide } from "./pyodide.js";

const begun = (async () => {
  const loaded = (part) => postMessage({ part });
  loaded(0.05);
  const archive = fetch(new URL("archspec.zip", import.meta.url)).then((response) => response.arrayBuffer());
  const pyodide = await loadPyodide({ indexURL: new URL(".", import.meta.url).href });
  loaded(0.75);
  pyodide.unpackArchive(await archive, "zip", { extractDir: "/lib/archspec" });
  loaded(0.85);
  const answered = pyodide.runPython(
    `import sys\nsys.path.insert(0, "/lib/archspec")\nfrom archspec.live.answers import Engine\n_engine = Engine()\nlambda body: _engine.answered(body.to_bytes())`,
  );
  loaded(1);
  return answered;
})();

begun.then(
  () => postMessage({ ready: true }),
  (error) => postMessage({ failed: String(error.message ?? error).trim().split("\n").at(-1) }),
);

onmessage = async ({ data: { number, request, data } }) => {
  const answered = await begun;
  const head = new TextEncoder().encode(`${JSON.stringify(request)}\n`);
  const body = new Uint8Array(head.length + (data?.byteLength ?? 0));
  body.set(head);
  if (data) body.set(new Uint8Array(data), head.length);
  const answer = answered(body);
  const text = new TextDecoder().decode(answer.toJs());
  answer.destroy();
  postMessage({ number, answer: JSON.parse(text) });
};
