# mode 644 root:root
-- What a message must fulfil before it is signed. The From address that recipients see must belong to the login, as
-- Postfix demands of the envelope sender. Both use the same query (/etc/postfix/smallmail/sender-logins.cf). A message
-- that would be changed on its way, or whose signature would be wrong, is refused.
-- This does not use rspamd_sqlite3, which opens databases for writing and in WAL mode.
local ffi = require "ffi"
local logger = require "rspamd_logger"
local regexp = require "rspamd_regexp"

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
local DOMAIN = "SELECT name FROM domain WHERE name = ?1"

-- https://www.sqlite.org/c3ref/funclist.html and c3ref/constlist.html
ffi.cdef [[
int sqlite3_open_v2(const char *path, void **db, int flags, const char *vfs);
int sqlite3_busy_timeout(void *db, int milliseconds);
int sqlite3_prepare_v2(void *db, const char *sql, int bytes, void **statement, const char **tail);
int sqlite3_bind_text(void *statement, int index, const char *text, int bytes, intptr_t destructor);
int sqlite3_step(void *statement);
const char *sqlite3_column_text(void *statement, int column);
int sqlite3_finalize(void *statement);
int sqlite3_close(void *db);
]]
local sqlite = ffi.load("libsqlite3.so.0")
local OK, ROW, DONE = 0, 100, 101
local OPEN_READONLY = 1
local TRANSIENT = -1

