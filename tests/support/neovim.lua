-- What a user does in neovim: type a mistake, see it, apply the fix, complete, hover, jump.
local told = {}
local function tell(what) table.insert(told, what) end
local function wait(until_it) return vim.wait(60000, until_it, 20) end
local function at(words)
  vim.fn.cursor(1, 1)
  local line = vim.fn.search('\\V' .. words, 'c')
  return line, vim.fn.col('.')
end
local function ask(method, params)
  for _, answer in pairs(vim.lsp.buf_request_sync(0, method, params, 60000) or {}) do
    return answer.result
  end
end

local command = vim.split(vim.env.DERIVLOAD_LSP, ' ')
local id = vim.lsp.start_client({ name = 'derivload', cmd = command, root_dir = vim.fn.getcwd() })
vim.lsp.buf_attach_client(0, id)
wait(function() return vim.lsp.get_client_by_id(id).initialized end)

local line = at('self: grad * luster')
vim.api.nvim_buf_set_lines(0, line - 1, line, false, { '  self: grad * lustre' })
wait(function() return #vim.diagnostic.get(0) == 1 end)
local seen = vim.diagnostic.get(0)[1]
tell(seen.code .. ' ' .. vim.fn.getline(line):sub(seen.col + 1, seen.end_col))

vim.fn.cursor(line, seen.col + 1)
local params = vim.lsp.util.make_range_params()
params.context = { diagnostics = {} }
for _, action in ipairs(ask('textDocument/codeAction', params)) do
  if action.title:find('Ignore') then vim.lsp.util.apply_workspace_edit(action.edit, 'utf-16') end
end
wait(function() return #vim.diagnostic.get(0) == 0 end)
tell(vim.fn.getline(line))

vim.cmd('silent undo')
vim.api.nvim_buf_set_lines(0, line - 1, line, false, { '  self: grad * lus' })
vim.fn.cursor(line, 20)
local items = ask('textDocument/completion', vim.lsp.util.make_position_params())
tell((items.items or items)[1].label)
vim.api.nvim_buf_set_lines(0, line - 1, line, false, { '  self: grad * luster' })
wait(function() return #vim.diagnostic.get(0) == 0 end)

vim.fn.cursor(line, 17)
tell((ask('textDocument/hover', vim.lsp.util.make_position_params()).contents.value:gsub('%s*\n', ' | ')))

at('gild(Tensor self')
vim.lsp.buf.definition()
wait(function() return vim.fn.expand('%:t') == 'native_functions.yaml' end)
tell(vim.fn.getline('.'))

vim.fn.writefile(told, 'told.txt')
vim.cmd('qa!')
