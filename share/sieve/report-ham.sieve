# Dovecot runs this script when a user moves or copies a message to the inbox or the archive (RFC 6785). If it comes from
# Junk or a folder below it, it is wanted.
#
# Moves from Junk to any other folder teach nothing, because that may be a bin: many mail programs make one of their own,
# whose name depends on their language and whose special use (RFC 6154) they do not tell.
require ["vnd.dovecot.pipe", "copy", "imapsieve", "environment", "ihave"];

if ihave "vnd.dovecot.imapsieve" {
    if not environment :matches "vnd.dovecot.mailbox-from" ["Junk", "Junk.*", "Junk/*"] {
        stop;
    }
}
if not size :over 1M {
    pipe :copy "teach" ["ham"];
}
