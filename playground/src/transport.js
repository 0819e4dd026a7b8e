// Two ways to the engine, archspec/live/answers.py: the server that sent the page, or a worker with Python in the browser.

// What the server wrote into the page: its token, and the text to begin with. Nothing in the page as static files.
const written = document.querySelector("meta[name=archspec-start]").content;
export const start = written ? JSON.parse(written) : null;

// A function of a request, and of the content of a file to import, which gives a promise of the answer. `told` hears of what is loaded.
export async function connect(told) {
  return start ? local() : inWorker(told);
}

function local() {
  return async (request, data) => {
    const body = data ? new Blob([`${JSON.stringify(request)}\n`, data]) : JSON.stringify(request);
    try {
      const response = await fetch("answer", { method: "POST", body, headers: { "X-Archspec-Token": start.token } });
      return response.ok ? await response.json() : { error: (await response.text()).trim() };
    } catch {
      return { error: "the server has ended: start `archspec play` again" };
    }
  };
}

async function inWorker(told) {
  if (typeof WebAssembly !== "object" || typeof Worker !== "function")
    throw new Error(
      "This browser runs no WebAssembly, which the playground needs for Python. After `pip install archspec-nn`, " +
        "`archspec play` opens the same page without it.",
    );
  const worker = new Worker("worker.js", { type: "module" });
  const waiting = new Map();
  let number = 0;
  const fail = (why) => {
    for (const answer of waiting.values()) answer({ error: why });
    waiting.clear();
  };
  await new Promise((ready, failed) => {
    worker.onmessage = ({ data }) => {
      if (data.part !== undefined) told(data.part);
      else if (data.failed) failed(new Error(`Python could not be started: ${data.failed}`));
      else if (data.ready) ready();
      else {
        waiting.get(data.number)(data.answer);
        waiting.delete(data.number);
      }
    };
    worker.onerror = (event) => {
      event.preventDefault();
      const why = event.message || "a file of the playground is missing";
      failed(new Error(`Python could not be started: ${why}`));
      fail(why);
    };
  });
  return (request, data) =>
    new Promise((answer) => {
      number += 1;
      waiting.set(number, answer);
      worker.postMessage({ number, request, data });
    });
}
