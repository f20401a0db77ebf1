# Dovecot runs this script when a user moves or copies a message out of Junk (RFC 6785). A message that goes from Junk
# to Trash is still spam.
require ["vnd.dovecot.pipe", "copy", "imapsieve", "environment"];

if environment :matches "imap.mailbox" ["Trash", "Trash.*", "Deleted Items", "Deleted Messages", "Junk.*"] {
    stop;
}
pipe :copy "teach" ["ham"];
