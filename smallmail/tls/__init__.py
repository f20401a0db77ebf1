"""TLS: the certificate that Postfix and Dovecot use, its key, and the TLSA records that tell other servers of the key.

certificate.py keeps the certificate at one path, whether it comes from Let's Encrypt, from the admin's own files or
from openssl (self-signed). obtain.py asks for a certificate when it is due and lets the daemons use a new one;
certbot.py builds certbot's command line and translates its errors. tlsa.py remembers which TLSA records (DANE, RFC
7672) the name servers show, and rollover.py keeps a certificate with another key waiting until they show its record.
served.py compares the certificate in the file to those that the daemons show.

configuration/prepare.py calls certificate.ensured() at each apply. The timer calls obtain.follow() every few minutes,
certbot's hook obtain.deploy() after a renewal, and `smallmail certificate renew` obtain.obtain(). In each of these the
order is: ask certbot, copy the certificate (ensure), wait for DNS (rollover.obstacle), switch the link, reload the
daemons, look at what they show (served.elsewhere), tidy up (rollover.clean_up).

For example, when the certificate in use expires:

    print(served.on_disk(host).until)
"""
