# Dovecot runs this script when a user moves or copies a message to Junk or to a folder below it (RFC 6785). A message
# that comes from there is known to be spam: it teaches nothing new.
require ["vnd.dovecot.pipe", "copy", "imapsieve", "environment", "ihave"];

if not environment :matches "imap.mailbox" ["Junk", "Junk.*", "Junk/*"] {
    stop;
}
if ihave "vnd.dovecot.imapsieve" {
    if environment :matches "vnd.dovecot.mailbox-from" ["Junk", "Junk.*", "Junk/*"] {
        stop;
    }
}
# The text of spam is short. (libexec/sieve/teach queues the messages.)
if not size :over 1M {
    pipe :copy "teach" ["spam"];
}
