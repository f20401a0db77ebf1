# mode 644 root:root
-- The From address that recipients see must belong to the login, as Postfix demands of the envelope sender. Both use
-- the same query (/etc/postfix/smallmail/sender-logins.cf). This does not use rspamd_sqlite3, which opens databases for
-- writing and in WAL mode.
local ffi = require "ffi"
local logger = require "rspamd_logger"
local util = require "rspamd_util"

local DATABASE = "/var/lib/smallmail/accounts.db"
local OWNERS = [[
    WITH RECURSIVE leads(address, depth) AS (
        SELECT ?1, 0
        UNION
        SELECT CASE WHEN instr(destination, '+') BETWEEN 2 AND instr(destination, '@')
                    THEN substr(destination, 1, instr(destination, '+') - 1)
                         || substr(destination, instr(destination, '@'))
                    ELSE destination END, depth + 1
        FROM leads JOIN alias
            ON alias.address = leads.address
            OR (depth > 0 AND alias.address = substr(leads.address, instr(leads.address, '@'))
                AND NOT EXISTS (SELECT 1 FROM mailbox WHERE mailbox.address = leads.address)
                AND NOT EXISTS (SELECT 1 FROM alias AS other WHERE other.address = leads.address))
        WHERE depth < 5)
    SELECT DISTINCT address FROM mailbox JOIN leads USING (address)]]

-- https://www.sqlite.org/c3ref/funclist.html and c3ref/constlist.html
ffi.cdef [[
int sqlite3_open_v2(const char *path, void **db, int flags, const char *vfs);
int sqlite3_busy_timeout(void *db, int milliseconds);
int sqlite3_prepare_v2(void *db, const char *sql, int bytes, void **statement, const char **tail);
int sqlite3_bind_text(void *statement, int index, const char *text, int bytes, intptr_t destructor);
int sqlite3_step(void *statement);
int sqlite3_reset(void *statement);
const char *sqlite3_column_text(void *statement, int column);
int sqlite3_finalize(void *statement);
int sqlite3_close(void *db);
]]
local sqlite = ffi.load("libsqlite3.so.0")
local OK, ROW, DONE = 0, 100, 101
local OPEN_READONLY = 1
local TRANSIENT = -1

-- Calls action(ask). ask(address) returns the set of logins that own exactly this address.
-- Raises an error if the database cannot be read.
local function with_accounts(action)
  local db, statement = ffi.new("void *[1]"), ffi.new("void *[1]")
  local ready = sqlite.sqlite3_open_v2(DATABASE, db, OPEN_READONLY, nil) == OK
      and sqlite.sqlite3_busy_timeout(db[0], 500) == OK
      and sqlite.sqlite3_prepare_v2(db[0], OWNERS, -1, statement, nil) == OK
  local function ask(address)
    local found = {}
    sqlite.sqlite3_reset(statement[0])
    sqlite.sqlite3_bind_text(statement[0], 1, address, #address, TRANSIENT)
    local result = sqlite.sqlite3_step(statement[0])
    while result == ROW do
      found[ffi.string(sqlite.sqlite3_column_text(statement[0], 0))] = true
      result = sqlite.sqlite3_step(statement[0])
    end
    return result == DONE and found or error("SQLite error " .. result, 0)
  end
  local done, result = pcall(function()
    return action(ready and ask or error("it can't be read now", 0))
  end)
  sqlite.sqlite3_finalize(statement[0])
  sqlite.sqlite3_close(db[0])
  return done and result or error(result, 0)
end

-- Looks up owners in Postfix's order: the whole address, then without +detail, then the catch-all of the domain.
local function owners_of(address, ask)
  local user, domain = address:match("^(.+)@([^@]+)$")
  if not user then return {} end
  for _, key in ipairs({address, user:gsub("(.)%+.*", "%1") .. "@" .. domain, "@" .. domain}) do
    local found = ask(key)
    if next(found) then return found end
  end
  return {}
end

-- Returns the addresses of the From header (RFC 5322, 3.6.2). "" is an address that cannot be parsed. There are none if
-- the message has no From header or several.
local function from_addresses(task)
  local headers = task:get_header_full("From") or {}
  local addresses = {}
  if #headers == 1 then
    for _, parsed in ipairs(util.parse_mail_address(headers[1].value or "", task:get_mempool()) or {}) do
      table.insert(addresses, (parsed.addr or ""):lower())
    end
  end
  return addresses
end

-- Returns what is wrong with the From header of a message from this login, or "".
local function fault(login, addresses)
  if #addresses == 0 then return "The message needs one From header with an address" end
  return with_accounts(function(ask)
    for _, address in ipairs(addresses) do
      if not owners_of(address, ask)[login] then
        return "From address " .. address .. " does not belong to login " .. login
      end
    end
    return ""
  end)
end

rspamd_config:register_symbol({
  name = "SMALLMAIL_FROM",
  type = "prefilter",
  priority = 10,
  callback = function(task)
    local login = task:get_user()
    if not login then return end
    local done, message = pcall(fault, login:lower(), from_addresses(task))
    if not done then
      logger.errx(task, "%s: %s", DATABASE, message)
      task:set_pre_result("soft reject", "Temporary failure, try again later")
    elseif message ~= "" then
      task:set_pre_result("reject", message)
    end
  end,
})
