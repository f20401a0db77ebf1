# Files what comes to the sender address of forwarded mail into the inbox: notices that it was not delivered. The user's
# own script does not run for them. It would redirect them to the same place, and they would be lost.
require ["envelope", "subaddress", "fileinto"];

if allof (envelope :detail :is "to" "forwarded", not header :is "X-Spam" "Yes") {
    fileinto "INBOX";
}
