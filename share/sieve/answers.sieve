# Keeps vacation notices from answering messages that do not name the user (RFC 5230, 4.5), before the user's own script
# runs. Dovecot's own check is off, because it knows one address of each mailbox only. This script gets all of them, the
# aliases as well, as a regular expression from the user database.
#
# Dovecot answers a message once, whichever script says so, and never a sender who is one of the :addresses. So this
# notice is never sent, and takes the place of the user's. A message that the user's script rejects is then discarded
# without an answer.
#
# Dovecot itself never answers bounces, mailing lists, automatic messages, and the same sender twice (RFC 5230, 4.6).
require ["vacation", "variables", "environment", "vnd.dovecot.environment", "envelope", "regex"];

if envelope :matches "from" "?*" {
    if not anyof (
        address :regex ["To", "Cc", "Bcc", "Resent-To", "Resent-Cc", "Resent-Bcc"]
            "^(${env.vnd.dovecot.config.addresses})$",
        exists "List-Id", exists "List-Post", exists "List-Unsubscribe", exists "Auto-Submitted", exists "Precedence",
        exists "X-Auto-Response-Suppress"
    ) {
        vacation :handle "smallmail" :addresses "${0}" "This is never sent.";
    }
}
