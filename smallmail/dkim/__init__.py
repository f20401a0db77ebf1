"""DKIM: the keys that sign outgoing mail (RFC 6376), from the day they are made to the day they are deleted.

keys.py knows which keys exist and what each is for now: NEXT, SIGNING or OLD. key_list.py is the text of their list,
checked. key_format.py makes a key with openssl and converts it to what Rspamd reads and to what DNS has. former.py
moves keys out of the folder where they were up to 0.3.0. signing.py tells Rspamd which keys to sign with, and proves
with a letter that it does. rotation.py takes keys through their three stages.

configuration/prepare.py calls keys.ensure() for all mail domains at each apply; the commands that add and remove a
domain call keys.ensure() and keys.retire(). `smallmail dkim rotate` calls rotation.begin() and rotation.go_on(), and a
timer calls go_on() every few minutes. Stage one makes the next keys. Stage two lets Rspamd sign with them, when all
name servers of the domain show their records. Stage three deletes the former keys, two weeks after Rspamd stopped using
them. `smallmail check` reads rotation.findings(), and wanted_records.py reads keys.records().

For example, the records that DNS must have today:

    for domain, records in keys.records_by_domain(host, time.time()).items():
        print(domain, [record.name for record in records])
"""
