-- A session in Neovim: opens the file named, starts the language server as docs/editors.md says, and writes what is seen as JSON.
local file, command = arg[1], vim.split(arg[2], " ")
local seen = {}

vim.filetype.add({ extension = { arch = "archspec" } })
vim.lsp.config("archspec", { cmd = command, filetypes = { "archspec" } })
vim.lsp.enable("archspec")
vim.cmd.edit(file)
vim.cmd("doautocmd FileType")

local function wait(what)
  return vim.wait(30000, what, 20)
end

seen.attached = wait(function() return #vim.lsp.get_clients({ bufnr = 0 }) > 0 and vim.lsp.get_clients({ bufnr = 0 })[1].initialized end)
seen.shown = wait(function() return #vim.diagnostic.get(0) > 0 end)
seen.messages = vim.tbl_map(function(each) return { each.code, each.lnum, each.col, each.message } end, vim.diagnostic.get(0))

vim.lsp.inlay_hint.enable(true)
seen.hinted = wait(function() return #vim.lsp.inlay_hint.get({ bufnr = 0 }) > 0 end)
seen.hints = vim.tbl_map(function(each) return each.inlay_hint.label end, vim.lsp.inlay_hint.get({ bufnr = 0 }))

local first = vim.diagnostic.get(0)[1]
vim.api.nvim_win_set_cursor(0, { first.lnum + 1, first.col })
vim.lsp.buf.code_action({ apply = true, filter = function(action) return action.isPreferred end })
seen.mended = wait(function() return #vim.diagnostic.get(0) == 0 end)
seen.text = vim.api.nvim_buf_get_lines(0, 0, -1, false)

local client = vim.lsp.get_clients({ bufnr = 0 })[1]
local params = vim.lsp.util.make_position_params(0, client.offset_encoding)
local answer = client:request_sync("textDocument/hover", params, 30000)
seen.hover = answer and answer.result and answer.result.contents.value
seen.encoding = client.offset_encoding
vim.lsp.buf.format({ timeout_ms = 30000 })
seen.formatted = vim.api.nvim_buf_get_lines(0, 0, -1, false)
client:stop()
wait(function() return client:is_stopped() end)
io.stdout:write(vim.json.encode(seen) .. "\n")
