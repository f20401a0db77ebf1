# Files a message once in the inbox. Postfix delivers what is addressed to anna@ and to anna+tag@ twice, so that a user's
# script can file each by its tag (RFC 5233). This script runs after the user's, if that one leaves the message in the
# inbox. Both deliveries have the same Received header of Postfix, below that of Dovecot. It has "for" if the message
# had one recipient only, and then there is nothing to compare (RFC 7352).
require ["duplicate", "index", "variables"];

if header :index 2 :contains "Received" "for <" {
    stop;
}
if header :index 2 :matches "Received" "*" {
    if duplicate :handle "once" :uniqueid "${1}" :seconds 86400 {
        discard;
    }
}
