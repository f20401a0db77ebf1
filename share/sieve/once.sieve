# Files a message once in the inbox. Postfix delivers what is addressed to anna@ and to anna+tag@ twice, so that a
# user's script can file each copy by its tag (RFC 5233). This script runs after the user's, if that one leaves the
# message in the inbox. The copies of a message, and no others, have the same Received header of Postfix, below that of
# Dovecot. (RFC 7352; Postfix makes one delivery at a time to a mailbox.)
require ["duplicate", "envelope", "index", "variables"];

# With one recipient there is nothing to compare, unless that is an alias.
if header :index 2 :matches "Received" "*for <*>*" {
    if envelope :is "to" "${2}" {
        stop;
    }
}
if header :index 2 :matches "Received" "*" {
    if duplicate :handle "once" :uniqueid "${1}" :seconds 86400 {
        discard;
    }
}
