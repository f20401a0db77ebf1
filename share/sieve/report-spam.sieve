# Run by Dovecot (RFC 6785) on a message that was moved or copied to Junk.
require ["vnd.dovecot.pipe", "copy", "imapsieve"];

pipe :copy "teach" ["spam"];
