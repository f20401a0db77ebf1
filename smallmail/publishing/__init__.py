"""Publishing: set our records in DNS by dynamic update (RFC 2136), if the admin has given us a key for that.

name_servers.py reads which server takes the updates of a zone, and with which key. published.py remembers each record
that smallmail has set: only those are changed or deleted later, and what others wrote stays. dns_plan.py compares what
is wanted, what exists and what is ours, and plans the changes; serves.py tells whether records of others do the work of
ours. update.py talks to one name server. session.py puts it together, in this order: find the zones of the names, read
their records, plan, send, wait until all name servers show the changes.

publish.py has the two functions for the rooms dkim and tls: put() and withdraw(). `smallmail dns publish`
(commands/publish.py) uses session.py itself, because it shows the plan and asks before it sends anything. Only
update.py and session.py load dnspython; any command may import the other modules.

For example, to publish the record of a new key, if that is set up:

    if publish.may_update(host, record.name):
        publish.put(host, [record])
"""
