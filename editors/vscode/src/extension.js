// Starts `archspec lsp` and connects the editor to it.

const { window, workspace } = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

async function start() {
  const [command, ...first] = workspace.getConfiguration("archspec").get("command");
  const server = { command, args: [...first, "lsp"] };
  const watcher = workspace.createFileSystemWatcher("**/*.arch");
  client = new LanguageClient("archspec", server, { documentSelector: [{ language: "archspec" }], synchronize: { fileEvents: watcher } });
  try {
    await client.start();
  } catch (error) {
    window.showErrorMessage(`archspec: \`${command}\` did not start (${error.message}). Install it with \`pip install pygls\` beside it, or set archspec.command.`);
  }
}

exports.activate = async (context) => {
  const restart = async (change) => {
    if (change.affectsConfiguration("archspec.command")) {
      await client?.stop().catch(() => undefined);
      await start();
    }
  };
  context.subscriptions.push(workspace.onDidChangeConfiguration(restart));
  await start();
};

exports.deactivate = () => client?.stop();
