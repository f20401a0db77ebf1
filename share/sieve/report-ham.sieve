# Run by Dovecot (RFC 6785) on a message that was moved or copied out of Junk. To throw it away is no praise.
require ["vnd.dovecot.pipe", "copy", "imapsieve", "environment", "variables"];

if environment :matches "imap.mailbox" "*" {
    set "mailbox" "${1}";
}
if string :is "${mailbox}" ["Trash", "Deleted Items", "Deleted Messages"] {
    stop;
}
pipe :copy "teach" ["ham"];