-- Returns the set of what a query finds for a value. Raises an error if the database cannot be read.
local function select(db, query, value)
  local statement, found = ffi.new("void *[1]"), {}
  local result = sqlite.sqlite3_prepare_v2(db[0], query, -1, statement, nil)
  if result == OK then
    sqlite.sqlite3_bind_text(statement[0], 1, value, #value, TRANSIENT)
    result = sqlite.sqlite3_step(statement[0])
    while result == ROW do
      found[ffi.string(sqlite.sqlite3_column_text(statement[0], 0))] = true
      result = sqlite.sqlite3_step(statement[0])
    end
  end
  sqlite.sqlite3_finalize(statement[0])
  return result == DONE and found or error("SQLite error " .. result, 0)
end

-- Calls action(ask). ask(query, value) does what select() does. Raises an error if the database cannot be read.
local function with_accounts(action)
  local db = ffi.new("void *[1]")
  local ready = sqlite.sqlite3_open_v2(DATABASE, db, OPEN_READONLY, nil) == OK
      and sqlite.sqlite3_busy_timeout(db[0], 500) == OK
  local done, result = pcall(function()
    local function ask(query, value) return select(db, query, value) end
    return action(ready and ask or error("it can't be read now", 0))
  end)
  sqlite.sqlite3_close(db[0])
  return done and result or error(result, 0)
end

-- Looks up owners in Postfix's order: the whole address, then without +detail, then the catch-all of the domain.
local function owners_of(address, ask)
  local user, domain = address:match("^(.+)@([^@]+)$")
  if not user then return {} end
  for _, key in ipairs({address, user:gsub("(.)%+.*", "%1") .. "@" .. domain, "@" .. domain}) do
    local found = ask(OWNERS, key)
    if next(found) then return found end
  end
  return {}
end

-- Returns the mail domain of this host that an address is in or below. DMARC accepts the signature of a domain above
-- (RFC 7489, 3.1.1). Returns nil for any other address.
local function mail_domain(address, ask)
  local domain = address:match("@([^@]+)$")
  while domain do
    if next(ask(DOMAIN, domain)) then return domain end
    domain = domain:match("^[^.]+%.(.+)$")
  end
end

-- Returns the tokens of a header (RFC 5322, 3.2) without blanks and comments: {kind, text}. The kind is "quoted",
-- "atom", or the special character itself. Rspamd's own parser does not support groups and "quoted"@example.org.
local function tokens_of(field)
  local tokens, at = {}, 1
  local function add(kind, text, following)
    table.insert(tokens, {kind = kind, text = text})
    at = following
  end
  while at <= #field do
    local sign = field:sub(at, at)
    local _, blanks = field:find("^%s+", at)
    if blanks then
      at = blanks + 1
    elseif sign == "(" then
      local _, last = field:gsub("\\.", "\\_"):find("^%b()", at)
      at = (last or #field) + 1
    elseif sign == '"' then
      local _, last = field:gsub("\\.", "\\_"):find('^"[^"]*"?', at)
      add("quoted", field:sub(at + 1, last):gsub('"$', ""):gsub("\\(.)", "%1"), last + 1)
    elseif sign:find("[<>,;:@]") then
      add(sign, sign, at + 1)
    else
      local _, last = field:find('^[^%s()"<>,;:@]+', at)
      add("atom", field:sub(at, last or at), (last or at) + 1)
    end
  end
  return tokens
end

-- Returns all addresses that a mail program may find in a header, in lower case: also those in groups and those before
-- an address in angle brackets, but not a route (RFC 5322, 4.4).
local function addresses_in(field)
  local found, tokens = {}, tokens_of(field)
  for number, token in ipairs(tokens) do
    local before, after = tokens[number - 1], tokens[number + 1]
    local named = before and (before.kind == "atom" or before.kind == "quoted")
    if token.kind == "@" and named and after and after.kind == "atom" then
      table.insert(found, (before.text .. "@" .. after.text):lower())
    end
  end
  return found
end

-- Returns the values of all headers of a name, as they are in the message.
local function fields(task, name)
  local values = {}
  for _, header in ipairs(task:get_header_full(name) or {}) do
    table.insert(values, header.value or "")
  end
  return values
end

-- Returns the text as one line of printable ASCII, for an SMTP reply.
local function said(text)
  return text:gsub("[^%g]+", " "):sub(1, 200)
end

-- Returns the first of the addresses that the login does not own.
local function not_owned(addresses, login, ask)
  for _, address in ipairs(addresses) do
    if not owners_of(address, ask)[login] then return address end
  end
end

-- Returns whether the login resends a stranger's message (RFC 5322, 3.6.6; "bounce" in mutt, "redirect" in Apple Mail).
-- The author must not have an address of this host, or anybody could write in the name of others here.
local function resends(task, login, authors, ask)
  local resenders = addresses_in(fields(task, "Resent-From")[1] or "")
  for _, author in ipairs(authors) do
    if mail_domain(author, ask) and not owners_of(author, ask)[login] then return false end
  end
  return #resenders > 0 and not not_owned(resenders, login, ask)
end

-- Returns what is wrong with the From header of a message from this login, or "".
local function fault(task, login, ask)
  local written = fields(task, "From")
  -- Postfix has added a From header if there was none. It marks those that were there (submission-headers).
  if #written ~= 1 or not task:get_header("X-Smallmail-From") then
    return "The message needs one From header with an address"
  end
  local authors = addresses_in(written[1])
  if #authors == 0 then return "The From header " .. said(written[1]) .. " has no address" end
  local stranger = not_owned(authors, login, ask)
  if stranger and not resends(task, login, authors, ask) then
    return "From address " .. said(stranger) .. " does not belong to login " .. login
  end
  return ""
end

-- With milters, Postfix silently cuts each header, also of MIME parts, after 60,000 bytes, or up to 6,000 bytes before
-- that at the end of a line. A header with more than 54,000 bytes may have been cut.
local LONGEST = 54000

-- Returns the name of the first header that is too long, or nil.
local function too_long_in(headers)
  local name, size = "", 0
  for line in tostring(headers or ""):gmatch("[^\n]+\n?") do
    if not line:find("^[ \t]") then name, size = line:match("^[^:]*"), 0 end
    size = size + #line
    if size > LONGEST then return name end
  end
end

local function too_long(task)
  local found = too_long_in(task:get_raw_headers())
  for _, part in ipairs(task:get_parts() or {}) do
    -- Rspamd 1.8 does not have this method.
    found = found or part.get_raw_headers and too_long_in(part:get_raw_headers())
  end
  return found
end

-- Headers that a message may have only once (RFC 5322, 3.6). With two of them, our signatures are wrong for others.
local ONCE = {"Date", "Sender", "Reply-To", "To", "Cc", "Message-ID", "In-Reply-To", "References", "Subject"}
-- Rspamd's canonicalization treats a form feed as a blank, and before 3.13.1 a body of blanks is not empty to it. Other
-- verifiers follow RFC 6376, 3.4.2 and 3.4.4: for them such a signature is wrong.
local FORM_FEED = regexp.create("/\\x0c/")
local BLANKS = regexp.create("/^\\s*[ \\t]\\s*$/")

-- Returns why the signature of a message would be wrong for others, or "".
local function unsignable(task)
  for _, name in ipairs(ONCE) do
    local count = #fields(task, name)
    if count > 1 then return "The message has " .. count .. " " .. name .. " headers, and may have one" end
  end
  if FORM_FEED:match(task:get_content()) then
    return "The message has a form feed, which must be encoded as quoted-printable or base64"
  end
  if BLANKS:match(task:get_rawbody()) then return "The message has a body of blanks, which must be empty" end
  return ""
end

-- Returns whether a message has a recipient outside this host's domains and names.
local OWN = {}
for name in ("localhost localhost.localdomain localhost.mail.example.org"):gmatch("%S+") do OWN[name] = true end
local function leaves(task, ask)
  for _, recipient in ipairs(task:get_recipients("smtp") or {}) do
    local domain = (recipient.domain or ""):lower()
    if domain ~= "" and not OWN[domain] and not next(ask(DOMAIN, domain)) then return true end
  end
  return false
end

-- Chooses the domain of the signature: the author's, else that of Resent-From (dkim_signing.conf).
local function choose_domain(task, ask)
  local authors = addresses_in(fields(task, "From")[1] or "")
  local resenders = addresses_in(fields(task, "Resent-From")[1] or "")
  local domain = mail_domain(authors[1] or "", ask) or mail_domain(resenders[1] or "", ask)
  task:get_mempool():set_variable("smallmail_domain", domain or (authors[1] or ""):match("@(.*)$") or "")
end

-- Returns whether a message comes from a login or from a program on this host.
local function is_ours(task)
  local ip = task:get_from_ip()
  return task:get_user() or ip and ip:is_valid() and ip:is_local()
end

-- What UNIX users of this host may send without a login. Postfix tells who it is (main.cf, local-headers): the first
-- X-Smallmail-Uid is its own. Mail of this host without it is Postfix's (bounces).
ffi.cdef [[
struct passwd {char *pw_name; char *pw_passwd; unsigned int pw_uid;};
struct passwd *getpwnam(const char *name);
struct passwd *getpwuid(unsigned int uid);
]]
local ROOT = 0
-- Whose mail may have a sender in the mail domains: the setting local-senders. "" is any user.
local LOCAL_SENDERS = {
  {user = "www-data", sender = "shop@example.org"},
  {user = "", sender = "@example.net"},
}
local PEOPLE = {"From", "Sender", "Resent-From", "Resent-Sender"}

-- Returns the number of the UNIX user who has handed in a message; nil if it is not known.
local function uid_of(task)
  return tonumber((fields(task, "X-Smallmail-Uid")[1] or ""):match("^%s*(%d+)%s*$"))
end

local function name_of(uid)
  local found = uid and ffi.C.getpwuid(uid)
  return found ~= nil and ffi.string(found.pw_name) or uid and tostring(uid) or ""
end

-- Returns whether Dovecot, as the user vmail, hands over what a user's Sieve script sends.
local function is_by_sieve(task)
  local vmail = ffi.C.getpwnam("vmail")
  return not task:get_user() and vmail ~= nil and uid_of(task) == vmail.pw_uid
end

-- Returns the envelope sender with its tag, which Rspamd removes from it (EMAIL_PLUS_ALIASES). "orig" is what came; old
-- versions do not know the word.
local function envelope_sender(task)
  local is_known, found = pcall(task.get_from, task, {"smtp", "orig"})
  found = is_known and found or task:get_from("smtp") or {}
  return ((found[1] or {}).addr or ""):lower()
end

-- Returns whether somebody else wrote what Dovecot hands over: a script redirects it, and it leaves as it came. Dovecot
-- adds the header, but a vacation notice (":mime") may have it, too: that has the mailbox as envelope sender.
local function is_redirected(task)
  local sender = envelope_sender(task)
  return is_by_sieve(task) and (sender == "" or sender:find("+forwarded@", 1, true))
      and task:get_header("X-Sieve-Redirected-From")
end

-- Returns the mailbox whose script has written a message: it is the envelope sender of a vacation notice, which no script
-- can choose. Dovecot writes the others by itself.
local function script_owner(task)
  local sender = is_by_sieve(task) and not is_redirected(task) and envelope_sender(task) or ""
  return sender ~= "" and sender:gsub("^([^+@]+)%+[^@]*@", "%1@") or nil
end

-- Returns all addresses that a mail program may show as the sender.
local function people_in(task)
  local found = {}
  for _, name in ipairs(PEOPLE) do
    for _, field in ipairs(fields(task, name)) do
      for _, address in ipairs(addresses_in(field)) do table.insert(found, address) end
    end
  end
  return found
end

-- Returns what is wrong with a message that a script has written, or "".
local function fault_of_script(task, owner, ask)
  local stranger = not_owned(people_in(task), owner, ask)
  if stranger then return "The sender " .. said(stranger) .. " does not belong to " .. said(owner) end
  return #fields(task, "From") == 1 and "" or "The message needs one From header"
end

-- Returns whether a UNIX user may send by an address: one outside of the mail domains, one of the host's own names, a role
-- of the host, or one that the administrator gives.
local function is_given(address, user, ask)
  local local_part, domain = address:gsub("%.+$", ""):match("^(.+)@([^@]+)$")
  if not local_part or OWN[domain] or not mail_domain("@" .. domain, ask) then return true end
  local plain = local_part:gsub("(.)%+.*", "%1")
  if (plain == "root" or plain == "postmaster") and next(ask(DOMAIN, domain)) then return true end
  for _, given in ipairs(LOCAL_SENDERS) do
    local fits = given.sender == "@" .. domain or given.sender == local_part .. "@" .. domain or given.sender == plain .. "@" .. domain
    if fits and (given.user == "" or given.user == user) then return true end
  end
  return false
end

-- Returns what is wrong with a message from a UNIX user (nil: not known), or "". Root may send by any address.
local function fault_of_program(task, uid, ask)
  if uid == ROOT then return "" end
  local user, senders = name_of(uid), people_in(task)
  table.insert(senders, envelope_sender(task))
  for _, address in ipairs(senders) do
    if not is_given(address, user, ask) then
      return (user == "" and "Programs on this host" or "The UNIX user " .. said(user)) .. " may not send as "
          .. said(address) .. ": see local-senders in smallmail.conf(5)"
    end
  end
  return ""
end

-- Returns the envelope sender that a message gets, or nil. A vacation notice has none (RFC 5230, 5.6). Of a message by
-- sendmail(1) that is refused, root is told, and not the address that the program gave.
local function other_sender(task, is_refused)
  if is_refused then
    local user = name_of(uid_of(task))
    return "<root" .. (user:find("^[%w_.-]+$") and "+" .. user or "") .. "@example.org>"
  end
  return script_owner(task) and "<>" or nil
end

-- Returns whether a program of this host has connected to an address of its network card. For others it is a stranger,
-- but SPF passes. (proc(5), and if_inet6 of the kernel)
local function comes_from_itself(task)
  local ip = task:get_from_ip()
  if not ip or not ip:is_valid() then return false end
  local file, pattern = "fib_trie", "|%-%- " .. ip:to_string():gsub("%.", "%%.") .. "\n%s+/32 host LOCAL"
  if ip:get_version() == 6 then
    file, pattern = "if_inet6", ""
    for _, byte in ipairs(ip:to_table()) do pattern = pattern .. ("%02x"):format(byte) end
  end
  local addresses = io.open("/proc/self/net/" .. file)
  local found = addresses and ("\n" .. addresses:read("*a")):find(pattern)
  if addresses then addresses:close() end
  return found ~= nil
end

-- Chooses the domain that seals a message from outside (arc.conf): the mail domain of the first recipient that has one.
-- A message that cannot be signed is not sealed either.
local function choose_seal(task)
  if unsignable(task) ~= "" then return end
  task:get_mempool():set_variable("smallmail_seal", with_accounts(function(ask)
    for _, recipient in ipairs(task:get_recipients("smtp") or {}) do
      local domain = mail_domain((recipient.addr or ""):lower(), ask)
      if domain then return domain end
    end
    return ""
  end))
end

-- Returns the headers that are removed from a message of ours.
local function removed_from(task, login)
  -- Postfix does not remove Bcc from mail on port 25, which programs on this host may use, too.
  local names = {["X-Smallmail-From"] = 0, ["X-Smallmail-Uid"] = 0, Bcc = 0, ["Resent-Bcc"] = 0}
  -- Mail programs believe the results in this host's name, so no user may write them (RFC 8601, 5).
  for _, value in ipairs(login and fields(task, "Authentication-Results") or {}) do
    local server = tokens_of(value)[1]
    if server and server.text:lower() == "mail.example.org" then names["Authentication-Results"] = 0 end
  end
  return names
end

-- Returns what is wrong with the senders that a message of ours names, or "".
local function fault_of_sender(task, login, ask)
  if login then return fault(task, login, ask) end
  if not is_by_sieve(task) then return fault_of_program(task, uid_of(task), ask) end
  local owner = script_owner(task)
  return owner and fault_of_script(task, owner, ask) or ""
end

-- Returns why a message is refused, or "".
local function objection(task, login)
  local long = too_long(task)
  if long then return "The header " .. said(long) .. " is too long: more than " .. LONGEST .. " bytes" end
  if not is_ours(task) then pcall(choose_seal, task) end
  if comes_from_itself(task) and not is_ours(task) then
    return with_accounts(function(ask) return fault_of_program(task, nil, ask) end)
  end
  if not is_ours(task) or is_redirected(task) then return "" end
  local bounce = envelope_sender(task) == ""
  return with_accounts(function(ask)
    choose_domain(task, ask)
    local wrong = fault_of_sender(task, login, ask)
    if wrong == "" and not bounce and leaves(task, ask) then wrong = unsignable(task) end
    return wrong
  end)
end

rspamd_config:register_symbol({
  name = "SMALLMAIL_FROM",
  type = "prefilter",
  priority = 10,
  callback = function(task)
    local login = task:get_user()
    local done, message = pcall(objection, task, login and login:lower())
    if not done then
      logger.errx(task, "%s: %s", DATABASE, message)
      task:set_pre_result("soft reject", "Temporary failure, try again later")
    elseif message ~= "" then
      task:set_pre_result("reject", message)
      if is_ours(task) and not login then task:set_milter_reply({change_from = other_sender(task, true)}) end
    elseif is_ours(task) then
      local removed = is_redirected(task) and {["X-Smallmail-Uid"] = 0} or removed_from(task, login)
      task:set_milter_reply({remove_headers = removed, change_from = not login and other_sender(task, false) or nil})
    end
  end,
})

-- Spam is not forwarded (Postfix's forwarded-headers). Marks what somebody here has a copy of, so that postmaster need not
-- have one. The marks that a stranger wrote do not count.
local function mark_copy(task)
  local marks = {remove_headers = {["X-Smallmail-Copy"] = 0, ["X-Smallmail-Filed"] = 0, ["X-Smallmail-Uid"] = 0}}
  if task:get_metric_action("default") == "add header" and with_accounts(function(ask)
    for _, recipient in ipairs(task:get_recipients("smtp") or {}) do
      if next(owners_of((recipient.addr or ""):lower(), ask)) then return true end
    end
    return "nobody"
  end) == true then
    marks.add_headers = {["X-Smallmail-Copy"] = {order = 1, value = "yes"}}
  end
  task:set_milter_reply(marks)
end

rspamd_config:register_symbol({
  name = "SMALLMAIL_COPY",
  type = "postfilter",
  callback = function(task)
    if is_ours(task) then return end
    local done, message = pcall(mark_copy, task)
    if not done then logger.errx(task, "%s: %s", DATABASE, message) end
  end,
})
