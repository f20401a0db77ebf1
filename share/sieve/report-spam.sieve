# Dovecot runs this script when a user moves or copies a message to Junk (RFC 6785).
require ["vnd.dovecot.pipe", "copy", "imapsieve"];

pipe :copy "teach" ["spam"];
