# Files spam into Junk; Rspamd's milter adds the header. The user's own script does not run for it, because `fileinto`
# cancels the implicit keep (RFC 5228, 2.10.2).
require ["fileinto"];

if header :is "X-Spam" "Yes" {
    fileinto "Junk";
}
