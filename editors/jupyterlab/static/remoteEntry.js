// An extension of JupyterLab 4 as it is loaded, so that none has to be built: a module-federation container with one plugin.
(() => {
  let shared;

  /** A library that JupyterLab itself has loaded. */
  async function library(name) {
    const versions = Object.values(shared[name]);
    return (await (versions.find((version) => version.loaded) ?? versions[0]).get())();
  }

  const NAMES = /(?:add|and|arch|as|block|concat|default|else|expect|for|from|if|in|input|meta|model|mul|no|not|or|output|param|pattern|repeat|residual|seq|shortcut|sub|use|yes)\b/;

  /** The kind of the next word or sign, in the terms of CodeMirror. */
  function token(stream, state) {
    if (stream.sol()) state.begins = true;
    if (stream.eatSpace()) return null;
    if (stream.match(/#.*/)) return "comment";
    const begins = state.begins;
    state.begins = false;
    if (stream.match(/"[^"]*"?/)) return "string";
    if (stream.match(/\d[\dx.]*/)) return "number";
    if (stream.match(NAMES)) return "keyword";
    if (stream.match(/[A-Za-z_][\w.]*(?= *=(?!=))/)) return "propertyName";
    if (stream.match(/[A-Za-z_][\w.{}]*(?= *:)/)) return "def";
    if (stream.match(/[A-Za-z_][\w.]*/)) return begins ? "builtin" : "variableName";
    state.begins = "|:".includes(stream.next());
    return null;
  }

  /** The plugin, which registers the language. */
  async function plugin() {
    const { IEditorLanguageRegistry } = await library("@jupyterlab/codemirror");
    const { LanguageSupport, StreamLanguage } = await library("@codemirror/language");
    const language = StreamLanguage.define({
      name: "archspec",
      startState: () => ({ begins: true }),
      token,
      languageData: { commentTokens: { line: "#" } },
    });
    return {
      id: "archspec:language",
      autoStart: true,
      requires: [IEditorLanguageRegistry],
      activate: (app, languages) => {
        languages.addLanguage({ name: "archspec", mime: "text/x-archspec", extensions: ["arch"], support: new LanguageSupport(language) });
      },
    };
  }

  const container = {
    init: (scope) => void (shared = scope),
    get: async () => {
      const made = { __esModule: true, default: await plugin() };
      return () => made;
    },
  };
  globalThis._JUPYTERLAB = Object.assign(globalThis._JUPYTERLAB ?? {}, { archspec: container });
})();
