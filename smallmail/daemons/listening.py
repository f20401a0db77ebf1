"""What was carried out of larger files: see the names below."""
from smallmail.machine.probes import Port

PORTS = [
    Port(25, "postfix", False, b"220", b"QUIT\r\n"),
    Port(465, "postfix", True, b"220", b"QUIT\r\n"),
    Port(587, "postfix", False, b"220", b"QUIT\r\n"),
    Port(993, "dovecot", True, b"* OK", b"x LOGOUT\r\n"),
    Port(11334, "rspamd", False, b"", b""),
]
