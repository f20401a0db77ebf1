# Files spam into Junk; Rspamd's milter adds the header. The user's own script does not run for it, because `fileinto`
# cancels the implicit keep (RFC 5228, 2.10.2). Of a message to several +tags, one copy is filed (once.sieve).
require ["duplicate", "fileinto", "index", "variables"];

if header :is "X-Spam" "Yes" {
    if header :index 2 :matches "Received" "*" {
        if duplicate :handle "junk" :uniqueid "${1}" :seconds 86400 {
            discard;
            stop;
        }
    }
    fileinto "Junk";
}
