# Files what Rspamd calls spam (its milter adds the header) into Junk. Being done with that, the user's own
# script is not run: `fileinto` cancels the implicit keep (RFC 5228 2.10.2).
require ["fileinto"];

if header :is "X-Spam" "Yes" {
    fileinto "Junk";
}
