# mode 644 root:root
-- What a message must fulfil before it is signed. The From address that recipients see must belong to the login, as
-- Postfix demands of the envelope sender. Both use the same query (/etc/postfix/smallmail/sender-logins.cf). A message
-- that would be changed on its way, or whose signature would be wrong, is refused.
-- This does not use rspamd_sqlite3, which opens databases for writing and in WAL mode.
local ffi = require "ffi"
local logger = require "rspamd_logger"
local regexp = require "rspamd_regexp"
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

local author = (function()
-- The author whom people see: one grammar of the From header, for mail of this host's users and for mail from outside. It
-- is RFC 5322's "mailbox" without what programs read in different ways, so that a mail program shows the address that
-- was judged, or none. Plain Lua 5.1: tests/unit/test_author.py runs it as it is, on each form of tests/support/authors.py.
local author = {}

-- Longer ones hide the address behind blanks, or keep parsers busy.
local LONGEST = 2000
-- Other character sets hide an ASCII character from those who do not know them (UTF-7, UTF-16, EBCDIC).
local CHARSETS = {"^us%-ascii$", "^utf%-?8$", "^iso[-_]?8859", "^iso%-2022%-", "^windows%-", "^cp125", "^cp8", "^koi8",
                  "^gb", "^big5", "^shift[-_]?jis$", "^euc%-", "^ks_c", "^tis%-620", "^macintosh$", "^x%-mac"}
local ENCODED = "=%?([%w%-_:.+]+)%*?[%w%-]*%?([BbQq])%?([^?]*)%?="
-- Characters that look like ASCII ones, show nothing, or become others (Unicode's compatibility mappings, which IDNA2008
-- does not allow in names): ranges of code points.
local LOOKALIKES = { 0x80, 0xB6, 0xB8, 0xBF, 0x2000, 0x218F, 0x2460, 0x24FF, 0x3000, 0x3004, 0x3008, 0x3020, 0x3200, 0x33FF,
                     0xD800, 0xFB4F, 0xFE00, 0xFE6F, 0xFEFF, 0xFFFF, 0x1D400, 0x1D7FF, 0x1F100, 0x1F2FF, 0xE0000, 0x10FFFF }

-- Returns the text with each UTF-8 character that is not ASCII replaced by what `change` returns for its code point.
local function each_character(text, change)
  local function at(lead, tail)
    local code = lead:byte() % (lead < "\224" and 32 or lead < "\240" and 16 or 8)
    for byte in tail:gmatch(".") do code = code * 64 + byte:byte() % 64 end
    return change(code, lead .. tail)
  end
  for _, form in ipairs({"([\194-\223])([\128-\191])", "([\224-\239])([\128-\191][\128-\191])",
                         "([\240-\244])([\128-\191][\128-\191][\128-\191])"}) do
    text = text:gsub(form, at)
  end
  return text
end

local function is_utf8(text)
  return not each_character(text, function() return "_" end):find("[\128-\255]")
end

local function has_lookalike(text)
  local found = false
  each_character(text, function(code)
    for number = 1, #LOOKALIKES, 2 do
      found = found or code >= LOOKALIKES[number] and code <= LOOKALIKES[number + 1]
    end
  end)
  return found
end

-- Returns the bytes of a base64 text, as far as it is one.
local BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local function from_base64(text)
  local bits, count, bytes = 0, 0, {}
  for sign in text:gmatch("[%w+/]") do
    bits, count = bits % 4096 * 64 + BASE64:find(sign, 1, true) - 1, count + 6
    if count >= 8 then
      count = count - 8
      table.insert(bytes, string.char(math.floor(bits / 2 ^ count) % 256))
    end
  end
  return table.concat(bytes)
end

-- Returns a text with its encoded words decoded (RFC 2047), or nil and what is wrong with them.
local function decoded(text)
  local fault
  -- Blanks between encoded words are not shown.
  text = text:gsub("(=%?[^?]*%?[BbQq]%?[^?]*%?=)%s+(=%?)", "%1%2"):gsub("(=%?[^?]*%?[BbQq]%?[^?]*%?=)%s+(=%?)", "%1%2")
  text = text:gsub(ENCODED, function(charset, encoding, word)
    charset = charset:lower()
    local known = false
    for _, form in ipairs(CHARSETS) do known = known or charset:find(form) end
    if not known then fault = "has a name in a character set that many mail programs do not know" end
    if encoding:upper() == "B" then
      word = from_base64(word)
    else
      word = word:gsub("_", " "):gsub("=(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end)
    end
    return charset:find("^iso%-2022") and word:gsub("\27[%(%$][%(%)]?[@-Z]", ""):gsub("[\14\15]", "") or word
  end)
  if fault then return nil, fault end
  if text:find("%c") then fault = "has a control character in its name" end
  -- U+202D and U+202E show what follows from right to left.
  if text:find("\226\128[\173\174]") then fault = "has a name that is shown from right to left" end
  return not fault and text or nil, fault
end

-- How a token begins, and what it is: a function of the field and the place. Returns kind, text and the next place, or
-- nil and what is wrong.
local function quoted(field, at)
  local _, last = field:gsub("\\.", "__"):find('^"[^"]*"', at)
  if not last then return nil, "has a quote that does not end" end
  return "q", field:sub(at + 1, last - 1):gsub("\\(.)", "%1"), last + 1
end

local function comment(field, at)
  local _, last = field:find("^%b()", at)
  if not last then return nil, "has a comment that does not end" end
  local text = field:sub(at + 1, last - 1)
  -- Thunderbird looks for quotes, brackets and encoded words in comments, too.
  local rest = text:gsub("%[[^%[%]]*%]", ""):gsub(ENCODED, "")
  if rest:find('["<>\\%[%]]') or rest:find("=?", 1, true) then
    return nil, "has a comment that mail programs read in different ways"
  end
  return "c", text, last + 1
end

local function atom(field, at)
  local _, last = field:find('^=%?[%w%-_*:.+]+%?[BbQq]%?[^?<>@()"\\;:]*%?=', at)
  if field:sub(at, at + 1) == "=?" and not last then return nil, "has an encoded word that is not complete" end
  if not last then
    _, last = field:find('^[^%s()<>@,;:"\\%[%]]+', at)
    local word = last and field:find("=?", at + 1, true)
    if word and word <= last then last = word - 1 end
  end
  return last and "a", last and field:sub(at, last) or "has a backslash outside quotes", last and last + 1
end

local function bracket(field, at)
  local _, last = field:find('^%[[^%[%]()<>@,;:"\\]*%]', at)
  if not last then return nil, "has a bracket outside quotes" end
  return "a", field:sub(at, last), last + 1
end

local BEGINNINGS = {['"'] = quoted, ["("] = comment, ["["] = bracket, ["]"] = bracket, [")"] = comment}

-- Returns the tokens of a header without blanks: {kind, text, spaced}; `spaced` tells whether blanks are before it. The
-- kind is "a" (atom), "q" (quoted), "c" (comment) or the special character itself. Returns nil and what is wrong.
local function tokens_of(field)
  local tokens, at = {}, 1
  while true do
    local start = field:find("%S", at)
    if not start then return tokens end
    local sign = field:sub(start, start)
    local kind, text, following = sign, sign, start + 1
    if not sign:find("[<>@,;:]") then kind, text, following = (BEGINNINGS[sign] or atom)(field, start) end
    if not kind then return nil, text end
    table.insert(tokens, {kind = kind, text = text, spaced = start > at})
    at = following
  end
end

-- Returns the address whose "@" is the token of this number, or nil and what is wrong with it.
local function address_at(tokens, number)
  local user, domain = tokens[number - 1], tokens[number + 1]
  local local_part = user.kind == "q" and "^[%w!#$%%&'*+/=?^_`{|}~. \128-\255-]+$" or "^[%w!#$%%&'*+/=?^_`{|}~.\128-\255-]+$"
  if tokens[number].spaced or domain.spaced or not user.text:find(local_part) then
    return nil, "has an address with blanks or special characters in it"
  elseif not ("." .. domain.text):gsub("%.[%w_\128-\255-]+", ""):find("^$") then
    return nil, "has an address without the name of a domain"
  end
  local address = user.text .. "@" .. domain.text
  if address:find("=?", 1, true) then
    return nil, "has an encoded word in its address"
  elseif not is_utf8(address) or has_lookalike(address) then
    return nil, "has a character in its address that looks like another one"
  end
  return {address = address:lower(), domain = domain.text:lower()}
end

-- What is wrong with a header whose tokens have this shape: the first that fits. All others have no address.
local FAULTS = {
  {"<@", "has a route in its address"},
  {"[:;]", "has a group of addresses"},
  {"^[acq,]*,[acq,]*<[aq]@a>c*$", "has a comma outside quotes in its name"},
  {"^[^<>,]*@[^,]*<", "has an @ outside quotes in its name"},
  {"@.*@", "has more than one address"},
  {">.*@", "has more than one address"},
  {"@", "is not a name with an address in angle brackets"},
  {"", "has no address"},
}

-- Returns the number of the token "@" of the address, or nil and what is wrong with the order of the tokens.
local function place_of_address(shape, has_encoded)
  -- A comma makes two authors of a name for many programs, but no other address; except with encoded words for Python.
  if shape:find("^c*[aq]@ac*$") or shape:find("^[acq]*<[aq]@a>c*$") or shape:find("^c*[aq]@ac*<[aq]@a>c*$")
      or shape:find("^[a,]*<[aq]@a>$") and not has_encoded then
    return (shape:find("@[^@]*$"))
  end
  for _, fault in ipairs(FAULTS) do
    if shape:find(fault[1]) then return nil, fault[2] end
  end
end

-- Returns what people see beside the address.
local function name_in(tokens, number)
  local bracketed, words = tokens[number - 2] and tokens[number - 2].kind == "<", {}
  for place, token in ipairs(tokens) do
    local is_name = bracketed and place < number - 2 or token.kind == "c"
    if is_name then table.insert(words, (token.spaced and " " or "") .. token.text) end
  end
  return table.concat(words)
end

-- Returns the values of all headers of a name in the raw headers of a message, as they are.
function author.fields(headers, name)
  local values, current = {}, nil
  for line in (headers .. "\n"):gmatch("(.-)\n") do
    local field, value = line:match("^([^:%s]+)[ \t]*:(.*)$")
    if line:find("^[ \t]") and current then
      values[current] = values[current] .. "\n" .. line
    else
      current = field and field:lower() == name:lower() and #values + 1 or nil
      if current then values[current] = value end
    end
  end
  return values
end

-- Reads a From header. Returns its author: {address, domain, name, unquoted}, in lower case but for the name; `unquoted`
-- is true if the name has a comma or a bracket outside quotes: old programs write that, and others then show a part of
-- the name as an author without an address. Returns nil and what is wrong, to be said after "The From header".
function author.read(field)
  if #field > LONGEST then return nil, "is longer than " .. LONGEST .. " bytes" end
  field = field:gsub("\r?\n([ \t])", "%1"):gsub("\r?\n?$", ""):gsub("\t", " ")
  if field:find("%c") then return nil, "has a control character" end
  -- In some character sets, a backslash is the second byte of a character.
  if field:find("\\", 1, true) and not is_utf8(field) then return nil, "has a backslash, and is not UTF-8" end
  local tokens, fault = tokens_of(field)
  if not tokens then return nil, fault end
  local shape = ""
  for _, token in ipairs(tokens) do shape = shape .. token.kind end
  local place, found, first
  place, fault = place_of_address(shape, field:find("=?", 1, true))
  if not place then return nil, fault end
  found, fault = address_at(tokens, place)
  if not found then return nil, fault end
  if shape:find("@.*@") then first, fault = address_at(tokens, (shape:find("@", 1, true))) end
  if fault or first and first.address ~= found.address then return nil, "has an @ outside quotes in its name" end
  found.name, fault = decoded(name_in(tokens, place))
  for _, token in ipairs(tokens) do
    found.unquoted = found.unquoted or token.kind == "," or token.kind == "a" and token.text:find("[%[%],]")
  end
  return not fault and found or nil, fault
end

-- Returns the addresses that a name has in it, in lower case.
function author.addresses_in(name)
  local plain = each_character(name:lower(), function(code, as_it_is)
    if code == 0xFF20 or code == 0xFE6B then return "@" end
    if code == 0xFF0E or code == 0x3002 then return "." end
    local invisible = code == 0xAD or code >= 0x200B and code <= 0x200F or code >= 0x202A and code <= 0x202E
        or code >= 0x2060 and code <= 0x206F or code == 0xFEFF
    return invisible and "" or as_it_is
  end)
  local found = {}
  for user, domain in plain:gmatch('([^%s"\'<>()%[%],;:@]+)%s*@%s*([%w\128-\255_-]+%.[%w.\128-\255_-]+)') do
    table.insert(found, user .. "@" .. domain:gsub("%.+$", ""))
  end
  return found
end

return author
end)()

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
  return text:gsub("[^%g]+", " "):match("^ ?(.-) ?$"):sub(1, 200)
end

-- Reads the only header of this name. Returns the same as author.read, and nil if there is none or more than one.
local function person_in(task, name)
  local written = author.fields(tostring(task:get_raw_headers() or ""), name)
  if #written ~= 1 then return nil, "The message needs one " .. name .. " header with an address" end
  local found, fault = author.read(written[1])
  return found, fault and "The " .. name .. " header " .. said(written[1]) .. " " .. fault
end

-- Returns whether the login resends a stranger's message (RFC 5322, 3.6.6; "bounce" in mutt, "redirect" in Apple Mail).
-- The author must not have an address of this host, or anybody could write in the name of others here.
local function resends(task, login, address, ask)
  local resender = person_in(task, "Resent-From")
  return resender and owners_of(resender.address, ask)[login] and not mail_domain(address, ask)
end

-- Returns what is wrong with the Sender header of a message from this login, or "". Outlook shows it before From.
local function sender_fault(task, login, ask)
  if #fields(task, "Sender") == 0 then return "" end
  local found, wrong = person_in(task, "Sender")
  if not found then return wrong end
  if owners_of(found.address, ask)[login] then return "" end
  return "Sender address " .. said(found.address) .. " does not belong to login " .. login
end

-- Returns what is wrong with the From header of a message of ours, or "". No login: a program on this host wrote it.
local function fault(task, login, ask)
  local found, wrong = person_in(task, "From")
  -- Postfix has added a From header if there was none. It marks those that were there (submission-headers).
  if login and not task:get_header("X-Smallmail-From") then
    return "The message needs one From header with an address"
  elseif not found then
    return wrong
  elseif found.unquoted then
    return "The name in the From header has a comma or a bracket, so it must be in quotes"
  elseif not login or resends(task, login, found.address, ask) then
    return ""
  elseif not owners_of(found.address, ask)[login] then
    return "From address " .. said(found.address) .. " does not belong to login " .. login
  end
  return sender_fault(task, login, ask)
end

-- Returns why people may see another author of a message from outside than Rspamd judges, or "".
local function doubt(task)
  local found, wrong = person_in(task, "From")
  if not found then return wrong end
  local judged = task:get_from("mime") or {}
  if #judged == 1 and (judged[1].domain or ""):lower() == found.domain then return "" end
  return "Rspamd reads another address in the From header"
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

local NOBODY = {address = "", domain = ""}
-- Chooses the domain of the signature: the author's, else that of Resent-From (dkim_signing.conf).
local function choose_domain(task, ask)
  local writer, resender = person_in(task, "From") or NOBODY, person_in(task, "Resent-From") or NOBODY
  local domain = mail_domain(writer.address, ask) or mail_domain(resender.address, ask)
  task:get_mempool():set_variable("smallmail_domain", domain or writer.domain)
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

-- Returns all addresses that a mail program may show as the sender, or nil and what is wrong with a header.
local function people_in(task)
  local people = {}
  for _, name in ipairs(PEOPLE) do
    for _, field in ipairs(author.fields(tostring(task:get_raw_headers() or ""), name)) do
      local found, wrong = author.read(field)
      if not found then return nil, "The " .. name .. " header " .. said(field):gsub("^ ", "") .. " " .. wrong end
      table.insert(people, found.address)
    end
  end
  return people
end

-- Returns what is wrong with a message that a script has written, or "".
local function fault_of_script(task, owner, ask)
  local people, wrong = people_in(task)
  for _, address in ipairs(people or {}) do
    if not owners_of(address, ask)[owner] then
      return "The sender " .. said(address) .. " does not belong to " .. said(owner)
    end
  end
  return wrong or #fields(task, "From") == 1 and "" or "The message needs one From header"
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
  local senders, wrong = people_in(task)
  if not senders then return wrong end
  local user = name_of(uid)
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
    local server = value:gsub("\\.", "__"):gsub("%b()", " "):match('^%s*"?([^%s;"]+)') or ""
    if server:lower() == "mail.example.org" then names["Authentication-Results"] = 0 end
  end
  return names
end

-- Returns what is wrong with the senders that a message of ours names, or "".
local function fault_of_sender(task, login, ask)
  if is_by_sieve(task) then
    local owner = script_owner(task)
    return owner and fault_of_script(task, owner, ask) or ""
  end
  local wrong = fault(task, login, ask)
  return wrong == "" and not login and fault_of_program(task, uid_of(task), ask) or wrong
end

-- Returns why a message is refused, or "".
local function objection(task, login)
  local long = too_long(task)
  if long then return "The header " .. said(long) .. " is too long: more than " .. LONGEST .. " bytes" end
  if not is_ours(task) then pcall(choose_seal, task) end
  if not is_ours(task) or is_redirected(task) then task:get_mempool():set_variable("smallmail_doubt", doubt(task)) end
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

-- What a message may cost. A process of Rspamd reads a whole message at once, and its other clients wait meanwhile. 100,000
-- empty MIME parts (1 MB) take 4 s, and 30,000 messages, each attached to the one before (1 MB), more than a minute.
-- Connection filters run before Rspamd reads the message. The figures are from tests/attacks.
local PARTS = 10000            -- lines that begin as a boundary does: 0.5 s. Rspamd 4.1.5 has the same limit
local MESSAGES = 1000          -- attached messages
local READ_AGAIN = 400000000   -- bytes. Rspamd reads the rest again for each message in another: 0.2 GB/s
local FIELDS = 1000            -- header fields
local HEADERS = 262144         -- bytes of the header, and of the headers of all parts together
local INNER_HEADERS = 4194304  -- bytes of the headers of all attached messages together: 0.2 s for a million
local CONTENT = 1048576        -- bytes. A megabyte of text takes up to a second. SpamAssassin's spamc stops at 500 KB
local ENCODED = 65536          -- bytes that may be in encoded attached messages

local boundary = regexp.create("/^--./m")
local field = regexp.create("/^[!-9;-~]+[ \\t]*:/m")
local attached = regexp.create("/^content-type[ \\t]*:\\s*+\"?message\\//im")
-- The same for string.find(), which tells where.
local ATTACHED = "\n" .. ("content%-type"):gsub("%a", function(letter)
  return "[" .. letter .. letter:upper() .. "]"
end) .. "[ \t]*:%s*\"?[mM][eE][sS][sS][aA][gG][eE]/"

-- Returns where the header ends that has something at this place: after its empty line.
local function header_end(text, at)
  local _, last = text:find("\n\r?\n", at)
  return (last or #text) + 1
end

-- Returns how many bytes the headers of parts have together.
local function part_headers(text)
  local bytes, at = 0, text:find("\n--", 1, true)
  while at do
    local ending = header_end(text, at)
    bytes, at = bytes + ending - at, text:find("\n--", ending - 2, true)
  end
  return bytes
end

-- Returns how many bytes the headers of attached messages have together.
local function attached_headers(text)
  local bytes, at = 0, text:find(ATTACHED)
  while at do
    local start = header_end(text, at)
    bytes, at = bytes + header_end(text, start) - start, text:find(ATTACHED, start - 2)
  end
  return bytes
end

-- Returns whether an attached message is encoded. That is forbidden (RFC 2046, 5.2.1) and hides what is in it. Rspamd also
-- decodes what is not declared.
local function is_encoded(text)
  local before, at = 1, text:find(ATTACHED)
  while at do
    local start = text:sub(before, at):match(".*\n\r?\n()") or 1
    local ending = header_end(text, at)
    local encoding = text:sub(before + start - 1, ending):lower():match("\ncontent%-transfer%-encoding[ \t]*:%s*(%w+)")
    local plain = ({["7bit"] = true, ["8bit"] = true, binary = true})[encoding or "7bit"]
    if not plain or not text:find("^%s*[!-9;-~]+[ \t]*:", ending) then return true end
    before, at = ending - 2, text:find(ATTACHED, ending - 2)
  end
  return false
end

-- Returns why a message costs too much to be read, or nil, and whether somebody may have written such a message in good
-- faith.
local function too_costly(content)
  local parts = boundary:matchn(content, PARTS + 1, true)
  if parts > PARTS then return "more than " .. PARTS .. " parts" end
  local messages = attached:matchn(content, MESSAGES + 1, true)
  if messages > MESSAGES then return "more than " .. MESSAGES .. " attached messages" end
  local head = content:span(1, math.min(#content, HEADERS + 1)):str()
  head = head:sub(1, header_end(head, 1) - 1)
  if #head > HEADERS then return "a header of more than " .. HEADERS .. " bytes" end
  if field:matchn(head, FIELDS + 1, true) > FIELDS then return "more than " .. FIELDS .. " header fields" end
  if parts + messages == 0 or #content <= ENCODED then return end
  local text = content:str()
  if part_headers(text) > HEADERS * 4 then return "too long headers of parts" end
  if messages > 0 and attached_headers(text) > INNER_HEADERS then return "long headers of attached messages", true end
  if messages * #content > READ_AGAIN then return "many attached messages", true end
  if messages > 0 and is_encoded(text) then return "an encoded attached message", true end
end

rspamd_config:register_symbol({
  name = "SMALLMAIL_COST",
  type = "connfilter",
  callback = function(task)
    local content = task:get_content()
    local done, why, honest = pcall(too_costly, content)
    if not done then
      logger.errx(task, "cannot tell what the message costs: %s", why)
    elseif why and not (honest and is_ours(task)) then
      -- Nothing of it is judged. What may be honest is filed as spam.
      task:set_pre_result(honest and "add header" or "reject", "The message has " .. why)
      task:set_flag("skip")
    elseif #content > CONTENT then
      -- Sender, headers, signatures and attachments are judged, text is not.
      task:set_flag("skip_process")
    end
  end,
})

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

-- Returns the domains whose DMARC policy may hold for one: it, and those above it with two labels or more.
local function domain_and_above(domain)
  local names = {}
  while domain and domain:find(".", 1, true) and #names < 5 do
    table.insert(names, domain)
    domain = domain:match("^[^.]+%.(.+)$")
  end
  return names
end

-- Many mail programs show the name alone. A name with an address in it is not believed if that address is one of this
-- host, or if its domain asks to refuse what it has not sent (DMARC). Mailing lists write "joe@example.org via List" for
-- authors without a name; that is taken for an address elsewhere, not for one of this host.
local function judge_name(task)
  local found = person_in(task, "From")
  local function heard(domain, records)
    for _, record in ipairs(records or {}) do
      local policy = (record:lower():match("^v=dmarc1(.*)$") or ""):match("[;%s]p%s*=%s*(%a+)")
      if policy == "reject" or policy == "quarantine" then
        task:get_mempool():set_variable("smallmail_doubt", "The name has an address at " .. domain .. ", which is not the author's")
      end
    end
  end
  local by_list = found and found.name:lower():find("%svia%s") and task:get_header("List-Id")
  for number, address in ipairs(found and author.addresses_in(found.name) or {}) do
    local domain = address:match("@(.*)$")
    if number > 5 or util.get_tld(domain) == util.get_tld(found.domain) then
      logger.debugm("smallmail", task, "%s is the author's domain, or one of too many", domain)
    elseif with_accounts(function(ask) return mail_domain(address, ask) or "" end) ~= "" then
      task:get_mempool():set_variable("smallmail_doubt", "The name has an address of this host")
    elseif not by_list then
      for _, name in ipairs(domain_and_above(domain)) do
        task:get_resolver():resolve_txt({task = task, name = "_dmarc." .. name, forced = true,
                                         callback = function(_, _, records) heard(domain, records) end})
      end
    end
  end
end

rspamd_config:register_symbol({
  name = "SMALLMAIL_NAME",
  type = "callback",
  callback = function(task)
    if is_ours(task) then return end
    local done, message = pcall(judge_name, task)
    if not done then logger.errx(task, "name of the author: %s", message) end
  end,
})

-- Files a message as spam, as DMARC does (dmarc.conf), if people may see another author than the one that was judged.
local function file_doubtful(task)
  local why = task:get_mempool():get_variable("smallmail_doubt") or ""
  if why == "" or task:get_metric_action("default") == "reject" then return end
  task:set_pre_result("add header", why, "smallmail", nil, nil, "least")
end

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
    file_doubtful(task)
    if is_ours(task) then return end
    local done, message = pcall(mark_copy, task)
    if not done then logger.errx(task, "%s: %s", DATABASE, message) end
  end,
})
