# Run by Dovecot (RFC 6785) on a message that was moved or copied out of Junk. To throw it away is no
# praise.
require ["vnd.dovecot.pipe", "copy", "imapsieve", "environment"];

if environment :matches "imap.mailbox" ["Trash", "Trash.*", "Deleted Items", "Deleted Messages", "Junk.*"] {
    stop;
}
pipe :copy "teach" ["ham"];
